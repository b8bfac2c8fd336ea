//! Signatures that are not the protocol's (SPEC 9): each is made for one purpose, and serves no other.
//!
//! The protocol signs bare digests of 32 bytes, in which nothing tells what they are digests of. What
//! this toolkit signs besides begins with its purpose: a digest that began like that would be found
//! by chance only, and never in a lifetime.

use serde::Serialize;

use super::private::PrivateKey;
use super::public::{PublicKey, SignatureBytes};
use crate::canonical::{self, WriteError};

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A custodian approves a version of the keyset.
    Keyset,
    /// A new signing key shows that somebody holds its private half.
    Possession,
    /// A key that was opened shows that it works.
    KeyCheck,
    /// A custodian vouches for the list of a divided key's shares.
    Commitments,
    /// A witness vouches for the head of a transcript.
    Witness,
}

impl Purpose {
    /// The word for it, as it stands in what is signed.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Keyset => "keyset",
            Purpose::Possession => "possession",
            Purpose::KeyCheck => "key-check",
            Purpose::Commitments => "commitments",
            Purpose::Witness => "witness",
        }
    }

    /// What is signed: `pith-<purpose>-v1`, a zero byte, and the statement's canonical JSON.
    ///
    /// # Errors
    /// [`WriteError`] if the statement has no canonical form.
    pub fn message<T: Serialize>(self, statement: &T) -> Result<Vec<u8>, WriteError> {
        self.document(statement, &[]).map(|document| document.0)
    }

    /// The same of a document that carries its own signatures: without the members named in `omit`.
    ///
    /// # Errors
    /// [`WriteError`] if the document has no canonical form.
    pub fn document<T: Serialize>(
        self,
        document: &T,
        omit: &[&str],
    ) -> Result<Purposed, WriteError> {
        let mut message = format!("pith-{}-v1\0", self.as_str()).into_bytes();
        message.extend(canonical::to_vec_without(document, omit)?);
        Ok(Purposed(message))
    }
}

/// A document as it is signed for one purpose, written once for all who sign or signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purposed(Vec<u8>);

impl Purposed {
    /// The bytes that are signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PrivateKey {
    /// The signature of `statement` for `purpose`.
    ///
    /// # Errors
    /// [`WriteError`] if the statement has no canonical form.
    pub fn sign_for<T: Serialize>(
        &self,
        purpose: Purpose,
        statement: &T,
    ) -> Result<SignatureBytes, WriteError> {
        let message = purpose.message(statement)?;
        Ok(SignatureBytes::from_bytes(self.sign(&message)))
    }
}

impl PrivateKey {
    /// The signature of a document.
    pub fn sign_purposed(&self, document: &Purposed) -> SignatureBytes {
        SignatureBytes::from_bytes(self.sign(&document.0))
    }
}

impl PublicKey {
    /// Whether `signature` is this key's of this document, strictly.
    pub fn verifies_purposed(&self, document: &Purposed, signature: &SignatureBytes) -> bool {
        self.verifies_message(&document.0, signature)
    }

    /// Whether `signature` is this key's of `statement` for `purpose`, as strictly as
    /// [`verifies`](Self::verifies) takes it. A statement without a canonical form was never signed.
    pub fn verifies_for<T: Serialize>(
        &self,
        purpose: Purpose,
        statement: &T,
        signature: &SignatureBytes,
    ) -> bool {
        purpose
            .message(statement)
            .is_ok_and(|message| self.verifies_message(&message, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Purpose; 5] = [
        Purpose::Keyset,
        Purpose::Possession,
        Purpose::KeyCheck,
        Purpose::Commitments,
        Purpose::Witness,
    ];

    #[test]
    fn a_signature_serves_its_own_purpose_only() {
        let private = PrivateKey::from_seed(&[7; 32]);
        let public = PublicKey::from(private.verifying_key());
        for made in ALL {
            let signature = private.sign_for(made, &("a", 1)).unwrap();
            for asked in ALL {
                assert_eq!(
                    public.verifies_for(asked, &("a", 1), &signature),
                    made == asked
                );
            }
            assert!(!public.verifies_for(made, &("a", 2), &signature));
        }
    }

    #[test]
    fn what_is_signed_begins_with_its_purpose() {
        let message = Purpose::KeyCheck.message(&1).unwrap();
        assert_eq!(message, b"pith-key-check-v1\x001");
    }
}
