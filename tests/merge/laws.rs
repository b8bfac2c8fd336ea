//! What holds for any set of events: the result depends on the set alone.

use pith::canonical::{self, Numbers};
use pith::event::Event;
use pith::keys::SignatureBytes;
use pith::state::{Added, Candidate, Merging};
use proptest::prelude::*;
use proptest::sample::Index;

use super::reference::{outcome, outcome_of};
use super::world::*;

/// How an event comes to be; the indices are among the events before it.
#[derive(Debug, Clone)]
pub struct Recipe {
    kind: u8,
    who: u8,
    time: u8,
    tag: u8,
    /// Which one, and how near it must be: of 8, one is any, one is of the same target, the others
    /// are such that the edge holds.
    prev: Option<(Index, u8)>,
    supersedes: Option<Index>,
    dangling: bool,
    fault: Option<u8>,
    /// More copies, with signatures dated differently, the odd ones not valid.
    copies: u8,
}

pub fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    let recipe = (
        (0..10_u8, 0..4_u8, 0..3_u8, 0..6_u8),
        proptest::option::weighted(0.8, (any::<Index>(), 0..8_u8)),
        proptest::option::weighted(0.2, any::<Index>()),
        proptest::bool::weighted(0.05),
        proptest::option::weighted(0.08, 0..4_u8),
        prop_oneof![3 => Just(0), 1 => 1..4_u8],
    );
    let recipe = recipe.prop_map(|(of, prev, supersedes, dangling, fault, copies)| Recipe {
        kind: of.0,
        who: of.1,
        time: of.2,
        tag: of.3,
        prev,
        supersedes,
        dangling,
        fault,
        copies,
    });
    proptest::collection::vec(recipe, 0..16)
}

/// Events with their copies, and whether they are valid.
pub struct Made {
    copies: Vec<Event>,
    valid: bool,
}

pub fn make(recipes: &[Recipe]) -> Vec<Made> {
    let world = &*WORLD;
    let mut all: Vec<Made> = Vec::new();
    for recipe in recipes {
        let registry = [&world.registry, &world.registry_again][usize::from(recipe.who % 2)];
        let anybody = match recipe.who {
            0 | 1 => registry,
            2 => &world.alice,
            _ => &world.bob,
        };
        let mut making = match recipe.kind {
            0 | 1 => created(registry, recipe.tag),
            2 => snapshot(registry, recipe.tag),
            3..=6 => attested(anybody, recipe.tag),
            7 if recipe.tag % 2 == 0 => {
                const KINDS: [&str; 3] = ["timestamp_anchor", "mirror_hint", "citation_signature"];
                let kind = KINDS[usize::from(recipe.tag / 2) % KINDS.len()];
                said(anybody, kind, "record", recipe.tag)
            }
            7 => said(anybody, "correction", "claim:C1", recipe.tag),
            8 => said(anybody, "correction", "graph", recipe.tag),
            _ => said(anybody, "a_type_of_tomorrow", "record", recipe.tag),
        };
        making = making.at(all.len() as u8 / 3 + recipe.time);
        let pick = |index: &Index, fits: &dyn Fn(&Event) -> bool| {
            let near: Vec<&Event> = all
                .iter()
                .map(|made| &made.copies[0])
                .filter(|event| fits(event))
                .collect();
            (!near.is_empty()).then(|| near[index.index(near.len())].event_id)
        };
        let same_target = |event: &Event| event.target == making.draft.target;
        let holds = |event: &Event| {
            same_target(event)
                && event.signer.signer_id == making.who.signer_id
                && event.created_at <= making.draft.created_at
        };
        let prev = recipe.prev.as_ref().and_then(|(index, near)| match near {
            0 => pick(index, &|_| true),
            1 => pick(index, &same_target),
            _ => pick(index, &holds),
        });
        let old = recipe.supersedes.as_ref();
        let mut supersedes: Vec<_> = old
            .and_then(|index| pick(index, &same_target))
            .into_iter()
            .collect();
        if recipe.dangling {
            supersedes.push(attested(&world.bob, 200 + recipe.tag).sign().event_id);
        }
        making.draft.prev_event = prev;
        making.draft.supersedes = supersedes;
        let mut event = making.sign();
        let mut valid = true;
        match recipe.fault {
            Some(0) => event.signature.signature_b64 = SignatureBytes::from_bytes([7; 64]),
            Some(1) => event.signature.key_id = "another".parse().unwrap(),
            Some(2) => event.event_id = attested(&world.bob, 199).sign().event_id,
            Some(_) => event.created_at = seconds(99),
            None => {}
        }
        if recipe.fault.is_some() {
            valid = false;
        }
        let id = pith::event::content_digest(&event);
        let known = all
            .iter()
            .position(|made| pith::event::content_digest(&made.copies[0]) == id);
        let mut copies = vec![event.clone()];
        for n in 0..recipe.copies {
            let mut copy = event.clone();
            copy.signature.signed_at = micros(n + 10);
            if n % 2 == 1 {
                copy.signature.signature_b64 = SignatureBytes::from_bytes([n; 64]);
            }
            copies.push(copy);
        }
        match known {
            Some(at) => {
                // A sound copy stands first: what a faulty one says of itself need not be so.
                let place = if valid { 0 } else { all[at].copies.len() };
                all[at].copies.splice(place..place, copies);
                all[at].valid |= valid;
            }
            None => all.push(Made { copies, valid }),
        }
    }
    all
}

pub fn candidates(made: &[Made]) -> Vec<Event> {
    made.iter()
        .flat_map(|made| made.copies.iter().cloned())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn order_and_duplication_do_not_matter(
        recipes in recipes(),
        keys in proptest::collection::vec(any::<u32>(), 64),
        doubled in proptest::collection::vec(any::<Index>(), 0..6),
    ) {
        let events = candidates(&make(&recipes));
        let expected = merged(&events);
        let mut shuffled: Vec<&Event> = events.iter().collect();
        if !events.is_empty() {
            shuffled.extend(doubled.iter().map(|index| index.get(&events)));
        }
        let mut order: Vec<usize> = (0..shuffled.len()).collect();
        order.sort_by_key(|at| keys[at % keys.len()].rotate_left(*at as u32));
        let shuffled: Vec<&Event> = order.into_iter().map(|at| shuffled[at]).collect();
        prop_assert_eq!(merged(shuffled), expected);
    }

    /// Merging what came out of merges of parts, which may overlap, two at a time until one is left.
    #[test]
    fn partial_sets_may_be_joined_in_any_tree(
        recipes in recipes(),
        parts in proptest::collection::vec(1..64_u8, 64),
        joins in proptest::collection::vec((any::<Index>(), any::<Index>()), 5),
    ) {
        let events = candidates(&make(&recipes));
        let whole = merged(&events);
        let mut partial: Vec<Vec<Event>> = (0..6)
            .map(|part| {
                let here = |at: usize| parts[at % parts.len()] & (1 << part) != 0;
                let some = (0..events.len()).filter(|at| here(*at)).map(|at| &events[at]);
                merged(some).events
            })
            .collect();
        for (one, other) in joins {
            let mut union = partial.swap_remove(one.index(partial.len()));
            union.extend(partial.swap_remove(other.index(partial.len())));
            partial.push(merged(&union).events);
        }
        prop_assert_eq!(partial.len(), 1);
        let joined = merged(&partial[0]);
        prop_assert_eq!(&joined.events, &whole.events);
        prop_assert_eq!(&joined.dangling, &whole.dangling);
        prop_assert_eq!(&joined.state.current, &whole.state.current);
        prop_assert_eq!(&joined.state.equivocations, &whole.state.equivocations);
        prop_assert_eq!(&joined.state.applied_event_ids, &whole.state.applied_event_ids);
        if whole.state.invalid_events.is_empty() {
            prop_assert_eq!(joined.state, whole.state);
        }
    }

    #[test]
    fn the_rules_give_what_their_plain_reading_gives(recipes in recipes()) {
        let made = make(&recipes);
        let merged = merged(&candidates(&made));
        let valid = made.iter().filter(|made| made.valid).map(|made| &made.copies[0]);
        prop_assert_eq!(outcome_of(&merged), outcome(valid));

        let state = &merged.state;
        let count = |valid: bool| made.iter().filter(|made| made.valid == valid).count() as u64;
        prop_assert_eq!(state.event_count, made.len() as u64);
        prop_assert_eq!(state.valid_event_count, count(true));
        prop_assert_eq!(state.invalid_event_count, count(false));
        prop_assert_eq!(state.invalid_events.len() as u64, count(false));
        prop_assert!(state.invalid_events.is_sorted());
        prop_assert_eq!(state.equivocation_count, state.equivocations.len() as u64);
        prop_assert_eq!(state.state_sha256, state.digest());
    }

    /// Adding one by one gives after each what merging all so far anew gives.
    #[test]
    fn events_that_come_one_by_one_merge_as_from_scratch(
        recipes in recipes(),
        order in proptest::collection::vec(any::<u32>(), 64),
    ) {
        let mut events = candidates(&make(&recipes));
        let mut turn = 0;
        events.sort_by_cached_key(|_| {
            turn += 1;
            order[turn % order.len()]
        });
        let mut merging = Merging::new(WORLD.number);
        for come in 1..=events.len() {
            let before = merging.merged([]).state.valid_event_count;
            let added = merging.add(Candidate::from(events[come - 1].clone()), &WORLD.keys);
            let expected = merged(&events[..come]);
            prop_assert_eq!(added == Added::New, expected.state.valid_event_count > before);
            prop_assert_eq!(merging.merged([]), expected);
        }
    }

    /// Whatever the registry does to its records, a paper that has one keeps one.
    #[test]
    fn a_paper_never_loses_its_record(recipes in recipes()) {
        let made = make(&recipes);
        let has_record = made
            .iter()
            .any(|made| made.valid && made.copies[0].event_type == "record_created");
        let current = merged(&candidates(&made)).state.current;
        prop_assert_eq!(current.record_created.is_some(), has_record);
        prop_assert_eq!(current.canonical_record.is_some(), has_record);
    }

    /// What is read from its wire form merges as what was never written.
    #[test]
    fn events_merge_alike_from_memory_and_from_text(recipes in recipes()) {
        let events = candidates(&make(&recipes));
        let texts: Vec<_> = events.iter().map(|event| canonical::wire(event).unwrap()).collect();
        let read = texts
            .iter()
            .map(|text| Candidate::read(canonical::read(text, Numbers::PythonFloats).unwrap()));
        prop_assert_eq!(merge_candidates(read), merged(&events));
    }

    /// Of several valid copies the one with the least canonical bytes is kept.
    #[test]
    fn the_least_valid_copy_is_kept(recipes in recipes()) {
        let made = make(&recipes);
        let merged = merged(&candidates(&made));
        for event in &merged.events {
            let digest = pith::event::content_digest(event);
            let copies = made.iter().flat_map(|made| &made.copies);
            let least = copies
                .filter(|copy| pith::event::content_digest(*copy) == digest)
                .filter(|copy| super::world::merged([*copy]).state.valid_event_count == 1)
                .map(|copy| canonical::to_vec(copy).unwrap())
                .min()
                .unwrap();
            prop_assert_eq!(canonical::to_vec(event).unwrap(), least);
        }
    }
}

/// The generated sets hold what the laws are about; otherwise they would say little.
#[test]
fn the_generated_events_meet_every_case() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met = [0_usize; 8];
    for _ in 0..300 {
        let recipes = recipes().new_tree(&mut runner).unwrap().current();
        let made = make(&recipes);
        let merged = merged(&candidates(&made));
        let state = &merged.state;
        let by_prev = |group: &&pith::state::Equivocation| group.prev_event.is_some();
        let branches = state.equivocations.iter().filter(by_prev).count();
        let members: Vec<_> = state
            .equivocations
            .iter()
            .flat_map(|g| &g.event_ids)
            .collect();
        let left_out = state.valid_event_count as usize - state.applied_event_ids.len();
        for (count, met) in
            [
                usize::from(branches > 0),
                usize::from(state.equivocations.len() > branches),
                usize::from(!state.invalid_events.is_empty()),
                usize::from(!merged.dangling.is_empty()),
                // Followers of members are left out too.
                usize::from(left_out > members.len()),
                usize::from(made.iter().any(|made| made.copies.len() > 2)),
                usize::from(state.current.record_created.is_some()),
                // A record_created that follows something, and is applied where its branch is not.
                usize::from(merged.events.iter().any(|event| {
                    event.event_type == "record_created" && event.prev_event.is_some()
                })),
            ]
            .into_iter()
            .zip(&mut met)
        {
            *met += count;
        }
    }
    assert!(met.iter().all(|count| *count >= 5), "{met:?}");
}
