//! `pith event`: what others, and the registry, have to say about a paper.

mod add;
mod list;
mod new;
mod sign;

use clap::{Args, Subcommand};

use super::context::Context;
use super::error::{Exit, Failure};
use crate::event::EventKind;

/// Write, sign, keep and list events about papers
#[derive(Debug, Args)]
pub struct EventArgs {
    #[command(subcommand)]
    verb: EventVerb,
}

#[derive(Debug, Subcommand)]
enum EventVerb {
    New(new::NewArgs),
    Sign(Box<sign::SignArgs>),
    Add(add::AddArgs),
    List(list::ListArgs),
}

pub fn run(args: EventArgs, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        EventVerb::New(args) => new::run(args, context),
        EventVerb::Sign(args) => sign::run(*args, context),
        EventVerb::Add(args) => add::run(args, context),
        EventVerb::List(args) => list::run(args, context),
    }
}

/// A type of event that is written by hand.
fn parse_kind(text: &str) -> Result<EventKind, String> {
    let by_hand = |kind: &EventKind| !kind.registry_only();
    match EventKind::of(text) {
        Some(kind) if by_hand(&kind) => Ok(kind),
        Some(kind) => Err(format!(
            "{kind} is made by the registry alone, when it mints"
        )),
        None => {
            let known = EventKind::ALL.iter().copied().filter(by_hand);
            let known: Vec<_> = known.map(EventKind::as_str).collect();
            Err(format!("there are {}", known.join(", ")))
        }
    }
}
