//! The lock that keeps two writers from minting into one home at a time.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::error::LedgerError;

/// Held while a process mints: `ledger.db.lock`, beside the ledger.
///
/// SQLite keeps single transactions apart; this keeps whole runs apart. The system releases it
/// when the process ends, however it ends, so the file may stay and its presence means nothing.
#[derive(Debug)]
pub struct LedgerLock {
    // Closing the file releases the lock.
    _file: File,
}

/// The longest description of a holder that is read back.
const LONGEST_HOLDER: u64 = 1024;

impl LedgerLock {
    /// Takes the lock of the ledger at `ledger`, without waiting.
    ///
    /// `holder` is one line about this process for whoever finds the lock taken, such as
    /// `pid 4711 on host since 2026-05-18T00:30:44Z`.
    ///
    /// # Errors
    /// [`LedgerError::Held`] with the holder's line; [`LedgerError::Io`] if the lock file cannot be
    /// used.
    pub fn acquire(ledger: &Path, holder: &str) -> Result<Self, LedgerError> {
        let path = beside(ledger, ".lock");
        let fails = |source: io::Error| LedgerError::io(&path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fails)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Held {
                    path: ledger.to_owned(),
                    holder: read_holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(fails(source)),
        }
        let line = holder.lines().next().unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{line}"))
            .map_err(fails)?;
        Ok(LedgerLock { _file: file })
    }
}

impl LedgerLock {
    /// Who holds the lock of the ledger at `ledger`, if anybody does.
    ///
    /// # Errors
    /// [`LedgerError::Io`] if the lock file cannot be used.
    pub fn holder(ledger: &Path) -> Result<Option<String>, LedgerError> {
        let path = beside(ledger, ".lock");
        let fails = |source: io::Error| LedgerError::io(&path, source);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(fails)?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&mut file))),
            Err(TryLockError::Error(source)) => Err(fails(source)),
        }
    }
}

/// What the holder says of itself; it may be just about to write it.
fn read_holder(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.take(LONGEST_HOLDER).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    match (read, text.lines().next()) {
        (Ok(_), Some(line)) if !line.trim().is_empty() => line.escape_debug().to_string(),
        _ => "another process".to_owned(),
    }
}

/// `path` with `ending` appended to its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
