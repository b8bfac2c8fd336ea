//! Witnesses: opening their keys to sign, and knowing them when they have signed.

use std::path::{Path, PathBuf};

use crate::canonical;
use crate::ceremony::KnownWitness;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::secrets::Unlocker;
use crate::files;
use crate::keys::{CustodianKey, KeyId, PrivateKey, PublicKey};
use crate::verify::Trust;

/// A witness whose key is open.
pub struct Witness {
    /// The public half.
    pub public: CustodianKey,
    /// The private half.
    pub private: PrivateKey,
}

/// Opens a custodian's key: a path to its `.age` file, with its public file beside it, or its label in
/// the home.
pub fn open_witness(
    name: &str,
    context: &Context,
    unlocker: &mut Unlocker,
) -> Result<Witness, Failure> {
    let private_path = if name.ends_with(".age") {
        PathBuf::from(name)
    } else {
        let id: KeyId = name.parse().map_err(|error: String| {
            Failure::new(Exit::Usage, error)
                .hint("name the key's .age file, or its label in the home")
        })?;
        context.home()?.private_key_path(&id)
    };
    let public = read_custodian(&private_path.with_extension("json"))?;
    let private = unlocker.open(public.key_id.as_str(), &private_path)?;
    if PublicKey::from(private.verifying_key()) != public.key {
        let problem = format!(
            "{} does not hold the private half of {}",
            private_path.display(),
            public.key_id
        );
        return Err(
            Failure::new(Exit::Refused, problem).hint("restore both files from the same backup")
        );
    }
    Ok(Witness { public, private })
}

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
