//! `pith man`: manual pages, one for each verb.

use std::path::PathBuf;

use crate::files::{self, Existing, FileError};
use clap::Args;

use super::context::Context;
use super::error::{Exit, Failure};

/// Write manual pages into a folder
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder; made if it is not there
    dir: PathBuf,
}

pub fn run(args: ManArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir).map_err(FileError::io("make the folder", dir))?;
    let mut command = super::command();
    command.build();
    let written = write(&command, "pith", dir)?;
    context.note(&format!(
        "wrote {written} manual pages to {}",
        dir.display()
    ));
    Ok(Exit::Done)
}

/// Manual pages can be made again at any time, so older ones are replaced.
fn write(command: &clap::Command, name: &str, dir: &std::path::Path) -> Result<usize, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut page)
        .map_err(FileError::io("write", dir))?;
    files::write(&dir.join(format!("{name}.1")), &page, Existing::Replace)?;
    let mut written = 1;
    for verb in command
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
    {
        written += write(verb, &format!("{name}-{}", verb.get_name()), dir)?;
    }
    Ok(written)
}
