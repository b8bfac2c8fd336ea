//! `pith number`: Pith Numbers and aliases.

use std::io::Write as _;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::number::{AliasKind, PithNumber, ShortPithNumber, alias_values};
use crate::record::CanonicalRecord;
use clap::Args;
use serde::Serialize;

use super::InputArgs;
use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::input::Papers;
use super::output;

/// Print Pith Numbers and aliases, of metadata or of a digest
#[derive(Debug, Args)]
pub struct NumberArgs {
    /// As for `pith record`
    #[arg(required_unless_present = "digest", value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// The canonical_sha256 of a record, instead of an input
    #[arg(long, value_name = "HEX", conflicts_with = "inputs", requires = "year")]
    digest: Option<Digest>,

    /// The year of the record's submitted_at
    #[arg(long, value_name = "YYYY", requires = "digest", conflicts_with = "inputs", value_parser = clap::value_parser!(u16).range(1..=9999))]
    year: Option<u16>,

    /// Accept titles and abstracts that are not ASCII (their hashes differ from the registry's)
    #[arg(long)]
    allow_non_ascii: bool,
}

#[derive(Serialize)]
struct Line {
    schema_version: &'static str,
    pith_number: PithNumber,
    short_pith_number: ShortPithNumber,
    canonical_sha256: Digest,
    aliases: Vec<Alias>,
}

#[derive(Serialize)]
struct Alias {
    alias_kind: AliasKind,
    alias_value: String,
}

impl Line {
    fn new(
        number: PithNumber,
        canonical_sha256: Digest,
        aliases: Vec<(AliasKind, String)>,
    ) -> Self {
        Line {
            schema_version: JSON_SCHEMA,
            pith_number: number,
            short_pith_number: number.short(),
            canonical_sha256,
            aliases: aliases
                .into_iter()
                .map(|(alias_kind, alias_value)| Alias {
                    alias_kind,
                    alias_value,
                })
                .collect(),
        }
    }

    fn write(&self, out: &mut impl std::io::Write, json: bool) -> std::io::Result<()> {
        if json {
            return output::json_line(out, self);
        }
        let aliases: Vec<_> = self
            .aliases
            .iter()
            .map(|alias| alias.alias_value.as_str())
            .collect();
        writeln!(
            out,
            "{}\t{}\t{}",
            self.pith_number,
            self.short_pith_number,
            aliases.join("\t")
        )
    }
}

/// The names that a number alone gives.
fn short_names(number: &PithNumber) -> Vec<(AliasKind, String)> {
    let suffix = number.suffix().as_str();
    vec![
        (AliasKind::PithShort12, suffix[..12].to_owned()),
        (AliasKind::PithShort16, suffix[..16].to_owned()),
        (AliasKind::PithShort8, suffix[..8].to_owned()),
    ]
}

pub fn run(args: NumberArgs, context: &Context) -> Result<Exit, Failure> {
    let mut out = output::stdout();
    if let (Some(digest), Some(year)) = (args.digest, args.year) {
        let number = PithNumber::new(year, &digest);
        Line::new(number, digest, short_names(&number)).write(&mut out, context.json())?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let input = InputArgs {
        inputs: args.inputs,
        allow_non_ascii: args.allow_non_ascii,
        rejects: None,
    };
    let mut papers = Papers::open(&input, context)?;
    while let Some(paper) = papers.next()? {
        let record = CanonicalRecord::of(&paper);
        let digest = record.digest();
        let number = PithNumber::of(&record, &digest);
        let aliases = alias_values(&record, &number).to_vec();
        Line::new(number, digest, aliases).write(&mut out, context.json())?;
    }
    out.flush()?;
    papers.finish(false)
}
