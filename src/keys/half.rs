//! The public half of a key, whichever it is for: what stands beside a sealed key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::custodian::{CustodianKey, CustodianKind};
use super::public::{Fingerprint, KeyId, PublicKey, PublicKeyObject};
use crate::canonical::{self, DecodeError, Node, Numbers};
use crate::text::string_form;

/// What a key is for. No key is for both: what a signing key signs, a custodian's never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Signs records, events and bundles.
    Signing,
    /// Approves keysets.
    Custodian,
}

impl Role {
    /// The role as documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Signing => "signing",
            Role::Custodian => "custodian",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "signing" => Ok(Role::Signing),
            "custodian" => Ok(Role::Custodian),
            _ => Err(format!("a role is `signing` or `custodian`, not `{text}`")),
        }
    }
}

string_form!(Role);

/// The public half of a signing key or of a custodian's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PublicHalf {
    /// Of a key that signs records, events and bundles.
    Signing(PublicKeyObject),
    /// Of a key that approves keysets.
    Custodian(CustodianKey),
}

impl PublicHalf {
    /// Reads either form strictly; which one it is, it says itself.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        let node = canonical::read(bytes, Numbers::PythonFloats)?;
        let kind = node.get("kind").and_then(Node::as_str);
        if kind == Some(CustodianKind::VALUE) {
            canonical::from_node(node).map(PublicHalf::Custodian)
        } else {
            canonical::from_node(node).map(PublicHalf::Signing)
        }
    }

    /// The key's label.
    pub fn key_id(&self) -> &KeyId {
        match self {
            PublicHalf::Signing(object) => &object.key_id,
            PublicHalf::Custodian(custodian) => &custodian.key_id,
        }
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        match self {
            PublicHalf::Signing(object) => &object.key,
            PublicHalf::Custodian(custodian) => &custodian.key,
        }
    }

    /// The key's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.key().fingerprint()
    }

    /// What the key is for.
    pub fn role(&self) -> Role {
        match self {
            PublicHalf::Signing(_) => Role::Signing,
            PublicHalf::Custodian(_) => Role::Custodian,
        }
    }
}

/// What a key that was opened signs to show that it works, for
/// [`Purpose::KeyCheck`](super::Purpose::KeyCheck).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCheck {
    /// The key's label.
    pub key_id: KeyId,
    /// The key's fingerprint.
    pub fingerprint_sha256_hex: Fingerprint,
    /// When it was opened.
    pub checked_at: crate::time::Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PrivateKey;

    #[test]
    fn either_form_is_read_as_itself_only() {
        let private = PrivateKey::from_seed(&[7; 32]);
        let key = PublicKey::from(private.verifying_key());
        let key_id: KeyId = "k1".parse().unwrap();
        let object = PublicKeyObject::of_registry(key, key_id.clone(), "https://r.invalid");
        let halves = [
            PublicHalf::Signing(object),
            PublicHalf::Custodian(CustodianKey { key_id, key }),
        ];
        for half in halves {
            let bytes = canonical::to_vec(&half).unwrap();
            assert_eq!(PublicHalf::from_slice(&bytes).unwrap(), half);
            let other = match half.role() {
                Role::Signing => canonical::from_slice::<CustodianKey>(&bytes).map(|_| ()),
                Role::Custodian => canonical::from_slice::<PublicKeyObject>(&bytes).map(|_| ()),
            };
            assert!(other.is_err());
        }
        assert!(PublicHalf::from_slice(b"{\"kind\":\"pith_custodian_key\"}").is_err());
        assert!(PublicHalf::from_slice(b"[]").is_err());
    }
}
