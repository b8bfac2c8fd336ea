//! Dividing a key, restoring it, and what is said of shares that do not.

use pith::canonical;
use pith::keys::share::{
    CombineError, Commitments, CommitmentsError, KeyShare, ShareError, SplitError, combine, split,
};
use pith::keys::{CustodianKey, PrivateKey, PublicHalf, PublicKey};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{SEED, rfc_key};

fn half(key: &PrivateKey, id: &str) -> PublicHalf {
    PublicHalf::Custodian(custodian(key, id))
}

fn custodian(key: &PrivateKey, id: &str) -> CustodianKey {
    CustodianKey {
        key_id: id.parse().unwrap(),
        key: PublicKey::from(key.verifying_key()),
    }
}

fn shares(threshold: u8, count: u8, seed: u64) -> Vec<KeyShare> {
    let (key, mut rng) = (rfc_key(), StdRng::seed_from_u64(seed));
    split(&key, &half(&key, "k1"), threshold, count, &mut rng).unwrap()
}

fn copy(share: &KeyShare) -> KeyShare {
    KeyShare::from_slice(&share.to_json()).unwrap()
}

fn text(share: &KeyShare) -> String {
    String::from_utf8(share.to_json().to_vec()).unwrap()
}

/// The share's text, without the rest of the document.
fn secret_text(share: &KeyShare) -> String {
    let text = text(share);
    let (_, rest) = text.split_once("\"share\": \"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// A share as somebody would forge it: another secret, and its checksum made to fit.
fn forged(share: &KeyShare, other: &KeyShare) -> KeyShare {
    let stolen = text(other).replace(
        &format!("\"index\": {}", other.label().index),
        &format!("\"index\": {}", share.label().index),
    );
    let stolen = stolen.replace(
        &other.label().split_id.to_string(),
        &share.label().split_id.to_string(),
    );
    let alphabet = base32::Alphabet::Rfc4648 { padding: false };
    let plain = secret_text(other);
    let mut bytes = base32::decode(alphabet, &plain.replace(' ', "")).unwrap();
    let label = canonical::to_vec(share.label()).unwrap();
    let message = [&bytes[..32], &label].concat();
    bytes[32..].copy_from_slice(&pith::digest::Digest::of(&message).as_bytes()[..8]);
    let forged = stolen.replace(&plain, &base32::encode(alphabet, &bytes));
    KeyShare::from_slice(forged.as_bytes()).expect("the checksum fits")
}

fn fails(shares: &[KeyShare]) -> CombineError {
    combine(shares).map(|_| ()).unwrap_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_shares_that_reach_the_threshold_restore_the_key(
        threshold in 2_u8..6, more in 0_u8..5, seed: u64, order: u64,
    ) {
        let mut all = shares(threshold, threshold + more, seed);
        let mut rng = StdRng::seed_from_u64(order);
        rand::seq::SliceRandom::shuffle(&mut all[..], &mut rng);
        let key = combine(&all[..threshold.into()]).unwrap();
        prop_assert_eq!(hex::encode(*key.seed()), SEED);
        prop_assert_eq!(hex::encode(*combine(&all).unwrap().seed()), SEED);
        let too_few = fails(&all[..usize::from(threshold) - 1]);
        let found = usize::from(threshold) - 1;
        prop_assert_eq!(too_few, CombineError::TooFew { found, needed: threshold });
    }

    #[test]
    fn a_share_survives_printing_and_typing(seed: u64, lower: bool) {
        for share in shares(2, 3, seed) {
            let printed = secret_text(&share);
            let typed = printed.replace(' ', "  ");
            let typed = if lower { typed.to_lowercase() } else { typed };
            let again = text(&share).replace(&printed, &typed);
            let again = KeyShare::from_slice(again.as_bytes()).unwrap();
            prop_assert_eq!(again.digest(), share.digest());
        }
    }

    /// The list of shares, or any other share, says the rest.
    #[test]
    fn the_text_alone_is_a_share(seed: u64, lower: bool, width in 1_usize..70) {
        let all = shares(2, 5, seed);
        let division = Commitments::of(&all).unwrap().label();
        for share in &all {
            let typed = secret_text(share);
            let typed = if lower { typed.to_lowercase() } else { typed };
            let lines: Vec<&str> = typed
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            let typed = format!("\n{}\r\n", lines.join("\n\t"));
            prop_assert!(KeyShare::looks_like_text(typed.as_bytes()));
            prop_assert!(!KeyShare::looks_like_text(text(share).as_bytes()));
            for division in [&division, all[4].label()] {
                let read = KeyShare::from_text(typed.as_bytes(), division).unwrap();
                prop_assert_eq!(read.label(), share.label());
                prop_assert_eq!(read.digest(), share.digest());
            }
            let other = shares(2, 5, seed.wrapping_add(1));
            let error = KeyShare::from_text(typed.as_bytes(), other[0].label());
            prop_assert_eq!(error.map(|_| ()).unwrap_err(), ShareError::Checksum);
        }
    }

    #[test]
    fn a_mistyped_share_is_noticed(seed: u64, place in 0_usize..64, by in 1_u8..32) {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let share = &shares(2, 2, seed)[0];
        let printed = secret_text(share);
        let mut typed = printed.replace(' ', "").into_bytes();
        let at = ALPHABET.iter().position(|c| *c == typed[place]).unwrap();
        typed[place] = ALPHABET[(at + usize::from(by)) % 32];
        let alone = KeyShare::from_text(&typed, share.label()).map(|_| ()).unwrap_err();
        prop_assert_eq!(alone, ShareError::Checksum);
        let typed = text(share).replace(&printed, std::str::from_utf8(&typed).unwrap());
        let error = KeyShare::from_slice(typed.as_bytes()).map(|_| ()).unwrap_err();
        prop_assert_eq!(error, ShareError::Checksum);
    }
}

#[test]
fn what_is_no_text_of_a_share_is_told_by_its_place() {
    let share = &shares(2, 2, 1)[0];
    let of = |text: &[u8]| {
        let read = KeyShare::from_text(text, share.label());
        read.map(|_| ()).unwrap_err()
    };
    assert_eq!(of(b"ABCD EF1H"), ShareError::Character { position: 7 });
    assert_eq!(of(b"AB \xff"), ShareError::Character { position: 3 });
    assert_eq!(of(b"ABCD EFGH"), ShareError::Length { found: 8 });
    assert_eq!(of(b""), ShareError::Length { found: 0 });
}

#[test]
fn thresholds_are_between_two_and_the_number_of_shares() {
    let key = rfc_key();
    let mut rng = StdRng::seed_from_u64(1);
    for (threshold, count) in [(0, 3), (1, 3), (4, 3), (2, 1), (0, 0), (255, 254)] {
        let error = split(&key, &half(&key, "k1"), threshold, count, &mut rng).unwrap_err();
        assert!(matches!(error, SplitError::Threshold { .. }));
    }
    let all = split(&key, &half(&key, "k1"), 255, 255, &mut rng).unwrap();
    assert!(combine(&all).is_ok());
    let other = PrivateKey::generate(&mut rng);
    let error = split(&key, &half(&other, "k1"), 2, 3, &mut rng).unwrap_err();
    assert_eq!(error, SplitError::OtherKey);
}

#[test]
fn shares_are_taken_at_one_two_three_and_never_at_nought() {
    let indexes: Vec<u8> = shares(2, 255, 1).iter().map(|s| s.label().index).collect();
    assert_eq!(indexes, (1..=255).collect::<Vec<u8>>());
}

/// One share tells nothing: over many divisions of one key each of its bytes takes every value, about
/// as often as any other.
#[test]
fn a_share_is_as_likely_to_be_any_bytes() {
    const DIVISIONS: usize = 4096;
    let alphabet = base32::Alphabet::Rfc4648 { padding: false };
    let mut counts = vec![[0_u32; 256]; 32];
    let (key, mut rng) = (rfc_key(), StdRng::seed_from_u64(7));
    for _ in 0..DIVISIONS {
        let made = split(&key, &half(&key, "k1"), 2, 2, &mut rng).unwrap();
        let bytes = base32::decode(alphabet, &secret_text(&made[0]).replace(' ', "")).unwrap();
        for (place, byte) in bytes[..32].iter().enumerate() {
            counts[place][usize::from(*byte)] += 1;
        }
    }
    // 255 degrees of freedom: the sum is 255 with a deviation of 22.6, so 400 is beyond six of them.
    let expected = DIVISIONS as f64 / 256.0;
    for (place, counts) in counts.iter().enumerate() {
        let sum: f64 = counts
            .iter()
            .map(|count| (f64::from(*count) - expected).powi(2) / expected)
            .sum();
        assert!(sum < 400.0, "byte {place}: chi squared {sum}");
    }
}

#[test]
fn shares_of_two_divisions_do_not_mix() {
    let (one, other) = (shares(2, 3, 1), shares(2, 3, 2));
    let mixed = [copy(&one[0]), copy(&other[1])];
    assert_eq!(fails(&mixed), CombineError::Foreign { position: 1 });
}

#[test]
fn a_share_counts_once() {
    let all = shares(2, 3, 1);
    let twice = [copy(&all[2]), copy(&all[2])];
    let expected = CombineError::Duplicate {
        index: 3,
        first: 0,
        second: 1,
    };
    assert_eq!(fails(&twice), expected);
}

#[test]
fn a_forged_share_is_named_if_there_are_enough_others() {
    let (all, other) = (shares(2, 3, 1), shares(2, 3, 2));
    let forged = || forged(&all[1], &other[2]);
    let with_others = [copy(&all[0]), forged(), copy(&all[2])];
    assert_eq!(fails(&with_others), CombineError::False { position: 1 });
    assert_eq!(fails(&[copy(&all[0]), forged()]), CombineError::OtherKey);
    let list = Commitments::of(&all).unwrap();
    let error = list.admit(&forged()).unwrap_err();
    assert_eq!(error, CommitmentsError::Altered { index: 2 });
}

#[test]
fn a_list_admits_the_shares_it_is_of() {
    let (all, other) = (shares(2, 3, 1), shares(2, 3, 2));
    let list = Commitments::of(&all).unwrap();
    for share in &all {
        assert_eq!(list.admit(share), Ok(()));
    }
    let error = list.admit(&other[0]).unwrap_err();
    assert!(matches!(error, CommitmentsError::OtherSplit { .. }));
}

#[test]
fn a_signed_list_cannot_be_changed() {
    let key = PrivateKey::generate(&mut StdRng::seed_from_u64(3));
    let list = Commitments::of(&shares(2, 3, 1)).unwrap();
    assert_eq!(
        list.clone()
            .sign(&rfc_key(), custodian(&key, "custodian-a")),
        None
    );
    let signed = list.sign(&key, custodian(&key, "custodian-a")).unwrap();
    let text = String::from_utf8(canonical::to_vec(&signed).unwrap()).unwrap();
    let read = Commitments::from_slice(text.as_bytes()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.verify(), Ok(()));
    for (old, new) in [
        ("\"threshold\":2", "\"threshold\":3"),
        ("\"key_id\":\"k1\"", "\"key_id\":\"k2\""),
        ("\"role\":\"custodian\"", "\"role\":\"signing\""),
    ] {
        let changed = text.replace(old, new);
        assert_ne!(changed, text);
        let changed = Commitments::from_slice(changed.as_bytes()).unwrap();
        assert!(matches!(
            changed.verify(),
            Err(CommitmentsError::Signature { .. })
        ));
    }
}

#[test]
fn faulty_documents_of_shares_are_refused_without_repeating_them() {
    let share = &shares(2, 3, 1)[0];
    let (document, secret) = (text(share), secret_text(share));
    let cases = [
        (
            document.replace("\"index\": 1", "\"index\": 0"),
            "share 0 of 3",
        ),
        (
            document.replace("\"threshold\": 2", "\"threshold\": 1"),
            "a threshold of 1",
        ),
        (document.replace("\"index\": 1", "\"index\": 2"), "checksum"),
        (
            document.replace("\"key_id\": \"k1\"", "\"key_id\": \"k2\""),
            "checksum",
        ),
        (document.replace(&secret, &secret[..74]), "60 characters"),
        (
            document.replace(&secret, &format!("{secret} AAAA")),
            "68 characters",
        ),
        (
            document.replace(&secret, &secret.replacen(' ', "0", 1)),
            "character 5",
        ),
        (
            document.replace("pith_key_share", "pith_other"),
            "pith_key_share",
        ),
        (document[..100].to_owned(), "no share"),
    ];
    for (changed, expected) in cases {
        let error = KeyShare::from_slice(changed.as_bytes())
            .map(|_| ())
            .unwrap_err();
        let said = error.to_string();
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains(&secret[5..24]), "{said}");
    }
    assert!(!format!("{share:?}").contains(&secret[..4]));
}
