//! An event is valid if it is what its signer signed and has the form of its type, whatever was signed
//! (SPEC 5, 7).
//!
//! The input is the content of an event as anybody may want it. The registry of the tests' world, whose
//! key everybody knows, signs it as it is; so what a fuzzer makes up comes past the hash and the
//! signature.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};
use pith::canonical::{self, Json, Node, Numbers, read};
use pith::event::{Event, EventId, content_digest};
use pith::keys::Signer as _;
use pith::state::Candidate;
use pith::verify::{DocumentKind, Policy, Trust, Verdict, verify_document};
use serde_json::{Value, json};

mod mutate;
#[path = "../../tests/merge/world.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod world;

use world::{REGISTRY_ID, WORLD, merge_candidates, seconds, trust};

static TRUST: LazyLock<Trust> = LazyLock::new(trust);

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some(signed) = signed(bytes) else {
        return Corpus::Reject;
    };
    let text = canonical::to_vec(&signed).expect("what was read can be written");
    let node = read(&text, Numbers::PythonFloats).expect("canonical bytes are strict JSON");
    let read_as = canonical::from_tree::<Event>(&node);
    let valid = validity(node);
    let verdict = verdict(&text);
    // Both judge by the same rules; an event that is valid is by a key that is trusted.
    assert_eq!(
        valid,
        verdict == Verdict::Verified,
        "{}",
        text.escape_ascii()
    );
    if valid {
        let event = read_as.expect("a valid event has the shape of one");
        assert!(event.statement().is_ok());
        assert_eq!(EventId::of(content_digest(&event)), event.event_id);
        let wire = canonical::wire(&event).expect("an event is JSON");
        let again: Event = canonical::from_slice(&wire).expect("an event can be read again");
        assert_eq!(again, event);
    }
    // Nobody can change it afterwards.
    let original: Value = serde_json::from_slice(&text).expect("it is JSON");
    let seed = bytes
        .iter()
        .fold(7_u64, |seed, byte| seed.rotate_left(5) ^ u64::from(*byte));
    let changed = mutate::changed(original.clone(), seed);
    let changed_text = serde_json::to_vec(&changed).expect("a value can be written");
    if self::verdict(&changed_text) == Verdict::Verified {
        assert_eq!(undated(changed), undated(original), "it was never signed");
    }
    Corpus::Keep
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

/// The event with this content, signed; what is missing in it is added.
fn signed(content: &[u8]) -> Option<Json> {
    let Json::Object(mut event) = canonical::from_slice(content).ok()? else {
        return None;
    };
    let who = &WORLD.registry;
    let (key_id, fingerprint) = (who.key_id().to_string(), who.fingerprint().to_string());
    let defaults = json!({
        "subject_pith_number": WORLD.number.to_string(),
        "target": "record",
        "created_at": seconds(1).to_string(),
        "prev_event": null,
        "supersedes": [],
        "schema_version": "1.0",
        "signer": {
            "signer_id": REGISTRY_ID,
            "signer_type": "pith_registry",
            "key_id": key_id,
            "public_key_fingerprint": fingerprint,
        },
    });
    for (key, value) in defaults.as_object()? {
        event.entry(key.clone()).or_insert(open(value));
    }
    let digest = content_digest(&Json::Object(event.clone()));
    let signature = who.sign(&digest).ok()?;
    let parts = json!({
        "signature": {
            "signature_status": "signed_v1",
            "algorithm": "ed25519",
            "key_id": key_id,
            "public_key_fingerprint": fingerprint,
            "signature_b64": signature.to_string(),
            "signed_message": "open_graph_event_sha256_bytes",
            "signed_at": "2027-01-15T08:00:00.000000Z",
        },
        "content_sha256": digest.to_string(),
        "event_id": EventId::of(digest).to_string(),
    });
    for (key, value) in parts.as_object()? {
        event.insert(key.clone(), open(value));
    }
    let event = Json::Object(event);
    // A little deeper than documents go, it is none.
    (!event.nests_deeper_than(canonical::MAX_DEPTH)).then_some(event)
}

fn open(value: &Value) -> Json {
    let text = value.to_string();
    canonical::from_slice(text.as_bytes()).expect("it is strict JSON")
}

fn validity(node: Node<'_>) -> bool {
    merge_candidates([Candidate::read(node)])
        .state
        .valid_event_count
        == 1
}

fn verdict(text: &[u8]) -> Verdict {
    let policy = Policy {
        trust: &TRUST,
        expect: None,
        at: None,
        now: seconds(255),
    };
    let report = verify_document(text, &policy);
    // A part of the event, taken for the whole, may be something else.
    match report.kind {
        DocumentKind::Event => report.verdict(),
        _ => Verdict::Failed,
    }
}

/// Less what no hash covers.
fn undated(mut event: Value) -> Value {
    if let Some(signature) = event
        .pointer_mut("/signature")
        .and_then(Value::as_object_mut)
    {
        signature.remove("signed_at");
    }
    event
}
