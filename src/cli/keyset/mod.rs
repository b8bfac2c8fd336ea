//! `pith keyset`: whose signatures count, decided by custodians, version by version.

mod collect;
mod diff;
mod draft;
mod next;
mod publish;
mod show;
mod sign;
mod status;
mod verify;

use crate::keyset::Fault;
use crate::time::Timestamp;
use clap::{Args, Subcommand};

use super::context::Context;
use super::error::{Exit, Failure};

/// Decide whose signatures count: drafts, custodians' approval, publication
#[derive(Debug, Args)]
pub struct KeysetArgs {
    #[command(subcommand)]
    verb: KeysetVerb,
}

#[derive(Debug, Subcommand)]
enum KeysetVerb {
    Draft(draft::DraftArgs),
    Diff(diff::DiffArgs),
    Sign(sign::SignArgs),
    Collect(collect::CollectArgs),
    Status(status::StatusArgs),
    Publish(publish::PublishArgs),
    Verify(verify::VerifyArgs),
    Show(show::ShowArgs),
}

pub fn run(args: KeysetArgs, context: &Context) -> Result<Exit, Failure> {
    context.warn_of_open_keys();
    match args.verb {
        KeysetVerb::Draft(args) => draft::run(args, context),
        KeysetVerb::Diff(args) => diff::run(args, context),
        KeysetVerb::Sign(args) => sign::run(args, context),
        KeysetVerb::Collect(args) => collect::run(args, context),
        KeysetVerb::Status(args) => status::run(args, context),
        KeysetVerb::Publish(args) => publish::run(args, context),
        KeysetVerb::Verify(args) => verify::run(args, context),
        KeysetVerb::Show(args) => show::run(args, context),
    }
}

/// The time that is written into a keyset: the clock's, or one set by hand in a rehearsal.
fn time_to_write(context: &Context, rehearsal: bool) -> Result<Timestamp, Failure> {
    if let Some((_, source)) = context.fixed_now()
        && !rehearsal
    {
        let problem =
            format!("keyset.rehearsal: {source} sets a time by hand, and this is no rehearsal");
        return Err(Failure::new(Exit::Usage, problem).hint(
            "leave the time to the clock; or rehearse in a home of its own, begun with \
             `pith keyset draft new --rehearsal`",
        ));
    }
    Ok(context.now().seconds())
}

/// The error that faults are, told one a line.
fn refused(what: &str, faults: &[Fault]) -> Failure {
    let mut problem = format!("{what}:");
    for fault in faults {
        problem.push_str(&format!("\n{fault}"));
    }
    let hint = faults.first().map_or("", |fault| fault.rule.remedy());
    Failure::new(Exit::Refused, problem).hint(hint)
}
