//! Closing a ceremony, and who vouches for it.

use std::fs;

use crate::common::run;
use crate::fixture::{Ceremony, fails_by};

#[test]
fn known_witnesses_vouch_and_others_do_not() {
    let c = Ceremony::new().with_remarks();
    let (a, b) = (c.custodian("custodian-a", 1), c.custodian("custodian-b", 2));
    let closed = c.close(&[&a, &b]).exits(0);
    assert!(closed.stderr.contains("4 entries"), "{}", closed.stderr);
    assert!(closed.stderr.contains("2 witnesses"), "{}", closed.stderr);
    c.verify(&[]).exits(4);
    let text = c.verify(&[&b]).exits(0).text();
    assert!(
        text.contains("ok        transcript.witness: witness custodian-b"),
        "{text}"
    );
    assert!(
        text.contains("note      transcript.witness: witness custodian-a"),
        "{text}"
    );
    let count = "known here are 1 of those who have signed the head; the opening asks for 2";
    assert!(text.contains(count), "{text}");
    // Somebody of another name with a known key, or of a known name with another key.
    let other = c.custodian("custodian-x", 2);
    c.verify(&[&other]).exits(4);
    // Who is known under two names is known, whichever was named first.
    for known in [[&other, &b], [&b, &other]] {
        c.verify(&known).exits(0);
    }
    let other = c.custodian("custodian-b", 3);
    c.verify(&[&other]).exits(4);
}

#[test]
fn a_signature_that_does_not_hold_is_fatal() {
    let c = Ceremony::new().with_remarks();
    let (a, b) = (c.custodian("custodian-a", 1), c.custodian("custodian-b", 2));
    c.close(&[&a, &b]).exits(0);
    let path = c.path("closing.json");
    let whole = fs::read_to_string(&path).unwrap();
    let mut closing: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let first = closing["witnesses"][0]["signature_b64"].clone();
    closing["witnesses"][1]["signature_b64"] = first;
    fs::write(&path, closing.to_string()).unwrap();
    fails_by(c.verify(&[&a]), "transcript.witness");
    let mut closing: serde_json::Value = serde_json::from_str(&whole).unwrap();
    closing["witnesses"][1] = closing["witnesses"][0].clone();
    fs::write(&path, closing.to_string()).unwrap();
    fails_by(c.verify(&[&a]), "transcript.witness");
}

#[test]
fn a_key_that_does_not_open_closes_nothing() {
    let c = Ceremony::new();
    let (a, b) = (c.custodian("custodian-a", 1), c.custodian("custodian-b", 2));
    let mut command = c.pith(["ceremony", "close", "--witness"]);
    command.arg(&a.key).arg("--identity").arg(&b.identity);
    run(&mut command).exits(6);
    // The failure is written down, and the ceremony goes on.
    let entry = c.entries().pop().unwrap();
    assert_eq!((entry.exit, entry.products), (6, None));
    assert!(!c.path("closing.json").exists());
    c.run(&["ceremony", "log", "the wrong identity"]).exits(0);
    // A registry's signing key is no custodian's.
    let key = c.home.dir().join("keys/test-key.age");
    let refused = run(c.pith(["ceremony", "close", "--witness"]).arg(key)).exits(1);
    assert!(
        refused
            .stderr
            .contains("is a signing key, which is no witness"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_is_closed_stays_so_but_witnesses_may_follow() {
    let c = Ceremony::new();
    let (a, b) = (c.custodian("custodian-a", 1), c.custodian("custodian-b", 2));
    c.run(&["ceremony", "log", "one"]).exits(0);
    c.close(&[&a]).exits(0);
    let lines = c.lines();
    c.run(&["key", "list"]).exits(0);
    let refused = c.run(&["ceremony", "log", "two"]).exits(1);
    assert!(refused.stderr.contains("is closed"), "{}", refused.stderr);
    c.close(&[]).exits(1);
    let again = c.close(&[&a]).exits(1);
    assert!(
        again.stderr.contains("has signed already"),
        "{}",
        again.stderr
    );
    c.close(&[&b]).exits(0);
    assert_eq!(c.lines(), lines);
    let text = c.verify(&[&a, &b]).exits(0).text();
    assert!(text.contains("ok        transcript.witness: witness custodian-a"));
    assert!(text.contains("ok        transcript.witness: witness custodian-b"));
}

/// A crash between the last entry and the closing: the same command goes on.
#[test]
fn a_closing_that_was_lost_is_made_again() {
    let c = Ceremony::new();
    let a = c.custodian("custodian-a", 1);
    c.close(&[]).exits(0);
    fs::remove_file(c.path("closing.json")).unwrap();
    let text = c.verify(&[]).exits(4).text();
    assert!(text.contains("note      transcript.closing"), "{text}");
    c.close(&[&a]).exits(0);
    c.verify(&[&a]).exits(0);
}

#[test]
fn verify_takes_ceremonies_among_other_documents() {
    let c = Ceremony::new().with_remarks();
    fs::write(c.path("bundle.json"), crate::common::published()).unwrap();
    run(c.home.pith(["verify"]).arg(&c.dir)).exits(4);
    let paths = ["transcript.jsonl", "ceremony.json"].map(|name| c.path(name));
    let both = run(c.home.pith(["verify", "--json"]).args(paths))
        .exits(4)
        .text();
    assert_eq!(both.matches("\"kind\":\"transcript\"").count(), 2, "{both}");
    let three = run(c
        .home
        .pith(["verify"])
        .arg(c.path("bundle.json"))
        .arg(&c.dir))
    .exits(4);
    assert!(
        three
            .text()
            .ends_with("2 documents: 1 verified, 1 untrusted, 0 failed\n")
    );
    // A copy that was given another name is known by what is in it.
    let copy = c.home.beside("copy.txt");
    fs::copy(c.path("transcript.jsonl"), &copy).unwrap();
    fails_by(
        run(c.home.pith(["verify"]).arg(&copy)),
        "transcript.opening",
    );
}

/// No crash can have left it, and an entry that tells of it would break the chain that was signed.
#[test]
fn what_stands_behind_the_closing_is_not_repaired() {
    let c = Ceremony::new().with_remarks();
    let a = c.custodian("custodian-a", 1);
    c.close(&[&a]).exits(0);
    let closed = fs::read(c.path("transcript.jsonl")).unwrap();
    c.verify(&[&a]).exits(0);
    let mut more = closed.clone();
    more.extend_from_slice(b"{\"seq\":5");
    fs::write(c.path("transcript.jsonl"), &more).unwrap();
    for args in [
        &["ceremony", "log", "--repair"][..],
        &["ceremony", "log", "x"],
        &["ceremony", "status"],
        &["key", "list"],
    ] {
        let refused = c.run(args).exits(1);
        let told = "8 bytes stand behind the entry that closed the ceremony";
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
        assert!(refused.stderr.contains("stop here"), "{}", refused.stderr);
    }
    assert_eq!(fs::read(c.path("transcript.jsonl")).unwrap(), more);
    assert!(!c.path("torn-line-5.txt").exists());
    fails_by(c.verify(&[&a]), "transcript.torn");
    // What was signed is still what stands before it.
    fs::write(c.path("transcript.jsonl"), &closed).unwrap();
    c.verify(&[&a]).exits(0);
    let refused = c.run(&["ceremony", "log", "--repair"]).exits(1);
    assert!(refused.stderr.contains("is closed"), "{}", refused.stderr);
}
