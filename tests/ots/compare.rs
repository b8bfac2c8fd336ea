//! The reader agrees with the crate `opentimestamps`, which shares no code with it.

use opentimestamps::timestamp::{Step, StepData};
use opentimestamps::{op::Op, ser::DetachedTimestampFile};
use pith::timestamps::{Proof, ProofError};
use proptest::prelude::*;

use super::{build, theirs};

/// A tree of a proof: what it does, and what comes then.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(Vec<u8>),
    Op(Vec<u8>, Box<Tree>),
    Fork(Vec<Tree>),
}

impl Tree {
    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Tree::Leaf(leaf) => bytes.extend(leaf),
            Tree::Op(op, next) => {
                bytes.extend(op);
                next.write(bytes);
            }
            Tree::Fork(branches) => {
                let (last, first) = branches.split_last().unwrap();
                for branch in first {
                    bytes.push(0xff);
                    branch.write(bytes);
                }
                last.write(bytes);
            }
        }
    }
}

fn leaf() -> impl Strategy<Value = Tree> {
    prop_oneof![
        "[a-zA-Z0-9._/:-]{0,40}".prop_map(|uri| build::pending(&uri)),
        (0..u64::from(u32::MAX)).prop_map(build::bitcoin),
        (
            any::<[u8; 8]>(),
            proptest::collection::vec(any::<u8>(), 0..40)
        )
            .prop_filter("is a kind that is known", |(tag, _)| {
                *tag != build::PENDING && *tag != build::BITCOIN
            })
            .prop_map(|(tag, payload)| build::attestation(tag, &payload)),
    ]
    .prop_map(Tree::Leaf)
}

fn operation() -> impl Strategy<Value = Vec<u8>> {
    let operand = || proptest::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        4 => prop_oneof![Just(vec![0x02]), Just(vec![0x03]), Just(vec![0x08]), Just(vec![0xf2])],
        1 => Just(vec![0xf3]),
        2 => operand().prop_map(|bytes| build::append(&bytes)),
        2 => operand().prop_map(|bytes| build::prepend(&bytes)),
    ]
}

/// A fork's last branch is none itself: on the wire it could not be told from the fork going on.
fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(12, 40, 3, |inner| {
        prop_oneof![
            4 => (operation(), inner.clone())
                .prop_map(|(op, next)| Tree::Op(op, Box::new(next))),
            1 => (proptest::collection::vec(inner, 1..3), operation(), leaf()).prop_map(
                |(mut branches, op, last)| {
                    branches.push(Tree::Op(op, Box::new(last)));
                    for branch in &mut branches {
                        if let Tree::Fork(_) = branch {
                            let fork = std::mem::replace(branch, Tree::Fork(Vec::new()));
                            *branch = Tree::Op(vec![0x08], Box::new(fork));
                        }
                    }
                    Tree::Fork(branches)
                }
            ),
        ]
    })
}

fn has_fork(step: &Step) -> bool {
    step.next.len() > 1 || step.next.iter().any(has_fork)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sound_proofs_have_the_same_leaves(digest: [u8; 32], tree in tree()) {
        let mut steps = Vec::new();
        tree.write(&mut steps);
        let bytes = build::proof(&digest, &steps);
        let theirs = DetachedTimestampFile::from_reader(&bytes[..]).unwrap();
        let mut expected = Vec::new();
        theirs::leaves(&theirs.timestamp.first_step, &mut expected);
        let ours = match Proof::read(&bytes) {
            // They set messages no limit.
            Err(ProofError::TooLong { .. }) => return Err(TestCaseError::reject("too long")),
            ours => ours.unwrap(),
        };
        prop_assert_eq!(&ours.leaves, &expected);
        prop_assert_eq!(ours.digest, theirs.timestamp.start_digest);
    }

    /// Damaged proofs end in an error or in something that can be read: never in a panic.
    #[test]
    fn damaged_proofs_are_read_or_refused(
        digest: [u8; 32],
        tree in tree(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut steps = Vec::new();
        tree.write(&mut steps);
        let mut bytes = build::proof(&digest, &steps);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(proof) = Proof::read(&bytes) {
            prop_assert!(!proof.leaves.is_empty());
        }
    }
}

/// The generated proofs hold what the comparison is about.
#[test]
fn the_generated_proofs_meet_every_case() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met = [0; 4];
    for _ in 0..200 {
        let tree = tree().new_tree(&mut runner).unwrap().current();
        let mut steps = Vec::new();
        tree.write(&mut steps);
        let bytes = build::proof(&[7; 32], &steps);
        let theirs = DetachedTimestampFile::from_reader(&bytes[..]).unwrap();
        let first = &theirs.timestamp.first_step;
        let mut leaves = Vec::new();
        theirs::leaves(first, &mut leaves);
        met[0] += usize::from(has_fork(first));
        met[1] += usize::from(leaves.len() > 2);
        met[2] += usize::from(matches!(first.data, StepData::Op(Op::Ripemd160)));
        met[3] += usize::from(leaves[0].message.len() > 64);
    }
    assert!(met.iter().all(|count| *count >= 5), "{met:?}");
}
