//! Bundles (SPEC 8), and trust in them (SPEC 9).

use pith::conformance::CaseKind::Bundle;
use serde_json::{Value, json};

use super::crafted;
use super::make::{Expect, Making, bad, ok, shapeless, untrusted};
use super::world::*;

pub fn make(making: &mut Making) {
    sound(making);
    trust(making);
    changed(making);
    resealed_by_the_registry(making);
    signatures(making);
    shape(making);
}

pub fn put(making: &mut Making, shows: &str, bundle: &Value, expect: Expect) {
    making.text(Bundle, shows, bundle_text(bundle), expect);
}

/// A bundle in which others speak too, about everything that they can.
pub fn full() -> Value {
    let mut events = vec![created(&ONE), shown(&ONE)];
    events.extend(OTHERS.map(|kind| sample(kind).1));
    events.push(event(
        &BOB,
        "replication_record",
        "record",
        payload_of("replication_record"),
    ));
    events.push(event(&ALICE, "endorsement", "record", json!({"a": 1})));
    let bundle = bundle(&events, &[ONE.object(), ALICE.named(), BOB.named()]);
    let hinted = mirror("https://mirror.invalid", "A mirror", "secondary");
    let mirrors = json!([mirror(BASE, "The registry", "primary"), hinted]);
    rebundled(&with(&bundle, "/mirror_hints", mirrors), &ONE)
}

/// The registry's receipt again, under its second key.
pub fn reissued() -> Vec<Value> {
    let first = created(&ONE);
    let at = "2026-06-01T12:00:00.250000Z";
    let receipt = with(&receipt(&TWO, at), "/first_computed_at", MICROS);
    let payload = with(&created_payload(&TWO, at), "/receipt", receipt);
    let second = event(&TWO, "record_created", "record", payload);
    let second = dated(&second, "2026-06-01T12:00:00Z", &TWO);
    let second = resealed(&second, "/supersedes", json!([first["event_id"]]), &TWO);
    vec![first, shown(&ONE), second]
}

fn sound(making: &mut Making) {
    put(making, "bundle as minted", &minted(), ok());
    put(
        making,
        "bundle of the number asked for",
        &minted(),
        ok().asked(NUMBER.as_str()),
    );
    let notes = "event.unknown timestamp.proof";
    put(
        making,
        "bundle with events of every type",
        &full(),
        ok().noting(notes),
    );
    let both = [ONE.object(), TWO.object()];
    put(
        making,
        "bundle whose receipt was issued again",
        &bundle(&reissued(), &both),
        ok(),
    );
    let text = bundle_text(&minted());
    let spaced = [b" \n", text.as_slice(), b"\n"].concat();
    making.text(Bundle, "bundle in white space", spaced, ok());
    making.value(Bundle, "bundle with its keys sorted", &minted(), ok());
    let mirrors = with(&minted(), "/mirror_hints", json!([]));
    put(
        making,
        "bundle without mirrors",
        &rebundled(&mirrors, &ONE),
        ok(),
    );
    let proofs = with(
        &minted(),
        "/timestamp_proofs",
        json!([{"form": "unknown", "weight": 0.5}, 1]),
    );
    put(
        making,
        "bundle with proofs of an unknown form",
        &rebundled(&proofs, &ONE),
        ok().noting("bundle.proofs"),
    );
    let late = with(
        &minted(),
        "/bundle_signature/signed_at",
        "2026-12-01T00:00:00.000000Z",
    );
    put(making, "bundle with another time of signing", &late, ok());
    let at = "2025-01-01T00:00:00Z";
    let aliases = with(&minted(), "/source_aliases/3/created_at", at);
    let aliases = with(&aliases, "/state/current/source_aliases/3/created_at", at);
    put(
        making,
        "bundle with aliases of several times",
        &rebundled(&aliases, &ONE),
        ok(),
    );
}

fn trust(making: &mut Making) {
    let elsewhere = |file: &str, codes: &str| untrusted(codes).keyset(file);
    for (shows, expect) in [
        (
            "bundle by a registry that is unknown",
            elsewhere("keys/elsewhere.json", "key.trust"),
        ),
        (
            "bundle by a key that is trusted by itself",
            ok().trust("keys/key-1.json"),
        ),
        (
            "bundle by a key known under another label",
            elsewhere("keys/key-1-as-key-9.json", "key.trust"),
        ),
        (
            "bundle by a key of another registry",
            elsewhere("keys/key-1-of-another.json", "key.trust"),
        ),
        (
            "bundle by a key known for authors",
            elsewhere("keys/key-1-as-author.json", "key.trust"),
        ),
        (
            "bundle by a key that is not yet active",
            elsewhere("keys/key-1-next.json", "key.window"),
        ),
        (
            "bundle by a key that was revoked",
            elsewhere("keys/key-1-revoked.json", "key.revoked"),
        ),
        (
            "bundle by a key that was retired",
            ok().keyset("keys/key-1-retired.json"),
        ),
        (
            "bundle within the key's window",
            ok().keyset("keys/key-1-from-june.json"),
        ),
        (
            "bundle after the key's window",
            elsewhere("keys/key-1-until-may.json", "key.window"),
        ),
        (
            "bundle judged before it was built",
            untrusted("time.future").at("2026-06-01T12:00:00Z"),
        ),
        (
            "bundle judged as it was built",
            ok().at("2026-06-02T00:00:00Z"),
        ),
        (
            "bundle of another number than asked for",
            bad("number.expected").asked("pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2"),
        ),
    ] {
        put(making, shows, &minted(), expect);
    }
    let both = bundle(&reissued(), &[ONE.object(), TWO.object()]);
    put(
        making,
        "bundle of which one key is known",
        &both,
        untrusted("key.trust").trust("keys/key-1.json"),
    );
    let foreign = ok()
        .noting("event.unknown key.foreign timestamp.proof")
        .trust("keys/key-1.json");
    put(
        making,
        "bundle of which the registry alone is known",
        &full(),
        foreign,
    );
    let future = rebundled(&with(&minted(), "/built_at", "2027-01-01T00:00:00Z"), &ONE);
    let future = with(
        &future,
        "/bundle_signature/signed_at",
        "2027-01-01T00:00:00.000000Z",
    );
    put(
        making,
        "bundle built after the verifier's clock",
        &future,
        ok().noting("time.future"),
    );
    let mut science = minted();
    for index in 0..2 {
        let event = with(
            &science["events"][index],
            "/signer/signer_id",
            "pith.science",
        );
        science["events"][index] = sealed(&event, &ONE);
    }
    let events: Vec<Value> = science["events"].as_array().unwrap().clone();
    let posing = posing_bundle(&events);
    put(
        making,
        "bundle for a registry whose key is built in",
        &posing,
        untrusted("key.trust").trust("keys/key-1.json"),
    );
}

/// A bundle of a registry with another id, whose state is that of its events.
fn posing_bundle(events: &[Value]) -> Value {
    let mut named = ONE.object();
    named["signer_id"] = json!("pith.science");
    named["signer_type"] = json!("pith_registry");
    let bundle = bundle(events, &[named]);
    rebundled(&with(&bundle, "/public_keys", json!([ONE.object()])), &ONE)
}

/// Changed by somebody without the registry's key.
fn changed(making: &mut Making) {
    let whole = "bundle.hash bundle.signature";
    let title = "/events/1/payload/graph_snapshot/paper/title";
    let cases: [(&str, &str, Value, String); 11] = [
        (
            "bundle with another time of building",
            "/built_at",
            json!("2026-06-02T00:00:00Z".replace("02T", "03T")),
            format!("{whole} bundle.signed-at"),
        ),
        (
            "bundle with another licence",
            "/canonical_record/metadata/license",
            json!(""),
            format!(
                "{whole} record.digest record.number record.aliases state.replay snapshot.paper"
            ),
        ),
        (
            "bundle with another digest",
            "/canonical_sha256",
            json!("0".repeat(64)),
            format!("{whole} record.digest"),
        ),
        (
            "bundle with another short number",
            "/short_pith_number",
            json!("pith:AAAAAAAA"),
            format!("{whole} record.number"),
        ),
        (
            "bundle with another version of its source",
            "/source/version",
            json!(2),
            format!("{whole} record.number"),
        ),
        (
            "bundle with another alias",
            "/source_aliases/0/alias_value",
            json!("2402.00002"),
            format!("{whole} record.aliases state.replay"),
        ),
        (
            "bundle with another title",
            title,
            json!("Another Title"),
            format!("{whole} bundle.events event.content snapshot.paper state.replay"),
        ),
        (
            "bundle with another mirror",
            "/mirror_hints/0/bundle_url",
            json!("https://evil.invalid/x"),
            format!("{whole} bundle.links"),
        ),
        (
            "bundle with another link",
            "/links/resolver",
            json!("https://evil.invalid/x"),
            format!("{whole} bundle.links"),
        ),
        (
            "bundle with another note beside its key",
            "/public_keys/0/notes",
            json!(""),
            whole.to_owned(),
        ),
        (
            "bundle with another hash",
            "/bundle_signature/bundle_sha256",
            json!("0".repeat(64)),
            "bundle.hash".to_owned(),
        ),
    ];
    for (shows, place, value, codes) in cases {
        put(making, shows, &with(&minted(), place, value), bad(&codes));
    }
}

/// Signed by the registry, and wrong all the same.
fn resealed_by_the_registry(making: &mut Making) {
    let base = minted();
    let suffix = &NUMBER[10..];
    let cases: [(&str, &str, Value, &str); 18] = [
        (
            "sealed bundle of another digest",
            "/canonical_sha256",
            json!("0".repeat(64)),
            "record.digest",
        ),
        (
            "sealed bundle with the short number of another",
            "/short_pith_number",
            json!("pith:AAAAAAAA"),
            "record.number",
        ),
        (
            "sealed bundle with the source of another",
            "/source/id",
            json!("2402.00002"),
            "record.number",
        ),
        (
            "sealed bundle without aliases",
            "/source_aliases",
            json!([]),
            "record.aliases",
        ),
        (
            "sealed bundle with an alias too many",
            "/source_aliases/5",
            json!({"alias_kind": "pith_short_8", "alias_value": "AAAAAAAA", "created_at": "2026-06-01T00:00:00Z"}),
            "record.aliases state.replay",
        ),
        (
            "sealed bundle with the alias of a colliding number",
            "/source_aliases/3/alias_value",
            json!(format!("{}AAAA", &suffix[..8])),
            "record.aliases state.replay",
        ),
        (
            "sealed bundle with an alias in small letters",
            "/source_aliases/3/alias_value",
            json!(suffix[..12].to_lowercase()),
            "record.aliases state.replay",
        ),
        (
            "sealed bundle built before its events",
            "/built_at",
            json!("2026-05-31T23:59:59Z"),
            "bundle.built-at",
        ),
        (
            "sealed bundle whose resolver lacks the suffix",
            "/links/resolver",
            json!(format!("{BASE}/pith/x")),
            "bundle.links",
        ),
        (
            "sealed bundle whose bundle is elsewhere",
            "/links/bundle",
            json!(format!("https://evil.invalid/pith/{suffix}/bundle.json")),
            "bundle.links",
        ),
        (
            "sealed bundle whose state is elsewhere",
            "/links/state",
            json!(format!("{BASE}/pith/{suffix}/state")),
            "bundle.links",
        ),
        (
            "sealed bundle whose well-known address is another",
            "/links/well_known_bundle",
            json!(format!("{BASE}/pith/{suffix}/bundle.json")),
            "bundle.links",
        ),
        (
            "sealed bundle with a mirror of another paper",
            "/mirror_hints/0/state_url",
            json!(format!("{BASE}/pith/AAAAAAAAAAAAAAAAAAAAAAAAAA/state.json")),
            "bundle.links",
        ),
        (
            "sealed bundle with a mirror whose base differs",
            "/mirror_hints/0/base_url",
            json!("https://mirror.invalid"),
            "bundle.links",
        ),
        (
            "sealed bundle with a proof of nothing",
            "/timestamp_proofs",
            json!([{"event_id": "x"}]),
            "bundle.proofs",
        ),
        (
            "sealed bundle about the number in another year",
            "/pith_number",
            json!(format!("pith:2023:{suffix}")),
            "record.number event.subject bundle.events state.replay",
        ),
        (
            "sealed bundle of a record that no event creates",
            "/canonical_record/metadata/license",
            json!(""),
            "record.digest record.number record.aliases state.replay snapshot.paper",
        ),
        (
            "sealed bundle with a state that counts another event",
            "/state/event_count",
            json!(3),
            "state.replay",
        ),
    ];
    for (shows, place, value, codes) in cases {
        put(
            making,
            shows,
            &rebundled(&with(&base, place, value), &ONE),
            bad(codes),
        );
    }
    let aliases = base["source_aliases"].as_array().unwrap();
    let mut turned = aliases.clone();
    turned.swap(0, 1);
    let turned = rebundled(&with(&base, "/source_aliases", turned), &ONE);
    put(
        making,
        "sealed bundle with aliases out of order",
        &turned,
        bad("record.aliases"),
    );
}

fn signatures(making: &mut Making) {
    let base = minted();
    let signature = base["bundle_signature"]["signature_b64"].as_str().unwrap();
    let hash: pith::digest::Digest = base["bundle_signature"]["bundle_sha256"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let message = hash.as_bytes();
    for (shows, signature) in [
        ("bundle signed by another key", TWO.sign(&hash)),
        ("bundle with a larger S", crafted::with_larger_s(signature)),
        (
            "bundle with a neutral R",
            crafted::with_neutral_r(&ONE, &crafted::NEUTRAL, message),
        ),
        (
            "bundle with an R that is not reduced",
            crafted::with_neutral_r(&ONE, &crafted::NEUTRAL_UNREDUCED, message),
        ),
        (
            "bundle with an R that holds with the cofactor only",
            crafted::with_mixed_r(&ONE, message),
        ),
    ] {
        let bundle = with(&base, "/bundle_signature/signature_b64", signature);
        put(making, shows, &bundle, bad("bundle.signature"));
    }
    let early = with(
        &base,
        "/bundle_signature/signed_at",
        "2026-06-01T23:59:59.999999Z",
    );
    put(
        making,
        "bundle signed before it was built",
        &early,
        bad("bundle.signed-at"),
    );
    let label = with(&base, "/bundle_signature/key_id", "key-9");
    put(
        making,
        "bundle signed under another label",
        &label,
        bad("bundle.signature bundle.keys"),
    );
    let name = with(
        &base,
        "/bundle_signature/public_key_fingerprint",
        TWO.fingerprint(),
    );
    put(
        making,
        "bundle signed under a key that it lacks",
        &name,
        bad("bundle.signature bundle.keys"),
    );
    let keys = [ONE.object(), ALICE.named()];
    let events = [created(&ONE), shown(&ONE), sample("correction").1];
    let mut by_author = bundle(&events, &keys);
    by_author["bundle_signature"]["key_id"] = json!(ALICE.key_id);
    by_author["bundle_signature"]["public_key_fingerprint"] = json!(ALICE.fingerprint());
    by_author["public_keys"] = json!([ALICE.named(), ONE.object()]);
    let by_author = rebundled(&by_author, &ALICE);
    put(
        making,
        "bundle signed by an author",
        &by_author,
        bad("bundle.signature"),
    );
}

fn shape(making: &mut Making) {
    let base = minted();
    for name in base.as_object().unwrap().keys() {
        let shows = format!("bundle that lacks its {name}");
        put(
            making,
            &shows,
            &without(&base, &format!("/{name}")),
            shapeless(),
        );
    }
    let cases: [(&str, &str, Value); 16] = [
        ("bundle with another member", "/comment", json!("")),
        ("bundle of another type", "/bundle_type", json!("bundle")),
        ("bundle of another version", "/bundle_version", json!("2.0")),
        (
            "bundle of another merge",
            "/merge_version",
            json!("pith-open-graph-merge-v2"),
        ),
        (
            "bundle with a digest in capitals",
            "/canonical_sha256",
            json!(RECORD_DIGEST.to_string().to_uppercase()),
        ),
        (
            "bundle with a hash in capitals",
            "/bundle_signature/bundle_sha256",
            json!("A".repeat(64)),
        ),
        (
            "bundle with a number in small letters",
            "/pith_number",
            json!(NUMBER.to_lowercase()),
        ),
        (
            "bundle built on a day without a time",
            "/built_at",
            json!("2026-06-02"),
        ),
        (
            "bundle with events that are an object",
            "/events",
            json!({}),
        ),
        (
            "bundle with an event that is null",
            "/events/1",
            Value::Null,
        ),
        (
            "bundle with an event with another member",
            "/events/1/comment",
            json!(""),
        ),
        (
            "bundle with an alias of an unknown kind",
            "/source_aliases/0/alias_kind",
            json!("isbn"),
        ),
        (
            "bundle with a mirror of another type",
            "/mirror_hints/0/mirror_type",
            json!("ipfs"),
        ),
        (
            "bundle with a mirror with another member",
            "/mirror_hints/0/comment",
            json!(""),
        ),
        (
            "bundle with another link beside the four",
            "/links/page",
            json!(BASE),
        ),
        (
            "bundle with an array for its source",
            "/source",
            json!(["arxiv", "2402.00001", 1]),
        ),
    ];
    for (shows, place, value) in cases {
        put(
            making,
            shows,
            &rebundled_if(&with(&base, place, value), place),
            shapeless(),
        );
    }
    let text = String::from_utf8(bundle_text(&base)).unwrap();
    let twice = text.replacen(
        "\"built_at\":",
        "\"built_at\":\"2020-01-01T00:00:00Z\",\"built_at\":",
        1,
    );
    assert_ne!(text, twice);
    let version = text.replacen("\"version\":1", "\"version\":1.0", 1);
    assert_ne!(text, version);
    let surrogate = text.replacen("Ada Placeholder", "\\ud800", 1);
    assert_ne!(text, surrogate);
    for (shows, text) in [
        ("bundle with a member twice", twice),
        ("bundle with a version that is a float", version),
        ("bundle with a lone surrogate", surrogate),
        ("bundle after a byte order mark", format!("\u{feff}{text}")),
        ("bundle with a second one after it", format!("{text}{text}")),
        ("bundle cut off", text[..text.len() / 2].to_owned()),
        ("bundle in an array", format!("[{text}]")),
        (
            "bundle that says nothing but its type",
            r#"{"bundle_type":"pith_open_graph_bundle"}"#.to_owned(),
        ),
    ] {
        making.text(Bundle, shows, text, shapeless());
    }
}

/// Sealed anew after a change at `place`, unless that is in the seal.
fn rebundled_if(bundle: &Value, place: &str) -> Value {
    match place.starts_with("/bundle_signature") {
        true => bundle.clone(),
        false => rebundled(bundle, &ONE),
    }
}
