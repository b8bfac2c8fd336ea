//! Everything the public registry has published must come out byte for byte the same here.

use pith::bundle::{Bundle, BundleParts, Mirror};
use pith::event::{Draft, EventSignature, Payload};
use pith::state::{Candidate, KeyTable, TableKey, merge};

fn published() -> Vec<u8> {
    std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/bundle-1706.02379v3.json"
    ))
    .unwrap()
}

#[test]
fn bundle_survives_the_round_trip() {
    let bytes = published();
    let bundle = Bundle::from_slice(&bytes).unwrap();
    assert_eq!(
        String::from_utf8(bundle.to_wire()),
        String::from_utf8(bytes)
    );
    assert_eq!(bundle.digest(), bundle.bundle_signature.bundle_sha256);
    assert_eq!(bundle.state.digest(), bundle.state.state_sha256);
    assert_eq!(bundle.canonical_record.digest(), bundle.canonical_sha256);
}

/// Taken apart into records, times and signatures, the bundle is assembled again.
#[test]
fn bundle_is_replayed_from_its_parts() {
    let bytes = published();
    let bundle = Bundle::from_slice(&bytes).unwrap();
    let candidates = bundle.events.iter().map(|event| {
        let draft = Draft {
            event_type: event.event_type.clone(),
            subject: event.subject_pith_number,
            target: event.target.clone(),
            payload: event.payload.clone(),
            created_at: event.created_at,
            supersedes: Vec::new(),
            prev_event: None,
        };
        let signature = EventSignature::new(
            &event.signer,
            event.signature.signature_b64,
            event.signature.signed_at,
        );
        Candidate::from(draft.with_signature(event.signer.clone(), signature))
    });
    let key = &bundle.public_keys[0];
    let keys = KeyTable::new([TableKey {
        key: key.key,
        key_id: key.key_id.clone(),
        signer_id: "pith.science".to_owned(),
        signer_type: "pith_registry".to_owned(),
    }])
    .unwrap();
    let merged = merge(
        bundle.pith_number,
        candidates,
        bundle.source_aliases.clone(),
        &keys,
    );
    assert!(merged.dangling.is_empty());
    let Payload::RecordCreated(created) = &bundle.events[0].payload else {
        panic!("the first event creates the record");
    };
    let parts = BundleParts {
        record: created.canonical_record.clone(),
        merged,
        aliases: bundle.source_aliases.clone(),
        timestamp_proofs: Vec::new(),
        mirrors: &[Mirror {
            name: "Pith Resolver".to_owned(),
            base_url: "https://pith.science".to_owned(),
            status: "primary".to_owned(),
        }],
        base_url: "https://pith.science",
        public_keys: bundle.public_keys.clone(),
        built_at: bundle.built_at,
    };
    let signature = &bundle.bundle_signature;
    let rebuilt = parts.with_signature(
        signature.key_id.clone(),
        signature.public_key_fingerprint,
        signature.signature_b64,
        signature.signed_at,
    );
    assert_eq!(
        String::from_utf8(rebuilt.to_wire()),
        String::from_utf8(bytes)
    );
}
