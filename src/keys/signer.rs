//! What can sign: the software key of today, a hardware module tomorrow.

use super::public::{Fingerprint, KeyId, PublicKey, SignatureBytes};
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

/// The key could not sign, or what it signed does not verify.
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
    /// A signature that does not verify: a fault of memory, of the device, or a wrong public half.
    #[error("a signature just made by key {key_id} does not verify under its published public key")]
    SelfCheck {
        /// The key that made it.
        key_id: KeyId,
    },
}
