//! `pith ceremony show`: the transcript for people.

use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::{DirArgs, folder};
use crate::ceremony::{Templates, render};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::recording::home_of;

/// Print the transcript as Markdown, or its entries as JSON lines; records nothing
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    dir: DirArgs,
}

#[derive(Serialize)]
struct Line<'a> {
    schema_version: &'static str,
    entry: &'a crate::ceremony::Entry,
}

pub fn run(args: ShowArgs, context: &Context) -> Result<Exit, Failure> {
    let folder = folder(args.dir.dir.as_deref())?;
    let transcript = folder.transcript()?;
    let mut out = output::stdout();
    if context.json() {
        for entry in &transcript.entries {
            let line = Line {
                schema_version: JSON_SCHEMA,
                entry,
            };
            output::json_line(&mut out, &line)?;
        }
    } else {
        let templates = home_of(folder.dir())
            .map_or_else(Templates::built_in, |home| Templates::of_home(&home));
        let closing = folder.closing()?;
        let text = render(&folder.opening, &transcript, closing.as_ref(), &templates)?;
        out.write_all(text.as_bytes())?;
    }
    out.flush()?;
    if transcript.torn.is_some() {
        context.warn("the last line was cut off when it was written; `pith ceremony log --repair`");
    }
    Ok(Exit::Done)
}
