//! Reading a transcript, and whether its entries are what was written, in that order.

use super::entry::Entry;
use super::opening::Opening;
use crate::canonical::{self, Numbers};
use crate::digest::Digest;
use crate::time::TimestampMicros;

/// What of a transcript is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A line is no entry.
    #[error("line {line} is no entry: {message}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A line says what an entry says in another form.
    #[error("line {line} is not in canonical form, so it was changed")]
    NotCanonical {
        /// The line, from 1.
        line: usize,
    },
    /// An entry's hash is not its own.
    #[error("entry {line} was changed: its hash is {found}, and it says {stated}")]
    Hash {
        /// The line, from 1.
        line: usize,
        /// The hash that it states.
        stated: Digest,
        /// The hash that it has.
        found: Digest,
    },
    /// An entry's number is not its place.
    #[error("line {line} has entry {found}: one was dropped, added or moved")]
    Sequence {
        /// The line, from 1.
        line: usize,
        /// The number that stands there.
        found: u64,
    },
    /// An entry does not follow the one before.
    #[error(
        "entry {line} does not follow what stands before it: one was changed, dropped, added or moved"
    )]
    Link {
        /// The line, from 1.
        line: usize,
    },
    /// An entry is earlier than the one before.
    #[error("entry {line} is of {time}, before the one that it follows")]
    Time {
        /// The line, from 1.
        line: usize,
        /// Its time.
        time: TimestampMicros,
    },
    /// An entry says otherwise than the opening whether this is a rehearsal.
    #[error("entry {line} and the opening do not agree whether this is a rehearsal")]
    Rehearsal {
        /// The line, from 1.
        line: usize,
    },
    /// Something follows the entry that closes the ceremony.
    #[error("entry {line} stands behind the one that closed the ceremony")]
    AfterClosing {
        /// The line, from 1.
        line: usize,
    },
}

/// A last line that was not written to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// How many bytes come before it.
    pub offset: usize,
    /// What there is of it.
    pub bytes: Vec<u8>,
}

/// The entries of a transcript whose lines could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The entries, in the order of their lines.
    pub entries: Vec<Entry>,
    /// What stands behind the last end of line.
    pub torn: Option<Torn>,
}

impl Transcript {
    /// Reads the lines of a transcript. A last line without an end was cut off by a crash.
    ///
    /// # Errors
    /// [`Fault::Malformed`], [`Fault::NotCanonical`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut transcript = Transcript::default();
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < bytes.len() {
            transcript.torn = Some(Torn {
                offset: whole,
                bytes: bytes[whole..].to_vec(),
            });
        }
        let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
        for (place, text) in lines.enumerate() {
            let (line, text) = (place + 1, &text[..text.len() - 1]);
            let entry: Entry =
                canonical::from_slice_with(text, Numbers::Integers).map_err(|error| {
                    Fault::Malformed {
                        line,
                        message: error.to_string(),
                    }
                })?;
            if entry.to_line() != text {
                return Err(Fault::NotCanonical { line });
            }
            transcript.entries.push(entry);
        }
        Ok(transcript)
    }

    /// Whether the entries are what was written, in that order, as far as hashes tell: a tail that
    /// was cut off leaves no mark here.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn check_chain(&self, opening: &Opening) -> Result<(), Fault> {
        let mut previous = opening.digest();
        let mut last = opening.opened_at;
        let mut closed = false;
        for (place, entry) in self.entries.iter().enumerate() {
            let line = place + 1;
            let found = entry.digest();
            if found != entry.entry_sha256 {
                let stated = entry.entry_sha256;
                return Err(Fault::Hash {
                    line,
                    stated,
                    found,
                });
            }
            if entry.seq != line as u64 {
                let found = entry.seq;
                return Err(Fault::Sequence { line, found });
            }
            if entry.previous != previous {
                return Err(Fault::Link { line });
            }
            if entry.time < last || entry.time < entry.started_at {
                let time = entry.time;
                return Err(Fault::Time { line, time });
            }
            if entry.rehearsal != opening.rehearsal {
                return Err(Fault::Rehearsal { line });
            }
            if closed {
                return Err(Fault::AfterClosing { line });
            }
            closed = entry.products.is_some();
            (previous, last) = (found, entry.time);
        }
        Ok(())
    }

    /// How many entries there are.
    pub fn count(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The hash of the last entry, or the digest of the opening.
    pub fn head(&self, opening: &Opening) -> Digest {
        self.entries
            .last()
            .map_or_else(|| opening.digest(), |entry| entry.entry_sha256)
    }

    /// The time before which nothing can follow.
    pub fn last_time(&self, opening: &Opening) -> TimestampMicros {
        self.entries
            .last()
            .map_or(opening.opened_at, |entry| entry.time)
    }

    /// Whether the last entry closes the ceremony.
    pub fn is_closed(&self) -> bool {
        self.entries
            .last()
            .is_some_and(|entry| entry.products.is_some())
    }
}
