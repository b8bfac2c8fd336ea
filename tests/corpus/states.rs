//! States on their own (SPEC 7).

use pith::conformance::CaseKind::State;
use serde_json::{Value, json};

use super::make::{Expect, Making, bad, shapeless, untrusted};
use super::world::*;

/// Nobody signs a state.
fn sound() -> Expect {
    untrusted("state.unsigned")
}

fn rehashed(state: &Value) -> Value {
    let hash = digest_without(state, &["state_sha256"]);
    with(state, "/state_sha256", hash.to_string())
}

pub fn make(making: &mut Making) {
    let base = minted()["state"].clone();
    making.value(State, "state of a minted bundle", &base, sound());
    let empty = bundle(&[], &[ONE.object()])["state"].clone();
    making.value(State, "state of no events", &empty, sound());
    let asked = sound().asked(NUMBER.as_str());
    making.value(State, "state of the number asked for", &base, asked);
    let other = bad("number.expected").asked("pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2");
    making.value(
        State,
        "state of another number than asked for",
        &base,
        other,
    );

    for (shows, place, value) in [
        ("state that counts another event", "/event_count", json!(3)),
        (
            "state with an event taken out",
            "/applied_event_ids",
            json!([]),
        ),
        (
            "state with another alias",
            "/current/source_aliases/0/alias_value",
            json!("2402.00002"),
        ),
        (
            "state with another title",
            "/current/graph_snapshots/0/payload/graph_snapshot/paper/title",
            json!("x"),
        ),
        (
            "state with another hash",
            "/state_sha256",
            json!("0".repeat(64)),
        ),
    ] {
        making.value(State, shows, &with(&base, place, value), bad("state.hash"));
    }
    // A state on its own is judged by its hash alone.
    let lie = rehashed(&with(&base, "/event_count", 3));
    making.value(State, "state that lies and has its own hash", &lie, sound());

    let open = with(
        &base,
        "/current/canonical_record",
        json!([0.5, "of any form"]),
    );
    let open = rehashed(&with(&open, "/current/record_created/signer", Value::Null));
    making.value(State, "state whose content nobody replays", &open, sound());

    for name in base.as_object().unwrap().keys() {
        let shows = format!("state without {name}");
        making.value(
            State,
            &shows,
            &without(&base, &format!("/{name}")),
            shapeless(),
        );
    }
    for name in base["current"].as_object().unwrap().keys() {
        let shows = format!("state without {name} in current");
        let state = rehashed(&without(&base, &format!("/current/{name}")));
        making.value(State, &shows, &state, shapeless());
    }
    let cases: [(&str, &str, Value); 15] = [
        ("state with another member", "/comment", json!("")),
        (
            "state with another member in current",
            "/current/comment",
            json!([]),
        ),
        (
            "state with another member in an entry",
            "/current/record_created/event_type",
            json!("record_created"),
        ),
        ("state of another type", "/state_type", json!("state")),
        ("state of another version", "/state_version", json!("1.1")),
        (
            "state of another merge",
            "/merge_version",
            json!("pith-open-graph-merge-v2"),
        ),
        (
            "state with a negative count",
            "/equivocation_count",
            json!(-1),
        ),
        ("state with a count as a float", "/event_count", json!(2.5)),
        (
            "state with an alias of an unknown kind",
            "/current/source_aliases/0/alias_kind",
            json!("isbn"),
        ),
        (
            "state with an invalid event of an unknown reason",
            "/invalid_events",
            json!([{"event_id": null, "reason": "odd"}]),
        ),
        (
            "state with an equivocation without events",
            "/equivocations",
            json!([{"signer_id": "a", "target": "record", "prev_event": null}]),
        ),
        (
            "state with snapshots that are an object",
            "/current/graph_snapshots",
            json!({}),
        ),
        (
            "state with an id in capitals",
            "/applied_event_ids/0",
            json!(format!("sha256:{}", "A".repeat(64))),
        ),
        ("state with an array for current", "/current", json!([])),
        ("state whose current is null", "/current", Value::Null),
    ];
    for (shows, place, value) in cases {
        making.value(
            State,
            shows,
            &rehashed(&with(&base, place, value)),
            shapeless(),
        );
    }
}
