//! `replication_record`: somebody has tried the paper's claims.

use serde::{Deserialize, Serialize};

use super::statement::{FormError, all_differ};
use super::words::{ClaimId, WebAddress};
use crate::digest::Digest;
use crate::text::nullable;

/// The payload of a `replication_record`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicationRecord {
    /// The hash of what shows it: data, a program, a formal proof.
    pub artefact_sha256: Digest,
    /// Where that can be had, if anywhere.
    #[serde(deserialize_with = "nullable")]
    pub artefact_url: Option<WebAddress>,
    /// The claims that were tried, each once; none if all of the paper was.
    pub claim_ids: Vec<ClaimId>,
    /// The prover of a formal bridge; null for all else.
    #[serde(deserialize_with = "nullable")]
    pub formal_system: Option<FormalSystem>,
    /// What came out.
    pub kind: ReplicationKind,
}

/// What came out of trying a paper's claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationKind {
    /// They hold.
    Replication,
    /// They do not.
    Falsification,
    /// They are stated for a prover.
    FormalBridge,
}

/// A prover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormalSystem {
    /// Lean.
    Lean,
    /// Coq, also known as Rocq.
    Coq,
}

impl ReplicationRecord {
    pub(super) fn check(&self) -> Result<(), FormError> {
        let formal = self.kind == ReplicationKind::FormalBridge;
        if formal != self.formal_system.is_some() {
            let message = match formal {
                true => "a formal bridge names its prover: lean or coq",
                false => "only a formal bridge has a prover; write null",
            };
            return Err(FormError::at("formal_system", message));
        }
        all_differ("claim_ids", &self.claim_ids)
    }
}
