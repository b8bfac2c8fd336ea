//! What verifying a bundle asks to be hashed or written, each computed once.

use std::collections::BTreeMap;

use super::difference::{self, Place};
use crate::bundle::Bundle;
use crate::canonical::{Fragment, Node, ObjectText};
use crate::digest::Digest;
use crate::event::{self, EventId};
use crate::state::{Replayed, Shown, State};

/// What the parts of a bundle hash to, whatever the bundle says they do.
pub(super) struct Digests<'a> {
    /// Of its `canonical_record`.
    pub record: Digest,
    /// Its `canonical_record` as text.
    pub record_text: Fragment,
    /// Of its events, in their order.
    pub events: Vec<EventId>,
    /// Of the whole without its signature.
    pub bundle: Digest,
    /// Its state.
    pub state: StatedState<'a>,
    /// What a state shows of those events whose text is at hand.
    pub shown: BTreeMap<EventId, Shown>,
}

/// The state that a bundle carries.
pub(super) enum StatedState<'a> {
    /// Read into types.
    Value(&'a State),
    /// As text: its content and the hash that it says this has.
    Text { content: Vec<u8>, sha256: Digest },
}

impl StatedState<'_> {
    /// Whether it is the state that a merge gave.
    pub fn is(&self, merged: &Replayed<'_>) -> bool {
        match self {
            StatedState::Value(state) => **state == merged.state,
            StatedState::Text { content, sha256 } => {
                *content == merged.content && *sha256 == merged.state.state_sha256
            }
        }
    }

    /// Where it differs from the state that a merge gave.
    pub fn first_difference(&self, merged: &Replayed<'_>) -> Place {
        match self {
            StatedState::Value(state) => difference::first(*state, &merged.state, "state"),
            StatedState::Text { .. } => Place::whole("state"),
        }
    }
}

impl<'a> Digests<'a> {
    /// The digests of a bundle as a value.
    pub fn of(bundle: &'a Bundle) -> Self {
        let of_event = |event| EventId::of(event::content_digest(event));
        let record_text = Fragment::of(&bundle.canonical_record)
            .expect("a record holds nothing that JSON cannot");
        Digests {
            record: Digest::of(record_text.as_str().as_bytes()),
            record_text,
            events: bundle.events.iter().map(of_event).collect(),
            bundle: bundle.digest(),
            state: StatedState::Value(&bundle.state),
            shown: BTreeMap::new(),
        }
    }

    /// The same from the tree that the bundle was read from, which takes a fraction of the time:
    /// the text of the whole is put together from those of its parts, so each is written once.
    /// `None` if the tree cannot be a bundle's.
    pub fn of_tree(tree: &Node<'_>) -> Option<Self> {
        let Node::Array(events) = tree.get("events")? else {
            return None;
        };
        let events: Vec<_> = events.iter().map(ObjectText::of).collect::<Option<_>>()?;
        let event_texts: Vec<_> = events.iter().map(ObjectText::as_str).collect();
        let event_list = format!("[{}]", event_texts.join(","));
        let state_tree = tree.get("state")?;
        let state = ObjectText::of(state_tree)?;
        let known = [("events", event_list.as_str()), ("state", state.as_str())];
        let bundle = ObjectText::with(tree, &known)?;
        let record_text = Fragment::of_member(&bundle, "canonical_record")?;
        let mut digests = Digests {
            record: Digest::of(record_text.as_str().as_bytes()),
            record_text,
            events: Vec::with_capacity(events.len()),
            bundle: Bundle::digest_of_text(&bundle),
            state: StatedState::Text {
                content: State::content_of_text(&state),
                sha256: state_tree.get("state_sha256")?.as_str()?.parse().ok()?,
            },
            shown: BTreeMap::new(),
        };
        for event in &events {
            let id = EventId::of(event::content_digest_of_text(event));
            let shown = Shown {
                signer: Fragment::of_member(event, "signer")?,
                payload: Fragment::of_member(event, "payload")?,
            };
            digests.events.push(id);
            digests.shown.insert(id, shown);
        }
        Some(digests)
    }
}
