//! `pith keyset status`: who has signed, and who has what left to do.

use std::io::Write as _;

use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::home::Home;
use crate::keys::KeyId;
use crate::keyset::{Chain, Fault, Keyset, Tally};
use clap::Args;
use serde::Serialize;

/// Say who has signed the draft, and what is left to do
#[derive(Debug, Args)]
pub struct StatusArgs {}

#[derive(Serialize)]
struct Status {
    schema_version: &'static str,
    in_force: Option<InForce>,
    draft: Option<DraftStatus>,
}

#[derive(Serialize)]
struct InForce {
    version: u32,
    digest: String,
    expires_at: String,
    rehearsal: bool,
}

#[derive(Serialize)]
struct DraftStatus {
    version: u32,
    digest: String,
    faults: Vec<Fault>,
    /// Of the custodians of the version in force, then of the draft's own.
    tallies: Vec<Tally>,
    ready: bool,
}

pub fn run(StatusArgs {}: StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let chain = home.chain()?;
    let draft = home.draft()?;
    let draft = draft
        .map(|draft| status_of(&home, chain.as_ref(), &draft, context))
        .transpose()?;
    let status = Status {
        schema_version: JSON_SCHEMA,
        in_force: chain.as_ref().map(|chain| InForce::of(chain.latest())),
        draft,
    };
    if context.json() {
        output::json(&status)?;
        return Ok(Exit::Done);
    }
    let mut out = output::stdout();
    out.write_all(text(&status).as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

impl InForce {
    fn of(keyset: &Keyset) -> Self {
        InForce {
            version: keyset.version,
            digest: keyset.digest().to_string(),
            expires_at: keyset.expires_at.to_string(),
            rehearsal: keyset.rehearsal,
        }
    }
}

fn status_of(
    home: &Home,
    chain: Option<&Chain>,
    draft: &Keyset,
    context: &Context,
) -> Result<DraftStatus, Failure> {
    let previous = chain.map(Chain::latest);
    let now = context.now().seconds();
    let mut faults = home.content_faults(chain, draft, now)?;
    // Missing signatures are in the tallies; what is wrong with those that are there is a fault.
    let tallies: Vec<Tally> = previous
        .into_iter()
        .chain([draft])
        .map(|of| draft.tally(of))
        .collect();
    let of_signatures = draft.signature_faults(previous).into_iter();
    faults.extend(of_signatures.filter(|fault| fault.rule == crate::keyset::Rule::Signature));
    Ok(DraftStatus {
        version: draft.version,
        digest: draft.digest().to_string(),
        ready: faults.is_empty() && tallies.iter().all(Tally::is_met),
        faults,
        tallies,
    })
}

fn text(status: &Status) -> String {
    let mut text = match &status.in_force {
        None => "no keyset is in force: this home is in bootstrap\n".to_owned(),
        Some(keyset) => format!(
            "version {} is in force until {}{}\n",
            keyset.version,
            keyset.expires_at,
            if keyset.rehearsal {
                ", a REHEARSAL"
            } else {
                ""
            }
        ),
    };
    let Some(draft) = &status.draft else {
        text.push_str("there is no draft: nothing is left to do\n");
        return text;
    };
    text.push_str(&tallied(draft));
    for fault in &draft.faults {
        text.push_str(&format!(
            "to be mended: {}\n",
            output::printable(&fault.to_string())
        ));
    }
    if !draft.faults.is_empty() {
        return text;
    }
    let mut told = Vec::new();
    for tally in draft.tallies.iter().filter(|tally| !tally.is_met()) {
        for custodian in &tally.waiting {
            if !told.contains(&custodian) {
                told.push(custodian);
                text.push_str(&format!(
                    "{custodian}: pith keyset sign --key /path/to/{custodian}.age\n"
                ));
            }
        }
    }
    if draft.ready {
        text.push_str("ready: pith keyset publish\n");
    }
    text
}

/// Such as `draft of version 4: signed: custodian-a; 1 more of custodian-b, custodian-c`. Where the
/// custodians change, both versions' have a line of their own.
fn tallied(draft: &DraftStatus) -> String {
    let version = draft.version;
    let mut told: Vec<(u32, String)> = Vec::new();
    for tally in &draft.tallies {
        let progress = progress(tally);
        if told.iter().all(|(_, before)| *before != progress) {
            told.push((tally.version, progress));
        }
    }
    match &told[..] {
        [(_, progress)] => format!("draft of version {version}: {progress}\n"),
        _ => {
            let lines = told.iter().map(|(of, progress)| {
                format!("draft of version {version}, version {of}'s custodians: {progress}\n")
            });
            lines.collect()
        }
    }
}

/// Who has signed, and how many are still to sign of whom.
fn progress(tally: &Tally) -> String {
    let list = |ids: &[KeyId]| {
        let names: Vec<&str> = ids.iter().map(KeyId::as_str).collect();
        names.join(", ")
    };
    let signed = match &tally.signed[..] {
        [] => "nobody".to_owned(),
        signed => list(signed),
    };
    let missing = (tally.threshold as usize).saturating_sub(tally.signed.len());
    if tally.is_met() {
        format!("signed: {signed}; enough")
    } else if tally.waiting.is_empty() {
        format!("signed: {signed}; it has no custodians yet")
    } else {
        format!(
            "signed: {signed}; {missing} more of {}",
            list(&tally.waiting)
        )
    }
}
