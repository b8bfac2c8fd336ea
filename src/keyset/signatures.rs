//! The custodians' signatures: made, checked and counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::document::{Keyset, KeysetSignature};
use super::fault::{Fault, Faulty};
use super::rule::Rule;
use crate::digest::Digest;
use crate::keys::{CustodianKey, Fingerprint, KeyId, PrivateKey, PublicKey, Purposed};

/// How many of a version's custodians have signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Whose custodians they are.
    pub version: u32,
    /// How many it takes.
    pub threshold: u32,
    /// Those who have signed.
    pub signed: Vec<KeyId>,
    /// Those who have not.
    pub waiting: Vec<KeyId>,
}

impl Tally {
    /// Whether enough have signed. A threshold of none is never met.
    pub fn is_met(&self) -> bool {
        self.threshold > 0 && self.signed.len() >= self.threshold as usize
    }
}

/// The key does not sign this keyset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key {fingerprint} is no custodian's, neither in version {version} nor in the one before"
)]
pub struct NotACustodian {
    /// The key.
    pub fingerprint: Fingerprint,
    /// The version that was to be signed.
    pub version: u32,
}

/// A copy of a draft has no signatures to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// It states something else, so its signatures are not over this.
    #[error("it is another draft: its digest is {found}, and not {wanted}")]
    OtherDraft {
        /// What the copy's digest is.
        found: Digest,
        /// What the draft's is.
        wanted: Digest,
    },
    /// Signatures that are over nothing, or by nobody who may sign.
    #[error("{0}")]
    Signatures(Faulty),
}

impl Keyset {
    /// The custodian of this version or of `previous` whose key this is.
    pub fn custodian<'a>(
        &'a self,
        previous: Option<&'a Keyset>,
        fingerprint: &Fingerprint,
    ) -> Option<&'a CustodianKey> {
        let before = previous.into_iter();
        let mut all = std::iter::once(self)
            .chain(before)
            .flat_map(|keyset| &keyset.custodians.keys);
        all.find(|custodian| custodian.key.fingerprint() == *fingerprint)
    }

    /// Signs this version with a custodian's key; a signature that the key made before is replaced.
    ///
    /// # Errors
    /// [`NotACustodian`].
    pub fn sign(
        &mut self,
        previous: Option<&Keyset>,
        private: &PrivateKey,
    ) -> Result<KeyId, NotACustodian> {
        let fingerprint = PublicKey::from(private.verifying_key()).fingerprint();
        let version = self.version;
        let custodian = self.custodian(previous, &fingerprint);
        let key_id = custodian.map(|custodian| custodian.key_id.clone());
        let key_id = key_id.ok_or(NotACustodian {
            fingerprint,
            version,
        })?;
        let signature_b64 = private.sign_purposed(&self.message());
        self.signatures
            .retain(|signature| signature.public_key_fingerprint != fingerprint);
        self.signatures.push(KeysetSignature {
            key_id: key_id.clone(),
            public_key_fingerprint: fingerprint,
            signature_b64,
        });
        self.sort_signatures();
        Ok(key_id)
    }

    /// Adds the signatures of a copy of this version that was signed elsewhere, and gives the names of
    /// those who had not signed this one. `previous` is the version before.
    ///
    /// # Errors
    /// [`CollectError`] if the copy is of something else, or one of its signatures is not good; then
    /// nothing is added.
    pub fn collect(
        &mut self,
        previous: Option<&Keyset>,
        copy: &Keyset,
    ) -> Result<Vec<KeyId>, CollectError> {
        let (found, wanted) = (copy.digest(), self.digest());
        if found != wanted {
            return Err(CollectError::OtherDraft { found, wanted });
        }
        // Whether there are enough is for publication to ask.
        let mut faults = copy.signature_faults(previous);
        faults.retain(|fault| fault.rule == Rule::Signature);
        Faulty::unless_none(copy.version, faults).map_err(CollectError::Signatures)?;
        let message = self.message();
        let mut added = Vec::new();
        for signature in &copy.signatures {
            let fingerprint = signature.public_key_fingerprint;
            let custodian = self.custodian(previous, &fingerprint);
            let is_good = |own: &KeysetSignature| {
                custodian.is_some_and(|custodian| is_by(own, &custodian.key, &message))
            };
            if self.signatures.iter().any(is_good) {
                continue;
            }
            // One that is not good gives way.
            self.signatures
                .retain(|own| own.public_key_fingerprint != fingerprint);
            self.signatures.push(signature.clone());
            added.push(signature.key_id.clone());
        }
        self.sort_signatures();
        Ok(added)
    }

    /// The order in which they signed is nobody's business, and files compare better.
    fn sort_signatures(&mut self) {
        self.signatures.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    }

    /// How many custodians of `of`, which is this version or the one before, have signed this one.
    /// A key counts once, whatever it is called.
    pub fn tally(&self, of: &Keyset) -> Tally {
        let message = self.message();
        let mut signatures: BTreeMap<Fingerprint, &KeysetSignature> = BTreeMap::new();
        for signature in &self.signatures {
            let key = signature.public_key_fingerprint;
            signatures.entry(key).or_insert(signature);
        }
        let mut counted = BTreeSet::new();
        let mut tally = Tally {
            version: of.version,
            threshold: of.custodians.threshold,
            signed: Vec::new(),
            waiting: Vec::new(),
        };
        for custodian in &of.custodians.keys {
            let signature = signatures.get(&custodian.key.fingerprint());
            let signed = signature.is_some_and(|s| is_by(s, &custodian.key, &message));
            if signed && counted.insert(custodian.key.as_bytes()) {
                tally.signed.push(custodian.key_id.clone());
            } else if !signed {
                tally.waiting.push(custodian.key_id.clone());
            }
        }
        tally
    }

    /// What is wrong with the signatures, and whether there are enough. Without `previous`, those of
    /// custodians that this version removes can't be checked, and are left aside.
    pub fn signature_faults(&self, previous: Option<&Keyset>) -> Vec<Fault> {
        let message = self.message();
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        // Looked up by key, since nobody knows how many a document from elsewhere has.
        let mut keys: BTreeMap<Fingerprint, &PublicKey> = BTreeMap::new();
        let mut names: BTreeSet<(Fingerprint, &KeyId)> = BTreeSet::new();
        for keyset in previous.into_iter().chain([self]) {
            for custodian in &keyset.custodians.keys {
                let fingerprint = custodian.key.fingerprint();
                keys.insert(fingerprint, &custodian.key);
                names.insert((fingerprint, &custodian.key_id));
            }
        }
        for signature in &self.signatures {
            let subject = format!("the signature of {}", signature.key_id);
            let mut fault = |message: &str| {
                faults.push(Fault::new(Rule::Signature, &subject, message));
            };
            if !seen.insert(signature.public_key_fingerprint) {
                fault("is by a key that has signed already");
            }
            let fingerprint = signature.public_key_fingerprint;
            match keys.get(&fingerprint) {
                Some(_) if !names.contains(&(fingerprint, &signature.key_id)) => {
                    fault("is by a key with another name");
                }
                Some(key) if !is_by(signature, key, &message) => fault("is not over this keyset"),
                None if previous.is_some() || self.version == 1 => fault("is by no custodian"),
                Some(_) | None => {}
            }
        }
        let tallies = [
            (Rule::OwnThreshold, Some(self)),
            (Rule::PreviousThreshold, previous),
        ];
        for (rule, of) in tallies {
            let Some(tally) = of.map(|of| self.tally(of)).filter(|tally| !tally.is_met()) else {
                continue;
            };
            let (signed, threshold, version) = (tally.signed.len(), tally.threshold, tally.version);
            let message = format!("are {signed} of {threshold} of version {version}'s custodians");
            faults.push(Fault::new(rule, "the signatures", message));
        }
        faults
    }
}

fn is_by(signature: &KeysetSignature, key: &PublicKey, message: &Purposed) -> bool {
    signature.public_key_fingerprint == key.fingerprint()
        && key.verifies_purposed(message, &signature.signature_b64)
}
