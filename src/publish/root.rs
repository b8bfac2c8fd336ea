//! The files of a mirror that are the registry's: its keys, its keyset with all versions, and where its
//! mirrors are.

use std::fs;
use std::io::ErrorKind;

use serde::Serialize;

use super::error::PublishError;
use super::folder::{Folder, Put};
use super::page::ASSETS;
use super::tree::Tree;
use crate::bundle::Mirror;
use crate::canonical;
use crate::files::FileError;
use crate::home::{Home, InForce};
use crate::keys::{PublicKeyObject, TrustedKeys};

/// The active key's public form.
const SIGNING_KEY: &str = "pith-signing-key.json";

/// The registry's mirrors.
const MIRRORS: &str = "pith-mirrors.json";

/// The folder of the keyset. What is in it lies as in a home's `keys/`: whoever trusts `keyset.json`
/// finds what ended keys have signed in `logs/` beside it.
const KEYSET: &str = "pith-keyset";

/// The version of the form of the list of mirrors.
const MIRRORS_VERSION: &str = "1.0";

#[derive(Serialize)]
struct MirrorsFile<'a> {
    schema_version: &'static str,
    registry_id: &'a str,
    base_url: &'a str,
    mirrors: &'a [Mirror],
}

/// The files of a mirror that are not of one record, but for the start page and the indexes.
#[derive(Debug)]
pub struct RootFiles {
    files: Vec<(String, Vec<u8>)>,
    /// Paths at which nothing may stand.
    gone: Vec<String>,
}

impl RootFiles {
    /// Where the keyset stands in a mirror.
    pub const KEYSET_PATH: &str = "pith-keyset/keyset.json";

    /// Those of a home.
    ///
    /// # Errors
    /// Those of its keyset and of the system.
    pub fn of(home: &Home) -> Result<Self, PublishError> {
        let mut root = RootFiles {
            files: Vec::new(),
            gone: Vec::new(),
        };
        for (name, text) in ASSETS {
            root.add((*name).to_owned(), text.as_bytes().to_vec());
        }
        let profile = &home.profile;
        let mirrors = MirrorsFile {
            schema_version: MIRRORS_VERSION,
            registry_id: &profile.registry_id,
            base_url: &profile.base_url,
            mirrors: &profile.mirrors,
        };
        root.add(MIRRORS.to_owned(), canonical::pretty(&mirrors));
        match home.in_force()? {
            InForce::Bootstrap(keys) => {
                let active = keys.active().next().map(|entry| entry.key.clone());
                root.signing_key(active.as_ref());
                root.bootstrap(&keys);
            }
            InForce::Chain(chain) => {
                let latest = chain.latest();
                root.signing_key(latest.active().next().map(|entry| &entry.key));
                for version in chain.versions() {
                    let path = format!("{KEYSET}/history/keyset-{}.json", version.version);
                    root.add(path, canonical::pretty(version));
                }
                root.logs(home)?;
                // The latest is there once all that it refers to is.
                root.add(Self::KEYSET_PATH.to_owned(), canonical::pretty(latest));
            }
        }
        Ok(root)
    }

    fn add(&mut self, path: String, bytes: Vec<u8>) {
        self.files.push((path, bytes));
    }

    /// In an emergency there is none to publish, and an ended one must not stay.
    fn signing_key(&mut self, key: Option<&PublicKeyObject>) {
        match key {
            Some(key) => self.add(SIGNING_KEY.to_owned(), canonical::pretty(key)),
            None => self.gone.push(SIGNING_KEY.to_owned()),
        }
    }

    fn bootstrap(&mut self, keys: &TrustedKeys) {
        self.add(Self::KEYSET_PATH.to_owned(), canonical::pretty(keys));
    }

    /// What ended keys have signed.
    fn logs(&mut self, home: &Home) -> Result<(), PublishError> {
        let dir = home.logs_dir();
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(FileError::io("list", &dir))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(FileError::io("list", &dir))?.file_name();
            let name = name.to_string_lossy().into_owned();
            // A draft's is nobody's business yet.
            if name.ends_with(".leaves") {
                names.push(name);
            }
        }
        names.sort_unstable();
        for name in names {
            let path = dir.join(&name);
            let bytes = fs::read(&path).map_err(FileError::io("read", &path))?;
            self.add(format!("{KEYSET}/logs/{name}"), bytes);
        }
        Ok(())
    }

    /// Writes them; says how many changed.
    ///
    /// # Errors
    /// Those of the folder.
    pub fn write(&self, folder: &Folder) -> Result<u64, FileError> {
        let mut written = 0;
        for (path, bytes) in &self.files {
            if folder.put(path, bytes)? == Put::Written {
                written += 1;
            }
        }
        for path in &self.gone {
            folder.remove(path)?;
        }
        Ok(written)
    }

    /// The paths at which a mirror holds something else, and whether it holds anything there.
    ///
    /// # Errors
    /// Those of the mirror.
    pub fn differing<'a>(&'a self, tree: &Tree) -> Result<Vec<(&'a str, bool)>, FileError> {
        let mut differing = Vec::new();
        for (path, bytes) in &self.files {
            let found = tree.get(path)?;
            if found.as_ref() != Some(bytes) {
                differing.push((path.as_str(), found.is_some()));
            }
        }
        for path in &self.gone {
            if tree.get(path)?.is_some() {
                differing.push((path.as_str(), true));
            }
        }
        Ok(differing)
    }

    /// The keyset in a mirror, as it stands there.
    ///
    /// # Errors
    /// Those of the mirror.
    pub fn keyset_in(tree: &Tree) -> Result<Option<(&'static str, Vec<u8>)>, FileError> {
        let path = Self::KEYSET_PATH;
        Ok(tree.get(path)?.map(|bytes| (path, bytes)))
    }
}
