//! The tables of a ledger, and how older ones become newer ones.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;

/// `PRAGMA application_id` of ledgers, `PITH` in ASCII: tells them from other SQLite files.
pub(super) const APPLICATION_ID: i64 = 0x5049_5448;

/// The schema that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Step N turns a schema of version N into one of version N + 1. Steps that were released are
/// never changed: ledgers have gone through them.
const MIGRATIONS: [&str; 3] = [FIRST, PLACES, SEEN_KEYSET];

/// A record's row holds what cannot be recomputed. What follows from it is not stored: digests of
/// records and events, numbers but for their suffix, DOIs, short aliases, and the two events of a
/// mint wherever `title` is not null (see `compact.rs`).
///
/// The long texts come last, so that going through a column before them reads nothing else.
const FIRST: &str = "
CREATE TABLE counter (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next_seq INTEGER NOT NULL
) STRICT;
INSERT INTO counter VALUES (1, 1);

CREATE TABLE keys (
  fingerprint TEXT PRIMARY KEY,
  object TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_labels (
  id INTEGER PRIMARY KEY,
  key_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  UNIQUE (key_id, fingerprint)
) STRICT;

CREATE TABLE issuers (
  id INTEGER PRIMARY KEY,
  signer_id TEXT NOT NULL,
  builder_version TEXT NOT NULL,
  key INTEGER NOT NULL REFERENCES key_labels,
  UNIQUE (signer_id, builder_version, key)
) STRICT;

CREATE TABLE records (
  seq INTEGER PRIMARY KEY,
  suffix TEXT NOT NULL UNIQUE,
  arxiv_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  submitted_at INTEGER NOT NULL,
  primary_cat TEXT NOT NULL,
  cross_cats TEXT NOT NULL,
  license TEXT NOT NULL,
  title_sha256 BLOB NOT NULL,
  abstract_sha256 BLOB NOT NULL,
  minted_at INTEGER NOT NULL,
  issuer INTEGER NOT NULL REFERENCES issuers,
  aliased_at INTEGER,
  receipt_sig BLOB,
  created_sig BLOB,
  snapshot_sig BLOB,
  built_at INTEGER,
  sealed_at INTEGER,
  seal_key INTEGER REFERENCES key_labels,
  seal_sig BLOB,
  title TEXT,
  authors_text TEXT,
  abstract_excerpt TEXT
) STRICT;
CREATE INDEX records_by_arxiv_id ON records (arxiv_id, version);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  record INTEGER NOT NULL REFERENCES records,
  event_id BLOB NOT NULL UNIQUE,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_record ON events (record);

CREATE TABLE aliases (
  record INTEGER NOT NULL REFERENCES records,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (record, kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  verb TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  tool_version TEXT NOT NULL,
  key_id TEXT,
  summary TEXT NOT NULL
) STRICT;
";

/// Where runs that were cut short go on, and what each run has read.
const PLACES: &str = "
CREATE TABLE unfinished (
  output TEXT PRIMARY KEY,
  command TEXT NOT NULL,
  place TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN input_sha256 BLOB;
";

/// The highest version of the keyset that the home has gone by: one row, or none.
pub(super) const SEEN_KEYSET: &str = "CREATE TABLE seen_keyset (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT";

/// The version of the schema of an open database, 0 for a file that is still empty.
///
/// # Errors
/// [`LedgerError::NotALedger`] if it is another program's, [`LedgerError::Newer`] if it is of a
/// later version.
pub(super) fn version(conn: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let number = |sql: &str| {
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| LedgerError::sqlite(path, error))
    };
    let application = number("PRAGMA application_id")?;
    let found = number("PRAGMA user_version")?;
    let empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    match (application, found) {
        // What is left when making a ledger was interrupted.
        (0, 0) if empty => Ok(0),
        (APPLICATION_ID, 0..=VERSION) => Ok(found),
        (APPLICATION_ID, _) if found > VERSION => Err(LedgerError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
        _ => Err(LedgerError::NotALedger {
            path: path.to_owned(),
            message: "it is another program's SQLite database".to_owned(),
        }),
    }
}

/// Brings an open database up to date, in one transaction.
pub(super) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    if version(conn, path)? == VERSION {
        return Ok(());
    }
    let fails = |error| LedgerError::sqlite(path, error);
    let transaction = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fails)?;
    // Another process may have been faster.
    let from = usize::try_from(version(&transaction, path)?).unwrap_or_default();
    for step in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(step).map_err(fails)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| transaction.pragma_update(None, "user_version", VERSION))
        .and_then(|()| transaction.commit())
        .map_err(fails)
}
