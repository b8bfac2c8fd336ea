//! The operations of a proof, and the hash functions of files.

use sha2::{Digest as _, Sha256};

use super::read::{MAX_MESSAGE, ProofError};

/// The hash function by which a file was stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileHash {
    /// SHA-1.
    Sha1,
    /// RIPEMD-160.
    Ripemd160,
    /// SHA-256: what records are stamped by.
    Sha256,
    /// Keccak-256, as Ethereum has it.
    Keccak256,
}

impl FileHash {
    pub(super) fn of_tag(tag: u8) -> Option<Self> {
        Some(match tag {
            0x02 => FileHash::Sha1,
            0x03 => FileHash::Ripemd160,
            0x08 => FileHash::Sha256,
            0x67 => FileHash::Keccak256,
            _ => return None,
        })
    }

    /// How many bytes its digests have.
    pub fn digest_len(self) -> usize {
        match self {
            FileHash::Sha1 | FileHash::Ripemd160 => 20,
            FileHash::Sha256 | FileHash::Keccak256 => 32,
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            FileHash::Sha1 => sha1::Sha1::digest(message).to_vec(),
            FileHash::Ripemd160 => ripemd::Ripemd160::digest(message).to_vec(),
            FileHash::Sha256 => Sha256::digest(message).to_vec(),
            FileHash::Keccak256 => sha3::Keccak256::digest(message).to_vec(),
        }
    }
}

/// An operation, which makes one message of another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Append(&'a [u8]),
    Prepend(&'a [u8]),
    Reverse,
    Hexlify,
    Hash(FileHash),
}

impl Step<'_> {
    pub fn apply(self, message: &[u8]) -> Result<Vec<u8>, ProofError> {
        let made = match self {
            Step::Append(more) => [message, more].concat(),
            Step::Prepend(more) => [more, message].concat(),
            Step::Reverse => message.iter().rev().copied().collect(),
            Step::Hexlify => hex::encode(message).into_bytes(),
            Step::Hash(hash) => hash.digest(message),
        };
        if made.len() > MAX_MESSAGE {
            return Err(ProofError::TooLong {
                what: "a message",
                limit: MAX_MESSAGE,
            });
        }
        Ok(made)
    }
}
