//! `pith keyset diff`: what the draft changes.

use std::io::Write as _;

use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use clap::Args;
use serde::Serialize;

use super::next::{Next, NextArgs, Shown};

/// Show what a draft changes from the keyset in force, and its digest
#[derive(Debug, Args)]
pub struct DiffArgs {
    #[command(flatten)]
    next: NextArgs,
}

#[derive(Serialize)]
struct Diff {
    schema_version: &'static str,
    #[serde(flatten)]
    shown: Shown,
}

pub fn run(args: DiffArgs, context: &Context) -> Result<Exit, Failure> {
    let next = Next::read(&args.next, context)?;
    print(next.shown(), context)?;
    Ok(Exit::Done)
}

/// Prints what a version changes.
pub fn print(shown: Shown, context: &Context) -> Result<(), Failure> {
    if context.json() {
        return output::json(&Diff {
            schema_version: JSON_SCHEMA,
            shown,
        });
    }
    let mut out = output::stdout();
    out.write_all(shown.text().as_bytes())?;
    Ok(out.flush()?)
}
