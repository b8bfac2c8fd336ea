//! age identity files, with which unattended hosts open keys.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use age::plugin::ResolveError;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::prompts::{Callbacks, Prompts};
use super::unlock::{AgeFile, Needs, SealedKeyError, UnlockError};

/// An identity file holds a few lines; what is larger is something else.
const MAX_PLAINTEXT: usize = 64 * 1024;

/// An age identity file as it was read: plain, or sealed with a passphrase in turn.
pub struct IdentityFile(State);

enum State {
    Plain(Zeroizing<String>),
    Sealed(AgeFile),
}

/// Identities from one file or more, ready to open keys.
#[derive(Default)]
pub struct Identities {
    native: Vec<age::x25519::Identity>,
    plugin: Vec<age::plugin::Identity>,
}

/// An identity file could not be used. No variant repeats what the file holds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityFileError {
    /// A line is neither a comment nor an identity of a known kind.
    #[error("line {line} is not an age identity (`AGE-SECRET-KEY-1…` or `AGE-PLUGIN-…`)")]
    Line {
        /// The line, from 1.
        line: usize,
    },
    /// The file holds no identity.
    #[error("there is no age identity in it")]
    Empty,
    /// The file is neither text nor an age file.
    #[error("it is not an age identity file")]
    NotText,
    /// The file is an age file that can't be read.
    #[error("it is an encrypted identity file that cannot be read")]
    Sealed(#[source] SealedKeyError),
    /// The file is sealed for other identities, not with a passphrase.
    #[error("it is encrypted for other identities; only a passphrase is supported there")]
    Nested,
    /// The passphrase does not open the file.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
}

impl IdentityFile {
    /// Takes the bytes of an identity file: text, or an age file (binary or armored) around it.
    ///
    /// # Errors
    ///
    /// [`IdentityFileError`] if it is neither, or if the age file wants identities itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdentityFileError> {
        if AgeFile::looks_like(bytes) {
            let file = AgeFile::parse(bytes).map_err(IdentityFileError::Sealed)?;
            return match file.needs() {
                Needs::Passphrase => Ok(IdentityFile(State::Sealed(file))),
                Needs::Identity => Err(IdentityFileError::Nested),
            };
        }
        let text = std::str::from_utf8(bytes).map_err(|_| IdentityFileError::NotText)?;
        Ok(IdentityFile(State::Plain(Zeroizing::new(text.to_owned()))))
    }

    /// Whether [`open`](Self::open) wants a passphrase.
    pub fn needs_passphrase(&self) -> bool {
        matches!(self.0, State::Sealed(_))
    }

    /// Adds the file's identities to `identities`.
    ///
    /// # Errors
    ///
    /// [`UnlockError`] if the file is sealed and `passphrase` is missing or wrong;
    /// [`IdentityFileError`] if a line of it is no identity, or if there is none.
    pub fn open(
        &self,
        passphrase: Option<&SecretString>,
        identities: &mut Identities,
    ) -> Result<(), IdentityFileError> {
        match (&self.0, passphrase) {
            (State::Plain(text), _) => identities.add(text),
            (State::Sealed(_), None) => Err(UnlockError::NeedsPassphrase.into()),
            (State::Sealed(file), Some(passphrase)) => {
                let text = file.open_with_passphrase(passphrase, MAX_PLAINTEXT)?;
                identities.add(std::str::from_utf8(&text).map_err(|_| IdentityFileError::NotText)?)
            }
        }
    }
}

impl Identities {
    fn add(&mut self, text: &str) -> Result<(), IdentityFileError> {
        let before = self.native.len() + self.plugin.len();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Ok(identity) = line.parse() {
                self.native.push(identity);
            } else if let Ok(identity) = line.parse() {
                self.plugin.push(identity);
            } else {
                return Err(IdentityFileError::Line { line: index + 1 });
            }
        }
        if self.native.len() + self.plugin.len() == before {
            return Err(IdentityFileError::Empty);
        }
        Ok(())
    }

    /// The native identities, then each plugin with all of its own.
    pub(super) fn resolve(
        &self,
        prompts: &Arc<dyn Prompts>,
    ) -> Result<Vec<Box<dyn age::Identity>>, ResolveError> {
        let mut resolved: Vec<Box<dyn age::Identity>> = Vec::new();
        for identity in &self.native {
            resolved.push(Box::new(identity.clone()));
        }
        let mut plugins = BTreeMap::<&str, Vec<age::plugin::Identity>>::new();
        for identity in &self.plugin {
            plugins
                .entry(identity.plugin())
                .or_default()
                .push(identity.clone());
        }
        for (name, identities) in plugins {
            let callbacks = Callbacks(Arc::clone(prompts));
            resolved.push(Box::new(age::plugin::IdentityPluginV1::new(
                name,
                &identities,
                callbacks,
            )?));
        }
        Ok(resolved)
    }
}

impl fmt::Debug for IdentityFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IdentityFile")
            .field("needs_passphrase", &self.needs_passphrase())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identities")
            .field("native", &self.native.len())
            .field("plugin", &self.plugin.len())
            .finish()
    }
}
