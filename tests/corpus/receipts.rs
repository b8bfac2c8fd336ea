//! Records with their receipts (SPEC 4).

use pith::conformance::CaseKind::Receipt;
use serde_json::{Value, json};

use super::crafted;
use super::make::{Expect, Making, bad, ok, shapeless, untrusted};
use super::world::*;

fn document() -> Value {
    json!({"canonical_record": record(), "receipt": receipt(&ONE, MICROS)})
}

/// What is said of every bare receipt that verifies.
fn sound() -> Expect {
    ok().noting("receipt.times")
}

pub fn make(making: &mut Making) {
    trust(making);
    beside(making);
    signatures(making);
    members(making);
}

fn trust(making: &mut Making) {
    let number = NUMBER.as_str();
    let other = "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2";
    for (shows, expect) in [
        ("receipt as minted", sound()),
        ("receipt of the number asked for", sound().asked(number)),
        (
            "receipt of another number than asked for",
            bad("number.expected").noting("receipt.times").asked(other),
        ),
        (
            "receipt under a key that is trusted by itself",
            sound().trust("keys/key-1.json"),
        ),
        (
            "receipt whose times are outside the key's window",
            sound().keyset("keys/key-1-until-may.json"),
        ),
        (
            "receipt by a key that is unknown",
            untrusted("key.trust").keyset("keys/elsewhere.json"),
        ),
        (
            "receipt by a key known under another label",
            untrusted("key.trust")
                .noting("receipt.times")
                .keyset("keys/key-1-as-key-9.json"),
        ),
        (
            "receipt by a key that is not yet active",
            untrusted("key.window")
                .noting("receipt.times")
                .keyset("keys/key-1-next.json"),
        ),
        (
            "receipt by a key that was revoked",
            untrusted("key.revoked")
                .noting("receipt.times")
                .keyset("keys/key-1-revoked.json"),
        ),
        (
            "receipt by a key that was retired",
            sound().keyset("keys/key-1-retired.json"),
        ),
        (
            "receipt by a key that speaks for authors",
            untrusted("key.trust")
                .noting("receipt.times")
                .keyset("keys/key-1-as-author.json"),
        ),
    ] {
        making.value(Receipt, shows, &document(), expect);
    }
}

fn beside(making: &mut Making) {
    let mut full = created_payload(&ONE, MICROS);
    full["pith_number"] = json!(*NUMBER);
    making.value(
        Receipt,
        "receipt with all that may stand beside it",
        &full,
        sound(),
    );
    let absent = with(&full, "/pith_number", Value::Null);
    let absent = with(&absent, "/source_kind", Value::Null);
    making.value(Receipt, "receipt beside nulls", &absent, sound());
    let zeros = "0".repeat(64);
    let cases: [(&str, &str, Value, Expect); 9] = [
        (
            "receipt beside another digest",
            "/canonical_sha256",
            json!(zeros),
            bad("record.digest"),
        ),
        (
            "receipt beside another number",
            "/pith_number",
            json!("pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2"),
            bad("record.number"),
        ),
        (
            "receipt beside the number in another year",
            "/pith_number",
            json!(format!("pith:2023:{}", &NUMBER[10..])),
            bad("record.number"),
        ),
        (
            "receipt beside another id",
            "/source_id",
            json!("2402.00002"),
            bad("record.number"),
        ),
        (
            "receipt beside another version",
            "/source_version",
            json!(2),
            bad("record.number"),
        ),
        (
            "receipt beside another kind of source",
            "/source_kind",
            json!("doi"),
            shapeless(),
        ),
        (
            "receipt beside another state of attestation",
            "/attestation_state",
            json!("claimed"),
            shapeless(),
        ),
        (
            "receipt beside a number in small letters",
            "/pith_number",
            json!(NUMBER.to_lowercase()),
            shapeless(),
        ),
        (
            "receipt beside something unknown",
            "/comment",
            json!(""),
            shapeless(),
        ),
    ];
    for (shows, place, value, expect) in cases {
        making.value(Receipt, shows, &with(&full, place, value), expect);
    }
    let changed = with(&document(), "/canonical_record/metadata/license", "");
    making.value(
        Receipt,
        "receipt of a record that was changed",
        &changed,
        bad("receipt.signature record.digest"),
    );
    let changed = with(
        &changed,
        "/receipt/canonical_sha256",
        digest(&changed["canonical_record"]).to_string(),
    );
    making.value(
        Receipt,
        "receipt whose digest was changed with the record",
        &changed,
        bad("receipt.signature"),
    );
    let early = with(
        &document(),
        "/receipt/first_computed_at",
        "2026-06-01T00:00:00.000001Z",
    );
    making.value(
        Receipt,
        "receipt issued again before it was issued",
        &early,
        bad("receipt.times"),
    );
}

fn signatures(making: &mut Making) {
    let base = document();
    let signature = base["receipt"]["signature_b64"].as_str().unwrap();
    let message = RECORD_DIGEST.as_bytes();
    let hex_text = {
        use base64::Engine as _;
        let signed = ONE.private().sign(RECORD_DIGEST.to_string().as_bytes());
        base64::engine::general_purpose::STANDARD.encode(signed)
    };
    for (shows, signature) in [
        ("receipt signed by another key", TWO.sign(&RECORD_DIGEST)),
        ("receipt with a larger S", crafted::with_larger_s(signature)),
        (
            "receipt with a neutral R",
            crafted::with_neutral_r(&ONE, &crafted::NEUTRAL, message),
        ),
        (
            "receipt with an R that holds with the cofactor only",
            crafted::with_mixed_r(&ONE, message),
        ),
        ("receipt signed over the digest's hex text", hex_text),
        (
            "receipt with a signature of zeros",
            format!("{}==", "A".repeat(86)),
        ),
    ] {
        let document = with(&base, "/receipt/signature_b64", signature);
        making.value(Receipt, shows, &document, bad("receipt.signature"));
    }
}

fn members(making: &mut Making) {
    let base = document();
    for name in base["receipt"].as_object().unwrap().keys() {
        let shows = format!("receipt without {name}");
        let document = without(&base, &format!("/receipt/{name}"));
        making.value(Receipt, &shows, &document, shapeless());
    }
    let signature = base["receipt"]["signature_b64"].as_str().unwrap();
    let cases: [(&str, &str, Value); 11] = [
        ("receipt of another kind", "/receipt/kind", json!("receipt")),
        (
            "receipt of another version",
            "/receipt/receipt_version",
            json!("0.4"),
        ),
        (
            "receipt by another algorithm",
            "/receipt/algorithm",
            json!("Ed25519"),
        ),
        (
            "receipt that was not signed",
            "/receipt/signature_status",
            json!("unsigned"),
        ),
        (
            "receipt over another message",
            "/receipt/signed_message",
            json!("bundle_sha256_bytes"),
        ),
        (
            "receipt with times to the second",
            "/receipt/signed_at",
            json!("2026-06-01T00:00:00Z"),
        ),
        (
            "receipt with times to the millisecond",
            "/receipt/signed_at",
            json!("2026-06-01T00:00:00.000Z"),
        ),
        (
            "receipt with a fingerprint in capitals",
            "/receipt/public_key_fingerprint",
            json!(ONE.fingerprint().to_uppercase()),
        ),
        (
            "receipt with a signature without padding",
            "/receipt/signature_b64",
            json!(signature.trim_end_matches('=')),
        ),
        (
            "receipt with a signature of 63 bytes",
            "/receipt/signature_b64",
            json!("A".repeat(84)),
        ),
        ("receipt with another member", "/receipt/comment", json!("")),
    ];
    for (shows, place, value) in cases {
        making.value(Receipt, shows, &with(&base, place, value), shapeless());
    }
    making.value(
        Receipt,
        "receipt without its record",
        &without(&base, "/canonical_record"),
        shapeless(),
    );
    making.value(Receipt, "receipt alone", &base["receipt"], shapeless());
    making.value(
        Receipt,
        "receipt that is null",
        &with(&base, "/receipt", Value::Null),
        shapeless(),
    );
}
