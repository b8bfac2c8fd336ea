//! A changed event is no event, and changes nothing of what the others give.

use pith::canonical::{self, Json, Numbers};
use pith::event::{Event, EventId, content_digest};
use pith::state::{Candidate, InvalidEvent, Merged};
use proptest::prelude::*;
use proptest::sample::Index;

use super::changes::changes;
use super::laws::{candidates, make, recipes};
use super::world::*;

/// The invalid ones but for `id`.
fn others(merged: &Merged, id: &EventId) -> Vec<InvalidEvent> {
    let invalid = merged.state.invalid_events.iter();
    let others = invalid.filter(|invalid| invalid.event_id.as_ref() != Some(id));
    others.cloned().collect()
}

fn read(document: &Json) -> Candidate<'static> {
    let text = canonical::to_vec(document).unwrap();
    Candidate::read(canonical::read(&text, Numbers::PythonFloats).unwrap())
}

fn merged_with(events: &[Event], more: Candidate<'static>) -> Merged {
    let events = events.iter().cloned().map(Candidate::from);
    merge_candidates(events.chain([more]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn a_mutated_event_never_changes_what_the_others_give(
        recipes in recipes(),
        victim: Index,
        change: Index,
        beside: bool,
    ) {
        let mut events = candidates(&make(&recipes));
        events.push(attested(&WORLD.alice, 90).sign());
        let at = victim.index(events.len());
        // The original may be there too.
        let victim = if beside { events[at].clone() } else { events.swap_remove(at) };

        let mut all = Vec::new();
        changes(&Json::of(&victim).unwrap(), &mut |changed| all.push(changed));
        // The one change that no hash covers.
        let mut later = victim.clone();
        later.signature.signed_at = micros(240);
        all.extend(vec![Json::of(&later).unwrap(); all.len() / 8]);
        let changed = change.get(&all);
        let id = EventId::of(content_digest(changed));
        let without = merged(&events);
        let with = merged_with(&events, read(changed));

        if merge_candidates([read(changed)]).state.valid_event_count == 1 {
            prop_assert_eq!(id, EventId::of(content_digest(&victim)));
            let original = merged_with(&events, Candidate::from(victim));
            prop_assert_eq!(with.state, original.state);
            prop_assert_eq!(with.dangling, original.dangling);
        } else {
            prop_assert_eq!(others(&with, &id), others(&without, &id));
            prop_assert_eq!(with.events, without.events);
            prop_assert_eq!(with.dangling, without.dangling);
            let (with, without) = (with.state, without.state);
            prop_assert_eq!(with.current, without.current);
            prop_assert_eq!(with.equivocations, without.equivocations);
            prop_assert_eq!(with.applied_event_ids, without.applied_event_ids);
            prop_assert_eq!(with.valid_event_count, without.valid_event_count);
        }
    }
}

/// One event, changed in every way that is known: it is never another valid event.
#[test]
fn no_change_to_an_event_makes_another_one() {
    let event = attested(&WORLD.alice, 1)
        .after(&attested(&WORLD.alice, 2).sign())
        .sign();
    let mut tried = 0;
    changes(&Json::of(&event).unwrap(), &mut |changed| {
        tried += 1;
        let merged = merge_candidates([read(&changed)]);
        assert_eq!(merged.state.valid_event_count, 0, "{changed:?}");
    });
    assert!(tried > 40, "only {tried} changes");
}
