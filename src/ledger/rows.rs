//! From rows to records: everything that is read is checked, since files decay and get edited.

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::compact::{Compact, Fresh, Origin};
use super::error::LedgerError;
use super::{BundleSeal, Held, Issued};
use crate::arxiv::Category;
use crate::canonical;
use crate::digest::Digest;
use crate::event::Event;
use crate::keys::SignatureBytes;
use crate::number::{PithNumber, SourceAlias, Suffix, aliases_at};
use crate::record::{
    ArxivKind, CanonicalRecord, CrossCategories, RecordMetadata, RecordSource, SchemaVersion,
};
use crate::snapshot::PaperText;
use crate::time::{Timestamp, TimestampMicros};

/// What is wrong with a row, for [`LedgerError::Damaged`].
pub(super) type Fault = String;

/// Sequence numbers as SQLite holds them; they count from 1 and never reach the upper half.
pub(super) fn stored(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Left joins, so that a reference to nothing shows as a fault and not as a missing record.
const SELECT: &str = "
SELECT r.*, i.signer_id, i.builder_version, k.key_id, k.fingerprint,
  s.key_id AS seal_key_id, s.fingerprint AS seal_fingerprint
FROM records r
LEFT JOIN issuers i ON i.id = r.issuer
LEFT JOIN key_labels k ON k.id = i.key
LEFT JOIN key_labels s ON s.id = r.seal_key";

/// A database being read.
#[derive(Clone, Copy)]
pub(super) struct Db<'a> {
    pub conn: &'a Connection,
    pub path: &'a Path,
}

/// A record as stored: its columns, read and each in its form, but not yet compared.
#[derive(Debug)]
pub(super) struct Stored {
    pub seq: u64,
    pub suffix: Suffix,
    pub record: CanonicalRecord,
    pub origin: Origin,
    pub compact: Option<Compact>,
    aliased_at: Option<Timestamp>,
    seal: Option<BundleSeal>,
    aliases: Vec<SourceAlias>,
    events: Vec<StoredEvent>,
}

/// Rows with their sequence numbers, which are known even where the rest cannot be read.
pub(super) type Page = Vec<(i64, Result<Stored, Fault>)>;

#[derive(Debug)]
struct StoredEvent {
    seq: u64,
    id: Digest,
    body: String,
}

impl Stored {
    /// The record as it is stored, which is shorter where it was minted and never touched again.
    pub fn held(self) -> Result<Held, Fault> {
        let fresh = self.events.is_empty()
            && self.aliased_at == Some(self.origin.minted_at.seconds())
            && self.compact.is_some();
        if !fresh {
            return self.expand().map(Box::new).map(Held::Issued);
        }
        let (digest, number) = self.identity()?;
        match self.compact {
            Some(compact) => Ok(Held::Fresh(Box::new(Fresh {
                record: self.record,
                digest,
                number,
                origin: self.origin,
                compact,
                seal: self.seal,
            }))),
            None => Err("its events are missing".to_owned()),
        }
    }

    /// The digest and number of its columns, which must agree with its suffix.
    fn identity(&self) -> Result<(Digest, PithNumber), Fault> {
        let digest = self.record.digest();
        let number = PithNumber::of(&self.record, &digest);
        if *number.suffix() == self.suffix {
            Ok((digest, number))
        } else {
            Err(format!(
                "its suffix is {}, but its columns have the digest of {number}",
                self.suffix
            ))
        }
    }

    /// All of the record, with what follows from its columns.
    pub fn expand(self) -> Result<Issued, Fault> {
        let (digest, number) = self.identity()?;
        let mut events = Vec::with_capacity(2 + self.events.len());
        if let Some(compact) = self.compact {
            let [created, snapshot] = compact.expand(&self.record, &digest, &self.origin);
            events.push((self.seq, created));
            events.push((self.seq + 1, snapshot));
        }
        for StoredEvent { seq, id, body } in self.events {
            let event: Event = canonical::from_slice(body.as_bytes())
                .map_err(|error| format!("event {seq}: {error}"))?;
            if *event.event_id.digest() != id {
                return Err(format!("event {seq} has the id {}", event.event_id));
            }
            events.push((seq, event));
        }
        let aliases = match self.aliased_at {
            Some(time) => aliases_at(&self.record, &number, time),
            None => self.aliases,
        };
        Ok(Issued {
            record: self.record,
            number,
            aliases,
            events,
            bundle: self.seal,
        })
    }
}

impl<'a> Db<'a> {
    /// For `map_err`.
    pub fn fails(self, error: rusqlite::Error) -> LedgerError {
        LedgerError::sqlite(self.path, error)
    }

    /// The error for a row that cannot be read.
    pub fn damaged(self, record: impl fmt::Display, message: Fault) -> LedgerError {
        LedgerError::Damaged {
            path: self.path.to_owned(),
            record: record.to_string(),
            message,
        }
    }

    /// Keeps everything read while it lives as it is now, whatever others write.
    pub fn snapshot(self) -> Result<impl Drop, LedgerError> {
        self.conn
            .unchecked_transaction()
            .map_err(|error| self.fails(error))
    }

    /// A count or another single number.
    pub fn integer(self, sql: &str) -> Result<u64, LedgerError> {
        self.conn
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| self.fails(error))
            .and_then(|value| {
                u64::try_from(value).map_err(|_| self.damaged("a row", format!("{value} < 0")))
            })
    }

    /// The sequence number of a record, if there is one.
    pub fn seq_of(self, suffix: &Suffix) -> Result<Option<i64>, LedgerError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT seq FROM records WHERE suffix = ?1")
            .map_err(|error| self.fails(error))?;
        statement
            .query_row([suffix.as_str()], |row| row.get(0))
            .optional()
            .map_err(|error| self.fails(error))
    }

    /// The number of the record with this suffix, if there is one.
    pub fn number_with(self, suffix: &Suffix) -> Result<Option<PithNumber>, LedgerError> {
        let submitted_at = self
            .conn
            .prepare_cached("SELECT submitted_at FROM records WHERE suffix = ?1")
            .and_then(|mut statement| {
                let row = statement.query_row([suffix.as_str()], |row| row.get(0));
                row.optional()
            })
            .map_err(|error| self.fails(error))?;
        submitted_at
            .map(|submitted_at| number(suffix.as_str(), submitted_at))
            .transpose()
            .map_err(|fault| self.damaged(format_args!("record {suffix}"), fault))
    }

    /// A record, if there is one, as `form` makes it of its row.
    pub fn get<T>(
        self,
        suffix: &Suffix,
        form: fn(Stored) -> Result<T, Fault>,
    ) -> Result<Option<T>, LedgerError> {
        let Some(seq) = self.seq_of(suffix)? else {
            return Ok(None);
        };
        let mut page = self.page(seq.saturating_sub(1), None, 1)?;
        match page.pop() {
            Some((seq, stored)) => stored
                .and_then(form)
                .map(Some)
                .map_err(|fault| self.damaged_record(seq, fault)),
            None => Ok(None),
        }
    }

    /// The error for the record of this row.
    pub fn damaged_record(self, seq: i64, fault: Fault) -> LedgerError {
        self.damaged(format_args!("record {seq}"), fault)
    }

    /// Up to `limit` records after `after`, in sequence order, minted at `since` or later.
    pub fn page(
        self,
        after: i64,
        since: Option<TimestampMicros>,
        limit: usize,
    ) -> Result<Page, LedgerError> {
        let since = since.map_or(i64::MIN, TimestampMicros::unix_micros);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql =
            format!("{SELECT} WHERE r.seq > ?1 AND r.minted_at >= ?2 ORDER BY r.seq LIMIT ?3");
        let fails = |error| self.fails(error);
        let mut statement = self.conn.prepare_cached(&sql).map_err(fails)?;
        let mut rows = statement
            .query(params![after, since, limit])
            .map_err(fails)?;
        let mut page = Vec::new();
        while let Some(row) = rows.next().map_err(fails)? {
            let seq: i64 = row.get("seq").map_err(fails)?;
            let stored = match read(row) {
                Ok(stored) => self.complete(seq, stored)?,
                Err(fault) => Err(fault),
            };
            page.push((seq, stored));
        }
        Ok(page)
    }

    /// Adds what stands in other tables.
    fn complete(self, seq: i64, mut stored: Stored) -> Result<Result<Stored, Fault>, LedgerError> {
        let fails = |error| self.fails(error);
        let mut statement = self
            .conn
            .prepare_cached("SELECT seq, event_id, body FROM events WHERE record = ?1 ORDER BY seq")
            .map_err(fails)?;
        let mut rows = statement.query([seq]).map_err(fails)?;
        while let Some(row) = rows.next().map_err(fails)? {
            match read_event(row) {
                Ok(event) => stored.events.push(event),
                Err(fault) => return Ok(Err(format!("event: {fault}"))),
            }
        }
        if stored.aliased_at.is_none() {
            let mut statement = self
                .conn
                .prepare_cached(
                    "SELECT kind, value, created_at FROM aliases WHERE record = ?1 \
                     ORDER BY kind, value",
                )
                .map_err(fails)?;
            let mut rows = statement.query([seq]).map_err(fails)?;
            while let Some(row) = rows.next().map_err(fails)? {
                match read_alias(row) {
                    Ok(alias) => stored.aliases.push(alias),
                    Err(fault) => return Ok(Err(format!("alias: {fault}"))),
                }
            }
        }
        Ok(Ok(stored))
    }
}

fn read(row: &Row<'_>) -> Result<Stored, Fault> {
    let title: Option<String> = column(row, "title")?;
    let compact = match title {
        Some(title) => Some(Compact {
            text: PaperText {
                title,
                authors_text: column(row, "authors_text")?,
                abstract_excerpt: column(row, "abstract_excerpt")?,
            },
            receipt_sig: signature(row, "receipt_sig")?,
            created_sig: signature(row, "created_sig")?,
            snapshot_sig: signature(row, "snapshot_sig")?,
        }),
        None => None,
    };
    let seal = match column::<Option<i64>>(row, "built_at")? {
        Some(built_at) => Some(BundleSeal {
            built_at: seconds("built_at", built_at)?,
            key_id: parsed(row, "seal_key_id")?,
            public_key_fingerprint: parsed(row, "seal_fingerprint")?,
            signature_b64: signature(row, "seal_sig")?,
            signed_at: micros(row, "sealed_at")?,
        }),
        None => None,
    };
    let aliased_at = column::<Option<i64>>(row, "aliased_at")?
        .map(|unix| seconds("aliased_at", unix))
        .transpose()?;
    Ok(Stored {
        seq: sequence(row)?,
        suffix: parsed(row, "suffix")?,
        record: CanonicalRecord {
            source: RecordSource {
                id: parsed(row, "arxiv_id")?,
                kind: ArxivKind,
                version: column::<NonZeroU32>(row, "version")?,
            },
            metadata: RecordMetadata {
                license: column(row, "license")?,
                primary_cat: parsed(row, "primary_cat")?,
                submitted_at: seconds("submitted_at", column(row, "submitted_at")?)?,
                cross_cats_sorted: cross_categories(&column::<String>(row, "cross_cats")?)?,
                title_canon_sha256: digest(row, "title_sha256")?,
                abstract_canon_sha256: digest(row, "abstract_sha256")?,
            },
            schema_version: SchemaVersion,
        },
        origin: Origin {
            signer_id: column(row, "signer_id")?,
            builder_version: column(row, "builder_version")?,
            key_id: parsed(row, "key_id")?,
            fingerprint: parsed(row, "fingerprint")?,
            minted_at: micros(row, "minted_at")?,
        },
        compact,
        aliased_at,
        seal,
        aliases: Vec::new(),
        events: Vec::new(),
    })
}

fn read_event(row: &Row<'_>) -> Result<StoredEvent, Fault> {
    Ok(StoredEvent {
        seq: sequence(row)?,
        id: digest(row, "event_id")?,
        body: column(row, "body")?,
    })
}

fn read_alias(row: &Row<'_>) -> Result<SourceAlias, Fault> {
    let kind: String = column(row, "kind")?;
    Ok(SourceAlias {
        alias_kind: super::alias_kind(&kind).ok_or_else(|| format!("kind is `{kind}`"))?,
        alias_value: column(row, "value")?,
        created_at: seconds("created_at", column(row, "created_at")?)?,
    })
}

/// The Pith Number that a row's suffix and date make.
pub(super) fn number(suffix: &str, submitted_at: i64) -> Result<PithNumber, Fault> {
    let year = seconds("submitted_at", submitted_at)?.year();
    format!("pith:{year:04}:{suffix}")
        .parse()
        .map_err(|error| format!("suffix: {error}"))
}

fn column<T: FromSql>(row: &Row<'_>, name: &str) -> Result<T, Fault> {
    row.get(name).map_err(|error| format!("{name}: {error}"))
}

/// Columns hold the same text as documents do, so the same parsers read them.
pub(super) fn parsed<T>(row: &Row<'_>, name: &str) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let text: String = column(row, name)?;
    text.parse().map_err(|error| format!("{name}: {error}"))
}

fn sequence(row: &Row<'_>) -> Result<u64, Fault> {
    let seq: i64 = column(row, "seq")?;
    u64::try_from(seq).map_err(|_| format!("its sequence number is {seq}"))
}

fn bytes<const N: usize>(row: &Row<'_>, name: &str) -> Result<[u8; N], Fault> {
    let bytes: Vec<u8> = column(row, name)?;
    let found = bytes.len();
    bytes
        .try_into()
        .map_err(|_| format!("{name} has {found} bytes instead of {N}"))
}

pub(super) fn digest(row: &Row<'_>, name: &str) -> Result<Digest, Fault> {
    bytes(row, name).map(Digest::from_bytes)
}

fn signature(row: &Row<'_>, name: &str) -> Result<SignatureBytes, Fault> {
    bytes(row, name).map(SignatureBytes::from_bytes)
}

fn seconds(name: &str, unix: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_unix(unix).ok_or_else(|| format!("{name}: {unix} is no time"))
}

pub(super) fn micros(row: &Row<'_>, name: &str) -> Result<TimestampMicros, Fault> {
    let unix = column(row, name)?;
    TimestampMicros::from_unix_micros(unix).ok_or_else(|| format!("{name}: {unix} is no time"))
}

/// Cross-lists are joined with single spaces, which no category holds.
fn cross_categories(joined: &str) -> Result<CrossCategories, Fault> {
    let categories: Vec<Category> = joined
        .split(' ')
        .filter(|_| !joined.is_empty())
        .map(|text| text.parse().map_err(|error| format!("cross_cats: {error}")))
        .collect::<Result<_, Fault>>()?;
    CrossCategories::try_from(categories).map_err(|error| format!("cross_cats: {error}"))
}
