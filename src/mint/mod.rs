//! Minting: from papers to signed records in the ledger, and the bundles that show them.
//!
//! A group of papers goes through [`Issuer::prepare`], [`plan`], [`Issuer::carry_out`] and
//! [`record`]. The first and the third know nothing of the ledger, so they can run on any thread.

mod contents;
mod form;
mod issuer;
mod leaves;
mod plan;
mod reissue;
mod snapshots;
mod specimen;
mod typed;

pub(crate) use form::{Forms, Page, Values};
pub use issuer::{BundleLines, Group, Issuer};
pub use leaves::{SignedCount, each_signed, holds_other};
pub use plan::{Item, Outcome, Prepared, plan};
pub use reissue::{Reissue, current_receipt};
pub use snapshots::{Snapshots, SnapshotsError};

use crate::keys::{KeyId, SignerError};
use crate::ledger::{LedgerError, Transaction};
use crate::number::PithNumber;
use crate::time::TimestampMicros;

/// What to do with a paper whose metadata changed without a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// It keeps its number.
    Keep,
    /// It gets a second one.
    Mint,
}

/// How signatures are checked before they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfCheck {
    /// A group's at once, over digests recomputed from what will be written.
    Batch,
    /// One by one, each document read back and judged by the rules that judge anybody's.
    Strict,
}

/// What became of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was minted.
    Minted,
    /// The ledger held it.
    AlreadyMinted,
    /// The ledger holds this version with other metadata; it keeps its number.
    MetadataChanged,
}

/// Minting stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The key failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What was signed does not verify: nothing of its group was written.
    #[error("self-check of {number} (arXiv:{arxiv}) failed: {message}")]
    SelfCheck {
        /// The number.
        number: PithNumber,
        /// The paper.
        arxiv: String,
        /// The first check that failed.
        message: String,
    },
    /// A bundle carries a key of which the ledger holds no published form.
    #[error("{number} was signed by key {key_id}, whose public form is not in the ledger")]
    UnknownKey {
        /// The number.
        number: PithNumber,
        /// The key.
        key_id: KeyId,
    },
    /// The home's keyset does not hold the key, or not for this registry.
    #[error("key {key_id} does not speak for {registry_id} in the home's keyset")]
    ForeignKey {
        /// The key.
        key_id: KeyId,
        /// The registry of the home's profile.
        registry_id: String,
    },
    /// Something would have to be signed, where nothing may be.
    #[error("a bundle of {number} (arXiv:{arxiv}) would have to be signed")]
    NothingMayBeSigned {
        /// The number.
        number: PithNumber,
        /// The paper.
        arxiv: String,
    },
    /// A receipt would be re-issued at a time that is not after the one there is.
    #[error("the receipt of {number} is dated {latest}, which is not before {now}")]
    ClockBehind {
        /// The number.
        number: PithNumber,
        /// The time for the new receipt.
        now: TimestampMicros,
        /// The time of the receipt there is.
        latest: TimestampMicros,
    },
    /// The profile's texts look like parts of a record, whichever.
    #[error("the texts of registry.toml cannot be told from those of records")]
    Forms,
}

/// Writes what was carried out to the ledger.
///
/// # Errors
/// Those of the ledger.
pub fn record(ledger: &Transaction<'_>, group: &Group) -> Result<(), LedgerError> {
    let mut typed = group.typed.iter().peekable();
    for place in 0..=group.fresh.len() {
        while let Some((_, new)) = typed.next_if(|(before, _)| *before == place) {
            ledger.insert(new)?;
        }
        if let Some(fresh) = group.fresh.get(place) {
            ledger.insert_fresh(fresh)?;
        }
    }
    for (number, seal) in &group.seals {
        ledger.set_seal(number, seal)?;
    }
    Ok(())
}
