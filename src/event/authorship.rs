//! `author_attestation`: somebody says to have written the paper.

use serde::{Deserialize, Serialize};

use super::statement::FormError;
use super::words::{Line, Orcid, Word};
use crate::text::nullable;

/// The payload of an `author_attestation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorAttestation {
    /// The author, as the paper names them.
    pub claimant: Line,
    /// How the claim was made, such as `orcid` or `arxiv_account`.
    pub method: Word,
    /// The claimant's ORCID iD; needed where the method is `orcid`.
    #[serde(deserialize_with = "nullable")]
    pub orcid: Option<Orcid>,
    /// How much the method shows.
    pub strength: Strength,
}

/// How much a claim of authorship shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Somebody says so.
    Weak,
    /// Somebody who can be held to it, such as the holder of an ORCID iD.
    Strong,
}

impl AuthorAttestation {
    pub(super) fn check(&self) -> Result<(), FormError> {
        if self.method.as_str() == "orcid" && self.orcid.is_none() {
            return Err(FormError::at(
                "orcid",
                "the method is orcid, so the iD must be there",
            ));
        }
        Ok(())
    }
}
