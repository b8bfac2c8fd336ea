//! `storage_attestation`: an archive has a copy.

use serde::{Deserialize, Serialize};

use super::words::{Line, WebAddress};
use crate::digest::Digest;
use crate::time::Timestamp;

/// The payload of a `storage_attestation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StorageAttestation {
    /// The archive.
    pub archive: Line,
    /// When the copy was made.
    pub captured_at: Timestamp,
    /// The hash of the copy's bytes.
    pub content_sha256: Digest,
    /// Where the copy is.
    pub url: WebAddress,
}
