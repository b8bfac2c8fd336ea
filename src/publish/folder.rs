//! Writing a mirror to a folder.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use crate::files::FileError;

/// What became of a file that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was written.
    Written,
    /// It was there already, byte for byte.
    Unchanged,
}

/// The folder that a mirror is written to.
///
/// Each file appears whole under its name or not at all. None is synced by itself: whoever notes that
/// files are published calls [`sync`](Folder::sync) first.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    gzip: bool,
}

impl Folder {
    /// The folder `dir`; with `gzip` each file stands there compressed too, under its name and `.gz`.
    pub fn new(dir: &Path, gzip: bool) -> Self {
        Folder {
            dir: dir.to_owned(),
            gzip,
        }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes `bytes` the content of the file at `path`, which has slashes and no dots.
    ///
    /// A file that has this content already is left alone: its time tells web servers and copying
    /// programs that nothing changed.
    ///
    /// # Errors
    /// [`FileError::Io`]; then the file is as it was.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<Put, FileError> {
        let place = self.dir.join(path);
        let before = found(&place, bytes);
        if before != Found::Same {
            write(&place, bytes)?;
            if !self.gzip && before == Found::Other {
                // A server would go on handing out the old content.
                remove_if_there(&self.dir.join(format!("{path}.gz")))?;
            }
        }
        let put = match before {
            Found::Same => Put::Unchanged,
            Found::Other | Found::Nothing => Put::Written,
        };
        if self.gzip {
            let zipped = self.dir.join(format!("{path}.gz"));
            if put == Put::Written || !zipped.is_file() {
                write(&zipped, &compressed(bytes))?;
            }
        }
        Ok(put)
    }

    /// As [`put`](Self::put), for a file with the same content as that at `other`, which was put there
    /// just now: where the file system can, both are one file under two names.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_same(&self, path: &str, other: &str, bytes: &[u8]) -> Result<Put, FileError> {
        let place = self.dir.join(path);
        let linked = !self.gzip
            && found(&place, bytes) == Found::Nothing
            && fs::create_dir_all(crate::files::folder_of(&place))
                .and_then(|()| fs::hard_link(self.dir.join(other), &place))
                .is_ok();
        if !linked {
            return self.put(path, bytes);
        }
        Ok(Put::Written)
    }

    /// Removes a file that is published no more.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        remove_if_there(&self.dir.join(path))?;
        remove_if_there(&self.dir.join(format!("{path}.gz")))
    }

    /// The names of the files in a folder of the mirror, without compressed copies and what a killed
    /// run has left.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn names(&self, path: &str) -> Result<Vec<String>, FileError> {
        let dir = self.dir.join(path);
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(FileError::io("list", &dir))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(FileError::io("list", &dir))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && !name.ends_with(".gz") {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes all that was written survive a power failure.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn sync(&self) -> Result<(), FileError> {
        #[cfg(target_os = "linux")]
        {
            // One call for all files: syncing each would take longer than writing it.
            File::open(&self.dir)
                .and_then(|dir| Ok(rustix::fs::syncfs(dir)?))
                .map_err(FileError::io("sync", &self.dir))
        }
        #[cfg(not(target_os = "linux"))]
        {
            rustix::fs::sync();
            Ok(())
        }
    }
}

/// Makes `bytes` the content of a file.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = crate::files::folder_of(path);
    let partial = partial_of(path);
    let created = match File::create(&partial) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(FileError::io("make the folder", folder))?;
            File::create(&partial)
        }
        created => created,
    };
    created
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&partial, path))
        .map_err(FileError::io("write", path))
}

/// What a file is called until it is whole: the same name each time, so what a killed run leaves is
/// written over by the next.
fn partial_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.partial"))
}

/// What stands where a file is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The file, byte for byte.
    Same,
    /// Something else.
    Other,
    /// Nothing.
    Nothing,
}

fn found(path: &Path, bytes: &[u8]) -> Found {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Found::Nothing,
        Err(_) => return Found::Other,
        Ok(file) => file,
    };
    let length = file.metadata().map(|metadata| metadata.len());
    if !length.is_ok_and(|length| length == bytes.len() as u64) {
        return Found::Other;
    }
    let mut content = Vec::with_capacity(bytes.len() + 1);
    let read = file.take(bytes.len() as u64 + 1).read_to_end(&mut content);
    match read.is_ok() && content == bytes {
        true => Found::Same,
        false => Found::Other,
    }
}

/// Gzip without a time or a name, so that the same content gives the same bytes.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory takes it")
}

fn remove_if_there(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(FileError::io("remove", path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_replaced_when_it_differs() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), true);
        let path = "a/b/c.json";
        assert_eq!(folder.put(path, b"one").unwrap(), Put::Written);
        assert_eq!(folder.put(path, b"one").unwrap(), Put::Unchanged);
        fs::remove_file(dir.path().join("a/b/c.json.gz")).unwrap();
        assert_eq!(folder.put(path, b"one").unwrap(), Put::Unchanged);
        assert_eq!(folder.put(path, b"two").unwrap(), Put::Written);
        assert_eq!(fs::read(dir.path().join(path)).unwrap(), b"two");
        let zipped = File::open(dir.path().join("a/b/c.json.gz")).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(zipped)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "two");
        assert_eq!(folder.names("a/b").unwrap(), ["c.json"]);
        // Without compression the old copy must not stay beside new content.
        let plain = Folder::new(dir.path(), false);
        assert_eq!(plain.put(path, b"three").unwrap(), Put::Written);
        assert!(!dir.path().join("a/b/c.json.gz").exists());
        // A second name goes on having its own content when the first file is replaced.
        let second = "a/d/c.json";
        assert_eq!(
            plain.put_same(second, path, b"three").unwrap(),
            Put::Written
        );
        assert_eq!(
            plain.put_same(second, path, b"three").unwrap(),
            Put::Unchanged
        );
        assert_eq!(plain.put(path, b"four").unwrap(), Put::Written);
        assert_eq!(fs::read(dir.path().join(second)).unwrap(), b"three");
        assert_eq!(plain.put_same(second, path, b"four").unwrap(), Put::Written);
        assert_eq!(fs::read(dir.path().join(second)).unwrap(), b"four");
        plain.remove(path).unwrap();
        assert!(plain.names("a/b").unwrap().is_empty());
    }
}
