//! Ceremonies of a registry that has a keyset: what their runbooks take over, and what they write down.

use std::fs;

use serde_json::Value;

use super::common::{Ran, run};
use super::registry::{GENESIS, Registry};
use pith::digest::Digest;

/// A day on which `key-2` waits, and one on which it may take over.
const WAITING: &str = "2026-06-03T00:00:00Z";
const READY: &str = "2026-06-13T00:00:00Z";

/// From when on it may.
const DUE: &str = "2026-06-12T00:00:00Z";

/// A registry that published `key-2` as `next` on the second of June.
fn with_next() -> Registry {
    let registry = Registry::new();
    registry.genesis();
    registry.generate("key-2");
    let day = "2026-06-02T00:00:00Z";
    registry
        .opening(day, &["keyset", "draft", "add", "key-2"])
        .exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    registry.at(day, &["keyset", "publish"]).exits(0);
    registry
}

fn plan(registry: &Registry, now: &str, kind: &str, new_key: &str, name: &str) -> Ran {
    let args = ["ceremony", "plan", kind, "--rehearsal", "--name", name];
    registry.at(now, &[&args[..], &["--new-key", new_key]].concat())
}

fn runbook(registry: &Registry, now: &str, kind: &str) -> String {
    let name = format!("{kind}-{}", &now[..10]);
    plan(registry, now, kind, "key-2", &name).exits(0);
    let path = format!("ceremonies/{name}/runbook.md");
    let text = fs::read_to_string(registry.home.dir().join(path)).unwrap();
    for line in text.lines().filter(|line| line.starts_with("##")) {
        let apart = format!("\n\n{line}\n");
        assert!(
            text.contains(&apart),
            "`{line}` follows a text directly: {text}"
        );
    }
    assert!(!text.contains("pith key generate"), "{text}");
    assert!(!text.contains("pith key split"), "{text}");
    assert!(!text.contains("pith keyset draft add"), "{text}");
    assert!(text.contains("pith key check key-2"), "{text}");
    assert!(text.contains("pith keyset draft activate key-2"), "{text}");
    text
}

#[test]
fn a_rotation_takes_over_a_key_that_is_next() {
    let registry = with_next();
    let waiting = runbook(&registry, WAITING, "rotation");
    assert!(!waiting.contains("## Part A"), "{waiting}");
    assert!(waiting.contains(&format!("## Part B: change over, not before {DUE}")));
    assert!(waiting.contains(&format!("export PITH_NOW={DUE}")));
    // Thirty days later than the change.
    assert!(
        waiting.contains("not before 2026-07-12T00:00:00Z"),
        "{waiting}"
    );
    let ready = runbook(&registry, READY, "rotation");
    assert!(ready.contains("## Part B: change over, not before 2026-06-13T00:00:01Z"));
    // The clock is not set back.
    assert!(
        !ready.contains(&format!("export PITH_NOW={DUE}")),
        "{ready}"
    );
    // A key that is yet to be made has to wait; the one that stands by is named.
    let other = plan(&registry, READY, "rotation", "key-3", "other").exits(0);
    assert!(
        other.stderr.contains("`--new-key key-2` lets it take over"),
        "{}",
        other.stderr
    );
}

#[test]
fn a_compromise_takes_over_a_key_that_is_next() {
    let registry = with_next();
    let waiting = runbook(&registry, WAITING, "compromise");
    assert!(
        waiting.contains("--emergency \"test-key compromised\""),
        "{waiting}"
    );
    assert!(
        waiting.contains(&format!("## Part B: not before {DUE}")),
        "{waiting}"
    );
    let ready = runbook(&registry, READY, "compromise");
    assert!(!ready.contains("--emergency"), "{ready}");
    assert!(!ready.contains("Part B"), "{ready}");
    // Its commands make a version that is fit, in their order.
    let draft = |args: &[&str]| registry.at(READY, &[&["keyset", "draft"], args].concat());
    draft(&["new", "--rehearsal"]).exits(0);
    draft(&["activate", "key-2"]).exits(0);
    let revoked = draft(&["revoke", "test-key", "--reason", "stolen"]).exits(0);
    assert!(
        !revoked.stderr.contains("not yet fit"),
        "{}",
        revoked.stderr
    );
    registry.sign(&["custodian-a", "custodian-b"]);
    registry.at(READY, &["keyset", "publish"]).exits(0);
    let ended = plan(&registry, READY, "rotation", "test-key", "back").exits(1);
    assert!(
        ended.stderr.contains("test-key is revoked"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_rehearsal_that_is_behind_the_last_one_is_told_of_pith_now() {
    let registry = with_next();
    let early = GENESIS;
    let refused = [
        plan(&registry, early, "rotation", "key-2", "early"),
        registry.at(early, &["keyset", "draft", "new", "--rehearsal"]),
    ];
    for ran in refused {
        let stderr = ran.exits(1).stderr;
        assert!(
            stderr.contains("was made at 2026-06-02T00:00:00Z"),
            "{stderr}"
        );
        assert!(
            stderr.contains("set PITH_NOW, or --now, to a later one"),
            "{stderr}"
        );
    }
    assert!(!registry.home.dir().join("ceremonies/early").exists());
    let doctor = registry.at(early, &["doctor"]).exits(1).text();
    assert!(
        doctor.contains("version 2 of the keyset is of 2026-06-02T00:00:00"),
        "{doctor}"
    );
    assert!(
        doctor.contains("set PITH_NOW, or --now, to a later one"),
        "{doctor}"
    );
    // The runbook begins with the time, and ends with how the next one goes on.
    let text = runbook(&registry, WAITING, "rotation");
    let set = text.find("export PITH_NOW=2026-06-03T00:00:01Z").unwrap();
    assert!(set < text.find("pith doctor").unwrap(), "{text}");
    assert!(
        text.contains("IF another rehearsal is to follow in this home"),
        "{text}"
    );
}

#[test]
fn the_file_of_leaves_is_a_product_of_its_publication() {
    let registry = with_next();
    registry.mint(WAITING, &[1], "old.jsonl").exits(0);
    plan(&registry, READY, "rotation", "key-2", "c").exits(0);
    for edit in [["activate", "key-2"], ["retire", "test-key"]] {
        let args = [&["keyset", "draft"], &edit[..]].concat();
        registry.at(READY, &args).exits(0);
    }
    registry.sign(&["custodian-a", "custodian-b"]);
    let dir = registry.home.dir().join("ceremonies/c");
    let publish = ["--now", "2026-06-13T00:00:01Z", "keyset", "publish"];
    run(registry.home.pith(publish).env("PITH_CEREMONY", &dir)).exits(0);
    let transcript = fs::read_to_string(dir.join("transcript.jsonl")).unwrap();
    let entry: Value = serde_json::from_str(transcript.lines().last().unwrap()).unwrap();
    let files = entry["files"].as_array().unwrap();
    let mut places = files
        .iter()
        .filter(|file| file["place"]["path"] == "keys/logs/test-key.leaves");
    let leaves = places.next().expect("the file of leaves is recorded");
    assert_eq!(leaves["role"], "written");
    let bytes = fs::read(registry.keys("logs/test-key.leaves")).unwrap();
    assert!(!bytes.is_empty());
    assert_eq!(leaves["sha256"], Digest::of(&bytes).to_string());
}
