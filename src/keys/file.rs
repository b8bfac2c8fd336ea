//! Reading and writing files that hold keys or secrets.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::files::watch::{self, Access, Content};
use crate::files::{self, Existing, FileError};

/// A file larger than this holds no key.
const MAX_BYTES: u64 = 1 << 20;

/// Whether a key file that others may read is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PermissionCheck {
    /// Group and others must have no rights to the file.
    #[default]
    OwnerOnly,
    /// Any mode will do, for file systems that have no modes.
    Off,
}

/// A key file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The path is a symbolic link, which could be made to lead elsewhere.
    #[error("`{}` is a symbolic link, and key files are not read through links", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// The path is a folder, a device, a pipe or a socket.
    #[error("`{}` is not a regular file", path.display())]
    NotRegular {
        /// What was opened.
        path: PathBuf,
    },
    /// Group or others have rights to the file.
    #[error("`{}` is open to other users (mode {mode:03o})", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is too large to hold a key.
    #[error("`{}` is larger than {limit} bytes, so it is no key file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size that is read.
        limit: u64,
    },
    /// The file to be written is already there.
    #[error("`{}` exists, and key files are never replaced", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The system refused.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was tried: "open", "read", "write" or "sync".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl KeyFileError {
    /// What an operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            KeyFileError::Symlink { path } => Some(match path.canonicalize() {
                Ok(target) => format!("name the file itself: `{}`", target.display()),
                Err(_) => "name the file itself".to_owned(),
            }),
            KeyFileError::Permissions { path, .. } => Some(format!(
                "run `chmod 600 {}`, and ask who could have read it; `--insecure-permissions` reads it all the same",
                path.display()
            )),
            KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "check the name; a key's file that is lost is restored from a backup, or from its \
                 shares: `pith key combine`, with the runbook of `pith ceremony plan recovery`"
                    .to_owned(),
            ),
            KeyFileError::Exists { .. } => Some("move it away, or choose another name".to_owned()),
            _ => None,
        }
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| KeyFileError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Reads a file that holds a sealed key or an age identity.
///
/// The checks are made on the opened file, so that it can't be exchanged between check and use.
/// Whose file it is does not matter.
///
/// # Errors
///
/// [`KeyFileError`] if the last part of `path` is a symbolic link, if it is no regular file, if
/// `check` says so and its mode gives group or others any right, if it is larger than 1 MiB, or
/// if the system refuses.
pub fn read_key_file(
    path: &Path,
    check: PermissionCheck,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // NONBLOCK: opening a pipe that nobody writes to must not hang before it is refused.
    watch::note(path, Access::Read, || Content::Private);
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::LOOP) => {
            return Err(KeyFileError::Symlink {
                path: path.to_owned(),
            });
        }
        Err(errno) => return Err(KeyFileError::io("open", path)(errno.into())),
    };
    let metadata = file.metadata().map_err(KeyFileError::io("read", path))?;
    if !metadata.is_file() {
        return Err(KeyFileError::NotRegular {
            path: path.to_owned(),
        });
    }
    check.apply(path, metadata.mode())?;
    read_bounded(file, metadata.len(), path)
}

impl PermissionCheck {
    pub(crate) fn apply(self, path: &Path, mode: u32) -> Result<(), KeyFileError> {
        if self == PermissionCheck::OwnerOnly && mode & 0o077 != 0 {
            return Err(KeyFileError::Permissions {
                path: path.to_owned(),
                mode: mode & 0o7777,
            });
        }
        Ok(())
    }
}

fn read_bounded(
    file: File,
    expected: u64,
    path: &Path,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // Room for all that may be read: a vector that grows leaves copies behind, which nobody wipes.
    let room = expected.min(MAX_BYTES) as usize + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(KeyFileError::io("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(KeyFileError::TooLarge {
            path: path.to_owned(),
            limit: MAX_BYTES,
        });
    }
    Ok(bytes)
}

/// Writes a new file with mode 0600, whole or not at all, and never over an existing one.
///
/// When it returns, file and name are on disk: the bytes go to a temporary file in the same folder,
/// are synced, get their name in one step that fails if the name is taken, and the folder is synced.
///
/// # Errors
///
/// [`KeyFileError::Exists`] if there is anything at `path`, be it a dangling link;
/// [`KeyFileError::Io`] if the system refuses. After an error in syncing the folder the file is
/// there, but may be gone after a power failure.
pub fn write_key_file(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    write(path, bytes, Existing::Keep)
}

/// As [`write_key_file`], in the place of the file that is there: at no moment is there none.
///
/// # Errors
///
/// [`KeyFileError::Io`] if the system refuses.
pub fn replace_key_file(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    write(path, bytes, Existing::Replace)
}

fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), KeyFileError> {
    files::write_with_mode(path, bytes, existing, 0o600).map_err(|error| match error {
        FileError::Exists { path } | FileError::Differs { path } => KeyFileError::Exists { path },
        FileError::Io {
            action,
            path,
            source,
        } => KeyFileError::Io {
            action,
            path,
            source,
        },
    })
}
