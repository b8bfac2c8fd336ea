//! The inputs in chunks, each with the place in the inputs behind it.

use crate::arxiv::{InputError, Progress, Raw, RawReader};
use crate::digest::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// How many inputs (lines, records) a chunk has.
const CHUNK: usize = 256;

/// A chunk ends early when its inputs are larger than this, in bytes.
const LARGE: usize = 1 << 20;

/// A place between two inputs, by what was read before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// How many inputs.
    pub units: u64,
    /// Their digest: each line with `\n` after it, each text of an XML record with a NUL. Of a file of
    /// JSON lines without blank ones, read to its end, it is what `sha256sum` gives.
    pub sha256: Digest,
}

/// A part of the inputs. Where chunks begin and end depends on the inputs alone.
pub struct Chunk {
    /// What was read.
    pub units: Vec<Result<Raw, InputError>>,
    /// Its size in bytes, about.
    pub size: usize,
    /// The place behind it.
    pub after: Read,
    /// Whether the chunk would have ended here whatever follows.
    pub whole: bool,
}

/// Reads the inputs.
pub struct Feed {
    reader: RawReader,
    units: u64,
    hasher: Hasher,
}

impl Feed {
    /// Reads from the beginning.
    pub fn new(reader: RawReader) -> Self {
        Feed {
            reader,
            units: 0,
            hasher: Hasher::new(),
        }
    }

    /// How far the inputs have been read.
    pub fn progress(&self) -> Progress {
        self.reader.progress()
    }

    /// The place behind what was read.
    pub fn place(&self) -> Read {
        Read {
            units: self.units,
            sha256: self.hasher.digest(),
        }
    }

    fn read(&mut self) -> Option<Result<Raw, InputError>> {
        let unit = self.reader.next()?;
        if let Ok(raw) = &unit {
            raw.add_to(&mut self.hasher);
            self.units += 1;
        }
        Some(unit)
    }

    /// Goes to `place`; `false` if the inputs are not those that were read before it.
    pub fn skip_to(&mut self, place: &Read) -> bool {
        while self.units < place.units {
            if !matches!(self.read(), Some(Ok(_))) {
                return false;
            }
        }
        self.hasher.digest() == place.sha256
    }

    /// The next chunk, if there is one.
    pub fn next_chunk(&mut self) -> Option<Chunk> {
        let mut units = Vec::with_capacity(CHUNK);
        let mut size = 0;
        while units.len() < CHUNK && size < LARGE {
            let Some(unit) = self.read() else { break };
            size += unit.as_ref().map_or(0, Raw::size);
            units.push(unit);
        }
        if units.is_empty() {
            return None;
        }
        Some(Chunk {
            whole: units.len() == CHUNK || size >= LARGE,
            units,
            size,
            after: self.place(),
        })
    }
}
