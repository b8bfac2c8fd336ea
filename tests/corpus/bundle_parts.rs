//! The parts of bundles: events, keys, states, snapshots (SPEC 8).

use serde_json::{Value, json};

use super::bundles::{full, put, reissued};
use super::crafted;
use super::make::{Expect, Making, bad, ok, shapeless};
use super::world::*;

pub fn make(making: &mut Making) {
    event_lists(making);
    keys(making);
    states(making);
    snapshots(making);
    others(making);
}

fn event_lists(making: &mut Making) {
    let base = minted();
    let (first, second) = (&base["events"][0], &base["events"][1]);
    let listed = |events: Value| rebundled(&with(&base, "/events", events), &ONE);
    let other_subject = resealed(
        second,
        "/subject_pith_number",
        "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2",
        &ONE,
    );
    let forged = with(
        second,
        "/signature/signature_b64",
        first["signature"]["signature_b64"].clone(),
    );
    let by_stranger = event(&STRANGER, "correction", "record", payload_of("correction"));
    let malformed = event(&ONE, "correction", "record", json!({"member": "x"}));
    let elsewhere = event(&ONE, "mirror_hint", "graph", payload_of("mirror_hint"));
    let cases: [(&str, Value, &str); 13] = [
        (
            "bundle with its events out of order",
            json!([second, first]),
            "bundle.events",
        ),
        (
            "bundle with an event twice",
            json!([first, second, second]),
            "bundle.events",
        ),
        (
            "bundle without its snapshot",
            json!([first]),
            "state.replay",
        ),
        (
            "bundle without the event that creates its record",
            json!([second]),
            "state.replay",
        ),
        ("bundle without events", json!([]), "state.replay"),
        (
            "bundle with an event of another paper",
            json!([first, other_subject]),
            "event.subject bundle.events state.replay",
        ),
        (
            "bundle with a forged event",
            json!([first, forged]),
            "event.signature bundle.events state.replay",
        ),
        (
            "bundle with an event by a key that it lacks",
            json!([first, second, by_stranger]),
            "event.key bundle.events bundle.keys state.replay",
        ),
        (
            "bundle with a payload of another form",
            json!([first, second, malformed]),
            "event.form bundle.events state.replay",
        ),
        (
            "bundle with an event about the wrong part",
            json!([first, second, elsewhere]),
            "event.target bundle.events state.replay",
        ),
        (
            "bundle with an event with another id",
            json!([first, with(second, "/event_id", first["event_id"].clone())]),
            "event.content bundle.events state.replay",
        ),
        (
            "bundle with an event whose labels differ",
            json!([first, with(second, "/signature/key_id", "key-9")]),
            "event.key bundle.events state.replay",
        ),
        (
            "bundle with an event of another label",
            json!([
                first,
                sealed(
                    &with(
                        &with(second, "/signature/key_id", "key-9"),
                        "/signer/key_id",
                        "key-9"
                    ),
                    &ONE
                )
            ]),
            "event.key bundle.events bundle.keys state.replay",
        ),
    ];
    for (shows, events, codes) in cases {
        put(making, shows, &listed(events), bad(codes));
    }
    let late = dated(first, "2026-06-01T00:00:01Z", &ONE);
    let late = bundle(&[late, second.clone()], &[ONE.object()]);
    put(
        making,
        "bundle with a record_created that is not dated as its receipt",
        &late,
        bad("receipt.times"),
    );
    let place = "/payload/receipt/first_computed_at";
    let early = resealed(first, place, "2026-06-01T00:00:00.500000Z", &ONE);
    let early = bundle(&[early, second.clone()], &[ONE.object()]);
    put(
        making,
        "bundle with a receipt issued again before it was issued",
        &early,
        bad("receipt.times"),
    );
    let by_author = resealed(first, "/payload/receipt", receipt(&ALICE, MICROS), &ONE);
    let keyed = with(&base, "/public_keys", json!([ONE.object(), ALICE.named()]));
    let by_author = rebundled(&with(&keyed, "/events", json!([by_author, second])), &ONE);
    put(
        making,
        "bundle with a receipt by an author",
        &by_author,
        bad("receipt.signature state.replay bundle.events"),
    );
}

fn keys(making: &mut Making) {
    let base = full();
    let (one, alice, bob) = (ONE.object(), ALICE.named(), BOB.named());
    let stranger = STRANGER.named();
    let with_keys = |keys: Value| rebundled(&with(&base, "/public_keys", keys), &ONE);
    for (shows, keys, codes) in [
        (
            "bundle with a key that nobody used",
            json!([one, alice, bob, stranger]),
            "bundle.keys",
        ),
        (
            "bundle with its keys out of order",
            json!([alice, one, bob]),
            "bundle.keys",
        ),
        (
            "bundle with other keys out of order",
            json!([one, bob, alice]),
            "bundle.keys",
        ),
        (
            "bundle with a key twice",
            json!([one, alice, bob, bob]),
            "bundle.keys",
        ),
        (
            "bundle that lacks a key",
            json!([one, alice]),
            "bundle.keys event.key bundle.events state.replay",
        ),
        (
            "bundle that lacks its own key",
            json!([alice, bob]),
            "bundle.keys event.key bundle.events state.replay bundle.signature",
        ),
        (
            "bundle without keys",
            json!([]),
            "bundle.keys event.key bundle.events bundle.proofs state.replay bundle.signature",
        ),
        (
            "bundle whose own key has a signer",
            json!([ONE.named(), alice, bob]),
            "bundle.keys bundle.signature",
        ),
    ] {
        put(making, shows, &with_keys(keys), bad(codes));
    }
    let mut posing = ALICE.named();
    posing["signer_id"] = json!(REGISTRY_ID);
    let mut author = sample("correction").1;
    author["signer"]["signer_id"] = json!(REGISTRY_ID);
    let author = sealed(&author, &ALICE);
    let borrowed = bundle(
        &[created(&ONE), shown(&ONE), author],
        &[ONE.object(), posing],
    );
    put(
        making,
        "bundle in which an author borrows the registry's id",
        &borrowed,
        bad("bundle.keys"),
    );
    let mut posing = ALICE.named();
    posing["signer_type"] = json!("pith_registry");
    let mut second = sample("correction").1;
    second["signer"]["signer_type"] = json!("pith_registry");
    let second = sealed(&second, &ALICE);
    let borrowed = bundle(
        &[created(&ONE), shown(&ONE), second],
        &[ONE.object(), posing],
    );
    put(
        making,
        "bundle in which an author calls themselves a registry",
        &borrowed,
        bad("bundle.keys"),
    );
    let mut weak = base.clone();
    weak["public_keys"][1] = key_object(&crafted::small_order()[1], "alice-1");
    weak["public_keys"][1]["signer_id"] = json!(ALICE.signer_id);
    weak["public_keys"][1]["signer_type"] = json!(ALICE.signer_type);
    put(
        making,
        "bundle with a key of small order",
        &rebundled(&weak, &ONE),
        shapeless(),
    );
    let unreduced = with(
        &base,
        "/public_keys/1/public_key_hex",
        hex::encode(crafted::NEUTRAL_UNREDUCED),
    );
    put(
        making,
        "bundle with a key whose two forms differ",
        &rebundled(&unreduced, &ONE),
        shapeless(),
    );
    let mut other = reissued();
    other[2]["signer"]["signer_id"] = json!("other.invalid");
    other[2] = sealed(&other[2], &TWO);
    let keyed = with(
        &minted(),
        "/public_keys",
        json!([ONE.object(), TWO.object()]),
    );
    let other = rebundled(&with(&keyed, "/events", other), &ONE);
    put(
        making,
        "bundle in which two registries speak",
        &other,
        bad("event.key bundle.events state.replay"),
    );
}

fn states(making: &mut Making) {
    let base = minted();
    let cases: [(&str, &str, Value); 9] = [
        (
            "bundle whose state leaves out an event",
            "/state/applied_event_ids",
            json!([]),
        ),
        (
            "bundle whose state shows another title",
            "/state/current/graph_snapshots/0/payload/graph_snapshot/paper/title",
            json!("x"),
        ),
        (
            "bundle whose state shows no record",
            "/state/current/canonical_record",
            Value::Null,
        ),
        (
            "bundle whose state shows no snapshot",
            "/state/current/graph_snapshots",
            json!([]),
        ),
        (
            "bundle whose state is of another paper",
            "/state/pith_number",
            json!("pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2"),
        ),
        (
            "bundle whose state claims a contradiction",
            "/state/equivocation_count",
            json!(1),
        ),
        (
            "bundle whose state claims an invalid event",
            "/state/invalid_events",
            json!([{"event_id": null, "reason": "shape"}]),
        ),
        (
            "bundle whose state has another signer",
            "/state/current/record_created/signer/key_id",
            json!("key-9"),
        ),
        (
            "bundle whose state has an older alias",
            "/state/current/source_aliases/0/created_at",
            json!("2020-01-01T00:00:00Z"),
        ),
    ];
    for (shows, place, value) in cases {
        put(
            making,
            shows,
            &rebundled(&with(&base, place, value), &ONE),
            bad("state.replay"),
        );
    }
    let hash = signed_bundle(&with(&base, "/state/state_sha256", "0".repeat(64)), &ONE);
    put(
        making,
        "bundle whose state has another hash",
        &hash,
        bad("state.replay"),
    );
    let shapeless_state = with(&base, "/state/comment", "");
    put(
        making,
        "bundle whose state has another member",
        &rebundled(&shapeless_state, &ONE),
        shapeless(),
    );
    let float = rebundled(&with(&base, "/state/event_count", json!(2.5)), &ONE);
    put(
        making,
        "bundle whose state counts in floats",
        &float,
        shapeless(),
    );
}

fn snapshots(making: &mut Making) {
    let shown_with = |place: &str, value: Value| {
        let place = format!("/payload/graph_snapshot{place}");
        let event = resealed(&shown(&ONE), &place, value, &ONE);
        bundle(&[created(&ONE), event], &[ONE.object()])
    };
    let cases: [(&str, &str, Value, Expect); 18] = [
        (
            "another title",
            "/paper/title",
            json!("Another"),
            bad("snapshot.paper"),
        ),
        (
            "the title in other letters and spaces",
            "/paper/title",
            json!(TITLE.to_uppercase().replace(' ', "\n  ")),
            ok(),
        ),
        (
            "another licence",
            "/paper/license",
            json!(""),
            bad("snapshot.paper"),
        ),
        (
            "another category",
            "/paper/primary_cat",
            json!("math.GN"),
            bad("snapshot.paper"),
        ),
        (
            "another cross-list",
            "/paper/cross_cats",
            json!(["cs.DL"]),
            bad("snapshot.paper"),
        ),
        (
            "another date",
            "/paper/submitted_at",
            json!("2024-02-01T12:00:01Z"),
            bad("snapshot.paper"),
        ),
        (
            "another source",
            "/source/version",
            json!(2),
            bad("snapshot.paper"),
        ),
        (
            "another abstract",
            "/paper/abstract_excerpt",
            json!("We stop."),
            bad("snapshot.paper"),
        ),
        (
            "an excerpt of 600 code points",
            "/paper/abstract_excerpt",
            json!("\u{e9}".repeat(600)),
            ok(),
        ),
        (
            "an excerpt of 599 code points that is not the abstract",
            "/paper/abstract_excerpt",
            json!("\u{1f600}".repeat(599)),
            bad("snapshot.paper"),
        ),
        (
            "other authors",
            "/paper/authors_text",
            json!("Somebody Else"),
            ok(),
        ),
        (
            "no claims and another hash",
            "/claims/snapshot_sha256",
            json!("0".repeat(64)),
            bad("snapshot.lists"),
        ),
        (
            "no claims and one shown",
            "/claims/items",
            json!([{"claim_id": "C1"}]),
            bad("snapshot.lists"),
        ),
        (
            "no references and one shown",
            "/references/sample",
            json!([{"title": "x"}]),
            bad("snapshot.lists"),
        ),
        (
            "no evidence and another hash",
            "/formal_canon/snapshot_sha256",
            json!("0".repeat(64)),
            bad("snapshot.lists"),
        ),
        (
            "no claims of authorship and another hash",
            "/author_claims/snapshot_sha256",
            json!("0".repeat(64)),
            bad("snapshot.lists"),
        ),
        (
            "a claim that is counted and shown",
            "/claims",
            json!({"count": 1, "items": [{"claim_id": "C1"}], "snapshot_sha256": "0".repeat(64)}),
            ok(),
        ),
        (
            "a float in an unknown section",
            "/figures",
            json!({"weight": 0.25}),
            ok(),
        ),
    ];
    for (shows, place, value, expect) in cases {
        let shows = format!("bundle whose snapshot has {shows}");
        put(making, &shows, &shown_with(place, value), expect);
    }
}

fn others(making: &mut Making) {
    let base = || vec![created(&ONE), shown(&ONE)];
    let keys = [ONE.object(), ALICE.named()];
    let first = sample("author_attestation").1;
    let missing = resealed(
        &first,
        "/prev_event",
        format!("sha256:{}", "0".repeat(64)),
        &ALICE,
    );
    let dangling = bundle(&[base(), vec![missing]].concat(), &keys);
    put(
        making,
        "bundle with an event that follows a missing one",
        &dangling,
        ok().noting("events.dangling"),
    );
    let branch = |claimant: &str| {
        let next = resealed(&first, "/prev_event", first["event_id"].clone(), &ALICE);
        resealed(&next, "/payload/claimant", claimant, &ALICE)
    };
    let branches = [
        base(),
        vec![first.clone(), branch("One"), branch("Another")],
    ]
    .concat();
    put(
        making,
        "bundle in which an author contradicts themselves",
        &bundle(&branches, &keys),
        ok().noting("events.equivocation"),
    );
    let again = resealed(
        &created(&ONE),
        "/payload/receipt/builder_version",
        "sample-builder-2",
        &ONE,
    );
    let twice = bundle(&[base(), vec![again]].concat(), &[ONE.object()]);
    put(
        making,
        "bundle with two records created",
        &twice,
        ok().noting("events.equivocation"),
    );
    let younger = dated(&first, "2026-06-03T00:00:00Z", &ALICE);
    let younger = bundle(&[base(), vec![younger]].concat(), &keys);
    put(
        making,
        "bundle with another's event that is younger than it",
        &younger,
        ok(),
    );
    let anchor = sample("timestamp_anchor").1;
    let anchored = bundle(&[base(), vec![anchor]].concat(), &keys);
    let noted = || ok().noting("timestamp.proof");
    put(making, "bundle with a timestamp", &anchored, noted());
    let without_proof = rebundled(&with(&anchored, "/timestamp_proofs", json!([])), &ONE);
    put(
        making,
        "bundle with a timestamp and no proof",
        &without_proof,
        bad("bundle.proofs"),
    );
    let mut twice = anchored["timestamp_proofs"].as_array().unwrap().clone();
    twice.extend(twice.clone());
    let twice = rebundled(&with(&anchored, "/timestamp_proofs", twice), &ONE);
    put(
        making,
        "bundle with a proof twice",
        &twice,
        bad("bundle.proofs"),
    );
    let other = rebundled(
        &with(&anchored, "/timestamp_proofs/0/status", "confirmed"),
        &ONE,
    );
    put(
        making,
        "bundle with a proof that says more than its event",
        &other,
        bad("bundle.proofs"),
    );
}
