//! Knowing the witnesses who have signed a transcript.

use std::path::{Path, PathBuf};

use crate::canonical;
use crate::ceremony::KnownWitness;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::files;
use crate::keys::CustodianKey;

/// Reads the public half of a custodian's key.
fn read_custodian(path: &Path) -> Result<CustodianKey, Failure> {
    let bytes = files::read(path)?;
    canonical::from_slice(&bytes).map_err(|error| {
        Failure::new(
            Exit::Refused,
            format!("{} is no custodian's public key: {error}", path.display()),
        )
        .hint("witnesses sign with custodians' keys; a registry's signing key signs records only")
    })
}

/// The custodians whom this verifier knows: those in `files`, and those of every version of the home's
/// keyset.
pub fn known_witnesses(files: &[PathBuf], context: &Context) -> Result<Vec<KnownWitness>, Failure> {
    let mut known = Vec::new();
    for path in files {
        known.push(KnownWitness {
            source: format!("--trust {}", path.display()),
            key: read_custodian(path)?,
        });
    }
    let home = context.home_if_any()?;
    let chain = home.map(|home| home.chain()).transpose()?.flatten();
    for keyset in chain.iter().flat_map(|chain| chain.versions()).rev() {
        let custodians = keyset.custodians.keys.iter();
        known.extend(custodians.map(|key| KnownWitness {
            source: format!("version {} of the home's keyset", keyset.version),
            key: key.clone(),
        }));
    }
    Ok(known)
}
