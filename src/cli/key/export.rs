//! `pith key export-public`: a key's public half, for others.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::locate::{KeyFiles, KeyName};
use crate::canonical::pretty;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::files::{self, Existing};

/// Print a key's public half: the document that others verify with, or PEM for other programs
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The key: its id in the home, or its file ID.age
    #[arg(value_name = "ID|FILE")]
    key: KeyName,

    /// As PEM (SubjectPublicKeyInfo), which openssl reads
    #[arg(long)]
    pem: bool,

    /// Where to
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    out: PathBuf,

    /// Overwrite existing output
    #[arg(long)]
    force: bool,
}

pub fn run(args: ExportArgs, context: &Context) -> Result<Exit, Failure> {
    let half = KeyFiles::locate(context, &args.key)?.public()?;
    let bytes = if args.pem {
        half.key().to_spki_pem().into_bytes()
    } else {
        pretty(&half)
    };
    if args.out.as_os_str() == "-" {
        let mut out = output::stdout();
        out.write_all(&bytes)?;
        out.flush()?;
    } else {
        let home = context.home_if_any()?;
        context.check_outputs(home.as_ref(), &[], &[Some(&args.out)])?;
        let existing = if args.force {
            Existing::Replace
        } else {
            Existing::Keep
        };
        files::write(&args.out, &bytes, existing)?;
        context.note(&format!("public key: {}", args.out.display()));
    }
    Ok(Exit::Done)
}
