//! The form of a keyset.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::rule::Rule;
use crate::canonical::{self, DecodeError, Node};
use crate::digest::Digest;
use crate::keys::{
    CustodianKey, Fingerprint, KeyId, KeyStatus, PublicKey, PublicKeyObject, Purpose, Purposed,
    SignatureBytes, TrustedKey, TrustedKeys,
};
use crate::text::{constant, nullable};
use crate::time::Timestamp;

constant! {
    /// What a keyset calls itself.
    KeysetType = "pith_keyset"
}

constant! {
    /// The version of its form.
    KeysetSchema = "1.0"
}

/// The member that is not under a keyset's signatures.
const SIGNATURES: &str = "signatures";

/// A version of a registry's keyset.
///
/// Reading one checks its form alone. Whether it keeps the rules is for
/// [`faults`](Keyset::faults) and [`Chain`](super::Chain) to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    /// Always a keyset.
    pub keyset_type: KeysetType,
    /// The version of its form.
    pub schema_version: KeysetSchema,
    /// The registry whose keys these are.
    pub registry_id: String,
    /// Which version of the registry's keyset this is, from 1.
    pub version: u32,
    /// The digest of the version before; null for the first.
    #[serde(deserialize_with = "nullable")]
    pub previous: Option<Digest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last second at which a signature counts by it.
    pub expires_at: Timestamp,
    /// Whether it was made to practise, and nobody may rely on it.
    pub rehearsal: bool,
    /// Why no key is active, if none is.
    #[serde(deserialize_with = "nullable")]
    pub emergency: Option<String>,
    /// How long keys are published before and after they sign.
    pub policy: SafetyPolicy,
    /// Who approves keysets.
    pub custodians: Custodians,
    /// The keys that sign records, events and bundles, or did, or will.
    pub keys: Vec<SigningKey>,
    /// The custodians' signatures of all the rest.
    pub signatures: Vec<KeysetSignature>,
}

/// How long keys are published before and after they sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafetyPolicy {
    /// How long a key is `next` before it may be active.
    pub publish_safety_seconds: u32,
    /// How long a key stays in the keyset after it has ended.
    pub retire_safety_seconds: u32,
}

impl SafetyPolicy {
    /// The most days that are asked for: a hundred years. More would not fit into the seconds.
    pub const MOST_DAYS: u16 = 36_500;

    /// How policies write so many days, up to [`MOST_DAYS`](Self::MOST_DAYS).
    pub fn seconds_of(days: u16) -> u32 {
        u32::from(days.min(Self::MOST_DAYS)) * 24 * 60 * 60
    }
}

/// Who approves keysets, and how many of them it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custodians {
    /// How many signatures it takes.
    pub threshold: u32,
    /// Their keys.
    pub keys: Vec<CustodianKey>,
}

impl Custodians {
    /// What is wrong with the threshold, if it cannot be met or needs nobody.
    pub fn threshold_fault(&self) -> Option<Fault> {
        let (threshold, count) = (self.threshold, self.keys.len());
        (threshold == 0 || threshold as usize > count).then(|| {
            let message = format!("is {threshold}, with {count} custodians");
            Fault::new(Rule::Threshold, "the threshold", message)
        })
    }
}

/// A key that signs for the registry, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// The key as published.
    pub key: PublicKeyObject,
    /// The signer it speaks for: the registry.
    pub signer_id: String,
    /// The kinds of signer it speaks as.
    pub signer_types: Vec<String>,
    /// What may be done with it.
    pub status: KeyStatus,
    /// When the version was made that first held it.
    pub published_at: Timestamp,
    /// The first second at which its signatures count; null before it is active, and for the key with
    /// which the registry began, whose signatures may be older than the first keyset.
    #[serde(deserialize_with = "nullable")]
    pub valid_from: Option<Timestamp>,
    /// The last second at which its signatures count; null until it has ended.
    #[serde(deserialize_with = "nullable")]
    pub valid_until: Option<Timestamp>,
    /// Its own signature, which shows that somebody holds its private half.
    pub possession_b64: SignatureBytes,
    /// Why and when it was revoked.
    #[serde(deserialize_with = "nullable")]
    pub revocation: Option<Revocation>,
    /// What the registry's ledger knows it to have signed, once it has ended.
    #[serde(deserialize_with = "nullable")]
    pub signed: Option<SignedLog>,
}

/// Why and when a key was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// All event ids and bundle digests that a ledger knows a key to have signed, in the ledger's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedLog {
    /// How many there are.
    pub count: u64,
    /// The root of their Merkle tree (RFC 6962).
    pub merkle_root: Digest,
}

/// A custodian's signature of a keyset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysetSignature {
    /// The name that the custodian has in the keyset.
    pub key_id: KeyId,
    /// The custodian's key.
    pub public_key_fingerprint: Fingerprint,
    /// The signature.
    pub signature_b64: SignatureBytes,
}

/// What a new signing key signs to show that somebody holds its private half.
#[derive(Serialize)]
pub struct PossessionStatement<'a> {
    registry_id: &'a str,
    key_id: &'a KeyId,
    public_key_hex: String,
}

impl<'a> PossessionStatement<'a> {
    /// That of `key`, under its name, for a registry.
    pub fn of(registry_id: &'a str, key_id: &'a KeyId, key: &PublicKey) -> Self {
        PossessionStatement {
            registry_id,
            key_id,
            public_key_hex: hex::encode(key.as_bytes()),
        }
    }
}

impl Keyset {
    /// Reads a keyset strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        canonical::from_slice(bytes)
    }

    /// What identifies this version: the SHA-256 of its canonical bytes without the signatures.
    pub fn digest(&self) -> Digest {
        canonical::digest_without(self, &[SIGNATURES]).expect("a keyset holds only what JSON can")
    }

    /// What custodians sign.
    pub fn message(&self) -> Purposed {
        Purpose::Keyset
            .document(self, &[SIGNATURES])
            .expect("a keyset holds only what JSON can")
    }

    /// Whether its last second is over at this time.
    pub fn has_expired(&self, at: Timestamp) -> bool {
        at > self.expires_at
    }

    /// Whether it is yet to be made at this time.
    pub fn is_yet_to_come(&self, at: Timestamp) -> bool {
        at < self.created_at
    }

    /// The signing key called `key_id`.
    pub fn named(&self, key_id: &KeyId) -> Option<&SigningKey> {
        self.keys.iter().find(|entry| entry.key.key_id == *key_id)
    }

    /// The keys that may sign now: one, where the rules are kept.
    pub fn active(&self) -> impl Iterator<Item = &SigningKey> {
        let active = |entry: &&SigningKey| entry.status == KeyStatus::Active;
        self.keys.iter().filter(active)
    }

    /// What a verifier who trusts this version trusts.
    pub fn trusted_keys(&self) -> TrustedKeys {
        TrustedKeys::new(self.keys.iter().map(TrustedKey::from).collect())
    }
}

impl From<&SigningKey> for TrustedKey {
    fn from(entry: &SigningKey) -> Self {
        TrustedKey {
            key: entry.key.clone(),
            signer_id: Some(entry.signer_id.clone()),
            signer_types: entry.signer_types.clone(),
            status: entry.status,
            valid_from: entry.valid_from,
            valid_until: entry.valid_until,
        }
    }
}

/// What the file of a keyset may hold.
#[derive(Debug, Clone, PartialEq)]
pub enum KeysetFile {
    /// The own keys of a home in bootstrap, under nobody's signatures.
    Bootstrap(TrustedKeys),
    /// A keyset.
    Keyset(Box<Keyset>),
}

impl KeysetFile {
    /// Reads either strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        KeysetFile::from_node(canonical::read(bytes, canonical::Numbers::Integers)?)
    }

    /// As [`from_slice`](Self::from_slice), from a tree that was read.
    ///
    /// # Errors
    /// As there.
    pub fn from_node(node: Node<'_>) -> Result<Self, DecodeError> {
        let kind = node.get("keyset_type").and_then(|kind| kind.as_str());
        if kind == Some(KeysetType::VALUE) {
            canonical::from_node(node).map(KeysetFile::Keyset)
        } else {
            canonical::from_node(node).map(KeysetFile::Bootstrap)
        }
    }
}
