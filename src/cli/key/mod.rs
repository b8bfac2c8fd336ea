//! `pith key`: private keys and their public halves, of the registry and of custodians.
//!
//! One file a verb; `locate` finds keys and opens them, `store` writes new ones.

use clap::{Args, Subcommand};

use super::context::Context;
use super::error::{Exit, Failure};

mod check;
mod combine;
mod export;
mod generate;
mod import;
mod list;
pub mod locate;
mod open;
mod rewrap;
mod show;
mod split;
mod store;

pub use open::open_signing_key;

/// Make, keep, divide and restore keys
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    verb: KeyVerb,
}

#[derive(Debug, Subcommand)]
enum KeyVerb {
    Generate(generate::GenerateArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Check(check::CheckArgs),
    Rewrap(rewrap::RewrapArgs),
    Split(split::SplitArgs),
    Combine(combine::CombineArgs),
    Import(import::ImportArgs),
    ExportPublic(export::ExportArgs),
}

pub fn run(args: KeyArgs, context: &Context) -> Result<Exit, Failure> {
    context.warn_of_open_keys();
    match args.verb {
        KeyVerb::Generate(args) => generate::run(args, context),
        KeyVerb::List(args) => list::run(args, context),
        KeyVerb::Show(args) => show::run(args, context),
        KeyVerb::Check(args) => check::run(args, context),
        KeyVerb::Rewrap(args) => rewrap::run(args, context),
        KeyVerb::Split(args) => split::run(args, context),
        KeyVerb::Combine(args) => combine::run(args, context),
        KeyVerb::Import(args) => import::run(args, context),
        KeyVerb::ExportPublic(args) => export::run(args, context),
    }
}
