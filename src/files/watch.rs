//! Which files this process reads and writes, noted for a transcript.
//!
//! Files are opened in many rooms, and a transcript that lacked some of them would be worth little.
//! So the few functions that open them note it here, for the whole process; nothing is noted before
//! [`begin`]. What is private is noted by name alone: a digest of something that can be guessed tells
//! it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::digest::Digest;

/// What was done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It was read.
    Read,
    /// It was written.
    Written,
}

/// What may be known of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// What was read or written has this digest.
    Digest(Digest),
    /// It has the digest that the file has when the command ends: it is too large to be held.
    AtEnd,
    /// Nothing: it is or may be secret.
    Private,
    /// Nothing of use: it is a database, which goes on changing.
    Database,
}

/// Files by path and what was done to them.
pub type Touched = BTreeMap<(PathBuf, Access), Content>;

static NOTED: Mutex<Option<Touched>> = Mutex::new(None);

fn noted() -> MutexGuard<'static, Option<Touched>> {
    // Whoever panicked while it was held has left a list that is whole.
    NOTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on files are noted.
pub fn begin() {
    *noted() = Some(Touched::new());
}

/// The files that were opened since [`begin`]; none are noted afterwards.
pub fn end() -> Touched {
    noted().take().unwrap_or_default()
}

/// Notes a file. `content` is asked only if somebody wants to know.
///
/// Of a file that is read again what was read first counts, of one that is written again what was
/// written last; to read what one has written is nothing new.
pub(crate) fn note(path: &Path, access: Access, content: impl FnOnce() -> Content) {
    let Some(files) = &mut *noted() else { return };
    let key = |access| (path.to_owned(), access);
    match access {
        Access::Written => {
            files.insert(key(access), content());
        }
        Access::Read if files.contains_key(&key(Access::Written)) => {}
        Access::Read => {
            files.entry(key(access)).or_insert_with(content);
        }
    }
}
