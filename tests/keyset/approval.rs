//! Who approves a keyset, how, and what is refused: at a terminal, without a home, at publication.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::Stdio;

use pith::time::Timestamp;

use super::common::session::Session;
use super::common::{Ran, run};
use super::registry::{GENESIS, Registry};
use super::world::{D, private};

#[test]
fn times_are_set_by_hand_in_rehearsals_only() {
    let registry = Registry::new();
    let refused = registry
        .opening(GENESIS, &["keyset", "draft", "new"])
        .exits(2);
    assert!(
        refused.stderr.contains("keyset.rehearsal"),
        "{}",
        refused.stderr
    );
    let identity = registry.file("identity.txt");
    run(registry
        .home
        .pith(["keyset", "draft", "new", "--identity"])
        .arg(identity))
    .exits(0);
    let refused = registry.custodians(GENESIS, "1", &["custodian-a"]).exits(2);
    assert!(
        refused.stderr.contains("this is no rehearsal"),
        "{}",
        refused.stderr
    );
    let refused = registry.at(GENESIS, &["keyset", "publish"]).exits(2);
    assert!(
        refused.stderr.contains("this is no rehearsal"),
        "{}",
        refused.stderr
    );
}

#[test]
fn custodians_sign_without_a_home() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .custodians("2026-06-02T00:00:00Z", "1", &["custodian-d"])
        .exits(0);
    let digest = registry.digest();
    let elsewhere = tempfile::tempdir().unwrap();
    let carried = |name: &str| elsewhere.path().join(name);
    fs::copy(registry.keys("keyset-draft.json"), carried("draft.json")).unwrap();
    fs::copy(registry.keys("keyset.json"), carried("keyset.json")).unwrap();
    let identity = registry.file("identity.txt");
    let sign = |name: &str, more: &[&str]| {
        let mut command = super::common::pith(["keyset", "sign", "draft.json", "--key"]);
        command
            .current_dir(elsewhere.path())
            .arg(registry.file(&format!("{name}.age")));
        run(command
            .args(["--yes-digest", &digest])
            .args(more)
            .arg("--identity")
            .arg(&identity))
    };
    let unknown = sign("custodian-a", &[]).exits(2);
    assert!(unknown.stderr.contains("--previous"), "{}", unknown.stderr);
    for name in ["custodian-a", "custodian-b", "custodian-d"] {
        sign(name, &["--previous", "keyset.json"]).exits(0);
    }
    fs::copy(carried("draft.json"), registry.keys("keyset-draft.json")).unwrap();
    registry
        .at("2026-06-02T00:00:00Z", &["keyset", "publish"])
        .exits(0);
    // A signing key is no custodian's.
    registry
        .custodians("2026-06-03T00:00:00Z", "1", &["custodian-a"])
        .exits(0);
    let key = registry.keys("test-key.age");
    let digest = registry.digest();
    let args = [
        "keyset",
        "sign",
        "--key",
        key.to_str().unwrap(),
        "--yes-digest",
        &digest,
    ];
    let refused = registry.opening(GENESIS, &args).exits(1);
    assert!(
        refused.stderr.contains("signs no keysets"),
        "{}",
        refused.stderr
    );
}

/// What is seen of a command at a terminal of its own, where `keys` are typed once it asks.
fn typed(command: &str, keys: &str) -> (Option<i32>, String) {
    let mut session = Session::start(command);
    session.answer("Type Yes to sign: ", keys).end()
}

#[test]
fn a_custodian_at_a_terminal_types_yes_and_nothing_less() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .custodians("2026-06-02T00:00:00Z", "1", &["custodian-d"])
        .exits(0);
    let draft = || fs::read(registry.keys("keyset-draft.json")).unwrap();
    let unsigned = draft();
    let quoted = |path: PathBuf| format!("'{}'", path.display());
    let command = format!(
        "{} -C {} keyset sign --key {} --identity {}",
        env!("CARGO_BIN_EXE_pith"),
        quoted(registry.home.dir()),
        quoted(registry.file("custodian-a.age")),
        quoted(registry.file("identity.txt")),
    );
    for keys in ["yes\n", "\n", "Yes please\n"] {
        let (code, seen) = typed(&command, keys);
        assert_eq!(code, Some(1), "{seen}");
        assert!(seen.contains("nothing is signed"), "{seen}");
        assert_eq!(draft(), unsigned, "{keys:?}");
    }
    for keys in ["\u{3}", "\u{4}"] {
        let (code, _) = typed(&command, keys);
        assert_ne!(code, Some(0), "{keys:?}");
        assert_eq!(draft(), unsigned, "{keys:?}");
    }
    let (code, seen) = typed(&command, "Yes\n");
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains(&registry.digest()), "{seen}");
    assert!(
        seen.contains("custodian custodian-d"),
        "what changes is shown: {seen}"
    );
    assert_ne!(draft(), unsigned);
}

#[test]
fn a_keyset_is_verified_as_one_that_follows() {
    let registry = Registry::new();
    registry.genesis();
    registry.rotate();
    let now = "2026-06-12T12:00:00Z";
    let version = |n: u32| registry.keys(&format!("history/keyset-{n}.json"));
    let verify = |trusted: u32, judged: &std::path::Path| {
        let mut command = super::common::pith(["--now", now, "verify", "--keyset"]);
        run(command.arg(version(trusted)).arg(judged))
    };
    let follows = verify(1, &version(2)).exits(0);
    assert!(follows.text().contains("follows"), "{}", follows.text());
    let skipped = verify(1, &version(3)).exits(4);
    assert!(
        skipped.text().contains("does not lead"),
        "{}",
        skipped.text()
    );
    let chain = [version(1), version(2), version(3)];
    run(super::common::pith(["--now", now, "keyset", "verify"]).args(&chain)).exits(0);
    let skipped =
        run(super::common::pith(["--now", now, "keyset", "verify"]).args([&chain[0], &chain[2]]));
    assert!(skipped.exits(1).stderr.contains("keyset.link"));

    // A second version that only its own custodians have signed.
    let text = fs::read(version(2)).unwrap();
    let first = pith::keyset::Keyset::from_slice(&fs::read(version(1)).unwrap()).unwrap();
    let genuine = pith::keyset::Keyset::from_slice(&text).unwrap();
    let mut usurped = genuine.clone();
    usurped.custodians = super::world::custodians(1, &[D]);
    usurped.signatures.clear();
    usurped.sign(Some(&first), &private(D)).unwrap();
    let path = registry.file("usurped.json");
    fs::write(&path, serde_json::to_vec(&usurped).unwrap()).unwrap();
    let judged = verify(1, &path).exits(4);
    assert!(
        judged.text().contains("keyset.previous-threshold"),
        "{}",
        judged.text()
    );
    // And one that was changed.
    usurped.expires_at = super::world::day(1000);
    fs::write(&path, serde_json::to_vec(&usurped).unwrap()).unwrap();
    let judged = verify(1, &path).exits(1);
    assert!(
        judged.text().contains("keyset.own-threshold"),
        "{}",
        judged.text()
    );
    // As the root of trust it is refused just so.
    let refused = run(super::common::pith(["--now", now, "verify", "--keyset"])
        .arg(&path)
        .arg(version(2)));
    assert!(refused.exits(1).stderr.contains("keyset.signature"));
}

#[test]
fn what_an_ending_key_signs_after_it_was_counted_is_found_at_publication() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1], "old.jsonl")
        .exits(0);
    let day_1 = "2026-06-02T00:00:00Z";
    let revoke = [
        "keyset",
        "draft",
        "revoke",
        "test-key",
        "--reason",
        "lost",
        "--emergency",
        "lost",
    ];
    registry.at(day_1, &revoke).exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    let draft = registry.keys("keyset-draft.json");
    let signed = fs::read(&draft).unwrap();
    // Somebody takes the draft away to be able to mint, and puts it back.
    fs::remove_file(&draft).unwrap();
    registry
        .mint("2026-06-01T13:00:00Z", &[2], "more.jsonl")
        .exits(0);
    fs::write(&draft, &signed).unwrap();
    let refused = registry.at(day_1, &["keyset", "publish"]).exits(1);
    assert!(
        refused
            .stderr
            .contains("keyset.signed: key test-key has signed more"),
        "{}",
        refused.stderr
    );
    // Nor is a list taken that is not the one the draft speaks of.
    let leaves = registry.keys("logs/test-key.leaves.draft");
    fs::write(&leaves, "").unwrap();
    let refused = registry.at(day_1, &["keyset", "publish"]).exits(1);
    assert!(
        refused.stderr.contains("keyset.signed"),
        "{}",
        refused.stderr
    );
    // Counted anew it goes through.
    registry
        .at(day_1, &["keyset", "draft", "new", "--force"])
        .exits(0);
    registry.at(day_1, &revoke).exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    registry.at(day_1, &["keyset", "publish"]).exits(0);
    registry.verify(day_1, "more.jsonl").exits(0);
}

/// Each of them reads the draft, is asked for nothing, and writes it: none may write what another has
/// signed away.
#[test]
fn custodians_who_sign_at_once_all_have_signed() {
    let registry = Registry::new();
    registry.genesis();
    let all = ["custodian-a", "custodian-b", "custodian-c", "custodian-d"];
    registry
        .custodians("2026-06-02T00:00:00Z", "4", &all)
        .exits(0);
    let digest = registry.digest();
    for in_home in [true, false] {
        let draft = registry.file("draft.json");
        fs::copy(registry.keys("keyset-draft.json"), &draft).unwrap();
        let running: Vec<_> = all
            .iter()
            .map(|name| {
                let mut command = registry.home.pith(["keyset", "sign", "--key"]);
                command.arg(registry.file(&format!("{name}.age")));
                command.args(["--yes-digest", &digest, "--identity"]);
                command.arg(registry.file("identity.txt"));
                if !in_home {
                    command.arg(&draft);
                }
                command.stdout(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut process in running {
            assert!(process.wait().unwrap().success());
        }
        let path = match in_home {
            true => registry.keys("keyset-draft.json"),
            false => draft,
        };
        let signed = pith::keyset::Keyset::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(signed.tally(&signed).signed.len(), 4, "{in_home}");
        if in_home {
            let mut unsigned = signed;
            unsigned.signatures.clear();
            fs::write(path, serde_json::to_vec(&unsigned).unwrap()).unwrap();
        }
    }
}

/// A copy of the draft for each custodian, signed where no other signature is.
fn signed_apart(registry: &Registry, names: &[&str]) -> Vec<PathBuf> {
    let digest = registry.digest();
    let copies = names.iter().map(|name| {
        let copy = registry.file(&format!("draft-{name}.json"));
        fs::copy(registry.keys("keyset-draft.json"), &copy).unwrap();
        let mut command = registry.home.pith(["keyset", "sign"]);
        command.arg(&copy).arg("--key");
        command.arg(registry.file(&format!("{name}.age")));
        command.args(["--yes-digest", &digest, "--identity"]);
        run(command.arg(registry.file("identity.txt"))).exits(0);
        copy
    });
    copies.collect()
}

#[test]
fn signatures_made_apart_are_brought_together() {
    let registry = Registry::new();
    registry.genesis();
    let day_1 = "2026-06-02T00:00:00Z";
    // One of them leaves with this version, and signs as a custodian of the one before.
    registry
        .custodians(day_1, "2", &["custodian-b", "custodian-c", "custodian-d"])
        .exits(0);
    let copies = signed_apart(&registry, &["custodian-a", "custodian-b", "custodian-d"]);
    let collect = |copies: &[PathBuf]| run(registry.home.pith(["keyset", "collect"]).args(copies));
    let added = collect(&copies[..2]).exits(0);
    let expected = format!(
        "custodian-a\t{}\ncustodian-b\t{}\n",
        copies[0].display(),
        copies[1].display()
    );
    assert_eq!(added.text(), expected);
    assert!(
        added.stderr.contains("2 signatures added"),
        "{}",
        added.stderr
    );
    assert!(
        added.stderr.contains("says whose are missing"),
        "{}",
        added.stderr
    );
    registry.at(day_1, &["keyset", "publish"]).exits(1);
    // A copy that brings nothing is told, and why.
    let unsigned = registry.file("unsigned.json");
    let mut copy: serde_json::Value =
        serde_json::from_slice(&fs::read(&copies[0]).unwrap()).unwrap();
    copy["signatures"] = serde_json::json!([]);
    fs::write(&unsigned, serde_json::to_vec(&copy).unwrap()).unwrap();
    let nothing = collect(&[unsigned.clone(), copies[1].clone()]).exits(0);
    assert_eq!(nothing.text(), "");
    for note in [
        format!("{}: nobody has signed it", unsigned.display()),
        format!(
            "{}: custodian-b's signature is there already",
            copies[1].display()
        ),
    ] {
        assert!(nothing.stderr.contains(&note), "{}", nothing.stderr);
    }
    // What is there already is not added again, whatever else is new.
    let added = collect(&copies).exits(0);
    assert_eq!(
        added.text(),
        format!("custodian-d\t{}\n", copies[2].display())
    );
    assert!(
        added
            .stderr
            .contains("enough have signed: `pith keyset publish`"),
        "{}",
        added.stderr
    );
    assert!(!added.stderr.contains("missing"), "{}", added.stderr);
    let before = fs::read(registry.keys("keyset-draft.json")).unwrap();
    let added = collect(&copies).exits(0);
    assert_eq!(added.text(), "");
    assert!(
        added.stderr.contains("0 signatures added"),
        "{}",
        added.stderr
    );
    assert_eq!(
        fs::read(registry.keys("keyset-draft.json")).unwrap(),
        before
    );
    registry.at(day_1, &["keyset", "publish"]).exits(0);
    // There is nothing to add to.
    let refused = collect(&copies).exits(2);
    assert!(refused.stderr.contains("no draft"), "{}", refused.stderr);
}

#[test]
fn signatures_of_another_draft_or_of_nobody_are_not_collected() {
    let registry = Registry::new();
    registry.genesis();
    let all = ["custodian-a", "custodian-b", "custodian-c"];
    registry
        .custodians("2026-06-02T00:00:00Z", "2", &all)
        .exits(0);
    let older = signed_apart(&registry, &["custodian-a"]).remove(0);
    let other = registry.file("other.json");
    fs::rename(&older, &other).unwrap();
    registry
        .custodians("2026-06-03T00:00:00Z", "2", &all)
        .exits(0);
    let good = signed_apart(&registry, &["custodian-b"]).remove(0);
    let draft = registry.keys("keyset-draft.json");
    let unsigned = fs::read(&draft).unwrap();
    let refused = |copy: &PathBuf, expected: &str| {
        // The good one before it is not added either.
        let ran = run(registry
            .home
            .pith(["keyset", "collect"])
            .args([&good, copy]));
        let stderr = ran.exits(1).stderr;
        assert!(stderr.contains(expected), "{stderr}");
        assert!(stderr.contains(&copy.display().to_string()), "{stderr}");
        assert_eq!(fs::read(&draft).unwrap(), unsigned);
    };
    refused(&other, "it is another draft");
    let altered = |change: fn(&mut serde_json::Value)| {
        let mut copy: serde_json::Value =
            serde_json::from_slice(&fs::read(&good).unwrap()).unwrap();
        change(&mut copy["signatures"][0]);
        let path = registry.file("altered.json");
        fs::write(&path, serde_json::to_vec(&copy).unwrap()).unwrap();
        path
    };
    let stranger = altered(|signature| {
        signature["public_key_fingerprint"] = "00112233445566778899aabbccddeeff".into();
    });
    refused(
        &stranger,
        "keyset.signature: the signature of custodian-b is by no custodian",
    );
    let renamed = altered(|signature| signature["key_id"] = "custodian-a".into());
    refused(&renamed, "is by a key with another name");
    let broken = altered(|signature| {
        let text = signature["signature_b64"].as_str().unwrap();
        let other = if text.starts_with('A') { "B" } else { "A" };
        signature["signature_b64"] = format!("{other}{}", &text[1..]).into();
    });
    refused(&broken, "is not over this keyset");
    // A bad one that is in the draft itself gives way to a good one.
    fs::copy(&broken, &draft).unwrap();
    run(registry.home.pith(["keyset", "collect"]).arg(&good)).exits(0);
    let mended = pith::keyset::Keyset::from_slice(&fs::read(&draft).unwrap()).unwrap();
    assert_eq!(mended.tally(&mended).signed.len(), 1);
    assert_eq!(mended.signatures.len(), 1);
}

#[test]
fn a_threshold_that_cannot_be_met_is_refused_at_once() {
    let registry = Registry::new();
    registry
        .opening(GENESIS, &["keyset", "draft", "new", "--rehearsal"])
        .exits(0);
    let before = fs::read(registry.keys("keyset-draft.json")).unwrap();
    let two = ["custodian-a", "custodian-b"];
    for (threshold, told) in [
        ("0", "is 0, with 2 custodians"),
        ("3", "is 3, with 2 custodians"),
    ] {
        let refused = registry.custodians(GENESIS, threshold, &two).exits(1);
        let told = format!("keyset.threshold: the threshold {told}");
        assert!(refused.stderr.contains(&told), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("--threshold M"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(
        fs::read(registry.keys("keyset-draft.json")).unwrap(),
        before
    );
    registry.custodians(GENESIS, "2", &two).exits(0);
}

#[test]
fn nothing_is_signed_by_a_clock_before_the_keyset_was_made() {
    let registry = Registry::new();
    registry.genesis();
    registry.mint(GENESIS, &[1], "at.jsonl").exits(0);
    let refused = registry
        .mint("2026-05-31T23:59:59Z", &[2], "before.jsonl")
        .exits(1);
    for told in [
        "the clock says 2026-05-31T23:59:59.000000Z",
        "version 1 of the keyset was made at 2026-06-01T00:00:00Z",
        "set the clock right",
    ] {
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
}

/// A first draft that is no rehearsal: with the clock's time, as real ones are.
fn draft_for_good(registry: &Registry) {
    let mut new = registry.home.pith(["keyset", "draft", "new", "--identity"]);
    run(new.arg(registry.file("identity.txt"))).exits(0);
    let mut custodians = registry.home.pith(["keyset", "draft", "custodians"]);
    run(custodians
        .args(["--threshold", "1"])
        .arg(registry.file("custodian-a.json")))
    .exits(0);
}

/// Has its custodian sign it.
fn sign_for_good(registry: &Registry) -> Ran {
    let digest = registry.digest();
    let mut sign = registry
        .home
        .pith(["keyset", "sign", "--yes-digest", &digest, "--key"]);
    sign.arg(registry.file("custodian-a.age"));
    run(sign.arg("--identity").arg(registry.file("identity.txt")))
}

#[test]
fn a_time_left_in_the_environment_fails_a_real_registry() {
    let registry = Registry::new();
    draft_for_good(&registry);
    sign_for_good(&registry).exits(0);
    run(&mut registry.home.pith(["keyset", "publish"])).exits(0);
    run(&mut registry.home.pith(["doctor"])).exits(0);
    let later = "2099-01-01T00:00:00Z";
    let mut doctor = registry.home.pith(["doctor"]);
    let text = run(doctor.env("PITH_NOW", later)).exits(1).text();
    assert!(text.contains("fail  clock: PITH_NOW is set"), "{text}");
    assert!(
        text.contains("`unset PITH_NOW`, unless this is a rehearsal"),
        "{text}"
    );
}

/// Else its keys could take effect before their waiting time is over.
#[test]
fn a_draft_that_is_dated_ahead_is_not_signed() {
    let registry = Registry::new();
    draft_for_good(&registry);
    let draft = registry.keys("keyset-draft.json");
    let text = fs::read_to_string(&draft).unwrap();
    let (_, made) = text.split_once(r#""created_at": ""#).unwrap();
    let (made, _) = made.split_once('"').unwrap();
    let tomorrow = made.parse::<Timestamp>().unwrap().unix() + 86_400;
    let tomorrow = Timestamp::from_unix(tomorrow).unwrap().to_string();
    fs::write(&draft, text.replace(made, &tomorrow)).unwrap();
    let refused = sign_for_good(&registry).exits(1);
    assert!(
        refused
            .stderr
            .contains(&format!("the draft is dated {tomorrow}")),
        "{}",
        refused.stderr
    );
}

#[test]
fn verbs_of_keys_and_keysets_warn_of_a_folder_that_others_can_change() {
    let registry = Registry::new();
    let keys = registry.home.dir().join("keys");
    for verb in [&["key", "list"][..], &["keyset", "status"]] {
        for (mode, told) in [
            (
                0o770,
                Some("keys can be changed by its group (mode 770): `chmod g-w "),
            ),
            (
                0o757,
                Some("keys can be changed by anybody (mode 757): `chmod go-w "),
            ),
            (0o755, None),
        ] {
            fs::set_permissions(&keys, fs::Permissions::from_mode(mode)).unwrap();
            let stderr = registry.at(GENESIS, verb).exits(0).stderr;
            match told {
                Some(told) => assert!(stderr.contains(told), "{stderr}"),
                None => assert!(!stderr.contains("can be changed"), "{stderr}"),
            }
        }
    }
}

#[test]
fn a_draft_that_was_thrown_away_leaves_what_is_published_as_it_is() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1], "old.jsonl")
        .exits(0);
    registry.rotate();
    let leaves = registry.keys("logs/test-key.leaves");
    let published = fs::read(&leaves).unwrap();
    // Another file of the same name would be another one on the disk.
    let file = fs::metadata(&leaves).unwrap().ino();
    let day_12 = "2026-06-13T00:00:00Z";
    // The bundle is sealed anew by key-2: what the old key had signed stays in the list all the same.
    let resealed = registry.file("resealed.jsonl");
    let args = ["bundle", "--all", "-o", resealed.to_str().unwrap()];
    registry.opening(day_12, &args).exits(0);
    let revoke = ["keyset", "draft", "revoke", "test-key", "--reason", "lost"];
    registry.at(day_12, &revoke).exits(0);
    let drafted = fs::read(registry.keys("logs/test-key.leaves.draft")).unwrap();
    assert!(drafted.starts_with(&published));
    registry
        .at(day_12, &["keyset", "draft", "new", "--force"])
        .exits(0);
    assert_eq!(fs::read(&leaves).unwrap(), published);
    assert_eq!(fs::metadata(&leaves).unwrap().ino(), file);
}

/// More seconds than a keyset can write.
#[test]
fn windows_of_more_than_a_hundred_years_are_refused() {
    let registry = Registry::new();
    registry.genesis();
    for flag in ["--publish-safety", "--retire-safety"] {
        let args = ["keyset", "draft", "policy", flag, "49711"];
        let refused = registry.at("2026-06-02T00:00:00Z", &args).exits(2);
        assert!(refused.stderr.contains("36500"), "{}", refused.stderr);
    }
    let profile = registry.home.dir().join("registry.toml");
    let text = fs::read_to_string(&profile).unwrap();
    let kept: String = text
        .lines()
        .take_while(|line| line.trim() != "[keyset]")
        .map(|line| format!("{line}\n"))
        .collect();
    for (name, days) in [("publish_safety_days", 49_711), ("lifetime_days", 65_535)] {
        fs::write(&profile, format!("{kept}[keyset]\n{name} = {days}\n")).unwrap();
        let refused = registry.at(GENESIS, &["keyset", "status"]).exits(5);
        let told = format!("keyset: {name} is {days}, and 36500 is the most");
        assert!(refused.stderr.contains(&told), "{}", refused.stderr);
    }
}

#[test]
fn policies_are_changed_in_days() {
    let registry = Registry::new();
    registry.genesis();
    let day_1 = "2026-06-02T00:00:00Z";
    let change = ["keyset", "draft", "policy", "--publish-safety", "20"];
    registry.at(day_1, &change).exits(0);
    let draft = fs::read(registry.keys("keyset-draft.json")).unwrap();
    let policy = pith::keyset::Keyset::from_slice(&draft).unwrap().policy;
    assert_eq!(policy.publish_safety_seconds, 20 * 24 * 60 * 60);
    assert_eq!(policy.retire_safety_seconds, 30 * 24 * 60 * 60);
    registry.at(day_1, &["keyset", "draft", "policy"]).exits(2);
}
