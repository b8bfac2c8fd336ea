//! What verifying a bundle asks to be hashed or written, each computed once.

use std::collections::BTreeMap;

use crate::bundle::Bundle;
use crate::canonical::{Fragment, Node, tree_digest_without};
use crate::digest::Digest;
use crate::event::{self, EventId};
use crate::state::Shown;

/// What the parts of a bundle hash to, whatever the bundle says they do.
pub(super) struct Digests {
    /// Of its `canonical_record`.
    pub record: Digest,
    /// Of its events, in their order.
    pub events: Vec<EventId>,
    /// Of the whole without its signature.
    pub bundle: Digest,
    /// What a state shows of those events whose text is at hand.
    pub shown: BTreeMap<EventId, Shown>,
}

impl Digests {
    /// The digests of a bundle as a value.
    pub fn of(bundle: &Bundle) -> Self {
        let of_event = |event| EventId::of(event::content_digest(event));
        Digests {
            record: bundle.canonical_record.digest(),
            events: bundle.events.iter().map(of_event).collect(),
            bundle: bundle.digest(),
            shown: BTreeMap::new(),
        }
    }

    /// The same from the tree that the bundle was read from, which takes a fraction of the time.
    /// `None` if the tree cannot be a bundle's.
    pub fn of_tree(tree: &Node<'_>) -> Option<Self> {
        let Node::Array(events) = tree.get("events")? else {
            return None;
        };
        let mut digests = Digests {
            record: tree_digest_without(tree.get("canonical_record")?, &[]),
            events: Vec::with_capacity(events.len()),
            bundle: Bundle::digest_of_tree(tree),
            shown: BTreeMap::new(),
        };
        for event in events {
            let id = EventId::of(event::content_digest_of_tree(event));
            let shown = Shown {
                signer: Fragment::of_tree(event.get("signer")?),
                payload: Fragment::of_tree(event.get("payload")?),
            };
            digests.events.push(id);
            digests.shown.insert(id, shown);
        }
        Some(digests)
    }
}
