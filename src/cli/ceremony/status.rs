//! `pith ceremony status`: what is read aloud.

use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::{DirArgs, folder};
use crate::ceremony::{CeremonyName, Kind};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::digest::Digest;
use crate::words::spoken_head;

/// Print a transcript's count and head, in hexadecimal and in words; records nothing
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    dir: DirArgs,
}

#[derive(Serialize)]
struct Status<'a> {
    schema_version: &'static str,
    ceremony: &'a CeremonyName,
    kind: Kind,
    registry_id: &'a str,
    rehearsal: bool,
    closed: bool,
    count: u64,
    head: Digest,
    head_words: String,
}

pub fn run(args: StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let folder = folder(args.dir.dir.as_deref())?;
    let tip = folder.tip()?;
    let opening = &folder.opening;
    let words = spoken_head(&tip.head);
    if context.json() {
        output::json(&Status {
            schema_version: JSON_SCHEMA,
            ceremony: &opening.name,
            kind: opening.kind,
            registry_id: &opening.registry_id,
            rehearsal: opening.rehearsal,
            closed: tip.closed,
            count: tip.count,
            head: tip.head,
            head_words: words,
        })?;
        return Ok(Exit::Done);
    }
    let mut out = output::stdout();
    if opening.rehearsal {
        writeln!(out, "REHEARSAL")?;
    }
    let state = if tip.closed { "closed" } else { "open" };
    writeln!(out, "ceremony\t{} ({})", opening.name, opening.kind)?;
    writeln!(out, "registry\t{}", opening.registry_id)?;
    writeln!(out, "state\t{state}")?;
    writeln!(out, "count\t{}", tip.count)?;
    writeln!(out, "head\t{}", tip.head)?;
    writeln!(out, "words\t{words}")?;
    out.flush()?;
    Ok(Exit::Done)
}
