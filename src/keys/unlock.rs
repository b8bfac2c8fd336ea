//! Opening: from the bytes of an age file to an open private key.

use std::fmt;
use std::io::{self, Read};
use std::iter;
use std::sync::Arc;

use age::plugin::ResolveError;
use age::{DecryptError, Decryptor};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::identity::Identities;
use super::private::{PrivateKey, PrivateKeyError};
use super::prompts::Prompts;
use super::stack;

/// log2 of the largest scrypt cost that is paid: 4 GiB of memory and about 16 seconds.
const MAX_WORK_FACTOR: u8 = 22;

/// A PKCS#8 key in PEM form has 119 bytes, or about 170 with its public half.
const MAX_PLAINTEXT: usize = 4096;

/// Room for 30 recipients of the largest kind, or hundreds of the usual one.
const MAX_SEALED: usize = 64 * 1024;

/// The age crate reads a header again from its start for every line of it: without a limit, 256 KiB
/// keep a machine busy for minutes.
const MAX_LINES: usize = 1000;

const AGE_START: &[u8] = b"age-encryption.org/";
const AGE_V1_START: &[u8] = b"age-encryption.org/v1\n";
const ARMOR_START: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// What a sealed file can be opened with, as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The passphrase.
    Passphrase,
    /// The identity of one of its recipients.
    Identity,
}

/// A private key in its sealed form: an age file around a PKCS#8 PEM.
pub struct SealedKey(AgeFile);

/// What to open a sealed key with.
#[non_exhaustive]
pub enum Unlock<'a> {
    /// A passphrase.
    Passphrase(&'a SecretString),
    /// age identities, and who answers the plugins behind them.
    Identities(&'a Identities, Arc<dyn Prompts>),
}

/// Bytes that are no sealed key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealedKeyError {
    /// The bytes are something else than an age file.
    #[error("it is not an age file")]
    NotAge,
    /// A private key that is not sealed.
    #[error("it is a private key that nothing protects, not a sealed one")]
    Unsealed,
    /// An age file of a version to come.
    #[error("it is an age file of a version other than v1")]
    Version,
    /// The file ends inside its header.
    #[error("it is cut off: an age file begins here and its header does not end")]
    Truncated,
    /// Header or armor break the rules of the format.
    #[error("it is an age file whose header or armor is damaged")]
    Damaged,
    /// A header longer than that of any sealed key.
    #[error("its header has more than {limit} lines")]
    HeaderTooLong {
        /// The most lines that are read.
        limit: usize,
    },
    /// More than any sealed key has.
    #[error("it has {found} bytes; a sealed key has {limit} at most")]
    TooLarge {
        /// The size in bytes.
        found: usize,
        /// The largest size that is read, in bytes.
        limit: usize,
    },
}

impl SealedKeyError {
    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            SealedKeyError::Unsealed => {
                "seal it with age: `age -p -o KEY.age KEY.pem`, or `age -r RECIPIENT`"
            }
            SealedKeyError::Version => "open it with a newer `age`, and seal it again",
            _ => "name the sealed key (`*.age`), or restore it from a backup",
        }
    }
}

/// A sealed key could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// Identities were given for a file that is sealed with a passphrase.
    #[error("it is sealed with a passphrase, which no identity replaces")]
    NeedsPassphrase,
    /// A passphrase was given for a file that is sealed for recipients.
    #[error("it is sealed for age recipients, and opens with the identity of one of them only")]
    NeedsIdentity,
    /// scrypt would cost more than is paid.
    #[error("its passphrase costs scrypt work factor {required} to try, and {limit} is the limit")]
    WorkFactor {
        /// log2 of the cost that the header asks for.
        required: u8,
        /// log2 of the largest cost that is paid.
        limit: u8,
    },
    /// The secret is wrong or the file is not what was sealed. Which of the two is not told.
    #[error("{}", match needs {
        Needs::Passphrase => "the passphrase is wrong, or the file is damaged",
        Needs::Identity => "none of the identities is a recipient's, or the file is damaged",
    })]
    Locked {
        /// What the file was tried with.
        needs: Needs,
    },
    /// The program for a plugin identity is not installed.
    #[error("the program `{binary}` is needed for an identity of its kind, and is not on the PATH")]
    PluginMissing {
        /// The program's name, `age-plugin-…`.
        binary: String,
    },
    /// A plugin gave up.
    #[error("an age plugin failed: {message}")]
    Plugin {
        /// What it said, possibly in several lines.
        message: String,
    },
    /// It opens, and is too large to hold a key.
    #[error("it opens, but what it holds is larger than {limit} bytes")]
    PlaintextTooLarge {
        /// The largest size, in bytes.
        limit: usize,
    },
    /// It opens, and holds something else than a private key.
    #[error("it opens, but holds no usable private key")]
    NotAKey(#[source] PrivateKeyError),
}

impl UnlockError {
    /// Whether another try with another passphrase could succeed.
    pub fn is_wrong_secret(&self) -> bool {
        matches!(self, UnlockError::Locked { .. })
    }

    /// What an operator can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            UnlockError::NeedsPassphrase => "give its passphrase: `--passphrase-file`, `--passphrase-fd`, or at a terminal".to_owned(),
            UnlockError::NeedsIdentity => "name an identity file with `--identity FILE`".to_owned(),
            UnlockError::WorkFactor { .. } => {
                "`age --decrypt` opens it if you trust its origin; seal it anew with a work factor of 22 at most".to_owned()
            }
            UnlockError::Locked { .. } => {
                "check which key and which secret belong together".to_owned()
            }
            UnlockError::PluginMissing { binary } => format!("install `{binary}`, or use another identity"),
            UnlockError::NotAKey(error) => return error.hint().map(str::to_owned),
            _ => return None,
        })
    }
}

impl SealedKey {
    /// Takes the bytes of an age file, binary or armored, and reads its header.
    ///
    /// # Errors
    ///
    /// [`SealedKeyError`] if it is not an age file or its header is cut off or damaged. What
    /// the header says is not authenticated before [`open`](Self::open).
    pub fn parse(bytes: &[u8]) -> Result<Self, SealedKeyError> {
        AgeFile::parse(bytes).map(SealedKey)
    }

    /// What [`open`](Self::open) wants, so that nobody is asked for what is of no use.
    pub fn needs(&self) -> Needs {
        self.0.needs()
    }

    /// Opens the key.
    ///
    /// A passphrase costs the time and memory that the header asks for, which may be 4 GiB.
    ///
    /// # Errors
    ///
    /// [`UnlockError`]: above all [`UnlockError::Locked`], which is the same for a wrong secret and
    /// for a damaged or exchanged file.
    pub fn open(&self, unlock: &Unlock<'_>) -> Result<PrivateKey, UnlockError> {
        Self::key_of(&self.open_secret(unlock)?)
    }

    /// Opens a file that may hold a secret in another form than that of a sealed key: one to be
    /// imported, or a share of one.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for what the secret is.
    pub fn open_secret(&self, unlock: &Unlock<'_>) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        stack::apart(|| match unlock {
            Unlock::Passphrase(passphrase) => {
                self.0.open_with_passphrase(passphrase, MAX_PLAINTEXT)
            }
            Unlock::Identities(identities, prompts) => {
                self.0
                    .open_with_identities(identities, prompts, MAX_PLAINTEXT)
            }
        })
    }

    /// The private key that a sealed key holds in this form.
    ///
    /// # Errors
    ///
    /// [`UnlockError::NotAKey`].
    pub fn key_of(secret: &[u8]) -> Result<PrivateKey, UnlockError> {
        let pem = std::str::from_utf8(secret)
            .map_err(|_| UnlockError::NotAKey(PrivateKeyError::NotPem))?;
        PrivateKey::from_pkcs8_pem(pem).map_err(UnlockError::NotAKey)
    }

    /// Whether `bytes` begin like an age file, sound or not.
    pub fn looks_like(bytes: &[u8]) -> bool {
        AgeFile::looks_like(bytes)
    }
}

/// An age file with any content, its header found sound.
pub(super) struct AgeFile {
    /// Without armor.
    binary: Vec<u8>,
    needs: Needs,
}

impl AgeFile {
    /// Whether `bytes` begin like an age file, sound or not.
    pub(super) fn looks_like(bytes: &[u8]) -> bool {
        bytes.starts_with(AGE_START) || bytes.trim_ascii_start().starts_with(ARMOR_START)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SealedKeyError> {
        if bytes.len() > MAX_SEALED {
            return Err(SealedKeyError::TooLarge {
                found: bytes.len(),
                limit: MAX_SEALED,
            });
        }
        if !Self::looks_like(bytes) {
            return Err(Self::not_age(bytes));
        }
        let mut binary = Vec::new();
        if bytes.starts_with(AGE_START) {
            binary.extend_from_slice(bytes);
        } else {
            age::armor::ArmoredReader::new(bytes)
                .read_to_end(&mut binary)
                .map_err(|error| SealedKeyError::from_io(&error))?;
        }
        // The payload is counted too, which at this size adds a few hundred at most.
        if binary
            .iter()
            .filter(|byte| **byte == b'\n')
            .take(MAX_LINES + 1)
            .count()
            > MAX_LINES
        {
            return Err(SealedKeyError::HeaderTooLong { limit: MAX_LINES });
        }
        let needs = match Decryptor::new_buffered(&binary[..]) {
            Ok(decryptor) if decryptor.is_scrypt() => Needs::Passphrase,
            Ok(_) => Needs::Identity,
            Err(DecryptError::Io(error)) => return Err(SealedKeyError::from_io(&error)),
            // The age crate takes a header that begins like v1 and goes on otherwise for another version.
            Err(DecryptError::UnknownFormat) if !binary.starts_with(AGE_V1_START) => {
                return Err(SealedKeyError::Version);
            }
            Err(_) => return Err(SealedKeyError::Damaged),
        };
        Ok(AgeFile { binary, needs })
    }

    fn not_age(bytes: &[u8]) -> SealedKeyError {
        let start = bytes.trim_ascii_start();
        if bytes.is_empty() || AGE_START.starts_with(bytes) || ARMOR_START.starts_with(bytes) {
            SealedKeyError::Truncated
        } else if start.starts_with(b"-----BEGIN ")
            && start
                .windows(16)
                .take(40)
                .any(|part| part == b"PRIVATE KEY-----")
        {
            SealedKeyError::Unsealed
        } else {
            SealedKeyError::NotAge
        }
    }

    pub(super) fn needs(&self) -> Needs {
        self.needs
    }

    /// The plaintext, `limit` bytes at most.
    pub(super) fn open_with_passphrase(
        &self,
        passphrase: &SecretString,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        if self.needs != Needs::Passphrase {
            return Err(UnlockError::NeedsIdentity);
        }
        let mut identity = age::scrypt::Identity::new(passphrase.clone());
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        self.decrypt(iter::once(&identity as &dyn age::Identity), limit)
    }

    fn open_with_identities(
        &self,
        identities: &Identities,
        prompts: &Arc<dyn Prompts>,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        if self.needs != Needs::Identity {
            return Err(UnlockError::NeedsPassphrase);
        }
        let resolved = identities
            .resolve(prompts)
            .map_err(|error| self.error(DecryptError::PluginResolve(error)))?;
        self.decrypt(resolved.iter().map(|identity| &**identity), limit)
    }

    fn decrypt<'a>(
        &self,
        identities: impl Iterator<Item = &'a dyn age::Identity>,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        let reader = Decryptor::new_buffered(&self.binary[..])
            .and_then(|decryptor| decryptor.decrypt(identities))
            .map_err(|error| self.error(error))?;
        // Room for all that may be read: a vector that grows leaves copies behind, which nobody wipes.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(limit + 1));
        reader
            .take(limit as u64 + 1)
            .read_to_end(&mut plaintext)
            .map_err(|_| UnlockError::Locked { needs: self.needs })?;
        if plaintext.len() > limit {
            return Err(UnlockError::PlaintextTooLarge { limit });
        }
        Ok(plaintext)
    }

    fn error(&self, error: DecryptError) -> UnlockError {
        match error {
            DecryptError::ExcessiveWork { required, .. } => UnlockError::WorkFactor {
                required,
                limit: MAX_WORK_FACTOR,
            },
            DecryptError::PluginResolve(ResolveError::MissingPlugin { binary_name }) => {
                UnlockError::PluginMissing {
                    binary: binary_name,
                }
            }
            // The only input is in memory, so input and output are with a plugin.
            DecryptError::Plugin(_) | DecryptError::PluginResolve(_) | DecryptError::Io(_) => {
                UnlockError::Plugin {
                    message: error.to_string(),
                }
            }
            _ => UnlockError::Locked { needs: self.needs },
        }
    }
}

impl SealedKeyError {
    fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => SealedKeyError::Truncated,
            _ => SealedKeyError::Damaged,
        }
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SealedKey")
            .field("needs", &self.0.needs)
            .field("bytes", &self.0.binary.len())
            .finish()
    }
}

impl fmt::Debug for Unlock<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unlock::Passphrase(_) => "Passphrase(..)",
            Unlock::Identities(..) => "Identities(..)",
        })
    }
}
