//! Keys and the history of runs, which stand beside the records.

use rusqlite::{OptionalExtension as _, Row, params};

use super::error::LedgerError;
use super::rows::{Db, Fault, digest, micros, parsed};
use super::write::{Transaction, json_text};
use crate::canonical::{self, Json};
use crate::digest::Digest;
use crate::keys::{Fingerprint, KeyId, PublicKeyObject};
use crate::time::TimestampMicros;

/// One run of a command that changed the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was run, such as `mint`.
    pub verb: String,
    /// When it began.
    pub started_at: TimestampMicros,
    /// When it was done, or how far it is known to have come.
    pub finished_at: TimestampMicros,
    /// The version of this program.
    pub tool_version: String,
    /// The key that signed, if one did.
    pub key_id: Option<KeyId>,
    /// The digest of what it read.
    pub input_sha256: Option<Digest>,
    /// What it did, as its summary says.
    pub summary: Json,
}

/// A run that has not come to its end, and the place from which it goes on.
///
/// The place is written in the transaction that records what was done up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// What it writes to; there is one unfinished run an output.
    pub output: String,
    /// The command: another one does not go on from here.
    pub command: String,
    /// How far it came in its input and in its output.
    pub place: String,
}

impl Transaction<'_> {
    /// Keeps the published form of a key, for bundles to carry; once kept it never changes, since
    /// bundles that were written could not be written again with another.
    ///
    /// # Errors
    /// [`LedgerError::KeyDiffers`] if the ledger has the key in another form.
    pub fn put_key(&self, object: &PublicKeyObject) -> Result<(), LedgerError> {
        let fingerprint = object.key.fingerprint();
        match self.db().key(&fingerprint)? {
            Some(held) if held == *object => Ok(()),
            Some(held) => Err(LedgerError::KeyDiffers {
                key_id: held.key_id,
                fingerprint,
            }),
            None => {
                let text = json_text(object);
                self.execute(
                    "INSERT INTO keys VALUES (?1, ?2)",
                    params![fingerprint.to_string(), text],
                )?;
                Ok(())
            }
        }
    }

    /// Adds a run to the history, or replaces what it says of the run with this id; returns the id.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record_run(&self, id: Option<i64>, run: &Run) -> Result<i64, LedgerError> {
        self.execute(
            "INSERT OR REPLACE INTO runs (id, verb, started_at, finished_at, tool_version, key_id, \
               input_sha256, summary) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id,
                run.verb,
                run.started_at.unix_micros(),
                run.finished_at.unix_micros(),
                run.tool_version,
                run.key_id.as_ref().map(KeyId::as_str),
                run.input_sha256.as_ref().map(Digest::as_bytes),
                json_text(&run.summary),
            ],
        )?;
        Ok(id.unwrap_or_else(|| self.last_id()))
    }

    /// Keeps the place of an unfinished run, instead of an earlier one with the same output.
    ///
    /// # Errors
    /// Those of the database.
    pub fn put_unfinished(&self, run: &Unfinished) -> Result<(), LedgerError> {
        self.execute(
            "INSERT OR REPLACE INTO unfinished VALUES (?1, ?2, ?3)",
            params![run.output, run.command, run.place],
        )?;
        Ok(())
    }

    /// Forgets the unfinished run that writes to `output`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn remove_unfinished(&self, output: &str) -> Result<(), LedgerError> {
        self.execute("DELETE FROM unfinished WHERE output = ?1", [output])?;
        Ok(())
    }
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

    /// The unfinished run that writes to `output`.
    pub fn unfinished(self, output: &str) -> Result<Option<Unfinished>, LedgerError> {
        self.conn
            .prepare_cached("SELECT output, command, place FROM unfinished WHERE output = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([output], |row| {
                        Ok(Unfinished {
                            output: row.get(0)?,
                            command: row.get(1)?,
                            place: row.get(2)?,
                        })
                    })
                    .optional()
            })
            .map_err(|error| self.fails(error))
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
        input_sha256: match row.get::<_, Option<Vec<u8>>>("input_sha256") {
            Ok(None) => None,
            Ok(Some(_)) => Some(digest(row, "input_sha256")?),
            Err(error) => return Err(format!("input_sha256: {error}")),
        },
        summary: canonical::from_slice(text("summary")?.unwrap_or_default().as_bytes())
            .map_err(|error| format!("summary: {error}"))?,
    })
}
