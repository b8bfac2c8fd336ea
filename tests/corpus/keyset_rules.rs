//! Keysets that break a rule though their custodians have signed them, steps from one to the next, and
//! what keysets say of signatures (KEYSET.md).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pith::conformance::CaseKind::{Bundle, Event, Keyset, Receipt};
use pith::digest::Digest;
use pith::keyset::{self, Edit, MerkleTree, SignedLog};
use serde_json::{Value, json};

use super::keyset_world as kw;
use super::make::{Making, bad, ok, untrusted};
use super::world::*;

pub fn value_of(keyset: &keyset::Keyset) -> Value {
    serde_json::from_slice(&pith::canonical::to_vec(keyset).unwrap()).unwrap()
}

/// The keyset with these custodians' signatures, whatever it says.
pub fn signed(keyset: &Value, by: &[u8]) -> Value {
    let mut message = b"pith-keyset-v1\0".to_vec();
    message.extend(pith::canonical::to_vec_without(keyset, &["signatures"]).unwrap());
    let sign = |n: &u8| {
        let custodian = kw::custodian(*n);
        json!({"key_id": custodian.key_id, "public_key_fingerprint": custodian.key.fingerprint(),
            "signature_b64": BASE64.encode(kw::private(*n).sign(&message))})
    };
    with(
        keyset,
        "/signatures",
        by.iter().map(sign).collect::<Vec<_>>(),
    )
}

/// The Merkle tree over what a key has signed.
fn log_of(leaves: &[String]) -> SignedLog {
    let mut tree = MerkleTree::new();
    for leaf in leaves {
        tree.push(leaf.parse::<Digest>().unwrap().as_bytes());
    }
    SignedLog::of(&tree)
}

/// What key-1 is known to have signed: a bundle and its events.
fn leaves() -> Vec<String> {
    let bundle = minted();
    let events = bundle["events"].as_array().unwrap().iter();
    let events = events.map(|event| event["content_sha256"].clone());
    let all = events.chain([bundle["bundle_signature"]["bundle_sha256"].clone()]);
    all.map(|leaf| leaf.as_str().unwrap().to_owned()).collect()
}

/// Version 3 in which key-1 is revoked.
fn revoking() -> keyset::Keyset {
    let second = kw::second();
    let reason = "the laptop was stolen".to_owned();
    let edits = [
        Edit::Revoke(kw::name(kw::ONE), reason, log_of(&leaves())),
        Edit::Activate(kw::name(kw::TWO)),
    ];
    kw::signed(
        kw::draft(&second, 11, edits),
        Some(&second),
        &[kw::B, kw::C],
    )
}

fn rehearsal() -> keyset::Keyset {
    let first = keyset::Keyset::first(
        kw::REGISTRY.to_owned(),
        kw::POLICY,
        true,
        kw::day(0),
        kw::day(365),
    );
    let custodians = kw::custodians(2, &[kw::A, kw::B, kw::C]);
    let edits = [kw::add(kw::ONE), Edit::Custodians(custodians)];
    kw::signed(kw::edited(first, edits, 0), None, &[kw::A, kw::B])
}

/// Keysets that cases are judged with, and what revoked keys have signed beside them.
pub fn files(making: &mut Making) {
    let mut put = |path: &str, keyset: &keyset::Keyset| {
        making.file(path, pith::canonical::to_vec(keyset).unwrap());
    };
    put("keys/keyset-1.json", &kw::first());
    put("keys/keyset-2.json", &kw::second());
    put("keys/keyset-3.json", &kw::third());
    put("keys/keyset-rehearsal.json", &rehearsal());
    let revoking = revoking();
    for folder in [
        "revoked",
        "revoked-without-leaves",
        "revoked-with-other-leaves",
    ] {
        put(&format!("keys/{folder}/keyset-3.json"), &revoking);
    }
    let text = |leaves: &[String]| {
        leaves
            .iter()
            .map(|leaf| leaf.clone() + "\n")
            .collect::<String>()
    };
    let all = leaves();
    let mut other = all.clone();
    other.swap(0, 1);
    making.file("keys/revoked/logs/key-1.leaves", text(&all).into_bytes());
    let path = "keys/revoked-with-other-leaves/logs/key-1.leaves";
    making.file(path, text(&other).into_bytes());
}

pub fn make(making: &mut Making) {
    rehearsals(making);
    rules(making);
    steps(making);
    words(making);
}

fn rehearsals(making: &mut Making) {
    let chain = untrusted("keyset.chain").noting("keyset.rehearsal");
    making.value(
        Keyset,
        "keyset of a rehearsal",
        &value_of(&rehearsal()),
        chain,
    );
}

/// Broken by itself, and signed as it is.
fn rules(making: &mut Making) {
    let base = value_of(&kw::first());
    let key = |member: &str| format!("/keys/0/{member}");
    let at = |place: &str, value: Value| with(&base, place, value);
    let second_key = with(
        &base["keys"][0],
        "/key",
        serde_json::to_value(kw::object(kw::TWO)).unwrap(),
    );
    let second_key = with(
        &second_key,
        "/possession_b64",
        serde_json::to_value(kw::possession(kw::TWO)).unwrap(),
    );
    let twice = with(&second_key, "/key/key_id", "key-1");
    let by_custodian = with(&base["keys"][0], "/key", {
        let object = key_object(kw::public(kw::A).as_bytes(), "key-1");
        with(&object, "/url", format!("{BASE}/pith-signing-key.json"))
    });
    let next = |entry: &Value| with(entry, "/status", "next");
    let ended = with(
        &at(&key("status"), json!("retired")),
        "/emergency",
        "the key is lost",
    );
    let ended = with(&ended, "/keys/0/valid_until", base["created_at"].clone());
    let ended = with(
        &ended,
        "/keys/0/signed",
        json!({"count": 0, "merkle_root": Digest::of(&[]).to_string()}),
    );
    let revoked = with(&ended, "/keys/0/status", "revoked");
    let why = |reason: &str, at: &str| {
        with(
            &revoked,
            "/keys/0/revocation",
            json!({"reason": reason, "at": at}),
        )
    };
    let made = base["created_at"].as_str().unwrap();
    let cases: Vec<(&str, Value, bool)> = vec![
        ("as it was", base.clone(), true),
        ("of version 0", at("/version", json!(0)), false),
        (
            "that is the first and names another",
            at("/previous", json!("0".repeat(64))),
            false,
        ),
        (
            "that expires as it is made",
            at("/expires_at", base["created_at"].clone()),
            false,
        ),
        (
            "with a threshold of none",
            at("/custodians/threshold", json!(0)),
            false,
        ),
        (
            "with a threshold of all",
            at("/custodians/threshold", json!(3)),
            false,
        ),
        (
            "with two active keys",
            at("/keys", json!([base["keys"][0], second_key])),
            false,
        ),
        (
            "with an active key and the next",
            at("/keys", json!([base["keys"][0], next(&second_key)])),
            true,
        ),
        (
            "with two keys of one name",
            at("/keys", json!([base["keys"][0], next(&twice)])),
            false,
        ),
        (
            "with a key that is there twice",
            at("/keys", json!([base["keys"][0], next(&base["keys"][0])])),
            false,
        ),
        (
            "with a key that is a custodian's",
            at("/keys", json!([by_custodian])),
            false,
        ),
        ("without a key", at("/keys", json!([])), false),
        (
            "without a key in an emergency",
            with(&at("/keys", json!([])), "/emergency", "the key is lost"),
            true,
        ),
        (
            "in an emergency with an active key",
            at("/emergency", json!("the key is lost")),
            false,
        ),
        (
            "with a key of another registry",
            at(&key("signer_id"), json!("other.invalid")),
            false,
        ),
        (
            "with a key for authors",
            at(&key("signer_types"), json!(["author"])),
            false,
        ),
        (
            "with a key for authors too",
            at(&key("signer_types"), json!(["pith_registry", "author"])),
            false,
        ),
        (
            "with another key's possession",
            at(
                &key("possession_b64"),
                serde_json::to_value(kw::possession(kw::TWO)).unwrap(),
            ),
            false,
        ),
        (
            "with a key that was published before",
            at(&key("published_at"), json!("2026-05-01T00:00:00Z")),
            false,
        ),
        (
            "with an active key that has ended",
            at(&key("valid_until"), json!("2026-06-01T00:00:00Z")),
            false,
        ),
        (
            "with an active key that was revoked",
            at(&key("revocation"), json!({"reason": "x", "at": made})),
            false,
        ),
        (
            "with an active key whose signatures are counted",
            at(&key("signed"), ended["keys"][0]["signed"].clone()),
            false,
        ),
        (
            "with a key that begins before it is published",
            at(&key("valid_from"), json!("2026-05-01T00:00:00Z")),
            false,
        ),
        ("with a retired key", ended.clone(), true),
        (
            "with a retired key without an end",
            with(&ended, "/keys/0/valid_until", Value::Null),
            false,
        ),
        (
            "with a retired key that ends later",
            with(&ended, "/keys/0/valid_until", "2026-07-01T00:00:00Z"),
            false,
        ),
        (
            "with a retired key whose signatures are not counted",
            with(&ended, "/keys/0/signed", Value::Null),
            false,
        ),
        ("with a revoked key", why("a theft", made), true),
        (
            "with a revoked key without a reason",
            revoked.clone(),
            false,
        ),
        (
            "with a revoked key with an empty reason",
            why(" ", made),
            false,
        ),
        (
            "with a key that is revoked later",
            why("a theft", "2026-07-01T00:00:00Z"),
            false,
        ),
    ];
    for (shows, keyset, holds) in cases {
        let expect = match holds {
            true => untrusted("keyset.chain"),
            false => bad("keyset.rules"),
        };
        let keyset = signed(&keyset, &[kw::A, kw::B]);
        making.value(Keyset, &format!("signed keyset {shows}"), &keyset, expect);
    }
    for (shows, by) in [
        ("by one custodian of two", &[kw::A][..]),
        ("by somebody who is no custodian", &[kw::A, kw::B, kw::D]),
        ("twice by one custodian", &[kw::A, kw::A]),
    ] {
        making.value(
            Keyset,
            &format!("keyset signed {shows}"),
            &signed(&base, by),
            bad("keyset.rules"),
        );
    }
    let renamed = with(&base, "/signatures/0/key_id", "custodian-c");
    making.value(
        Keyset,
        "keyset signed under another custodian's name",
        &renamed,
        bad("keyset.rules"),
    );
}

/// From a version that the verifier has to the next.
fn steps(making: &mut Making) {
    let (first, second) = (kw::first(), kw::second());
    let step = value_of(&second);
    let third = value_of(&kw::third());
    let chain = || untrusted("keyset.chain");
    let handed = |by: &[u8]| {
        let others = kw::custodians(2, &[kw::B, kw::D, kw::E]);
        let draft = kw::draft(&first, 1, [Edit::Custodians(others)]);
        signed(&value_of(&draft), by)
    };
    let early = kw::draft(
        &second,
        10,
        [
            Edit::Retire(kw::name(kw::ONE), kw::nothing()),
            Edit::Activate(kw::name(kw::TWO)),
        ],
    );
    let early = with(&value_of(&early), "/created_at", "2026-06-11T23:59:59Z");
    let mut early = early;
    for place in ["/keys/0/valid_until", "/keys/1/valid_from"] {
        early = with(&early, place, "2026-06-11T23:59:59Z");
    }
    let both = [kw::A, kw::B];
    let from_first: Vec<(&str, Value, bool)> = vec![
        ("as it should be", step.clone(), true),
        (
            "that leaves out a version",
            with(&step, "/version", 3),
            false,
        ),
        (
            "that names another version before it",
            with(&step, "/previous", "0".repeat(64)),
            false,
        ),
        (
            "of another time than its new key",
            with(&step, "/created_at", "2026-06-02T00:00:01Z"),
            false,
        ),
        (
            "with another URL of an old key",
            with(&step, "/keys/0/key/url", "https://registry.invalid/key"),
            false,
        ),
        (
            "that takes a key back",
            with(&step, "/keys", json!([step["keys"][0]])),
            true,
        ),
        (
            "that drops its active key",
            with(
                &with(&step, "/keys", json!([step["keys"][1]])),
                "/emergency",
                "the key is lost",
            ),
            false,
        ),
        (
            "whose new key is active",
            {
                let active = with(
                    &with(&step, "/keys/1/status", "active"),
                    "/keys/0/status",
                    "retired",
                );
                let active = with(&active, "/keys/0/valid_until", step["created_at"].clone());
                let active = with(
                    &active,
                    "/keys/0/signed",
                    json!({"count": 0, "merkle_root": Digest::of(&[]).to_string()}),
                );
                with(&active, "/keys/1/valid_from", step["created_at"].clone())
            },
            false,
        ),
        (
            "that is a rehearsal",
            with(&step, "/rehearsal", true),
            false,
        ),
    ];
    for (shows, keyset, holds) in from_first {
        let expect = match holds {
            true => ok(),
            false => chain(),
        };
        let expect = match keyset["rehearsal"] == true {
            true => expect.noting("keyset.rehearsal"),
            false => expect,
        };
        let keyset = signed(&keyset, &both);
        making.value(
            Keyset,
            &format!("next keyset {shows}"),
            &keyset,
            expect.keyset("keys/keyset-1.json"),
        );
    }
    for (shows, keyset, by_old) in [
        (
            "with new custodians whom old and new have signed",
            handed(&[kw::A, kw::B, kw::D]),
            true,
        ),
        (
            "with new custodians whom the old have not signed",
            handed(&[kw::B, kw::D]),
            false,
        ),
    ] {
        let expect = match by_old {
            true => ok(),
            false => chain(),
        };
        making.value(
            Keyset,
            &format!("next keyset {shows}"),
            &keyset,
            expect.keyset("keys/keyset-1.json"),
        );
    }
    let new_alone = bad("keyset.rules").keyset("keys/keyset-1.json");
    making.value(
        Keyset,
        "next keyset whose new custodians have not signed",
        &handed(&[kw::A, kw::B]),
        new_alone,
    );
    for (shows, keyset, expect) in [
        ("that activates a key in time", third.clone(), ok()),
        (
            "that activates a key a second early",
            signed(&early, &both),
            chain(),
        ),
        (
            "that changes when its old key ended",
            signed(
                &with(&third, "/keys/0/valid_until", "2026-06-11T00:00:00Z"),
                &both,
            ),
            chain(),
        ),
    ] {
        making.value(
            Keyset,
            &format!("next keyset {shows}"),
            &keyset,
            expect.keyset("keys/keyset-2.json"),
        );
    }
}

/// What keysets say of signatures by their keys.
fn words(making: &mut Making) {
    let bundle = minted();
    let one = |path: &str| format!("keys/{path}.json");
    let by_two = dated(
        &event(&TWO, "graph_snapshot", "graph", snapshot_payload()),
        "2026-06-13T00:00:00Z",
        &TWO,
    );
    let by_one = |time: &str| dated(&shown(&ONE), time, &ONE);
    let late = with(&bundle, "/built_at", "2027-06-02T00:00:00Z");
    let late = with(
        &late,
        "/bundle_signature/signed_at",
        "2027-06-02T00:00:00.000000Z",
    );
    let late = rebundled(&late, &ONE);
    let unlisted = rebundled(&with(&bundle, "/mirror_hints", json!([])), &ONE);
    let expired = "keyset.expired";
    for (shows, bundle, expect) in [
        ("under a keyset", &bundle, ok().keyset(&one("keyset-1"))),
        (
            "under a keyset that has expired since",
            &bundle,
            ok().noting(expired)
                .at("2027-06-02T00:00:00Z")
                .keyset(&one("keyset-1")),
        ),
        (
            "built after the keyset expired",
            &late,
            untrusted(expired)
                .noting(expired)
                .at("2027-06-03T00:00:00Z")
                .keyset(&one("keyset-1")),
        ),
        (
            "under a keyset of a rehearsal",
            &bundle,
            ok().noting("keyset.rehearsal")
                .keyset(&one("keyset-rehearsal")),
        ),
        (
            "under a keyset that has retired its key",
            &bundle,
            ok().keyset(&one("keyset-3")),
        ),
        (
            "by a revoked key that is known to have signed it",
            &bundle,
            ok().noting("key.revoked").keyset(&one("revoked/keyset-3")),
        ),
        (
            "by a revoked key of which this is not known",
            &unlisted,
            untrusted("key.revoked")
                .noting("key.revoked")
                .keyset(&one("revoked/keyset-3")),
        ),
        (
            "by a revoked key whose list is missing",
            &bundle,
            untrusted("key.revoked").keyset(&one("revoked-without-leaves/keyset-3")),
        ),
        (
            "by a revoked key whose list is another",
            &bundle,
            untrusted("key.revoked").keyset(&one("revoked-with-other-leaves/keyset-3")),
        ),
    ] {
        making.text(
            Bundle,
            &format!("bundle {shows}"),
            bundle_text(bundle),
            expect,
        );
    }
    for (shows, event, expect) in [
        (
            "by a retired key before its end",
            by_one("2026-06-12T00:00:00Z"),
            ok().keyset(&one("keyset-3")),
        ),
        (
            "by a retired key after its end",
            by_one("2026-06-12T00:00:01Z"),
            untrusted("key.window").keyset(&one("keyset-3")),
        ),
        (
            "by the key that took over",
            by_two.clone(),
            ok().keyset(&one("keyset-3")),
        ),
        (
            "by the key that took over before it did",
            dated(&by_two, "2026-06-11T00:00:00Z", &TWO),
            untrusted("key.window").keyset(&one("keyset-3")),
        ),
        (
            "by a key that is announced",
            by_two,
            untrusted("key.window").keyset(&one("keyset-2")),
        ),
        (
            "under a keyset that is yet to come",
            shown(&ONE),
            untrusted("time.future")
                .at("2026-06-01T12:00:00Z")
                .keyset(&one("keyset-2")),
        ),
        (
            "by a revoked key that is known",
            shown(&ONE),
            ok().noting("key.revoked").keyset(&one("revoked/keyset-3")),
        ),
        (
            "by a revoked key that is not known",
            by_one("2026-06-01T00:00:01Z"),
            untrusted("key.revoked").keyset(&one("revoked/keyset-3")),
        ),
    ] {
        making.value(Event, &format!("keyset event {shows}"), &event, expect);
    }
    let receipt = json!({"canonical_record": record(), "receipt": receipt(&ONE, MICROS)});
    for (shows, expect) in [
        ("under a keyset", ok().keyset(&one("keyset-1"))),
        (
            "under a keyset that has expired",
            untrusted(expired)
                .at("2027-06-02T00:00:00Z")
                .keyset(&one("keyset-1")),
        ),
        (
            "by a revoked key",
            untrusted("key.revoked").keyset(&one("revoked/keyset-3")),
        ),
    ] {
        making.value(
            Receipt,
            &format!("receipt {shows}"),
            &receipt,
            expect.noting("receipt.times"),
        );
    }
}
