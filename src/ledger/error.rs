//! What can go wrong with a ledger, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::keys::{Fingerprint, KeyId};
use crate::number::PithNumber;

/// Why a ledger could not do what it was asked; [`remedy`](Self::remedy) says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is a file where the ledger was to be made.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no ledger.
    #[error("there is no ledger at {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a ledger: {message}", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What it is.
        message: String,
    },
    /// A later version of this program made the file.
    #[error(
        "{} was made by a newer pith: its schema has version {found}, this one knows {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The version this program knows.
        known: i64,
    },
    /// The file must be migrated, but was opened for reading only.
    #[error(
        "{} was made by an older pith: its schema has version {found}, this one reads {known}",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The version this program reads.
        known: i64,
    },
    /// Another process holds the lock.
    #[error("the ledger {} is held by {holder}", path.display())]
    Held {
        /// The ledger.
        path: PathBuf,
        /// What the holder wrote about itself.
        holder: String,
    },
    /// Another process has been writing all the time that one waits.
    #[error("the ledger {} is busy: another process is writing to it", path.display())]
    Busy {
        /// The ledger.
        path: PathBuf,
    },
    /// There is no room left.
    #[error("no space left for {}: nothing was recorded", path.display())]
    Full {
        /// The file that cannot grow.
        path: PathBuf,
    },
    /// The file may not be written to.
    #[error("{} cannot be written to", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// What the file holds is not what was written.
    #[error("{}: {record} is damaged: {message}", path.display())]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// Which part of it, such as `record 12`.
        record: String,
        /// What is wrong with it.
        message: String,
    },
    /// The record is in the ledger.
    #[error("{number} is in the ledger already")]
    AlreadyIssued {
        /// The record.
        number: PithNumber,
    },
    /// The record is not in the ledger.
    #[error("{number} is not in the ledger")]
    NotIssued {
        /// The record.
        number: PithNumber,
    },
    /// What was to be recorded contradicts itself.
    #[error("{number} cannot be recorded: {message}")]
    Unfit {
        /// The record.
        number: PithNumber,
        /// What does not fit.
        message: String,
    },
    /// The ledger has another published form of the key.
    #[error(
        "the ledger has key {key_id} ({fingerprint}) with other details, which written bundles carry"
    )]
    KeyDiffers {
        /// The key's label in the ledger.
        key_id: KeyId,
        /// The key.
        fingerprint: Fingerprint,
    },
    /// A backup would be written next to another database's journal.
    #[error(
        "cannot back up to {}: {} beside it belongs to a database in use or not closed properly",
        path.display(),
        journal.display()
    )]
    BackupInUse {
        /// Where the backup was to go.
        path: PathBuf,
        /// The journal, which SQLite would apply to the backup.
        journal: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The output of a dump could not be written.
    #[error("the dump could not be written: {0}")]
    Output(#[source] io::Error),
    /// Anything else that SQLite reports.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// What to do about it, where that can be said.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            LedgerError::Exists { .. } => {
                "choose another name; a backup replaces a file with --force"
            }
            LedgerError::Missing { .. } => {
                "never mint into an empty ledger instead of a lost one: restore a backup, or rebuild it \
                 with `pith ledger rebuild BUNDLES`"
            }
            LedgerError::NotALedger { .. } => "point to the home that holds the ledger.db",
            LedgerError::Newer { .. } => "use that version of pith, or a later one",
            LedgerError::Older { .. } => "any command that writes brings it up to date, once",
            LedgerError::Held { .. } | LedgerError::Busy { .. } => {
                "wait until it has finished, then run the same command again"
            }
            LedgerError::Full { .. } => "make room, then run the same command again",
            LedgerError::ReadOnly { .. } => {
                "check the rights of the file and its folder, and how the disk is mounted"
            }
            LedgerError::Damaged { .. } => {
                "`pith ledger check` lists all damage; put back a backup, or make the ledger \
                 again from its bundles with `pith ledger rebuild`"
            }
            LedgerError::KeyDiffers { .. } => {
                "publish a changed key under a new id; what the ledger has stays as it is"
            }
            LedgerError::BackupInUse { .. } => "choose a name that no database has had",
            _ => return None,
        })
    }

    /// What SQLite reports about the database at `path`.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let path = path.to_owned();
        let damaged = |record: &str, message: String| LedgerError::Damaged {
            path: path.clone(),
            record: record.to_owned(),
            message,
        };
        match &source {
            E::SqliteFailure(failure, message) => match failure.code {
                ErrorCode::DiskFull => LedgerError::Full { path },
                ErrorCode::ReadOnly => LedgerError::ReadOnly { path },
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => LedgerError::Busy { path },
                ErrorCode::NotADatabase => LedgerError::NotALedger {
                    path,
                    message: "it is not an SQLite database".to_owned(),
                },
                ErrorCode::DatabaseCorrupt => damaged(
                    "the file",
                    message.clone().unwrap_or_else(|| failure.to_string()),
                ),
                _ => LedgerError::Sqlite { path, source },
            },
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::Utf8Error(..) => damaged("a row", source.to_string()),
            _ => LedgerError::Sqlite { path, source },
        }
    }

    /// What the system reports about `path`.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => LedgerError::Exists { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerError::Full { path },
            io::ErrorKind::ReadOnlyFilesystem => LedgerError::ReadOnly { path },
            _ => LedgerError::Io { path, source },
        }
    }
}
