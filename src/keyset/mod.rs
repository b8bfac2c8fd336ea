//! The keyset: whose signatures count for a registry, from when to when, and who says so.
//!
//! It stands beside the keys and below the ledger. A [`Keyset`] is one version, signed by custodians.
//! Each version follows from the one before ([`Chain`]), so whoever trusts one can be led to the
//! next. What versions have to keep are [`Rule`]s with names, and what breaks one is a [`Fault`].
//! Verifiers go by the plain list that a version gives: [`Keyset::trusted_keys`].

mod chain;
mod difference;
mod document;
mod draft;
mod fault;
mod leaves;
mod merkle;
mod rule;
mod signatures;
mod soundness;
mod succession;

pub use chain::Chain;
pub use difference::Change;
pub use document::{
    Custodians, Keyset, KeysetFile, KeysetSchema, KeysetSignature, KeysetType, PossessionStatement,
    Revocation, SafetyPolicy, SignedLog, SigningKey,
};
pub use draft::{Edit, EditError, SignaturesLost};
pub use fault::{Fault, Faulty};
pub use leaves::{Leaves, LeavesError, LeavesWriter, draft_leaves_path, leaves_path};
pub use merkle::MerkleTree;
pub use rule::Rule;
pub use signatures::{CollectError, NotACustodian, Tally};
