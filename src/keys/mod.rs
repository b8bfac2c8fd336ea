//! Keys: public keys and what they are called, private keys and where they are kept (SPEC 9).

mod public;
mod signer;

pub use public::{
    Algorithm, Fingerprint, ForeignSigner, KeyFormat, KeyId, KeyNotes, PublicKey, PublicKeyError,
    PublicKeyObject, SignatureBytes,
};
pub use signer::{Signer, SignerError};
