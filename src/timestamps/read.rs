//! Reading a proof within bounds.

use super::step::{FileHash, Step};
use super::{Attestation, Leaf, Proof};

/// How many bytes a proof may have. Those of several calendars, confirmed, have about three thousand.
pub const MAX_PROOF: usize = 64 << 10;

/// How many operations and attestations a proof may have in all.
pub const MAX_STEPS: usize = 4096;

/// How many operations may follow one another on a path: as many as the reference takes.
pub const MAX_DEPTH: usize = 256;

/// How many forks may be open at once.
pub const MAX_FORKS: usize = 256;

/// How many bytes a message may have: as many as the reference takes.
pub const MAX_MESSAGE: usize = 4096;

/// How many bytes operations may read and make in all: some tens of times what real proofs take,
/// and a matter of milliseconds.
pub const MAX_WORK: usize = 1 << 20;

/// How many bytes an attestation may hold, and a calendar's address.
const MAX_ATTESTATION: usize = 8192;
const MAX_URI: usize = 1000;

const MAGIC: &[u8] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";
const VERSION: u64 = 1;
const ATTESTATION: u8 = 0x00;
const FORK: u8 = 0xff;
const PENDING: [u8; 8] = *b"\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e";
const BITCOIN: [u8; 8] = *b"\x05\x88\x96\x0d\x73\xd7\x19\x01";

/// Why bytes are no proof, or none that is read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// They do not begin like a proof.
    #[error("it is no OpenTimestamps proof (an `.ots` file)")]
    NotAProof,
    /// They are a proof of another version.
    #[error("it is an OpenTimestamps proof of version {0}; this program knows version 1")]
    Version(u64),
    /// They end too early.
    #[error("the proof ends at byte {0}, before it is complete")]
    Truncated(usize),
    /// They go on after the end.
    #[error("{0} more bytes stand after the proof")]
    Trailing(usize),
    /// A byte stands for nothing known.
    #[error("at byte {at}: {tag:#04x} is no {what}")]
    Tag {
        /// Where.
        at: usize,
        /// The byte.
        tag: u8,
        /// What it should be.
        what: &'static str,
    },
    /// A number is not written in the shortest way, or too large.
    #[error("at byte {0}: the number has no place in a proof")]
    Number(usize),
    /// An attestation is not of its form.
    #[error("at byte {at}: {message}")]
    Attestation {
        /// Where.
        at: usize,
        /// What is wrong with it.
        message: &'static str,
    },
    /// A limit of this reader.
    #[error("{what} is longer than {limit} bytes")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A limit of this reader.
    #[error("it has more than {limit} {what}")]
    TooMany {
        /// What it has too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// A place in the tree to which the reader returns.
struct Fork {
    message: Vec<u8>,
    depth: usize,
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    steps: usize,
    work: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, ProofError> {
        if bytes.len() > MAX_PROOF {
            return Err(ProofError::TooLong {
                what: "the proof",
                limit: MAX_PROOF,
            });
        }
        Ok(Reader {
            bytes,
            at: 0,
            steps: 0,
            work: 0,
        })
    }

    pub fn proof(mut self) -> Result<Proof, ProofError> {
        if !self.bytes.starts_with(MAGIC) {
            return Err(ProofError::NotAProof);
        }
        self.at = MAGIC.len();
        match self.number()? {
            VERSION => {}
            other => return Err(ProofError::Version(other)),
        }
        let (at, tag) = (self.at, self.byte()?);
        let what = "hash function of a file";
        let file_hash = FileHash::of_tag(tag).ok_or(ProofError::Tag { at, tag, what })?;
        let digest = self.take(file_hash.digest_len())?.to_vec();
        let leaves = self.leaves(digest.clone())?;
        match self.bytes.len() - self.at {
            0 => Ok(Proof {
                file_hash,
                digest,
                leaves,
            }),
            more => Err(ProofError::Trailing(more)),
        }
    }

    /// Walks the tree. Where it forks the message is put aside, and taken up again when the branch
    /// has come to its attestation; so a path is a loop and not a call.
    fn leaves(&mut self, digest: Vec<u8>) -> Result<Vec<Leaf>, ProofError> {
        let mut leaves = Vec::new();
        let mut forks: Vec<Fork> = Vec::new();
        let mut here = Fork {
            message: digest,
            depth: 0,
        };
        loop {
            let (mut at, mut tag) = (self.at, self.byte()?);
            if tag == FORK {
                if forks.len() == MAX_FORKS {
                    return Err(too_many("forks open at once", MAX_FORKS));
                }
                forks.push(Fork {
                    message: here.message.clone(),
                    depth: here.depth,
                });
                (at, tag) = (self.at, self.byte()?);
            }
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(too_many("steps", MAX_STEPS));
            }
            if tag == ATTESTATION {
                leaves.push(Leaf {
                    attestation: self.attestation()?,
                    message: here.message,
                });
                match forks.pop() {
                    Some(fork) => here = fork,
                    None => return Ok(leaves),
                }
                continue;
            }
            let step = self.step(at, tag)?;
            if here.depth == MAX_DEPTH {
                return Err(too_many("operations in a row", MAX_DEPTH));
            }
            let message = step.apply(&here.message)?;
            self.work += here.message.len() + message.len();
            if self.work > MAX_WORK {
                return Err(too_many("bytes to work through", MAX_WORK));
            }
            here = Fork {
                message,
                depth: here.depth + 1,
            };
        }
    }

    fn step(&mut self, at: usize, tag: u8) -> Result<Step<'a>, ProofError> {
        Ok(match tag {
            0xf0 => Step::Append(self.operand()?),
            0xf1 => Step::Prepend(self.operand()?),
            0xf2 => Step::Reverse,
            0xf3 => Step::Hexlify,
            _ => {
                let what = "operation";
                Step::Hash(FileHash::of_tag(tag).ok_or(ProofError::Tag { at, tag, what })?)
            }
        })
    }

    /// What an operation adds: at least a byte.
    fn operand(&mut self) -> Result<&'a [u8], ProofError> {
        let at = self.at;
        match self.text("an operand", MAX_MESSAGE)? {
            [] => Err(ProofError::Number(at)),
            operand => Ok(operand),
        }
    }

    fn attestation(&mut self) -> Result<Attestation, ProofError> {
        let tag: [u8; 8] = self.take(8)?.try_into().expect("eight were taken");
        let at = self.at;
        let payload = self.text("an attestation", MAX_ATTESTATION)?;
        let mut inner = Reader {
            bytes: payload,
            at: 0,
            steps: 0,
            work: 0,
        };
        let attestation = match tag {
            PENDING => Attestation::Pending {
                uri: calendar(inner.text("a calendar's address", MAX_URI)?, at)?,
            },
            BITCOIN => Attestation::Bitcoin {
                height: inner.number()?,
            },
            _ => {
                return Ok(Attestation::Unknown {
                    tag,
                    payload: payload.to_vec(),
                });
            }
        };
        if inner.at < payload.len() {
            let message = "more stands in the attestation than belongs there";
            return Err(ProofError::Attestation { at, message });
        }
        Ok(attestation)
    }

    fn text(&mut self, what: &'static str, limit: usize) -> Result<&'a [u8], ProofError> {
        let length = self.number()?;
        match usize::try_from(length) {
            Ok(length) if length <= limit => self.take(length),
            _ => Err(ProofError::TooLong { what, limit }),
        }
    }

    /// Seven bits a byte, the low ones first, in the fewest bytes and within 64 bits.
    fn number(&mut self) -> Result<u64, ProofError> {
        let from = self.at;
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let placed = bits << shift;
            if placed >> shift != bits {
                return Err(ProofError::Number(from));
            }
            value |= placed;
            if byte & 0x80 == 0 {
                return match byte {
                    0 if shift > 0 => Err(ProofError::Number(from)),
                    _ => Ok(value),
                };
            }
        }
        Err(ProofError::Number(from))
    }

    fn byte(&mut self) -> Result<u8, ProofError> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ProofError> {
        let rest = &self.bytes[self.at..];
        let taken = rest
            .get(..count)
            .ok_or(ProofError::Truncated(self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }
}

fn too_many(what: &'static str, limit: usize) -> ProofError {
    ProofError::TooMany { what, limit }
}

/// A calendar's address: of few characters, since programs are to fetch it.
fn calendar(bytes: &[u8], at: usize) -> Result<String, ProofError> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b':');
    if !bytes.iter().all(plain) {
        let message = "a calendar's address has other characters than letters, digits and `.-_/:`";
        return Err(ProofError::Attestation { at, message });
    }
    Ok(bytes.iter().map(|b| char::from(*b)).collect())
}
