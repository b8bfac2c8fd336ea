//! What a key has signed, digest by digest: the file that is published beside the keyset.

use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::document::SignedLog;
use super::merkle::MerkleTree;
use crate::digest::Digest;
use crate::files::{self, Existing, FileError, NewFile};
use crate::keys::KeyId;
use rustix::fs::OFlags;

/// A line: 64 hexadecimal digits and a newline.
const LINE: usize = 65;

/// The file of an ended key in the folder `logs`, as it is published.
pub fn leaves_path(logs: &Path, id: &KeyId) -> PathBuf {
    logs.join(format!("{id}.leaves"))
}

/// The file of a key that a draft ends, until the draft is in force.
pub fn draft_leaves_path(logs: &Path, id: &KeyId) -> PathBuf {
    logs.join(format!("{id}.leaves.draft"))
}

/// A file of leaves is not the one that the keyset speaks of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeavesError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is no digest.
    #[error("{}: line {line} is not 64 lower case hexadecimal digits", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
    /// It holds another number of digests.
    #[error("{} has {found} bytes, where {expected} digests take 65 each", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// How many digests the keyset says there are.
        expected: u64,
        /// How many bytes there are.
        found: u64,
    },
    /// It holds other digests.
    #[error("{} has the Merkle root {found}, not {expected}", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// The root in the keyset.
        expected: Digest,
        /// That of the file.
        found: Digest,
    },
}

/// Writes a file of leaves; only the last few hashes are in memory.
#[derive(Debug)]
pub struct LeavesWriter {
    file: NewFile,
    tree: MerkleTree,
}

impl LeavesWriter {
    /// Begins the file that is to stand at `path`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create(path: &Path) -> Result<Self, FileError> {
        Ok(LeavesWriter {
            file: NewFile::create(path, 0o644)?,
            tree: MerkleTree::new(),
        })
    }

    /// Adds a digest.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn push(&mut self, digest: &Digest) -> Result<(), FileError> {
        self.tree.push(digest.as_bytes());
        self.file.put(format!("{digest}\n").as_bytes())
    }

    /// Completes the file, in the place of an older one, and says what a keyset says of it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn finish(self) -> Result<SignedLog, FileError> {
        let signed = SignedLog::of(&self.tree);
        self.file.finish(Existing::Replace)?;
        Ok(signed)
    }
}

impl SignedLog {
    /// What a keyset says of these leaves.
    pub fn of(tree: &MerkleTree) -> Self {
        SignedLog {
            count: tree.count(),
            merkle_root: tree.root(),
        }
    }
}

/// The digests of a file of leaves, for looking them up: 32 bytes of memory for each.
#[derive(Debug)]
pub struct Leaves(Vec<Digest>);

impl Leaves {
    /// Reads the file at `path`, which must be the one that a keyset speaks of.
    ///
    /// # Errors
    /// [`LeavesError`].
    pub fn read(path: &Path, signed: &SignedLog) -> Result<Self, LeavesError> {
        let mut digests = Leaves::in_order(path, signed)?;
        digests.sort_unstable();
        Ok(Leaves(digests))
    }

    /// The digests of the file at `path`, in their order.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn in_order(path: &Path, signed: &SignedLog) -> Result<Vec<Digest>, LeavesError> {
        let read = |error| FileError::io("read", path)(error);
        let file = files::open_regular(path, OFlags::empty()).map_err(read)?;
        let found = file.metadata().map_err(read)?.len();
        let expected = signed.count;
        if expected.checked_mul(LINE as u64) != Some(found) {
            let path = path.to_owned();
            return Err(LeavesError::Count {
                path,
                expected,
                found,
            });
        }
        let mut file = BufReader::new(file);
        let mut tree = MerkleTree::new();
        let mut digests = Vec::new();
        let mut line = [0; LINE];
        for number in 1..=expected {
            file.read_exact(&mut line).map_err(read)?;
            let digest = digest_of(&line).ok_or_else(|| LeavesError::Line {
                path: path.to_owned(),
                line: number,
            })?;
            tree.push(digest.as_bytes());
            digests.push(digest);
        }
        let (found, expected) = (tree.root(), signed.merkle_root);
        if found != expected {
            let path = path.to_owned();
            return Err(LeavesError::Root {
                path,
                expected,
                found,
            });
        }
        Ok(digests)
    }

    /// Reads those of the key `id` from the folder `logs`. Those of a draft that came into force stand
    /// under their first name if its publication was cut off, and are known by what they hold.
    ///
    /// # Errors
    /// [`LeavesError`].
    pub fn of_key(logs: &Path, id: &KeyId, signed: &SignedLog) -> Result<Self, LeavesError> {
        Leaves::read(&leaves_path(logs, id), signed)
            .or_else(|error| Leaves::read(&draft_leaves_path(logs, id), signed).map_err(|_| error))
    }

    /// Whether the key has signed this.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.0.binary_search(digest).is_ok()
    }
}

fn digest_of(line: &[u8; LINE]) -> Option<Digest> {
    let (digits, newline) = line.split_at(LINE - 1);
    let digits = (newline == b"\n").then_some(digits)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
