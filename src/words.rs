//! Digests as words, for reading aloud: the PGP word list.
//!
//! Bytes at even places have words of two syllables, those at odd places words of three, so that a word
//! left out, doubled or swapped is heard.

use std::sync::LazyLock;

use crate::digest::Digest;

/// A line for each byte: its word at even places, its word at odd ones.
const LIST: &str = include_str!("words.txt");

static WORDS: LazyLock<Vec<[&str; 2]>> = LazyLock::new(|| {
    let pair = |line: &'static str| line.split_once(' ').expect("a line is two words");
    LIST.lines()
        .map(pair)
        .map(|(even, odd)| [even, odd])
        .collect()
});

/// How many words stand in a line.
const A_LINE: usize = 8;

/// The words of `bytes`, in their order.
pub fn words(bytes: &[u8]) -> Vec<&'static str> {
    let word = |(place, byte): (usize, &u8)| WORDS[usize::from(*byte)][place % 2];
    bytes.iter().enumerate().map(word).collect()
}

/// The words of a digest, in four lines of eight.
pub fn lines(digest: &Digest) -> Vec<String> {
    let words = words(digest.as_bytes());
    words.chunks(A_LINE).map(|line| line.join(" ")).collect()
}

/// The words of the first half of a digest, in groups of four: enough to tell it from any that was not
/// made for the purpose. The rest is compared in hexadecimal.
pub fn spoken_head(digest: &Digest) -> String {
    let words = words(&digest.as_bytes()[..16]);
    let groups: Vec<String> = words.chunks(4).map(|group| group.join(" ")).collect();
    groups.join(" - ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_has_a_word_of_each_kind_for_every_byte_and_none_twice() {
        assert_eq!(WORDS.len(), 256);
        let all: BTreeSet<_> = WORDS
            .iter()
            .flatten()
            .map(|word| word.to_lowercase())
            .collect();
        assert_eq!(all.len(), 512);
    }

    /// The example that goes with the list.
    #[test]
    fn a_fingerprint_reads_as_it_always_has() {
        let bytes = hex::decode("e58294f2e9a227486e8b061b31cc528fd7fa3f19").unwrap();
        assert_eq!(
            words(&bytes).join(" "),
            "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa \
             afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
        );
        assert_eq!(lines(&Digest::of(&[])).len(), 4);
        let mut digest = [0; 32];
        digest[..20].copy_from_slice(&bytes);
        assert_eq!(
            spoken_head(&Digest::from_bytes(digest)),
            "topmost Istanbul Pluto vagabond - treadmill Pacific brackish dictator - \
             goldfish Medusa afflict bravado - chatter revolver Dupont midsummer"
        );
    }

    #[test]
    fn words_exchanged_are_noticed() {
        assert_eq!(words(&[0, 1]), ["aardvark", "adviser"]);
        assert_eq!(words(&[1, 0]), ["absurd", "adroitness"]);
    }
}
