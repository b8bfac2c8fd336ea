//! Events on their own (SPEC 5, and step 2 of SPEC 7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pith::conformance::CaseKind::Event;
use pith::digest::Digest;
use serde_json::{Value, json};

use super::crafted;
use super::make::{Expect, Making, bad, ok, shapeless, untrusted};
use super::world::*;

/// The header of Bitcoin's first block, and of the one after it.
const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

pub fn make(making: &mut Making) {
    sound(making);
    trust(making);
    shape(making);
    identity(making);
    signatures(making);
    created_events(making);
    snapshots(making);
    forms(making);
    open_payloads(making);
    timestamps(making);
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

fn created_events(making: &mut Making) {
    let base = created(&ONE);
    let other_record = with(&record(), "/metadata/license", "");
    let zeros = "0".repeat(64);
    let cases: [(&str, Value, Expect); 14] = [
        (
            "record_created of another record",
            resealed(&base, "/payload/canonical_record", other_record, &ONE),
            bad("event.record"),
        ),
        (
            "record_created with another digest",
            resealed(&base, "/payload/canonical_sha256", zeros.as_str(), &ONE),
            bad("event.record"),
        ),
        (
            "record_created with a receipt of another digest",
            resealed(&base, "/payload/receipt/canonical_sha256", zeros, &ONE),
            bad("event.record"),
        ),
        (
            "record_created about another number",
            resealed(
                &base,
                "/subject_pith_number",
                "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2",
                &ONE,
            ),
            bad("event.record"),
        ),
        (
            "record_created about the number in another year",
            resealed(
                &base,
                "/subject_pith_number",
                format!("pith:2023:{}", &NUMBER[10..]),
                &ONE,
            ),
            bad("event.record"),
        ),
        (
            "record_created of another id",
            resealed(&base, "/payload/source_id", "2402.00002", &ONE),
            bad("event.record"),
        ),
        (
            "record_created of another version",
            resealed(&base, "/payload/source_version", 2, &ONE),
            bad("event.record"),
        ),
        (
            "record_created with a receipt under the registry's other key",
            resealed(&base, "/payload/receipt", receipt(&TWO, MICROS), &ONE),
            ok(),
        ),
        (
            "record_created with a receipt by an author",
            resealed(&base, "/payload/receipt", receipt(&ALICE, MICROS), &ONE),
            bad("receipt.signature"),
        ),
        (
            "record_created with a receipt by a stranger",
            resealed(&base, "/payload/receipt", receipt(&STRANGER, MICROS), &ONE),
            bad("receipt.signature"),
        ),
        (
            "record_created with a receipt under another label",
            resealed(&base, "/payload/receipt/key_id", "key-2", &ONE),
            bad("receipt.signature"),
        ),
        (
            "record_created with a forged receipt",
            resealed(
                &base,
                "/payload/receipt/signature_b64",
                TWO.sign(&RECORD_DIGEST),
                &ONE,
            ),
            bad("receipt.signature"),
        ),
        (
            "record_created with another member",
            resealed(&base, "/payload/comment", "", &ONE),
            shapeless(),
        ),
        (
            "record_created that was claimed",
            resealed(&base, "/payload/attestation_state", "claimed", &ONE),
            shapeless(),
        ),
    ];
    for (shows, event, expect) in cases {
        making.value(Event, shows, &event, expect);
    }
    let payload = base["payload"].as_object().unwrap();
    for name in payload.keys() {
        let event = sealed(&without(&base, &format!("/payload/{name}")), &ONE);
        making.value(
            Event,
            &format!("record_created without {name}"),
            &event,
            shapeless(),
        );
    }
    let larger = crafted::with_larger_s(
        base["payload"]["receipt"]["signature_b64"]
            .as_str()
            .unwrap(),
    );
    let event = resealed(&base, "/payload/receipt/signature_b64", larger, &ONE);
    making.value(
        Event,
        "record_created with a receipt with a larger S",
        &event,
        bad("receipt.signature"),
    );
}

fn snapshots(making: &mut Making) {
    let base = shown(&ONE);
    let at = |place: &str| format!("/payload/graph_snapshot{place}");
    let cases: [(&str, String, Value, Expect); 14] = [
        (
            "snapshot with an unknown section",
            at("/figures"),
            json!({"count": 2, "share": [1]}),
            ok(),
        ),
        (
            "snapshot with an unknown member of a section",
            at("/paper/subtitle"),
            json!("x"),
            ok(),
        ),
        (
            "snapshot with a verdict",
            "/payload/verdict_id".to_owned(),
            json!("v1"),
            ok(),
        ),
        (
            "snapshot with a number for its verdict",
            "/payload/verdict_id".to_owned(),
            json!(1),
            shapeless(),
        ),
        (
            "snapshot with another member beside it",
            "/payload/comment".to_owned(),
            json!(1),
            shapeless(),
        ),
        (
            "snapshot with a negative count",
            at("/claims/count"),
            json!(-1),
            shapeless(),
        ),
        (
            "snapshot with a count as text",
            at("/references/count"),
            json!("0"),
            shapeless(),
        ),
        (
            "snapshot with claims that are no list",
            at("/claims/items"),
            json!({}),
            shapeless(),
        ),
        (
            "snapshot with a claim that is no object",
            at("/claims/items"),
            json!([1]),
            ok(),
        ),
        (
            "snapshot with cross-lists out of order",
            at("/paper/cross_cats"),
            json!(["math.DS", "cs.DL"]),
            shapeless(),
        ),
        (
            "snapshot with a hash in capitals",
            at("/formal_canon/snapshot_sha256"),
            json!(EMPTY_LIST.to_uppercase()),
            shapeless(),
        ),
        (
            "snapshot with a null headline",
            at("/paper/headline"),
            Value::Null,
            shapeless(),
        ),
        (
            "snapshot with an array for its paper",
            at("/paper"),
            json!(["x"]),
            shapeless(),
        ),
        (
            "snapshot with a source of version 0",
            at("/source/version"),
            json!(0),
            shapeless(),
        ),
    ];
    for (shows, place, value, expect) in cases {
        making.value(Event, shows, &resealed(&base, &place, value, &ONE), expect);
    }
    for section in base["payload"]["graph_snapshot"]
        .as_object()
        .unwrap()
        .keys()
    {
        let event = sealed(&without(&base, &at(&format!("/{section}"))), &ONE);
        making.value(
            Event,
            &format!("snapshot without {section}"),
            &event,
            shapeless(),
        );
    }
}

/// Payloads that lack the form of their type: readable, and not valid.
fn forms(making: &mut Making) {
    for kind in OTHERS {
        let (_, base) = sample(kind);
        for name in payload_of(kind).as_object().unwrap().keys() {
            let event = sealed(&without(&base, &format!("/payload/{name}")), &ALICE);
            making.value(
                Event,
                &format!("{kind} without {name}"),
                &event,
                bad("event.form"),
            );
        }
    }
    let address = |length: usize| json!(format!("https://a/{}", "x".repeat(length - 10)));
    let cases: [(&str, &str, &str, Value, bool); 58] = [
        (
            "author_attestation",
            "an empty name",
            "claimant",
            json!(""),
            false,
        ),
        (
            "author_attestation",
            "a name of 1000 characters",
            "claimant",
            json!("\u{e9}".repeat(1000)),
            true,
        ),
        (
            "author_attestation",
            "a name of 1001 characters",
            "claimant",
            json!("x".repeat(1001)),
            false,
        ),
        (
            "author_attestation",
            "a name with a line break",
            "claimant",
            json!("a\nb"),
            false,
        ),
        (
            "author_attestation",
            "a name with a control character of Latin-1",
            "claimant",
            json!("a\u{85}b"),
            false,
        ),
        (
            "author_attestation",
            "a name with a line separator",
            "claimant",
            json!("a\u{2028}b"),
            true,
        ),
        (
            "author_attestation",
            "a method in capitals",
            "method",
            json!("ORCID"),
            false,
        ),
        (
            "author_attestation",
            "a method with a digit first",
            "method",
            json!("2fa"),
            false,
        ),
        (
            "author_attestation",
            "a method of 64 letters",
            "method",
            json!("m".repeat(64)),
            true,
        ),
        (
            "author_attestation",
            "a method of 65 letters",
            "method",
            json!("m".repeat(65)),
            false,
        ),
        (
            "author_attestation",
            "a wrong check digit",
            "orcid",
            json!("0000-0002-1825-0096"),
            false,
        ),
        (
            "author_attestation",
            "a check digit that is X",
            "orcid",
            json!("0000-0002-1694-233X"),
            true,
        ),
        (
            "author_attestation",
            "a check digit in small letters",
            "orcid",
            json!("0000-0002-1694-233x"),
            false,
        ),
        (
            "author_attestation",
            "an iD without hyphens",
            "orcid",
            json!("0000000218250097"),
            false,
        ),
        (
            "author_attestation",
            "an iD as an address",
            "orcid",
            json!("https://orcid.org/0000-0002-1825-0097"),
            false,
        ),
        (
            "author_attestation",
            "no iD where the method asks for it",
            "orcid",
            Value::Null,
            false,
        ),
        (
            "author_attestation",
            "another strength",
            "strength",
            json!("certain"),
            false,
        ),
        (
            "storage_attestation",
            "an address without a host",
            "url",
            json!("https://"),
            false,
        ),
        (
            "storage_attestation",
            "an address of another scheme",
            "url",
            json!("ftp://archive.invalid/1"),
            false,
        ),
        (
            "storage_attestation",
            "an address in capitals",
            "url",
            json!("HTTPS://archive.invalid"),
            false,
        ),
        (
            "storage_attestation",
            "an address with a space",
            "url",
            json!("https://archive.invalid/a b"),
            false,
        ),
        (
            "storage_attestation",
            "an address that is not ASCII",
            "url",
            json!("https://archive.invalid/\u{e9}"),
            false,
        ),
        (
            "storage_attestation",
            "an address with a name before the host",
            "url",
            json!("https://known.invalid@archive.invalid/"),
            false,
        ),
        (
            "storage_attestation",
            "an address with an at sign in its path",
            "url",
            json!("https://archive.invalid/@1"),
            true,
        ),
        (
            "storage_attestation",
            "an address of numbers",
            "url",
            json!("http://[::1]:8080/x?y#z"),
            true,
        ),
        (
            "storage_attestation",
            "an address with an address in it",
            "url",
            json!("https://archive.invalid/web/2024/https://x"),
            true,
        ),
        (
            "storage_attestation",
            "an address with a quote",
            "url",
            json!("https://archive.invalid/\""),
            false,
        ),
        (
            "storage_attestation",
            "an address of 2000 bytes",
            "url",
            address(2000),
            true,
        ),
        (
            "storage_attestation",
            "an address of 2001 bytes",
            "url",
            address(2001),
            false,
        ),
        (
            "storage_attestation",
            "a capture to the microsecond",
            "captured_at",
            json!(MICROS),
            false,
        ),
        (
            "storage_attestation",
            "a hash in capitals",
            "content_sha256",
            json!("A".repeat(64)),
            false,
        ),
        (
            "citation_signature",
            "another relation",
            "relation",
            json!("mentions"),
            false,
        ),
        (
            "citation_signature",
            "a relation in capitals",
            "relation",
            json!("Cites"),
            false,
        ),
        (
            "citation_signature",
            "the paper itself",
            "cited_pith_number",
            json!(*NUMBER),
            false,
        ),
        (
            "citation_signature",
            "a short number",
            "cited_pith_number",
            json!("pith:ED4F53GC"),
            false,
        ),
        (
            "citation_signature",
            "a claim twice",
            "claim_ids",
            json!(["C1", "C1"]),
            false,
        ),
        (
            "citation_signature",
            "no claims",
            "claim_ids",
            json!([]),
            true,
        ),
        (
            "citation_signature",
            "a claim with a space",
            "claim_ids",
            json!(["C 1"]),
            false,
        ),
        (
            "citation_signature",
            "an empty claim",
            "claim_ids",
            json!([""]),
            false,
        ),
        (
            "citation_signature",
            "a claim of 65 characters",
            "claim_ids",
            json!(["C".repeat(65)]),
            false,
        ),
        (
            "citation_signature",
            "claims that are null",
            "claim_ids",
            Value::Null,
            false,
        ),
        (
            "replication_record",
            "a bridge without a prover",
            "formal_system",
            Value::Null,
            false,
        ),
        (
            "replication_record",
            "another prover",
            "formal_system",
            json!("agda"),
            false,
        ),
        (
            "replication_record",
            "a prover and no bridge",
            "kind",
            json!("replication"),
            false,
        ),
        (
            "replication_record",
            "another kind",
            "kind",
            json!("refutation"),
            false,
        ),
        (
            "replication_record",
            "no address",
            "artefact_url",
            Value::Null,
            true,
        ),
        (
            "replication_record",
            "an address that is none",
            "artefact_url",
            json!("here"),
            false,
        ),
        (
            "correction",
            "nothing as a replacement",
            "replacement",
            Value::Null,
            true,
        ),
        (
            "correction",
            "a structure as a replacement",
            "replacement",
            json!({"a": [1, {"b": null}]}),
            true,
        ),
        (
            "correction",
            "an id that is none",
            "corrected_event_id",
            json!("C1"),
            false,
        ),
        ("correction", "an empty reason", "reason", json!(""), false),
        (
            "correction",
            "a member that is a number",
            "member",
            json!(1),
            false,
        ),
        (
            "mirror_hint",
            "another type",
            "mirror_type",
            json!("ipfs"),
            false,
        ),
        (
            "mirror_hint",
            "an address that is not secure",
            "base_url",
            json!("http://mirror.invalid"),
            false,
        ),
        (
            "mirror_hint",
            "an address with a slash at its end",
            "base_url",
            json!("https://mirror.invalid/"),
            false,
        ),
        (
            "mirror_hint",
            "an address with a path",
            "base_url",
            json!("https://mirror.invalid/pith"),
            true,
        ),
        (
            "mirror_hint",
            "an address with a query",
            "base_url",
            json!("https://mirror.invalid?a"),
            false,
        ),
        (
            "mirror_hint",
            "an address with a fragment",
            "base_url",
            json!("https://mirror.invalid#a"),
            false,
        ),
    ];
    for (kind, shows, member, value, holds) in cases {
        let (_, base) = sample(kind);
        let event = resealed(&base, &format!("/payload/{member}"), value, &ALICE);
        let expect = match holds {
            true => ok(),
            false => bad("event.form"),
        };
        making.value(Event, &format!("{kind} with {shows}"), &event, expect);
    }
}

fn open_payloads(making: &mut Making) {
    for kind in OTHERS {
        let notes = match kind {
            "timestamp_anchor" => "event.unknown timestamp.proof",
            _ => "event.unknown",
        };
        let (_, base) = sample(kind);
        let event = resealed(&base, "/payload/more", json!([1, "x", null]), &ALICE);
        making.value(
            Event,
            &format!("{kind} with an unknown member"),
            &event,
            ok().noting(notes),
        );
    }
    let (_, base) = sample("correction");
    let float = resealed(&base, "/payload/replacement", json!(0.5), &ALICE);
    making.value(Event, "event with a float in open content", &float, ok());
    let text = String::from_utf8(pith::canonical::to_vec(&float).unwrap()).unwrap();
    let respelled = text.replace(":0.5", ":0.50");
    assert_ne!(text, respelled);
    making.text(
        Event,
        "event with a float spelled otherwise",
        respelled,
        shapeless(),
    );
    let (_, cited) = sample("citation_signature");
    let float = resealed(&cited, "/payload/claim_ids", json!([0.5]), &ALICE);
    making.value(
        Event,
        "event with a float in its payload's form",
        &float,
        bad("event.form"),
    );
    let nested = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let deepest = resealed(&base, "/payload/replacement", nested(99), &ALICE);
    making.value(Event, "event whose payload nests 100 deep", &deepest, ok());
    let deeper = resealed(&base, "/payload/replacement", nested(100), &ALICE);
    making.value(
        Event,
        "event whose payload nests 101 deep",
        &deeper,
        shapeless(),
    );
    let unknown = event(&ALICE, "endorsement", "record", json!({"a": nested(100)}));
    making.value(
        Event,
        "event of an unknown type that nests 101 deep",
        &unknown,
        shapeless(),
    );
}

fn timestamps(making: &mut Making) {
    let base = payload_of("timestamp_anchor");
    let digest = *RECORD_DIGEST;
    let anchor = |payload: &Value| event(&ALICE, "timestamp_anchor", "record", payload.clone());
    let with_proof = |steps: &[u8]| with(&base, "/proof_b64", BASE64.encode(proof(&digest, steps)));
    let confirmed = |steps: &[u8], height: u64| {
        let payload = with(&with_proof(steps), "/status", "confirmed");
        with(
            &with(&payload, "/calendar_url", Value::Null),
            "/block_height",
            height,
        )
    };
    let sha = |mut steps: Vec<u8>| {
        steps.insert(0, 0x08);
        steps
    };
    let steps = |operation: &[u8]| [operation, &promised(CALENDAR)].concat();
    let mut other = *digest.as_bytes();
    other[31] ^= 1;
    let other = Digest::from_bytes(other);
    let mut of_sha1 = PROOF_HEAD.to_vec();
    *of_sha1.last_mut().unwrap() = 0x02;
    of_sha1.extend([0; 20]);
    of_sha1.extend(promised(CALENDAR));
    let noted = || ok().noting("timestamp.proof");
    let form = || bad("event.form");
    let long = [vec![0xf0, 0x81, 0x20], vec![0; 4097], promised(CALENDAR)].concat();
    let fork = [&[0xff][..], &promised(CALENDAR), &in_block(0)].concat();
    let cases: Vec<(&str, Value, Expect)> = vec![
        (
            "pending after every operation",
            with_proof(&steps(b"\xf0\x01a\xf1\x02bc\xf2\xf3\x02\x03\x08\x67")),
            noted(),
        ),
        ("pending beside a block", with_proof(&fork), noted()),
        (
            "confirmed at a block",
            confirmed(&in_block(100), 100),
            noted(),
        ),
        (
            "confirmed after a hash",
            confirmed(&sha(in_block(100)), 100),
            noted(),
        ),
        (
            "confirmed at a height that the proof has not",
            confirmed(&in_block(100), 101),
            form(),
        ),
        (
            "confirmed with a message that is no root",
            confirmed(&[&b"\xf0\x01a"[..], &in_block(100)].concat(), 100),
            form(),
        ),
        (
            "confirmed with a block that is not the header's",
            confirmed(&in_block(0), 0),
            bad("timestamp.proof").header(&format!("0:{GENESIS}")),
        ),
        (
            "confirmed with a header of another height",
            confirmed(&in_block(1), 1),
            noted().header(&format!("0:{GENESIS}")),
        ),
        (
            "confirmed and pending at once",
            with(&confirmed(&in_block(1), 1), "/calendar_url", CALENDAR),
            form(),
        ),
        (
            "pending with a height",
            with(&base, "/block_height", 1),
            form(),
        ),
        (
            "confirmed without a height",
            with(&confirmed(&in_block(1), 1), "/block_height", Value::Null),
            form(),
        ),
        (
            "pending without a calendar",
            with(&base, "/calendar_url", Value::Null),
            form(),
        ),
        (
            "pending at another calendar",
            with(&base, "/calendar_url", "https://other.invalid"),
            form(),
        ),
        (
            "of a height beyond 32 bits",
            with(&confirmed(&in_block(1), 1), "/block_height", 1_u64 << 32),
            form(),
        ),
        ("of another status", with(&base, "/status", "done"), form()),
        (
            "of another kind",
            with(&base, "/proof_type", "rfc3161"),
            form(),
        ),
        (
            "of another record",
            with(
                &with(&base, "/canonical_sha256", other.to_string()),
                "/proof_b64",
                BASE64.encode(pending_proof(&other)),
            ),
            noted(),
        ),
        (
            "of a record with another number",
            with(&base, "/canonical_sha256", "0".repeat(64)),
            form(),
        ),
        (
            "with a proof of another digest",
            with(&base, "/proof_b64", BASE64.encode(pending_proof(&other))),
            form(),
        ),
        (
            "with a proof of a SHA-1",
            with(&base, "/proof_b64", BASE64.encode(of_sha1)),
            form(),
        ),
        (
            "with a proof that is empty",
            with(&base, "/proof_b64", ""),
            form(),
        ),
        (
            "with a proof that is no base64",
            with(&base, "/proof_b64", "?"),
            form(),
        ),
        (
            "with a proof that is cut off",
            with_proof(&promised(CALENDAR)[..20]),
            form(),
        ),
        (
            "with a proof with more after it",
            with_proof(&[promised(CALENDAR), vec![0]].concat()),
            form(),
        ),
        (
            "with an operation that is none",
            with_proof(&steps(b"\x09")),
            form(),
        ),
        (
            "with an operand that is empty",
            with_proof(&steps(b"\xf0\x00")),
            form(),
        ),
        (
            "with a number in more bytes than it needs",
            with_proof(&steps(b"\xf0\x81\x00a")),
            form(),
        ),
        (
            "with an operand that is too long",
            with_proof(&long),
            form(),
        ),
        (
            "with a fork and no second branch",
            with_proof(&[&[0xff][..], &promised(CALENDAR)].concat()),
            form(),
        ),
        (
            "with 256 operations in a row",
            with_proof(&steps(&[0x08; 256])),
            noted(),
        ),
        (
            "with 257 operations in a row",
            with_proof(&steps(&[0x08; 257])),
            form(),
        ),
        (
            "with a message that grows too long",
            with_proof(&steps(&[0xf3; 8])),
            form(),
        ),
        (
            "with a message that just fits",
            with_proof(&steps(&[0xf3; 7])),
            noted(),
        ),
        (
            "with a calendar whose address has a question mark",
            with(
                &with_proof(&promised("https://c?a")),
                "/calendar_url",
                "https://c?a",
            ),
            form(),
        ),
        (
            "with an attestation of an unknown kind",
            with_proof(&[&[0xff, 0x00][..], &[7; 8], &[0], &promised(CALENDAR)].concat()),
            noted(),
        ),
        (
            "with an attestation that holds too much",
            with_proof(
                &[
                    &[0xff][..],
                    b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x02\x01\x01",
                    &promised(CALENDAR),
                ]
                .concat(),
            ),
            form(),
        ),
    ];
    for (shows, payload, expect) in cases {
        making.value(
            Event,
            &format!("timestamp {shows}"),
            &anchor(&payload),
            expect,
        );
    }
}
