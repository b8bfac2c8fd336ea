//! Going through a whole ledger: the file first, then every record, event and signature.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::compact::Origin;
use super::error::LedgerError;
use super::iter::{StoredRecords, on_threads};
use super::rows::{Db, Fault, Page, Stored};
use super::{Issued, Ledger};
use crate::keys::PublicKeyObject;
use crate::number::{PithNumber, alias_values};
use crate::state::{Candidate, KeyTable, merge};

/// Something in a ledger that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The record it concerns, as far as that is known.
    pub number: Option<PithNumber>,
    /// What is wrong.
    pub message: String,
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records gone through.
    pub records: u64,
    /// Events gone through.
    pub events: u64,
    /// Findings reported.
    pub findings: u64,
    /// Seals that are not those of the bundles as they would be written now: of a profile that was
    /// changed all of them, without any damage.
    pub broken_seals: u64,
    /// The first record that has one.
    pub first_broken_seal: Option<PithNumber>,
}

impl Ledger {
    /// Checks the file's structure and references, then recomputes every record's digest, number
    /// and names and merges its events (SPEC 7) under the keys in the ledger, with `jobs` threads.
    ///
    /// A key in the ledger that names no signer is a registry's, and speaks for the registry that
    /// issued the record. Seals cover whole bundles, which hold more than a ledger does: `seal_holds`
    /// says of a record whether its seal is that of its bundle. Seals that do not hold are counted,
    /// and no findings: a profile that was changed breaks all of them.
    ///
    /// `on_finding` gets each finding, `on_progress` how far the check is, every few hundred
    /// records. The records are taken as they are at one moment.
    ///
    /// # Errors
    /// Those that keep the check from going on. Damage is a finding.
    pub fn check(
        &self,
        jobs: NonZeroUsize,
        seal_holds: &(dyn Fn(&Issued) -> bool + Sync),
        on_finding: &mut dyn FnMut(Finding),
        on_progress: &mut dyn FnMut(&Checked),
    ) -> Result<Checked, LedgerError> {
        let mut checked = Checked::default();
        let mut report = |checked: &mut Checked, number, message| {
            checked.findings += 1;
            on_finding(Finding { number, message });
        };
        match self.check_all(jobs, seal_holds, &mut checked, &mut report, on_progress) {
            // What SQLite finds damaged it does not read on from.
            Err(LedgerError::Damaged {
                record, message, ..
            }) => {
                let message = format!("{record} is damaged: {message}; the check ends here");
                report(&mut checked, None, message);
            }
            other => other?,
        }
        Ok(checked)
    }

    fn check_all(
        &self,
        jobs: NonZeroUsize,
        seal_holds: &(dyn Fn(&Issued) -> bool + Sync),
        checked: &mut Checked,
        report: &mut dyn FnMut(&mut Checked, Option<PithNumber>, String),
        on_progress: &mut dyn FnMut(&Checked),
    ) -> Result<(), LedgerError> {
        let db = self.db();
        let _moment = db.snapshot()?;
        for message in db.structure()? {
            report(checked, None, message);
        }
        for message in db.sequence()? {
            report(checked, None, message);
        }
        let (keys, faults) = readable_keys(db)?;
        for message in faults {
            report(checked, None, message);
        }
        let mut tables = Tables::new(&keys);
        for page in StoredRecords::new(db, None) {
            let mut page = page?;
            for (_, stored) in &page {
                if let Ok(stored) = stored {
                    tables.prepare(&stored.origin.signer_id);
                }
            }
            let judged = judge_all(&mut page, jobs, &tables, seal_holds);
            for judgement in judged {
                checked.records += 1;
                checked.events += judgement.events;
                if judgement.seal_broken {
                    checked.broken_seals += 1;
                    checked.first_broken_seal = checked.first_broken_seal.or(judgement.number);
                }
                for message in judgement.faults {
                    report(checked, judgement.number, message);
                }
            }
            on_progress(checked);
        }
        Ok(())
    }
}

/// Key tables by the registry that issued a record: its keys speak for it (SPEC 7).
struct Tables<'a> {
    keys: &'a [PublicKeyObject],
    by_signer: BTreeMap<String, KeyTable>,
}

impl<'a> Tables<'a> {
    fn new(keys: &'a [PublicKeyObject]) -> Self {
        Tables {
            keys,
            by_signer: BTreeMap::new(),
        }
    }

    fn prepare(&mut self, signer_id: &str) {
        if self.by_signer.contains_key(signer_id) {
            return;
        }
        // The ledger has each fingerprint once. In a file damaged enough to have one twice no key
        // is used, and every event is a finding.
        let table = KeyTable::of_published(self.keys, signer_id).unwrap_or_default();
        self.by_signer.insert(signer_id.to_owned(), table);
    }
}

/// What was found in one record.
#[derive(Default)]
struct Judgement {
    number: Option<PithNumber>,
    events: u64,
    seal_broken: bool,
    faults: Vec<Fault>,
}

/// Signatures take nearly all the time of a check, so records are shared out among threads.
fn judge_all(
    page: &mut Page,
    jobs: NonZeroUsize,
    tables: &Tables<'_>,
    seal_holds: &(dyn Fn(&Issued) -> bool + Sync),
) -> Vec<Judgement> {
    on_threads(
        page,
        jobs,
        || (),
        |(), seq, row| judge(seq, row, tables, seal_holds),
    )
}

fn judge(
    seq: i64,
    row: Result<Stored, Fault>,
    tables: &Tables<'_>,
    seal_holds: &(dyn Fn(&Issued) -> bool + Sync),
) -> Judgement {
    let unreadable = |fault| Judgement {
        faults: vec![format!("record {seq} is damaged: {fault}")],
        ..Judgement::default()
    };
    let stored = match row {
        Ok(stored) => stored,
        Err(fault) => return unreadable(fault),
    };
    let (first_seq, origin) = (stored.seq, stored.origin.clone());
    match stored.expand() {
        Ok(issued) => Judgement {
            number: Some(issued.number),
            events: issued.events.len() as u64,
            seal_broken: issued.bundle.is_some() && !seal_holds(&issued),
            faults: faults(issued, first_seq, &origin, tables),
        },
        Err(fault) => unreadable(fault),
    }
}

fn faults(issued: Issued, first_seq: u64, origin: &Origin, tables: &Tables<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let derived = alias_values(&issued.record, &issued.number);
    let named = issued
        .aliases
        .iter()
        .map(|alias| (alias.alias_kind, alias.alias_value.as_str()));
    if !named.eq(derived.iter().map(|(kind, value)| (*kind, value.as_str()))) {
        faults.push("its aliases are not those of the record".to_owned());
    }
    if Origin::of(&issued.record, issued.events.iter().map(|(_, event)| event)).as_ref()
        != Some(origin)
    {
        faults.push("its issuer or time differ from those in its events".to_owned());
    }
    if issued.events.first().map(|(seq, _)| *seq) != Some(first_seq)
        || !issued.events.is_sorted_by(|(a, _), (b, _)| a < b)
    {
        faults.push(format!(
            "the sequence of its events does not begin at {first_seq}"
        ));
    }
    if let Some(seal) = &issued.bundle {
        let known = tables.keys.iter().any(|object| {
            object.key_id == seal.key_id && object.key.fingerprint() == seal.public_key_fingerprint
        });
        if !known {
            faults.push(format!(
                "its bundle was signed by key {}, which the ledger does not have",
                seal.key_id
            ));
        }
    }
    let Some(table) = tables.by_signer.get(&origin.signer_id) else {
        return faults;
    };
    let candidates = issued
        .events
        .into_iter()
        .map(|(_, event)| Candidate::from(event));
    let merged = merge(issued.number, candidates, issued.aliases, table);
    for invalid in &merged.state.invalid_events {
        let id = invalid
            .event_id
            .map_or_else(String::new, |id| id.to_string());
        faults.push(format!(
            "event {id} is not valid: {}",
            invalid.reason.as_str()
        ));
    }
    for dangling in &merged.dangling {
        faults.push(format!(
            "event {} names {} in {}, which does not hold",
            dangling.event_id, dangling.names, dangling.member
        ));
    }
    if merged.state.current.record_created.is_none() {
        faults.push("no valid event creates it".to_owned());
    }
    faults
}

/// A damaged key is found once here, not in every record it signed.
fn readable_keys(db: Db<'_>) -> Result<(Vec<PublicKeyObject>, Vec<Fault>), LedgerError> {
    match db.keys() {
        Ok(keys) => Ok((keys, Vec::new())),
        Err(LedgerError::Damaged {
            record, message, ..
        }) => {
            let fault = format!("{record} is damaged: {message}; no key was used");
            Ok((Vec::new(), vec![fault]))
        }
        Err(error) => Err(error),
    }
}

impl Db<'_> {
    /// What SQLite finds in the file itself.
    fn structure(self) -> Result<Vec<Fault>, LedgerError> {
        let fails = |error| self.fails(error);
        let mut faults = Vec::new();
        let mut statement = self.conn.prepare("PRAGMA integrity_check").map_err(fails)?;
        let mut rows = statement.query([]).map_err(fails)?;
        while let Some(row) = rows.next().map_err(fails)? {
            let line: String = row.get(0).map_err(fails)?;
            if line != "ok" {
                faults.push(format!("the file is damaged: {line}"));
            }
        }
        let mut statement = self
            .conn
            .prepare("PRAGMA foreign_key_check")
            .map_err(fails)?;
        let mut rows = statement.query([]).map_err(fails)?;
        while let Some(row) = rows.next().map_err(fails)? {
            let table: String = row.get(0).map_err(fails)?;
            let rowid: Option<i64> = row.get(1).map_err(fails)?;
            let parent: String = row.get(2).map_err(fails)?;
            let row = rowid.map_or_else(|| "a row".to_owned(), |id| format!("row {id}"));
            faults.push(format!("{row} of {table} refers to nothing in {parent}"));
        }
        Ok(faults)
    }

    /// Whether each sequence number was given once, and the counter is past them all. A compact
    /// record takes two of them, its own and the next.
    fn sequence(self) -> Result<Vec<Fault>, LedgerError> {
        let mut faults = Vec::new();
        for (message, sql) in [
            (
                "records take the sequence number of the record before them",
                "SELECT count(*) FROM records a JOIN records b ON b.seq = a.seq + 1 \
                 WHERE a.title IS NOT NULL",
            ),
            (
                "events take a sequence number of a record's own",
                "SELECT count(*) FROM events e JOIN records r ON r.seq IN (e.seq, e.seq - 1) \
                 WHERE r.title IS NOT NULL",
            ),
            (
                "sequence counters are missing or not past all events",
                "SELECT NOT EXISTS (SELECT 1 FROM counter WHERE next_seq > max( \
                 (SELECT coalesce(max(seq + (title IS NOT NULL)), 0) FROM records), \
                 (SELECT coalesce(max(seq), 0) FROM events)))",
            ),
        ] {
            match self.integer(sql)? {
                0 => {}
                count => faults.push(format!("{count} {message}")),
            }
        }
        Ok(faults)
    }
}
