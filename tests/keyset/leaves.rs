//! Files of what a key has signed.

use std::fs;

use pith::digest::Digest;
use pith::keyset::{Leaves, LeavesError, LeavesWriter, MerkleTree, SignedLog};
use proptest::prelude::*;
use tempfile::tempdir;

fn digests(count: u64) -> Vec<Digest> {
    (0..count).map(|n| Digest::of(&n.to_be_bytes())).collect()
}

#[test]
fn a_file_of_leaves_is_read_as_it_was_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key-1.leaves");
    for count in [0, 1, 2, 3, 1000] {
        let mut writer = LeavesWriter::create(&path).unwrap();
        let mut tree = MerkleTree::new();
        for digest in digests(count) {
            writer.push(&digest).unwrap();
            tree.push(digest.as_bytes());
        }
        let signed = writer.finish().unwrap();
        assert_eq!(signed, SignedLog::of(&tree));
        let leaves = Leaves::read(&path, &signed).unwrap();
        assert!(digests(count).iter().all(|digest| leaves.contains(digest)));
        assert!(!leaves.contains(&Digest::of(b"another")));
    }
}

#[test]
fn an_unfinished_file_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key-1.leaves");
    let mut writer = LeavesWriter::create(&path).unwrap();
    writer.push(&Digest::of(b"one")).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_of_another_length_names_the_count() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key-1.leaves");
    fs::write(&path, format!("{}\n", Digest::of(b"one"))).unwrap();
    for count in [0, 2, u64::MAX] {
        let signed = SignedLog {
            count,
            merkle_root: Digest::of(&[]),
        };
        let error = Leaves::read(&path, &signed).unwrap_err();
        assert!(matches!(error, LeavesError::Count { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn one_changed_byte_is_noticed(count in 1u64..40, place: prop::sample::Index, bits in 1u8..) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("key-1.leaves");
        let mut writer = LeavesWriter::create(&path).unwrap();
        for digest in digests(count) {
            writer.push(&digest).unwrap();
        }
        let signed = writer.finish().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= bits;
        fs::write(&path, &bytes).unwrap();
        let error = Leaves::read(&path, &signed).unwrap_err();
        let expected = matches!(error, LeavesError::Line { .. } | LeavesError::Root { .. });
        prop_assert!(expected, "{error}");
    }
}

#[test]
fn swapped_lines_are_noticed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key-1.leaves");
    let mut writer = LeavesWriter::create(&path).unwrap();
    for digest in digests(7) {
        writer.push(&digest).unwrap();
    }
    let signed = writer.finish().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.swap(2, 5);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let error = Leaves::read(&path, &signed).unwrap_err();
    assert!(matches!(error, LeavesError::Root { .. }), "{error}");
}
