//! Which event follows, supersedes or contradicts which (SPEC 7, rules 3 to 6).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::Equivocation;
use crate::event::{Event, EventId, GRAPH_SNAPSHOT, RECORD_CREATED};
use crate::keys::REGISTRY;
use crate::time::Timestamp;

/// An edge that does not hold: it has no effect, but is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dangling {
    /// The event that names another.
    pub event_id: EventId,
    /// The event it names.
    pub names: EventId,
    /// The member that names it: `prev_event` or `supersedes`.
    pub member: &'static str,
}

pub(super) type Events<'a> = BTreeMap<EventId, &'a Event>;

/// The edges among a set of valid events that hold.
pub(super) struct Graph<'a> {
    events: &'a Events<'a>,
    prev: BTreeMap<EventId, EventId>,
    pub superseded: BTreeSet<EventId>,
    pub dangling: Vec<Dangling>,
}

impl<'a> Graph<'a> {
    /// Rules 3 and 4. An edge runs from an event to one named by its hash, so none can be a cycle.
    pub fn of(events: &'a Events<'a>) -> Self {
        let mut graph = Graph {
            events,
            prev: BTreeMap::new(),
            superseded: BTreeSet::new(),
            dangling: Vec::new(),
        };
        for (id, event) in events {
            if let Some(prev) = event.prev_event {
                match events.get(&prev) {
                    Some(named) if follows(event, named) => {
                        graph.prev.insert(*id, prev);
                    }
                    _ => graph.report(*id, prev, "prev_event"),
                }
            }
            for named_id in &event.supersedes {
                match events.get(named_id) {
                    Some(named) if supersedes(event, named) => {
                        graph.superseded.insert(*named_id);
                    }
                    _ => graph.report(*id, *named_id, "supersedes"),
                }
            }
        }
        graph.dangling.sort();
        graph.dangling.dedup();
        graph
    }

    fn report(&mut self, event_id: EventId, names: EventId, member: &'static str) {
        self.dangling.push(Dangling {
            event_id,
            names,
            member,
        });
    }

    /// Rule 5: the groups of events that contradict each other, sorted.
    pub fn equivocations(&self) -> Vec<Equivocation> {
        let mut branches: BTreeMap<(&str, &str, EventId), Vec<EventId>> = BTreeMap::new();
        let mut records = Vec::new();
        for (id, event) in self.events {
            if self.superseded.contains(id) {
                continue;
            }
            if let Some(prev) = self.prev.get(id) {
                let key = (
                    event.signer.signer_id.as_str(),
                    event.target.as_str(),
                    *prev,
                );
                branches.entry(key).or_default().push(*id);
            }
            if event.event_type == RECORD_CREATED {
                records.push(*id);
            }
        }
        let mut groups: Vec<_> = branches
            .into_iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|((signer_id, target, prev), event_ids)| Equivocation {
                signer_id: signer_id.to_owned(),
                target: target.to_owned(),
                prev_event: Some(prev),
                event_ids,
            })
            .collect();
        if records.len() > 1 {
            let least = self.events[&records[0]];
            groups.push(Equivocation {
                signer_id: least.signer.signer_id.clone(),
                target: least.target.clone(),
                prev_event: None,
                event_ids: records,
            });
        }
        groups.sort();
        groups
    }

    /// Rules 5 and 6: the events to apply, in order.
    pub fn applied(&self, equivocations: &[Equivocation]) -> Vec<EventId> {
        let excluded = self.excluded(equivocations);
        let mut followers: BTreeMap<EventId, Vec<EventId>> = BTreeMap::new();
        let mut ready = BinaryHeap::new();
        let place = |id: EventId| Reverse((Place::of(self.events[&id]), id));
        for id in self.events.keys().filter(|id| !excluded.contains(id)) {
            match self.prev.get(id) {
                Some(prev) if !excluded.contains(prev) => {
                    followers.entry(*prev).or_default().push(*id);
                }
                _ => ready.push(place(*id)),
            }
        }
        let mut applied = Vec::new();
        while let Some(Reverse((_, id))) = ready.pop() {
            applied.push(id);
            ready.extend(followers.remove(&id).into_iter().flatten().map(place));
        }
        applied
    }

    /// Members of a group, and whatever follows one; but the least of several record_created
    /// stays, so that a paper never loses its record.
    fn excluded(&self, equivocations: &[Equivocation]) -> BTreeSet<EventId> {
        let kept = equivocations
            .iter()
            .find(|group| group.prev_event.is_none())
            .map(|group| group.event_ids[0]);
        let mut followers: BTreeMap<EventId, Vec<EventId>> = BTreeMap::new();
        for (id, prev) in &self.prev {
            followers.entry(*prev).or_default().push(*id);
        }
        let mut excluded = BTreeSet::new();
        let mut open: Vec<EventId> = equivocations
            .iter()
            .flat_map(|group| group.event_ids.iter().copied())
            .collect();
        while let Some(id) = open.pop() {
            if Some(id) != kept && excluded.insert(id) {
                open.extend(followers.get(&id).into_iter().flatten());
            }
        }
        excluded
    }
}

/// Whether `event` may claim `named` as the event before it.
fn follows(event: &Event, named: &Event) -> bool {
    named.signer.signer_id == event.signer.signer_id
        && named.target == event.target
        && named.created_at <= event.created_at
}

/// Whether `event` may take the place of `named`.
fn supersedes(event: &Event, named: &Event) -> bool {
    let may_speak =
        event.signer.signer_id == named.signer.signer_id || event.signer.signer_type == REGISTRY;
    let record_by_record = named.event_type != RECORD_CREATED || event.event_type == RECORD_CREATED;
    named.target == event.target
        && named.created_at <= event.created_at
        && may_speak
        && record_by_record
}

/// Where an event stands among those that could come next.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    created_at: Timestamp,
    rank: u8,
}

impl Place {
    fn of(event: &Event) -> Self {
        Place {
            created_at: event.created_at,
            rank: match event.event_type.as_str() {
                RECORD_CREATED => 0,
                GRAPH_SNAPSHOT => 1,
                _ => 2,
            },
        }
    }
}
