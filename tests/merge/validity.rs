//! Rules 1 and 2: what an event is identified by, and which events are valid.

use pith::canonical::{self, Json, Numbers};
use pith::digest::Digest;
use pith::event::{Event, EventId, Payload, content_digest};
use pith::keys::SignatureBytes;
use pith::number::PithNumber;
use pith::state::{Candidate, InvalidEvent, InvalidReason, KeyTable, TableKey, merge};

use super::world::*;

/// The reason for which `event` alone is not valid.
fn reason(event: &Event) -> Option<InvalidReason> {
    let state = merged([event]).state;
    assert_eq!(state.event_count, 1);
    let id = EventId::of(content_digest(event));
    match state.invalid_events[..] {
        [] => None,
        [InvalidEvent { event_id, reason }] => {
            assert_eq!(event_id, Some(id), "it is named by its recomputed id");
            Some(reason)
        }
        _ => panic!("{state:?}"),
    }
}

/// Signs what was changed after the draft was made.
fn signed_anew(mut event: Event, who: &Somebody) -> Event {
    use pith::keys::Signer as _;
    event.content_sha256 = content_digest(&event);
    event.event_id = EventId::of(event.content_sha256);
    event.signature.signature_b64 = who.sign(&event.content_sha256).unwrap();
    event
}

#[test]
fn each_reason_has_its_events() {
    let world = &*WORLD;
    let sound = attested(&world.alice, 1).sign();
    assert_eq!(reason(&sound), None);

    let mut making = attested(&world.alice, 1);
    making.draft.subject = PithNumber::new(1999, &Digest::of(b"another record"));
    assert_eq!(reason(&making.sign()), Some(InvalidReason::Subject));

    for (event_type, target) in [
        ("author_attestation", "graph"),
        ("timestamp_anchor", "claim:C1"),
        ("mirror_hint", ""),
        ("correction", "claim:"),
        ("correction", "claims"),
        ("correction", ""),
    ] {
        let event = said(&world.alice, event_type, target, 1).sign();
        assert_eq!(
            reason(&event),
            Some(InvalidReason::Target),
            "{event_type} on {target}"
        );
    }
    for target in ["record", "graph", "claim:C1"] {
        assert_eq!(
            reason(&said(&world.alice, "correction", target, 1).sign()),
            None
        );
    }
    assert_eq!(
        reason(&created(&world.registry, 1).on("graph").sign()),
        Some(InvalidReason::Target)
    );
    assert_eq!(
        reason(&snapshot(&world.registry, 1).on("record").sign()),
        Some(InvalidReason::Target)
    );

    for kind in pith::event::EventKind::ALL {
        if kind.registry_only() {
            continue;
        }
        let mut making = said(&world.alice, kind.as_str(), "record", 1);
        assert_eq!(
            reason(&said(&world.alice, kind.as_str(), "record", 1).sign()),
            None,
            "{kind}"
        );
        // A payload that lacks a member is not of its form, whatever else it holds.
        let first = payload_of(kind.as_str()).into_keys().next().unwrap();
        let mut payload = payload_of(kind.as_str());
        payload.remove(&first);
        making.draft.payload = Payload::Open(Json::Object(payload));
        assert_eq!(reason(&making.sign()), Some(InvalidReason::Form), "{kind}");
    }
    // Of a type unknown here any payload is.
    let unknown = said(&world.alice, "a_type_of_tomorrow", "record", 1).sign();
    assert_eq!(reason(&unknown), None);

    let mut event = sound.clone();
    event.content_sha256 = Digest::of(b"");
    assert_eq!(reason(&event), Some(InvalidReason::ContentHash));
    let mut event = sound.clone();
    event.event_id = EventId::of(Digest::of(b""));
    assert_eq!(reason(&event), Some(InvalidReason::ContentHash));
    let mut event = sound.clone();
    event.created_at = seconds(1);
    assert_eq!(reason(&event), Some(InvalidReason::ContentHash));

    let mut event = sound.clone();
    event.signature.key_id = "bob-1".parse().unwrap();
    assert_eq!(reason(&event), Some(InvalidReason::KeyMismatch));
    let mut event = sound.clone();
    event.signature.public_key_fingerprint = world.bob.entry().key.fingerprint();
    assert_eq!(reason(&event), Some(InvalidReason::KeyMismatch));

    let event = attested(&world.stranger, 1).sign();
    assert_eq!(reason(&event), Some(InvalidReason::UnknownKey));
    // The label must agree with the table's: the fingerprint alone is not enough.
    let mut event = sound.clone();
    event.signer.key_id = "alice-2".parse().unwrap();
    event.signature.key_id = event.signer.key_id.clone();
    let event = signed_anew(event, &world.alice);
    assert_eq!(reason(&event), Some(InvalidReason::UnknownKey));

    let mut event = sound.clone();
    event.signer.signer_id = "orcid:bob".to_owned();
    let event = signed_anew(event, &world.alice);
    assert_eq!(reason(&event), Some(InvalidReason::Signer));
    let mut event = sound.clone();
    event.signer.signer_type = "pith_registry".to_owned();
    let event = signed_anew(event, &world.alice);
    assert_eq!(reason(&event), Some(InvalidReason::Signer));

    let mut event = sound.clone();
    event.signature.signature_b64 = SignatureBytes::from_bytes([0; 64]);
    assert_eq!(reason(&event), Some(InvalidReason::Signature));
    let mut event = sound.clone();
    event.signature.signature_b64 = signed_anew(sound, &world.bob).signature.signature_b64;
    assert_eq!(reason(&event), Some(InvalidReason::Signature));

    for event in [
        created(&world.alice, 1).sign(),
        snapshot(&world.alice, 1).sign(),
    ] {
        assert_eq!(reason(&event), Some(InvalidReason::NotRegistry));
    }
}

#[test]
fn a_record_created_must_agree_with_itself() {
    let world = &*WORLD;
    let broken = |change: &dyn Fn(&mut pith::event::RecordCreated)| {
        let mut making = created(&world.registry, 1);
        let Payload::RecordCreated(payload) = &mut making.draft.payload else {
            panic!("made as such");
        };
        change(payload);
        reason(&making.sign())
    };
    assert_eq!(broken(&|_| {}), None);
    let record = Some(InvalidReason::Record);
    let receipt_reason = Some(InvalidReason::Receipt);
    assert_eq!(broken(&|p| p.canonical_sha256 = Digest::of(b"")), record);
    assert_eq!(
        broken(&|p| p.receipt.canonical_sha256 = Digest::of(b"")),
        record
    );
    assert_eq!(
        broken(&|p| p.canonical_record.metadata.license = "x".to_owned()),
        record
    );
    assert_eq!(
        broken(&|p| p.source_id = "2402.00002".parse().unwrap()),
        record
    );
    assert_eq!(
        broken(&|p| p.source_version = 2.try_into().unwrap()),
        record
    );
    assert_eq!(
        broken(&|p| p.receipt.signature_b64 = SignatureBytes::from_bytes([1; 64])),
        receipt_reason
    );
    assert_eq!(
        broken(&|p| p.receipt.key_id = "registry-2".parse().unwrap()),
        receipt_reason
    );
    // A receipt by a key that is not the registry's.
    assert_eq!(
        broken(&|p| p.receipt = receipt(&world.alice, 1)),
        receipt_reason
    );
    assert_eq!(
        broken(&|p| p.receipt = receipt(&world.stranger, 1)),
        receipt_reason
    );
    // The registry's other key is as good.
    assert_eq!(
        broken(&|p| p.receipt = receipt(&world.registry_again, 1)),
        None
    );
    // Another record altogether, sound in itself: its number is not the subject.
    let other = |p: &mut pith::event::RecordCreated| {
        use pith::receipt::Receipt;
        p.canonical_record.metadata.license = "http://example.invalid/".to_owned();
        p.canonical_sha256 = p.canonical_record.digest();
        p.receipt = Receipt::issue(&p.canonical_record, "b1", micros(0), &world.registry).unwrap();
    };
    assert_eq!(broken(&other), record);
}

#[test]
fn what_does_not_have_the_shape_of_an_event_is_counted_by_its_hash() {
    let world = &*WORLD;
    let sound = canonical::wire(&attested(&world.alice, 1).sign()).unwrap();
    let sound = String::from_utf8(sound).unwrap();
    let texts = [
        sound.replace("\"prev_event\":null,", ""),
        sound.replace("\"prev_event\":null", "\"prev_event\":null,\"more\":1"),
        sound.replace("\"payload\":{", "\"payload\":[1],\"x\":{"),
        sound.replace("\"schema_version\":\"1.0\"", "\"schema_version\":\"1.1\""),
        sound.replace("\"signed_v1\"", "\"signed_v2\""),
        sound.replace("\"ed25519\"", "\"rsa\""),
        sound.replace("Z\",\"supersedes\"", ".0Z\",\"supersedes\""),
        sound.replace("\"supersedes\":[]", "\"supersedes\":[\"x\"]"),
        sound.replace("\"author_attestation\"", "\"record_created\""),
        "{}".to_owned(),
    ];
    let read = |text: &str| {
        let node = canonical::read(text.as_bytes(), Numbers::PythonFloats).unwrap();
        Candidate::read(node)
    };
    for text in &texts {
        assert_ne!(*text, sound);
        let state = merge_candidates([read(text)]).state;
        assert_eq!(state.invalid_events.len(), 1, "{text}");
        assert_eq!(
            state.invalid_events[0].reason,
            InvalidReason::Shape,
            "{text}"
        );
        assert!(state.invalid_events[0].event_id.is_some());
    }
    // Nothing but an object has a hash; all others together are one.
    let others = ["[]", "null", "7", "\"x\"", "[]"].map(read);
    let state = merge_candidates(others).state;
    let expected = InvalidEvent {
        event_id: None,
        reason: InvalidReason::Shape,
    };
    assert_eq!(state.invalid_events, std::slice::from_ref(&expected));
    assert_eq!((state.event_count, state.invalid_event_count), (1, 1));
    // It stands before those with an id.
    let state = merge_candidates(["{}", "[]"].map(read)).state;
    assert_eq!(state.invalid_events[0], expected);
}

#[test]
fn an_event_is_valid_if_one_copy_is_and_the_least_such_copy_is_kept() {
    let world = &*WORLD;
    let late = attested(&world.alice, 1).sign();
    let mut early = late.clone();
    early.signature.signed_at = micros(9);
    let mut forged = late.clone();
    forged.signature.signature_b64 = SignatureBytes::from_bytes([9; 64]);
    let mut mislabelled = late.clone();
    mislabelled.signature.key_id = "another".parse().unwrap();

    let state = merged([&forged, &mislabelled]).state;
    assert_eq!((state.event_count, state.invalid_event_count), (1, 1));
    // Of the faults of its copies the one that is checked first is told.
    assert_eq!(state.invalid_events[0].reason, InvalidReason::KeyMismatch);

    let all = [&forged, &early, &mislabelled, &late];
    let merged_all = merged(all);
    assert_eq!(merged_all.state.invalid_event_count, 0);
    assert_eq!(merged_all.state.event_count, 1);
    let bytes = |event: &Event| canonical::to_vec(event).unwrap();
    let least = [&early, &late]
        .into_iter()
        .min_by_key(|event| bytes(event))
        .unwrap();
    assert_eq!(merged_all.events, std::slice::from_ref(least));
}

#[test]
fn validity_depends_on_the_event_and_the_table_alone() {
    let world = &*WORLD;
    let event = attested(&world.stranger, 1).sign();
    let table = KeyTable::new([world.stranger.entry()]).unwrap();
    let state = merge(world.number, [Candidate::from(event.clone())], [], &table).state;
    assert_eq!(state.valid_event_count, 1);
    let with_others = merged([&event, &created(&world.registry, 1).sign()]).state;
    assert_eq!(with_others.invalid_events[0].event_id, Some(event.event_id));
}

#[test]
fn two_keys_with_one_fingerprint_make_no_table() {
    let world = &*WORLD;
    let again = TableKey {
        key_id: "another-label".parse().unwrap(),
        ..world.alice.entry()
    };
    let error = KeyTable::new([world.alice.entry(), again]).unwrap_err();
    assert_eq!(error.0, world.alice.entry().key.fingerprint());
}
