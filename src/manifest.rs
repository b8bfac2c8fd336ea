//! The manifest of a folder of shards: what each file of bundles holds.

use serde::{Deserialize, Serialize};

use crate::canonical::{self, DecodeError};
use crate::digest::Digest;
use crate::number::PithNumber;

/// The manifest's name in its folder; it holds one [`ManifestLine`] a line.
pub const MANIFEST_FILE: &str = "manifest.jsonl";

/// What a shard holds; fields stand in wire order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestLine {
    /// The shard's file name.
    pub shard: String,
    /// How many bundles it holds.
    pub count: u64,
    /// The number of its first bundle.
    pub first: PithNumber,
    /// The number of its last bundle.
    pub last: PithNumber,
    /// The length of the file, compressed as it is.
    pub bytes: u64,
    /// The digest of the file, compressed as it is.
    pub sha256: Digest,
}

impl ManifestLine {
    /// Reads a line strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(line: &[u8]) -> Result<Self, DecodeError> {
        canonical::from_slice(line)
    }
}
