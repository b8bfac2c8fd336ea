//! Which event follows, supersedes or contradicts which (SPEC 7, rules 3 to 6).

use std::borrow::Cow;
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

pub(super) type Events<'a> = BTreeMap<EventId, Cow<'a, Event>>;

/// A set of valid events and the edges among them that hold. It grows event by event, and what it
/// holds depends on the set alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph<'a> {
    pub events: Events<'a>,
    prev: BTreeMap<EventId, EventId>,
    pub superseded: BTreeSet<EventId>,
    /// The edges that do not hold, be it that the event named has not come yet.
    void: BTreeSet<Dangling>,
    /// Events that have not come, and the edges to them.
    awaited: BTreeMap<EventId, Vec<Dangling>>,
}

impl<'a> Graph<'a> {
    /// Adds a valid event, or exchanges it for another copy of itself, which differs in nothing
    /// that is looked at here. Rules 3 and 4: an edge runs from an event to one named by its hash,
    /// so none can be a cycle, and one that holds goes on holding.
    pub fn insert(&mut self, id: EventId, event: Cow<'a, Event>) {
        let prev = event.prev_event.iter().map(|names| (*names, PREV));
        let old = event.supersedes.iter().map(|names| (*names, SUPERSEDES));
        let edges = prev.chain(old).map(|(names, member)| Dangling {
            event_id: id,
            names,
            member,
        });
        let mut edges: Vec<Dangling> = edges.collect();
        if self.events.insert(id, event).is_some() {
            return;
        }
        edges.extend(self.awaited.remove(&id).into_iter().flatten());
        for edge in edges {
            self.link(edge);
        }
    }

    /// Notes whether an edge holds.
    fn link(&mut self, edge: Dangling) {
        let event = &self.events[&edge.event_id];
        let named = self.events.get(&edge.names);
        let holds = named.is_some_and(|named| match edge.member {
            PREV => follows(event, named),
            _ => supersedes(event, named),
        });
        if named.is_none() {
            self.awaited.entry(edge.names).or_default().push(edge);
        }
        if !holds {
            self.void.insert(edge);
            return;
        }
        self.void.remove(&edge);
        if edge.member == PREV {
            self.prev.insert(edge.event_id, edge.names);
        } else {
            self.superseded.insert(edge.names);
        }
    }

    /// The edges that do not hold, sorted.
    pub fn dangling(&self) -> Vec<Dangling> {
        self.void.iter().copied().collect()
    }

    /// Rule 5: the groups of events that contradict each other, sorted.
    pub fn equivocations(&self) -> Vec<Equivocation> {
        let mut branches: BTreeMap<(&str, &str, EventId), Vec<EventId>> = BTreeMap::new();
        let mut records = Vec::new();
        for (id, event) in &self.events {
            if self.superseded.contains(id) {
                continue;
            }
            // A record_created is no branch: were it left out together with another event that
            // follows the same one, the paper would have no record, since it superseded the old.
            if event.event_type == RECORD_CREATED {
                records.push(*id);
            } else if let Some(prev) = self.prev.get(id) {
                let key = (
                    event.signer.signer_id.as_str(),
                    event.target.as_str(),
                    *prev,
                );
                branches.entry(key).or_default().push(*id);
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
            let least = &self.events[&records[0]];
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
        let place = |id: EventId| Reverse((Place::of(&self.events[&id]), id));
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

    fn is_record(&self, id: &EventId) -> bool {
        self.events[id].event_type == RECORD_CREATED
    }

    /// Members of a group, and whatever follows one. A record_created is left out for nothing but
    /// being one of several, of which the least stays: so a paper never loses its record.
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
                let followers = followers.get(&id).into_iter().flatten();
                open.extend(followers.filter(|id| !self.is_record(id)));
            }
        }
        excluded
    }
}

const PREV: &str = "prev_event";
const SUPERSEDES: &str = "supersedes";

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
