//! Opening a custodian's key, in the home or anywhere else.

use std::path::{Path, PathBuf};

use crate::cli::error::Failure;
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::home::Home;
use crate::keys::{KeyId, PrivateKey, harden};

/// Opens the sealed key that `name` is the path or, in a home, the id of.
pub fn open_custodian(
    name: &str,
    home: Option<&Home>,
    unlock: UnlockArgs,
) -> Result<PrivateKey, Failure> {
    harden()?;
    let path = path_of(name, home);
    Ok(Unlocker::new(unlock, SecretSources::of_process()).open(name, &path)?)
}

fn path_of(name: &str, home: Option<&Home>) -> PathBuf {
    let path = Path::new(name);
    let id: Option<KeyId> = name.parse().ok();
    match (home, id) {
        (Some(home), Some(id)) if path.symlink_metadata().is_err() => home.private_key_path(&id),
        _ => path.to_owned(),
    }
}
