//! What one key has signed, as the ledger knows it: what stays good when the key is revoked.

use std::num::NonZeroUsize;

use super::MintError;
use super::contents::{Contents, KeyBook};
use super::form::{Forms, Page};
use crate::digest::Digest;
use crate::home::Profile;
use crate::keys::{Fingerprint, PublicKeyObject};
use crate::ledger::{Held, Ledger};

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
/// record's events, then its bundle. Records are looked at on `jobs` threads, and a few hundred are in
/// memory at a time.
///
/// # Errors
/// Those of the ledger and of `take`; [`MintError::UnknownKey`] where a bundle needs a key that is lost.
pub fn each_signed<E: From<MintError>>(
    ledger: &Ledger,
    profile: &Profile,
    key: &Fingerprint,
    jobs: NonZeroUsize,
    mut take: impl FnMut(&Digest) -> Result<(), E>,
) -> Result<SignedCount, E> {
    let book = KeyBook::of(ledger).map_err(MintError::from)?;
    // Forms give nothing that the types would not give: without them it takes longer.
    let known = book
        .get(key)
        .and_then(|object| Some((Forms::of(profile, object).ok()?, object)));
    let page = || {
        let (forms, object) = known.as_ref()?;
        Some((Page::new(forms), *object))
    };
    let look = |page: &mut Option<(Page<'_>, &PublicKeyObject)>, held: Held| {
        of_form(page, &held, key).map_or_else(|| of_types(&held, profile, &book, key), Ok)
    };
    let mut count = SignedCount::default();
    ledger.each_held(jobs, &page, &look, |found| -> Result<(), E> {
        let found = found.map_err(MintError::from)??;
        for digest in &found.digests {
            count.digests += 1;
            take(digest)?;
        }
        count.lost_seals += u64::from(found.lost_seal);
        Ok(())
    })?;
    Ok(count)
}

/// What the key has signed of one record.
#[derive(Default)]
struct Found {
    digests: Vec<Digest>,
    lost_seal: bool,
}

/// The same as [`of_types`] finds, where forms tell: of a fresh record that the key has minted and
/// sealed, or has nothing to do with.
fn of_form(
    page: &mut Option<(Page<'_>, &PublicKeyObject)>,
    held: &Held,
    key: &Fingerprint,
) -> Option<Found> {
    let Held::Fresh(fresh) = held else {
        return None;
    };
    let seal = fresh.seal.as_ref();
    let seal = seal.filter(|seal| seal.public_key_fingerprint == *key);
    match (fresh.origin.fingerprint == *key, seal) {
        (false, None) => Some(Found::default()),
        (true, Some(seal)) => {
            let (page, object) = page.as_mut()?;
            let digests = page.refill(fresh, seal, object)?.to_vec();
            Some(Found {
                digests,
                lost_seal: false,
            })
        }
        _ => None,
    }
}

fn of_types(
    held: &Held,
    profile: &Profile,
    book: &KeyBook,
    key: &Fingerprint,
) -> Result<Found, MintError> {
    let contents = Contents::from(held);
    let mut found = Found {
        digests: contents.events_by(key).copied().collect(),
        lost_seal: false,
    };
    let seal = held.seal();
    if let Some(seal) = seal.filter(|seal| seal.public_key_fingerprint == *key) {
        match contents.sealed(profile, book, seal)? {
            Some(bundle) => found.digests.push(bundle.bundle_signature.bundle_sha256),
            None => found.lost_seal = true,
        }
    }
    Ok(found)
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
    jobs: NonZeroUsize,
    known: impl Fn(&Digest) -> bool,
) -> Result<bool, MintError> {
    let looked = each_signed(ledger, profile, key, jobs, |digest| match known(digest) {
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
