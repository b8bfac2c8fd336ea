//! What is written: records, events, seals, keys and runs, in groups.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{OptionalExtension as _, Params, params};

use super::compact::{Compact, Fresh, Origin};
use super::error::LedgerError;
use super::rows::{Db, Stored, stored};
use super::{BundleSeal, Held, Issued};
use crate::arxiv::ArxivId;
use crate::bundle::Bundle;
use crate::canonical;
use crate::event::{Event, EventKind};
use crate::keys::{Fingerprint, KeyId};
use crate::number::{PithNumber, SourceAlias, Suffix, alias_values, earliest_aliases};
use crate::record::CanonicalRecord;
use crate::time::Timestamp;

/// A record to be recorded, with all that was issued for it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// The record.
    pub record: CanonicalRecord,
    /// Its number.
    pub number: PithNumber,
    /// Its other names; they are kept sorted, each once at its earliest time (SPEC 7, rule 8).
    pub aliases: Vec<SourceAlias>,
    /// Its events in the order in which they get their sequence numbers, none twice. One of them
    /// creates the record. Whether they are valid is for the caller to see to.
    pub events: Vec<Event>,
    /// The seal of its bundle, if that was signed.
    pub seal: Option<BundleSeal>,
}

impl From<Bundle> for NewRecord {
    /// What a ledger keeps of a bundle that was verified.
    fn from(bundle: Bundle) -> Self {
        NewRecord {
            seal: Some(BundleSeal::from(&bundle)),
            record: bundle.canonical_record,
            number: bundle.pith_number,
            aliases: bundle.source_aliases,
            events: bundle.events,
        }
    }
}

/// A group of changes that reaches the disk as one, or not at all. See [`Ledger::group`].
///
/// [`Ledger::group`]: super::Ledger::group
pub struct Transaction<'a> {
    inner: rusqlite::Transaction<'a>,
    path: &'a Path,
    /// The next sequence number, once it was asked for; it is written back when the group ends.
    next_seq: Cell<Option<i64>>,
    /// The row of the issuer that was asked for last: thousands of records have the same.
    issuer: RefCell<Option<(Origin, i64)>>,
    /// As `issuer`, for the key of a seal.
    seal_key: RefCell<Option<(KeyId, Fingerprint, i64)>>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(inner: rusqlite::Transaction<'a>, path: &'a Path) -> Self {
        Transaction {
            inner,
            path,
            next_seq: Cell::new(None),
            issuer: RefCell::new(None),
            seal_key: RefCell::new(None),
        }
    }

    /// Writes all changes as one; when this returns `Ok`, they are on disk.
    ///
    /// # Errors
    /// Those of the database.
    pub fn commit(self) -> Result<(), LedgerError> {
        if let Some(next_seq) = self.next_seq.get() {
            self.execute("UPDATE counter SET next_seq = ?1", [next_seq])?;
        }
        let path = self.path;
        self.inner
            .commit()
            .map_err(|error| LedgerError::sqlite(path, error))
    }

    pub(super) fn db(&self) -> Db<'_> {
        Db {
            conn: &self.inner,
            path: self.path,
        }
    }

    pub(super) fn execute(&self, sql: &str, values: impl Params) -> Result<usize, LedgerError> {
        self.inner
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|error| self.db().fails(error))
    }

    /// The id of the row that was inserted last.
    pub(super) fn last_id(&self) -> i64 {
        self.inner.last_insert_rowid()
    }

    /// As [`Ledger::get`](super::Ledger::get), with the changes of this group.
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, suffix: &Suffix) -> Result<Option<Issued>, LedgerError> {
        self.db().get(suffix, Stored::expand)
    }

    /// The record with this suffix as it is held, with the changes of this group.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn held(&self, suffix: &Suffix) -> Result<Option<Held>, LedgerError> {
        self.db().get(suffix, Stored::held)
    }

    /// As [`Ledger::by_arxiv`](super::Ledger::by_arxiv), with the changes of this group.
    ///
    /// # Errors
    /// As there.
    pub fn by_arxiv(
        &self,
        id: &ArxivId,
        version: Option<u32>,
    ) -> Result<Vec<PithNumber>, LedgerError> {
        self.db().by_arxiv(id, version)
    }

    /// As [`Ledger::contains`](super::Ledger::contains), with the changes of this group.
    ///
    /// # Errors
    /// As there.
    pub fn contains(&self, suffix: &Suffix) -> Result<bool, LedgerError> {
        Ok(self.db().seq_of(suffix)?.is_some())
    }

    /// Records a new record and returns the sequence number of its first event; the others follow
    /// it without a gap.
    ///
    /// # Errors
    /// [`LedgerError::AlreadyIssued`]; [`LedgerError::Unfit`] if its parts are not about one
    /// record; those of the database.
    pub fn insert(&self, new: &NewRecord) -> Result<u64, LedgerError> {
        let number = new.number;
        let unfit = |message: &str| LedgerError::Unfit {
            number,
            message: message.to_owned(),
        };
        let digest = new.record.digest();
        if PithNumber::of(&new.record, &digest) != number {
            return Err(unfit("it is not the number of the record"));
        }
        if self.contains(number.suffix())? {
            return Err(LedgerError::AlreadyIssued { number });
        }
        if new.events.iter().any(|e| e.subject_pith_number != number) {
            return Err(unfit("one of its events is about another record"));
        }
        let ids: BTreeSet<_> = new.events.iter().map(|event| event.event_id).collect();
        if ids.len() != new.events.len() {
            return Err(unfit("one of its events is there twice"));
        }
        let origin = Origin::of(&new.record, &new.events)
            .ok_or_else(|| unfit("none of its events creates the record"))?;
        let compact = Compact::of(&new.record, &digest, &origin, &new.events);
        let aliases = earliest_aliases(new.aliases.iter().cloned());
        let aliased_at = common_time(&aliases, &new.record, &number);

        let seq = self.next_seq(new.events.len())?;
        self.insert_row(&RecordRow {
            seq,
            record: &new.record,
            number,
            origin: &origin,
            compact: compact.as_ref(),
            aliased_at,
            seal: new.seal.as_ref(),
        })?;
        if compact.is_none() {
            for (seq, event) in (seq..).zip(&new.events) {
                self.insert_event(seq, number.suffix(), event)?;
            }
        }
        if aliased_at.is_none() {
            for alias in &aliases {
                self.execute(
                    "INSERT INTO aliases VALUES (?1, ?2, ?3, ?4)",
                    params![
                        stored(seq),
                        alias.alias_kind.as_str(),
                        alias.alias_value,
                        alias.created_at.unix()
                    ],
                )?;
            }
        }
        Ok(seq)
    }

    /// Records what was just minted and returns the sequence number of its first event.
    ///
    /// The caller has made sure that the ledger does not hold it, and that its parts are about one
    /// record.
    ///
    /// # Errors
    /// [`LedgerError::AlreadyIssued`]; those of the database.
    pub fn insert_fresh(&self, fresh: &Fresh) -> Result<u64, LedgerError> {
        let seq = self.next_seq(2)?;
        let inserted = self.insert_row(&RecordRow {
            seq,
            record: &fresh.record,
            number: fresh.number,
            origin: &fresh.origin,
            compact: Some(&fresh.compact),
            aliased_at: Some(fresh.origin.minted_at.seconds()),
            seal: fresh.seal.as_ref(),
        });
        match inserted {
            Err(LedgerError::Sqlite { .. }) if self.contains(fresh.number.suffix())? => {
                Err(LedgerError::AlreadyIssued {
                    number: fresh.number,
                })
            }
            inserted => inserted.map(|()| seq),
        }
    }

    fn insert_row(&self, row: &RecordRow<'_>) -> Result<(), LedgerError> {
        let (source, metadata) = (&row.record.source, &row.record.metadata);
        let cross_cats: Vec<&str> = metadata
            .cross_cats_sorted
            .as_slice()
            .iter()
            .map(|category| category.as_str())
            .collect();
        let (compact, seal) = (row.compact, row.seal);
        let seal_key = match seal {
            Some(seal) => Some(self.seal_key(seal)?),
            None => None,
        };
        self.execute(
            "INSERT INTO records (seq, suffix, arxiv_id, version, submitted_at, primary_cat, \
               cross_cats, license, title_sha256, abstract_sha256, minted_at, issuer, aliased_at, \
               receipt_sig, created_sig, snapshot_sig, built_at, sealed_at, seal_key, seal_sig, \
               title, authors_text, abstract_excerpt) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
               ?18, ?19, ?20, ?21, ?22, ?23)",
            params![
                stored(row.seq),
                row.number.suffix().as_str(),
                source.id.as_str(),
                source.version,
                metadata.submitted_at.unix(),
                metadata.primary_cat.as_str(),
                cross_cats.join(" "),
                metadata.license,
                metadata.title_canon_sha256.as_bytes(),
                metadata.abstract_canon_sha256.as_bytes(),
                row.origin.minted_at.unix_micros(),
                self.issuer(row.origin)?,
                row.aliased_at.map(Timestamp::unix),
                compact.map(|compact| compact.receipt_sig.as_bytes()),
                compact.map(|compact| compact.created_sig.as_bytes()),
                compact.map(|compact| compact.snapshot_sig.as_bytes()),
                seal.map(|seal| seal.built_at.unix()),
                seal.map(|seal| seal.signed_at.unix_micros()),
                seal_key,
                seal.map(|seal| seal.signature_b64.as_bytes()),
                compact.map(|compact| &compact.text.title),
                compact.map(|compact| &compact.text.authors_text),
                compact.map(|compact| &compact.text.abstract_excerpt),
            ],
        )?;
        Ok(())
    }

    /// Adds an event to a record and returns its sequence number; `None` if the record has an
    /// event of that id, which then stays as it is.
    ///
    /// A seal covers the events there were, so the record loses it.
    ///
    /// # Errors
    /// [`LedgerError::NotIssued`]; [`LedgerError::Unfit`] if the event is about another record;
    /// [`LedgerError::Damaged`]; those of the database.
    pub fn add_event(
        &self,
        number: &PithNumber,
        event: &Event,
    ) -> Result<Option<u64>, LedgerError> {
        if self.db().number_with(number.suffix())? != Some(*number) {
            return Err(LedgerError::NotIssued { number: *number });
        }
        if event.subject_pith_number != *number {
            return Err(LedgerError::Unfit {
                number: *number,
                message: format!("the event is about {}", event.subject_pith_number),
            });
        }
        if self.holds_event(number, event)? {
            return Ok(None);
        }
        let seq = self.next_seq(1)?;
        self.insert_event(seq, number.suffix(), event)?;
        self.execute(
            "UPDATE records SET built_at = NULL, sealed_at = NULL, seal_key = NULL, \
             seal_sig = NULL WHERE suffix = ?1",
            [number.suffix().as_str()],
        )?;
        Ok(Some(seq))
    }

    /// Whether a record has this event. Those of its mint may be stored without a row of their own;
    /// for all others nothing else of the record is read, however many it has.
    fn holds_event(&self, number: &PithNumber, event: &Event) -> Result<bool, LedgerError> {
        let of_mint = EventKind::of(&event.event_type).is_some_and(EventKind::registry_only);
        if !of_mint {
            let sql = "SELECT 1 FROM events WHERE event_id = ?1";
            return self
                .inner
                .prepare_cached(sql)
                .and_then(|mut statement| statement.exists([event.event_id.digest().as_bytes()]))
                .map_err(|error| self.db().fails(error));
        }
        let issued = self.get(number.suffix())?;
        let events = issued.into_iter().flat_map(|issued| issued.events);
        Ok(events
            .into_iter()
            .any(|(_, held)| held.event_id == event.event_id))
    }

    /// Keeps the seal of a record's bundle, in place of an earlier one.
    ///
    /// # Errors
    /// [`LedgerError::NotIssued`]; those of the database.
    pub fn set_seal(&self, number: &PithNumber, seal: &BundleSeal) -> Result<(), LedgerError> {
        let changed = self.execute(
            "UPDATE records SET built_at = ?2, sealed_at = ?3, seal_key = ?4, seal_sig = ?5 \
             WHERE suffix = ?1",
            params![
                number.suffix().as_str(),
                seal.built_at.unix(),
                seal.signed_at.unix_micros(),
                self.seal_key(seal)?,
                seal.signature_b64.as_bytes(),
            ],
        )?;
        match changed {
            0 => Err(LedgerError::NotIssued { number: *number }),
            _ => Ok(()),
        }
    }

    fn insert_event(&self, seq: u64, suffix: &Suffix, event: &Event) -> Result<(), LedgerError> {
        self.execute(
            "INSERT INTO events SELECT ?1, seq, ?3, ?4 FROM records WHERE suffix = ?2",
            params![
                stored(seq),
                suffix.as_str(),
                event.event_id.digest().as_bytes(),
                json_text(event),
            ],
        )?;
        Ok(())
    }

    /// Takes `count` consecutive sequence numbers and returns the first. They come from a counter
    /// rather than from the greatest one in use, so that none is ever given twice.
    fn next_seq(&self, count: usize) -> Result<u64, LedgerError> {
        let first = match self.next_seq.get() {
            Some(first) => first,
            None => self
                .inner
                .query_row("SELECT next_seq FROM counter", [], |row| row.get(0))
                .map_err(|error| self.db().fails(error))?,
        };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.next_seq.set(Some(first.saturating_add(count)));
        u64::try_from(first).map_err(|_| {
            self.db()
                .damaged("the counter", format!("it stands at {first}"))
        })
    }

    fn issuer(&self, origin: &Origin) -> Result<i64, LedgerError> {
        if let Some((last, id)) = &*self.issuer.borrow()
            && last.same_issuer(origin)
        {
            return Ok(*id);
        }
        let key = self.key_label(&origin.key_id, &origin.fingerprint)?;
        let id = self.intern(
            "SELECT id FROM issuers WHERE signer_id = ?1 AND builder_version = ?2 AND key = ?3",
            "INSERT INTO issuers (signer_id, builder_version, key) VALUES (?1, ?2, ?3)",
            params![origin.signer_id, origin.builder_version, key],
        )?;
        self.issuer.replace(Some((origin.clone(), id)));
        Ok(id)
    }

    fn seal_key(&self, seal: &BundleSeal) -> Result<i64, LedgerError> {
        let (key_id, fingerprint) = (&seal.key_id, &seal.public_key_fingerprint);
        if let Some((last_id, last, row)) = &*self.seal_key.borrow()
            && last == fingerprint
            && last_id == key_id
        {
            return Ok(*row);
        }
        let row = self.key_label(key_id, fingerprint)?;
        self.seal_key
            .replace(Some((key_id.clone(), *fingerprint, row)));
        Ok(row)
    }

    fn key_label(&self, key_id: &KeyId, fingerprint: &Fingerprint) -> Result<i64, LedgerError> {
        self.intern(
            "SELECT id FROM key_labels WHERE key_id = ?1 AND fingerprint = ?2",
            "INSERT INTO key_labels (key_id, fingerprint) VALUES (?1, ?2)",
            params![key_id.as_str(), fingerprint.to_string()],
        )
    }

    /// The id of a row that is made unless it is there.
    fn intern<P: Params + Copy>(
        &self,
        select: &str,
        insert: &str,
        values: P,
    ) -> Result<i64, LedgerError> {
        let found = self
            .inner
            .prepare_cached(select)
            .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())
            .map_err(|error| self.db().fails(error))?;
        match found {
            Some(id) => Ok(id),
            None => {
                self.execute(insert, values)?;
                Ok(self.inner.last_insert_rowid())
            }
        }
    }
}

/// The columns of a record's row.
struct RecordRow<'a> {
    seq: u64,
    record: &'a CanonicalRecord,
    number: PithNumber,
    origin: &'a Origin,
    compact: Option<&'a Compact>,
    aliased_at: Option<Timestamp>,
    seal: Option<&'a BundleSeal>,
}

/// The canonical text of a document, which is what a ledger keeps of one.
pub(super) fn json_text<T: serde::Serialize>(value: &T) -> String {
    let bytes = canonical::to_vec(value).expect("documents hold nothing that JSON cannot");
    String::from_utf8(bytes).expect("JSON text is UTF-8")
}

/// The time of all aliases, if it is one and they are those that the record has.
fn common_time(
    aliases: &[SourceAlias],
    record: &CanonicalRecord,
    number: &PithNumber,
) -> Option<Timestamp> {
    let time = aliases.first()?.created_at;
    let derived = alias_values(record, number);
    let same = aliases.len() == derived.len()
        && aliases.iter().zip(derived).all(|(alias, (kind, value))| {
            alias.alias_kind == kind && alias.alias_value == value && alias.created_at == time
        });
    same.then_some(time)
}
