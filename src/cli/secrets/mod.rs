//! Where passphrases and identities come from: flags, then the environment, then the terminal.
//!
//! Every verb that opens a private key flattens [`UnlockArgs`] into its arguments, and every verb
//! that sets a new secret [`NewSecretArgs`]. Call [`crate::keys::harden`] before either is used.

mod error;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub use error::{SecretError, SecretErrorKind};
pub use source::PassphraseSource;

use super::terminal::{Terminal, TerminalError, TerminalPrompts, Tty};
use crate::keys::{
    Identities, IdentityFile, IdentityFileError, Needs, NewPassphrase, PermissionCheck, PrivateKey,
    Prompts, Protection, Recipient, SealedKey, Unlock, UnlockError, read_key_file,
};

/// The variable that names a passphrase file.
pub const PASSPHRASE_FILE_VARIABLE: &str = "PITH_PASSPHRASE_FILE";

/// How often a terminal is asked again.
const TRIES: u32 = 3;

/// Ways to give a passphrase without a terminal.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PassphraseArgs {
    /// Read the passphrase from the first line of FILE (`-` for stdin) [env: PITH_PASSPHRASE_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    pub passphrase_file: Option<PathBuf>,

    /// Read the passphrase from the first line of open file descriptor N
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "passphrase_file",
        help_heading = "Secrets"
    )]
    pub passphrase_fd: Option<u32>,

    /// Read key and identity files even if other users can
    #[arg(long, help_heading = "Secrets")]
    pub insecure_permissions: bool,
}

/// Ways to open a private key without a terminal.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct UnlockArgs {
    /// Passphrases, of keys and of encrypted identity files.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,

    /// Open keys with the age identities in FILE (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    pub identity: Vec<PathBuf>,
}

/// Ways to protect a key that is made or sealed anew.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct NewSecretArgs {
    /// Read the new passphrase from the first line of FILE (`-` for stdin)
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    pub new_passphrase_file: Option<PathBuf>,

    /// Read the new passphrase from the first line of open file descriptor N
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "new_passphrase_file",
        help_heading = "Secrets"
    )]
    pub new_passphrase_fd: Option<u32>,

    /// Seal the key for this age recipient instead of a passphrase (repeatable)
    // Parsed later: clap would print a value that is wrong, which may be a secret identity.
    #[arg(
        long,
        value_name = "AGE",
        conflicts_with_all = ["new_passphrase_file", "new_passphrase_fd"],
        help_heading = "Secrets"
    )]
    pub recipient: Vec<String>,
}

/// What stands behind the flags: the environment and the terminal.
#[derive(Clone)]
pub struct SecretSources {
    /// What `PITH_PASSPHRASE_FILE` names.
    pub passphrase_file: Option<PathBuf>,
    /// Where to ask for what was not given.
    pub terminal: Arc<dyn Terminal>,
}

impl SecretSources {
    /// This process's environment and terminal.
    pub fn of_process() -> Self {
        SecretSources {
            passphrase_file: std::env::var_os(PASSPHRASE_FILE_VARIABLE)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            terminal: Arc::new(Tty),
        }
    }
}

impl PassphraseArgs {
    /// Whether the passphrase comes from stdin, which then can't be an input too.
    pub fn reads_stdin(&self) -> bool {
        self.source() == Some(PassphraseSource::Descriptor(0))
    }

    fn source(&self) -> Option<PassphraseSource> {
        PassphraseSource::from_flags(self.passphrase_file.as_deref(), self.passphrase_fd)
    }

    fn source_or(&self, sources: &SecretSources) -> Option<PassphraseSource> {
        self.source()
            .or_else(|| PassphraseSource::from_flags(sources.passphrase_file.as_deref(), None))
    }

    fn check(&self) -> PermissionCheck {
        if self.insecure_permissions {
            PermissionCheck::Off
        } else {
            PermissionCheck::OwnerOnly
        }
    }
}

/// Opens private keys with what a command line gives.
///
/// A passphrase from a file or descriptor is read once, when it is first needed, and tried for
/// every key; a passphrase from the terminal is asked for each. Identity files are read once.
pub struct Unlocker {
    args: UnlockArgs,
    sources: SecretSources,
    passphrase: Option<SecretString>,
    identities: Option<Identities>,
}

impl Unlocker {
    /// Reads nothing yet.
    pub fn new(args: UnlockArgs, sources: SecretSources) -> Self {
        Unlocker {
            args,
            sources,
            passphrase: None,
            identities: None,
        }
    }

    /// Opens the key called `name`, such as its id, from the sealed file at `path`.
    ///
    /// # Errors
    ///
    /// [`SecretError`] if the file is no sealed key or may not be read, or if what was given or
    /// typed does not open it.
    pub fn open(&mut self, name: &str, path: &Path) -> Result<PrivateKey, SecretError> {
        let bytes = self.read(path)?;
        let opened = self.open_secret(name, path, &bytes).and_then(|secret| {
            SealedKey::key_of(&secret).map_err(|source| SecretError::Unlock {
                name: name.to_owned(),
                path: path.to_owned(),
                source,
            })
        });
        opened.map_err(SecretError::of_key)
    }

    /// The bytes of a file that holds a secret, sealed or not.
    ///
    /// # Errors
    ///
    /// [`SecretError::File`].
    pub fn read(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        Ok(read_key_file(path, self.args.passphrase.check())?)
    }

    /// The secret that the age file of these `bytes` holds, whatever it is; `name` and `path` are
    /// for messages.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_secret(
        &mut self,
        name: &str,
        path: &Path,
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let sealed = SealedKey::parse(bytes).map_err(|source| SecretError::Sealed {
            name: name.to_owned(),
            path: path.to_owned(),
            source,
        })?;
        let opened = match sealed.needs() {
            Needs::Passphrase => self.with_passphrase(name, |passphrase| {
                sealed.open_secret(&Unlock::Passphrase(passphrase))
            })?,
            Needs::Identity if self.args.identity.is_empty() => Err(UnlockError::NeedsIdentity),
            Needs::Identity => {
                let prompts: Arc<dyn Prompts> =
                    Arc::new(TerminalPrompts(Arc::clone(&self.sources.terminal)));
                sealed.open_secret(&Unlock::Identities(self.identities()?, prompts))
            }
        };
        opened.map_err(|source| SecretError::Unlock {
            name: name.to_owned(),
            path: path.to_owned(),
            source,
        })
    }

    /// Whether identities were given, which open what is sealed for their recipients.
    pub fn has_identities(&self) -> bool {
        !self.args.identity.is_empty()
    }

    fn identities(&mut self) -> Result<&Identities, SecretError> {
        let identities = match self.identities.take() {
            Some(identities) => identities,
            None => self.read_identities()?,
        };
        Ok(self.identities.insert(identities))
    }

    fn read_identities(&mut self) -> Result<Identities, SecretError> {
        let mut identities = Identities::default();
        for path in self.args.identity.clone() {
            let failed = |source| SecretError::Identity {
                path: path.clone(),
                source,
            };
            let bytes = read_key_file(&path, self.args.passphrase.check())?;
            let file = IdentityFile::parse(&bytes).map_err(failed)?;
            let added = if file.needs_passphrase() {
                let name = format!("the identity file `{}`", path.display());
                self.with_passphrase(&name, |passphrase| {
                    file.open(Some(passphrase), &mut identities)
                })?
            } else {
                file.open(None, &mut identities)
            };
            added.map_err(failed)?;
        }
        Ok(identities)
    }

    /// Tries the given passphrase, or what is typed, again if it is wrong.
    fn with_passphrase<T, E: WrongSecret>(
        &mut self,
        name: &str,
        mut attempt: impl FnMut(&SecretString) -> Result<T, E>,
    ) -> Result<Result<T, E>, SecretError> {
        if let Some(source) = self.args.passphrase.source_or(&self.sources) {
            let passphrase = match self.passphrase.take() {
                Some(passphrase) => passphrase,
                None => source.read(self.args.passphrase.check())?,
            };
            return Ok(attempt(self.passphrase.insert(passphrase)));
        }
        let terminal = &*self.sources.terminal;
        let prompt = format!("Passphrase for {name}: ");
        let mut tries = 1;
        loop {
            match attempt(&ask(terminal, name, &prompt, false)?) {
                Err(error) if error.is_wrong_secret() && tries < TRIES => {
                    terminal.show("That did not open it. Again, please.");
                }
                other => return Ok(other),
            }
            tries += 1;
        }
    }
}

/// Errors after which another passphrase is worth a try.
trait WrongSecret {
    fn is_wrong_secret(&self) -> bool;
}

impl WrongSecret for UnlockError {
    fn is_wrong_secret(&self) -> bool {
        self.is_wrong_secret()
    }
}

impl WrongSecret for IdentityFileError {
    fn is_wrong_secret(&self) -> bool {
        matches!(self, IdentityFileError::Unlock(error) if error.is_wrong_secret())
    }
}

fn ask(
    terminal: &dyn Terminal,
    name: &str,
    prompt: &str,
    new: bool,
) -> Result<SecretString, SecretError> {
    terminal.ask_secret(prompt).map_err(|error| match error {
        TerminalError::Absent => SecretError::NoPassphrase {
            name: name.to_owned(),
            new,
        },
        source => SecretError::Terminal {
            name: name.to_owned(),
            source,
        },
    })
}

impl NewSecretArgs {
    /// The protection of a key that is made, called `name`, by a verb that opens none.
    ///
    /// There is only one secret, so `--passphrase-file`, `--passphrase-fd` and the environment
    /// give it too. `--recipient` ignores the environment.
    ///
    /// # Errors
    ///
    /// [`SecretError`] if flags exclude each other, a recipient or passphrase is unfit, or there
    /// is none and nobody to ask.
    pub fn for_new_key(
        &self,
        name: &str,
        passphrase: &PassphraseArgs,
        sources: &SecretSources,
    ) -> Result<Protection, SecretError> {
        let given = passphrase.source();
        if let (Some(_), Some(second)) = (&given, self.source_flag()) {
            return Err(SecretError::Conflict {
                first: "--passphrase-file or --passphrase-fd",
                second,
            });
        }
        let source = self.source().or_else(|| passphrase.source_or(sources));
        self.protection(name, source, passphrase.check(), sources)
    }

    /// The new protection of a key called `name` that the same command line opens with `unlock`.
    ///
    /// `--passphrase-file`, `--passphrase-fd` and the environment are the old secret.
    ///
    /// # Errors
    ///
    /// As [`for_new_key`](Self::for_new_key).
    pub fn for_rewrap(
        &self,
        name: &str,
        unlock: &UnlockArgs,
        sources: &SecretSources,
    ) -> Result<Protection, SecretError> {
        let new = self.source();
        if let Some(PassphraseSource::Descriptor(_)) = new
            && new == unlock.passphrase.source()
        {
            return Err(SecretError::Conflict {
                first: "a file descriptor for the new passphrase",
                second: "the same one for the old",
            });
        }
        self.protection(name, new, unlock.passphrase.check(), sources)
    }

    /// Whether the new passphrase comes from stdin, which then can't be an input too.
    pub fn reads_stdin(&self) -> bool {
        self.source() == Some(PassphraseSource::Descriptor(0))
    }

    fn source(&self) -> Option<PassphraseSource> {
        PassphraseSource::from_flags(self.new_passphrase_file.as_deref(), self.new_passphrase_fd)
    }

    fn source_flag(&self) -> Option<&'static str> {
        if self.recipient.is_empty() {
            self.source()
                .map(|_| "--new-passphrase-file or --new-passphrase-fd")
        } else {
            Some("--recipient")
        }
    }

    fn protection(
        &self,
        name: &str,
        source: Option<PassphraseSource>,
        check: PermissionCheck,
        sources: &SecretSources,
    ) -> Result<Protection, SecretError> {
        if !self.recipient.is_empty() {
            let recipients = self.recipient.iter().map(|text| text.parse::<Recipient>());
            return Ok(Protection::Recipients(
                recipients
                    .collect::<Result<_, _>>()
                    .map_err(SecretError::Recipient)?,
            ));
        }
        let weak = |source| SecretError::Weak {
            name: name.to_owned(),
            source,
        };
        let passphrase = match source {
            Some(source) => NewPassphrase::new(source.read(check)?).map_err(weak)?,
            None => ask_new(&*sources.terminal, name)?,
        };
        Ok(Protection::Passphrase(passphrase))
    }
}

/// Asks twice for a new passphrase.
fn ask_new(terminal: &dyn Terminal, name: &str) -> Result<NewPassphrase, SecretError> {
    let mut tries = 1;
    loop {
        let error = match ask_new_once(terminal, name) {
            Err(error @ (SecretError::Weak { .. } | SecretError::Mismatch { .. }))
                if tries < TRIES =>
            {
                error
            }
            other => return other,
        };
        tries += 1;
        terminal.show(&match std::error::Error::source(&error) {
            Some(source) => source.to_string(),
            None => error.to_string(),
        });
    }
}

fn ask_new_once(terminal: &dyn Terminal, name: &str) -> Result<NewPassphrase, SecretError> {
    let first = ask(
        terminal,
        name,
        &format!("New passphrase for {name}: "),
        true,
    )?;
    let passphrase = NewPassphrase::new(first.clone()).map_err(|source| SecretError::Weak {
        name: name.to_owned(),
        source,
    })?;
    let second = ask(terminal, name, "The same again: ", true)?;
    if first.expose_secret() != second.expose_secret() {
        return Err(SecretError::Mismatch {
            name: name.to_owned(),
        });
    }
    Ok(passphrase)
}
