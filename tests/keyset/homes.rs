//! The home that keeps a keyset: publication in steps, and nothing forgotten.

use std::fs;
use std::path::Path;

use pith::home::{Home, HomeError};
use pith::keyset::{
    Edit, Keyset, Leaves, LeavesWriter, Rule, SignedLog, draft_leaves_path, leaves_path,
};
use pith::ledger::{Ledger, SeenKeyset};
use pith::time::Timestamp;
use tempfile::{TempDir, tempdir};

use super::world::*;

const SEEN: &str = "keys/history/published.json";

fn home() -> (TempDir, Home) {
    let folder = tempdir().unwrap();
    let home = Home::init(folder.path(), REGISTRY, "https://registry.invalid").unwrap();
    (folder, home)
}

#[track_caller]
fn rules(error: HomeError) -> Vec<Rule> {
    match error {
        HomeError::Keyset { source, .. } => broken(&source.faults),
        other => panic!("{other}"),
    }
}

fn published(days: &[(Keyset, i64)]) -> (TempDir, Home) {
    let (folder, home) = home();
    for (keyset, at) in days {
        home.publish(keyset, day(*at)).unwrap();
    }
    (folder, home)
}

fn write(path: &Path, keyset: &Keyset) {
    fs::write(path, serde_json::to_vec_pretty(keyset).unwrap()).unwrap();
}

#[test]
fn a_home_keeps_every_version_and_publishes_the_active_key() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1), (third(), 11)]);
    let chain = home.chain().unwrap().unwrap();
    assert_eq!(chain.versions(), [first(), second(), third()]);
    let active = pith::home::read_public_key(&home.signing_key_path()).unwrap();
    assert_eq!(active, object(TWO));
    let keys = home.trusted_keys().unwrap();
    assert_eq!(keys.active().count(), 1);
    assert!(home.draft().unwrap().is_none());
}

#[test]
fn publication_checks_all_rules() {
    let (_folder, home) = home();
    let unsigned = home.publish(&first_draft(), day(0)).unwrap_err();
    assert_eq!(rules(unsigned), [Rule::OwnThreshold]);
    let second_first = home.publish(&second(), day(1)).unwrap_err();
    let second_first = rules(second_first);
    assert!(second_first.contains(&Rule::Link), "{second_first:?}");
    assert!(home.chain().unwrap().is_none(), "nothing was published");
}

#[test]
fn publication_of_what_has_expired_or_is_yet_to_come() {
    let (_folder, home) = home();
    let last = day(365);
    let after = Timestamp::from_unix(last.unix() + 1).unwrap();
    for at in [day(-1), after] {
        let error = home.publish(&first(), at).unwrap_err();
        assert_eq!(rules(error), [Rule::Dates], "{at}");
    }
    // It counts in its last second.
    home.publish(&first(), last).unwrap();
}

#[test]
fn publication_of_another_registrys_keyset() {
    let folder = tempdir().unwrap();
    let other = Home::init(folder.path(), "other.invalid", "https://other.invalid").unwrap();
    let error = other.publish(&first(), day(0)).unwrap_err();
    assert_eq!(rules(error), [Rule::Registry]);
}

#[test]
fn a_key_waits_from_when_it_was_really_published() {
    // The draft that brought key-2 was made on day 1 and lay around until day 9.
    let (_folder, home) = published(&[(first(), 0), (second(), 9)]);
    let error = home.publish(&third(), day(11)).unwrap_err();
    assert_eq!(rules(error), [Rule::PublishSafety]);
    home.publish(&third(), day(19)).unwrap();
}

#[test]
fn a_home_is_never_rolled_back() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
    fs::copy(home.history_path(1), home.keyset_path()).unwrap();
    assert_eq!(rules(home.chain().unwrap_err()), [Rule::Rollback]);
    // Nor to the list that it began with.
    let empty = pith::keys::TrustedKeys::new(Vec::new());
    fs::write(home.keyset_path(), serde_json::to_vec(&empty).unwrap()).unwrap();
    assert_eq!(rules(home.trusted_keys().unwrap_err()), [Rule::Rollback]);
}

/// Takes the files of `keys/` away, and puts those of `copy` in their place.
fn replace_keys(home: &Home, copy: &Path) {
    let keys = home.dir().join("keys");
    fs::remove_dir_all(&keys).unwrap();
    copy_folder(copy, &keys);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => _ = fs::copy(entry.path(), to).unwrap(),
        }
    }
}

#[test]
fn an_older_copy_of_all_of_keys_is_noticed() {
    let (_folder, home) = published(&[]);
    let beside = tempdir().unwrap();
    let save = |name: &str| {
        let copy = beside.path().join(name);
        copy_folder(&home.dir().join("keys"), &copy);
        copy
    };
    let none = save("none");
    home.publish(&first(), day(0)).unwrap();
    let one = save("one");
    home.publish(&second(), day(1)).unwrap();
    let two = save("two");
    for (copy, found) in [
        (&none, "the list that the home began with"),
        (&one, "is version 1"),
    ] {
        replace_keys(&home, copy);
        let error = home.chain().unwrap_err();
        let seen = format!("ledger has seen version 2, digest {}", second().digest());
        let text = error.to_string();
        assert!(text.contains(found) && text.contains(&seen), "{text}");
        assert_eq!(rules(error), [Rule::Rollback]);
        // Nor does anything go on from there.
        let error = home.publish(&second(), day(1)).unwrap_err();
        assert_eq!(rules(error), [Rule::Rollback]);
    }
    // What is newer is no older copy.
    replace_keys(&home, &two);
    home.publish(&third(), day(11)).unwrap();
    let three = save("three");
    replace_keys(&home, &three);
    assert_eq!(home.chain().unwrap().unwrap().latest(), &third());
}

#[test]
fn another_keyset_than_the_ledger_has_seen_is_noticed() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
    let (_other_folder, other) = published(&[(first(), 0)]);
    let edited = edited(second(), [Edit::Expiry(day(200))], 1);
    let edited = signed(edited, Some(&first()), &[A, B]);
    other.publish(&edited, day(1)).unwrap();
    replace_keys(&home, &other.dir().join("keys"));
    let error = home.chain().unwrap_err();
    let text = error.to_string();
    for digest in [second().digest(), edited.digest()] {
        assert!(text.contains(&digest.to_string()), "{text}");
    }
    assert_eq!(rules(error), [Rule::Rollback]);
}

#[test]
fn a_home_whose_ledger_is_lost_or_older_goes_on() {
    let (_folder, home) = published(&[(first(), 0)]);
    let older = tempdir().unwrap();
    let copy = older.path().join("ledger.db");
    fs::copy(home.ledger_path(), &copy).unwrap();
    home.publish(&second(), day(1)).unwrap();
    fs::copy(&copy, home.ledger_path()).unwrap();
    assert_eq!(home.chain().unwrap().unwrap().latest(), &second());
    fs::remove_file(home.ledger_path()).unwrap();
    assert_eq!(home.chain().unwrap().unwrap().latest(), &second());
    home.publish(&third(), day(11)).unwrap();
    assert!(!home.ledger_path().exists());
    // A new one is told when it is next opened to be written to.
    let mut ledger = Ledger::create(&home.ledger_path()).unwrap();
    assert_eq!(ledger.seen_keyset().unwrap(), None);
    home.tell_ledger(&mut ledger).unwrap();
    let (version, digest) = (3, third().digest());
    let seen = Some(SeenKeyset { version, digest });
    assert_eq!(ledger.seen_keyset().unwrap(), seen);
    // It forgets nothing.
    let (version, digest) = (2, second().digest());
    ledger.see_keyset(&SeenKeyset { version, digest }).unwrap();
    assert_eq!(ledger.seen_keyset().unwrap(), seen);
}

#[test]
fn another_version_of_the_same_number_is_noticed() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
    let other = edited(second(), [Edit::Expiry(day(200))], 1);
    let other = signed(other, Some(&first()), &[A, B]);
    write(&home.keyset_path(), &other);
    assert_eq!(rules(home.chain().unwrap_err()), [Rule::Rollback]);
}

#[test]
fn a_missing_version_is_named() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1), (third(), 11)]);
    fs::remove_file(home.history_path(2)).unwrap();
    let error = home.chain().unwrap_err();
    assert!(error.to_string().contains("keyset-2.json"), "{error}");
    assert_eq!(rules(error), [Rule::History]);
}

/// Whatever was written when it was cut off: the home is the old one or the new one, and publishing
/// again completes it.
#[test]
fn whoever_reads_while_a_version_is_published_sees_the_old_one_or_the_new() {
    for _ in 0..20 {
        let (_folder, home) = published(&[(first(), 0)]);
        std::thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                for (keyset, when) in [(second(), 1), (third(), 11)] {
                    write(&home.draft_path(), &keyset);
                    home.publish(&keyset, day(when)).unwrap();
                }
            });
            let mut latest = 1;
            while !publishing.is_finished() {
                let version = home.chain().unwrap().unwrap().latest().version;
                assert!(version >= latest, "{version} after {latest}");
                latest = version;
            }
        });
        assert_eq!(home.chain().unwrap().unwrap().latest(), &third());
    }
}

/// The next publication is about to make it the only copy.
#[test]
fn what_is_in_force_is_kept_whatever_became_of_its_copy() {
    type Harm = fn(&Path);
    let harms: [Harm; 2] = [
        |copy| fs::remove_file(copy).unwrap(),
        |copy| fs::write(copy, "garbage").unwrap(),
    ];
    for harm in harms {
        let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
        harm(&home.history_path(2));
        home.publish(&third(), day(11)).unwrap();
        assert_eq!(home.chain().unwrap().unwrap().latest(), &third());
    }
}

/// A home that was merely found may have come from anywhere.
#[test]
fn a_pipe_in_the_place_of_a_file_of_the_home_keeps_nobody_waiting() {
    for name in [
        "keyset.json",
        "history/keyset-1.json",
        "history/published.json",
    ] {
        let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
        let path = home.dir().join("keys").join(name);
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let error = home.chain().unwrap_err();
        let cause = std::error::Error::source(&error).unwrap();
        let told = format!("{error}: {cause}");
        assert!(told.contains("no regular file"), "{told}");
    }
}

#[test]
fn publication_that_was_cut_off_is_completed() {
    let steps: [fn(&Home, &Home); 4] = [
        |home, done| _ = fs::copy(done.history_path(2), home.history_path(2)).unwrap(),
        |home, done| _ = fs::copy(done.keyset_path(), home.keyset_path()).unwrap(),
        |home, done| _ = fs::copy(done.signing_key_path(), home.signing_key_path()).unwrap(),
        |home, done| _ = fs::copy(done.dir().join(SEEN), home.dir().join(SEEN)).unwrap(),
    ];
    let (_done_folder, done) = published(&[(first(), 0), (second(), 1)]);
    for cut in 0..=steps.len() {
        let (_folder, home) = published(&[(first(), 0)]);
        home.write_draft(&second()).unwrap();
        for step in &steps[..cut] {
            step(&home, &done);
        }
        let version = home.chain().unwrap().unwrap().latest().version;
        assert_eq!(
            version,
            if cut < 2 { 1 } else { 2 },
            "cut after {cut} steps"
        );
        home.publish(&home.draft().unwrap().unwrap(), day(1))
            .unwrap();
        assert_eq!(home.chain().unwrap(), done.chain().unwrap());
        assert_eq!(home.published().unwrap(), done.published().unwrap());
        assert!(home.draft().unwrap().is_none());
    }
}

#[test]
fn when_a_version_was_published_is_not_forgotten() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
    let kept = fs::read(home.dir().join(SEEN)).unwrap();
    fs::remove_file(home.dir().join(SEEN)).unwrap();
    assert_eq!(rules(home.chain().unwrap_err()), [Rule::History]);
    assert_eq!(
        rules(home.publish(&third(), day(11)).unwrap_err()),
        [Rule::History]
    );
    // Of the latest alone, it is not a publication that was cut off unless its draft is there.
    let mut seen: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    seen["versions"].as_array_mut().unwrap().pop().unwrap();
    fs::write(home.dir().join(SEEN), serde_json::to_vec(&seen).unwrap()).unwrap();
    assert_eq!(rules(home.chain().unwrap_err()), [Rule::History]);
    home.write_draft(&second()).unwrap();
    let chain = home.chain().unwrap().unwrap();
    assert!(home.is_cut_off(&chain).unwrap());
    home.publish(&second(), day(1)).unwrap();
    assert!(!home.is_cut_off(&chain).unwrap());
    assert_eq!(home.published().unwrap().len(), 2);
}

fn leaves(path: &Path, count: usize) -> SignedLog {
    let mut leaves = LeavesWriter::create(path).unwrap();
    for n in 0..count {
        leaves
            .push(&pith::digest::Digest::of(&n.to_be_bytes()))
            .unwrap();
    }
    leaves.finish().unwrap()
}

/// What an older version says of a key can be looked up until the next one is in force, and from then
/// on what that one says, wherever its publication was cut off.
#[test]
fn what_a_key_signed_is_replaced_by_publication_alone() {
    let (_folder, home) = published(&[(first(), 0), (second(), 1)]);
    let logs = home.logs_dir();
    fs::create_dir_all(&logs).unwrap();
    let draft_path = draft_leaves_path(&logs, &name(ONE));
    let retired = leaves(&draft_path, 2);
    let second = second();
    let edits = [Edit::Retire(name(ONE), retired), Edit::Activate(name(TWO))];
    let third = signed(draft(&second, 11, edits), Some(&second), &[A, B]);
    home.publish(&third, day(11)).unwrap();
    assert!(!draft_path.exists());
    Leaves::read(&leaves_path(&logs, &name(ONE)), &retired).unwrap();

    let revoked = leaves(&draft_path, 3);
    let revoke = Edit::Revoke(name(ONE), "stolen".to_owned(), revoked);
    let fourth = signed(draft(&third, 12, [revoke]), Some(&third), &[A, B]);
    home.write_draft(&fourth).unwrap();
    Leaves::of_key(&logs, &name(ONE), &retired).unwrap();
    // Cut off once the keyset is in force, before anything has got its name.
    fs::write(home.history_path(4), serde_json::to_vec(&fourth).unwrap()).unwrap();
    write(&home.keyset_path(), &fourth);
    Leaves::of_key(&logs, &name(ONE), &revoked).unwrap();
    home.publish(&fourth, day(12)).unwrap();
    Leaves::read(&leaves_path(&logs, &name(ONE)), &revoked).unwrap();
    assert!(!draft_path.exists());
}

#[test]
fn a_draft_that_was_changed_meanwhile_is_not_replaced() {
    let (_folder, home) = published(&[(first(), 0)]);
    home.write_draft(&second()).unwrap();
    let error = home.replace_draft(None, &third()).unwrap_err();
    assert!(matches!(error, HomeError::DraftChanged { .. }), "{error}");
    assert_eq!(home.draft().unwrap(), Some(second()));
    home.replace_draft(Some(&second()), &third()).unwrap();
    assert_eq!(home.draft().unwrap(), Some(third()));
}

#[test]
fn an_emergency_takes_the_public_key_away() {
    let (_folder, home) = published(&[(first(), 0)]);
    assert!(home.signing_key_path().is_file());
    let edits = [
        Edit::Revoke(name(ONE), "stolen".to_owned(), nothing()),
        Edit::Emergency("key-1 was stolen".to_owned()),
    ];
    let first = first();
    let next = signed(draft(&first, 1, edits), Some(&first), &[A, B]);
    home.publish(&next, day(1)).unwrap();
    assert!(!home.signing_key_path().exists());
}

#[test]
fn a_new_key_is_in_no_keyset_before_custodians_approve_it() {
    let (_folder, home) = published(&[(first(), 0)]);
    assert_eq!(home.add_key(&object(TWO)).unwrap(), None);
    assert_eq!(home.trusted_keys().unwrap().keys.len(), 1);
    assert_eq!(home.public_key(&name(TWO)).unwrap(), object(TWO));
}
