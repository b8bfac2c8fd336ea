//! Keys: public keys and what they are called, private keys and where they are kept (SPEC 9).

mod keyset;
mod public;
mod signer;

pub use keyset::{KeyStatus, Keyset, KeysetType, KeysetVersion, TrustedKey};
pub use public::{
    Algorithm, Fingerprint, ForeignSigner, KeyFormat, KeyId, KeyNotes, PublicKey, PublicKeyError,
    PublicKeyObject, SignatureBytes,
};
pub use signer::{Signer, SignerError};
