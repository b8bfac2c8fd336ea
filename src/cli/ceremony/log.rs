//! `pith ceremony log`: a remark, somebody's presence, or that a torn line was put aside.

use clap::Args;

use super::recording;
use crate::ceremony::{Remark, RemarkKind};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::recording::Manner;
use crate::cli::withheld::looks_secret;

/// Add a remark to the transcript, or that somebody is there
#[derive(Debug, Args)]
pub struct LogArgs {
    /// What was seen or said
    #[arg(required_unless_present_any = ["witness", "repair"], value_name = "TEXT")]
    text: Option<String>,

    /// Somebody who is there, by name or label
    #[arg(long, value_name = "NAME", conflicts_with = "text")]
    witness: Option<String>,

    /// Put a last line that a crash cut off aside, and record that
    #[arg(long, conflicts_with_all = ["text", "witness"])]
    repair: bool,
}

/// The longest remark, in bytes.
const LONGEST: usize = 4000;

impl LogArgs {
    pub fn manner(&self) -> Manner {
        if self.repair {
            Manner::Repairs
        } else {
            Manner::Recorded
        }
    }
}

pub fn run(args: LogArgs, context: &Context) -> Result<Exit, Failure> {
    let recording = recording(context)?;
    if args.repair {
        recording.repair(context)?;
        return Ok(Exit::Done);
    }
    let (kind, text) = match (args.witness, args.text) {
        (Some(name), _) => (RemarkKind::Witness, name),
        (None, text) => (RemarkKind::Remark, text.unwrap_or_default()),
    };
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        let problem = format!("a remark is 1 to {LONGEST} bytes long");
        return Err(Failure::new(Exit::Usage, problem)
            .hint("say it in a sentence; several are better than a long one"));
    }
    if looks_secret(text) {
        return Err(Failure::new(
            Exit::Usage,
            "that looks like a secret, and a transcript is published",
        )
        .hint("say what was done, not with what"));
    }
    recording.remark(Remark {
        kind,
        text: text.to_owned(),
    });
    Ok(Exit::Done)
}
