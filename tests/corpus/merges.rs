//! Merges (SPEC 7): candidates, and the state that they add up to.

use std::slice;

use pith::canonical;
use serde_json::{Value, json};

use super::crafted;
use super::make::{Making, bad, shapeless};
use super::world::*;

const NOWHERE: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

fn keys() -> [Value; 4] {
    [ONE.object(), TWO.object(), ALICE.named(), BOB.named()]
}

fn put(making: &mut Making, shows: &str, events: &[Value], notes: &str) {
    let state = merged(events, &keys(), &[]).state;
    let state = canonical::to_vec(&state).unwrap();
    making.merge(shows, &merge_set(events, &keys()), state, notes);
}

/// A sound statement by somebody; `tag` makes it another one.
fn said(who: &Who, tag: u8) -> Value {
    let payload = with(
        &payload_of("author_attestation"),
        "/claimant",
        format!("Number {tag}"),
    );
    event(who, "author_attestation", "record", payload)
}

fn after(event: &Value, prev: &Value, who: &Who) -> Value {
    resealed(event, "/prev_event", prev["event_id"].clone(), who)
}

fn superseding(event: &Value, old: &[&Value], who: &Who) -> Value {
    let ids: Vec<&Value> = old.iter().map(|event| &event["event_id"]).collect();
    resealed(event, "/supersedes", json!(ids), who)
}

fn later(event: &Value, who: &Who) -> Value {
    dated(event, "2026-06-01T00:00:05Z", who)
}

/// Another event that creates the record.
fn created_again(who: &Who, tag: u8) -> Value {
    let place = "/payload/receipt/builder_version";
    resealed(&created(who), place, format!("sample-builder-{tag}"), who)
}

pub fn make(making: &mut Making) {
    plain(making);
    invalid(making);
    edges(making);
    equivocations(making);
    records(making);
    copies(making);
    unfit(making);
}

fn plain(making: &mut Making) {
    let (first, second) = (created(&ONE), shown(&ONE));
    put(making, "merge of nothing", &[], "");
    put(
        making,
        "merge of a record alone",
        slice::from_ref(&first),
        "",
    );
    put(
        making,
        "merge of a snapshot alone",
        slice::from_ref(&second),
        "",
    );
    put(
        making,
        "merge in which the snapshot comes after the record of its time",
        &[second.clone(), first.clone()],
        "",
    );
    let mut all = vec![first.clone(), second.clone()];
    all.extend(OTHERS.map(|kind| sample(kind).1));
    put(making, "merge of every type", &all, "");
    let unknown = event(
        &ALICE,
        "endorsement",
        "record",
        json!({"b": 1, "a": {"d": 1, "c": 2}}),
    );
    put(
        making,
        "merge of an unknown type that no array shows",
        &[first.clone(), unknown],
        "",
    );
    let early = dated(&said(&ALICE, 1), "2026-05-01T00:00:00Z", &ALICE);
    put(
        making,
        "merge in the order of times",
        &[first.clone(), said(&BOB, 2), early],
        "",
    );
    put(
        making,
        "merge of one time in the order of ids",
        &[said(&ALICE, 1), said(&ALICE, 2), said(&BOB, 3), first],
        "",
    );
    let another = with(&second, "/created_at", "2026-06-01T00:00:09Z");
    let another = sealed(&another, &ONE);
    put(
        making,
        "merge of two snapshots that both stand",
        &[second, another],
        "",
    );
}

fn invalid(making: &mut Making) {
    let base = sample("correction").1;
    let cases: [(&str, Value); 18] = [
        ("null", Value::Null),
        ("text", json!("event")),
        ("an array", json!([base])),
        ("an empty object", json!({})),
        ("shape", with(&base, "/comment", "")),
        (
            "subject",
            resealed(
                &base,
                "/subject_pith_number",
                "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2",
                &ALICE,
            ),
        ),
        ("target", resealed(&base, "/target", "figure:1", &ALICE)),
        ("form", resealed(&base, "/payload/reason", "", &ALICE)),
        ("content_hash", with(&base, "/payload/reason", "Another")),
        ("key_mismatch", with(&base, "/signature/key_id", "alice-2")),
        (
            "unknown_key",
            event(&STRANGER, "correction", "record", payload_of("correction")),
        ),
        (
            "signer",
            resealed(&base, "/signer/signer_id", BOB.signer_id, &ALICE),
        ),
        (
            "signer type",
            resealed(&base, "/signer/signer_type", "editor", &ALICE),
        ),
        (
            "signature",
            with(&base, "/signature/signature_b64", BOB.sign(&RECORD_DIGEST)),
        ),
        (
            "larger S",
            with(
                &base,
                "/signature/signature_b64",
                crafted::with_larger_s(base["signature"]["signature_b64"].as_str().unwrap()),
            ),
        ),
        (
            "not_registry",
            event(&ALICE, "graph_snapshot", "graph", snapshot_payload()),
        ),
        (
            "record",
            resealed(&created(&ONE), "/payload/source_version", 2, &ONE),
        ),
        (
            "receipt",
            resealed(
                &created(&ONE),
                "/payload/receipt",
                receipt(&ALICE, MICROS),
                &ONE,
            ),
        ),
    ];
    for (shows, candidate) in &cases {
        let events = [created(&ONE), candidate.clone()];
        put(
            making,
            &format!("merge beside an invalid event {shows}"),
            &events,
            "",
        );
    }
    let all: Vec<Value> = cases.into_iter().map(|(_, candidate)| candidate).collect();
    put(making, "merge of invalid events alone", &all, "");
    let two = with(
        &resealed(&base, "/target", "figure:1", &ALICE),
        "/signature/key_id",
        "alice-2",
    );
    put(making, "merge of an event with two faults", &[two], "");
    let float = resealed(&base, "/payload/replacement", json!(0.5), &ALICE);
    put(
        making,
        "merge of an event with a float",
        &[created(&ONE), float],
        "",
    );
}

fn edges(making: &mut Making) {
    let record = created(&ONE);
    let one = said(&ALICE, 1);
    let two = after(&later(&said(&ALICE, 2), &ALICE), &one, &ALICE);
    let missing = resealed(&one, "/prev_event", NOWHERE, &ALICE);
    let by_other = after(&later(&said(&BOB, 2), &BOB), &one, &BOB);
    let graph = event(&ALICE, "correction", "graph", payload_of("correction"));
    let elsewhere = after(&later(&said(&ALICE, 2), &ALICE), &graph, &ALICE);
    let earlier = after(
        &dated(&said(&ALICE, 2), "2026-05-01T00:00:00Z", &ALICE),
        &one,
        &ALICE,
    );
    let gone = event(
        &STRANGER,
        "author_attestation",
        "record",
        payload_of("author_attestation"),
    );
    let to_invalid = resealed(&two, "/prev_event", gone["event_id"].clone(), &ALICE);
    let dangling = "events.dangling";
    let cases: [(&str, Vec<Value>, &str); 20] = [
        (
            "follows",
            vec![record.clone(), two.clone(), one.clone()],
            "",
        ),
        (
            "follows at the same time",
            vec![one.clone(), after(&said(&ALICE, 2), &one, &ALICE)],
            "",
        ),
        ("follows a missing event", vec![missing], dangling),
        (
            "follows another signer's event",
            vec![one.clone(), by_other],
            dangling,
        ),
        (
            "follows an event with another target",
            vec![graph.clone(), elsewhere],
            dangling,
        ),
        (
            "follows a later event",
            vec![one.clone(), earlier],
            dangling,
        ),
        ("follows an invalid event", vec![gone, to_invalid], dangling),
        (
            "supersedes its own",
            vec![
                one.clone(),
                superseding(&later(&said(&ALICE, 2), &ALICE), &[&one], &ALICE),
            ],
            "",
        ),
        (
            "supersedes another's",
            vec![
                one.clone(),
                superseding(&later(&said(&BOB, 2), &BOB), &[&one], &BOB),
            ],
            dangling,
        ),
        (
            "of the registry supersedes another's",
            vec![
                one.clone(),
                superseding(&later(&said(&ONE, 2), &ONE), &[&one], &ONE),
            ],
            "",
        ),
        (
            "under the registry's second key supersedes its own",
            vec![
                said(&ONE, 1),
                superseding(&later(&said(&TWO, 2), &TWO), &[&said(&ONE, 1)], &TWO),
            ],
            "",
        ),
        (
            "under the registry's second key follows its own",
            vec![
                said(&ONE, 1),
                after(&later(&said(&TWO, 2), &TWO), &said(&ONE, 1), &TWO),
            ],
            "",
        ),
        (
            "supersedes a missing event",
            vec![resealed(&one, "/supersedes", json!([NOWHERE]), &ALICE)],
            dangling,
        ),
        (
            "supersedes one twice",
            vec![
                one.clone(),
                superseding(&later(&said(&ALICE, 2), &ALICE), &[&one, &one], &ALICE),
            ],
            "",
        ),
        (
            "supersedes an event with another target",
            vec![
                graph.clone(),
                superseding(&later(&one, &ALICE), &[&graph], &ALICE),
            ],
            dangling,
        ),
        (
            "supersedes a later event",
            vec![
                two.clone(),
                one.clone(),
                superseding(&said(&ALICE, 3), &[&two], &ALICE),
            ],
            dangling,
        ),
        (
            "is superseded by one that is superseded",
            {
                let second = superseding(&later(&said(&ALICE, 2), &ALICE), &[&one], &ALICE);
                let third = superseding(
                    &dated(&said(&ALICE, 3), "2026-06-01T00:00:09Z", &ALICE),
                    &[&second],
                    &ALICE,
                );
                vec![one.clone(), second, third]
            },
            "",
        ),
        (
            "that is no record supersedes a record",
            vec![
                record.clone(),
                superseding(&later(&said(&ONE, 2), &ONE), &[&record], &ONE),
            ],
            dangling,
        ),
        (
            "is a record and supersedes another's event",
            vec![
                one.clone(),
                superseding(&later(&record, &ONE), &[&one], &ONE),
            ],
            "",
        ),
        (
            "of an unknown type supersedes",
            vec![
                one.clone(),
                superseding(
                    &later(&event(&ALICE, "endorsement", "record", json!({})), &ALICE),
                    &[&one],
                    &ALICE,
                ),
            ],
            "",
        ),
    ];
    for (shows, events, notes) in cases {
        put(
            making,
            &format!("merge in which an event {shows}"),
            &events,
            notes,
        );
    }
}

fn equivocations(making: &mut Making) {
    let one = said(&ALICE, 1);
    let branch = |tag: u8| after(&later(&said(&ALICE, tag), &ALICE), &one, &ALICE);
    let (two, three) = (branch(2), branch(3));
    let latest = |event: &Value, who: &Who| dated(event, "2026-06-01T00:00:09Z", who);
    let tail = after(&latest(&said(&ALICE, 4), &ALICE), &two, &ALICE);
    let tail_of_tail = after(&latest(&said(&ALICE, 5), &ALICE), &tail, &ALICE);
    let by_registry = superseding(&latest(&said(&ONE, 6), &ONE), &[&three], &ONE);
    let own = superseding(&latest(&said(&ALICE, 7), &ALICE), &[&three], &ALICE);
    let correction = event(&ALICE, "correction", "record", payload_of("correction"));
    let of_other_type = after(&later(&correction, &ALICE), &one, &ALICE);
    let equivocation = "events.equivocation";
    let cases: [(&str, Vec<Value>, &str); 9] = [
        (
            "two events follow one",
            vec![one.clone(), two.clone(), three.clone()],
            equivocation,
        ),
        (
            "three events follow one",
            vec![one.clone(), two.clone(), three.clone(), branch(4)],
            equivocation,
        ),
        (
            "a branch is left out to its end",
            vec![
                one.clone(),
                two.clone(),
                three.clone(),
                tail.clone(),
                tail_of_tail,
            ],
            equivocation,
        ),
        (
            "the registry decides between two",
            vec![one.clone(), two.clone(), three.clone(), by_registry, tail],
            "",
        ),
        (
            "the signer takes one of two back",
            vec![one.clone(), two.clone(), three.clone(), own],
            "",
        ),
        (
            "two first events do not contradict",
            vec![one.clone(), said(&ALICE, 2)],
            "",
        ),
        (
            "two signers follow one and only one may",
            vec![
                one.clone(),
                two.clone(),
                after(&later(&said(&BOB, 3), &BOB), &one, &BOB),
            ],
            "events.dangling",
        ),
        (
            "events of two types follow one",
            vec![one.clone(), two.clone(), of_other_type],
            equivocation,
        ),
        (
            "two follow a missing event",
            vec![
                resealed(&two, "/prev_event", NOWHERE, &ALICE),
                resealed(&three, "/prev_event", NOWHERE, &ALICE),
            ],
            "events.dangling",
        ),
    ];
    for (shows, events, notes) in cases {
        put(making, &format!("merge in which {shows}"), &events, notes);
    }
    let in_two_groups = |who: &Who| {
        let first = said(who, 1);
        let next = |tag: u8| after(&later(&said(who, tag), who), &first, who);
        vec![first.clone(), next(2), next(3)]
    };
    let both = [in_two_groups(&ALICE), in_two_groups(&BOB)].concat();
    put(
        making,
        "merge in which two signers contradict themselves",
        &both,
        equivocation,
    );
}

fn records(making: &mut Making) {
    let first = created(&ONE);
    let again = created_again(&ONE, 2);
    let third = created_again(&TWO, 3);
    let equivocation = "events.equivocation";
    put(
        making,
        "merge of two records",
        &[first.clone(), again.clone()],
        equivocation,
    );
    put(
        making,
        "merge of three records under two keys",
        &[first.clone(), again.clone(), third.clone()],
        equivocation,
    );
    let decided = superseding(&later(&third, &TWO), &[&first, &again], &TWO);
    put(
        making,
        "merge of two records that a third supersedes",
        &[first.clone(), again.clone(), decided],
        "",
    );
    let next = after(
        &superseding(&later(&again, &ONE), &[&first], &ONE),
        &first,
        &ONE,
    );
    let beside = after(&later(&said(&ONE, 1), &ONE), &first, &ONE);
    put(
        making,
        "merge in which a new record and another event follow the old one",
        &[first.clone(), next.clone(), beside.clone()],
        "",
    );
    let other = after(&later(&said(&ONE, 2), &ONE), &first, &ONE);
    put(
        making,
        "merge in which two events follow the old record and a new one does",
        &[first.clone(), next, beside, other],
        equivocation,
    );
    let tail = |record: &Value, tag: u8| after(&later(&said(&ONE, tag), &ONE), record, &ONE);
    let tails = [
        first.clone(),
        again.clone(),
        tail(&first, 1),
        tail(&again, 2),
    ];
    put(
        making,
        "merge in which events follow two records",
        &tails,
        equivocation,
    );
    let line = after(&later(&again, &ONE), &first, &ONE);
    put(
        making,
        "merge in which a record follows a record that stands",
        &[first, line],
        equivocation,
    );
}

fn copies(making: &mut Making) {
    let record = created(&ONE);
    let one = said(&ALICE, 1);
    put(
        making,
        "merge of an event that is there twice",
        &[record.clone(), one.clone(), one.clone()],
        "",
    );
    let broken = with(&one, "/signature/signature_b64", BOB.sign(&RECORD_DIGEST));
    put(
        making,
        "merge of a valid copy and a broken one",
        &[broken.clone(), one.clone()],
        "",
    );
    put(
        making,
        "merge of a broken copy after the valid one",
        &[one.clone(), broken.clone()],
        "",
    );
    let renamed = with(&one, "/event_id", NOWHERE);
    put(
        making,
        "merge of an event under another id",
        &[record.clone(), renamed.clone()],
        "",
    );
    put(
        making,
        "merge of copies that fail differently",
        &[broken, renamed],
        "",
    );
    let signed_later = with(&one, "/signature/signed_at", "2026-06-02T00:00:00.000000Z");
    put(
        making,
        "merge of copies signed at two times",
        &[signed_later, one],
        "",
    );
}

fn unfit(making: &mut Making) {
    use pith::conformance::CaseKind::Merge;
    let twice = merge_set(&[], &[ONE.object(), ONE.object()]);
    making.value(
        Merge,
        "merge under a key that is there twice",
        &twice,
        bad("bundle.keys"),
    );
    let weak = merge_set(&[], &[key_object(&crafted::NEUTRAL, "weak")]);
    making.value(
        Merge,
        "merge under a key of small order",
        &weak,
        shapeless(),
    );
}
