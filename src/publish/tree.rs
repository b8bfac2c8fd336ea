//! Reading a mirror that somebody publishes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::search::{Index, Shard};
use crate::canonical;
use crate::files::FileError;
use crate::number::Suffix;

/// The longest file that is read.
const LONGEST: u64 = 128 << 20;

/// A mirror in a folder.
#[derive(Debug)]
pub struct Tree {
    dir: PathBuf,
}

impl Tree {
    /// The mirror in `dir`.
    ///
    /// # Errors
    /// [`FileError::Io`] if that is no folder.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        fs::read_dir(dir).map_err(FileError::io("list", dir))?;
        Ok(Tree {
            dir: dir.to_owned(),
        })
    }

    /// The content of a file, if it is there.
    ///
    /// # Errors
    /// [`FileError::Io`] if it can't be read or is longer than any that a mirror has.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        let path = self.dir.join(path);
        let file = match File::open(&path) {
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            file => file.map_err(FileError::io("read", &path))?,
        };
        let mut bytes = Vec::new();
        let count = file
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(FileError::io("read", &path))?;
        if count as u64 > LONGEST {
            let source = io::Error::from(ErrorKind::FileTooLarge);
            return Err(FileError::io("read", &path)(source));
        }
        Ok(Some(bytes))
    }

    /// The records that have a folder in it, sorted.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn suffixes(&self) -> Result<Vec<Suffix>, FileError> {
        let dir = self.dir.join("pith");
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(FileError::io("list", &dir))?,
        };
        let mut suffixes = Vec::new();
        for entry in entries {
            let name = entry.map_err(FileError::io("list", &dir))?.file_name();
            // `SUFFIX.json` is no suffix, and stands for the same record.
            suffixes.extend(name.to_str().and_then(|name| name.parse::<Suffix>().ok()));
        }
        suffixes.sort_unstable();
        Ok(suffixes)
    }

    /// The numbers that an index of it leads to, and the shards that are missing or no shards.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn indexed(&self, index: Index) -> Result<(HashSet<Suffix>, Vec<String>), FileError> {
        let (mut numbers, mut faulty) = (HashSet::new(), Vec::new());
        let mut waiting = vec![String::new()];
        while let Some(prefix) = waiting.pop() {
            let path = index.path(&prefix);
            let shard = self.get(&path)?;
            let shard = shard.and_then(|bytes| canonical::from_slice::<Shard>(&bytes).ok());
            let Some(shard) = shard else {
                faulty.push(path);
                continue;
            };
            let plain = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
            for next in shard.children.chars().filter(plain) {
                // No key is longer, so a tree that goes on leads nowhere.
                if prefix.len() < 128 {
                    waiting.push(format!("{prefix}{next}"));
                }
            }
            for entry in shard.entries {
                match entry.number.parse() {
                    Ok(suffix) => numbers.insert(suffix),
                    Err(_) => {
                        faulty.push(path);
                        break;
                    }
                };
            }
        }
        Ok((numbers, faulty))
    }
}
