//! `pith ledger`: looking after the ledger.

use std::io::Write as _;
use std::path::PathBuf;

use crate::bundle::Bundle;
use crate::ledger::{BundleSeal, Finding, Ledger, LedgerError, NewRecord};
use crate::verify::{Policy, Trust, Verdict, verify_document};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::all_cores;
use super::context::{Context, JSON_SCHEMA};
use super::documents::Documents;
use super::error::{Exit, Failure};
use super::output;
use super::verify::first_fault;

/// Check, count, print, back up and rebuild the ledger
#[derive(Debug, Args)]
pub struct LedgerArgs {
    #[command(subcommand)]
    verb: LedgerVerb,
}

#[derive(Debug, Subcommand)]
enum LedgerVerb {
    /// Recompute every hash and signature in the ledger
    Check,
    /// Count records, by year, category and key
    Stats,
    /// Print everything issued as JSON lines, in the order in which it was issued
    Dump,
    /// Copy the ledger to FILE, consistently, also while it is in use
    Backup {
        /// The copy
        file: PathBuf,
        /// Overwrite an existing file
        #[arg(long)]
        force: bool,
    },
    /// Put what bundles hold back into the ledger; what is there already stays
    Rebuild {
        /// Bundles of this registry: files, JSON lines (also compressed), folders of them
        #[arg(required = true)]
        bundles: Vec<PathBuf>,
    },
}

pub fn run(args: LedgerArgs, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        LedgerVerb::Check => check(context),
        LedgerVerb::Stats => stats(context),
        LedgerVerb::Dump => dump(context),
        LedgerVerb::Backup { file, force } => {
            let home = context.home()?;
            let ledger = context.ledger(&home)?;
            ledger.backup(&file, force)?;
            context.note(&format!("copied the ledger to {}", file.display()));
            if context.json() {
                output::json(&BackedUp {
                    schema_version: JSON_SCHEMA,
                    backup: file.display().to_string(),
                })?;
            }
            Ok(Exit::Done)
        }
        LedgerVerb::Rebuild { bundles } => rebuild(&bundles, context),
    }
}

#[derive(Serialize)]
struct BackedUp {
    schema_version: &'static str,
    backup: String,
}

#[derive(Serialize)]
struct CheckSummary {
    schema_version: &'static str,
    records: u64,
    events: u64,
    findings: u64,
}

fn check(context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let ledger = context.ledger(&home)?;
    let mut tell = |finding: Finding| {
        let place = finding
            .number
            .map_or_else(|| "ledger".to_owned(), |n| n.to_string());
        output::message("damaged", &format!("{place}: {}", finding.message));
    };
    let checked = ledger.check(all_cores(), &mut tell, &mut |_| {})?;
    let findings = checked.findings;
    if context.json() {
        output::json(&CheckSummary {
            schema_version: JSON_SCHEMA,
            records: checked.records,
            events: checked.events,
            findings,
        })?;
    } else {
        let mut out = output::stdout();
        writeln!(
            out,
            "{} records, {} events checked, {findings} findings",
            checked.records, checked.events
        )?;
        out.flush()?;
    }
    if findings == 0 {
        return Ok(Exit::Done);
    }
    output::message(
        "hint",
        "restore the ledger from a backup, or rebuild it from published bundles",
    );
    Ok(Exit::Refused)
}

fn stats(context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let stats = context.ledger(&home)?.stats()?;
    if context.json() {
        output::json(&stats)?;
        return Ok(Exit::Done);
    }
    let mut out = output::stdout();
    for (name, count) in [
        ("records", stats.records),
        ("events", stats.events),
        ("sealed bundles", stats.sealed_bundles),
        ("runs", stats.runs),
    ] {
        writeln!(out, "{name}\t{count}")?;
    }
    for (year, count) in &stats.by_year {
        writeln!(out, "year {year}\t{count}")?;
    }
    for (category, count) in &stats.by_primary_category {
        writeln!(out, "category {category}\t{count}")?;
    }
    for key in &stats.by_key {
        writeln!(
            out,
            "key {} ({})\t{}",
            key.key_id, key.public_key_fingerprint, key.records
        )?;
    }
    writeln!(out, "bytes\t{}", stats.bytes)?;
    out.flush()?;
    Ok(Exit::Done)
}

fn dump(context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let mut out = output::stdout();
    context.ledger(&home)?.dump(&mut out)?;
    out.flush()?;
    Ok(Exit::Done)
}

#[derive(Default, Serialize)]
struct Rebuilt {
    schema_version: &'static str,
    restored: u64,
    already_there: u64,
    refused: u64,
}

/// How many bundles go into one transaction.
const GROUP: usize = 256;

fn rebuild(paths: &[PathBuf], context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let mut trust = Trust::new();
    trust.add("this home", home.keyset()?);
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
    };
    let (mut ledger, _lock) = context.locked_ledger_or_new(&home)?;
    let mut counts = Rebuilt {
        schema_version: JSON_SCHEMA,
        ..Rebuilt::default()
    };
    let mut exit = Exit::Done;
    let mut group: Vec<NewRecord> = Vec::new();
    for document in Documents::open(paths)? {
        let document = document?;
        let report = verify_document(&document.bytes, &policy);
        if report.verdict() != Verdict::Verified {
            counts.refused += 1;
            exit = exit.worst(Exit::Refused);
            output::message(
                "refused",
                &format!("{}: {}", document.place, first_fault(&report)),
            );
            continue;
        }
        let Ok(bundle) = Bundle::from_slice(&document.bytes) else {
            counts.refused += 1;
            exit = exit.worst(Exit::Refused);
            output::message("refused", &format!("{}: not a bundle", document.place));
            continue;
        };
        let number = bundle.pith_number;
        if let Some(held) = ledger.get(number.suffix())? {
            let same = bundle
                .events
                .iter()
                .all(|event| held.events.iter().any(|(_, e)| e == event));
            if same {
                counts.already_there += 1;
            } else {
                counts.refused += 1;
                exit = exit.worst(Exit::Refused);
                let message = format!(
                    "{}: the ledger holds {number} with other events",
                    document.place
                );
                output::message("refused", &message);
            }
            continue;
        }
        if group.iter().any(|new| new.number == number) {
            counts.already_there += 1;
            continue;
        }
        for key in &bundle.public_keys {
            ledger.put_key(key)?;
        }
        group.push(record_of(bundle));
        counts.restored += 1;
        if group.len() == GROUP {
            insert(&mut ledger, &mut group)?;
        }
    }
    insert(&mut ledger, &mut group)?;
    if context.json() {
        output::json(&counts)?;
    } else {
        let Rebuilt {
            restored,
            already_there,
            refused,
            ..
        } = counts;
        context.note(&format!(
            "{restored} restored, {already_there} already there, {refused} refused"
        ));
    }
    Ok(exit)
}

fn record_of(bundle: Bundle) -> NewRecord {
    NewRecord {
        seal: Some(BundleSeal::from(&bundle)),
        record: bundle.canonical_record,
        number: bundle.pith_number,
        aliases: bundle.source_aliases,
        events: bundle.events,
    }
}

fn insert(ledger: &mut Ledger, group: &mut Vec<NewRecord>) -> Result<(), Failure> {
    ledger.group::<_, LedgerError>(|transaction| {
        for new in group.iter() {
            transaction.insert(new)?;
        }
        Ok(())
    })?;
    group.clear();
    Ok(())
}
