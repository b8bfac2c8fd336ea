//! What was published: for each record the digest of what its files were made from, and by what it
//! is found.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use super::error::PublishError;
use super::made::Made;
use super::search::{Entry, Index};
use crate::digest::Digest;
use crate::files::FileError;
use crate::files::watch::{self, Access, Content};
use crate::number::Suffix;

/// The file in a mirror's folder that makes it one. It holds nothing that is not published.
pub const MEMORY_FILE: &str = ".pith-publish.db";

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS mirror (id INTEGER PRIMARY KEY CHECK (id = 1), registry_id TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
  suffix TEXT PRIMARY KEY,
  made_from BLOB NOT NULL,
  arxiv TEXT NOT NULL,
  title TEXT NOT NULL,
  arxiv_key TEXT NOT NULL,
  title_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_arxiv ON records (arxiv_key);
CREATE INDEX IF NOT EXISTS records_by_title ON records (title_key);
";

/// The memory of a mirror, held by one process at a time.
#[derive(Debug)]
pub struct Memory {
    conn: Connection,
    path: PathBuf,
}

impl Memory {
    /// Opens the memory of the mirror in `dir`, a folder that is there, or begins one: in an empty
    /// folder, or in any if `adopt` says so.
    ///
    /// # Errors
    /// [`PublishError::NotAMirror`], [`PublishError::OtherRegistry`], [`PublishError::Busy`]; those of
    /// the system and the database.
    pub fn open(dir: &Path, registry_id: &str, adopt: bool) -> Result<Self, PublishError> {
        let path = dir.join(MEMORY_FILE);
        if !path.is_file() && !adopt {
            let mut entries = std::fs::read_dir(dir).map_err(FileError::io("list", dir))?;
            if entries.next().is_some() {
                let dir = dir.to_owned();
                return Err(PublishError::NotAMirror { dir });
            }
        }
        let fails = |error| PublishError::memory(&path)(error);
        let conn = Connection::open(&path).map_err(fails)?;
        conn.busy_timeout(Duration::ZERO).map_err(fails)?;
        // What it says is only believed of files that were synced before it was; and a lost memory
        // costs time, no more.
        conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -64000;")
            .map_err(fails)?;
        conn.execute_batch("BEGIN IMMEDIATE").map_err(fails)?;
        conn.execute_batch(SCHEMA).map_err(fails)?;
        let found: Option<String> = conn
            .query_row("SELECT registry_id FROM mirror", [], |row| row.get(0))
            .optional()
            .map_err(fails)?;
        match found {
            Some(found) if found != registry_id => {
                return Err(PublishError::OtherRegistry {
                    dir: dir.to_owned(),
                    found,
                    registry_id: registry_id.to_owned(),
                });
            }
            Some(_) => {}
            None => {
                conn.execute("INSERT INTO mirror VALUES (1, ?1)", [registry_id])
                    .map_err(fails)?;
            }
        }
        watch::note(&path, Access::Written, || Content::Database);
        Ok(Memory { conn, path })
    }

    fn fails(&self) -> impl Fn(rusqlite::Error) -> PublishError + '_ {
        |error| PublishError::memory(&self.path)(error)
    }

    /// What the files of a record were made from when they were last published.
    ///
    /// # Errors
    /// Those of the database.
    pub fn made_from(&self, suffix: &Suffix) -> Result<Option<Digest>, PublishError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT made_from FROM records WHERE suffix = ?1")
            .map_err(self.fails())?;
        statement
            .query_row([suffix.as_str()], |row| row.get(0))
            .optional()
            .map(|found| found.map(Digest::from_bytes))
            .map_err(self.fails())
    }

    /// Remembers that the files of a record are in their places.
    ///
    /// # Errors
    /// Those of the database.
    pub fn remember(&self, made: &Made) -> Result<(), PublishError> {
        let entry = &made.entry;
        let mut statement = self
            .conn
            .prepare_cached("INSERT OR REPLACE INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .map_err(self.fails())?;
        statement
            .execute((
                made.suffix.as_str(),
                made.made_from.as_bytes(),
                &entry.arxiv,
                &entry.title,
                Index::Arxiv.key_of(entry),
                Index::Title.key_of(entry),
            ))
            .map(drop)
            .map_err(self.fails())
    }

    /// Makes what was remembered so far last. The files must have been synced.
    ///
    /// # Errors
    /// Those of the database.
    pub fn commit(&self) -> Result<(), PublishError> {
        self.conn
            .execute_batch("COMMIT; BEGIN IMMEDIATE")
            .map_err(self.fails())
    }

    /// How many records there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn count(&self) -> Result<u64, PublishError> {
        self.conn
            .query_row("SELECT count(*) FROM records", [], |row| row.get(0))
            .map(|count: i64| count.unsigned_abs())
            .map_err(self.fails())
    }

    /// How many records have a key that begins with `prefix`, by the character that follows it; under
    /// the empty text those whose key is the prefix.
    pub(super) fn following(
        &self,
        index: Index,
        prefix: &str,
    ) -> Result<Vec<(String, u64)>, PublishError> {
        let column = index.column();
        let sql = format!(
            "SELECT substr({column}, ?2, 1) AS next, count(*) FROM records \
             WHERE {column} >= ?1 AND {column} < ?1 || '~' GROUP BY next ORDER BY next"
        );
        let mut statement = self.conn.prepare_cached(&sql).map_err(self.fails())?;
        // Keys are ASCII, and short.
        let place = prefix.len() as i64 + 1;
        let rows = statement
            .query_map((prefix, place), |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })
            .map_err(self.fails())?;
        rows.collect::<Result<_, _>>().map_err(self.fails())
    }

    /// The records whose key begins with `prefix`, or is it, by key and suffix.
    pub(super) fn entries(
        &self,
        index: Index,
        prefix: &str,
        exactly: bool,
    ) -> Result<Vec<Entry>, PublishError> {
        let column = index.column();
        let end = if exactly { "" } else { "~" };
        let sql = format!(
            "SELECT suffix, arxiv, title FROM records \
             WHERE {column} >= ?1 AND {column} <= ?1 || ?2 ORDER BY {column}, suffix"
        );
        let mut statement = self.conn.prepare_cached(&sql).map_err(self.fails())?;
        let rows = statement
            .query_map((prefix, end), |row| {
                Ok(Entry {
                    number: row.get(0)?,
                    arxiv: row.get(1)?,
                    title: row.get(2)?,
                })
            })
            .map_err(self.fails())?;
        rows.collect::<Result<_, _>>().map_err(self.fails())
    }
}
