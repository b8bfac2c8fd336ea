//! What can go wrong on the way to a secret, and what it means for the exit code.

use std::io;
use std::path::PathBuf;

use super::{PASSPHRASE_FILE_VARIABLE, PassphraseSource};
use crate::cli::terminal::TerminalError;
use crate::keys::{
    IdentityFileError, KeyFileError, RecipientError, SealedKeyError, UnlockError, WeakPassphrase,
};

/// What an error means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretErrorKind {
    /// The command line asks for what can't be done.
    Usage,
    /// A private key could not be opened.
    Unlock,
    /// A file could not be read.
    Io,
    /// Whoever was asked cancelled.
    Interrupted,
}

/// A key could not be opened, or a new secret not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Flags that exclude each other.
    #[error("{first} cannot be combined with {second}")]
    Conflict {
        /// One flag.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// `--recipient` has a value that names no recipient.
    #[error("--recipient has a wrong value")]
    Recipient(#[source] RecipientError),
    /// A new passphrase is not fit for a key.
    #[error("no passphrase was set for {name}")]
    Weak {
        /// The key.
        name: String,
        /// What is wrong with it.
        source: WeakPassphrase,
    },
    /// A new passphrase was typed in two forms.
    #[error("the two passphrases typed for {name} differ")]
    Mismatch {
        /// The key.
        name: String,
    },
    /// Nothing was given and nobody can be asked.
    #[error("no passphrase was given for {name}, and there is no terminal to ask at")]
    NoPassphrase {
        /// The key or identity file.
        name: String,
        /// Whether it would be a new one.
        new: bool,
    },
    /// The terminal gave no answer.
    #[error("no passphrase was given for {name}")]
    Terminal {
        /// The key or identity file.
        name: String,
        /// What happened.
        source: TerminalError,
    },
    /// A passphrase source can't be read.
    #[error("could not read a passphrase from {from}")]
    Read {
        /// The file or descriptor.
        from: PassphraseSource,
        /// The system's reason.
        source: io::Error,
    },
    /// A passphrase source has no usable first line.
    #[error("{from} {fault}")]
    Passphrase {
        /// The file or descriptor.
        from: PassphraseSource,
        /// What is wrong with it, as the end of a sentence.
        fault: &'static str,
    },
    /// A file can't be read or may not be.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A file holds nothing sealed.
    #[error("`{}` is no sealed file of {name}", path.display())]
    Sealed {
        /// What it should be, such as `the private key k-1`.
        name: String,
        /// Its file.
        path: PathBuf,
        /// What it is instead.
        source: SealedKeyError,
    },
    /// An identity file can't be used.
    #[error("the identity file `{}` cannot be used", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IdentityFileError,
    },
    /// A key or a share does not open.
    #[error("{name} (`{}`) could not be opened", path.display())]
    Unlock {
        /// What it is, such as `the private key k-1`.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        source: UnlockError,
    },
}

impl SecretError {
    /// The same of a private key, which a key's id alone does not say.
    pub fn of_key(mut self) -> Self {
        if let SecretError::Unlock { name, .. } | SecretError::Sealed { name, .. } = &mut self {
            *name = format!("the private key {name}");
        }
        self
    }

    /// What it means for the exit code.
    pub fn kind(&self) -> SecretErrorKind {
        match self {
            SecretError::Terminal {
                source: TerminalError::Cancelled,
                ..
            } => SecretErrorKind::Interrupted,
            SecretError::Conflict { .. }
            | SecretError::Recipient(_)
            | SecretError::Weak { .. }
            | SecretError::Mismatch { .. }
            | SecretError::NoPassphrase { new: true, .. } => SecretErrorKind::Usage,
            SecretError::Read { .. }
            | SecretError::Terminal { .. }
            | SecretError::File(KeyFileError::Io { .. }) => SecretErrorKind::Io,
            _ => SecretErrorKind::Unlock,
        }
    }

    /// What an operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SecretError::Recipient(error) => Some(error.hint().to_owned()),
            SecretError::NoPassphrase { new: false, .. } => Some(format!(
                "use --passphrase-file FILE, --passphrase-fd N or {PASSPHRASE_FILE_VARIABLE}, or seal the key for an age identity and use --identity FILE"
            )),
            SecretError::NoPassphrase { new: true, .. } => Some(
                "use --new-passphrase-file FILE, --new-passphrase-fd N, or --recipient AGE"
                    .to_owned(),
            ),
            SecretError::File(error) => error.hint(),
            SecretError::Sealed { source, .. } => Some(source.hint().to_owned()),
            SecretError::Unlock { source, .. }
            | SecretError::Identity {
                source: IdentityFileError::Unlock(source),
                ..
            } => source.hint(),
            SecretError::Identity { .. } => {
                Some("`age-keygen -o FILE` makes an identity file".to_owned())
            }
            _ => None,
        }
    }
}
