//! The ledger: what a registry has issued, in one SQLite file.
//!
//! It stands above the protocol's rooms and below those that mint, verify and publish. It keeps
//! each record with its names, its events and the seal of its bundle, so that any document can be
//! written again byte for byte. It judges nothing on the way in: callers record what they have
//! signed or verified, and [`Ledger::check`] goes through all of it.
//!
//! - [`Ledger::group`] writes; what it reports as done is on disk.
//! - [`Ledger::get`], [`Ledger::find`] and [`Ledger::issued`] read.
//! - Every event has a sequence number that is never given twice: the ledger's order.
//! - [`Ledger::see_keyset`] remembers the highest version of the keyset that was in force.
//! - [`LedgerLock`] keeps whole runs apart that would write.

mod backup;
mod brief;
mod check;
mod compact;
mod dump;
mod error;
mod find;
mod iter;
mod keyset;
mod lock;
mod rows;
mod runs;
mod schema;
mod stats;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use serde::Serialize;

pub use brief::Brief;
pub use check::{Checked, Finding};
pub use compact::{Compact, Fresh, Origin};
pub use error::LedgerError;
pub use iter::{IssuedRecords, Numbers};
pub use keyset::SeenKeyset;
pub use lock::LedgerLock;
pub use runs::{Run, Unfinished};
pub use stats::{KeyStats, Stats};
pub use write::{NewRecord, Transaction};

use crate::arxiv::ArxivId;
use crate::bundle::Bundle;
use crate::event::Event;
use crate::keys::{Fingerprint, KeyId, PublicKeyObject, SignatureBytes};
use crate::number::{AliasKind, PithNumber, SourceAlias, Suffix};
use crate::record::CanonicalRecord;
use crate::time::{Timestamp, TimestampMicros};
use rows::{Db, Stored};

/// How long a statement waits for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// All that a ledger knows of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Issued {
    /// The record.
    pub record: CanonicalRecord,
    /// Its number.
    pub number: PithNumber,
    /// Its other names, sorted.
    pub aliases: Vec<SourceAlias>,
    /// Its events with their sequence numbers, in that order.
    pub events: Vec<(u64, Event)>,
    /// The seal of its bundle, if one was signed over these events.
    pub bundle: Option<BundleSeal>,
}

/// A record as a ledger holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// As it was minted: nothing was added to it since.
    Fresh(Box<Fresh>),
    /// With its events, of which there may be more.
    Issued(Box<Issued>),
}

impl Held {
    /// Its number.
    pub fn number(&self) -> PithNumber {
        match self {
            Held::Fresh(fresh) => fresh.number,
            Held::Issued(issued) => issued.number,
        }
    }

    /// The seal of its bundle, if one was signed.
    pub fn seal(&self) -> Option<&BundleSeal> {
        match self {
            Held::Fresh(fresh) => fresh.seal.as_ref(),
            Held::Issued(issued) => issued.bundle.as_ref(),
        }
    }
}

/// What of a bundle does not follow from its parts: with it the same bundle is written again
/// without the key. Fields stand in the order in which a dump has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleSeal {
    /// When the bundle was put together.
    pub built_at: Timestamp,
    /// The label of the key that signed it.
    pub key_id: KeyId,
    /// The fingerprint of that key.
    pub public_key_fingerprint: Fingerprint,
    /// The signature.
    pub signature_b64: SignatureBytes,
    /// When it was made, by the signer's word.
    pub signed_at: TimestampMicros,
}

impl From<&Bundle> for BundleSeal {
    fn from(bundle: &Bundle) -> Self {
        let signature = &bundle.bundle_signature;
        BundleSeal {
            built_at: bundle.built_at,
            key_id: signature.key_id.clone(),
            public_key_fingerprint: signature.public_key_fingerprint,
            signature_b64: signature.signature_b64,
            signed_at: signature.signed_at,
        }
    }
}

/// An open ledger: one connection to its file.
#[derive(Debug)]
pub struct Ledger {
    conn: Connection,
    path: PathBuf,
}

impl Ledger {
    /// Makes an empty ledger at `path`, where nothing may be yet, or an empty file.
    ///
    /// # Errors
    /// [`LedgerError::Exists`]; those of the system and of the database.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        // What is left when making a ledger was interrupted.
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
            std::fs::remove_file(path).map_err(|source| LedgerError::io(path, source))?;
        }
        File::create_new(path).map_err(|source| LedgerError::io(path, source))?;
        let made = Ledger::open_or_fill(path).and_then(|ledger| {
            backup::sync_folder_of(path)?;
            Ok(ledger)
        });
        if made.is_err() {
            // It was empty a moment ago; the error that is returned says more than one about this.
            let _ = std::fs::remove_file(path);
        }
        made
    }

    /// Opens the ledger at `path` and brings it up to date if an older version made it.
    ///
    /// # Errors
    /// [`LedgerError::Missing`], [`LedgerError::NotALedger`], [`LedgerError::Newer`]; those of the
    /// database.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        refuse_empty(path)?;
        Self::open_or_fill(path)
    }

    fn open_or_fill(path: &Path) -> Result<Self, LedgerError> {
        let mut ledger = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Nothing is written to a file before it is known to be a ledger.
        schema::version(&ledger.conn, path)?;
        schema::migrate(&mut ledger.conn, path)?;
        // Where the file system cannot share memory the journal stays what it was, which is as
        // safe, but lets nobody read while another writes. Suffixes come in random order, so the
        // pages of their index change again and again: 64 MB of them are kept in memory, and 64 MB
        // in the journal, rather than written to their places each time.
        ledger
            .conn
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA cache_size = -64000; PRAGMA wal_autocheckpoint = 16000;",
            )
            .map_err(|error| LedgerError::sqlite(path, error))?;
        Ok(ledger)
    }

    /// Opens the ledger at `path` without ever writing to it.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`LedgerError::Older`] for a ledger that must be migrated.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        refuse_empty(path)?;
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let ledger = Self::connect(path, read_only)?;
        let (ledger, found) = match schema::version(&ledger.conn, path) {
            Ok(found) => (ledger, found),
            // Readers share memory through a file beside the ledger. In a folder that cannot be
            // written to they can do without it only by a promise that nobody writes, which is
            // kept where there is no journal and none can be made.
            Err(LedgerError::Sqlite { .. } | LedgerError::ReadOnly { .. })
                if !lock::beside(path, "-wal").exists() =>
            {
                let uri = PathBuf::from(immutable_uri(path));
                let conn = Connection::open_with_flags(uri, read_only | OpenFlags::SQLITE_OPEN_URI)
                    .map_err(|error| LedgerError::sqlite(path, error))?;
                let found = schema::version(&conn, path)?;
                let path = path.to_owned();
                (Ledger { conn, path }, found)
            }
            Err(error) => return Err(error),
        };
        if found == schema::VERSION {
            Ok(ledger)
        } else {
            Err(LedgerError::Older {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            })
        }
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, LedgerError> {
        // SQLite would report a missing file as one that it cannot open.
        let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => LedgerError::Missing {
                path: path.to_owned(),
            },
            _ => LedgerError::io(path, source),
        })?;
        if !metadata.is_file() {
            return Err(LedgerError::NotALedger {
                path: path.to_owned(),
                message: "it is not a file".to_owned(),
            });
        }
        let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| LedgerError::sqlite(path, error))?;
        conn.busy_timeout(PATIENCE)
            .map_err(|error| LedgerError::sqlite(path, error))?;
        conn.set_prepared_statement_cache_capacity(64);
        // Without this SQLite plans some lookups anew for every value, which takes longer than
        // they do.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| LedgerError::sqlite(path, error))?;
        Ok(Ledger {
            conn,
            path: path.to_owned(),
        })
    }

    fn db(&self) -> Db<'_> {
        Db {
            conn: &self.conn,
            path: &self.path,
        }
    }

    /// The ledger's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` and writes all its changes as one; when this returns `Ok`, they are on disk. If
    /// it fails, nothing has changed.
    ///
    /// # Errors
    /// Those of `work`; [`LedgerError::Busy`] if another process goes on writing for seconds;
    /// those of the database.
    pub fn group<T, E: From<LedgerError>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.begin()?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Begins a group, for callers that cannot do their work in one call: nothing has changed unless
    /// it is [committed](Transaction::commit). One is open at a time.
    ///
    /// # Errors
    /// As [`group`](Self::group).
    pub fn begin(&self) -> Result<Transaction<'_>, LedgerError> {
        self.begin_as(TransactionBehavior::Immediate)
    }

    /// Begins to read: everything stays as it is now, whatever others write.
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin_reading(&self) -> Result<Transaction<'_>, LedgerError> {
        self.begin_as(TransactionBehavior::Deferred)
    }

    fn begin_as(&self, behavior: TransactionBehavior) -> Result<Transaction<'_>, LedgerError> {
        rusqlite::Transaction::new_unchecked(&self.conn, behavior)
            .map(|inner| Transaction::new(inner, &self.path))
            .map_err(|error| LedgerError::sqlite(&self.path, error))
    }

    /// The record with this suffix as it is held, if it is in the ledger.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn held(&self, suffix: &Suffix) -> Result<Option<Held>, LedgerError> {
        self.db().get(suffix, Stored::held)
    }

    /// The record with this suffix, if it is in the ledger.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] if its row cannot be read; those of the database.
    pub fn get(&self, suffix: &Suffix) -> Result<Option<Issued>, LedgerError> {
        self.db().get(suffix, Stored::expand)
    }

    /// Whether the ledger has a record with this suffix.
    ///
    /// # Errors
    /// Those of the database.
    pub fn contains(&self, suffix: &Suffix) -> Result<bool, LedgerError> {
        Ok(self.db().seq_of(suffix)?.is_some())
    }

    /// How many records there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn count(&self) -> Result<u64, LedgerError> {
        self.db().integer("SELECT count(*) FROM records")
    }

    /// The records of a paper, of one version or all: by version, then in sequence order.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`]; those of the database.
    pub fn by_arxiv(
        &self,
        id: &ArxivId,
        version: Option<u32>,
    ) -> Result<Vec<PithNumber>, LedgerError> {
        self.db().by_arxiv(id, version)
    }

    /// All records that `text` is a name of (SPEC 3): a Pith Number; a suffix or the beginning of
    /// one, from 8 characters on, with or without `pith:`; an arXiv id with or without version and
    /// with or without `arXiv:`; the DOI of one, also as a URL. More than one means that the name
    /// is ambiguous; whether that is an error is for the caller to say.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`]; those of the database.
    pub fn find(&self, text: &str) -> Result<Vec<PithNumber>, LedgerError> {
        self.db().find(text)
    }

    /// Goes through all records in sequence order, or through those first issued at `since` or
    /// later. A few hundred are in memory at a time.
    ///
    /// A damaged record is an error in its place, after which the rest follows. Records that are
    /// added meanwhile come too.
    pub fn issued(&self, since: Option<TimestampMicros>) -> IssuedRecords<'_> {
        IssuedRecords::new(self.db(), since)
    }

    /// Goes through the numbers of all records in sequence order, without reading the rest of
    /// them.
    pub fn numbers(&self) -> Numbers<'_> {
        Numbers::new(self.db())
    }

    /// Keeps the published form of a key: see [`Transaction::put_key`].
    ///
    /// # Errors
    /// As there.
    pub fn put_key(&mut self, object: &PublicKeyObject) -> Result<(), LedgerError> {
        self.group(|transaction| transaction.put_key(object))
    }

    /// The published form of the key with this fingerprint, if it is in the ledger.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`]; those of the database.
    pub fn key(&self, fingerprint: &Fingerprint) -> Result<Option<PublicKeyObject>, LedgerError> {
        self.db().key(fingerprint)
    }

    /// All keys in the ledger, by fingerprint.
    ///
    /// # Errors
    /// As [`key`](Self::key).
    pub fn keys(&self) -> Result<Vec<PublicKeyObject>, LedgerError> {
        self.db().keys()
    }

    /// The unfinished run that writes to `output`, if there is one.
    ///
    /// # Errors
    /// Those of the database.
    pub fn unfinished(&self, output: &str) -> Result<Option<Unfinished>, LedgerError> {
        self.db().unfinished(output)
    }

    /// Adds a run to the history.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record_run(&mut self, run: &Run) -> Result<(), LedgerError> {
        self.group(|transaction| transaction.record_run(None, run).map(drop))
    }

    /// The history, in the order in which it was recorded.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`]; those of the database.
    pub fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        self.db().runs()
    }
}

/// An empty file would be filled and look like a ledger that has issued nothing; one that was lost
/// must be noticed.
fn refuse_empty(path: &Path) -> Result<(), LedgerError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Err(LedgerError::Missing {
            path: path.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// `path` as a URI that tells SQLite that the file does not change.
fn immutable_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

const ALIAS_KINDS: [AliasKind; 6] = [
    AliasKind::Arxiv,
    AliasKind::ArxivVersion,
    AliasKind::Doi,
    AliasKind::PithShort12,
    AliasKind::PithShort16,
    AliasKind::PithShort8,
];

fn alias_kind(text: &str) -> Option<AliasKind> {
    ALIAS_KINDS.into_iter().find(|kind| kind.as_str() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{self, Json};

    #[test]
    fn alias_kinds_are_kept_as_documents_write_them() {
        for kind in ALIAS_KINDS {
            let written = canonical::to_vec(&kind).unwrap();
            assert_eq!(written, format!("\"{}\"", kind.as_str()).into_bytes());
            assert_eq!(alias_kind(kind.as_str()), Some(kind));
        }
        assert_eq!(alias_kind("isbn"), None);
    }

    #[test]
    fn any_path_can_be_part_of_a_uri() {
        assert_eq!(
            immutable_uri(Path::new("/a b/c?d#e%f/ledger.db")),
            "file:/a%20b/c%3Fd%23e%25f/ledger.db?immutable=1"
        );
    }

    #[test]
    fn a_connection_is_set_up_to_be_durable() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::create(&folder.path().join("ledger.db")).unwrap();
        for (sql, value) in [
            (
                "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'",
                1,
            ),
            ("PRAGMA synchronous", 2),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA wal_autocheckpoint", 16000),
            ("PRAGMA busy_timeout", 5000),
        ] {
            assert_eq!(ledger.db().integer(sql).unwrap(), value, "{sql}");
        }
    }

    /// A limit on the file's size stands in for a full disk: SQLite reports both alike.
    #[test]
    fn a_full_disk_is_said_to_be_full_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::create(&path).unwrap();
        ledger
            .conn
            .pragma_update_and_check(None, "max_page_count", 32, |_| Ok(()))
            .unwrap();
        let time = TimestampMicros::from_unix_micros(0).unwrap();
        let run = |summary: String| Run {
            verb: "mint".to_owned(),
            started_at: time,
            finished_at: time,
            tool_version: "0.1.0".to_owned(),
            key_id: None,
            input_sha256: None,
            summary: Json::String(summary),
        };
        ledger.record_run(&run(String::new())).unwrap();
        let error = ledger
            .group(|transaction| {
                transaction.record_run(None, &run(String::new()))?;
                transaction.record_run(None, &run("x".repeat(1 << 20)))
            })
            .unwrap_err();
        assert!(matches!(error, LedgerError::Full { .. }), "{error}");
        assert!(error.to_string().contains("ledger.db"));
        assert_eq!(ledger.runs().unwrap().len(), 1);
    }

    #[test]
    fn an_immutable_ledger_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a ledger?.db");
        drop(Ledger::create(&path).unwrap());
        let conn = Connection::open_with_flags(
            immutable_uri(&path),
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
        )
        .unwrap();
        assert_eq!(schema::version(&conn, &path).unwrap(), schema::VERSION);
    }
}
