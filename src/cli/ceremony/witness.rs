//! Knowing the witnesses who have signed a transcript.

use std::path::PathBuf;

use crate::ceremony::KnownWitness;
use crate::cli::error::Failure;
use crate::cli::key::locate::read_custodian;
use crate::verify::Trust;

/// The custodians whom this verifier knows: those in `files`, and those of the keysets that it trusts.
/// Who is a custodian no more may have been removed for a reason, and has to be named.
pub fn known_witnesses(files: &[PathBuf], trust: &Trust) -> Result<Vec<KnownWitness>, Failure> {
    let named = files.iter().map(|path| {
        Ok(KnownWitness {
            source: format!("--trust {}", path.display()),
            key: read_custodian(path)?,
            registry_id: None,
        })
    });
    let trusted = trust.chains().flat_map(|(name, chain)| {
        let keyset = chain.latest();
        let custodians = keyset.custodians.keys.iter().cloned();
        custodians.map(move |key| {
            Ok(KnownWitness {
                source: name.to_owned(),
                key,
                registry_id: Some(keyset.registry_id.clone()),
            })
        })
    });
    named.chain(trusted).collect()
}
