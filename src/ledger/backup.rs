//! Copies of a ledger that is in use.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::LedgerError;
use super::lock::beside;
use super::{Ledger, PATIENCE};
use crate::files::watch::{self, Access, Content};
use crate::files::{self, FileError};

/// How often a copy tries again while the ledger is locked.
const PAUSE: Duration = Duration::from_millis(50);

impl Ledger {
    /// Writes a copy of the ledger to `to`: all that was committed when it began, whatever other
    /// processes write meanwhile. It appears under its name only when it is complete and on disk.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] if there is a file and `force` is not given;
    /// [`LedgerError::BackupInUse`]; those of the system and of the database.
    pub fn backup(&self, to: &Path, force: bool) -> Result<(), LedgerError> {
        let io_fails = |source| LedgerError::io(to, source);
        if !force && to.symlink_metadata().is_ok() {
            return Err(io_fails(io::ErrorKind::AlreadyExists.into()));
        }
        // SQLite applies a journal to whatever database stands beside it.
        for ending in ["-wal", "-journal"] {
            let journal = beside(to, ending);
            if journal.exists() {
                return Err(LedgerError::BackupInUse {
                    path: to.to_owned(),
                    journal,
                });
            }
        }
        if let (Ok(from), Ok(to)) = (self.path.canonicalize(), to.canonicalize())
            && from == to
        {
            return Err(io_fails(io::ErrorKind::AlreadyExists.into()));
        }
        // In a folder of its own, so that SQLite's files beside the copy go with it.
        let folder = tempfile::Builder::new()
            .prefix(".ledger-backup-")
            .tempdir_in(files::folder_of(to))
            .map_err(|source| LedgerError::io(files::folder_of(to), source))?;
        let copy = folder.path().join("ledger.db");
        self.copy_to(&copy)
            .map_err(|error| LedgerError::sqlite(to, error))?;
        File::open(&copy)
            .and_then(|file| file.sync_all())
            .map_err(io_fails)?;
        let copy = tempfile::TempPath::try_from_path(copy).map_err(io_fails)?;
        let renamed = if force {
            copy.persist(to)
        } else {
            copy.persist_noclobber(to)
        };
        renamed.map_err(|error| io_fails(error.error))?;
        watch::note(to, Access::Written, || Content::AtEnd);
        sync_folder_of(to)
    }

    fn copy_to(&self, copy: &Path) -> rusqlite::Result<()> {
        let mut to = Connection::open(copy)?;
        to.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
        {
            let backup = Backup::new(&self.conn, &mut to)?;
            let mut waited = Duration::ZERO;
            // All pages in one step: between steps the copy would begin anew whenever another
            // process has written, and so never end. Readers do not keep writers waiting.
            loop {
                match backup.step(-1)? {
                    StepResult::Done => break,
                    StepResult::Busy | StepResult::Locked if waited >= PATIENCE => {
                        return Err(rusqlite::Error::SqliteFailure(
                            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                            None,
                        ));
                    }
                    _ => {
                        std::thread::sleep(PAUSE);
                        waited += PAUSE;
                    }
                }
            }
        }
        // The copy took over the ledger's journal mode; without it, it is a single file.
        to.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
        to.close().map_err(|(_, error)| error)
    }
}

/// Makes the name of a new file durable.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), LedgerError> {
    files::sync_folder(files::folder_of(path)).map_err(|error| match error {
        FileError::Io { path, source, .. } => LedgerError::io(&path, source),
        error => LedgerError::io(path, io::Error::other(error)),
    })
}
