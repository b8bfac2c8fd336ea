//! The next version of a keyset while it is being made, and what the keys have signed that it ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::keyset::{malformed, read_if_there};
use super::{Home, HomeError};
use crate::canonical::pretty;
use crate::files::watch::{self, Access, Content};
use crate::files::{self, Existing, FileError};
use crate::keyset::{Keyset, Leaves, draft_leaves_path, leaves_path};

impl Home {
    /// The file of the next version, while it is being made.
    pub fn draft_path(&self) -> PathBuf {
        self.dir.join("keys/keyset-draft.json")
    }

    /// The next version as far as it is made, if one is being made.
    ///
    /// # Errors
    /// [`HomeError`] if it is malformed or cannot be read.
    pub fn draft(&self) -> Result<Option<Keyset>, HomeError> {
        read_keyset(&self.draft_path())
    }

    /// Keeps the next version as far as it is made.
    ///
    /// # Errors
    /// [`HomeError::File`].
    pub fn write_draft(&self, draft: &Keyset) -> Result<(), HomeError> {
        edit_draft(&self.draft_path(), |_| Ok(draft.clone())).map(drop)
    }

    /// Keeps the next version as far as it is made, if the draft still is the one that it was made of.
    ///
    /// # Errors
    /// [`HomeError::DraftChanged`] if it is not; those of files.
    pub fn replace_draft(&self, before: Option<&Keyset>, draft: &Keyset) -> Result<(), HomeError> {
        let path = self.draft_path();
        let replaced = edit_draft(&path, |there| match there.as_ref() == before {
            true => Ok(draft.clone()),
            false => Err(HomeError::DraftChanged { path: path.clone() }),
        });
        replaced.map(drop)
    }

    /// Gives what the keys of `keyset` have signed, which is in force, the names under which it is
    /// published. What an older version speaks of stays until then.
    pub(super) fn place_leaves(&self, keyset: &Keyset) -> Result<(), HomeError> {
        let logs = self.logs_dir();
        for entry in &keyset.keys {
            let id = &entry.key.key_id;
            let Some(signed) = &entry.signed else {
                continue;
            };
            let draft = draft_leaves_path(&logs, id);
            if draft.is_file() && Leaves::read(&draft, signed).is_ok() {
                let path = leaves_path(&logs, id);
                fs::rename(&draft, &path).map_err(FileError::io("write", &path))?;
                files::sync_folder(&logs)?;
                watch::note(&path, Access::Written, || Content::AtEnd);
            }
        }
        Ok(())
    }
}

/// Edits the draft in a file, which no other command does meanwhile.
///
/// # Errors
/// Those of `edit`; [`HomeError`] if the file is malformed, or cannot be locked, read or written.
pub fn edit_draft<E: From<HomeError>>(
    path: &Path,
    edit: impl FnOnce(Option<Keyset>) -> Result<Keyset, E>,
) -> Result<Keyset, E> {
    let _lock = lock_folder(files::folder_of(path))?;
    let draft = edit(read_keyset(path)?)?;
    files::write(path, &pretty(&draft), Existing::Replace).map_err(HomeError::from)?;
    Ok(draft)
}

/// Files are replaced by others of their names, so it is the folder that is locked.
pub(super) fn lock_folder(folder: &Path) -> Result<File, HomeError> {
    let locked = File::open(folder).and_then(|file| file.lock().map(|()| file));
    Ok(locked.map_err(FileError::io("lock", folder))?)
}

pub(super) fn read_keyset(path: &Path) -> Result<Option<Keyset>, HomeError> {
    let bytes = read_if_there(path)?;
    let keyset = bytes.map(|bytes| Keyset::from_slice(&bytes));
    keyset.transpose().map_err(malformed(path.to_owned()))
}
