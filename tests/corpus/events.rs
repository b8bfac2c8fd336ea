//! Events on their own (SPEC 5, and step 2 of SPEC 7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pith::conformance::CaseKind::Event;
use pith::digest::Digest;
use serde_json::{Value, json};

use super::crafted;
use super::make::{Expect, Making, bad, ok, shapeless, untrusted};
use super::world::*;

pub fn make(making: &mut Making) {
    sound(making);
    trust(making);
    shape(making);
    identity(making);
    signatures(making);
}

fn sound(making: &mut Making) {
    for kind in ["record_created", "graph_snapshot"]
        .into_iter()
        .chain(OTHERS)
    {
        let notes = match kind {
            "timestamp_anchor" => "timestamp.proof",
            _ => "",
        };
        let (_, event) = sample(kind);
        making.value(
            Event,
            &format!("{kind} as it should be"),
            &event,
            ok().noting(notes),
        );
    }
    for (shows, event) in [
        (
            "event of an unknown type",
            event(&ALICE, "endorsement", "record", json!({"a": [1]})),
        ),
        (
            "event of an unknown type with an unknown target",
            event(&ALICE, "endorsement", "figure:3", json!({})),
        ),
    ] {
        making.value(Event, shows, &event, ok().noting("event.unknown"));
    }
    let correction = payload_of("correction");
    for target in ["graph", "claim:C1", "claim:not an id"] {
        let event = event(&ALICE, "correction", target, correction.clone());
        making.value(Event, &format!("correction of {target}"), &event, ok());
    }
    let (_, base) = sample("correction");
    let id = base["event_id"].clone();
    let chained = resealed(&base, "/prev_event", id.clone(), &ALICE);
    let chained = resealed(&chained, "/supersedes", json!([id]), &ALICE);
    making.value(Event, "event that names others", &chained, ok());
    let zoned = with(&base, "/signature/signed_at", "2020-01-01T00:00:00.000000Z");
    making.value(Event, "event with another time of signing", &zoned, ok());
}

fn trust(making: &mut Making) {
    let (_, by_registry) = sample("graph_snapshot");
    let (_, by_alice) = sample("correction");
    let stranger = event(&STRANGER, "correction", "record", payload_of("correction"));
    let mut borrowed = by_alice.clone();
    borrowed["signer"]["signer_id"] = json!("orcid:0000-0002-1694-233X");
    let borrowed = sealed(&borrowed, &ALICE);
    let mut protected = by_registry.clone();
    protected["signer"]["signer_id"] = json!("pith.science");
    let protected = sealed(&protected, &ONE);
    let mut relabelled = by_alice.clone();
    relabelled["signer"]["key_id"] = json!("alice-2");
    relabelled["signature"]["key_id"] = json!("alice-2");
    let relabelled = sealed(&relabelled, &ALICE);
    let late = dated(&by_registry, "2027-01-01T00:00:00Z", &ONE);
    let cases: [(&str, &Value, Expect); 19] = [
        ("event by a stranger", &stranger, untrusted("key.trust")),
        (
            "event under a name that is not the key's",
            &borrowed,
            untrusted("key.foreign"),
        ),
        (
            "event under a label that is not the key's",
            &relabelled,
            untrusted("key.trust"),
        ),
        (
            "event for a registry whose key is built in",
            &protected,
            untrusted("key.trust").trust("keys/key-1.json"),
        ),
        (
            "event by a key that is trusted by itself",
            &by_registry,
            ok().trust("keys/key-1.json"),
        ),
        (
            "event by an author's key that is trusted by itself",
            &by_alice,
            ok().trust("keys/alice-1.json"),
        ),
        (
            "event at the first second of the key's window",
            &by_registry,
            ok().keyset("keys/key-1-from-june.json"),
        ),
        (
            "event a second before the key's window",
            &dated(&by_registry, "2026-05-31T23:59:59Z", &ONE),
            untrusted("key.window").keyset("keys/key-1-from-june.json"),
        ),
        (
            "event at the last second of the key's window",
            &dated(&by_registry, "2026-05-31T23:59:59Z", &ONE),
            ok().keyset("keys/key-1-until-may.json"),
        ),
        (
            "event a second after the key's window",
            &by_registry,
            untrusted("key.window").keyset("keys/key-1-until-may.json"),
        ),
        (
            "event by a key that is not yet active",
            &by_registry,
            untrusted("key.window").keyset("keys/key-1-next.json"),
        ),
        (
            "event by a key that was revoked",
            &by_registry,
            untrusted("key.revoked").keyset("keys/key-1-revoked.json"),
        ),
        (
            "event by a key that was retired",
            &by_registry,
            ok().keyset("keys/key-1-retired.json"),
        ),
        (
            "event by a registry's key known for authors",
            &by_registry,
            untrusted("key.trust").keyset("keys/key-1-as-author.json"),
        ),
        (
            "event by a key of another registry",
            &by_registry,
            untrusted("key.trust").keyset("keys/key-1-of-another.json"),
        ),
        (
            "event dated after the verifier's clock",
            &late,
            ok().noting("time.future"),
        ),
        (
            "event dated after the time of judging",
            &by_registry,
            untrusted("time.future").at("2026-05-31T23:59:59Z"),
        ),
        (
            "event dated at the time of judging",
            &by_registry,
            ok().at("2026-06-01T00:00:00Z"),
        ),
        (
            "event about another number than asked for",
            &by_alice,
            bad("number.expected").asked("pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2"),
        ),
    ];
    for (shows, event, expect) in cases {
        making.value(Event, shows, event, expect);
    }
}

fn shape(making: &mut Making) {
    let (_, base) = sample("correction");
    for name in base.as_object().unwrap().keys() {
        // Without its type it is no event at all.
        let shows = format!("event without {name}");
        making.value(
            Event,
            &shows,
            &sealed_if(&base, &format!("/{name}")),
            shapeless(),
        );
    }
    for place in [
        "/signer/signer_id",
        "/signer/signer_type",
        "/signature/signed_at",
        "/signature/algorithm",
    ] {
        let shows = format!("event without {}", place[1..].replace('/', " "));
        making.value(Event, &shows, &sealed_if(&base, place), shapeless());
    }
    let upper = base["event_id"].as_str().unwrap().to_uppercase();
    let bare = base["content_sha256"].clone();
    let cases: [(&str, &str, Value); 28] = [
        ("event with another member", "/comment", json!("")),
        (
            "event with another member of its signer",
            "/signer/name",
            json!(""),
        ),
        (
            "event with another member of its signature",
            "/signature/comment",
            json!(""),
        ),
        (
            "event of another schema version",
            "/schema_version",
            json!("2.0"),
        ),
        (
            "event with a payload that is an array",
            "/payload",
            json!([]),
        ),
        ("event with a payload that is null", "/payload", Value::Null),
        ("event with a payload that is text", "/payload", json!("{}")),
        (
            "event with an array for its signer",
            "/signer",
            json!(["a", "author", "k", ALICE.fingerprint()]),
        ),
        ("event with a type that is no text", "/event_type", json!(1)),
        ("event with a target that is null", "/target", Value::Null),
        (
            "event dated to the microsecond",
            "/created_at",
            json!(MICROS),
        ),
        (
            "event dated with an offset",
            "/created_at",
            json!("2026-06-01T00:00:00+00:00"),
        ),
        (
            "event signed at a time to the second",
            "/signature/signed_at",
            json!("2026-06-01T00:00:00Z"),
        ),
        ("event with an id in capitals", "/event_id", json!(upper)),
        ("event with an id without its prefix", "/event_id", bare),
        ("event that supersedes null", "/supersedes", Value::Null),
        (
            "event that supersedes something that is no id",
            "/supersedes",
            json!(["x"]),
        ),
        (
            "event that follows something that is no id",
            "/prev_event",
            json!(""),
        ),
        (
            "event about a number in small letters",
            "/subject_pith_number",
            json!(NUMBER.to_lowercase()),
        ),
        (
            "event about a short number",
            "/subject_pith_number",
            json!(format!("pith:{}", &NUMBER[10..18])),
        ),
        (
            "event about a number with a digit that is not base32",
            "/subject_pith_number",
            json!(format!("{}1", &NUMBER[..35])),
        ),
        (
            "event about a number with 25 characters",
            "/subject_pith_number",
            json!(NUMBER[..35]),
        ),
        (
            "event about a number of the year 0",
            "/subject_pith_number",
            json!(format!("pith:0000:{}", &NUMBER[10..])),
        ),
        (
            "event with a label that has a slash",
            "/signer/key_id",
            json!("a/b"),
        ),
        (
            "event with a short fingerprint",
            "/signer/public_key_fingerprint",
            json!("00"),
        ),
        (
            "event signed by another algorithm",
            "/signature/algorithm",
            json!("ed25519ph"),
        ),
        (
            "event that was not signed",
            "/signature/signature_status",
            json!("unsigned"),
        ),
        (
            "event whose signature is of a bundle",
            "/signature/signed_message",
            json!("bundle_sha256_bytes"),
        ),
    ];
    for (shows, place, value) in cases {
        making.value(Event, shows, &with(&base, place, value), shapeless());
    }
    let text = String::from_utf8(pith::canonical::to_vec(&base).unwrap()).unwrap();
    let twice = text.replacen("\"target\":", "\"target\":\"graph\",\"target\":", 1);
    making.text(Event, "event with its target twice", twice, shapeless());
    making.text(
        Event,
        "event after a byte order mark",
        format!("\u{feff}{text}"),
        shapeless(),
    );
    making.text(
        Event,
        "event with text after it",
        format!("{text};"),
        shapeless(),
    );
    making.text(Event, "event cut off", &text[..text.len() - 1], shapeless());
    making.value(Event, "event in an array", &json!([base]), shapeless());
}

/// Without what is at `place`, and sealed anew unless that is of the seal.
fn sealed_if(event: &Value, place: &str) -> Value {
    match ["/signature", "/content_sha256", "/event_id"].contains(&place) {
        true => without(event, place),
        false => sealed(&without(event, place), &ALICE),
    }
}

fn identity(making: &mut Making) {
    let (_, base) = sample("correction");
    let zeros = "0".repeat(64);
    let cases: [(&str, Value, &str); 12] = [
        (
            "event with a payload that was changed",
            with(&base, "/payload/reason", "Another"),
            "event.content",
        ),
        (
            "event with a time that was changed",
            with(&base, "/created_at", "2026-06-01T00:00:01Z"),
            "event.content",
        ),
        (
            "event with a signer that was changed",
            with(&base, "/signer/signer_id", "somebody"),
            "event.content",
        ),
        (
            "event with another id",
            with(&base, "/event_id", format!("sha256:{zeros}")),
            "event.content",
        ),
        (
            "event with another hash",
            with(&base, "/content_sha256", zeros),
            "event.content",
        ),
        (
            "event with a member that was taken out of its payload",
            with(&base, "/payload/more", 1),
            "event.content",
        ),
        (
            "event with two labels",
            with(&base, "/signature/key_id", "alice-2"),
            "event.key",
        ),
        (
            "event with two fingerprints",
            with(
                &base,
                "/signature/public_key_fingerprint",
                TWO.fingerprint(),
            ),
            "event.key",
        ),
        (
            "correction of nothing",
            resealed(&base, "/target", "claim:", &ALICE),
            "event.target",
        ),
        (
            "correction of something else",
            resealed(&base, "/target", "figure:1", &ALICE),
            "event.target",
        ),
        (
            "correction of a claim without its mark",
            resealed(&base, "/target", "C1", &ALICE),
            "event.target",
        ),
        (
            "correction of the record in capitals",
            resealed(&base, "/target", "Record", &ALICE),
            "event.target",
        ),
    ];
    for (shows, event, code) in cases {
        making.value(Event, shows, &event, bad(code));
    }
    for kind in ["record_created", "graph_snapshot"]
        .into_iter()
        .chain(OTHERS)
    {
        if kind != "correction" {
            let target = match target_of(kind) {
                "record" => "graph",
                _ => "record",
            };
            let (who, event) = sample(kind);
            let event = resealed(&event, "/target", target, &who);
            making.value(
                Event,
                &format!("{kind} with the target {target}"),
                &event,
                bad("event.target"),
            );
        }
    }
    for kind in ["record_created", "graph_snapshot"] {
        let event = event(&ALICE, kind, target_of(kind), payload_of(kind));
        making.value(
            Event,
            &format!("{kind} by an author"),
            &event,
            bad("event.registry"),
        );
    }
}

fn signatures(making: &mut Making) {
    let (_, base) = sample("correction");
    let signature = base["signature"]["signature_b64"]
        .as_str()
        .unwrap()
        .to_owned();
    let content: Digest = base["content_sha256"].as_str().unwrap().parse().unwrap();
    let message = content.as_bytes();
    let mut flipped = BASE64.decode(&signature).unwrap();
    flipped[0] ^= 1;
    let over_text = ALICE.private().sign(content.to_string().as_bytes());
    let cases = [
        ("event signed by another key", TWO.sign(&content)),
        ("event with a bit of R changed", BASE64.encode(flipped)),
        (
            "event signed over its hash's hex text",
            BASE64.encode(over_text),
        ),
        ("event with a larger S", crafted::with_larger_s(&signature)),
        (
            "event with a neutral R",
            crafted::with_neutral_r(&ALICE, &crafted::NEUTRAL, message),
        ),
        (
            "event with an R that is not reduced",
            crafted::with_neutral_r(&ALICE, &crafted::NEUTRAL_UNREDUCED, message),
        ),
        (
            "event with an R that holds with the cofactor only",
            crafted::with_mixed_r(&ALICE, message),
        ),
        (
            "event with a signature of zeros",
            format!("{}==", "A".repeat(86)),
        ),
    ];
    for (shows, signature) in cases {
        let event = with(&base, "/signature/signature_b64", signature);
        making.value(Event, shows, &event, bad("event.signature"));
    }
    // A key that has a part of small order beside one of prime order.
    let mixed = fingerprint(&crafted::mixed_key(&ALICE));
    let mut of_mixed = base.clone();
    for place in ["signer", "signature"] {
        of_mixed[place]["public_key_fingerprint"] = json!(mixed);
        of_mixed[place]["key_id"] = json!("mixed");
    }
    let of_mixed = sealed(&of_mixed, &ALICE);
    let content: Digest = of_mixed["content_sha256"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    for (shows, exactly, expect) in [
        (
            "event under a mixed key that holds without the cofactor",
            true,
            ok(),
        ),
        (
            "event under a mixed key that holds with the cofactor only",
            false,
            bad("event.signature"),
        ),
    ] {
        let signature = crafted::under_mixed_key(&ALICE, content.as_bytes(), exactly);
        let event = with(&of_mixed, "/signature/signature_b64", signature);
        making.value(Event, shows, &event, expect.keyset("keys/mixed.json"));
    }
    let cases: [(&str, Value); 4] = [
        (
            "event with a signature without padding",
            json!(signature.trim_end_matches('=')),
        ),
        (
            "event with a signature in two lines",
            json!(format!("{}\n{}", &signature[..40], &signature[40..])),
        ),
        (
            "event with a signature of 65 bytes",
            json!(BASE64.encode([0; 65])),
        ),
        ("event with a signature in hex", json!("00".repeat(64))),
    ];
    for (shows, signature) in cases {
        making.value(
            Event,
            shows,
            &with(&base, "/signature/signature_b64", signature),
            shapeless(),
        );
    }
}
