//! Keys: public keys and what they are called, private keys and where they are kept (SPEC 9).
//!
//! A private key exists in two forms: open, as a [`PrivateKey`] in this process's memory, and
//! sealed, as an age file. [`seal`] and [`SealedKey`] lead from one to the other. Nothing here
//! asks anybody for anything: passphrases, identities and answers are passed in.

mod custodian;
mod file;
mod half;
mod harden;
mod identity;
mod import;
mod private;
mod prompts;
mod public;
mod purpose;
mod seal;
pub mod share;
mod signer;
mod stack;
mod trusted;
mod unlock;

pub use custodian::{CustodianKey, CustodianKind, CustodianVersion};
pub use file::{KeyFileError, PermissionCheck, read_key_file, replace_key_file, write_key_file};
pub use half::{KeyCheck, PublicHalf, Role};
pub use harden::{HardenError, harden};
pub use identity::{Identities, IdentityFile, IdentityFileError};
pub use import::ImportError;
pub use private::{PrivateKey, PrivateKeyError};
pub use prompts::{NoPrompts, Prompts};
pub use public::{
    Algorithm, Fingerprint, ForeignSigner, KeyFormat, KeyId, KeyNotes, PublicKey, PublicKeyError,
    PublicKeyObject, SignatureBytes,
};
pub use purpose::{Purpose, Purposed};
pub use seal::{
    NewPassphrase, Protection, Recipient, RecipientError, SealError, WeakPassphrase, seal,
};
pub use signer::{Signer, SignerError, SoftwareKey};
pub(crate) use stack::apart;
pub use trusted::{
    KeyStatus, REGISTRY, TrustedKey, TrustedKeys, TrustedKeysType, TrustedKeysVersion,
};
pub use unlock::{Needs, SealedKey, SealedKeyError, Unlock, UnlockError};
