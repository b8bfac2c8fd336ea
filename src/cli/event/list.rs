//! `pith event list`: the events of a paper out of the ledger.

use std::io::Write as _;

use clap::Args;

use crate::canonical;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::show::look_up;

/// Print the events that the ledger holds of a record, one a line, in the order in which they came
#[derive(Debug, Args)]
pub struct ListArgs {
    /// A Pith Number, a short one, an alias, an arXiv id or a DOI
    #[arg(value_name = "NUMBER")]
    name: String,

    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
}

pub fn run(args: ListArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let ledger = context.ledger(&home)?;
    let number = look_up(&ledger, &args.name)?;
    let issued = ledger
        .get(number.suffix())?
        .ok_or_else(|| Failure::new(Exit::Io, format!("{number} is no longer in the ledger")))?;
    let mut out = output::stdout();
    let wanted = |event_type: &str| args.event_type.as_ref().is_none_or(|t| t == event_type);
    for (_, event) in issued.events.iter().filter(|(_, e)| wanted(&e.event_type)) {
        let mut line = canonical::wire(event).expect("events hold nothing that JSON cannot");
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
