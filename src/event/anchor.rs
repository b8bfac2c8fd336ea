//! `timestamp_anchor`: an OpenTimestamps proof that the record existed at a time.

use serde::{Deserialize, Serialize};

use super::statement::FormError;
use super::words::ProofBytes;
use crate::digest::Digest;
use crate::number::{PithNumber, Suffix};
use crate::text::{constant, nullable};
use crate::timestamps::{Attestation, FileHash, Proof};

constant! {
    /// The only kind of proof.
    ProofType = "opentimestamps"
}

/// The payload of a `timestamp_anchor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimestampAnchor {
    /// The height of the Bitcoin block that confirms it; null while it is pending.
    #[serde(deserialize_with = "nullable")]
    pub block_height: Option<u32>,
    /// The calendar that is to confirm it; null once it is confirmed.
    #[serde(deserialize_with = "nullable")]
    pub calendar_url: Option<String>,
    /// What was stamped: the digest of the subject's record.
    pub canonical_sha256: Digest,
    /// The `.ots` file.
    pub proof_b64: ProofBytes,
    /// Always OpenTimestamps.
    pub proof_type: ProofType,
    /// How far it has come.
    pub status: AnchorStatus,
}

/// How far a timestamp has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorStatus {
    /// A calendar has promised it.
    Pending,
    /// A block of Bitcoin has it.
    Confirmed,
}

impl TimestampAnchor {
    /// What an `.ots` file says of the record with this digest: confirmed at the lowest block it
    /// names, else pending at its first calendar.
    ///
    /// # Errors
    /// [`FormError`] if the proof is of something else, or names neither.
    pub fn of_proof(bytes: Vec<u8>, canonical_sha256: Digest) -> Result<Self, FormError> {
        let at_proof = |message: String| FormError::at("proof_b64", message);
        let proof_b64 = ProofBytes::new(bytes).map_err(|error| at_proof(error.to_string()))?;
        let proof = proof_b64
            .read()
            .map_err(|error| at_proof(error.to_string()))?;
        let heights = proof
            .leaves
            .iter()
            .filter_map(|leaf| match leaf.attestation {
                Attestation::Bitcoin { height } => u32::try_from(height).ok(),
                _ => None,
            });
        let block_height = heights.min();
        let first = proof.calendars().next().map(str::to_owned);
        let anchor = TimestampAnchor {
            block_height,
            calendar_url: first.filter(|_| block_height.is_none()),
            canonical_sha256,
            proof_b64,
            proof_type: ProofType,
            status: match block_height {
                Some(_) => AnchorStatus::Confirmed,
                None => AnchorStatus::Pending,
            },
        };
        anchor.check_proof(&proof).map(|()| anchor)
    }

    pub(super) fn check(&self, subject: &PithNumber) -> Result<(), FormError> {
        // The number holds the first 130 bits of the digest.
        if Suffix::of(&self.canonical_sha256) != *subject.suffix() {
            let message = format!("is not the digest of the record of {subject}");
            return Err(FormError::at("canonical_sha256", message));
        }
        let proof = self.proof_b64.read();
        let proof = proof.map_err(|error| FormError::at("proof_b64", error.to_string()))?;
        self.check_proof(&proof)
    }

    fn check_proof(&self, proof: &Proof) -> Result<(), FormError> {
        if proof.file_hash != FileHash::Sha256 || proof.digest != self.canonical_sha256.as_bytes() {
            let message = "the proof is of another digest than canonical_sha256";
            return Err(FormError::at("proof_b64", message));
        }
        match (self.status, self.block_height, &self.calendar_url) {
            (AnchorStatus::Confirmed, Some(height), None) => {
                match proof.roots_at(height.into()).any(|root| root.len() == 32) {
                    true => Ok(()),
                    false => {
                        let message = format!("the proof names no block {height}");
                        Err(FormError::at("block_height", message))
                    }
                }
            }
            (AnchorStatus::Pending, None, Some(url)) => {
                match proof.calendars().any(|calendar| calendar == url) {
                    true => Ok(()),
                    false => {
                        let message = "the proof does not name this calendar";
                        Err(FormError::at("calendar_url", message))
                    }
                }
            }
            (AnchorStatus::Confirmed, ..) => Err(FormError::at(
                "block_height",
                "a confirmed timestamp has a block_height, and null as calendar_url",
            )),
            (AnchorStatus::Pending, ..) => Err(FormError::at(
                "calendar_url",
                "a pending timestamp has a calendar_url, and null as block_height",
            )),
        }
    }
}
