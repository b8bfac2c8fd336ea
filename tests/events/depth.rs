//! How deep payloads nest: what is fit for an event is fit for the bundles and states that show it.

use pith::bundle::{Bundle, BundleParts};
use pith::canonical::{self, Json, MAX_DEPTH};
use pith::event::{Event, MAX_PAYLOAD_DEPTH, Payload};
use pith::keys::PublicKeyObject;
use pith::state::{Candidate, InvalidReason, State};

use super::world::*;

/// An event whose payload has this depth.
fn deep(depth: usize) -> Event {
    let mut making = said(&WORLD.registry, "mirror_hint", "record", 1);
    let nested = (1..depth).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
    let mut payload = payload_of("mirror_hint");
    payload.insert("deep".to_owned(), nested);
    making.draft.payload = Payload::Open(Json::Object(payload));
    making.sign()
}

#[test]
fn the_deepest_payload_fits_into_its_bundle() {
    let world = &*WORLD;
    let events = [created(&world.registry, 1).sign(), deep(MAX_PAYLOAD_DEPTH)];
    let merged = merged(&events);
    assert_eq!(merged.state.valid_event_count, 2);
    let entry = world.registry.entry();
    let key = PublicKeyObject::of_registry(entry.key, entry.key_id, "https://registry.invalid");
    let parts = BundleParts {
        record: world.record.clone(),
        merged,
        aliases: Vec::new(),
        timestamp_proofs: Vec::new(),
        mirrors: &[],
        base_url: "https://registry.invalid",
        public_keys: vec![key],
        built_at: micros(9).seconds(),
    };
    let bundle = parts.sign(micros(9), &world.registry).unwrap();
    let read = Bundle::from_slice(&bundle.to_wire()).unwrap();
    assert_eq!(read, bundle);
    let state = canonical::wire(&bundle.state).unwrap();
    assert_eq!(
        canonical::from_slice::<State>(&state).unwrap(),
        bundle.state
    );
    // The hint that it is stands in the bundle, since the registry has no mirror of that address.
    assert_eq!(read.mirror_hints.len(), 1);
    assert_eq!(read.mirror_hints[0].status, "secondary");
    assert!(
        read.mirror_hints[0]
            .bundle_url
            .starts_with("https://mirror.invalid/pith/")
    );
}

#[test]
fn a_deeper_one_is_no_event() {
    let event = deep(MAX_PAYLOAD_DEPTH + 1);
    // Made in memory it can be; but it is not valid, and cannot be read.
    let state = merged([&event]).state;
    assert_eq!(state.invalid_events[0].reason, InvalidReason::Shape);
    let wire = canonical::wire(&event).unwrap();
    let error = canonical::from_slice::<Event>(&wire)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("payload: nests deeper than 100 levels"),
        "{error}"
    );
    let node = canonical::read(&wire, canonical::Numbers::Integers).unwrap();
    let state = merge_candidates([Candidate::read(node)]).state;
    assert_eq!(state.invalid_events[0].reason, InvalidReason::Shape);
}

/// A payload in the state of a bundle is at depth 6.
const _: () = assert!(MAX_PAYLOAD_DEPTH + 5 <= MAX_DEPTH);

#[test]
fn a_deep_snapshot_is_no_event_either() {
    let event = snapshot(&WORLD.registry, 1).sign();
    let wire = String::from_utf8(canonical::wire(&event).unwrap()).unwrap();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let with = |depth: usize| {
        let more = format!("\"more\":{},\"builder_version\"", nested(depth));
        let text = wire.replacen("\"builder_version\"", &more, 1);
        canonical::from_slice::<Event>(text.as_bytes())
    };
    assert!(with(MAX_PAYLOAD_DEPTH - 2).is_ok());
    assert!(with(MAX_PAYLOAD_DEPTH - 1).is_err());
}
