//! A ledger in brief: enough to see that it is sound, and how far it has come.

use super::Ledger;
use super::error::LedgerError;
use crate::time::TimestampMicros;

/// How many problems of the file are named.
const MOST: usize = 10;

/// A ledger in brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// What the database finds wrong with its file.
    pub problems: Vec<String>,
    /// The version of the tables.
    pub schema: u64,
    /// Records.
    pub records: u64,
    /// Size of the database in bytes.
    pub bytes: u64,
    /// When the last run was done.
    pub last_run_at: Option<TimestampMicros>,
    /// When the last record was minted.
    pub last_minted_at: Option<TimestampMicros>,
    /// The outputs of runs that have not come to their end.
    pub unfinished: Vec<String>,
}

impl Ledger {
    /// Looks at the structure of the file, not at what the records say: `check` does that.
    ///
    /// # Errors
    /// Those of the database.
    pub fn brief(&self) -> Result<Brief, LedgerError> {
        let db = self.db();
        let texts = |sql: &str| {
            let mut statement = db.conn.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let time = |sql: &str| {
            let micros = db
                .conn
                .query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
            micros.map(|micros| micros.and_then(TimestampMicros::from_unix_micros))
        };
        let mut problems =
            texts(&format!("PRAGMA quick_check({MOST})")).map_err(|error| db.fails(error))?;
        problems.retain(|problem| problem != "ok");
        let read = || -> rusqlite::Result<_> {
            Ok((
                time("SELECT max(finished_at) FROM runs")?,
                // Sequence numbers grow with time; to look for the latest would read all of it.
                time("SELECT (SELECT minted_at FROM records ORDER BY seq DESC LIMIT 1)")?,
                texts("SELECT output FROM unfinished ORDER BY output")?,
            ))
        };
        let (last_run_at, last_minted_at, unfinished) = read().map_err(|error| db.fails(error))?;
        Ok(Brief {
            problems,
            schema: db.integer("PRAGMA user_version")?,
            records: db.integer("SELECT count(*) FROM records")?,
            bytes: db.integer("PRAGMA page_count")? * db.integer("PRAGMA page_size")?,
            last_run_at,
            last_minted_at,
            unfinished,
        })
    }
}
