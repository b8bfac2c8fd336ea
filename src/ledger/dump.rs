//! A ledger as text: JSON lines that depend on what was issued and on nothing else.

use std::io::Write;

use serde::Serialize;

use super::error::LedgerError;
use super::{BundleSeal, Issued, Ledger};
use crate::canonical;
use crate::event::Event;
use crate::number::{PithNumber, SourceAlias};
use crate::record::SchemaVersion;

/// A line of a dump; fields stand in its order.
#[derive(Serialize)]
struct Line<'a> {
    schema_version: SchemaVersion,
    /// Of the record's first event.
    seq: Option<u64>,
    pith_number: PithNumber,
    arxiv_id: &'a str,
    version: u32,
    source_aliases: &'a [SourceAlias],
    events: Vec<SequencedEvent<'a>>,
    bundle: Option<&'a BundleSeal>,
}

#[derive(Serialize)]
struct SequencedEvent<'a> {
    seq: u64,
    event: &'a Event,
}

impl<'a> From<&'a Issued> for Line<'a> {
    fn from(issued: &'a Issued) -> Self {
        Line {
            schema_version: SchemaVersion,
            seq: issued.events.first().map(|(seq, _)| *seq),
            pith_number: issued.number,
            arxiv_id: issued.record.source.id.as_str(),
            version: issued.record.source.version.get(),
            source_aliases: &issued.aliases,
            events: issued
                .events
                .iter()
                .map(|(seq, event)| SequencedEvent { seq: *seq, event })
                .collect(),
            bundle: issued.bundle.as_ref(),
        }
    }
}

impl Issued {
    /// Writes this record's line of a dump.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn write_line(&self, writer: &mut impl Write) -> std::io::Result<()> {
        let mut line =
            canonical::wire(&Line::from(self)).expect("a ledger holds nothing that JSON cannot");
        line.push(b'\n');
        writer.write_all(&line)
    }
}

impl Ledger {
    /// Writes a line of JSON for each record, in sequence order, as they all are at one moment;
    /// returns how many there were.
    ///
    /// Equal ledgers give equal bytes: neither the history of runs shows nor the form in which a
    /// record is stored.
    ///
    /// # Errors
    /// [`LedgerError::Output`] if `writer` fails; [`LedgerError::Damaged`] at the first record that
    /// cannot be read; those of the database.
    pub fn dump(&self, mut writer: impl Write) -> Result<u64, LedgerError> {
        let _moment = self.db().snapshot()?;
        let mut lines = 0;
        for issued in self.issued(None) {
            issued?
                .write_line(&mut writer)
                .map_err(LedgerError::Output)?;
            lines += 1;
        }
        writer.flush().map_err(LedgerError::Output)?;
        Ok(lines)
    }
}
