//! The highest version of the keyset that a home has gone by. It stands here, apart from the files of
//! `keys/`: who puts an older copy of those back does not put back what the ledger knows of them.

use rusqlite::{OptionalExtension as _, Row, params};

use super::Ledger;
use super::error::LedgerError;
use super::rows::{Db, digest};
use super::schema::SEEN_KEYSET;
use super::write::Transaction;
use crate::digest::Digest;

/// A version of a keyset that a home has gone by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenKeyset {
    /// Which.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
}

impl Ledger {
    /// The highest version of the keyset that was seen, if any was.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`]; those of the database.
    pub fn seen_keyset(&self) -> Result<Option<SeenKeyset>, LedgerError> {
        self.db().seen_keyset()
    }

    /// Remembers a version of the keyset, unless this one or a higher one is remembered.
    ///
    /// # Errors
    /// As [`seen_keyset`](Self::seen_keyset).
    pub fn see_keyset(&mut self, seen: &SeenKeyset) -> Result<(), LedgerError> {
        let is_known = |known: Option<SeenKeyset>| known.is_some_and(|k| k.version >= seen.version);
        // Who only reads need not wait for others that write.
        if is_known(self.seen_keyset()?) {
            return Ok(());
        }
        self.group(
            |transaction| match is_known(transaction.db().seen_keyset()?) {
                true => Ok(()),
                false => transaction.put_seen_keyset(seen),
            },
        )
    }
}

impl Transaction<'_> {
    fn put_seen_keyset(&self, seen: &SeenKeyset) -> Result<(), LedgerError> {
        self.execute(
            "INSERT OR REPLACE INTO seen_keyset (id, version, digest) VALUES (1, ?1, ?2)",
            params![seen.version, seen.digest.as_bytes()],
        )?;
        Ok(())
    }
}

impl Db<'_> {
    /// Asked before anything else of a home is trusted, so the table has to be the one that was made: a
    /// view of its name could work for ever.
    fn seen_keyset(self) -> Result<Option<SeenKeyset>, LedgerError> {
        let made: Option<String> = self
            .conn
            .query_row(
                "SELECT sql FROM sqlite_schema WHERE name = 'seen_keyset' AND type = 'table'",
                [],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.fails(error))?;
        if made.as_deref() != Some(SEEN_KEYSET) {
            let message = "it has another form".to_owned();
            return Err(self.damaged("the table seen_keyset", message));
        }
        let read = |row: &Row<'_>| {
            let version = row.get("version")?;
            Ok(digest(row, "digest").map(|digest| SeenKeyset { version, digest }))
        };
        self.conn
            .query_row("SELECT version, digest FROM seen_keyset", [], read)
            .optional()
            .map_err(|error| self.fails(error))?
            .transpose()
            .map_err(|message| self.damaged("the keyset that was seen", message))
    }
}
