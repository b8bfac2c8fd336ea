//! The content of snapshots by paper: what `pith mint --snapshots` reads.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use crate::digest::{Digest, Hasher};
use crate::record::RecordSource;
use crate::snapshot::{ContentError, SnapshotContent};

/// How many bytes a line may have.
const LONGEST: u64 = 16 << 20;

/// The content of snapshots, by arXiv id. All of it is kept in memory.
#[derive(Debug, Clone, Default)]
pub struct Snapshots {
    by_id: HashMap<String, Arc<SnapshotContent>>,
    sha256: Option<Digest>,
}

/// A file of contents cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotsError {
    /// A line is no content.
    #[error("line {line}: {source}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        source: ContentError,
    },
    /// A line is longer than any content may be.
    #[error("line {line}: longer than {LONGEST} bytes")]
    TooLong {
        /// Which, from 1.
        line: u64,
    },
    /// Two lines are about one paper.
    #[error("line {line}: {arxiv_id} stands in an earlier line too")]
    Twice {
        /// Which, from 1.
        line: u64,
        /// The paper.
        arxiv_id: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Snapshots {
    /// Reads contents, one a line; blank lines are skipped.
    ///
    /// # Errors
    /// [`SnapshotsError`], with the first line that is at fault.
    pub fn read(mut lines: impl BufRead) -> Result<Self, SnapshotsError> {
        let (mut by_id, mut hasher) = (HashMap::new(), Hasher::new());
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            let mut limited = std::io::Read::take(&mut lines, LONGEST + 1);
            if limited.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if text.len() as u64 > LONGEST {
                return Err(SnapshotsError::TooLong { line });
            }
            hasher.update(&text);
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let content = SnapshotContent::from_slice(&text)
                .map_err(|source| SnapshotsError::Line { line, source })?;
            let arxiv_id = content.arxiv_id.clone();
            if by_id.insert(arxiv_id.clone(), Arc::new(content)).is_some() {
                return Err(SnapshotsError::Twice { line, arxiv_id });
            }
        }
        Ok(Snapshots {
            by_id,
            sha256: Some(hasher.digest()),
        })
    }

    /// How many papers there is content for.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The digest of what was read.
    pub fn sha256(&self) -> Option<Digest> {
        self.sha256
    }

    /// The content for a paper: that of its version, or else that of all its versions.
    pub fn of(&self, source: &RecordSource) -> Option<Arc<SnapshotContent>> {
        if self.by_id.is_empty() {
            return None;
        }
        let of_version = self.by_id.get(&source.arxiv_version());
        of_version
            .or_else(|| self.by_id.get(source.id.as_str()))
            .cloned()
    }
}
