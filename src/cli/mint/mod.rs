//! `pith mint`: issue records for the papers of an input, and write their bundles.

mod args;
mod carry_out;
mod feed;
mod minter;
mod place;
mod resume;
mod run;
mod summary;

use std::path::Path;

use super::context::Context;
use super::error::{Exit, Failure};
use super::sink::Format;
pub use args::MintArgs;
use carry_out::{carry_out, preview};
use run::{open_feed, read_snapshots};

pub fn run(args: MintArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let from_stdin = args
        .input
        .inputs
        .iter()
        .any(|input| input == Path::new("-"));
    if from_stdin && args.unlock.passphrase.reads_stdin() {
        let problem = "the input and the passphrase cannot both come from stdin";
        return Err(
            Failure::new(Exit::Usage, problem).hint("use --passphrase-fd with another descriptor")
        );
    }
    let outputs = [args.bundles.as_deref(), args.input.rejects.as_deref()];
    let mut inputs = args.input.inputs.clone();
    inputs.extend(args.snapshots.clone());
    context.check_outputs(Some(&home), &inputs, &outputs)?;
    if let Some(out) = &args.bundles {
        Format::of(out)?;
    }
    // A name that is wrong is known before anything is done.
    let feed = open_feed(&args, context)?;
    let snapshots = read_snapshots(&args)?;
    if args.dry_run {
        preview(&args, context, &home, feed)
    } else {
        carry_out(&args, context, &home, feed, &snapshots)
    }
}
