//! Drafts and chains beyond single rules.

use pith::digest::Digest;
use pith::keys::KeyStatus;
use pith::keyset::{Change, Edit, EditError, Keyset, KeysetFile};

use super::world::*;

#[test]
fn a_keyset_reads_as_it_is_written() {
    for keyset in [first(), second(), third()] {
        let bytes = serde_json::to_vec_pretty(&keyset).unwrap();
        assert_eq!(Keyset::from_slice(&bytes).unwrap(), keyset);
        let file = KeysetFile::from_slice(&bytes).unwrap();
        assert_eq!(file, KeysetFile::Keyset(Box::new(keyset)));
    }
}

#[test]
fn the_digest_covers_everything_but_the_signatures() {
    let keyset = first();
    assert_eq!(keyset.digest(), first_draft().digest());
    let other = edited(first_draft(), [Edit::Expiry(day(364))], 0);
    assert_ne!(keyset.digest(), other.digest());
}

#[test]
fn an_edit_loses_the_signatures() {
    let mut keyset = first();
    let lost = keyset.edit(Edit::Expiry(day(300)), day(0)).unwrap();
    assert_eq!(lost.0, 2);
    assert_eq!(keyset.signatures, []);
}

#[test]
fn an_edit_that_makes_no_sense_changes_nothing() {
    let mut keyset = first();
    let before = keyset.clone();
    let no_key = keyset.edit(Edit::Activate(name(TWO)), day(1));
    assert!(matches!(no_key, Err(EditError::NoKey { .. })), "{no_key:?}");
    let again = keyset.edit(add(ONE), day(1));
    assert!(matches!(again, Err(EditError::Exists { .. })), "{again:?}");
    let backwards = keyset.edit(Edit::Activate(name(ONE)), day(1));
    assert!(
        matches!(backwards, Err(EditError::Status { .. })),
        "{backwards:?}"
    );
    let clock = keyset.edit(Edit::Expiry(day(300)), day(-1));
    assert!(matches!(clock, Err(EditError::Clock { .. })), "{clock:?}");
    assert_eq!(keyset, before);
    assert!(keyset.successor(day(0), day(365)).is_err());
}

#[test]
fn what_a_draft_says_of_itself_is_dated_by_the_last_edit() {
    let first = first();
    let draft = draft(&first, 1, [add(TWO)]);
    let later = edited(draft, [Edit::Expiry(day(300))], 2);
    assert_eq!(later.created_at, day(2));
    assert_eq!(
        later.keys[0].published_at,
        day(0),
        "key-1 was published before"
    );
    assert_eq!(later.keys[1].published_at, day(2));
    chain([first.clone(), signed(later, Some(&first), &[A, B])]);
}

#[test]
fn a_retired_key_can_still_be_revoked() {
    let third = third();
    let revoke = Edit::Revoke(name(ONE), "found on a sold disk".to_owned(), nothing());
    let next = signed(draft(&third, 12, [revoke]), Some(&third), &[A, B]);
    let chain = chain([first(), second(), third, next]);
    let entry = chain.latest().named(&name(ONE)).unwrap();
    assert_eq!(entry.status, KeyStatus::Revoked);
    assert_eq!(
        entry.valid_until,
        Some(day(11)),
        "it ended when it was retired"
    );
}

#[test]
fn changes_are_told_in_words() {
    let words: Vec<_> = third()
        .changes(Some(&second()))
        .iter()
        .map(ToString::to_string)
        .collect();
    let fingerprints = [public(ONE).fingerprint(), public(TWO).fingerprint()];
    assert_eq!(
        words,
        [
            format!(
                "key key-1 ({}), active before, is retired; it leaves 0 signatures behind, with the \
                 Merkle root {}",
                fingerprints[0],
                // Of no leaves: the hash of nothing.
                Digest::of(b"")
            ),
            format!("key key-2 ({}), next before, is active", fingerprints[1]),
            format!("it counts until {}", day(376)),
        ]
    );
    let genesis = first().changes(None);
    assert!(genesis.contains(&Change::Threshold {
        from: 0,
        to: 2,
        of: 3
    }));
}

#[test]
fn the_tally_says_who_is_waited_for() {
    let first = first();
    let edit = Edit::Custodians(custodians(2, &[B, C, D]));
    let next = signed(draft(&first, 1, [edit]), Some(&first), &[A, B]);
    let old = next.tally(&first);
    assert!(old.is_met());
    assert_eq!(old.signed, [id("custodian-a"), id("custodian-b")]);
    let own = next.tally(&next);
    assert!(!own.is_met());
    assert_eq!(own.signed, [id("custodian-b")]);
    assert_eq!(own.waiting, [id("custodian-c"), id("custodian-d")]);
}

#[test]
fn only_custodians_sign() {
    let mut keyset = first_draft();
    assert!(keyset.sign(None, &private(ONE)).is_err(), "a signing key");
    assert!(keyset.sign(None, &private(D)).is_err(), "a stranger");
    keyset.sign(None, &private(A)).unwrap();
    keyset.sign(None, &private(A)).unwrap();
    assert_eq!(keyset.signatures.len(), 1, "signing again replaces");
}

#[test]
fn a_custodian_may_be_renamed() {
    let first = first();
    let mut renamed = custodians(2, &[A, B, C]);
    renamed.keys[0].key_id = id("custodian-alpha");
    let next = draft(&first, 1, [Edit::Custodians(renamed)]);
    let next = signed(next, Some(&first), &[A, B]);
    assert_eq!(next.signatures[0].key_id, id("custodian-alpha"));
    chain([first, next]);
}
