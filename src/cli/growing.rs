//! Files that grow under another name until they are complete, and can go on growing later.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::appender::{Appender, read_past_cache};
use crate::files::watch::{self, Access, Content};
use crate::files::{self, FileError};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// A place in a file up to which it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePlace {
    /// Bytes before it.
    pub bytes: u64,
    /// The CRC-32 of all these bytes: tells damage. What somebody changed on purpose only verifying tells.
    pub crc32: u32,
}

/// A file that grows under the name `PATH.partial` and gets its own name when it is complete; or one
/// that is complete, and is compared with what would be written.
pub struct Growing {
    path: PathBuf,
    target: Target,
    /// Of all bytes so far.
    crc32: crc32fast::Hasher,
}

enum Target {
    Partial(Appender),
    Existing {
        file: BufReader<File>,
        /// How many bytes of it were as expected.
        bytes: u64,
    },
}

impl Growing {
    /// Begins the file; what an earlier attempt left is written anew.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let partial = partial_of(path);
        let file = writable(&partial, true)?.expect("it was begun");
        let appender = Appender::new(file, 0).map_err(FileError::io("create", &partial))?;
        Ok(Growing::new(path, Target::Partial(appender)))
    }

    /// Whether the file, under the name it grows under or complete, still has the bytes before `place`. It
    /// reads them all.
    pub fn is_at(path: &Path, place: &FilePlace) -> bool {
        let partial = partial_of(path);
        let found = [partial.as_path(), path]
            .into_iter()
            .find(|found| found.symlink_metadata().is_ok_and(|found| found.is_file()));
        found.is_some_and(|found| crc32_of(found, place.bytes).is_ok_and(|crc| crc == place.crc32))
    }

    /// Goes on with the file at `place`, cutting off what was written after it; `None` if it is not there or
    /// shorter. Whether its bytes are those that were written, [`is_at`](Self::is_at) has told.
    pub fn resume(path: &Path, place: &FilePlace) -> Result<Option<Self>, FileError> {
        let partial = partial_of(path);
        let fails = || FileError::io("continue", &partial);
        let Some(file) = writable(&partial, false)? else {
            return Ok(None);
        };
        let size = file.metadata().map_err(fails())?.len();
        if size < place.bytes {
            return Ok(None);
        }
        let cut = file.set_len(place.bytes);
        let appender = cut
            .and_then(|()| Appender::new(file, place.bytes))
            .map_err(fails())?;
        let mut growing = Growing::new(path, Target::Partial(appender));
        growing.crc32 = crc32fast::Hasher::new_with_initial_len(place.crc32, place.bytes);
        Ok(Some(growing))
    }

    /// Compares what comes with the file that is there.
    pub fn compare(path: &Path) -> Result<Self, FileError> {
        let file = BufReader::with_capacity(1 << 20, reading(path)?);
        Ok(Growing::new(path, Target::Existing { file, bytes: 0 }))
    }

    fn new(path: &Path, target: Target) -> Self {
        Growing {
            path: path.to_owned(),
            target,
            crc32: crc32fast::Hasher::new(),
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Those of the system; [`FileError::Differs`] if the file that is there has others.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.crc32.update(bytes);
        match &mut self.target {
            Target::Partial(appender) => {
                let partial = partial_of(&self.path);
                appender
                    .append(bytes)
                    .map_err(FileError::io("write", &partial))
            }
            Target::Existing { file, bytes: same } => {
                let mut found = vec![0; bytes.len()];
                let is_same = match file.read_exact(&mut found) {
                    Ok(()) => found == bytes,
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
                    Err(error) => return Err(FileError::io("read", &self.path)(error)),
                };
                if !is_same {
                    let path = self.path.clone();
                    return Err(FileError::Differs { path });
                }
                *same += bytes.len() as u64;
                Ok(())
            }
        }
    }

    /// Adds a value as a JSON line.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_json<T: Serialize>(&mut self, value: &T) -> Result<(), FileError> {
        let mut line = serde_json::to_vec(value)
            .map_err(|error| FileError::io("write", &self.path)(error.into()))?;
        line.push(b'\n');
        self.append(&line)
    }

    /// Makes all that was added reach the disk; returns the place behind it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync(&mut self) -> Result<FilePlace, FileError> {
        let partial = partial_of(&self.path);
        let fails = || FileError::io("write", &partial);
        let (file, bytes) = match &mut self.target {
            Target::Partial(appender) => {
                appender.flush().map_err(fails())?;
                (appender.file(), appender.bytes())
            }
            Target::Existing { file, bytes } => (file.get_ref(), *bytes),
        };
        file.sync_data().map_err(fails())?;
        Ok(FilePlace {
            bytes,
            crc32: self.crc32.clone().finalize(),
        })
    }

    /// Completes the file: on disk, under its own name. If one of that name exists it must be equal
    /// already, or `force` be given.
    ///
    /// # Errors
    /// Those of the system; [`FileError::Differs`].
    pub fn finish(self, force: bool) -> Result<(), FileError> {
        let Growing { path, target, .. } = self;
        let partial = partial_of(&path);
        let access = match target {
            Target::Existing { .. } => Access::Read,
            Target::Partial(_) => Access::Written,
        };
        complete(&path, &partial, target, force)?;
        watch::note(&path, access, || Content::AtEnd);
        Ok(())
    }
}

/// Gives what grew its own name, or ends the comparison.
fn complete(path: &Path, partial: &Path, target: Target, force: bool) -> Result<(), FileError> {
    let differs = || FileError::Differs {
        path: path.to_owned(),
    };
    match target {
        Target::Existing { mut file, .. } => {
            let mut more = [0; 1];
            match file.read(&mut more).map_err(FileError::io("read", path))? {
                0 => Ok(()),
                _ => Err(differs()),
            }
        }
        Target::Partial(mut appender) => {
            appender
                .flush()
                .and_then(|()| appender.file().sync_all())
                .map_err(FileError::io("write", partial))?;
            if path.symlink_metadata().is_ok() && !force {
                if !same_bytes(path, partial)? {
                    return Err(differs());
                }
                return fs::remove_file(partial).map_err(FileError::io("remove", partial));
            }
            fs::rename(partial, path).map_err(FileError::io("write", path))?;
            files::sync_folder(files::folder_of(path))
        }
    }
}

/// Opens the file that grows, or begins it, and keeps other processes from doing so meanwhile.
///
/// Not through a link: the name is ours to choose, and so would be what it leads to. What is written
/// anew is another file, so whoever has the old one open, or another name for it, keeps it.
fn writable(partial: &Path, anew: bool) -> Result<Option<File>, FileError> {
    let fails = |action| FileError::io(action, partial);
    let open = |anew: bool| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(anew)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(partial)
    };
    let locked = |file: File| match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let problem = "another process is writing to it";
            Err(fails("continue")(io::Error::other(problem)))
        }
        Err(TryLockError::Error(error)) => Err(fails("lock")(error)),
    };
    let is_link = partial
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_symlink());
    let held = if is_link {
        None
    } else {
        match open(false) {
            Ok(file) => Some(locked(file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fails("continue")(error)),
        }
    };
    if !anew {
        return Ok(held);
    }
    if held.is_some() || is_link {
        fs::remove_file(partial).map_err(fails("remove"))?;
    }
    let file = locked(open(true).map_err(fails("create"))?)?;
    files::sync_folder(files::folder_of(partial))?;
    Ok(Some(file))
}

/// Opens a file to compare it. A pipe in its place has nothing to read, and keeps nobody waiting.
fn reading(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    options.open(path).map_err(FileError::io("read", path))
}

fn crc32_of(path: &Path, bytes: u64) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    read_past_cache(&File::open(path)?, bytes, |piece| hasher.update(piece))?;
    Ok(hasher.finalize())
}

/// The name under which `path` grows.
pub fn partial_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Whether two files hold the same bytes.
fn same_bytes(a: &Path, b: &Path) -> Result<bool, FileError> {
    let (mut a_file, mut b_file) = (reading(a)?, reading(b)?);
    let (mut a_bytes, mut b_bytes) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = a_file
            .read(&mut a_bytes)
            .map_err(FileError::io("read", a))?;
        if count == 0 {
            let rest = b_file.read(&mut b_bytes[..1]);
            return Ok(rest.map_err(FileError::io("read", b))? == 0);
        }
        if b_file.read_exact(&mut b_bytes[..count]).is_err() || a_bytes[..count] != b_bytes[..count]
        {
            return Ok(false);
        }
    }
}
