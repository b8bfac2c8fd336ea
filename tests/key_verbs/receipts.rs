use std::fs;

use pith::bundle::Bundle;
use pith::event::Payload;

use super::common::{Home, Ran, papers, run};

const LATER: &str = "2026-06-18T00:30:44.000001Z";
const AFTER_THAT: &str = "2026-07-18T00:30:44.000001Z";

fn minted(count: usize) -> Home {
    let home = Home::new();
    fs::write(home.beside("papers.jsonl"), papers(count)).unwrap();
    home.mint_to(&home.beside("papers.jsonl"), &home.beside("first.jsonl"));
    home
}

fn at(home: &Home, now: &str, arguments: &[&str]) -> Ran {
    let mut command = home.pith(["--now", now]);
    run(command
        .args(arguments)
        .arg("--identity")
        .arg(home.beside("identity.txt")))
}

/// The bundle of paper `n`, which must verify.
fn bundle(home: &Home, now: &str, n: usize) -> Bundle {
    let id = format!("2402.{n:05}");
    let wire = at(home, now, &["bundle", &id]).exits(0).stdout;
    fs::write(home.beside("bundle.json"), &wire).unwrap();
    let verify = ["--now", now, "verify"];
    run(home.pith(verify).arg(home.beside("bundle.json"))).exits(0);
    Bundle::from_slice(&wire).unwrap()
}

fn receipts(bundle: &Bundle) -> Vec<&pith::receipt::Receipt> {
    let events = bundle.events.iter();
    events
        .filter_map(|event| match &event.payload {
            Payload::RecordCreated(payload) => Some(&payload.receipt),
            _ => None,
        })
        .collect()
}

#[test]
fn a_receipt_is_reissued_and_the_old_one_stays() {
    let home = minted(2);
    let before = bundle(&home, super::common::NOW, 1);
    let ran = at(
        &home,
        LATER,
        &["receipt", "reissue", "2402.00001", "--json"],
    )
    .exits(0);
    let line: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(line["last_reissued_at"], LATER);
    assert_eq!(line["first_computed_at"], super::common::NOW);

    let after = bundle(&home, LATER, 1);
    assert_eq!(after.canonical_record, before.canonical_record);
    assert_eq!(after.events.len(), 3);
    let [old, new] = receipts(&after)[..] else {
        panic!("{} receipts", receipts(&after).len())
    };
    assert_eq!(receipts(&before), [old]);
    assert_eq!(new.last_reissued_at.to_string(), LATER);
    assert_eq!(new.first_computed_at, old.first_computed_at);
    assert_eq!(new.builder_version, old.builder_version);
    let state = &after.state;
    assert_eq!(state.equivocation_count, 0);
    let created = state.current.record_created.as_ref().unwrap();
    assert_eq!(created.event_id.to_string(), line["event_id"]);
    assert_eq!(line["supersedes"][0], before.events[0].event_id.to_string());
    run(&mut home.pith(["ledger", "check"])).exits(0);
    assert_eq!(
        bundle(&home, LATER, 2).events.len(),
        2,
        "the other paper is as it was"
    );
}

#[test]
fn a_receipt_can_be_reissued_again_but_not_back_in_time() {
    let home = minted(1);
    at(&home, AFTER_THAT, &["receipt", "reissue", "2402.00001"]).exits(0);
    for now in [LATER, AFTER_THAT, super::common::NOW] {
        let said = at(&home, now, &["receipt", "reissue", "2402.00001"])
            .exits(1)
            .stderr;
        assert!(said.contains("set the clock right"), "{said}");
    }
    let last = "2026-08-18T00:30:44.000001Z";
    at(&home, last, &["receipt", "reissue", "2402.00001"]).exits(0);
    let bundle = bundle(&home, last, 1);
    assert_eq!(bundle.events.len(), 4);
    assert_eq!(bundle.state.equivocation_count, 0);
    let kept = receipts(&bundle)
        .iter()
        .all(|r| r.first_computed_at.to_string() == super::common::NOW);
    assert!(kept);
}

#[test]
fn after_a_rotation_everything_is_reissued_and_resealed_under_the_new_key() {
    let home = minted(300);
    let recipient = fs::read_to_string(home.beside("identity.txt")).unwrap();
    let identity: age::x25519::Identity = recipient.trim().parse().unwrap();
    let recipient = identity.to_public().to_string();
    let generate = [
        "key",
        "generate",
        "--id",
        "new-key",
        "--recipient",
        &recipient,
    ];
    run(&mut home.pith(generate)).exits(0);
    let keyset = home.dir().join("keys/keyset.json");
    super::replace(&keyset, "\"active\"", "\"retired\"");
    super::replace(&keyset, "\"next\"", "\"active\"");

    let all = ["receipt", "reissue", "--all", "--stale"];
    let said = at(&home, LATER, &all).exits(0).stderr;
    assert!(
        said.contains("re-issued 300 receipts under new-key"),
        "{said}"
    );
    let said = at(&home, AFTER_THAT, &all).exits(0).stderr;
    assert!(
        said.contains("re-issued 0 receipts under new-key; 300 had one"),
        "{said}"
    );
    let out = home.beside("all.jsonl");
    at(
        &home,
        LATER,
        &["bundle", "--all", "-o", out.to_str().unwrap()],
    )
    .exits(0);
    run(home.pith(["--now", LATER, "verify"]).arg(&out)).exits(0);
    let lines = fs::read_to_string(&out).unwrap();
    assert_eq!(lines.lines().count(), 300);
    for line in lines.lines().step_by(50) {
        let bundle = Bundle::from_slice(line.as_bytes()).unwrap();
        let keys: Vec<_> = bundle
            .public_keys
            .iter()
            .map(|key| key.key_id.as_str())
            .collect();
        assert_eq!(keys, ["new-key", "test-key"]);
        assert_eq!(bundle.bundle_signature.key_id.as_str(), "new-key");
    }
    run(&mut home.pith(["ledger", "check"])).exits(0);
    // The seals are in the ledger: the same bundles are written again without a key.
    let again = home.beside("again.jsonl");
    run(home.pith(["bundle", "--all", "-o"]).arg(&again)).exits(0);
    assert_eq!(fs::read_to_string(&again).unwrap(), lines);
    run(home
        .pith(["--now", LATER, "verify"])
        .arg(home.beside("first.jsonl")))
    .exits(0);
}
