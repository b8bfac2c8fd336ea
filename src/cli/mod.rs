//! The command line: one file a verb, with its arguments and what it runs.
//!
//! Only here are the clock, randomness, the environment and the terminal.

mod appender;
mod bundle;
mod bundler;
mod ceremony;
mod completions;
mod conformance;
mod context;
mod demo;
mod doctor;
mod documents;
mod env;
pub mod error;
mod event;
mod growing;
mod init;
mod input;
mod key;
mod keyset;
mod ledger;
mod listed;
mod man;
mod merge;
mod mint;
mod mirror;
mod number;
mod output;
mod progress;
mod publish;
mod receipt;
mod record;
mod recording;
pub mod secrets;
mod shards;
mod show;
mod sink;
pub mod terminal;
mod verify;
mod withheld;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::keys;
use context::{Context, Global};
use error::{Exit, Failure};
use recording::{CommandLine, Manner};

/// Mint, sign and verify Pith Numbers: content-addressed identities for arXiv papers.
#[derive(Debug, Parser)]
#[command(
    name = "pith",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 does not verify, 2 usage, 3 some inputs rejected, 4 untrusted key, \
                  5 input or output, 6 key not unlocked, 130 interrupted."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Key(key::KeyArgs),
    Keyset(keyset::KeysetArgs),
    Record(record::RecordArgs),
    Number(number::NumberArgs),
    Mint(mint::MintArgs),
    Show(show::ShowArgs),
    Bundle(bundle::BundleArgs),
    Receipt(receipt::ReceiptArgs),
    Ledger(ledger::LedgerArgs),
    Event(event::EventArgs),
    Merge(merge::MergeArgs),
    Verify(verify::VerifyArgs),
    Conformance(conformance::ConformanceArgs),
    Publish(publish::PublishArgs),
    Ceremony(ceremony::CeremonyArgs),
    Doctor(doctor::DoctorArgs),
    Env(env::EnvArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// The whole command line, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Runs the process's command line.
pub fn main() -> Exit {
    // A file that becomes too large is an error like any other, and not the end of the process.
    let too_large = Arc::new(AtomicBool::new(false));
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, too_large);
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return misunderstood(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error),
    };
    let manner = cli.verb.manner();
    let mut context = match Context::new(cli.global) {
        Ok(context) => context,
        Err(failure) => return failure.report(),
    };
    if let Err(failure) = context.record(CommandLine::of(&matches), manner) {
        return failure.report();
    }
    // What a verb and the libraries under it had in their hands is gone before anything else is done.
    let exit = match keys::apart(|| run(cli.verb, &context)) {
        Ok(exit) => exit,
        Err(failure) => failure.report(),
    };
    context.end_recording(exit)
}

/// A command line that makes no sense is written down too, but for its arguments: what stands in a
/// wrong place may be a secret.
fn misunderstood(error: &clap::Error) -> Exit {
    let exit = usage(error);
    if exit == Exit::Done {
        return exit;
    }
    let Ok(mut context) = Context::new(Global::default()) else {
        return exit;
    };
    match context.record(CommandLine::misunderstood(), Manner::Recorded) {
        Ok(()) => context.end_recording(exit),
        Err(failure) => {
            failure.report();
            exit
        }
    }
}

/// Help and version are data and go to stdout; everything else about usage goes to stderr.
fn usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        let text = error.render().to_string();
        output::message("error", text.trim_start_matches("error: ").trim_end());
        return Exit::Usage;
    }
    // A closed pipe is no reason to fail: whoever asked has seen enough.
    let _ = error.print();
    Exit::Done
}

impl Verb {
    /// Whether an open ceremony has an entry of it.
    fn manner(&self) -> Manner {
        match self {
            Verb::Ceremony(args) => args.manner(),
            _ => Manner::Recorded,
        }
    }
}

fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo(args) => demo::run(args, context),
        Verb::Init(args) => init::run(args, context),
        Verb::Key(args) => key::run(args, context),
        Verb::Keyset(args) => keyset::run(args, context),
        Verb::Record(args) => record::run(args, context),
        Verb::Number(args) => number::run(args, context),
        Verb::Mint(args) => mint::run(args, context),
        Verb::Show(args) => show::run(args, context),
        Verb::Bundle(args) => bundle::run(args, context),
        Verb::Receipt(args) => receipt::run(args, context),
        Verb::Ledger(args) => ledger::run(args, context),
        Verb::Event(args) => event::run(args, context),
        Verb::Merge(args) => merge::run(args, context),
        Verb::Verify(args) => verify::run(args, context),
        Verb::Conformance(args) => conformance::run(args, context),
        Verb::Publish(args) => publish::run(args, context),
        Verb::Ceremony(args) => ceremony::run(args, context),
        Verb::Doctor(args) => doctor::run(args, context),
        Verb::Env(args) => env::run(args, context),
        Verb::Completions(args) => completions::run(args, context),
        Verb::Man(args) => man::run(args, context),
    }
}

/// Arguments of verbs that read metadata.
#[derive(Debug, Args)]
struct InputArgs {
    /// Kaggle snapshot (JSON lines, also zipped), arXivRaw XML, a folder of either, or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<std::path::PathBuf>,

    /// Accept titles and abstracts that are not ASCII (their hashes differ from the registry's)
    #[arg(long)]
    allow_non_ascii: bool,

    /// Write a JSON line for each rejected input to FILE
    #[arg(long, value_name = "FILE")]
    rejects: Option<std::path::PathBuf>,
}
