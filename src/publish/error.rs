//! What can go wrong while a mirror is written or read.

use std::path::{Path, PathBuf};

use crate::files::FileError;
use crate::home::HomeError;

/// Publishing stopped, or a mirror could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The folder holds other things than a mirror.
    #[error("{} holds files and is no mirror that this program made", dir.display())]
    NotAMirror {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is another registry's mirror.
    #[error("{} is a mirror of {found}, not of {registry_id}", dir.display())]
    OtherRegistry {
        /// The folder.
        dir: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        registry_id: String,
    },
    /// Another process publishes to it.
    #[error("another process is publishing to {}", dir.display())]
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// What was published cannot be looked up or noted.
    #[error("{}: {source}", path.display())]
    Memory {
        /// The file in which it stands.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// A page cannot be rendered.
    #[error("template {name}: {message}")]
    Template {
        /// Which.
        name: String,
        /// What is wrong, and where.
        message: String,
    },
    /// Something to publish is not what it should be.
    #[error("{what}: {message}")]
    Malformed {
        /// What it is.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// The home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl PublishError {
    /// For `map_err`: the database's error with the file it is about.
    pub(super) fn memory(path: &Path) -> impl FnOnce(rusqlite::Error) -> PublishError {
        let path = path.to_owned();
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                let dir = crate::files::folder_of(&path).to_owned();
                PublishError::Busy { dir }
            }
            _ => PublishError::Memory { path, source },
        }
    }

    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            PublishError::NotAMirror { .. } => {
                "name an empty folder or a new one; --adopt takes over what a mirror that lost its memory holds"
            }
            PublishError::OtherRegistry { .. } => "name another folder",
            PublishError::Busy { .. } => "wait until it is done",
            PublishError::Memory { .. } => {
                "remove the file and publish again with --adopt: every file is compared then"
            }
            PublishError::Template { .. } => {
                "correct the template in the home's templates/, or remove it to use the built-in one"
            }
            PublishError::Malformed { .. } => {
                "`pith ledger check` goes through what the ledger holds"
            }
            PublishError::Home(_) | PublishError::File(_) => return None,
        })
    }
}
