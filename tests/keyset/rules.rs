//! One test a rule: a keyset that keeps all others breaks it, and it alone is named.

use pith::keys::{ForeignSigner, KeyStatus};
use pith::keyset::{Custodians, Edit, Revocation, Rule, SafetyPolicy};

use super::world::*;

#[test]
fn valid_versions_break_nothing() {
    let chain = chain([first(), second(), third()]);
    assert_eq!(chain.versions().len(), 3);
    assert_eq!(first().faults(), []);
    assert_eq!(third().faults(), []);
}

#[test]
fn version_must_be_numbered_from_one() {
    for (version, previous) in [(0, None), (1, Some(first().digest())), (2, None)] {
        let mut keyset = first_draft();
        (keyset.version, keyset.previous) = (version, previous);
        assert_eq!(breaks_alone(keyset), [Rule::Version], "{version}");
    }
}

#[test]
fn link_skipped_version() {
    let mut next = draft(&second(), 11, []);
    next.version = 4;
    assert_eq!(breaks_after([first(), second()], next), [Rule::Link]);
}

#[test]
fn link_replayed_version() {
    // The second version once more, in the place of the third.
    let faulty = try_chain([first(), second(), second()]).unwrap_err();
    assert_eq!(faulty.version, 2);
    assert!(faulty.rules().any(|rule| rule == Rule::Link), "{faulty}");
}

#[test]
fn link_to_another_predecessor() {
    let other = signed(first_draft(), None, &[A, B, C]);
    let other = edited(other, [Edit::Expiry(day(300))], 0);
    let next = draft(&other, 1, []);
    assert_eq!(breaks_after([first()], next), [Rule::Link]);
}

#[test]
fn registry_of_another_name() {
    let mut keyset = first_draft();
    keyset.keys[0].signer_id = "other.invalid".to_owned();
    assert_eq!(breaks_alone(keyset), [Rule::Registry]);
    let mut keyset = first_draft();
    keyset.keys[0].key.signer = Some(ForeignSigner {
        signer_id: REGISTRY.to_owned(),
        signer_type: "author".to_owned(),
    });
    assert_eq!(breaks_alone(keyset), [Rule::Registry]);
    let mut next = draft(&first(), 1, []);
    next.registry_id = "other.invalid".to_owned();
    let rules = breaks_after([first()], next);
    assert!(rules.contains(&Rule::Registry), "{rules:?}");
}

#[test]
fn threshold_of_zero_and_above_n() {
    for threshold in [0, 4] {
        let edit = Edit::Custodians(custodians(threshold, &[A, B, C]));
        let rules = breaks_alone(edited(first_draft(), [edit], 0));
        // Neither can be met.
        assert_eq!(rules, [Rule::Threshold, Rule::OwnThreshold], "{threshold}");
    }
}

#[test]
fn signature_that_is_not_over_this_keyset() {
    let mut keyset = first();
    keyset.signatures[1].signature_b64 = keyset.signatures[0].signature_b64;
    let rules = broken(&keyset.faults());
    assert_eq!(rules, [Rule::Signature, Rule::OwnThreshold]);
}

#[test]
fn signature_for_another_purpose() {
    let mut keyset = first_draft();
    keyset = signed(keyset, None, &[A, B]);
    let digest = keyset.digest();
    // What a signing key would sign for a record with this digest.
    let as_record = private(A).sign(digest.as_bytes());
    keyset.signatures[0].signature_b64 = pith::keys::SignatureBytes::from_bytes(as_record);
    let rules = broken(&keyset.faults());
    assert_eq!(rules, [Rule::Signature, Rule::OwnThreshold]);
}

#[test]
fn signature_by_a_stranger() {
    let mut keyset = first();
    let mut strangers = first_draft();
    strangers.custodians = custodians(1, &[D]);
    let by_d = signed(strangers, None, &[D]).signatures[0].clone();
    keyset.signatures.push(by_d);
    assert_eq!(broken(&keyset.faults()), [Rule::Signature]);
}

#[test]
fn own_threshold_unsigned() {
    assert_eq!(broken(&first_draft().faults()), [Rule::OwnThreshold]);
    let one = signed(first_draft(), None, &[A]);
    assert_eq!(broken(&one.faults()), [Rule::OwnThreshold]);
}

#[test]
fn own_threshold_signed_twice_by_one_key_under_two_names() {
    // One signature of a, listed under its own name and under that of b.
    let mut keyset = signed(first_draft(), None, &[A]);
    let mut again = keyset.signatures[0].clone();
    again.key_id = id("custodian-b");
    keyset.signatures.push(again);
    let rules = broken(&keyset.faults());
    assert_eq!(rules, [Rule::Signature, Rule::OwnThreshold]);
    assert_eq!(keyset.tally(&keyset).signed, [id("custodian-a")]);
}

#[test]
fn own_threshold_with_one_key_listed_as_two_custodians() {
    let mut twice = custodian(A);
    twice.key_id = id("custodian-x");
    let keys = vec![custodian(A), twice];
    let edit = Edit::Custodians(Custodians { threshold: 2, keys });
    let keyset = signed(edited(first_draft(), [edit], 0), None, &[A]);
    let mut keyset_with_both = keyset.clone();
    let mut again = keyset.signatures[0].clone();
    again.key_id = id("custodian-x");
    keyset_with_both.signatures.push(again);
    assert_eq!(keyset_with_both.tally(&keyset_with_both).signed.len(), 1);
    let rules = broken(&keyset_with_both.faults());
    assert_eq!(
        rules,
        [Rule::Signature, Rule::OwnThreshold, Rule::DuplicateKey]
    );
}

#[test]
fn own_threshold_does_not_count_removed_custodians() {
    let first = first();
    let edit = Edit::Custodians(custodians(2, &[C, D, E]));
    let next = signed(draft(&first, 1, [edit]), Some(&first), &[A, B, D]);
    let faulty = try_chain([first, next]).unwrap_err();
    assert_eq!(broken(&faulty.faults), [Rule::OwnThreshold]);
}

#[test]
fn previous_threshold_is_needed_too() {
    let first = first();
    let edit = Edit::Custodians(custodians(1, &[D]));
    let next = signed(draft(&first, 1, [edit]), Some(&first), &[A, D]);
    let faulty = try_chain([first, next]).unwrap_err();
    assert_eq!(broken(&faulty.faults), [Rule::PreviousThreshold]);
}

#[test]
fn all_custodians_rotated_at_once_with_the_old_ones_approval() {
    let first = first();
    let edit = Edit::Custodians(custodians(2, &[D, E]));
    let next = draft(&first, 1, [edit]);
    let approved = signed(next.clone(), Some(&first), &[A, C, D, E]);
    chain([first.clone(), approved]);
    let usurped = signed(next, Some(&first), &[D, E]);
    let faulty = try_chain([first, usurped]).unwrap_err();
    assert_eq!(broken(&faulty.faults), [Rule::PreviousThreshold]);
}

#[test]
fn duplicate_key_among_custodians_signing_keys_and_both() {
    let mut twice = custodian(A);
    twice.key_id = id("custodian-x");
    let mut keyset = first_draft();
    keyset.custodians.keys.push(twice);
    assert_eq!(breaks_alone(keyset), [Rule::DuplicateKey]);

    let mut keyset = first_draft();
    keyset.custodians.keys[2].key = public(ONE);
    assert_eq!(breaks_alone(keyset), [Rule::DuplicateKey]);
}

#[test]
fn duplicate_key_across_versions() {
    // Signs records in the first version, and keysets later.
    let mut keys = custodians(2, &[A, B]);
    keys.keys.push(pith::keys::CustodianKey {
        key_id: id("custodian-x"),
        key: public(ONE),
    });
    let rules = breaks_after([first()], draft(&first(), 1, [Edit::Custodians(keys)]));
    assert_eq!(rules, [Rule::DuplicateKey]);

    // Was a custodian's two versions ago, and is to sign records.
    let second = second();
    let edit = Edit::Custodians(custodians(2, &[A, B]));
    let third = draft(&second, 2, [edit]);
    let third = signed(third, Some(&second), &[A, B]);
    let mut fourth = draft(&third, 3, [add(THREE)]);
    let entry = fourth.keys.last_mut().unwrap();
    entry.key.key = public(C);
    let statement = pith::keyset::PossessionStatement::of(REGISTRY, &entry.key.key_id, &public(C));
    let possession = private(C).sign_for(pith::keys::Purpose::Possession, &statement);
    entry.possession_b64 = possession.unwrap();
    let rules = breaks_after([first(), second, third], fourth);
    assert_eq!(rules, [Rule::DuplicateKey]);
}

#[test]
fn duplicate_name() {
    let mut keyset = first_draft();
    keyset.custodians.keys[2].key_id = id("custodian-b");
    assert!(broken(&keyset.content_faults()).contains(&Rule::DuplicateName));
    let mut keyset = first_draft();
    keyset.custodians.keys[2].key_id = name(ONE);
    assert_eq!(broken(&keyset.content_faults()), [Rule::DuplicateName]);
}

#[test]
fn one_active_and_never_two() {
    let mut keyset = edited(first_draft(), [add(TWO)], 0);
    assert_eq!(keyset.keys[1].status, KeyStatus::Next);
    keyset.keys[1].status = KeyStatus::Active;
    assert_eq!(breaks_alone(keyset), [Rule::OneActive]);
}

#[test]
fn one_active_or_an_emergency_that_is_stated() {
    let second = second();
    let revoke = Edit::Revoke(name(ONE), "stolen".to_owned(), nothing());
    let next = draft(&second, 2, [revoke]);
    let rules = breaks_after([first(), second.clone()], next.clone());
    assert_eq!(rules, [Rule::OneActive]);
    let stated = edited(next, [Edit::Emergency("key-1 was stolen".to_owned())], 2);
    let stated = signed(stated, Some(&second), &[A, B]);
    chain([first(), second.clone(), stated.clone()]);
    // And one that is none is not stated.
    let idle = draft(&second, 2, [Edit::Emergency("for later".to_owned())]);
    let rules = breaks_after([first(), second], idle);
    assert_eq!(rules, [Rule::OneActive]);
}

#[test]
fn publish_safety() {
    let edits = || {
        [
            Edit::Retire(name(ONE), nothing()),
            Edit::Activate(name(TWO)),
        ]
    };
    let mut early = draft(&second(), 10, edits());
    assert_eq!(
        breaks_after([first(), second()], early.clone()),
        [Rule::PublishSafety]
    );
    // A shorter window that the same version brings does not help.
    early = edited(
        early,
        [Edit::Policy(SafetyPolicy {
            publish_safety_seconds: 0,
            ..POLICY
        })],
        10,
    );
    assert_eq!(
        breaks_after([first(), second()], early),
        [Rule::PublishSafety]
    );
    let due = signed(draft(&second(), 11, edits()), Some(&second()), &[A, B]);
    chain([first(), second(), due]);
}

#[test]
fn publish_safety_is_not_shortened_by_a_version_in_between() {
    let second = second();
    let short = Edit::Policy(SafetyPolicy {
        publish_safety_seconds: 0,
        ..POLICY
    });
    let third = signed(draft(&second, 2, [short]), Some(&second), &[A, B]);
    let edits = || {
        [
            Edit::Retire(name(ONE), nothing()),
            Edit::Activate(name(TWO)),
        ]
    };
    let versions = || [first(), second.clone(), third.clone()];
    let early = draft(&third, 10, edits());
    assert_eq!(breaks_after(versions(), early), [Rule::PublishSafety]);
    let due = signed(draft(&third, 11, edits()), Some(&third), &[A, B]);
    chain(versions().into_iter().chain([due]));
    // A key that comes later has the shorter window.
    let fourth = signed(draft(&third, 12, [add(THREE)]), Some(&third), &[A, B]);
    let edits = [
        Edit::Retire(name(ONE), nothing()),
        Edit::Activate(name(THREE)),
    ];
    let fifth = signed(draft(&fourth, 13, edits), Some(&fourth), &[A, B]);
    chain(versions().into_iter().chain([fourth, fifth]));
}

#[test]
fn publish_safety_for_a_key_that_comes_in_as_active() {
    let mut next = draft(&first(), 1, [Edit::Retire(name(ONE), nothing()), add(TWO)]);
    let entry = next.keys.last_mut().unwrap();
    entry.status = KeyStatus::Active;
    assert_eq!(breaks_after([first()], next), [Rule::PublishSafety]);
}

#[test]
fn retire_safety() {
    let left_out = |days| {
        let mut next = draft(&third(), days, []);
        next.keys.retain(|entry| entry.key.key_id != name(ONE));
        next
    };
    // key-1 was retired on day 11.
    let versions = || [first(), second(), third()];
    assert_eq!(breaks_after(versions(), left_out(40)), [Rule::RetireSafety]);
    let gone = signed(left_out(41), Some(&third()), &[A, B]);
    chain(versions().into_iter().chain([gone.clone()]));
    // It does not come back.
    let back = draft(&gone, 42, [add(ONE)]);
    let rules = breaks_after(versions().into_iter().chain([gone]), back);
    assert_eq!(rules, [Rule::DuplicateKey]);

    let mut next = draft(&second(), 11, []);
    next.keys.retain(|entry| entry.key.key_id != name(TWO));
    assert_eq!(
        breaks_after([first(), second()], next),
        [Rule::RetireSafety]
    );
}

#[test]
fn retire_safety_of_a_key_that_is_revoked_after_its_retirement() {
    // key-1 was retired on day 11, and is revoked on day 50.
    let third = third();
    let revoke = Edit::Revoke(name(ONE), "stolen".to_owned(), nothing());
    let fourth = signed(draft(&third, 50, [revoke]), Some(&third), &[A, B]);
    let left_out = |days| {
        let mut next = draft(&fourth, days, []);
        next.keys.retain(|entry| entry.key.key_id != name(ONE));
        next
    };
    let versions = || [first(), second(), third.clone(), fourth.clone()];
    assert_eq!(breaks_after(versions(), left_out(51)), [Rule::RetireSafety]);
    assert_eq!(breaks_after(versions(), left_out(79)), [Rule::RetireSafety]);
    let gone = signed(left_out(80), Some(&fourth), &[A, B]);
    chain(versions().into_iter().chain([gone]));
}

#[test]
fn duplicate_name_of_a_custodian_that_a_left_out_key_had() {
    let mut gone = draft(&third(), 41, []);
    gone.keys.retain(|entry| entry.key.key_id != name(ONE));
    let gone = signed(gone, Some(&third()), &[A, B]);
    let mut named = custodians(2, &[A, B, D]);
    named.keys[2].key_id = name(ONE);
    let next = draft(&gone, 42, [Edit::Custodians(named)]);
    let versions = [first(), second(), third(), gone];
    assert_eq!(breaks_after(versions, next), [Rule::DuplicateName]);
}

#[test]
fn activation_ends_an_emergency() {
    let second = second();
    let edits = [
        Edit::Emergency("for now".to_owned()),
        Edit::Retire(name(ONE), nothing()),
        Edit::Activate(name(TWO)),
    ];
    let next = draft(&second, 11, edits);
    assert_eq!(next.emergency, None);
    chain([
        first(),
        second.clone(),
        signed(next, Some(&second), &[A, B]),
    ]);
}

#[test]
fn possession() {
    let mut keyset = first_draft();
    keyset.keys[0].possession_b64 = super::world::possession(TWO);
    assert_eq!(breaks_alone(keyset), [Rule::Possession]);
    // Over another registry's name.
    let mut keyset = first_draft();
    let name = name(ONE);
    let statement = pith::keyset::PossessionStatement::of("other.invalid", &name, &public(ONE));
    let possession = private(ONE).sign_for(pith::keys::Purpose::Possession, &statement);
    keyset.keys[0].possession_b64 = possession.unwrap();
    assert_eq!(breaks_alone(keyset), [Rule::Possession]);
}

#[test]
fn status_never_goes_back() {
    let mut next = draft(&third(), 12, []);
    let entry = &mut next.keys[0];
    (entry.status, entry.signed, entry.valid_until) = (KeyStatus::Next, None, None);
    let rules = breaks_after([first(), second(), third()], next);
    assert_eq!(rules, [Rule::Status]);
}

#[test]
fn status_and_dates_agree() {
    let mut keyset = first_draft();
    keyset.keys[0].valid_until = Some(day(0));
    assert_eq!(breaks_alone(keyset), [Rule::Status]);
    let mut keyset = first_draft();
    keyset.keys[0].valid_from = Some(day(-1));
    assert_eq!(breaks_alone(keyset), [Rule::Status]);
    let mut keyset = edited(first_draft(), [add(TWO)], 0);
    keyset.keys[1].valid_from = Some(day(0));
    assert_eq!(breaks_alone(keyset), [Rule::Status]);
}

#[test]
fn status_keeps_what_was_published() {
    // A retired key's end is moved, so that more of its signatures would count.
    let mut next = draft(&third(), 12, []);
    next.keys[0].valid_until = Some(day(12));
    let versions = || [first(), second(), third()];
    assert_eq!(breaks_after(versions(), next), [Rule::Status]);
    // Another key under the old name.
    let mut next = draft(&third(), 12, []);
    next.keys[0].published_at = day(-1);
    assert_eq!(breaks_after(versions(), next), [Rule::Status]);
}

#[test]
fn revocation_has_a_reason() {
    let second = second();
    let revoke = Edit::Revoke(name(TWO), "lost".to_owned(), nothing());
    let mut next = draft(&second, 2, [revoke]);
    next.keys[1].revocation = None;
    let versions = [first(), second.clone()];
    assert_eq!(
        breaks_after(versions.clone(), next.clone()),
        [Rule::Revocation]
    );
    next.keys[1].revocation = Some(Revocation {
        reason: " ".to_owned(),
        at: day(2),
    });
    assert_eq!(
        breaks_after(versions.clone(), next.clone()),
        [Rule::Revocation]
    );
    next.keys[1].revocation = Some(Revocation {
        reason: "lost".to_owned(),
        at: day(1),
    });
    assert_eq!(breaks_after(versions, next), [Rule::Revocation]);
    let mut keyset = first_draft();
    keyset.keys[0].revocation = Some(Revocation {
        reason: "none".to_owned(),
        at: day(0),
    });
    assert_eq!(breaks_alone(keyset), [Rule::Revocation]);
}

#[test]
fn signed_is_counted_when_a_key_ends_and_only_then() {
    let edits = [
        Edit::Retire(name(ONE), nothing()),
        Edit::Activate(name(TWO)),
    ];
    let mut next = draft(&second(), 11, edits);
    next.keys[0].signed = None;
    assert_eq!(breaks_after([first(), second()], next), [Rule::Signed]);
    let mut keyset = first_draft();
    keyset.keys[0].signed = Some(nothing());
    assert_eq!(breaks_alone(keyset), [Rule::Signed]);
    // A retired key's count does not change without reason.
    let mut next = draft(&third(), 12, []);
    let mut tree = pith::keyset::MerkleTree::new();
    tree.push(b"forged");
    next.keys[0].signed = Some(pith::keyset::SignedLog::of(&tree));
    let rules = breaks_after([first(), second(), third()], next);
    assert_eq!(rules, [Rule::Signed]);
}

#[test]
fn dates_follow_each_other() {
    let mut keyset = first_draft();
    keyset.expires_at = day(0);
    assert_eq!(breaks_alone(keyset), [Rule::Dates]);
    let mut next = draft(&first(), 1, []);
    next.created_at = day(0);
    assert_eq!(breaks_after([first()], next), [Rule::Dates]);
}

#[test]
fn rehearsal_neither_follows_nor_is_followed() {
    let mut next = draft(&first(), 1, []);
    next.rehearsal = true;
    assert_eq!(breaks_after([first()], next), [Rule::Rehearsal]);

    let mut rehearsed = first_draft();
    rehearsed.rehearsal = true;
    let rehearsed = signed(rehearsed, None, &[A, B]);
    let mut real = draft(&rehearsed, 1, []);
    assert!(real.rehearsal);
    real.rehearsal = false;
    assert_eq!(breaks_after([rehearsed], real), [Rule::Rehearsal]);
}

#[test]
fn rules_have_different_names() {
    let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}
