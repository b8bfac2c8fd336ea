//! The keys a verifier already trusts, and for what (SPEC 9).
//!
//! They are data of the verifier's: keys found inside a bundle never get among them. What a registry
//! publishes, signed by its custodians, is a [`Keyset`](crate::keyset::Keyset), which gives such a list.

use serde::{Deserialize, Serialize};

use super::public::{KeyId, PublicKey, PublicKeyObject};
use crate::canonical::{self, DecodeError};
use crate::text::{constant, nullable};
use crate::time::Timestamp;

constant! {
    /// What a home's own list calls itself before a genesis ceremony.
    TrustedKeysType = "pith_bootstrap_keyset"
}

constant! {
    /// The version of its form.
    TrustedKeysVersion = "1.0"
}

/// The signer type of registries (SPEC 5).
pub const REGISTRY: &str = "pith_registry";

/// The published key of pith.science, built in.
const BUILT_IN: &str = include_str!("../../keys/pith.science.json");

/// Whose key that is.
pub(super) const BUILT_IN_SIGNER: &str = "pith.science";

/// A list of trusted keys as a registry home keeps it (`keys/keyset.json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKeys {
    /// Always the list of a home in bootstrap.
    pub keyset_type: TrustedKeysType,
    /// The version of its form.
    pub schema_version: TrustedKeysVersion,
    /// The keys.
    pub keys: Vec<TrustedKey>,
}

/// A key that is trusted, for whom it may speak, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKeyObject,
    /// The signer it speaks for; null if it is trusted whatever the signer calls itself.
    #[serde(deserialize_with = "nullable")]
    pub signer_id: Option<String>,
    /// The kinds of signer it speaks as.
    pub signer_types: Vec<String>,
    /// Whether it may sign now.
    pub status: KeyStatus,
    /// The first second at which a signature of it counts; null for no limit.
    #[serde(deserialize_with = "nullable")]
    pub valid_from: Option<Timestamp>,
    /// The last second at which a signature of it counts; null for no limit.
    #[serde(deserialize_with = "nullable")]
    pub valid_until: Option<Timestamp>,
}

/// What may be done with a trusted key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// Announced; signs nothing yet.
    Next,
    /// Signs.
    Active,
    /// Signs no more; what it signed stays good.
    Retired,
    /// Believed to be in other hands: what it signed counts only where it is known to be from before.
    Revoked,
}

impl KeyStatus {
    /// The status as keysets write it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyStatus::Next => "next",
            KeyStatus::Active => "active",
            KeyStatus::Retired => "retired",
            KeyStatus::Revoked => "revoked",
        }
    }
}

impl TrustedKeys {
    /// A list of these keys.
    pub fn new(keys: Vec<TrustedKey>) -> Self {
        TrustedKeys {
            keyset_type: TrustedKeysType,
            schema_version: TrustedKeysVersion,
            keys,
        }
    }

    /// Reads such a list strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        canonical::from_slice(bytes)
    }

    /// The key of pith.science, for `signer_id` "pith.science".
    pub fn built_in() -> Self {
        let key =
            canonical::from_slice(BUILT_IN.as_bytes()).expect("the built-in key is well formed");
        let signer_id = Some(BUILT_IN_SIGNER.to_owned());
        TrustedKeys::new(vec![TrustedKey::of_registry(key, signer_id)])
    }

    /// Whether the built-in list knows a key of this signer.
    pub fn built_in_knows(signer_id: &str) -> bool {
        signer_id == BUILT_IN_SIGNER
    }

    /// The entry of the raw key `key`.
    pub fn find(&self, key: &PublicKey) -> Option<&TrustedKey> {
        self.keys.iter().find(|entry| entry.key.key == *key)
    }

    /// The entry whose label is `key_id`.
    pub fn named(&self, key_id: &KeyId) -> Option<&TrustedKey> {
        self.keys.iter().find(|entry| entry.key.key_id == *key_id)
    }

    /// The keys that may sign now.
    pub fn active(&self) -> impl Iterator<Item = &TrustedKey> {
        self.keys
            .iter()
            .filter(|entry| entry.status == KeyStatus::Active)
    }
}

impl TrustedKey {
    /// An active registry key without limits of time.
    pub fn of_registry(key: PublicKeyObject, signer_id: Option<String>) -> Self {
        TrustedKey {
            key,
            signer_id,
            signer_types: vec![REGISTRY.to_owned()],
            status: KeyStatus::Active,
            valid_from: None,
            valid_until: None,
        }
    }

    /// Whether the key may speak for this signer.
    pub fn speaks_for(&self, signer_id: &str, signer_type: &str) -> bool {
        self.signer_id.as_deref().is_none_or(|id| id == signer_id)
            && self.signer_types.iter().any(|kind| kind == signer_type)
    }

    /// Whether a signature of this time counts.
    pub fn counts_at(&self, time: Timestamp) -> bool {
        self.status != KeyStatus::Next
            && self.valid_from.is_none_or(|from| from <= time)
            && self.valid_until.is_none_or(|until| time <= until)
    }
}
