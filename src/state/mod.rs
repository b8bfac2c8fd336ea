//! The state of a paper: its events, merged (SPEC 7).
//!
//! [`merge`] is a pure function of a set of events, the source aliases, the subject and a
//! [`KeyTable`]. Trust plays no part in it. [`Merging`] is the same for events that come one by one.

mod graph;
mod merge;
mod validity;

use serde::{Deserialize, Serialize};

pub use graph::Dangling;
pub use merge::{Added, Merged, Merging, merge};
pub(crate) use merge::{Replayed, Shown, merge_valid, replay};
pub use validity::{Candidate, InvalidReason, KeyTable, KeyTableError, TableKey};

use crate::canonical::{self, Fragment, ObjectText};
use crate::digest::Digest;
use crate::event::EventId;
use crate::number::{PithNumber, SourceAlias};
use crate::text::constant;
use crate::time::Timestamp;

constant! {
    /// What a state calls itself.
    StateType = "pith_open_graph_state"
}

constant! {
    /// The version of states.
    StateVersion = "1.0"
}

constant! {
    /// The version of the merge.
    MergeVersion = "pith-open-graph-merge-v1"
}

/// The member of a state that its hash leaves out.
const UNHASHED: [&str; 1] = ["state_sha256"];

/// A state; fields stand in wire order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Always a state.
    pub state_type: StateType,
    /// The version of its form.
    pub state_version: StateVersion,
    /// The record it is about.
    pub pith_number: PithNumber,
    /// The version of the rules that made it.
    pub merge_version: MergeVersion,
    /// How many distinct events there were.
    pub event_count: u64,
    /// How many of them are valid.
    pub valid_event_count: u64,
    /// How many are not.
    pub invalid_event_count: u64,
    /// How many groups of events contradict each other.
    pub equivocation_count: u64,
    /// What holds.
    pub current: Current,
    /// The groups that contradict each other.
    pub equivocations: Vec<Equivocation>,
    /// The events that are not valid.
    pub invalid_events: Vec<InvalidEvent>,
    /// The events that were applied, in order.
    pub applied_event_ids: Vec<EventId>,
    /// See [`State::digest`].
    pub state_sha256: Digest,
}

/// What holds, by type of event; fields stand in wire order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// The record.
    #[serde(deserialize_with = "crate::text::nullable")]
    pub canonical_record: Option<Fragment>,
    /// Its other names.
    pub source_aliases: Vec<SourceAlias>,
    /// Snapshots of the paper.
    pub graph_snapshots: Vec<Entry>,
    /// Statements of authorship.
    pub author_attestations: Vec<Entry>,
    /// Timestamps of the record.
    pub timestamp_anchors: Vec<Entry>,
    /// Copies in archives.
    pub storage_attestations: Vec<Entry>,
    /// Citations.
    pub citation_signatures: Vec<Entry>,
    /// Replications.
    pub replication_records: Vec<Entry>,
    /// Corrections.
    pub corrections: Vec<Entry>,
    /// Mirrors.
    pub mirror_hints: Vec<Entry>,
    /// The event that created the record.
    #[serde(deserialize_with = "crate::text::nullable")]
    pub record_created: Option<Entry>,
}

impl Current {
    /// All entries, of every type.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let arrays = [
            &self.graph_snapshots,
            &self.author_attestations,
            &self.timestamp_anchors,
            &self.storage_attestations,
            &self.citation_signatures,
            &self.replication_records,
            &self.corrections,
            &self.mirror_hints,
        ];
        self.record_created
            .iter()
            .chain(arrays.into_iter().flatten())
    }

    /// Where events of a type are kept; `None` for types unknown here, which are applied all the
    /// same, and for record_created, of which there is one.
    fn array_of(&mut self, event_type: &str) -> Option<&mut Vec<Entry>> {
        Some(match event_type {
            "graph_snapshot" => &mut self.graph_snapshots,
            "author_attestation" => &mut self.author_attestations,
            "timestamp_anchor" => &mut self.timestamp_anchors,
            "storage_attestation" => &mut self.storage_attestations,
            "citation_signature" => &mut self.citation_signatures,
            "replication_record" => &mut self.replication_records,
            "correction" => &mut self.corrections,
            "mirror_hint" => &mut self.mirror_hints,
            _ => return None,
        })
    }
}

/// An event as a state shows it, in wire order; `signer` and `payload` have sorted keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Which event.
    pub event_id: EventId,
    /// What part of the paper it is about.
    pub target: String,
    /// When, by the signer's word.
    pub created_at: Timestamp,
    /// Who.
    pub signer: Fragment,
    /// What.
    pub payload: Fragment,
}

/// Events of one signer that contradict each other: none of them is applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivocation {
    /// Who signed them.
    pub signer_id: String,
    /// What part of the paper they are about.
    pub target: String,
    /// The event that they all claim to follow; null among record_created.
    #[serde(deserialize_with = "crate::text::nullable")]
    pub prev_event: Option<EventId>,
    /// The events, sorted.
    pub event_ids: Vec<EventId>,
}

/// An event that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvalidEvent {
    /// Its identity, recomputed; null if it has none.
    #[serde(deserialize_with = "crate::text::nullable")]
    pub event_id: Option<EventId>,
    /// Why.
    pub reason: InvalidReason,
}

impl State {
    /// `state_sha256`: the hash of the state without it.
    pub fn digest(&self) -> Digest {
        canonical::digest_without(self, &UNHASHED).expect("a state holds nothing that JSON cannot")
    }

    /// [`content`](Self::content) of a state whose text was written from what was read.
    pub(crate) fn content_of_text(state: &ObjectText<'_>) -> Vec<u8> {
        state.without(&UNHASHED).into_bytes()
    }

    /// The canonical text that [`digest`](Self::digest) hashes.
    pub(crate) fn content(&self) -> Vec<u8> {
        canonical::to_vec_without(self, &UNHASHED).expect("a state holds nothing that JSON cannot")
    }
}
