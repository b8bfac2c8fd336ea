//! Reading a passphrase from a file or an open descriptor.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::SecretError;
use crate::cli::output::message;
use crate::files::watch::{self, Access, Content};
use crate::keys::PermissionCheck;

/// A passphrase's longest line, in bytes.
const MAX_PASSPHRASE: usize = 4096;

/// A place whose first line is a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseSource {
    /// A file, or a pipe that has a name.
    File(PathBuf),
    /// An open file descriptor.
    Descriptor(u32),
}

impl fmt::Display for PassphraseSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PassphraseSource::File(path) => {
                write!(formatter, "the passphrase file `{}`", path.display())
            }
            PassphraseSource::Descriptor(number) => write!(formatter, "file descriptor {number}"),
        }
    }
}

impl PassphraseSource {
    pub(super) fn from_flags(file: Option<&Path>, descriptor: Option<u32>) -> Option<Self> {
        match (file, descriptor) {
            (_, Some(number)) => Some(PassphraseSource::Descriptor(number)),
            (Some(path), None) if path == Path::new("-") => Some(PassphraseSource::Descriptor(0)),
            (Some(path), None) => Some(PassphraseSource::File(path.to_owned())),
            (None, None) => None,
        }
    }

    /// The first line, without its line ending.
    ///
    /// A file that is open to other users is read, with a warning unless `check` is off: the key
    /// it opens is refused in that state, and a passphrase alone opens nothing. Reading ends with
    /// the line: a writer may stay.
    pub(super) fn read(&self, check: PermissionCheck) -> Result<SecretString, SecretError> {
        let path = match self {
            PassphraseSource::File(path) => path.clone(),
            // To take over a descriptor itself would need unsafe code.
            PassphraseSource::Descriptor(number) => PathBuf::from(format!("/dev/fd/{number}")),
        };
        let failed = |source| SecretError::Read {
            from: self.clone(),
            source,
        };
        let fault = |fault| SecretError::Passphrase {
            from: self.clone(),
            fault,
        };
        if let PassphraseSource::File(path) = self {
            watch::note(path, Access::Read, || Content::Private);
        }
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() && check.apply(&path, metadata.mode()).is_err() {
            message(
                "warning",
                &format!("{self} can be read by other users; `chmod 600` ends that"),
            );
        }
        let line = first_line(file)
            .map_err(failed)?
            .ok_or_else(|| fault("has a first line of more than 4096 bytes"))?;
        let text = std::str::from_utf8(&line).map_err(|_| fault("is not UTF-8 text"))?;
        match text.strip_suffix('\r').unwrap_or(text) {
            "" => Err(fault(
                "has an empty first line, where a passphrase is expected",
            )),
            passphrase => Ok(SecretString::from(passphrase)),
        }
    }
}

/// What comes before the first `\n` or the end; `None` if that is too long.
fn first_line(mut file: File) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(vec![0; MAX_PASSPHRASE + 1]);
    let mut filled = 0;
    while filled < line.len() {
        let count = match file.read(&mut line[filled..]) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = line[filled..filled + count]
            .iter()
            .position(|byte| *byte == b'\n');
        if count == 0 || end.is_some() {
            line.truncate(filled + end.unwrap_or(0));
            return Ok(Some(line));
        }
        filled += count;
    }
    Ok(None)
}
