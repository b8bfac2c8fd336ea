//! What can sign: the software key of today, a hardware module tomorrow.

use super::private::PrivateKey;
use super::public::{Fingerprint, KeyId, PublicKey, PublicKeyObject, SignatureBytes};
use crate::digest::Digest;

/// Something that holds a private key and signs with it.
///
/// The protocol has no domain separation (SPEC 9), so only the types of this crate call
/// [`Signer::sign`], each with the digest it has computed from its own document.
pub trait Signer: Send + Sync {
    /// The key's label.
    fn key_id(&self) -> &KeyId;

    /// The key's public half **as published**: what others will verify with.
    fn public_key(&self) -> &PublicKey;

    /// Signs the 32 raw bytes of `digest`.
    ///
    /// # Errors
    /// [`SignerError`] if the key cannot be used.
    fn sign(&self, digest: &Digest) -> Result<SignatureBytes, SignerError>;

    /// The fingerprint of the public half.
    fn fingerprint(&self) -> Fingerprint {
        self.public_key().fingerprint()
    }
}

/// The key could not sign, or is not the one it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The device or key refused.
    #[error("key {key_id} could not sign: {message}")]
    Failed {
        /// The key that was asked.
        key_id: KeyId,
        /// What it said.
        message: String,
    },
    /// The private key is not the one whose public half is published.
    #[error("the private key is not the one that is published as {key_id}")]
    OtherKey {
        /// The published key.
        key_id: KeyId,
    },
}

/// A private key in this process's memory, with the public form that is published of it.
#[derive(Debug)]
pub struct SoftwareKey {
    private: PrivateKey,
    public: PublicKeyObject,
}

impl SoftwareKey {
    /// A key that was opened or just made.
    ///
    /// # Errors
    /// [`SignerError::OtherKey`] if `public` is not the published form of `private`.
    pub fn new(private: PrivateKey, public: PublicKeyObject) -> Result<Self, SignerError> {
        if private.public_bytes() == *public.key.as_bytes() {
            Ok(SoftwareKey { private, public })
        } else {
            Err(SignerError::OtherKey {
                key_id: public.key_id,
            })
        }
    }

    /// The published form.
    pub fn public(&self) -> &PublicKeyObject {
        &self.public
    }
}

impl Signer for SoftwareKey {
    fn key_id(&self) -> &KeyId {
        &self.public.key_id
    }

    fn public_key(&self) -> &PublicKey {
        &self.public.key
    }

    fn sign(&self, digest: &Digest) -> Result<SignatureBytes, SignerError> {
        let signature = self.private.sign(digest.as_bytes());
        Ok(SignatureBytes::from_bytes(signature))
    }
}
