//! Where a key is: in the registry home under its id, or in any folder as a file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::canonical;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::files;
use crate::home::{Home, HomeError};
use crate::keys::{CustodianKey, KeyId, PrivateKey, PublicHalf, harden};

/// How a command line names a key: by its id in the home, or by its sealed file.
///
/// What ends in `.age` is a file, so that custodians and rescuers need no home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyName {
    /// A key of the registry home.
    Id(KeyId),
    /// The sealed file; the public half is beside it, with `.json` in the place of `.age`.
    File(PathBuf),
}

impl FromStr for KeyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.ends_with(".age") {
            return Ok(KeyName::File(PathBuf::from(text)));
        }
        text.parse()
            .map(KeyName::Id)
            .map_err(|error| format!("{error}, and no path that ends in `.age` either"))
    }
}

/// The two files of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// The sealed private half, `ID.age`.
    pub private: PathBuf,
    /// The public half, `ID.json`.
    pub public: PathBuf,
}

impl KeyFiles {
    /// The files of the key `id` in `folder`.
    pub fn in_folder(folder: &Path, id: &KeyId) -> Self {
        KeyFiles {
            private: folder.join(format!("{id}.age")),
            public: folder.join(format!("{id}.json")),
        }
    }

    /// The files of the key `id` in the home.
    pub fn in_home(home: &Home, id: &KeyId) -> Self {
        KeyFiles {
            private: home.private_key_path(id),
            public: home.public_key_path(id),
        }
    }

    /// The files that `name` means. Only an id needs a home.
    pub fn locate(context: &Context, name: &KeyName) -> Result<Self, Failure> {
        match name {
            KeyName::Id(id) => {
                let home = context.home()?;
                if home.public_key_path(id) == home.keyset_path() {
                    return Err(no_such_key(id, &home));
                }
                let files = KeyFiles::in_home(&home, id);
                if files.public.exists() || files.private.exists() {
                    Ok(files)
                } else {
                    Err(no_such_key(id, &home))
                }
            }
            KeyName::File(path) => Ok(KeyFiles {
                private: path.clone(),
                public: path.with_extension("json"),
            }),
        }
    }

    /// The public half, whose label must be the file's name.
    pub fn public(&self) -> Result<PublicHalf, Failure> {
        let half = read_public_half(&self.public)?;
        if self.public.file_stem() != Some(OsStr::new(half.key_id().as_str())) {
            let (path, id) = (self.public.display(), half.key_id());
            let problem = format!("{path} is the public half of another key, {id}");
            return Err(Failure::new(Exit::Refused, problem)
                .hint("give the key's two files their own names back: ID.age and ID.json"));
        }
        Ok(half)
    }
}

fn no_such_key(id: &KeyId, home: &Home) -> Failure {
    let folder = home.dir().join("keys");
    let problem = format!("there is no key {id} in {}", folder.display());
    Failure::new(Exit::Usage, problem)
        .hint("`pith key list` shows the keys there are; a key elsewhere is named by its file, which ends in .age")
}

/// Reads the public half of a key.
pub fn read_public_half(path: &Path) -> Result<PublicHalf, Failure> {
    let bytes = files::read(path)?;
    PublicHalf::from_slice(&bytes).map_err(|error| {
        HomeError::Malformed {
            path: path.to_owned(),
            message: error.to_string(),
        }
        .into()
    })
}

/// A key that was opened, and that its public file is known to be of.
#[derive(Debug)]
pub struct OpenKey {
    /// The private half.
    pub private: PrivateKey,
    /// The public half, as its file has it.
    pub public: PublicHalf,
    /// Its files.
    pub files: KeyFiles,
}

/// Opens the key that `name` means, whatever it is for, and compares its two halves.
pub fn open_key(context: &Context, name: &KeyName, unlock: UnlockArgs) -> Result<OpenKey, Failure> {
    let mut unlocker = Unlocker::new(unlock, SecretSources::of_process());
    open_key_with(context, name, &mut unlocker)
}

/// As [`open_key`], for a command line that opens more than one.
pub fn open_key_with(
    context: &Context,
    name: &KeyName,
    unlocker: &mut Unlocker,
) -> Result<OpenKey, Failure> {
    let files = KeyFiles::locate(context, name)?;
    let public = files.public()?;
    let private = open_private(&files, &public, unlocker)?;
    Ok(OpenKey {
        private,
        public,
        files,
    })
}

/// Reads the public half of a custodian's key, and nothing else.
pub fn read_custodian(path: &Path) -> Result<CustodianKey, Failure> {
    let bytes = files::read(path)?;
    canonical::from_slice(&bytes).map_err(|error| {
        let problem = format!("{} is no custodian's public key: {error}", path.display());
        Failure::new(Exit::Io, problem)
            .hint("custodians' keys are made with `pith key generate --role custodian`")
    })
}

fn open_private(
    files: &KeyFiles,
    public: &PublicHalf,
    unlocker: &mut Unlocker,
) -> Result<PrivateKey, Failure> {
    harden()?;
    let private = unlocker.open(public.key_id().as_str(), &files.private)?;
    if private.public_bytes() != *public.key().as_bytes() {
        return Err(halves_differ(files));
    }
    Ok(private)
}

/// Opens a custodian's key; `refused` says what a signing key is not for, and nobody is asked for the
/// passphrase of one.
pub fn open_custodian(
    context: &Context,
    name: &KeyName,
    unlocker: &mut Unlocker,
    refused: &str,
) -> Result<(CustodianKey, PrivateKey), Failure> {
    let files = KeyFiles::locate(context, name)?;
    let public = files.public()?;
    let custodian = match &public {
        PublicHalf::Custodian(custodian) => custodian.clone(),
        PublicHalf::Signing(object) => {
            let problem = format!("{} is a signing key, which {refused}", object.key_id);
            return Err(Failure::new(Exit::Refused, problem).hint("name a custodian's key"));
        }
    };
    let private = open_private(&files, &public, unlocker)?;
    Ok((custodian, private))
}

/// The error for a private key that is not the one its public file is of.
pub fn halves_differ(files: &KeyFiles) -> Failure {
    let problem = format!(
        "the private key in {} is not the one whose public half is {}",
        files.private.display(),
        files.public.display()
    );
    Failure::new(Exit::Refused, problem).hint("restore both files from the same backup")
}
