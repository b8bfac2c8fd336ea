//! Reading a mirror that somebody publishes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::examine::{Finding, Remark};
use super::search::{Index, Shard};
use crate::canonical;
use crate::files::FileError;
use crate::number::Suffix;

/// The longest file that is read.
const LONGEST: u64 = 128 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mirror, wherever it is.
#[derive(Debug)]
pub struct Tree {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    /// An address without a slash at the end.
    Web(String, ureq::Agent),
}

impl Tree {
    /// The mirror in the folder `dir`.
    ///
    /// # Errors
    /// [`FileError::Io`] if that is no folder.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        fs::read_dir(dir).map_err(FileError::io("list", dir))?;
        Ok(Tree {
            place: Place::Folder(dir.to_owned()),
        })
    }

    /// The mirror at an address that begins with `https://` or `http://`.
    pub fn at(address: &str) -> Self {
        let settings = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .user_agent(concat!("pith/", env!("CARGO_PKG_VERSION")))
            .build();
        let address = address.trim_end_matches('/').to_owned();
        Tree {
            place: Place::Web(address, settings.into()),
        }
    }

    /// The content of a file, if it is there.
    ///
    /// # Errors
    /// [`FileError::Io`] if it can't be read or is longer than any that a mirror has.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        match &self.place {
            Place::Folder(dir) => read_file(&dir.join(path)),
            Place::Web(address, agent) => fetch(&format!("{address}/{path}"), agent),
        }
    }

    /// The records that have a folder in it, sorted; none where folders can't be listed.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn suffixes(&self) -> Result<Vec<Suffix>, FileError> {
        let dir = match &self.place {
            Place::Folder(dir) => dir.join("pith"),
            Place::Web(..) => return Ok(Vec::new()),
        };
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

    /// The numbers that an index of it leads to, and what is the matter with shards of it.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn indexed(&self, index: Index) -> Result<(HashSet<Suffix>, Vec<Remark>), FileError> {
        let (mut numbers, mut faulty) = (HashSet::new(), Vec::new());
        let mut waiting = vec![String::new()];
        while let Some(prefix) = waiting.pop() {
            let path = index.path(&prefix);
            let Some(bytes) = self.get(&path)? else {
                faulty.push(Remark::missing(path));
                continue;
            };
            let Ok(shard) = canonical::from_slice::<Shard>(&bytes) else {
                faulty.push(Remark::new(path, Finding::Wrong, "is no shard of an index"));
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
                        faulty.push(Remark::new(path, Finding::Wrong, "names what is no number"));
                        break;
                    }
                };
            }
        }
        Ok((numbers, faulty))
    }
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let file = match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        file => file.map_err(FileError::io("read", path))?,
    };
    let mut bytes = Vec::new();
    let count = file
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(FileError::io("read", path))?;
    if count as u64 > LONGEST {
        let source = io::Error::from(ErrorKind::FileTooLarge);
        return Err(FileError::io("read", path)(source));
    }
    Ok(Some(bytes))
}

fn fetch(address: &str, agent: &ureq::Agent) -> Result<Option<Vec<u8>>, FileError> {
    let fails = |error: ureq::Error| {
        FileError::io("fetch", Path::new(address))(io::Error::other(error.to_string()))
    };
    let mut answer = agent.get(address).call().map_err(fails)?;
    match answer.status().as_u16() {
        200 => {
            let body = answer.body_mut().with_config().limit(LONGEST);
            body.read_to_vec().map(Some).map_err(fails)
        }
        404 | 410 => Ok(None),
        status => Err(fails(ureq::Error::StatusCode(status))),
    }
}
