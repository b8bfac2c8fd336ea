//! Which events are valid: a matter of the event and the key table alone (SPEC 7, rules 1 and 2).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::{Node, from_node};
use crate::digest::Digest;
use crate::event::{
    self, Event, EventId, EventKind, GRAPH_SNAPSHOT, MAX_PAYLOAD_DEPTH, Payload, RECORD_CREATED,
    RecordCreated,
};
use crate::keys::{Fingerprint, KeyId, PublicKey, PublicKeyObject, REGISTRY};
use crate::number::PithNumber;

/// Which public keys there are, and for whom each may speak.
#[derive(Debug, Clone, Default)]
pub struct KeyTable(BTreeMap<Fingerprint, TableKey>);

/// A key in a [`KeyTable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableKey {
    /// The key.
    pub key: PublicKey,
    /// Its label.
    pub key_id: KeyId,
    /// The signer it speaks for.
    pub signer_id: String,
    /// What kind of signer that is.
    pub signer_type: String,
}

/// Two keys that cannot stand in one table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two keys have the fingerprint {0}")]
pub struct KeyTableError(pub Fingerprint);

impl KeyTable {
    /// The table of `keys`.
    ///
    /// # Errors
    /// [`KeyTableError`] if two have one fingerprint, be they the same key.
    pub fn new(keys: impl IntoIterator<Item = TableKey>) -> Result<Self, KeyTableError> {
        let mut table = BTreeMap::new();
        for key in keys {
            let fingerprint = key.key.fingerprint();
            if table.insert(fingerprint, key).is_some() {
                return Err(KeyTableError(fingerprint));
            }
        }
        Ok(KeyTable(table))
    }

    /// The table of keys as a bundle carries them: those without a signer of their own speak for
    /// the registry `registry_id` (SPEC 8).
    ///
    /// # Errors
    /// As [`KeyTable::new`].
    pub fn of_published<'a>(
        keys: impl IntoIterator<Item = &'a PublicKeyObject>,
        registry_id: &str,
    ) -> Result<Self, KeyTableError> {
        KeyTable::new(keys.into_iter().map(|object| {
            let (signer_id, signer_type) = match &object.signer {
                Some(signer) => (signer.signer_id.as_str(), signer.signer_type.as_str()),
                None => (registry_id, REGISTRY),
            };
            TableKey {
                key: object.key,
                key_id: object.key_id.clone(),
                signer_id: signer_id.to_owned(),
                signer_type: signer_type.to_owned(),
            }
        }))
    }

    /// The key with this fingerprint, if its label agrees.
    pub fn get(&self, fingerprint: &Fingerprint, key_id: &KeyId) -> Option<&TableKey> {
        self.0.get(fingerprint).filter(|key| key.key_id == *key_id)
    }
}

/// Why an event is not valid, in the order in which the checks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InvalidReason {
    /// Not an object of an event's shape, or a value not of its form.
    Shape,
    /// About another record.
    Subject,
    /// A target that its type does not allow.
    Target,
    /// A payload that does not have the form of its type.
    Form,
    /// `content_sha256` or `event_id` is not the hash of the content.
    ContentHash,
    /// `signer` and `signature` name different keys.
    KeyMismatch,
    /// The key is not in the table.
    UnknownKey,
    /// The key does not speak for this signer.
    Signer,
    /// The signature does not verify.
    Signature,
    /// Of a type that only the registry signs, by another.
    NotRegistry,
    /// Record, number and receipt do not agree.
    Record,
    /// The receipt is not signed by the registry over the record.
    Receipt,
}

impl InvalidReason {
    /// The reason as states write it.
    pub fn as_str(self) -> &'static str {
        match self {
            InvalidReason::Shape => "shape",
            InvalidReason::Subject => "subject",
            InvalidReason::Target => "target",
            InvalidReason::Form => "form",
            InvalidReason::ContentHash => "content_hash",
            InvalidReason::KeyMismatch => "key_mismatch",
            InvalidReason::UnknownKey => "unknown_key",
            InvalidReason::Signer => "signer",
            InvalidReason::Signature => "signature",
            InvalidReason::NotRegistry => "not_registry",
            InvalidReason::Record => "record",
            InvalidReason::Receipt => "receipt",
        }
    }
}

/// Something handed to the merge as an event: an event, or what claims to be one.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The recomputed identity; `None` if it is not even an object.
    pub(super) id: Option<EventId>,
    /// The event, if it has the shape of one.
    pub(super) event: Option<Cow<'a, Event>>,
}

impl From<Event> for Candidate<'_> {
    fn from(event: Event) -> Self {
        Candidate {
            id: Some(EventId::of(event::content_digest(&event))),
            event: Some(Cow::Owned(event)),
        }
    }
}

impl<'a> Candidate<'a> {
    /// An event whose identity the caller has recomputed from all that the event says.
    pub(crate) fn identified(id: EventId, event: &'a Event) -> Self {
        Candidate {
            id: Some(id),
            event: Some(Cow::Borrowed(event)),
        }
    }

    /// Takes any JSON value for an event.
    pub fn read(node: Node<'_>) -> Self {
        let object = matches!(node, Node::Object(_));
        Candidate {
            id: object.then(|| EventId::of(event::content_digest_of_tree(&node))),
            event: from_node(node).ok().map(Cow::Owned),
        }
    }

    /// The first check that this candidate fails, if any.
    pub(super) fn fault(&self, subject: &PithNumber, keys: &KeyTable) -> Option<InvalidReason> {
        match (&self.id, &self.event) {
            (Some(id), Some(event)) => check(event, id, subject, keys).err(),
            _ => Some(InvalidReason::Shape),
        }
    }
}

/// SPEC 7, rule 2, one check a line.
fn check(
    event: &Event,
    id: &EventId,
    subject: &PithNumber,
    keys: &KeyTable,
) -> Result<(), InvalidReason> {
    let require = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    require(payload_fits(event), InvalidReason::Shape)?;
    require(
        event.subject_pith_number == *subject,
        InvalidReason::Subject,
    )?;
    let kind = EventKind::of(&event.event_type);
    let takes_target = kind.is_none_or(|kind| kind.takes_target(&event.target));
    require(takes_target, InvalidReason::Target)?;
    require(event.statement().is_ok(), InvalidReason::Form)?;
    require(
        event.event_id == *id && event.content_sha256 == *id.digest(),
        InvalidReason::ContentHash,
    )?;
    let (signer, signature) = (&event.signer, &event.signature);
    require(
        signer.public_key_fingerprint == signature.public_key_fingerprint
            && signer.key_id == signature.key_id,
        InvalidReason::KeyMismatch,
    )?;
    let key = keys
        .get(&signer.public_key_fingerprint, &signer.key_id)
        .ok_or(InvalidReason::UnknownKey)?;
    require(
        key.signer_id == signer.signer_id && key.signer_type == signer.signer_type,
        InvalidReason::Signer,
    )?;
    require(
        key.key.verifies(id.digest(), &signature.signature_b64),
        InvalidReason::Signature,
    )?;
    require(
        key.signer_type == REGISTRY || !kind.is_some_and(EventKind::registry_only),
        InvalidReason::NotRegistry,
    )?;
    let Payload::RecordCreated(payload) = &event.payload else {
        return Ok(());
    };
    let digest = payload.canonical_record.digest();
    require(
        record_agrees(event, payload, &digest),
        InvalidReason::Record,
    )?;
    require(
        receipt_holds(event, payload, &digest, keys),
        InvalidReason::Receipt,
    )
}

/// Whether the payload is of the event's type: reading sees to that, making an event need not.
fn payload_fits(event: &Event) -> bool {
    match &event.payload {
        Payload::RecordCreated(_) => event.event_type == RECORD_CREATED,
        Payload::GraphSnapshot(_) => event.event_type == GRAPH_SNAPSHOT,
        Payload::Open(payload) => {
            !EventKind::of(&event.event_type).is_some_and(EventKind::registry_only)
                && !payload.nests_deeper_than(MAX_PAYLOAD_DEPTH)
        }
    }
}

/// Whether a record_created event says the same of the record everywhere.
fn record_agrees(event: &Event, payload: &RecordCreated, digest: &Digest) -> bool {
    let record = &payload.canonical_record;
    payload.canonical_sha256 == *digest
        && payload.receipt.canonical_sha256 == *digest
        && PithNumber::of(record, digest) == event.subject_pith_number
        && payload.source_id == record.source.id
        && payload.source_version == record.source.version
}

/// Whether the receipt is signed by a key of the registry that signed the event.
fn receipt_holds(event: &Event, payload: &RecordCreated, digest: &Digest, keys: &KeyTable) -> bool {
    let receipt = &payload.receipt;
    keys.get(&receipt.public_key_fingerprint, &receipt.key_id)
        .is_some_and(|key| {
            key.signer_type == REGISTRY
                && key.signer_id == event.signer.signer_id
                && key.key.verifies(digest, &receipt.signature_b64)
        })
}
