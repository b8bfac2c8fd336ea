//! `pith event new`: a payload to fill in.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::parse_kind;
use crate::canonical;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::digest::Digest;
use crate::event::{EventKind, TimestampAnchor, schema, skeleton};
use crate::files;
use crate::timestamps::Proof;

/// Print a payload to fill in
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The type of event
    #[arg(value_name = "TYPE", value_parser = parse_kind)]
    kind: EventKind,

    /// Print the JSON Schema of the payload instead
    #[arg(long)]
    schema: bool,

    /// For a timestamp_anchor: fill in everything from this OpenTimestamps proof
    #[arg(long, value_name = "FILE", conflicts_with = "schema")]
    proof: Option<PathBuf>,
}

pub fn run(args: NewArgs, context: &Context) -> Result<Exit, Failure> {
    let text = match &args.proof {
        Some(_) if args.kind != EventKind::TimestampAnchor => {
            let problem = format!("a {} has no proof", args.kind);
            return Err(
                Failure::new(Exit::Usage, problem).hint("--proof goes with timestamp_anchor")
            );
        }
        Some(path) => of_proof(path)?,
        None if args.schema => built_in(schema(args.kind)),
        None => match overriding(args.kind, context)? {
            Some(text) => text,
            None => built_in(skeleton(args.kind)),
        },
    };
    let mut out = output::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

fn built_in(text: Option<&'static str>) -> String {
    text.expect("types without a template are refused when they are parsed")
        .to_owned()
}

/// A home's own skeleton, if it has one.
fn overriding(kind: EventKind, context: &Context) -> Result<Option<String>, Failure> {
    let Some(home) = context.home_if_any()? else {
        return Ok(None);
    };
    let path = home.dir().join(format!("templates/events/{kind}.json"));
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(files::FileError::io("read", &path)(source).into()),
    }
}

fn of_proof(path: &std::path::Path) -> Result<String, Failure> {
    let bytes = files::read(path)?;
    let refused = |message: String| {
        let problem = format!("{}: {message}", path.display());
        Failure::new(Exit::Refused, problem)
            .hint("give the .ots file that was made for the record's canonical_sha256")
    };
    let proof = Proof::read(&bytes).map_err(|error| refused(error.to_string()))?;
    let digest: [u8; 32] = proof
        .digest
        .try_into()
        .map_err(|_| refused("it stamps no SHA-256".to_owned()))?;
    let anchor = TimestampAnchor::of_proof(bytes, Digest::from_bytes(digest))
        .map_err(|error| refused(error.to_string()))?;
    Ok(String::from_utf8(canonical::pretty(&anchor)).expect("JSON is UTF-8"))
}
