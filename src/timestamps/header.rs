//! Headers of Bitcoin blocks, as an operator gives them to check proofs against.

use std::collections::BTreeMap;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::time::Timestamp;

/// The easiest target that a block of Bitcoin may have, in the compact form of headers.
const EASIEST: u32 = 0x1d00_ffff;

/// A block's header: 80 bytes that show the work done for them.
///
/// That work was done says that making the header up would cost as much; it does not say that the
/// block is part of the chain. Take headers from a node of your own, or from several sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHeader([u8; 80]);

/// The text is no header of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It does not have 80 bytes in hexadecimal digits.
    #[error("a block header is 160 lower case hexadecimal digits")]
    Form,
    /// Its target is none that Bitcoin allows.
    #[error("the header's target is easier than any block of Bitcoin may have")]
    Target,
    /// Its hash is above its target.
    #[error("no work was done for this header: its hash is above its target")]
    Work,
}

impl BlockHeader {
    /// Takes a header whose hash is within its target, and its target within Bitcoin's.
    ///
    /// # Errors
    /// [`HeaderError::Target`], [`HeaderError::Work`].
    pub fn new(bytes: [u8; 80]) -> Result<Self, HeaderError> {
        let header = BlockHeader(bytes);
        let target = target_of(header.compact_target()).ok_or(HeaderError::Target)?;
        if target > target_of(EASIEST).expect("Bitcoin's own limit is a target") {
            return Err(HeaderError::Target);
        }
        // Hashes are compared as numbers whose last byte is the highest.
        let mut hash: [u8; 32] = Sha256::digest(Sha256::digest(bytes)).into();
        hash.reverse();
        if hash > target {
            return Err(HeaderError::Work);
        }
        Ok(header)
    }

    /// The Merkle root of the block's transactions, in the order of the header.
    pub fn merkle_root(&self) -> &[u8] {
        &self.0[36..68]
    }

    /// The block's time, by its miner's word: right to an hour or two.
    pub fn time(&self) -> Timestamp {
        let seconds = self.word(68);
        Timestamp::from_unix(i64::from(seconds)).expect("32 bits of seconds end in 2106")
    }

    fn compact_target(&self) -> u32 {
        self.word(72)
    }

    fn word(&self, at: usize) -> u32 {
        let bytes = self.0[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes)
    }
}

/// The target, highest byte first, that a compact one stands for: three bytes and how many bytes
/// the whole has. `None` for what is negative, zero or too large.
fn target_of(compact: u32) -> Option<[u8; 32]> {
    let [length, mantissa @ ..] = compact.to_be_bytes();
    if mantissa[0] & 0x80 != 0 || mantissa == [0; 3] {
        return None;
    }
    let mut target = [0; 32];
    for (place, byte) in mantissa.into_iter().enumerate() {
        let from_end = usize::from(length).checked_sub(place);
        match from_end.and_then(|from_end| 32_usize.checked_sub(from_end)) {
            // Below the last byte nothing counts any more.
            _ if from_end.is_none_or(|from_end| from_end == 0) => {}
            Some(at) => target[at] = byte,
            None if byte == 0 => {}
            None => return None,
        }
    }
    (target != [0; 32]).then_some(target)
}

impl FromStr for BlockHeader {
    type Err = HeaderError;

    fn from_str(text: &str) -> Result<Self, HeaderError> {
        let mut bytes = [0; 80];
        if text.bytes().any(|b| b.is_ascii_uppercase()) || text.len() != 160 {
            return Err(HeaderError::Form);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| HeaderError::Form)?;
        BlockHeader::new(bytes)
    }
}

/// The headers that a verifier was given, by height.
#[derive(Debug, Clone, Default)]
pub struct BlockHeaders(BTreeMap<u64, BlockHeader>);

impl BlockHeaders {
    /// Adds a header; says whether it can stand beside those that are there.
    pub fn add(&mut self, height: u64, header: BlockHeader) -> bool {
        *self.0.entry(height).or_insert_with(|| header.clone()) == header
    }

    /// The header of the block at `height`, if it was given.
    pub fn at(&self, height: u64) -> Option<&BlockHeader> {
        self.0.get(&height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first block of Bitcoin.
    const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

    #[test]
    fn the_first_block_has_a_header() {
        let header: BlockHeader = GENESIS.parse().unwrap();
        assert_eq!(header.time().to_string(), "2009-01-03T18:15:05Z");
        assert_eq!(
            hex::encode(header.merkle_root()),
            "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
        );
    }

    #[test]
    fn headers_without_work_or_with_another_target_are_refused() {
        let parse = |text: &str| text.parse::<BlockHeader>();
        for (text, error) in [
            (GENESIS.replace("1dac2b7c", "1eac2b7c"), HeaderError::Work),
            (GENESIS.replace("ffff001d", "ffff7f20"), HeaderError::Target),
            (GENESIS.replace("ffff001d", "00000000"), HeaderError::Target),
            (GENESIS.replace("ffff001d", "ffff80ff"), HeaderError::Target),
            (GENESIS.replace("ffff001d", "ffff7f22"), HeaderError::Target),
            (GENESIS.replace("ffff001d", "ffff0001"), HeaderError::Target),
            (GENESIS.to_uppercase(), HeaderError::Form),
            (GENESIS[2..].to_owned(), HeaderError::Form),
            (GENESIS.replacen('0', "g", 1), HeaderError::Form),
            (String::new(), HeaderError::Form),
        ] {
            assert_eq!(parse(&text), Err(error), "{text}");
        }
    }

    #[test]
    fn compact_targets_stand_for_numbers() {
        let text = |compact| target_of(compact).map(hex::encode);
        let padded = |head: &str, zeros| {
            Some(format!(
                "{}{head}{}",
                "0".repeat(64 - head.len() - zeros),
                "0".repeat(zeros)
            ))
        };
        assert_eq!(text(0x1d00_ffff), padded("ffff", 52));
        assert_eq!(text(0x0312_3456), padded("123456", 0));
        assert_eq!(text(0x0212_3456), padded("1234", 0));
        assert_eq!(text(0x207f_ffff), padded("7fffff", 58));
        for none in [
            0x2112_3456,
            0x0400_0000,
            0x0080_0000,
            0x0012_3456,
            0xff00_0001,
        ] {
            assert_eq!(text(none), None, "{none:#x}");
        }
        assert_eq!(text(0x2100_1234), padded("1234", 60));
    }
}
