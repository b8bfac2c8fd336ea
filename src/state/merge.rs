//! The merge itself (SPEC 7).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Dangling, Graph};
use super::validity::{Candidate, InvalidReason, KeyTable};
use super::{Current, Entry, InvalidEvent, MergeVersion, State, StateType, StateVersion};
use crate::canonical::{self, Fragment};
use crate::digest::Digest;
use crate::event::{Event, EventId, Payload, RECORD_CREATED};
use crate::number::{PithNumber, SourceAlias, aliases_at, earliest_aliases};
use crate::time::Timestamp;

/// What a merge gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The state.
    pub state: State,
    /// The valid events: the applied ones in order, then the rest by id, as bundles list them.
    pub events: Vec<Event>,
    /// The edges that do not hold.
    pub dangling: Vec<Dangling>,
}

/// The parts of an event that a state shows as text. An event's identity covers them, so they are
/// the same in all copies of it.
pub(crate) struct Shown {
    pub signer: Fragment,
    pub payload: Fragment,
}

/// A [`Merged`] whose events may be somebody else's.
pub(crate) struct Replayed<'a> {
    pub state: State,
    /// The text of the state that `state_sha256` hashes.
    pub content: Vec<u8>,
    pub events: Vec<Cow<'a, Event>>,
    pub dangling: Vec<Dangling>,
}

impl Replayed<'_> {
    fn into_merged(self) -> Merged {
        Merged {
            state: self.state,
            events: self.events.into_iter().map(Cow::into_owned).collect(),
            dangling: self.dangling,
        }
    }
}

/// Merges candidates about `subject` into a state (SPEC 7).
///
/// The result depends on the set of candidates, not on their order or number. Without any
/// `aliases` those of the record are given, at its record_created's time.
pub fn merge<'a>(
    subject: PithNumber,
    candidates: impl IntoIterator<Item = Candidate<'a>>,
    aliases: impl IntoIterator<Item = SourceAlias>,
    keys: &KeyTable,
) -> Merged {
    replay(subject, candidates, aliases, keys, BTreeMap::new()).into_merged()
}

/// As [`merge`], for who has the events already and wants no copies of them, nor to have written
/// again what is in `shown`.
pub(crate) fn replay<'a>(
    subject: PithNumber,
    candidates: impl IntoIterator<Item = Candidate<'a>>,
    aliases: impl IntoIterator<Item = SourceAlias>,
    keys: &KeyTable,
    shown: BTreeMap<EventId, Shown>,
) -> Replayed<'a> {
    let mut merging = Merging::new(subject);
    for candidate in candidates {
        merging.add(candidate, keys);
    }
    merging.fold(aliases, shown)
}

/// As [`merge`], for events that are valid: they were judged before, or will be before anybody
/// sees the result.
pub(crate) fn merge_valid(
    subject: PithNumber,
    events: impl IntoIterator<Item = Event>,
    aliases: impl IntoIterator<Item = SourceAlias>,
) -> Merged {
    let mut merging = Merging::new(subject);
    for event in events {
        merging.add_valid(event);
    }
    merging.fold(aliases, BTreeMap::new()).into_merged()
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is valid and was not there.
    New,
    /// A valid copy of it was there.
    Known,
    /// It is not valid, and no copy of it that came before is.
    Invalid(InvalidReason),
}

/// A merge that grows event by event.
///
/// Each candidate is judged once, when it comes, and what it says of others is noted then. What
/// [`merged`](Self::merged) gives is what [`merge`] gives of all that has come, in whatever order. The
/// state's hash covers all of it, so writing the state takes time in proportion to its length; no
/// event is read or verified again for it.
#[derive(Debug, Clone)]
pub struct Merging<'a> {
    subject: PithNumber,
    graph: Graph<'a>,
    faults: BTreeMap<Option<EventId>, InvalidReason>,
}

impl<'a> Merging<'a> {
    /// A merge of nothing yet about `subject`.
    pub fn new(subject: PithNumber) -> Self {
        Merging {
            subject,
            graph: Graph::default(),
            faults: BTreeMap::new(),
        }
    }

    /// Adds a candidate (rules 1 and 2). `keys` must be the same table every time.
    pub fn add(&mut self, candidate: Candidate<'a>, keys: &KeyTable) -> Added {
        if let Some(reason) = candidate.fault(&self.subject, keys) {
            if candidate
                .id
                .is_some_and(|id| self.graph.events.contains_key(&id))
            {
                return Added::Known;
            }
            // Copies may fail differently; the first check in order decides, whatever came first.
            let least = self.faults.entry(candidate.id).or_insert(reason);
            *least = (*least).min(reason);
            return Added::Invalid(*least);
        }
        let (Some(id), Some(event)) = (candidate.id, candidate.event) else {
            unreachable!("a candidate without an event has a fault");
        };
        self.faults.remove(&Some(id));
        self.put(id, event)
    }

    /// Adds an event that was found valid before: a ledger holds none but such.
    pub fn add_valid(&mut self, event: Event) -> Added {
        self.put(event.event_id, Cow::Owned(event))
    }

    fn put(&mut self, id: EventId, event: Cow<'a, Event>) -> Added {
        match self.graph.events.get(&id) {
            None => {
                self.graph.insert(id, event);
                Added::New
            }
            // Of several valid copies the one with the least bytes is kept.
            Some(known) => {
                if canonical_bytes(&event) < canonical_bytes(known) {
                    self.graph.insert(id, event);
                }
                Added::Known
            }
        }
    }

    /// What [`merge`] gives of everything that was added.
    pub fn merged(&self, aliases: impl IntoIterator<Item = SourceAlias>) -> Merged {
        self.clone().fold(aliases, BTreeMap::new()).into_merged()
    }

    /// Rules 5 to 8.
    fn fold(
        self,
        aliases: impl IntoIterator<Item = SourceAlias>,
        mut shown: BTreeMap<EventId, Shown>,
    ) -> Replayed<'a> {
        let Merging {
            subject,
            graph,
            faults,
        } = self;
        let equivocations = graph.equivocations();
        let applied_event_ids = graph.applied(&equivocations);

        let mut current = Current::default();
        let mut record = None;
        for id in &applied_event_ids {
            let event = &graph.events[id];
            if graph.superseded.contains(id) {
                continue;
            }
            if event.event_type == RECORD_CREATED {
                current.record_created = Some(entry(event, &mut shown));
                record = Some(event);
            } else if let Some(array) = current.array_of(&event.event_type) {
                array.push(entry(event, &mut shown));
            }
        }
        current.source_aliases = earliest_aliases(aliases);
        if let Some((payload, created_at)) = record.and_then(|event| record_created(event)) {
            current.canonical_record = Some(fragment(&payload.canonical_record));
            if current.source_aliases.is_empty() {
                current.source_aliases =
                    aliases_at(&payload.canonical_record, &subject, created_at);
            }
        }

        let invalid: Vec<InvalidEvent> = faults
            .into_iter()
            .map(|(event_id, reason)| InvalidEvent { event_id, reason })
            .collect();
        let valid_count = graph.events.len() as u64;
        let mut state = State {
            state_type: StateType,
            state_version: StateVersion,
            pith_number: subject,
            merge_version: MergeVersion,
            event_count: valid_count + invalid.len() as u64,
            valid_event_count: valid_count,
            invalid_event_count: invalid.len() as u64,
            equivocation_count: equivocations.len() as u64,
            current,
            equivocations,
            invalid_events: invalid,
            applied_event_ids,
            state_sha256: Digest::from_bytes([0; 32]),
        };
        let content = state.content();
        state.state_sha256 = Digest::of(&content);
        Replayed {
            dangling: graph.dangling(),
            events: in_bundle_order(graph.events, &state.applied_event_ids),
            state,
            content,
        }
    }
}

fn canonical_bytes(event: &Event) -> Vec<u8> {
    canonical::to_vec(event).expect("events hold nothing that JSON cannot")
}

fn fragment<T: serde::Serialize>(value: &T) -> Fragment {
    Fragment::of(value).expect("events hold nothing that JSON cannot")
}

fn entry(event: &Event, shown: &mut BTreeMap<EventId, Shown>) -> Entry {
    let shown = shown.remove(&event.event_id).unwrap_or_else(|| Shown {
        signer: fragment(&event.signer),
        payload: fragment(&event.payload),
    });
    Entry {
        event_id: event.event_id,
        target: event.target.clone(),
        created_at: event.created_at,
        signer: shown.signer,
        payload: shown.payload,
    }
}

fn record_created(event: &Event) -> Option<(&crate::event::RecordCreated, Timestamp)> {
    match &event.payload {
        Payload::RecordCreated(payload) => Some((payload, event.created_at)),
        _ => None,
    }
}

/// SPEC 8: the applied events in order, then the rest by id.
fn in_bundle_order<'a>(
    mut valid: BTreeMap<EventId, Cow<'a, Event>>,
    applied: &[EventId],
) -> Vec<Cow<'a, Event>> {
    let first: BTreeSet<EventId> = applied.iter().copied().collect();
    let rest: Vec<EventId> = valid
        .keys()
        .filter(|id| !first.contains(id))
        .copied()
        .collect();
    applied
        .iter()
        .chain(&rest)
        .filter_map(|id| valid.remove(id))
        .collect()
}
