//! Keys and the history of runs, which stand beside the records.

use rusqlite::{OptionalExtension as _, Row};

use super::error::LedgerError;
use super::rows::{Db, Fault, micros, parsed};
use crate::canonical::{self, Json};
use crate::keys::{Fingerprint, KeyId, PublicKeyObject};
use crate::time::TimestampMicros;

/// One run of a command that changed the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was run, such as `mint`.
    pub verb: String,
    /// When it began.
    pub started_at: TimestampMicros,
    /// When it was done.
    pub finished_at: TimestampMicros,
    /// The version of this program.
    pub tool_version: String,
    /// The key that signed, if one did.
    pub key_id: Option<KeyId>,
    /// What it did, as its summary says.
    pub summary: Json,
}

impl Db<'_> {
    /// The published form of a key.
    pub fn key(self, fingerprint: &Fingerprint) -> Result<Option<PublicKeyObject>, LedgerError> {
        let text: Option<String> = self
            .conn
            .prepare_cached("SELECT object FROM keys WHERE fingerprint = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([fingerprint.to_string()], |row| row.get(0))
                    .optional()
            })
            .map_err(|error| self.fails(error))?;
        text.map(|text| self.read_key(&fingerprint.to_string(), &text))
            .transpose()
    }

    /// All keys, by fingerprint.
    pub fn keys(self) -> Result<Vec<PublicKeyObject>, LedgerError> {
        let fails = |error| self.fails(error);
        let mut statement = self
            .conn
            .prepare("SELECT fingerprint, object FROM keys ORDER BY fingerprint")
            .map_err(fails)?;
        let mut rows = statement.query([]).map_err(fails)?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next().map_err(fails)? {
            let fingerprint: String = row.get(0).map_err(fails)?;
            let object: String = row.get(1).map_err(fails)?;
            keys.push(self.read_key(&fingerprint, &object)?);
        }
        Ok(keys)
    }

    fn read_key(self, fingerprint: &str, text: &str) -> Result<PublicKeyObject, LedgerError> {
        let damaged = |message| self.damaged(format_args!("key {fingerprint}"), message);
        let object: PublicKeyObject =
            canonical::from_slice(text.as_bytes()).map_err(|error| damaged(error.to_string()))?;
        if object.key.fingerprint().to_string() == fingerprint {
            Ok(object)
        } else {
            Err(damaged("another key stands in its place".to_owned()))
        }
    }

    /// All runs, in the order in which they were recorded.
    pub fn runs(self) -> Result<Vec<Run>, LedgerError> {
        let fails = |error| self.fails(error);
        let mut statement = self
            .conn
            .prepare("SELECT * FROM runs ORDER BY id")
            .map_err(fails)?;
        let mut rows = statement.query([]).map_err(fails)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(fails)? {
            let id: i64 = row.get("id").map_err(fails)?;
            let run = read_run(row).map_err(|f| self.damaged(format_args!("run {id}"), f))?;
            runs.push(run);
        }
        Ok(runs)
    }
}

fn read_run(row: &Row<'_>) -> Result<Run, Fault> {
    let text = |name: &str| {
        row.get::<_, Option<String>>(name)
            .map_err(|error| format!("{name}: {error}"))
    };
    let key_id = match text("key_id")? {
        Some(_) => Some(parsed(row, "key_id")?),
        None => None,
    };
    Ok(Run {
        verb: text("verb")?.unwrap_or_default(),
        started_at: micros(row, "started_at")?,
        finished_at: micros(row, "finished_at")?,
        tool_version: text("tool_version")?.unwrap_or_default(),
        key_id,
        summary: canonical::from_slice(text("summary")?.unwrap_or_default().as_bytes())
            .map_err(|error| format!("summary: {error}"))?,
    })
}
