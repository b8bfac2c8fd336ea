//! Merkle tree hashes (RFC 6962, section 2.1), of leaves that come one after the other.

use crate::digest::{Digest, Hasher};

/// The tree over what has come so far. It holds a hash for each bit of their number, and no more.
#[derive(Debug, Clone, Default)]
pub struct MerkleTree {
    count: u64,
    /// The hashes of complete trees, the largest first: one for each bit that is set in `count`.
    peaks: Vec<Digest>,
}

impl MerkleTree {
    /// The tree without leaves.
    pub fn new() -> Self {
        MerkleTree::default()
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let mut hash = node(0, leaf, &[]);
        let full = self.count.trailing_ones() as usize;
        for left in self.peaks.drain(self.peaks.len() - full..).rev() {
            hash = node(1, left.as_bytes(), hash.as_bytes());
        }
        self.peaks.push(hash);
        self.count += 1;
    }

    /// How many leaves there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The root; that of no leaves is the hash of nothing.
    pub fn root(&self) -> Digest {
        let join = |right: Digest, left: &Digest| node(1, left.as_bytes(), right.as_bytes());
        match self.peaks.split_last() {
            None => Digest::of(&[]),
            Some((last, before)) => before.iter().rev().fold(*last, join),
        }
    }
}

/// The first byte tells leaves from inner nodes, so that neither passes for the other.
fn node(kind: u8, left: &[u8], right: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[kind]);
    hasher.update(left);
    hasher.update(right);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves of the reference implementation of Certificate Transparency, and the roots of the
    /// trees over the first 0, 1, … 8 of them.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let mut tree = MerkleTree::new();
        assert_eq!(tree.root().to_string(), ROOTS[0]);
        for (count, (leaf, root)) in (1..).zip(LEAVES.iter().zip(&ROOTS[1..])) {
            tree.push(&hex::decode(leaf).unwrap());
            assert_eq!(
                (tree.count(), tree.root().to_string()),
                (count, (*root).to_owned())
            );
        }
    }

    #[test]
    fn roots_are_those_of_the_recursive_definition() {
        fn root(leaves: &[Vec<u8>]) -> Digest {
            match leaves {
                [] => Digest::of(&[]),
                [leaf] => node(0, leaf, &[]),
                _ => {
                    let split = leaves.len().next_power_of_two() / 2;
                    let (left, right) = leaves.split_at(split);
                    node(1, root(left).as_bytes(), root(right).as_bytes())
                }
            }
        }
        let leaves: Vec<_> = (0..100u8).map(|n| vec![n; usize::from(n % 40)]).collect();
        let mut tree = MerkleTree::new();
        for count in 0..leaves.len() {
            assert_eq!(tree.root(), root(&leaves[..count]), "{count} leaves");
            tree.push(&leaves[count]);
        }
    }
}
