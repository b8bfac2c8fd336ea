//! Nothing verifies under the built-in trust but what pith.science has signed.
//!
//! The only documents of it that a fuzzer can know are the published bundle and its parts, so
//! whatever verifies has to be one of these, less the members that no signature covers.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use pith::canonical::{Numbers, read, to_vec};
use pith::keys::TrustedKeys;
use pith::time::Timestamp;
use pith::verify::{DocumentKind, Policy, Trust, Verdict, verify_document};
use serde_json::Value;

mod mutate;

const PUBLISHED: &[u8] = include_bytes!("../../tests/vectors/bundle-1706.02379v3.json");

static BUNDLE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(PUBLISHED).expect("the vector is JSON"));

static BUILT_IN: LazyLock<Trust> = LazyLock::new(|| {
    let mut trust = Trust::new();
    trust.add("the built-in keyset", TrustedKeys::built_in());
    trust
});

fuzz_target!(|bytes: &[u8]| {
    let policy = Policy {
        trust: &BUILT_IN,
        expect: None,
        at: None,
        now: Timestamp::from_unix(1_800_000_000).expect("a year of four digits"),
    };
    let report = verify_document(bytes, &policy);
    let verdict = report.verdict();
    assert!(!report.checks.is_empty(), "a verdict without a check");
    if verdict == Verdict::Verified {
        let value = serde_json::from_slice(bytes).expect("whoever is strict accepts only JSON");
        assert_signed(report.kind, value);
        assert_eq!(
            report
                .pith_number
                .map(|number| number.to_string())
                .as_deref(),
            BUNDLE["pith_number"].as_str()
        );
    }
    // Hashes do not depend on the order of members, nor does the verdict.
    if let Ok(node) = read(bytes, Numbers::PythonFloats) {
        let rewritten = to_vec(&node).expect("what was read can be written");
        let again = verify_document(&rewritten, &policy);
        assert_eq!((again.kind, again.verdict()), (report.kind, verdict));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

fn assert_signed(kind: DocumentKind, mut value: Value) {
    match kind {
        DocumentKind::Bundle => assert_eq!(
            without(value, "/bundle_signature", "signed_at"),
            without(BUNDLE.clone(), "/bundle_signature", "signed_at")
        ),
        DocumentKind::Event => {
            value = without(value, "/signature", "signed_at");
            let events = BUNDLE["events"].as_array().expect("a list of events");
            assert!(
                events
                    .iter()
                    .any(|event| without(event.clone(), "/signature", "signed_at") == value),
                "an event that nobody signed: {value}"
            );
        }
        DocumentKind::Receipt => {
            assert_eq!(value["canonical_record"], BUNDLE["canonical_record"]);
            let signed = &BUNDLE["events"][0]["payload"]["receipt"];
            for covered in [
                "canonical_sha256",
                "signature_b64",
                "public_key_fingerprint",
            ] {
                assert_eq!(value["receipt"][covered], signed[covered]);
            }
        }
        kind => panic!("a document of kind {kind:?} is never verified"),
    }
}

fn without(mut value: Value, object: &str, member: &str) -> Value {
    if let Some(object) = value.pointer_mut(object).and_then(Value::as_object_mut) {
        object.remove(member);
    }
    value
}
