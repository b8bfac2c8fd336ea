//! Judging documents: first whether they are sound in themselves, then whether the keys that
//! signed them are trusted (SPEC 8, 9).
//!
//! Soundness is a matter of the document alone and never changes; trust is a matter of the
//! verifier's [`Trust`] and may. Each check has a stable [`Code`].

mod bundle;
mod code;
mod difference;
mod digests;
mod document;
mod keyset;
mod report;
mod statement;
mod trust;
mod trusted_keyset;

pub use bundle::verify_bundle;
pub(crate) use bundle::{bundle_soundness, excerpt_agrees};
pub use code::Code;
pub use document::{DocumentKind, verify_document};
pub use report::{Check, Outcome, Report, Verdict};
pub use trust::Trust;
pub(crate) use trust::{Signed, judge, judge_event};

use crate::number::PithNumber;
use crate::time::Timestamp;

/// What a verifier asks beyond soundness.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// Which keys count.
    pub trust: &'a Trust,
    /// The number that the document must have.
    pub expect: Option<PithNumber>,
    /// Judge as of this time: what is dated later does not count yet.
    pub at: Option<Timestamp>,
    /// The time by the verifier's clock: what is dated later is noted.
    pub now: Timestamp,
}
