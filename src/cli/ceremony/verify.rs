//! `pith ceremony verify`: whether a transcript is what was written, and who vouches for it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{folder, known_witnesses};
use crate::ceremony::{Expected, KnownWitness, OPENING_FILE, TRANSCRIPT_FILE, check};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::recording::home_of;
use crate::cli::verify::{report_one, trusted};
use crate::digest::Digest;
use crate::verify::Report;

/// Check a transcript: its chain, its times, what came of it, and who signed it; records nothing
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The ceremony's folder, or its transcript [env: PITH_CEREMONY] [default: the nearest folder
    /// upward that holds one]
    #[arg(value_name = "DIR")]
    path: Option<PathBuf>,

    /// The head that was read aloud
    #[arg(long, value_name = "HEX")]
    expect_head: Option<Digest>,

    /// The count that was read aloud
    #[arg(long, value_name = "N")]
    expect_count: Option<u64>,

    /// The keyset whose custodians may be witnesses, instead of that of the home
    #[arg(long, value_name = "FILE")]
    keyset: Option<PathBuf>,

    /// A custodian's public key file: who may be a witness, besides those of the home's keyset
    /// (repeatable)
    #[arg(long, value_name = "PUBLIC_KEY_FILE")]
    trust: Vec<PathBuf>,
}

pub fn run(args: VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let source = match &args.path {
        Some(path) => of_path(path)?.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("{} is no ceremony", path.display()))
                .hint("name the folder that holds ceremony.json, or its transcript.jsonl")
        })?,
        None => Source {
            transcript: folder(None)?.transcript_path(),
        },
    };
    let expected = Expected {
        count: args.expect_count,
        head: args.expect_head,
    };
    let trust = trusted(args.keyset.as_deref(), &[], context)?;
    let known = known_witnesses(&args.trust, &trust)?;
    let report = judge(&source, expected, &known);
    report_one(&source.transcript.display().to_string(), &report, context)
}

/// A transcript that is to be judged.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its file.
    pub transcript: PathBuf,
}

/// The transcript that a path stands for, if it is a ceremony's folder or a file in one that is told by
/// what is in it.
pub fn of_path(path: &Path) -> Result<Option<Source>, Failure> {
    if path.is_dir() {
        let found = path.join(OPENING_FILE).is_file();
        return Ok(found.then(|| Source {
            transcript: path.join(TRANSCRIPT_FILE),
        }));
    }
    if !path.is_file() {
        return Ok(None);
    }
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| {
        let mut start = BufReader::new(file).take(1 << 16);
        start.read_until(b'\n', &mut first)
    });
    // What cannot be read is said where it is read as a document.
    let Ok(count) = read else { return Ok(None) };
    let empty = count == 0 && path.file_name().is_some_and(|name| name == TRANSCRIPT_FILE);
    let is_transcript = empty || has(&first, "\"entry_type\":\"pith_transcript_entry\"");
    if is_transcript {
        let transcript = path.to_owned();
        return Ok(Some(Source { transcript }));
    }
    let is_opening = path.file_name().is_some_and(|name| name == OPENING_FILE);
    Ok(is_opening.then(|| Source {
        transcript: path.with_file_name(TRANSCRIPT_FILE),
    }))
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Judges a transcript with what is known here.
pub fn judge(source: &Source, expected: Expected, known: &[KnownWitness]) -> Report {
    let home = home_of(crate::files::folder_of(&source.transcript));
    check(&source.transcript, expected, known, home.as_deref())
}
