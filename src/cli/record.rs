//! `pith record`: canonical records and numbers, without a registry or a key.

use std::io::Write as _;

use crate::canonical;
use crate::digest::Digest;
use crate::number::PithNumber;
use crate::record::CanonicalRecord;
use clap::Args;
use serde::Serialize;

use super::InputArgs;
use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::input::Papers;
use super::output;

/// Print canonical records and numbers as JSON lines; needs no registry and no key
#[derive(Debug, Args)]
pub struct RecordArgs {
    #[command(flatten)]
    input: InputArgs,

    /// Overwrite an existing rejects file
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<&'static str>,
    pith_number: PithNumber,
    canonical_sha256: Digest,
    canonical_record: CanonicalRecord,
    arxiv_version: String,
}

pub fn run(args: RecordArgs, context: &Context) -> Result<Exit, Failure> {
    let outputs = [args.input.rejects.as_deref()];
    let home = context.home_if_any().ok().flatten();
    context.check_outputs(home.as_ref(), &args.input.inputs, &outputs)?;
    let mut papers = Papers::open(&args.input, context)?;
    let mut out = output::stdout();
    while let Some(paper) = papers.next()? {
        let canonical_record = CanonicalRecord::of(&paper);
        let canonical_sha256 = canonical_record.digest();
        let line = Line {
            schema_version: context.json().then_some(JSON_SCHEMA),
            pith_number: PithNumber::of(&canonical_record, &canonical_sha256),
            canonical_sha256,
            arxiv_version: canonical_record.source.arxiv_version(),
            canonical_record,
        };
        let mut bytes = canonical::wire(&line).expect("a record is JSON");
        bytes.push(b'\n');
        out.write_all(&bytes)?;
        if out.closed() {
            break;
        }
    }
    out.flush()?;
    papers.finish(args.force)
}
