//! The script runs as it stands, and leaves what the document says.

use std::fs;

use serde_json::Value;

use crate::common::{fences, pith, run};
use crate::lived::{DOCUMENT, Life, script};

const KINDS: [&str; 4] = ["genesis", "rotation", "compromise", "recovery"];

#[test]
fn every_block_of_the_document_is_run_or_has_verbs_that_exist() {
    let names: Vec<_> = script().into_iter().map(|(name, _)| name).collect();
    let parts = [
        "1-room",
        "2-genesis",
        "3-rotation",
        "4-compromise",
        "5-recovery",
        "6-end",
    ];
    assert_eq!(names, parts);
    let mut shown = 0;
    for (mark, text) in fences(DOCUMENT) {
        match mark.as_deref() {
            // Another test runs it.
            Some("run: check-transcript") => {}
            Some(mark) => assert!(mark.starts_with("run: life-"), "{mark}"),
            None => {
                for line in text.lines().filter(|line| line.starts_with("pith ")) {
                    let is_verb = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase());
                    let verb = line.split_whitespace().skip(1).take_while(is_verb);
                    run(pith(verb).arg("--help")).exits(0);
                    shown += 1;
                }
            }
        }
    }
    assert!(shown >= 7, "{shown}");
}

/// The ids of the keys that a bundle carries.
fn keys(bundle: &Value) -> Vec<&str> {
    let keys = bundle["public_keys"].as_array().unwrap().iter();
    keys.map(|key| key["key_id"].as_str().unwrap()).collect()
}

fn number(bundle: &Value) -> &str {
    bundle["pith_number"].as_str().unwrap()
}

#[test]
fn a_registry_lives_as_the_document_says() {
    let life = Life::lead();
    bundles_carry_the_keys_that_signed(&life);
    the_report_says_what_decided(&life);
    transcripts_verify_by_the_published_keyset(&life);

    let emergency = |version: u32| {
        let path = life.home(&format!("keys/history/keyset-{version}.json"));
        let keyset: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        !keyset["emergency"].is_null()
    };
    let emergencies: Vec<_> = (1..=5).filter(|version| emergency(*version)).collect();
    assert_eq!(emergencies, [4]);
    let chain = life.pith(["keyset", "verify"]).exits(0).text();
    assert_eq!(chain.lines().count(), 5, "{chain}");
    let doctor = life.pith(["doctor", "--json"]).exits(0).text();
    let doctor: Value = serde_json::from_str(&doctor).unwrap();
    assert_ne!(doctor["status"], "fail", "{doctor}");
    assert!(!life.home("keys/keyset-draft.json").exists());
    let files = life.files();
    let temporary = files.iter().find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(".pith-") || name.ends_with(".partial")
    });
    assert_eq!(temporary, None);
}

fn bundles_carry_the_keys_that_signed(life: &Life) {
    let first = life.lines("bundles/1.jsonl");
    assert!(first.iter().all(|bundle| keys(bundle) == ["key-1"]));
    let by_2 = life.lines("bundles/resealed-by-2.jsonl");
    let by_3 = life.lines("bundles/resealed-by-3.jsonl");
    assert_eq!((by_2.len(), by_3.len()), (6, 6));
    for old in &first {
        let resealed = |bundles: &[Value]| {
            let mut bundles = bundles.iter();
            bundles
                .find(|new| number(new) == number(old))
                .unwrap()
                .clone()
        };
        let (by_2, by_3) = (resealed(&by_2), resealed(&by_3));
        assert_eq!(keys(&by_2), ["key-2", "key-1"]);
        assert_eq!(keys(&by_3), ["key-3", "key-1"]);
        // Nothing else changes: neither what was signed, nor what it adds up to.
        for member in ["canonical_record", "events", "state"] {
            assert_eq!(by_2[member], old[member], "{member}");
            assert_eq!(by_3[member], old[member], "{member}");
        }
    }
    let third = life.lines("bundles/3.jsonl");
    let of_third = |bundle: &&Value| third.iter().any(|old| number(old) == number(bundle));
    let resealed: Vec<_> = by_3.iter().filter(of_third).map(keys).collect();
    assert_eq!(resealed, [["key-3", "key-2"], ["key-3", "key-2"]]);
}

fn the_report_says_what_decided(life: &Life) {
    let stdout = life.ran.text();
    let forged: Vec<_> = stdout
        .lines()
        .filter(|line| line.contains("UNTRUSTED key.revoked"))
        .collect();
    // Two bundles of two papers: their seals, and two events each.
    assert_eq!(forged.len(), 12, "{forged:#?}");
    let counted = "is not one of the 10 signatures that the keyset knows to be from before";
    for line in forged {
        assert!(line.contains(counted), "{line}");
    }
    assert!(!life.ran.stderr.contains("if you know the key, name it"));
    let good = life.home("bundles/3.jsonl");
    let good = life.pith([&"verify".into(), &"-v".into(), &good.into_os_string()]);
    let good = good.exits(0).text();
    assert!(good.contains("key.revoked"), "{good}");
    assert!(good.contains("to be from before"), "{good}");
}

fn transcripts_verify_by_the_published_keyset(life: &Life) {
    let keyset = life.home("keys/keyset.json");
    let keyset = keyset.to_str().unwrap();
    for kind in KINDS {
        let dir = life.home("ceremonies").join(kind);
        let path = dir.to_str().unwrap();
        life.pith(["ceremony", "verify", path]).exits(0);
        life.outside(["verify", "--keyset", keyset, path]).exits(0);
        // Somebody who knows neither keyset nor custodian has nobody's word for it.
        let stranger = tempfile::tempdir().unwrap();
        let copy = stranger.path().join(kind);
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .args([&dir, &copy])
            .status();
        assert!(copied.unwrap().success());
        let path = copy.to_str().unwrap();
        life.outside(["ceremony", "verify", path]).exits(4);
        life.outside(["verify", "--keyset", keyset, path]).exits(0);
        // An entry that was left out is noticed in each of them.
        let transcript = copy.join("transcript.jsonl");
        let text = fs::read_to_string(&transcript).unwrap();
        let without: String = text
            .lines()
            .enumerate()
            .filter(|(n, _)| *n != 2)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        fs::write(&transcript, without).unwrap();
        life.outside(["verify", "--keyset", keyset, path]).exits(1);
    }
}
