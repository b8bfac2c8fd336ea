//! `pith ledger`: looking after the ledger.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use crate::bundle::Bundle;
use crate::event::{Event, RECORD_CREATED};
use crate::ledger::{
    BundleSeal, Finding, Issued, Ledger, LedgerError, NewRecord, Stats, Transaction,
};
use crate::mint::Issuer;
use crate::verify::{Policy, Trust, verify_document};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::all_cores;
use super::context::{Context, JSON_SCHEMA};
use super::documents::{DocumentLimits, Documents, Filling};
use super::error::{Exit, Failure};
use super::output;

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
    /// Count records, by year, category and key, and rejected inputs by code
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
        #[command(flatten)]
        limits: DocumentLimits,
    },
}

pub fn run(args: LedgerArgs, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        LedgerVerb::Check => check(context),
        LedgerVerb::Stats => stats(context),
        LedgerVerb::Dump => dump(context),
        LedgerVerb::Backup { file, force } => {
            let home = context.home()?;
            context.check_outputs(Some(&home), &[], &[Some(&file)])?;
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
        LedgerVerb::Rebuild { bundles, limits } => rebuild(&bundles, limits, context),
    }
}

#[derive(Serialize)]
struct StatsObject<'a> {
    schema_version: &'static str,
    #[serde(flatten)]
    stats: &'a Stats,
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
    broken_seals: u64,
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
    let keyset = home.trusted_keys()?;
    let key = keyset.active().next().or(keyset.keys.first());
    let issuer = key
        .map(|entry| Issuer::unsigning(&home.profile, &entry.key, &keyset, &ledger))
        .transpose()?;
    if issuer.is_none() {
        context.warn("this home has no key, so seals of bundles are not checked");
    }
    let seal_holds = |issued: &Issued| {
        let issuer = issuer.as_ref();
        issuer.is_none_or(|issuer| issuer.seal_holds(issued))
    };
    let checked = ledger.check(all_cores(), &seal_holds, &mut tell, &mut |_| {})?;
    let findings = checked.findings;
    if context.json() {
        output::json(&CheckSummary {
            schema_version: JSON_SCHEMA,
            records: checked.records,
            events: checked.events,
            findings,
            broken_seals: checked.broken_seals,
        })?;
    } else {
        let mut out = output::stdout();
        writeln!(
            out,
            "{}, {} checked, {}",
            output::counted(checked.records, "record", "records"),
            output::counted(checked.events, "event", "events"),
            output::counted(findings, "finding", "findings")
        )?;
        out.flush()?;
    }
    if let Some(first) = checked.first_broken_seal {
        let seals = output::counted(checked.broken_seals, "seal", "seals");
        context.warn(&format!(
            "{seals}, of {first} first, not of the bundle as it would be written now"
        ));
        let hint = "was registry.toml or a key's public file changed? `pith bundle --all` seals bundles anew; \
                    else restore the ledger from a backup";
        output::message("hint", hint);
    }
    if findings > 0 {
        let hint = "restore the ledger from a backup, or rebuild it from published bundles";
        output::message("hint", hint);
    }
    match findings + checked.broken_seals {
        0 => Ok(Exit::Done),
        _ => Ok(Exit::Refused),
    }
}

fn stats(context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let stats = context.ledger(&home)?.stats()?;
    if context.json() {
        output::json(&StatsObject {
            schema_version: JSON_SCHEMA,
            stats: &stats,
        })?;
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
    for (code, count) in &stats.rejected {
        writeln!(out, "rejected {code}\t{count}")?;
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

fn rebuild(paths: &[PathBuf], limits: DocumentLimits, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let mut trust = Trust::new();
    trust.add("this home", home.trusted_keys()?);
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
        now: context.now().seconds(),
    };
    let (mut ledger, _lock) = context.locked_ledger_or_new(&home)?;
    let mut counts = Rebuilt {
        schema_version: JSON_SCHEMA,
        ..Rebuilt::default()
    };
    let mut exit = Exit::Done;
    let (mut group, mut filling) = (Vec::new(), Filling::default());
    for document in Documents::open(paths, limits)? {
        let document = match document {
            Ok(document) => document,
            Err(failure) => {
                exit = exit.worst(failure.report());
                continue;
            }
        };
        let report = verify_document(&document.bytes, &policy);
        match (report.decisive(), Bundle::from_slice(&document.bytes)) {
            (Some(check), _) => counts.refuse(&document.place, &check.to_string()),
            (None, Err(_)) => counts.refuse(&document.place, "is sound, but no bundle"),
            (None, Ok(bundle)) => {
                filling.add(document.bytes.len());
                group.push((document.place, bundle));
            }
        }
        if filling.is_full() {
            restore_all(&mut ledger, &mut group, &mut counts)?;
            filling = Filling::default();
        }
    }
    restore_all(&mut ledger, &mut group, &mut counts)?;
    if counts.refused > 0 {
        exit = exit.worst(Exit::Refused);
    }
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

impl Rebuilt {
    fn refuse(&mut self, place: &str, why: &str) {
        self.refused += 1;
        output::message("refused", &format!("{place}: {why}"));
    }
}

fn restore_all(
    ledger: &mut Ledger,
    bundles: &mut Vec<(String, Bundle)>,
    counts: &mut Rebuilt,
) -> Result<(), LedgerError> {
    ledger.group(|group| {
        for (place, bundle) in bundles.drain(..) {
            match restore(group, bundle)? {
                Ok(true) => counts.restored += 1,
                Ok(false) => counts.already_there += 1,
                Err(why) => counts.refuse(&place, &why),
            }
        }
        Ok(())
    })
}

/// Puts what the ledger lacks of a bundle into it; says whether it lacked anything, or why the
/// bundle cannot be reconciled with it.
fn restore(group: &Transaction, bundle: Bundle) -> Result<Result<bool, String>, LedgerError> {
    let number = bundle.pith_number;
    for key in &bundle.public_keys {
        group.put_key(key)?;
    }
    let Some(held) = group.get(number.suffix())? else {
        group.insert(&NewRecord::from(bundle))?;
        return Ok(Ok(true));
    };
    let ids: BTreeSet<_> = held
        .events
        .iter()
        .map(|(_, event)| event.event_id)
        .collect();
    let events = bundle.events.iter();
    let missing: Vec<_> = events
        .filter(|event| !ids.contains(&event.event_id))
        .collect();
    let first_record =
        |event: &&&Event| event.event_type == RECORD_CREATED && event.supersedes.is_empty();
    if let Some(event) = missing.iter().find(first_record) {
        let id = event.event_id;
        return Ok(Err(format!(
            "the ledger has {number} from another event than {id}"
        )));
    }
    for event in &missing {
        group.add_event(&number, event)?;
    }
    let complete = bundle.events.len() == held.events.len() + missing.len();
    if complete && (held.bundle.is_none() || !missing.is_empty()) {
        group.set_seal(&number, &BundleSeal::from(&bundle))?;
    }
    Ok(Ok(!missing.is_empty()))
}
