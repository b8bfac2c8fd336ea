//! What events say: payloads of every type (SPEC 5, 6).

use pith::conformance::CaseKind::Event;
use serde_json::{Value, json};

use super::crafted;
use super::make::{Expect, Making, bad, ok, shapeless};
use super::world::*;

pub fn make(making: &mut Making) {
    created_events(making);
    snapshots(making);
    forms(making);
    open_payloads(making);
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
