//! `citation_signature`: what a citation means.

use serde::{Deserialize, Serialize};

use super::statement::{FormError, all_differ};
use super::words::ClaimId;
use crate::number::PithNumber;

/// The payload of a `citation_signature`; the subject is the paper that cites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CitationSignature {
    /// The paper that is cited.
    pub cited_pith_number: PithNumber,
    /// The claims of the cited paper that are meant, each once; none if all of it is.
    pub claim_ids: Vec<ClaimId>,
    /// What the paper does to the cited one.
    pub relation: Relation,
}

/// What a paper does to one that it cites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Gives evidence for it.
    Supports,
    /// Gives evidence against it.
    Refutes,
    /// Goes on from it.
    Extends,
    /// Takes a method from it.
    UsesMethod,
    /// Does not hold without it.
    DependsOn,
    /// Stands in its place.
    Replaces,
    /// Measures itself against it.
    Compares,
    /// Only names it.
    Cites,
}

impl CitationSignature {
    pub(super) fn check(&self, subject: &PithNumber) -> Result<(), FormError> {
        if self.cited_pith_number == *subject {
            let message = "a paper does not cite itself";
            return Err(FormError::at("cited_pith_number", message));
        }
        all_differ("claim_ids", &self.claim_ids)
    }
}
