//! Dividing a seed and putting it together again, by the crate `vsss-rs`.
//!
//! Its GF(256) has no tables and no branches on secrets, draws the coefficients of each byte's polynomial
//! evenly from the whole field, and takes it at 1, 2, 3 and so on, never at 0, where the secret is. It does
//! not wipe the polynomial of the last byte, so a byte that is no secret comes last.

use rand::CryptoRng;
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use super::{KeyShare, ShareKind, ShareLabel, ShareVersion, SplitId};
use crate::keys::half::PublicHalf;
use crate::keys::private::PrivateKey;
use crate::keys::public::PublicKey;
use crate::keys::stack;

/// A key could not be divided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// One share would be a copy of the key, or there are more needed than there are.
    #[error("a threshold of {threshold} does not go with {shares} shares")]
    Threshold {
        /// How many shares were to restore the key.
        threshold: u8,
        /// How many there were to be.
        shares: u8,
    },
    /// The public half is another key's.
    #[error("the public half is not that of the key to be divided")]
    OtherKey,
    /// The shares do not restore the key, although they were made a moment ago.
    #[error("the shares that were made do not restore the key, so none is given out")]
    SelfCheck,
}

/// Shares that do not restore a key. Positions are places in the list of shares, from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// Shares of two divisions, or of two keys.
    #[error("shares of different divisions cannot be combined")]
    Foreign {
        /// The first share that is not of the same division as the one at place 0.
        position: usize,
    },
    /// One number twice.
    #[error("share {index} is there twice")]
    Duplicate {
        /// The number.
        index: u8,
        /// The first share with it.
        first: usize,
        /// The second.
        second: usize,
    },
    /// Not enough.
    #[error("too few shares: {found} of the {needed} that are needed")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many restore the key.
        needed: u8,
    },
    /// All but one restore the key.
    #[error("one share is false: without it the others restore the key")]
    False {
        /// The one.
        position: usize,
    },
    /// They restore something else than the key.
    #[error("these shares do not restore the key: one of them, or more, is false")]
    OtherKey,
}

/// Divides `key`, whose public half is `public`, into `shares`, of which any `threshold` restore it.
///
/// # Errors
/// [`SplitError::Threshold`] unless 2 ≤ `threshold` ≤ `shares`; [`SplitError::OtherKey`].
pub fn split<R: CryptoRng + ?Sized>(
    key: &PrivateKey,
    public: &PublicHalf,
    threshold: u8,
    shares: u8,
    rng: &mut R,
) -> Result<Vec<KeyShare>, SplitError> {
    stack::apart(|| divide(key, public, threshold, shares, rng))
}

fn divide<R: CryptoRng + ?Sized>(
    key: &PrivateKey,
    public: &PublicHalf,
    threshold: u8,
    shares: u8,
    rng: &mut R,
) -> Result<Vec<KeyShare>, SplitError> {
    if !(2..=shares).contains(&threshold) {
        return Err(SplitError::Threshold { threshold, shares });
    }
    if *public.key() != PublicKey::from(key.verifying_key()) {
        return Err(SplitError::OtherKey);
    }
    let mut split_id = [0; 16];
    rng.fill_bytes(&mut split_id);
    let mut padded = Zeroizing::new([0; 33]);
    padded[..32].copy_from_slice(key.seed().as_ref());
    let parts = Gf256::split_bytes(threshold.into(), shares.into(), &padded[..], rng)
        .map(Zeroizing::new)
        .expect("threshold and number are in range, and the secret is not empty");
    let label = |index| ShareLabel {
        kind: ShareKind,
        schema_version: ShareVersion,
        split_id: SplitId::from_bytes(split_id),
        key_id: public.key_id().clone(),
        role: public.role(),
        fingerprint_sha256_hex: public.fingerprint(),
        index,
        threshold,
        shares,
    };
    let made: Vec<KeyShare> = parts
        .iter()
        .map(|part| {
            let mut value = Box::<Zeroizing<[u8; 32]>>::default();
            value.copy_from_slice(&part[1..33]);
            KeyShare {
                label: label(part[0]),
                value,
            }
        })
        .collect();
    let needed = usize::from(threshold);
    let restores = |some: &[KeyShare]| {
        combine(some).is_ok_and(|again| again.public_bytes() == key.public_bytes())
    };
    if restores(&made[..needed]) && restores(&made[made.len() - needed..]) {
        Ok(made)
    } else {
        Err(SplitError::SelfCheck)
    }
}

/// Restores the key of which these are shares, and proves it by the fingerprint that they carry.
///
/// # Errors
/// [`CombineError`].
pub fn combine(shares: &[KeyShare]) -> Result<PrivateKey, CombineError> {
    stack::apart(|| restore(shares))
}

fn restore(shares: &[KeyShare]) -> Result<PrivateKey, CombineError> {
    let Some(first) = shares.first() else {
        return Err(CombineError::TooFew {
            found: 0,
            needed: 2,
        });
    };
    let foreign = |share: &KeyShare| !share.label.same_split(&first.label);
    if let Some(position) = shares.iter().position(foreign) {
        return Err(CombineError::Foreign { position });
    }
    for (second, share) in shares.iter().enumerate() {
        let index = share.label.index;
        let before = shares[..second].iter();
        if let Some(first) = before.map(|s| s.label.index).position(|i| i == index) {
            return Err(CombineError::Duplicate {
                index,
                first,
                second,
            });
        }
    }
    let needed = first.label.threshold;
    if shares.len() < usize::from(needed) {
        return Err(CombineError::TooFew {
            found: shares.len(),
            needed,
        });
    }
    let all: Vec<&KeyShare> = shares.iter().collect();
    if let Some(key) = restored(&all) {
        return Ok(key);
    }
    if shares.len() > usize::from(needed) {
        for position in 0..all.len() {
            let mut others = all.clone();
            others.remove(position);
            if restored(&others).is_some() {
                return Err(CombineError::False { position });
            }
        }
    }
    Err(CombineError::OtherKey)
}

/// The key of these shares, if it is the one that they are said to be of.
fn restored(shares: &[&KeyShare]) -> Option<PrivateKey> {
    let parts: Vec<Vec<u8>> = shares
        .iter()
        .map(|share| {
            let mut part = Vec::with_capacity(33);
            part.push(share.label.index);
            part.extend_from_slice(share.value.as_slice());
            part
        })
        .collect();
    let parts = Zeroizing::new(parts);
    let bytes = Zeroizing::new(Gf256::combine_bytes(&*parts).ok()?);
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(&bytes);
    let key = PrivateKey::from_seed(&seed);
    let public = PublicKey::from(key.verifying_key());
    let wanted = shares.first()?.label.fingerprint_sha256_hex;
    (public.fingerprint() == wanted).then_some(key)
}
