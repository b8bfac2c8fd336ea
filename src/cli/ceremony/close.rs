//! `pith ceremony close`: the last entry, what came of it, and the witnesses' signatures.

use clap::Args;
use serde::Serialize;

use super::{no_ceremony, recording};
use crate::ceremony::{
    CeremonyError, CeremonyName, Closing, Folder, RENDERED_FILE, Statement, Templates,
    WitnessSignature, render,
};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::key::locate::{KeyName, open_custodian};
use crate::cli::output;
use crate::cli::recording::{home_of, nearest_ceremony, tell};
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::digest::Digest;
use crate::files::{self, Existing};
use crate::keys::{CustodianKey, PrivateKey, harden};
use crate::words::spoken_head;

/// Close the ceremony: what came of it is listed, and witnesses sign the transcript's head
///
/// Of a closed ceremony nothing changes any more, but that further witnesses may sign.
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// A witness who signs: a custodian's key, as a path to its .age file or by its label in the
    /// home (repeatable)
    #[arg(long, value_name = "KEY")]
    witness: Vec<KeyName>,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Closed<'a> {
    schema_version: &'static str,
    ceremony: &'a CeremonyName,
    rehearsal: bool,
    count: u64,
    head: Digest,
    witnesses: usize,
    products: usize,
}

pub fn run(args: CloseArgs, context: &Context) -> Result<Exit, Failure> {
    let folder = match context.recording() {
        Some(recording) => recording.folder().clone(),
        None => nearest_ceremony()?.ok_or_else(no_ceremony)?,
    };
    let before = folder.closing()?;
    let signed = before.as_ref().map(|closing| closing.witnesses.as_slice());
    let witnesses = open_witnesses(&args, context, signed.unwrap_or_default())?;
    if context.recording().is_none() && witnesses.is_empty() && before.is_some() {
        return Err(super::closed(&folder));
    }
    if context.recording().is_some() {
        close(&folder, context)?;
    }
    let transcript = folder.transcript()?;
    let statement = Statement::of(&folder.opening, &transcript);
    let mut closing = before.unwrap_or_else(|| Closing::new(statement.clone()));
    if closing.statement != statement {
        let problem = "what was signed when the ceremony was closed is not this transcript";
        return Err(Failure::new(Exit::Refused, problem)
            .hint("nobody signs it; `pith ceremony verify` shows what is wrong"));
    }
    for (custodian, private) in witnesses {
        let signature = WitnessSignature::make(&statement, custodian, &private)
            .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
        closing.witnesses.push(signature);
    }
    folder.write_closing(&closing)?;
    let templates =
        home_of(folder.dir()).map_or_else(Templates::built_in, |home| Templates::of_home(&home));
    let text = render(&folder.opening, &transcript, Some(&closing), &templates)?;
    let path = folder.dir().join(RENDERED_FILE);
    files::write(&path, text.as_bytes(), Existing::Replace)?;
    say(&folder, &closing, &transcript, context)
}

/// Adds the entry that closes the ceremony, with what came of it.
fn close(folder: &Folder, context: &Context) -> Result<(), Failure> {
    let recording = recording(context)?;
    let before = folder.transcript()?;
    let products = folder.gather_products(&before.entries, recording.home())?;
    let entry = recording.close(products, context)?;
    tell(&entry, folder, context);
    Ok(())
}

/// Opens all keys before anything is closed: one that does not open stops it.
fn open_witnesses(
    args: &CloseArgs,
    context: &Context,
    signed: &[WitnessSignature],
) -> Result<Vec<(CustodianKey, PrivateKey)>, Failure> {
    if args.witness.is_empty() {
        return Ok(Vec::new());
    }
    harden()?;
    let mut unlocker = Unlocker::new(args.unlock.clone(), SecretSources::of_process());
    let mut witnesses: Vec<(CustodianKey, PrivateKey)> = Vec::new();
    for name in &args.witness {
        let (public, private) = open_custodian(context, name, &mut unlocker, "is no witness")?;
        let twice = witnesses.iter().any(|(other, _)| other.key == public.key);
        if twice || signed.iter().any(|other| other.key.key == public.key) {
            let key_id = public.key_id.to_string();
            return Err(CeremonyError::SignedAlready { key_id }.into());
        }
        witnesses.push((public, private));
    }
    Ok(witnesses)
}

fn say(
    folder: &Folder,
    closing: &Closing,
    transcript: &crate::ceremony::Transcript,
    context: &Context,
) -> Result<Exit, Failure> {
    let Statement { count, head, .. } = closing.statement;
    let last = transcript.entries.last();
    let products = last
        .and_then(|entry| entry.products.as_ref())
        .map_or(0, Vec::len);
    context.note(&format!(
        "closed with {}, {} and {}",
        output::counted(count, "entry", "entries"),
        output::counted(products as u64, "product", "products"),
        output::counted(closing.witnesses.len() as u64, "witness", "witnesses"),
    ));
    context.note(&format!("head {head}"));
    context.note(&format!("in words: {}", spoken_head(&head)));
    if closing.witnesses.is_empty() {
        context.warn("nobody has signed: `pith ceremony close --witness KEY` adds witnesses");
    }
    if context.json() {
        output::json(&Closed {
            schema_version: JSON_SCHEMA,
            ceremony: &folder.opening.name,
            rehearsal: folder.opening.rehearsal,
            count,
            head,
            witnesses: closing.witnesses.len(),
            products,
        })?;
    }
    Ok(Exit::Done)
}
