//! What a ledger holds, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Ledger;
use super::error::LedgerError;
use super::rows::{Db, parsed};
use crate::arxiv::Category;
use crate::canonical::Json;
use crate::keys::{Fingerprint, KeyId};
use crate::time::Timestamp;

/// Counts of what a ledger holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Records.
    pub records: u64,
    /// Events of all records.
    pub events: u64,
    /// Records with the seal of a bundle over all their events.
    pub sealed_bundles: u64,
    /// Runs in the history.
    pub runs: u64,
    /// Size of the database in bytes, with room that is free again, without its journal.
    pub bytes: u64,
    /// Records by the year of their Pith Number.
    pub by_year: BTreeMap<u16, u64>,
    /// Records by primary category.
    pub by_primary_category: BTreeMap<Category, u64>,
    /// Records by the key that first issued them.
    pub by_key: Vec<KeyStats>,
    /// Inputs that the runs in the history rejected, by code. A run that was interrupted does not
    /// count: its rejects are among those of the run that goes on from there.
    pub rejected: BTreeMap<String, u64>,
}

/// How many records a key has issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyStats {
    /// The key's label.
    pub key_id: KeyId,
    /// The key.
    pub public_key_fingerprint: Fingerprint,
    /// Records whose first record_created it signed.
    pub records: u64,
}

impl Ledger {
    /// Counts what the ledger holds, all at one moment; reads all of it once.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] if a row cannot be read; those of the database.
    pub fn stats(&self) -> Result<Stats, LedgerError> {
        let db = self.db();
        let _moment = db.snapshot()?;
        let mut stats = Stats {
            events: db.integer("SELECT count(*) FROM events")?,
            runs: db.integer("SELECT count(*) FROM runs")?,
            bytes: db.integer("PRAGMA page_count")? * db.integer("PRAGMA page_size")?,
            ..Stats::default()
        };
        let mut by_issuer: BTreeMap<i64, u64> = BTreeMap::new();
        let fails = |error| db.fails(error);
        let mut statement = db
            .conn
            .prepare(
                "SELECT seq, submitted_at, issuer, receipt_sig IS NOT NULL, \
                 built_at IS NOT NULL, primary_cat FROM records",
            )
            .map_err(fails)?;
        let mut rows = statement.query([]).map_err(fails)?;
        while let Some(row) = rows.next().map_err(fails)? {
            let seq: i64 = row.get(0).map_err(fails)?;
            let submitted_at: i64 = row.get(1).map_err(fails)?;
            let year = Timestamp::from_unix(submitted_at)
                .ok_or_else(|| db.damaged_record(seq, format!("{submitted_at} is no time")))?
                .year();
            let category: Category =
                parsed(row, "primary_cat").map_err(|fault| db.damaged_record(seq, fault))?;
            stats.records += 1;
            stats.events += if row.get(3).map_err(fails)? { 2 } else { 0 };
            stats.sealed_bundles += u64::from(row.get::<_, bool>(4).map_err(fails)?);
            *stats.by_year.entry(year).or_default() += 1;
            *stats.by_primary_category.entry(category).or_default() += 1;
            *by_issuer.entry(row.get(2).map_err(fails)?).or_default() += 1;
        }
        stats.by_key = by_key(db, &by_issuer)?;
        for run in db.runs()? {
            for (code, count) in rejected(&run.summary) {
                let sum = stats.rejected.entry(code.to_owned()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        Ok(stats)
    }
}

/// What a run that came to its end rejected, by code. Summaries of verbs that reject nothing have
/// no such member.
fn rejected(summary: &Json) -> impl Iterator<Item = (&str, u64)> {
    let of = |name| match summary {
        Json::Object(members) => members.get(name),
        _ => None,
    };
    let codes = match (of("interrupted"), of("rejected")) {
        (Some(Json::Bool(true)), _) => None,
        (_, Some(Json::Object(codes))) => Some(codes),
        _ => None,
    };
    let counts = codes.into_iter().flatten();
    counts.filter_map(|(code, count)| match count {
        Json::Int(count) => Some((code.as_str(), u64::try_from(*count).ok()?)),
        Json::UInt(count) => Some((code.as_str(), *count)),
        _ => None,
    })
}

/// One key may have issued under several names or with several builders.
fn by_key(db: Db<'_>, by_issuer: &BTreeMap<i64, u64>) -> Result<Vec<KeyStats>, LedgerError> {
    let mut by_key: BTreeMap<(KeyId, Fingerprint), u64> = BTreeMap::new();
    let fails = |error| db.fails(error);
    let mut statement = db
        .conn
        .prepare(
            "SELECT i.id, k.key_id, k.fingerprint FROM issuers i JOIN key_labels k ON k.id = i.key",
        )
        .map_err(fails)?;
    let mut rows = statement.query([]).map_err(fails)?;
    while let Some(row) = rows.next().map_err(fails)? {
        let issuer: i64 = row.get(0).map_err(fails)?;
        let damaged = |fault| db.damaged(format_args!("issuer {issuer}"), fault);
        let key_id = parsed(row, "key_id").map_err(damaged)?;
        let fingerprint = parsed(row, "fingerprint").map_err(damaged)?;
        if let Some(records) = by_issuer.get(&issuer) {
            *by_key.entry((key_id, fingerprint)).or_default() += records;
        }
    }
    Ok(by_key
        .into_iter()
        .map(|((key_id, public_key_fingerprint), records)| KeyStats {
            key_id,
            public_key_fingerprint,
            records,
        })
        .collect())
}
