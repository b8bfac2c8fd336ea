//! No change to a valid chain goes unnoticed.

use pith::canonical::{self, Json};
use pith::keyset::Keyset;
use proptest::prelude::*;

use super::changes::changes;
use super::world::*;

fn texts() -> Vec<Vec<u8>> {
    let edit = pith::keyset::Edit::Custodians(custodians(2, &[C, D, E]));
    let third = third();
    let fourth = signed(draft(&third, 12, [edit]), Some(&third), &[A, B, D, E]);
    let versions = [first(), second(), third, fourth];
    versions
        .iter()
        .map(|v| canonical::to_vec(v).unwrap())
        .collect()
}

/// Whether these are the bytes of a chain that keeps all rules.
fn verifies(texts: &[Vec<u8>]) -> bool {
    let versions: Result<Vec<_>, _> = texts.iter().map(|text| Keyset::from_slice(text)).collect();
    versions.is_ok_and(|versions| try_chain(versions).is_ok())
}

#[test]
fn the_chain_verifies_unless_it_is_changed() {
    assert!(verifies(&texts()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Canonical bytes leave no room for a change that means nothing.
    #[test]
    fn one_changed_byte_is_noticed(version in 0usize..4, place: prop::sample::Index, bits in 1u8..) {
        let mut texts = texts();
        let text = &mut texts[version];
        let place = place.index(text.len());
        text[place] ^= bits;
        let json = std::str::from_utf8(text).is_ok();
        prop_assert!(!verifies(&texts), "byte {place} of version {version} (UTF-8: {json})");
    }
}

#[test]
fn every_changed_or_missing_value_is_noticed() {
    let original = texts();
    let mut count = 0;
    for version in 0..original.len() {
        let tree: Json = canonical::from_slice(&original[version]).unwrap();
        changes(&tree, &mut |changed| {
            let mut texts = original.clone();
            texts[version] = canonical::to_vec(&changed).unwrap();
            count += 1;
            assert!(
                !verifies(&texts),
                "{}",
                String::from_utf8_lossy(&texts[version])
            );
        });
    }
    assert!(count > 300, "only {count} changes");
}

#[test]
fn every_missing_or_swapped_version_is_noticed() {
    let texts = texts();
    for missing in 1..texts.len() - 1 {
        let mut fewer = texts.clone();
        fewer.remove(missing);
        assert!(!verifies(&fewer), "without {missing}");
    }
    for place in 0..texts.len() - 1 {
        let mut swapped = texts.clone();
        swapped.swap(place, place + 1);
        assert!(!verifies(&swapped), "{place} and the next swapped");
    }
}
