//! OpenTimestamps proofs: what commits a digest to a calendar or to a block of Bitcoin.
//!
//! A proof is a tree: a digest, operations that lead from it to other messages, and at its leaves
//! attestations that somebody saw the message there. Reading a proof carries the operations out,
//! so that a [`Proof`] holds what each attestation is about. Proofs come from anywhere: nothing in
//! one makes the reader recurse, and its length, depth, forks and steps are bounded ([`Proof::read`]).

mod header;
mod read;
mod step;

pub use header::{BlockHeader, BlockHeaders, HeaderError};
pub use read::{MAX_DEPTH, MAX_FORKS, MAX_MESSAGE, MAX_PROOF, MAX_STEPS, MAX_WORK, ProofError};
pub use step::FileHash;

use read::Reader;

/// A proof whose operations were carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The hash function of the file that was stamped.
    pub file_hash: FileHash,
    /// The digest that was stamped.
    pub digest: Vec<u8>,
    /// The leaves, in their order; at least one.
    pub leaves: Vec<Leaf>,
}

/// An attestation, and the message that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Where the operations lead.
    pub message: Vec<u8>,
    /// Who is to have seen it.
    pub attestation: Attestation,
}

/// What stands at the end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attestation {
    /// A calendar has promised to commit the message to Bitcoin.
    Pending {
        /// The calendar.
        uri: String,
    },
    /// The message is the Merkle root of a Bitcoin block.
    Bitcoin {
        /// The block's height.
        height: u64,
    },
    /// Of a kind not known here; nothing follows from it.
    Unknown {
        /// Its kind.
        tag: [u8; 8],
        /// What it holds.
        payload: Vec<u8>,
    },
}

impl Proof {
    /// Reads a proof as `.ots` files hold it, and carries its operations out.
    ///
    /// # Errors
    /// [`ProofError`] if it is none, is longer than [`MAX_PROOF`], takes more than [`MAX_STEPS`]
    /// operations and attestations or more than [`MAX_DEPTH`] operations in a row, has more than
    /// [`MAX_FORKS`] forks open at once, makes a message longer than [`MAX_MESSAGE`], or makes its
    /// reader work through more than [`MAX_WORK`] bytes.
    pub fn read(bytes: &[u8]) -> Result<Proof, ProofError> {
        Reader::new(bytes)?.proof()
    }

    /// The calendars that the proof waits for.
    pub fn calendars(&self) -> impl Iterator<Item = &str> {
        self.leaves
            .iter()
            .filter_map(|leaf| match &leaf.attestation {
                Attestation::Pending { uri } => Some(uri.as_str()),
                _ => None,
            })
    }

    /// The messages that are to be the Merkle root of the block at `height`.
    pub fn roots_at(&self, height: u64) -> impl Iterator<Item = &[u8]> {
        let at = Attestation::Bitcoin { height };
        self.leaves
            .iter()
            .filter(move |leaf| leaf.attestation == at)
            .map(|leaf| leaf.message.as_slice())
    }
}
