//! What one key has signed, as the ledger knows it: what stays good when the key is revoked.

use super::MintError;
use super::contents::{Contents, KeyBook};
use crate::digest::Digest;
use crate::home::Profile;
use crate::keys::Fingerprint;
use crate::ledger::{Issued, Ledger};

/// What was found of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignedCount {
    /// How many event ids and bundle digests.
    pub digests: u64,
    /// How many seals cover no bundle as it would be written now, because the profile has changed since:
    /// their digests are not known any more.
    pub lost_seals: u64,
}

/// Hands every event id and bundle digest that the key has signed to `take`, in the ledger's order: a
/// record's events, then its bundle. A few hundred records are in memory at a time.
///
/// # Errors
/// Those of the ledger and of `take`; [`MintError::UnknownKey`] where a bundle needs a key that is lost.
pub fn each_signed<E: From<MintError>>(
    ledger: &Ledger,
    profile: &Profile,
    key: &Fingerprint,
    mut take: impl FnMut(&Digest) -> Result<(), E>,
) -> Result<SignedCount, E> {
    let book = KeyBook::of(ledger).map_err(MintError::from)?;
    let mut count = SignedCount::default();
    let mut take = |digest: &Digest, count: &mut SignedCount| {
        count.digests += 1;
        take(digest)
    };
    for issued in ledger.issued(None) {
        let issued = issued.map_err(MintError::from)?;
        for digest in events_by(&issued, key) {
            take(digest, &mut count)?;
        }
        let seal = issued.bundle.as_ref();
        if let Some(seal) = seal.filter(|seal| seal.public_key_fingerprint == *key) {
            let contents = Contents::from(&issued);
            match contents.sealed(profile, &book, seal)? {
                Some(bundle) => take(&bundle.bundle_signature.bundle_sha256, &mut count)?,
                None => count.lost_seals += 1,
            }
        }
    }
    Ok(count)
}

/// Whether the ledger holds an event or a bundle that the key has signed and of which `known` does not
/// know. Seals that [`SignedCount::lost_seals`] counts are nothing it can tell.
///
/// # Errors
/// As [`each_signed`].
pub fn holds_other(
    ledger: &Ledger,
    profile: &Profile,
    key: &Fingerprint,
    known: impl Fn(&Digest) -> bool,
) -> Result<bool, MintError> {
    let looked = each_signed(ledger, profile, key, |digest| match known(digest) {
        true => Ok(()),
        false => Err(Looked::Other),
    });
    match looked {
        Ok(_) => Ok(false),
        Err(Looked::Other) => Ok(true),
        Err(Looked::Failed(error)) => Err(error),
    }
}

/// Why looking for what is not known came to an end.
enum Looked {
    Other,
    Failed(MintError),
}

impl From<MintError> for Looked {
    fn from(error: MintError) -> Self {
        Looked::Failed(error)
    }
}

fn events_by<'a>(issued: &'a Issued, key: &'a Fingerprint) -> impl Iterator<Item = &'a Digest> {
    let events = issued.events.iter().map(|(_, event)| event);
    events
        .filter(move |event| event.signature.public_key_fingerprint == *key)
        .map(|event| event.event_id.digest())
}
