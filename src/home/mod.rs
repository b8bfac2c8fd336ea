//! The registry home: the folder of one registry, the profile in it, and its keyset.

mod draft;
mod keyset;
mod waiting;

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::{Environment, context};
use serde::Deserialize;

use crate::bundle::Mirror;
use crate::canonical;
use crate::digest::Digest;
use crate::files::watch::{self, Access, Content};
use crate::files::{self, Existing, FileError};
use crate::keys::{KeyId, PublicKeyObject, TrustedKeys};
use crate::keyset::Faulty;
use crate::ledger::{Ledger, LedgerError};

pub use draft::edit_draft;
pub use keyset::{InForce, KeysetSettings, Published, SeenVersion};

/// The file that makes a folder a registry home.
pub const PROFILE_FILE: &str = "registry.toml";

const PROFILE_TEMPLATE: &str = include_str!("../../templates/registry.toml");

/// What a registry is: `registry.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The `signer_id` of everything the registry signs.
    pub registry_id: String,
    /// Where it publishes, without a slash at the end.
    pub base_url: String,
    /// The rules by which it builds records; in every receipt and snapshot.
    pub builder_version: String,
    /// The ledger's file, relative to the home.
    #[serde(default = "default_ledger")]
    pub ledger: PathBuf,
    /// Where its bundles can be had.
    #[serde(default)]
    pub mirrors: Vec<Mirror>,
    /// What new keysets state.
    #[serde(default)]
    pub keyset: KeysetSettings,
}

fn default_ledger() -> PathBuf {
    PathBuf::from("ledger.db")
}

/// Something about a registry home is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// There is a registry already.
    #[error("{} is a registry home already", dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// There is none.
    #[error("{} is no registry home: it holds no {PROFILE_FILE}", dir.display())]
    NotAHome {
        /// The folder.
        dir: PathBuf,
    },
    /// A setting does not have its form.
    #[error("{name}: {message}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A file of the home cannot be understood.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A keyset of the home breaks its rules.
    #[error("{}: {source}", path.display())]
    Keyset {
        /// Which file.
        path: PathBuf,
        /// What it breaks.
        source: Faulty,
    },
    /// Another command has changed the draft of the next keyset.
    #[error("{} was changed by another command meanwhile", path.display())]
    DraftChanged {
        /// The draft.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The ledger could not be made, read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Ids of registries go into every event and into file names: letters, digits, `.`, `-`, `_`.
fn check_registry_id(id: &str) -> Result<(), HomeError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if (1..=253).contains(&id.len())
        && id.bytes().all(plain)
        && id.as_bytes()[0].is_ascii_alphanumeric()
    {
        return Ok(());
    }
    Err(HomeError::Setting {
        name: "registry id",
        message: format!(
            "`{id}` is not 1 to 253 letters, digits, `.`, `-` or `_`, such as a domain name"
        ),
    })
}

/// Addresses are signed into bundles, so they must be ones that can be appended to.
fn check_base_url(url: &str) -> Result<(), HomeError> {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .unwrap_or_default();
    let plain =
        |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'"' | b'\\' | b'<' | b'>');
    if !host.is_empty() && !host.starts_with('/') && !url.ends_with('/') && url.bytes().all(plain) {
        return Ok(());
    }
    Err(HomeError::Setting {
        name: "base url",
        message: format!("`{url}` is not an address such as https://registry.example"),
    })
}

impl Profile {
    /// The text of a new `registry.toml`.
    ///
    /// # Errors
    /// [`HomeError::Setting`] if a setting does not have its form.
    pub fn render(registry_id: &str, base_url: &str) -> Result<String, HomeError> {
        let base_url = base_url.trim_end_matches('/');
        check_registry_id(registry_id)?;
        check_base_url(base_url)?;
        let mirror_name = match registry_id {
            "pith.science" => "Pith Resolver",
            id => id,
        };
        Environment::new()
            .render_str(
                PROFILE_TEMPLATE,
                context! { registry_id, base_url, mirror_name },
            )
            .map_err(|error| HomeError::Setting {
                name: "template",
                message: error.to_string(),
            })
    }

    fn parse(path: &Path, text: &str) -> Result<Profile, HomeError> {
        let profile: Profile = toml::from_str(text).map_err(|error| HomeError::Malformed {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let checked = check_registry_id(&profile.registry_id)
            .and_then(|()| check_base_url(&profile.base_url))
            .and_then(|()| {
                let mut mirrors = profile.mirrors.iter();
                mirrors.try_for_each(|mirror| check_base_url(&mirror.base_url))
            });
        let fault = checked.err().map(|error| error.to_string());
        if let Some(message) = fault.or_else(|| profile.keyset.fault()) {
            let path = path.to_owned();
            return Err(HomeError::Malformed { path, message });
        }
        Ok(profile)
    }
}

/// A registry home.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
    /// Whether the ledger is asked which keyset was seen.
    asks_ledger: bool,
    /// Its profile.
    pub profile: Profile,
}

impl Home {
    /// Makes a registry home in `dir`, which may exist but must not be one yet.
    ///
    /// The profile is written last: a folder without it is no home, so an attempt that was cut off
    /// can be repeated.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn init(dir: &Path, registry_id: &str, base_url: &str) -> Result<Home, HomeError> {
        let text = Profile::render(registry_id, base_url)?;
        let profile_path = dir.join(PROFILE_FILE);
        let exists = || HomeError::Exists {
            dir: dir.to_owned(),
        };
        if profile_path.symlink_metadata().is_ok() {
            return Err(exists());
        }
        for folder in ["keys", "templates", "bundles", "ceremonies"] {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(FileError::io("make the folder", &folder))?;
        }
        let home = Home {
            profile: Profile::parse(&profile_path, &text)?,
            dir: dir.to_owned(),
            asks_ledger: true,
        };
        if home.keyset_path().symlink_metadata().is_err() {
            home.write_own_keys(&TrustedKeys::new(Vec::new()))?;
        }
        let ledger = home.ledger_path().symlink_metadata();
        if ledger.map_or(true, |metadata| metadata.len() == 0) {
            Ledger::create(&home.ledger_path())?;
        }
        match files::write(&profile_path, text.as_bytes(), Existing::Keep) {
            Err(FileError::Exists { .. }) => Err(exists()),
            result => Ok(result.map(|()| home)?),
        }
    }

    /// Opens the home in `dir`.
    ///
    /// # Errors
    /// [`HomeError`] if there is none or its profile is malformed.
    pub fn open(dir: &Path) -> Result<Home, HomeError> {
        let path = dir.join(PROFILE_FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(HomeError::NotAHome {
                    dir: dir.to_owned(),
                });
            }
            result => result.map_err(FileError::io("read", &path))?,
        };
        watch::note(&path, Access::Read, || {
            Content::Digest(Digest::of(text.as_bytes()))
        });
        Ok(Home {
            profile: Profile::parse(&path, &text)?,
            dir: dir.to_owned(),
            asks_ledger: true,
        })
    }

    /// The same home, of which `keys/` alone says which keyset is in force. One that was merely found may
    /// have come with the document that is to be verified, and a database can be made to keep whoever
    /// opens it busy.
    pub fn without_ledger(self) -> Self {
        Home {
            asks_ledger: false,
            ..self
        }
    }

    /// The nearest folder from `start` upward that is a registry home.
    pub fn find_upward(start: &Path) -> Option<&Path> {
        start
            .ancestors()
            .find(|folder| folder.join(PROFILE_FILE).is_file())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The ledger's file.
    pub fn ledger_path(&self) -> PathBuf {
        self.dir.join(&self.profile.ledger)
    }

    /// The published form of the key `id`.
    pub fn public_key_path(&self, id: &KeyId) -> PathBuf {
        self.dir.join(format!("keys/{id}.json"))
    }

    /// The sealed private key `id`.
    pub fn private_key_path(&self, id: &KeyId) -> PathBuf {
        self.dir.join(format!("keys/{id}.age"))
    }

    /// The published form of the key `id`.
    ///
    /// # Errors
    /// [`HomeError`] if it cannot be read or is malformed.
    pub fn public_key(&self, id: &KeyId) -> Result<PublicKeyObject, HomeError> {
        read_public_key(&self.public_key_path(id))
    }
}

/// Reads a public key file (SPEC 9).
///
/// # Errors
/// [`HomeError`] if it cannot be read or is malformed.
pub fn read_public_key(path: &Path) -> Result<PublicKeyObject, HomeError> {
    let bytes = files::read(path)?;
    canonical::from_slice(&bytes).map_err(|error| HomeError::Malformed {
        path: path.to_owned(),
        message: error.to_string(),
    })
}
