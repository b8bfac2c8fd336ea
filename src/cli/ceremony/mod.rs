//! `pith ceremony`: plan ceremonies, write them down, close and verify them.

mod close;
mod log;
mod plan;
mod show;
mod status;
mod verify;
mod witness;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::context::Context;
use super::error::{Exit, Failure};
use super::recording::{Manner, Recording, nearest_ceremony};
use crate::ceremony::Folder;

pub use verify::{Source, judge, of_path};
pub use witness::known_witnesses;

/// Plan, record, close and verify key ceremonies
#[derive(Debug, Args)]
pub struct CeremonyArgs {
    #[command(subcommand)]
    verb: CeremonyVerb,
}

#[derive(Debug, Subcommand)]
enum CeremonyVerb {
    Plan(plan::PlanArgs),
    Status(status::StatusArgs),
    Log(log::LogArgs),
    Close(close::CloseArgs),
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
}

impl CeremonyArgs {
    /// Whether an open ceremony has an entry of it.
    pub fn manner(&self) -> Manner {
        match &self.verb {
            CeremonyVerb::Status(_) | CeremonyVerb::Show(_) | CeremonyVerb::Verify(_) => {
                Manner::Looks
            }
            CeremonyVerb::Log(args) => args.manner(),
            CeremonyVerb::Plan(_) | CeremonyVerb::Close(_) => Manner::Recorded,
        }
    }
}

pub fn run(args: CeremonyArgs, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        CeremonyVerb::Plan(args) => plan::run(args, context),
        CeremonyVerb::Status(args) => status::run(args, context),
        CeremonyVerb::Log(args) => log::run(args, context),
        CeremonyVerb::Close(args) => close::run(args, context),
        CeremonyVerb::Show(args) => show::run(args, context),
        CeremonyVerb::Verify(args) => verify::run(args, context),
    }
}

fn no_ceremony() -> Failure {
    Failure::new(
        Exit::Usage,
        "no ceremony: neither this folder nor one above it holds ceremony.json",
    )
    .hint("go into its folder, name it with PITH_CEREMONY, or plan one with `pith ceremony plan KIND`")
}

/// The ceremony that is named, or the one that this folder is about.
fn folder(dir: Option<&Path>) -> Result<Folder, Failure> {
    match dir {
        Some(dir) => Ok(Folder::open(dir)?),
        None => nearest_ceremony()?.ok_or_else(no_ceremony),
    }
}

/// The ceremony that is open and being written down.
fn recording(context: &Context) -> Result<&Recording, Failure> {
    match context.recording() {
        Some(recording) => Ok(recording),
        None => Err(match nearest_ceremony()? {
            Some(folder) => closed(&folder),
            None => no_ceremony(),
        }),
    }
}

fn closed(folder: &Folder) -> Failure {
    let dir = folder.dir().display();
    Failure::new(Exit::Refused, format!("the ceremony in {dir} is closed"))
        .hint("what is closed stays so; plan another ceremony")
}

/// The folder of a ceremony, where verbs take one.
#[derive(Debug, Args)]
struct DirArgs {
    /// The ceremony's folder [env: PITH_CEREMONY] [default: the nearest folder upward that holds one]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}
