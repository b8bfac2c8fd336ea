//! `pith show`: what the ledger holds under a name.

use std::io::Write as _;

use crate::ledger::{Issued, Ledger};
use crate::number::PithNumber;
use clap::Args;

use super::context::Context;
use super::error::{Exit, Failure};
use super::output::{self, printable};

/// Show what the ledger holds of a record
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A Pith Number, a short one, an alias, an arXiv id or a DOI
    #[arg(value_name = "NUMBER|ALIAS|ARXIV_ID")]
    name: String,
}

/// The one record that `text` names.
pub fn look_up(ledger: &Ledger, text: &str) -> Result<PithNumber, Failure> {
    let found = ledger.find(text)?;
    match found[..] {
        [number] => Ok(number),
        [] => Err(Failure::new(
            Exit::Refused,
            format!("the ledger holds nothing under `{text}`"),
        )
        .hint("names are Pith Numbers, at least 8 characters of one, arXiv ids and DOIs")),
        _ => {
            let mut all = Vec::new();
            for number in &found {
                let issued = ledger.get(number.suffix())?;
                let paper = issued.map(|issued| {
                    format!(
                        " (arXiv:{}v{})",
                        issued.record.source.id, issued.record.source.version
                    )
                });
                all.push(format!("{number}{}", paper.unwrap_or_default()));
            }
            Err(Failure::new(
                Exit::Refused,
                format!("`{text}` names {} records: {}", all.len(), all.join(", ")),
            )
            .hint("give the full number of the one you mean"))
        }
    }
}

pub fn run(args: ShowArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let ledger = context.ledger(&home)?;
    let number = look_up(&ledger, &args.name)?;
    let issued = ledger
        .get(number.suffix())?
        .ok_or_else(|| Failure::new(Exit::Io, format!("{number} is no longer in the ledger")))?;
    let mut out = output::stdout();
    if context.json() {
        issued.write_line(&mut out)?;
    } else {
        text(&issued, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn text(issued: &Issued, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let (record, metadata) = (&issued.record, &issued.record.metadata);
    let mut row = |name: &str, value: &dyn std::fmt::Display| {
        writeln!(out, "{name:<18} {}", printable(&value.to_string()))
    };
    row("pith number", &issued.number)?;
    row("arXiv", &record.source.arxiv_version())?;
    row("canonical_sha256", &record.digest())?;
    row("submitted at", &metadata.submitted_at)?;
    row("primary category", &metadata.primary_cat)?;
    let cross: Vec<_> = metadata
        .cross_cats_sorted
        .as_slice()
        .iter()
        .map(|c| c.as_str())
        .collect();
    row("cross-lists", &cross.join(" "))?;
    row(
        "licence",
        &if metadata.license.is_empty() {
            "none"
        } else {
            &metadata.license
        },
    )?;
    for alias in &issued.aliases {
        row(
            "alias",
            &format_args!("{} (since {})", alias.alias_value, alias.created_at),
        )?;
    }
    for (seq, event) in &issued.events {
        let what = format!(
            "{} {} by {} with {}: {}",
            event.created_at,
            event.event_type,
            event.signer.signer_id,
            event.signer.key_id,
            event.event_id
        );
        row(&format!("event {seq}"), &what)?;
    }
    match &issued.bundle {
        Some(seal) => row(
            "bundle",
            &format_args!("built {} with {}", seal.built_at, seal.key_id),
        ),
        None => row("bundle", &"none sealed yet"),
    }
}
