//! `pith keyset sign`: a custodian approves a draft.

use std::io::Write as _;

use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::key::locate::{KeyName, open_custodian};
use crate::cli::output;
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::cli::terminal::{Terminal, TerminalError, Tty};
use crate::digest::Digest;
use crate::home::{HomeError, edit_draft};
use crate::keys::KeyId;
use crate::keyset::Keyset;
use clap::Args;
use serde::Serialize;

use super::next::{Next, NextArgs, Shown};
use super::refused;

/// Approve a draft as a custodian: shows what it changes and its digest, and wants `Yes`
///
/// Needs no registry home: a custodian may sign the file of a draft, given the keyset that it follows.
#[derive(Debug, Args)]
pub struct SignArgs {
    #[command(flatten)]
    next: NextArgs,

    /// The custodian's key: a sealed key file, or the id of one in the home
    #[arg(long, value_name = "CUSTODIAN")]
    key: KeyName,

    /// Sign without asking if this is the draft's digest
    #[arg(long, value_name = "HEX")]
    yes_digest: Option<Digest>,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Signed {
    schema_version: &'static str,
    #[serde(flatten)]
    shown: Shown,
    signed_by: KeyId,
}

pub fn run(args: SignArgs, context: &Context) -> Result<Exit, Failure> {
    let next = Next::read(&args.next, context)?;
    let faults = next.content_faults();
    if !faults.is_empty() {
        return Err(refused("the draft is not fit to be signed", &faults));
    }
    not_from_the_future(&next.keyset, context)?;
    let shown = next.shown();
    if !context.json() {
        let mut out = output::stdout();
        out.write_all(shown.text().as_bytes())?;
        out.flush()?;
    }
    let digest = next.keyset.digest();
    match args.yes_digest {
        Some(expected) if expected == digest => {}
        Some(expected) => {
            let problem =
                format!("the draft's digest is {digest}, not {expected}: nothing is signed");
            return Err(Failure::new(Exit::Refused, problem).hint(
                "this is another draft than the one that you were told of: ask what changed",
            ));
        }
        None => confirm(&shown, context)?,
    }
    let mut unlocker = Unlocker::new(args.unlock, SecretSources::of_process());
    let (_, private) = open_custodian(context, &args.key, &mut unlocker, "signs no keysets")?;
    let previous = next.chain.as_ref().map(|chain| chain.latest().clone());
    let mut signed_by = None;
    edit_draft(&next.path, |there| {
        // Others may have signed since it was shown, but nobody may have changed what is signed.
        let mut keyset = there
            .filter(|keyset| keyset.digest() == digest)
            .ok_or_else(|| changed(&next))?;
        let signed = keyset.sign(previous.as_ref(), &private);
        signed_by = Some(signed.map_err(|error| {
            Failure::new(Exit::Refused, error.to_string())
                .hint("`pith keyset show --draft` lists the custodians and their keys")
        })?);
        Ok::<_, Failure>(keyset)
    })?;
    drop(private);
    let signed_by = signed_by.expect("the draft was signed, or it was an error");
    context.note(&format!(
        "{signed_by} has signed version {}; signed draft: {}",
        next.keyset.version,
        next.path.display()
    ));
    if context.json() {
        output::json(&Signed {
            schema_version: JSON_SCHEMA,
            shown,
            signed_by,
        })?;
    }
    Ok(Exit::Done)
}

/// Whoever dates a draft ahead could have keys take effect before their waiting time is over.
fn not_from_the_future(keyset: &Keyset, context: &Context) -> Result<(), Failure> {
    let (made, now) = (keyset.created_at, context.now().seconds());
    if made <= now {
        return Ok(());
    }
    let problem = format!("the draft is dated {made}, and the time here is {now}");
    if keyset.rehearsal {
        context.warn(&format!("{problem}; in a rehearsal that may be so"));
        return Ok(());
    }
    Err(
        Failure::new(Exit::Refused, format!("{problem}: nothing is signed"))
            .hint("if this clock is right, whoever made the draft has to make it again"),
    )
}

fn changed(next: &Next) -> Failure {
    let error = HomeError::DraftChanged {
        path: next.path.clone(),
    };
    let problem = format!("{error}: nothing is signed");
    Failure::new(Exit::Refused, problem).hint("look at it again, and ask what changed")
}

/// Has the custodian say `Yes` at the terminal.
fn confirm(shown: &Shown, context: &Context) -> Result<(), Failure> {
    if context.json() {
        // Stdout is for a program then, and whoever says Yes has to have seen this.
        Tty.show(&shown.text());
    }
    let answer = Tty.ask_line("Compare the digest with what others read aloud. Type Yes to sign: ");
    match answer {
        Ok(answer) if answer == "Yes" => Ok(()),
        Ok(_) => Err(Failure::new(
            Exit::Refused,
            "that was not `Yes`: nothing is signed",
        )),
        Err(TerminalError::Absent) => Err(Failure::new(
            Exit::Usage,
            "there is no terminal at which to say Yes",
        )
        .hint("give the digest that was compared: --yes-digest HEX")),
        Err(TerminalError::Cancelled) => Err(Failure::new(
            Exit::Interrupted,
            "cancelled: nothing is signed",
        )),
        Err(error) => Err(Failure::new(
            Exit::Io,
            format!("{error}: nothing is signed"),
        )),
    }
}
