//! What the shares of a division are, told without them.

use serde::{Deserialize, Serialize};

use super::{KeyShare, ShareKind, ShareLabel, ShareVersion, SplitId};
use crate::canonical::{self, DecodeError};
use crate::digest::Digest;
use crate::keys::custodian::CustodianKey;
use crate::keys::half::Role;
use crate::keys::private::PrivateKey;
use crate::keys::public::{Fingerprint, KeyId, PublicKey, SignatureBytes};
use crate::keys::purpose::Purpose;
use crate::text::{constant, nullable};

constant! {
    /// What the list of a division's shares calls itself.
    CommitmentsKind = "pith_share_commitments"
}

/// The digests of all shares of a division; fields stand in the order of the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CommitmentsFields")]
pub struct Commitments {
    kind: CommitmentsKind,
    schema_version: ShareVersion,
    split_id: SplitId,
    key_id: KeyId,
    role: Role,
    fingerprint_sha256_hex: Fingerprint,
    threshold: u8,
    share_sha256: Vec<Digest>,
    signature: Option<CommitmentsSignature>,
}

/// A custodian's signature of the list, for [`Purpose::Commitments`]: over the document with null in its
/// place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentsSignature {
    /// Who signed. Whether to trust them is for the reader to say.
    pub custodian: CustodianKey,
    /// The signature.
    pub signature_b64: SignatureBytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitmentsFields {
    kind: CommitmentsKind,
    schema_version: ShareVersion,
    split_id: SplitId,
    key_id: KeyId,
    role: Role,
    fingerprint_sha256_hex: Fingerprint,
    threshold: u8,
    share_sha256: Vec<Digest>,
    #[serde(deserialize_with = "nullable")]
    signature: Option<CommitmentsSignature>,
}

/// A list of shares that is not what it should be, or a share that is not in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentsError {
    /// The signature does not verify.
    #[error("the signature of custodian {custodian} does not verify: the list was changed")]
    Signature {
        /// Who is said to have signed.
        custodian: KeyId,
    },
    /// The share is of another division.
    #[error("it belongs to division {found} of key {key_id}, not to {expected}")]
    OtherSplit {
        /// The share's division.
        found: SplitId,
        /// The share's key.
        key_id: KeyId,
        /// The list's division.
        expected: SplitId,
    },
    /// The share is not the one that was given out.
    #[error("it is not the share {index} that was given out")]
    Altered {
        /// Its number.
        index: u8,
    },
}

impl TryFrom<CommitmentsFields> for Commitments {
    type Error = String;

    fn try_from(fields: CommitmentsFields) -> Result<Self, String> {
        let count = fields.share_sha256.len();
        if !(2..=255).contains(&count) || !(2..=count).contains(&fields.threshold.into()) {
            return Err(format!(
                "a threshold of {} does not go with {count} shares",
                fields.threshold
            ));
        }
        Ok(Commitments {
            kind: fields.kind,
            schema_version: fields.schema_version,
            split_id: fields.split_id,
            key_id: fields.key_id,
            role: fields.role,
            fingerprint_sha256_hex: fields.fingerprint_sha256_hex,
            threshold: fields.threshold,
            share_sha256: fields.share_sha256,
            signature: fields.signature,
        })
    }
}

impl Commitments {
    /// Reads the list strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        canonical::from_slice(bytes)
    }

    /// The list of all shares of a division, as [`split`](super::split) gives them; `None` for no shares.
    pub fn of(shares: &[KeyShare]) -> Option<Self> {
        let label: &ShareLabel = shares.first()?.label();
        Some(Commitments {
            kind: CommitmentsKind,
            schema_version: ShareVersion,
            split_id: label.split_id,
            key_id: label.key_id.clone(),
            role: label.role,
            fingerprint_sha256_hex: label.fingerprint_sha256_hex,
            threshold: label.threshold,
            share_sha256: shares.iter().map(KeyShare::digest).collect(),
            signature: None,
        })
    }

    /// The label of the first share; of the others, the number alone is another.
    pub fn label(&self) -> ShareLabel {
        ShareLabel {
            kind: ShareKind,
            schema_version: self.schema_version,
            split_id: self.split_id,
            key_id: self.key_id.clone(),
            role: self.role,
            fingerprint_sha256_hex: self.fingerprint_sha256_hex,
            index: 1,
            threshold: self.threshold,
            shares: u8::try_from(self.share_sha256.len()).unwrap_or(u8::MAX),
        }
    }

    /// The division.
    pub fn split_id(&self) -> SplitId {
        self.split_id
    }

    /// Who signed it, if anybody did.
    pub fn custodian(&self) -> Option<&CustodianKey> {
        self.signature
            .as_ref()
            .map(|signature| &signature.custodian)
    }

    /// Signs the list; `None` if `private` is not the custodian's key.
    pub fn sign(self, private: &PrivateKey, custodian: CustodianKey) -> Option<Self> {
        if PublicKey::from(private.verifying_key()) != custodian.key {
            return None;
        }
        let statement = self.statement();
        let signature_b64 = private.sign_for(Purpose::Commitments, &statement).ok()?;
        Some(Commitments {
            signature: Some(CommitmentsSignature {
                custodian,
                signature_b64,
            }),
            ..statement
        })
    }

    /// What is signed.
    fn statement(&self) -> Self {
        Commitments {
            signature: None,
            ..self.clone()
        }
    }

    /// Verifies the signature, if there is one.
    ///
    /// # Errors
    /// [`CommitmentsError::Signature`].
    pub fn verify(&self) -> Result<(), CommitmentsError> {
        let Some(CommitmentsSignature {
            custodian,
            signature_b64,
        }) = &self.signature
        else {
            return Ok(());
        };
        let key = &custodian.key;
        if key.verifies_for(Purpose::Commitments, &self.statement(), signature_b64) {
            Ok(())
        } else {
            Err(CommitmentsError::Signature {
                custodian: custodian.key_id.clone(),
            })
        }
    }

    /// Looks whether `share` is one of those that were given out.
    ///
    /// # Errors
    /// [`CommitmentsError::OtherSplit`], [`CommitmentsError::Altered`].
    pub fn admit(&self, share: &KeyShare) -> Result<(), CommitmentsError> {
        let label = share.label();
        if label.split_id != self.split_id {
            return Err(CommitmentsError::OtherSplit {
                found: label.split_id,
                key_id: label.key_id.clone(),
                expected: self.split_id,
            });
        }
        let place = usize::from(label.index) - 1;
        if self.share_sha256.get(place) == Some(&share.digest()) {
            Ok(())
        } else {
            Err(CommitmentsError::Altered { index: label.index })
        }
    }
}
