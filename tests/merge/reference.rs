//! Rules 3 to 7 of SPEC 7 once more, straight from their text: over plain strings, every pair of
//! events looked at, nothing kept in order that need not be.

use pith::event::Event;
use serde_json::Value;

/// What the rules look at in a valid event.
#[derive(Clone)]
struct Plain {
    id: String,
    event_type: String,
    target: String,
    created_at: String,
    signer_id: String,
    signer_type: String,
    prev: Option<String>,
    supersedes: Vec<String>,
}

impl Plain {
    fn of(event: &Event) -> Self {
        let value = serde_json::to_value(event).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Plain {
            id: text(&value["event_id"]),
            event_type: text(&value["event_type"]),
            target: text(&value["target"]),
            created_at: text(&value["created_at"]),
            signer_id: text(&value["signer"]["signer_id"]),
            signer_type: text(&value["signer"]["signer_type"]),
            prev: value["prev_event"].as_str().map(str::to_owned),
            supersedes: value["supersedes"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect(),
        }
    }

    fn rank(&self) -> usize {
        let first = ["record_created", "graph_snapshot"];
        let known = first.iter().position(|kind| *kind == self.event_type);
        known.unwrap_or(first.len())
    }
}

/// What the rules give, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub applied: Vec<String>,
    /// Signer, target, prev_event, members.
    pub equivocations: Vec<(String, String, Option<String>, Vec<String>)>,
    /// Event, the one it names, the member that names it.
    pub dangling: Vec<(String, String, &'static str)>,
    /// The ids in each array of `current`.
    pub current: Vec<(&'static str, Vec<String>)>,
}

const ARRAYS: [(&str, &str); 9] = [
    ("record_created", "record_created"),
    ("graph_snapshot", "graph_snapshots"),
    ("author_attestation", "author_attestations"),
    ("timestamp_anchor", "timestamp_anchors"),
    ("storage_attestation", "storage_attestations"),
    ("citation_signature", "citation_signatures"),
    ("replication_record", "replication_records"),
    ("correction", "corrections"),
    ("mirror_hint", "mirror_hints"),
];

/// The outcome for a set of valid events; copies of one must be the same in what the rules look at.
pub fn outcome<'a>(events: impl IntoIterator<Item = &'a Event>) -> Outcome {
    let mut all: Vec<Plain> = Vec::new();
    for event in events {
        let plain = Plain::of(event);
        if !all.iter().any(|other| other.id == plain.id) {
            all.push(plain);
        }
    }
    let find = |id: &str| all.iter().find(|event| event.id == id);

    // Rule 3.
    let holding_prev = |event: &Plain| -> Option<String> {
        let named = find(event.prev.as_ref()?)?;
        let holds = named.signer_id == event.signer_id
            && named.target == event.target
            && named.created_at <= event.created_at;
        holds.then(|| named.id.clone())
    };
    let holds_supersedes = |event: &Plain, id: &str| {
        find(id).is_some_and(|named| {
            named.target == event.target
                && named.created_at <= event.created_at
                && (named.signer_id == event.signer_id || event.signer_type == "pith_registry")
                && (named.event_type != "record_created" || event.event_type == "record_created")
        })
    };
    let mut result = Outcome::default();
    for event in &all {
        if event.prev.is_some() && holding_prev(event).is_none() {
            let prev = event.prev.clone().unwrap();
            result.dangling.push((event.id.clone(), prev, "prev_event"));
        }
        for id in &event.supersedes {
            if !holds_supersedes(event, id) {
                let edge = (event.id.clone(), id.clone(), "supersedes");
                result.dangling.push(edge);
            }
        }
    }
    result.dangling.sort();
    result.dangling.dedup();

    // Rule 4.
    let superseded = |id: &str| {
        all.iter().any(|event| {
            event.supersedes.iter().any(|old| old == id) && holds_supersedes(event, id)
        })
    };

    // Rule 5.
    let living: Vec<&Plain> = all.iter().filter(|event| !superseded(&event.id)).collect();
    for event in &living {
        let Some(prev) = holding_prev(event) else {
            continue;
        };
        if event.event_type == "record_created" {
            continue;
        }
        let mut members: Vec<String> = living
            .iter()
            .filter(|other| {
                other.event_type != "record_created"
                    && other.signer_id == event.signer_id
                    && other.target == event.target
                    && holding_prev(other).as_ref() == Some(&prev)
            })
            .map(|other| other.id.clone())
            .collect();
        members.sort();
        if members.len() > 1 {
            let (signer, target) = (event.signer_id.clone(), event.target.clone());
            result
                .equivocations
                .push((signer, target, Some(prev), members));
        }
    }
    let mut created: Vec<&Plain> = living
        .iter()
        .copied()
        .filter(|event| event.event_type == "record_created")
        .collect();
    created.sort_by(|a, b| a.id.cmp(&b.id));
    let kept = (created.len() > 1).then(|| created[0].id.clone());
    if created.len() > 1 {
        let members = created.iter().map(|event| event.id.clone()).collect();
        let (signer, target) = (created[0].signer_id.clone(), created[0].target.clone());
        result.equivocations.push((signer, target, None, members));
    }
    result.equivocations.sort();
    result.equivocations.dedup();

    let mut excluded: Vec<String> = Vec::new();
    loop {
        let more: Vec<String> = all
            .iter()
            .filter(|event| Some(&event.id) != kept.as_ref() && !excluded.contains(&event.id))
            .filter(|event| {
                let member = result
                    .equivocations
                    .iter()
                    .any(|(.., members)| members.contains(&event.id));
                let follows = holding_prev(event).is_some_and(|prev| excluded.contains(&prev));
                member || (follows && event.event_type != "record_created")
            })
            .map(|event| event.id.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        excluded.extend(more);
    }

    // Rule 6. Of what is applied only a record_created can follow an excluded event, which is never
    // placed: it waits for nothing.
    let mut waiting: Vec<&Plain> = all
        .iter()
        .filter(|event| !excluded.contains(&event.id))
        .collect();
    while !waiting.is_empty() {
        let ready = waiting.iter().filter(|event| {
            holding_prev(event)
                .is_none_or(|prev| result.applied.contains(&prev) || excluded.contains(&prev))
        });
        let least = ready
            .min_by_key(|event| (event.created_at.clone(), event.rank(), event.id.clone()))
            .expect("hashes make no cycles")
            .id
            .clone();
        waiting.retain(|event| event.id != least);
        result.applied.push(least);
    }

    // Rule 7.
    for (event_type, array) in ARRAYS {
        let ids = result
            .applied
            .iter()
            .filter(|id| !superseded(id) && find(id).unwrap().event_type == event_type)
            .cloned()
            .collect();
        result.current.push((array, ids));
    }
    result
}

/// The same of a merge.
pub fn outcome_of(merged: &pith::state::Merged) -> Outcome {
    let state = serde_json::to_value(&merged.state).unwrap();
    let id_of = |entry: &Value| entry["event_id"].as_str().unwrap().to_owned();
    let current = ARRAYS.map(|(_, array)| {
        let ids = match &state["current"][array] {
            Value::Null => Vec::new(),
            Value::Array(entries) => entries.iter().map(id_of).collect(),
            entry => vec![id_of(entry)],
        };
        (array, ids)
    });
    Outcome {
        applied: merged
            .state
            .applied_event_ids
            .iter()
            .map(ToString::to_string)
            .collect(),
        equivocations: merged
            .state
            .equivocations
            .iter()
            .map(|group| {
                (
                    group.signer_id.clone(),
                    group.target.clone(),
                    group.prev_event.map(|id| id.to_string()),
                    group.event_ids.iter().map(ToString::to_string).collect(),
                )
            })
            .collect(),
        dangling: merged
            .dangling
            .iter()
            .map(|edge| {
                let (event, names) = (edge.event_id.to_string(), edge.names.to_string());
                (event, names, edge.member)
            })
            .collect(),
        current: current.to_vec(),
    }
}
