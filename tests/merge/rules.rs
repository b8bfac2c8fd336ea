//! SPEC 7, rule by rule; which events are valid (1 and 2) is in `validity`.

use pith::event::Event;
use pith::number::{AliasKind, SourceAlias};
use pith::state::{Candidate, Equivocation, merge};

use super::world::*;

fn applied(events: &[&Event]) -> Vec<pith::event::EventId> {
    merged(events.iter().copied()).state.applied_event_ids
}

/// The members that name the edges of `event` that do not hold.
fn dangling(event: &Event, others: &[&Event]) -> Vec<&'static str> {
    let merged = merged(others.iter().copied().chain([event]));
    assert_eq!(merged.state.invalid_event_count, 0, "the event stays valid");
    let edges = merged.dangling.iter();
    assert!(edges.clone().all(|edge| edge.event_id == event.event_id));
    edges.map(|edge| edge.member).collect()
}

#[test]
fn rule_3_prev_event_must_be_an_earlier_one_of_the_same_signer_and_target() {
    let world = &*WORLD;
    let first = attested(&world.alice, 1).at(5).sign();
    let next = |who, time| attested(who, 2).at(time).after(&first).sign();
    assert!(dangling(&next(&world.alice, 5), &[&first]).is_empty());
    assert_eq!(dangling(&next(&world.alice, 4), &[&first]), ["prev_event"]);
    assert_eq!(dangling(&next(&world.bob, 5), &[&first]), ["prev_event"]);
    assert_eq!(
        dangling(&next(&world.registry, 5), &[&first]),
        ["prev_event"]
    );
    assert_eq!(dangling(&next(&world.alice, 5), &[]), ["prev_event"]);
    let elsewhere = said(&world.alice, "correction", "graph", 2);
    let elsewhere = elsewhere.at(6).after(&first).sign();
    assert_eq!(dangling(&elsewhere, &[&first]), ["prev_event"]);
    // The type does not matter, and a key of the same signer is the same signer.
    let other_type = said(&world.alice, "mirror_hint", "record", 2);
    assert!(dangling(&other_type.at(6).after(&first).sign(), &[&first]).is_empty());
    let by_registry = attested(&world.registry, 1).sign();
    let by_next_key = attested(&world.registry_again, 2)
        .after(&by_registry)
        .sign();
    assert!(dangling(&by_next_key, &[&by_registry]).is_empty());
}

#[test]
fn rule_3_an_edge_to_an_invalid_event_is_void() {
    let world = &*WORLD;
    let invalid = attested(&world.stranger, 1).sign();
    let event = attested(&world.registry, 2).superseding([&invalid]).sign();
    let merged = merged([&invalid, &event]);
    assert_eq!(merged.state.invalid_event_count, 1);
    assert_eq!(merged.dangling.len(), 1);
    assert_eq!(merged.dangling[0].names, invalid.event_id);
    assert_eq!(merged.state.applied_event_ids, [event.event_id]);
}

#[test]
fn rule_3_who_may_supersede_what() {
    let world = &*WORLD;
    let old = attested(&world.alice, 1).at(5).sign();
    let new = |who, time| attested(who, 2).at(time).superseding([&old]).sign();
    assert!(dangling(&new(&world.alice, 5), &[&old]).is_empty());
    assert!(dangling(&new(&world.registry, 5), &[&old]).is_empty());
    assert!(dangling(&new(&world.registry_again, 5), &[&old]).is_empty());
    assert_eq!(dangling(&new(&world.bob, 5), &[&old]), ["supersedes"]);
    assert_eq!(dangling(&new(&world.alice, 4), &[&old]), ["supersedes"]);
    assert_eq!(dangling(&new(&world.registry, 4), &[&old]), ["supersedes"]);
    let elsewhere = said(&world.registry, "correction", "graph", 2);
    let elsewhere = elsewhere.at(9).superseding([&old]).sign();
    assert_eq!(dangling(&elsewhere, &[&old]), ["supersedes"]);
    // Nobody but the registry speaks for it.
    let registry = attested(&world.registry, 1).sign();
    let by_alice = attested(&world.alice, 1).superseding([&registry]).sign();
    assert_eq!(dangling(&by_alice, &[&registry]), ["supersedes"]);
}

#[test]
fn rule_3_a_record_created_is_superseded_by_its_like_only() {
    let world = &*WORLD;
    let old = created(&world.registry, 1).sign();
    let attestation = attested(&world.registry, 1).superseding([&old]).sign();
    assert_eq!(dangling(&attestation, &[&old]), ["supersedes"]);
    let new = created(&world.registry, 2).superseding([&old]).sign();
    assert!(dangling(&new, &[&old]).is_empty());
    let merged = merged([&old, &new]);
    let current = merged.state.current;
    assert_eq!(current.record_created.unwrap().event_id, new.event_id);
    assert_eq!(merged.state.equivocation_count, 0);
    // A record_created may supersede something else of the same target.
    let other = attested(&world.alice, 1).sign();
    let new = created(&world.registry, 2).superseding([&other]).sign();
    assert!(dangling(&new, &[&other]).is_empty());
}

#[test]
fn rule_3_a_void_edge_has_no_effect() {
    let world = &*WORLD;
    let old = attested(&world.alice, 1).at(3).sign();
    let void = attested(&world.bob, 2)
        .at(1)
        .superseding([&old])
        .after(&old)
        .sign();
    let merged = merged([&old, &void]);
    assert_eq!(merged.dangling.len(), 2);
    assert_eq!(merged.state.current.author_attestations.len(), 2);
    assert_eq!(merged.state.applied_event_ids, ids([&void, &old]));
}

#[test]
fn rule_4_superseding_a_superseder_revives_nothing() {
    let world = &*WORLD;
    let a = attested(&world.alice, 1).sign();
    let b = attested(&world.alice, 2).at(1).superseding([&a]).sign();
    let c = attested(&world.alice, 3).at(2).superseding([&b]).sign();
    let state = merged([&a, &b, &c]).state;
    let shown: Vec<_> = state
        .current
        .author_attestations
        .iter()
        .map(|e| e.event_id)
        .collect();
    assert_eq!(shown, [c.event_id]);
    assert_eq!(state.applied_event_ids, ids([&a, &b, &c]));
}

#[test]
fn rule_5_events_after_the_same_one_exclude_each_other_and_their_followers() {
    let world = &*WORLD;
    let root = attested(&world.alice, 0).sign();
    let left = attested(&world.alice, 1).at(1).after(&root).sign();
    let right = attested(&world.alice, 2).at(1).after(&root).sign();
    let follower = attested(&world.alice, 3).at(2).after(&left).sign();
    let its_follower = attested(&world.alice, 4).at(3).after(&follower).sign();
    let bystander = attested(&world.bob, 1).at(4).sign();
    let all = [&root, &left, &right, &follower, &its_follower, &bystander];
    let merged_all = merged(all);
    let expected = Equivocation {
        signer_id: "orcid:alice".to_owned(),
        target: "record".to_owned(),
        prev_event: Some(root.event_id),
        event_ids: sorted_ids([&left, &right]),
    };
    assert_eq!(merged_all.state.equivocations, [expected]);
    assert_eq!(merged_all.state.equivocation_count, 1);
    assert_eq!(merged_all.state.applied_event_ids, ids([&root, &bystander]));
    // Bundles list what was not applied after what was, by id.
    let rest = sorted_ids([&left, &right, &follower, &its_follower]);
    let listed = ids(&merged_all.events);
    assert_eq!(listed[..2], ids([&root, &bystander]));
    assert_eq!(listed[2..], rest);
}

#[test]
fn rule_5_it_ends_when_the_registry_supersedes_all_but_one() {
    let world = &*WORLD;
    let root = attested(&world.alice, 0).sign();
    let left = attested(&world.alice, 1).at(1).after(&root).sign();
    let right = attested(&world.alice, 2).at(1).after(&root).sign();
    let third = attested(&world.alice, 3).at(1).after(&root).sign();
    let verdict = |old: &[&Event]| {
        let making = attested(&world.registry, 9).at(2);
        making.superseding(old.iter().copied()).sign()
    };
    let one_gone = verdict(&[&left]);
    let state = merged([&root, &left, &right, &third, &one_gone]).state;
    assert_eq!(
        state.equivocations[0].event_ids,
        sorted_ids([&right, &third])
    );
    // What is superseded is no member any more, and is applied as such.
    assert_eq!(state.applied_event_ids, ids([&root, &left, &one_gone]));

    let two_gone = verdict(&[&left, &third]);
    let state = merged([&root, &left, &right, &third, &two_gone]).state;
    assert!(state.equivocations.is_empty());
    let shown: Vec<_> = state
        .current
        .author_attestations
        .iter()
        .map(|e| e.event_id)
        .collect();
    assert_eq!(shown, ids([&root, &right, &two_gone]));
}

#[test]
fn rule_5_takes_a_common_edge_that_holds() {
    let world = &*WORLD;
    let elsewhere = said(&world.alice, "correction", "graph", 0).sign();
    let left = attested(&world.alice, 1).after(&elsewhere).sign();
    let right = attested(&world.alice, 2).after(&elsewhere).sign();
    assert!(
        merged([&elsewhere, &left, &right])
            .state
            .equivocations
            .is_empty()
    );
    // Two events without a prev_event contradict nothing either.
    let (one, two) = (
        attested(&world.alice, 1).sign(),
        attested(&world.alice, 2).sign(),
    );
    assert!(merged([&one, &two]).state.equivocations.is_empty());
}

#[test]
fn rule_5_of_several_record_created_the_least_id_is_applied_and_flagged() {
    let world = &*WORLD;
    let three = [1, 2, 3].map(|tag| created(&world.registry, tag).at(tag).sign());
    let state = merged(&three).state;
    let all = sorted_ids(&three);
    assert_eq!(
        state.equivocations,
        [Equivocation {
            signer_id: REGISTRY_ID.to_owned(),
            target: "record".to_owned(),
            prev_event: None,
            event_ids: all.clone(),
        }]
    );
    assert_eq!(state.applied_event_ids, all[..1]);
    assert_eq!(state.current.record_created.unwrap().event_id, all[0]);
    assert!(state.current.canonical_record.is_some());
}

/// A new record_created that follows the old one, beside another event of the registry that does
/// the same: were they a group, the paper would be left without a record.
#[test]
fn rule_5_a_record_created_is_no_branch() {
    let world = &*WORLD;
    let old = created(&world.registry, 1).sign();
    let new = created(&world.registry, 2).at(1).after(&old);
    let new = new.superseding([&old]).sign();
    let beside = attested(&world.registry, 3).at(1).after(&old).sign();
    let state = merged([&old, &new, &beside]).state;
    assert!(state.equivocations.is_empty());
    assert_eq!(state.current.record_created.unwrap().event_id, new.event_id);
    assert_eq!(state.current.author_attestations.len(), 1);
    assert_eq!(state.applied_event_ids.len(), 3);

    // Nor is it left out with what it follows.
    let twin = attested(&world.registry, 4).at(1).after(&old).sign();
    let newest = created(&world.registry, 5).at(2).after(&beside);
    let newest = newest.superseding([&old, &new]).sign();
    let state = merged([&old, &new, &beside, &twin, &newest]).state;
    assert_eq!(
        state.equivocations[0].event_ids,
        sorted_ids([&beside, &twin])
    );
    assert_eq!(
        state.current.record_created.unwrap().event_id,
        newest.event_id
    );
    assert!(state.current.canonical_record.is_some());
}

#[test]
fn rule_5_groups_are_sorted() {
    let world = &*WORLD;
    let mut all = Vec::new();
    for who in [&world.bob, &world.alice] {
        for target in ["record", "graph", "claim:C1"] {
            let root = said(who, "correction", target, 0).sign();
            for tag in [1, 2] {
                all.push(said(who, "correction", target, tag).after(&root).sign());
            }
            all.push(root);
        }
    }
    let groups = merged(&all).state.equivocations;
    let found: Vec<_> = groups
        .iter()
        .map(|g| (g.signer_id.as_str(), g.target.as_str()))
        .collect();
    let mut expected = Vec::new();
    for who in ["orcid:alice", "orcid:bob"] {
        expected.extend(["claim:C1", "graph", "record"].map(|target| (who, target)));
    }
    assert_eq!(found, expected);
}

#[test]
fn rule_6_orders_by_time_then_kind_then_id() {
    let world = &*WORLD;
    let record = created(&world.registry, 1).at(1).sign();
    let shown = snapshot(&world.registry, 1).at(1).sign();
    let mut said: Vec<Event> = (0..5)
        .map(|tag| attested(&world.alice, tag).at(1).sign())
        .collect();
    let early = attested(&world.bob, 9).at(0).sign();
    said.sort_by_key(|event| event.event_id);
    let mut expected = ids([&early, &record, &shown]);
    expected.extend(ids(&said));
    let mut all: Vec<&Event> = said.iter().rev().collect();
    all.extend([&shown, &record, &early]);
    assert_eq!(applied(&all), expected);
}

#[test]
fn rule_6_a_follower_comes_after_what_it_follows() {
    let world = &*WORLD;
    // At one time, so that without the edges the ids alone would decide.
    let mut chain = vec![attested(&world.alice, 0).sign()];
    for tag in 1..12 {
        let next = attested(&world.alice, tag)
            .after(chain.last().unwrap())
            .sign();
        chain.push(next);
    }
    assert_ne!(ids(&chain), sorted_ids(&chain));
    assert_eq!(
        applied(&chain.iter().rev().collect::<Vec<_>>()),
        ids(&chain)
    );
}

#[test]
fn rule_7_each_type_has_its_array_and_unknown_types_have_none() {
    let world = &*WORLD;
    let record = created(&world.registry, 1).sign();
    let shown = [1, 2].map(|tag| snapshot(&world.registry, tag).at(tag).sign());
    let kinds = [
        "author_attestation",
        "timestamp_anchor",
        "storage_attestation",
        "citation_signature",
        "replication_record",
        "correction",
        "mirror_hint",
    ];
    let said: Vec<Event> = kinds
        .iter()
        .map(|kind| said(&world.bob, kind, "record", 1).at(3).sign())
        .collect();
    let unknown = super::world::said(&world.bob, "a_type_of_tomorrow", "anything", 1)
        .at(3)
        .sign();
    let all = said.iter().chain(&shown).chain([&record, &unknown]);
    let state = merged(all).state;
    assert_eq!(state.applied_event_ids.len(), 11);
    assert!(state.applied_event_ids.contains(&unknown.event_id));
    let current = serde_json::to_value(&state.current).unwrap();
    for (kind, event) in kinds.iter().zip(&said) {
        let entries = current[format!("{kind}s")].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{kind}");
        assert_eq!(entries[0]["event_id"], event.event_id.to_string());
    }
    // A newer snapshot does not supersede an older one by itself.
    let snapshots = current["graph_snapshots"].as_array().unwrap();
    let found: Vec<_> = snapshots
        .iter()
        .map(|entry| entry["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        found,
        ids(&shown)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    );
}

#[test]
fn rule_7_without_a_record_created_there_is_no_record() {
    let world = &*WORLD;
    let state = merged([&attested(&world.alice, 1).sign()]).state;
    assert!(state.current.record_created.is_none());
    assert!(state.current.canonical_record.is_none());
    assert!(state.current.source_aliases.is_empty());
    let nothing = merged([]).state;
    assert_eq!(nothing.event_count, 0);
    assert_eq!(nothing.pith_number, world.number);
    assert_eq!(nothing.state_sha256, nothing.digest());
}

#[test]
fn rule_8_aliases_have_their_earliest_time_or_that_of_the_record() {
    let world = &*WORLD;
    let record = created(&world.registry, 1).at(7).sign();
    let derived = merged([&record]).state.current.source_aliases;
    assert_eq!(derived.len(), 6);
    assert!(derived.iter().all(|alias| alias.created_at == seconds(7)));

    let alias = |kind, value: &str, time| SourceAlias {
        alias_kind: kind,
        alias_value: value.to_owned(),
        created_at: seconds(time),
    };
    let given = [
        alias(AliasKind::PithShort8, "B", 3),
        alias(AliasKind::Arxiv, "b", 5),
        alias(AliasKind::Arxiv, "a", 9),
        alias(AliasKind::Arxiv, "b", 2),
        alias(AliasKind::Arxiv, "b", 4),
    ];
    let state = merge(world.number, [Candidate::from(record)], given, &world.keys).state;
    let expected = [
        alias(AliasKind::Arxiv, "a", 9),
        alias(AliasKind::Arxiv, "b", 2),
        alias(AliasKind::PithShort8, "B", 3),
    ];
    assert_eq!(state.current.source_aliases, expected);
}
