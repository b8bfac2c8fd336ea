//! Files that are there whole or not at all.
//!
//! A file is written under another name in its own folder, synced, given its name in one step, and
//! the folder synced: a crash at any moment leaves the old file or the new one.

pub mod watch;

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::{Builder, NamedTempFile};

use crate::digest::Digest;
use watch::{Access, Content};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Something stands where a new file should.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Something stands where a file should, and is not what the file would be.
    #[error("{} exists already and is not what this command writes", path.display())]
    Differs {
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl FileError {
    /// For `map_err`: the system's error with what was tried on what.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_owned();
        move |source| FileError::Io {
            action,
            path,
            source,
        }
    }
}

/// The most that is read of a file that a person could have written.
pub const LONGEST: u64 = 16 << 20;

/// Reads a file such as a keyset: one that people write, so it is not large.
///
/// # Errors
/// [`FileError::Io`] if the system refuses or there is more of it than 16 MiB.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_opened(path, File::open(path))
}

/// As [`read`], of a file that nobody named: one of a home or a mirror, which may have come from anywhere. A
/// pipe or a device in its place, which might never end, is an error at once.
///
/// # Errors
/// As [`read`]; [`FileError::Io`] if it is no regular file.
pub fn read_of_folder(path: &Path) -> Result<Vec<u8>, FileError> {
    read_opened(path, open_regular(path, OFlags::empty()))
}

/// Opens a regular file; a pipe or a device in its place keeps nobody waiting.
///
/// # Errors
/// Those of the system, and one if it is no regular file.
pub fn open_regular(path: &Path, more: OFlags) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | more;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

fn read_opened(path: &Path, opened: io::Result<File>) -> Result<Vec<u8>, FileError> {
    let (mut bytes, mut mode) = (Vec::new(), 0);
    let count = opened
        .and_then(|file| {
            mode = file.metadata()?.permissions().mode();
            file.take(LONGEST + 1).read_to_end(&mut bytes)
        })
        .map_err(FileError::io("read", path))?;
    if count as u64 > LONGEST {
        let source = io::Error::from(io::ErrorKind::FileTooLarge);
        return Err(FileError::io("read", path)(source));
    }
    watch::note(path, Access::Read, || content(&bytes, mode));
    Ok(bytes)
}

/// Reads a regular file of at most `longest` bytes, without following a link to it. A pipe or a device
/// in its place, which might never end, is an error at once. It is not noted: this is for the bookkeeping
/// of ceremonies, which may come from anywhere.
///
/// # Errors
/// [`FileError::Io`] if the system refuses, it is no regular file, or there is more of it.
pub fn read_regular(path: &Path, longest: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = open_regular(path, OFlags::NOFOLLOW)
        .and_then(|file| file.take(longest + 1).read_to_end(&mut bytes))
        .and_then(|count| match count as u64 > longest {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => Ok(()),
        });
    read.map_err(FileError::io("read", path))?;
    Ok(bytes)
}

/// What may be known of a file of these permissions: what its owner alone may read may be secret.
fn content(bytes: &[u8], mode: u32) -> Content {
    match mode & 0o077 {
        0 => Content::Private,
        _ => Content::Digest(Digest::of(bytes)),
    }
}

/// Whether an existing file may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It may not.
    Keep,
    /// It may.
    Replace,
}

/// The folder that `path` stands in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes what was done to the names in `folder` survive a power failure.
///
/// # Errors
/// [`FileError::Io`] if the system refuses.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(FileError::io("sync", folder))
}

/// Writes `bytes` to a file at `path` that everybody may read.
///
/// # Errors
/// [`FileError`]; then nothing is at `path` that was not there before.
pub fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    write_with_mode(path, bytes, existing, 0o644)
}

/// As [`write()`], with these permissions.
///
/// # Errors
/// As [`write()`].
pub fn write_with_mode(
    path: &Path,
    bytes: &[u8],
    existing: Existing,
    mode: u32,
) -> Result<(), FileError> {
    let mut file = NewFile::create(path, mode)?;
    file.put(bytes)?;
    file.place(existing)?;
    watch::note(path, Access::Written, || content(bytes, mode));
    Ok(())
}

/// A file that is written piece by piece, and is there once it is finished or not at all.
#[derive(Debug)]
pub struct NewFile {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file that is to stand at `path` with these permissions.
    ///
    /// # Errors
    /// [`FileError::Io`] if the system refuses.
    pub fn create(path: &Path, mode: u32) -> Result<Self, FileError> {
        let file = Builder::new()
            .prefix(".pith-")
            .tempfile_in(folder_of(path))
            .map_err(FileError::io("write a file in", folder_of(path)))?;
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))
            .map_err(FileError::io("write", path))?;
        Ok(NewFile {
            file: BufWriter::new(file),
            path: path.to_owned(),
        })
    }

    /// Writes the next piece.
    ///
    /// # Errors
    /// [`FileError::Io`] if the system refuses.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let written = self.file.write_all(bytes);
        written.map_err(FileError::io("write", &self.path))
    }

    /// Gives the file its name, durably.
    ///
    /// # Errors
    /// [`FileError`]; then nothing is at its path that was not there before.
    pub fn finish(self, existing: Existing) -> Result<(), FileError> {
        let path = self.path.clone();
        self.place(existing)?;
        watch::note(&path, Access::Written, || Content::AtEnd);
        Ok(())
    }

    fn place(self, existing: Existing) -> Result<(), FileError> {
        let NewFile { file, path } = self;
        let file = file
            .into_inner()
            .map_err(|error| FileError::io("write", &path)(error.into_error()))?;
        let synced = file.as_file().sync_all();
        synced.map_err(FileError::io("write", &path))?;
        name(file, &path, existing)?;
        sync_folder(folder_of(&path))
    }
}

fn name(file: NamedTempFile, path: &Path, existing: Existing) -> Result<File, FileError> {
    match existing {
        Existing::Replace => file.persist(path),
        Existing::Keep => file.persist_noclobber(path),
    }
    .map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists {
            path: path.to_owned(),
        },
        _ => FileError::io("write", path)(error.error),
    })
}
