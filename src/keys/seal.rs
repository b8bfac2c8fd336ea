//! Sealing: from an open private key to the bytes of an age file.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::iter;
use std::str::FromStr;
use std::sync::Arc;

use age::plugin::ResolveError;
use age::{EncryptError, Encryptor};
use secrecy::{ExposeSecret, SecretString};

use super::private::PrivateKey;
use super::prompts::{Callbacks, Prompts};
use super::stack;
use super::unlock::SealedKey;

/// log2 of scrypt's cost for new files: 256 MiB of memory and about a second.
///
/// The age crate would measure this machine's speed instead, so that a key sealed on a slow or busy
/// machine would be the weaker for it.
const WORK_FACTOR: u8 = 18;

/// A passphrase that is fit to seal a key with: [`NewPassphrase::MIN_CHARS`] characters or more.
#[derive(Clone)]
pub struct NewPassphrase(SecretString);

/// A passphrase that is too short for a new key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakPassphrase {
    /// There is none.
    #[error("the new passphrase is empty")]
    Empty,
    /// It has too few characters.
    #[error("the new passphrase has {found} characters; a key takes {minimum} or more")]
    Short {
        /// Its length in characters.
        found: usize,
        /// The least that is accepted.
        minimum: usize,
    },
}

impl NewPassphrase {
    /// The least number of characters (Unicode scalar values, not bytes).
    pub const MIN_CHARS: usize = 8;

    /// Accepts `passphrase` for a new key.
    ///
    /// # Errors
    ///
    /// [`WeakPassphrase`] if it is too short. Length is all that is judged: this keeps out
    /// mistakes, not bad choices.
    pub fn new(passphrase: SecretString) -> Result<Self, WeakPassphrase> {
        match passphrase.expose_secret().chars().count() {
            0 => Err(WeakPassphrase::Empty),
            found if found < Self::MIN_CHARS => Err(WeakPassphrase::Short {
                found,
                minimum: Self::MIN_CHARS,
            }),
            _ => Ok(NewPassphrase(passphrase)),
        }
    }

    /// The passphrase, to open again what was sealed with it.
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for NewPassphrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewPassphrase(..)")
    }
}

/// Somebody who can open a sealed key: the public half of an age identity.
///
/// As text: `age1…` for an X25519 key, `age1tag1…` and `age1tagpq1…` for a key in hardware (the
/// latter also against quantum computers), `age1NAME1…` for one that the program
/// `age-plugin-NAME` handles.
#[derive(Clone)]
pub struct Recipient(Kind);

#[derive(Clone)]
enum Kind {
    X25519(age::x25519::Recipient),
    Tag(age::tag::Recipient),
    TagPq(Box<age::tagpq::Recipient>),
    Plugin(age::plugin::Recipient),
}

/// Text that names no age recipient.
///
/// What may be secret is not repeated in the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// It is an identity, the secret half of a recipient.
    #[error(
        "this is an age identity, which is secret; a key is sealed for its public half, `age1…`"
    )]
    Identity,
    /// It is an SSH key, which age tools know and this one doesn't.
    #[error("`{0}` is an SSH key; keys are sealed for age recipients, `age1…`")]
    Ssh(String),
    /// It is nothing known, or has a typing mistake that its checksum shows.
    #[error("`{0}` is not an age recipient `age1…`, or has a typing mistake")]
    Invalid(String),
}

impl RecipientError {
    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            RecipientError::Identity => {
                "`age-keygen -y FILE` prints the recipient of an identity; what was typed here may be in your shell's history, so make a new identity"
            }
            RecipientError::Ssh(_) => "make an age identity with `age-keygen -o FILE`",
            RecipientError::Invalid(_) => {
                "`age-keygen -y FILE` prints the recipient of an identity"
            }
        }
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let upper = text.trim_start().to_ascii_uppercase();
        if upper.starts_with("AGE-SECRET-KEY-") || upper.starts_with("AGE-PLUGIN-") {
            return Err(RecipientError::Identity);
        }
        if text.starts_with("ssh-") {
            return Err(RecipientError::Ssh(text.to_owned()));
        }
        // Plugins come last: the name in `age1tag1…` would do for a plugin's.
        let kind = (text.parse().map(Kind::X25519).ok())
            .or_else(|| text.parse().map(Kind::Tag).ok())
            .or_else(|| {
                text.parse()
                    .map(|recipient| Kind::TagPq(Box::new(recipient)))
                    .ok()
            })
            .or_else(|| text.parse().map(Kind::Plugin).ok());
        kind.map(Recipient)
            .ok_or_else(|| RecipientError::Invalid(text.to_owned()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::X25519(recipient) => recipient.fmt(formatter),
            Kind::Tag(recipient) => recipient.fmt(formatter),
            Kind::TagPq(recipient) => recipient.fmt(formatter),
            Kind::Plugin(recipient) => recipient.fmt(formatter),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Recipient({self})")
    }
}

/// What a sealed key can be opened with. age has no files with both.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Protection {
    /// A passphrase, made costly to guess with scrypt (N = 2^18, 256 MiB).
    Passphrase(NewPassphrase),
    /// Any one of these recipients' identities; there must be one at least.
    Recipients(Vec<Recipient>),
}

/// A key could not be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// [`Protection::Recipients`] is empty.
    #[error("a key sealed for no recipient could never be opened again")]
    NoRecipients,
    /// The file would be larger than what this toolkit reads.
    #[error("{count} recipients are too many for one file")]
    TooManyRecipients {
        /// How many there are.
        count: usize,
    },
    /// Some recipients hold out against quantum computers and others don't, or a plugin wants to
    /// be alone.
    #[error("these recipients cannot share one file: all of them must be post-quantum, or none")]
    IncompatibleRecipients,
    /// The program for a plugin recipient is not installed.
    #[error("the program `{binary}` is needed for a recipient of its kind, and is not on the PATH")]
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
}

impl SealError {
    /// What an operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SealError::NoRecipients => Some("name one or more with `--recipient age1…`".to_owned()),
            SealError::TooManyRecipients { .. } => {
                Some("seal it for one identity that all of them have".to_owned())
            }
            SealError::PluginMissing { binary } => {
                Some(format!("install `{binary}`, or name another recipient"))
            }
            _ => None,
        }
    }
}

/// Seals `key` as a binary age file.
///
/// The age crate draws the file's own randomness (file key, salt, nonce) from the operating
/// system; it offers no way to pass a generator in. `prompts` answers plugins.
///
/// # Errors
///
/// [`SealError`] if there is no recipient or hundreds, if the recipients can't be combined, or if a plugin
/// is missing or fails. With a passphrase it never fails.
pub fn seal(
    key: &PrivateKey,
    protection: &Protection,
    prompts: Arc<dyn Prompts>,
) -> Result<Vec<u8>, SealError> {
    seal_bytes(key.to_pkcs8_v1_pem().as_bytes(), protection, prompts)
}

/// As [`seal`], for any secret that is as small as a key.
pub(super) fn seal_bytes(
    secret: &[u8],
    protection: &Protection,
    prompts: Arc<dyn Prompts>,
) -> Result<Vec<u8>, SealError> {
    stack::apart(|| encrypt(secret, protection, prompts))
}

fn encrypt(
    secret: &[u8],
    protection: &Protection,
    prompts: Arc<dyn Prompts>,
) -> Result<Vec<u8>, SealError> {
    let encryptor = match protection {
        Protection::Passphrase(NewPassphrase(passphrase)) => {
            let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
            recipient.set_work_factor(WORK_FACTOR);
            Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient))?
        }
        Protection::Recipients(recipients) => {
            let recipients = resolve(recipients, &Callbacks(prompts))?;
            Encryptor::with_recipients(recipients.iter().map(|recipient| &**recipient))?
        }
    };
    let mut sealed = Vec::new();
    let written = encryptor.wrap_output(&mut sealed).and_then(|mut writer| {
        writer.write_all(secret)?;
        writer.finish()
    });
    written.expect("writing to memory does not fail");
    match (SealedKey::parse(&sealed), protection) {
        (Err(_), Protection::Recipients(recipients)) => Err(SealError::TooManyRecipients {
            count: recipients.len(),
        }),
        _ => Ok(sealed),
    }
}

/// One age recipient for each native one, and one for each plugin, which gets all of its own.
fn resolve(
    recipients: &[Recipient],
    callbacks: &Callbacks,
) -> Result<Vec<Box<dyn age::Recipient>>, SealError> {
    let mut resolved: Vec<Box<dyn age::Recipient>> = Vec::new();
    let mut plugins = BTreeMap::<&str, Vec<age::plugin::Recipient>>::new();
    for recipient in recipients {
        match &recipient.0 {
            Kind::X25519(recipient) => resolved.push(Box::new(recipient.clone())),
            Kind::Tag(recipient) => resolved.push(Box::new(recipient.clone())),
            Kind::TagPq(recipient) => resolved.push(Box::new((**recipient).clone())),
            Kind::Plugin(recipient) => plugins
                .entry(recipient.plugin())
                .or_default()
                .push(recipient.clone()),
        }
    }
    for (name, recipients) in plugins {
        let plugin = age::plugin::RecipientPluginV1::new(name, &recipients, &[], callbacks.clone())
            .map_err(EncryptError::PluginResolve)?;
        resolved.push(Box::new(plugin));
    }
    Ok(resolved)
}

impl From<EncryptError> for SealError {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::MissingRecipients => SealError::NoRecipients,
            EncryptError::IncompatibleRecipients { .. }
            | EncryptError::MixedRecipientAndPassphrase => SealError::IncompatibleRecipients,
            EncryptError::PluginResolve(ResolveError::MissingPlugin { binary_name }) => {
                SealError::PluginMissing {
                    binary: binary_name,
                }
            }
            other => SealError::Plugin {
                message: other.to_string(),
            },
        }
    }
}
