//! Signed events: what happened to a paper, by whom (SPEC 5).
//!
//! Here is what all events have in common; what their payloads say is in [`Statement`], with a file
//! for each kind.

mod anchor;
mod authorship;
mod citation;
mod correction;
mod kind;
mod mirror;
mod replication;
mod skeleton;
mod statement;
mod storage;
mod words;

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use anchor::{AnchorStatus, ProofType, TimestampAnchor};
pub use authorship::{AuthorAttestation, Strength};
pub use citation::{CitationSignature, Relation};
pub use correction::Correction;
pub use kind::EventKind;
pub use mirror::{MirrorHintPayload, MirrorType};
pub use replication::{FormalSystem, ReplicationKind, ReplicationRecord};
pub use skeleton::{FILL_IN, schema, skeleton, unfilled};
pub use statement::{FormError, MAX_PAYLOAD_DEPTH, Statement};
pub use storage::StorageAttestation;
pub use words::{BaseAddress, ClaimId, Line, Orcid, ProofBytes, WebAddress, Word};

use crate::arxiv::ArxivId;
use crate::canonical::{self, Json, Node, ObjectText, from_node};
use crate::digest::Digest;
use crate::keys::{Algorithm, Fingerprint, KeyId, SignatureBytes, Signer, SignerError};
use crate::number::PithNumber;
use crate::receipt::{Receipt, SignatureStatus};
use crate::record::{ArxivKind, CanonicalRecord, SchemaVersion};
use crate::snapshot::GraphSnapshot;
use crate::text::{constant, nullable, string_form};
use crate::time::{Timestamp, TimestampMicros};

constant! {
    /// What an event's signature covers.
    EventMessage = "open_graph_event_sha256_bytes"
}

constant! {
    /// How a record came to be.
    AttestationState = "computed"
}

/// The event type that creates a record.
pub const RECORD_CREATED: &str = "record_created";

/// The event type that shows a paper.
pub const GRAPH_SNAPSHOT: &str = "graph_snapshot";

/// The members of an event that its hash leaves out.
const UNHASHED: [&str; 3] = ["signature", "content_sha256", "event_id"];

/// An event's identity: `sha256:` and the hash of its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Digest);

impl EventId {
    /// The identity of the event with this content.
    pub const fn of(content_sha256: Digest) -> Self {
        EventId(content_sha256)
    }

    /// The hash of the content.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("sha256:")
            .and_then(|digest| digest.parse().ok())
            .map(EventId)
            .ok_or_else(|| {
                format!(
                    "an event id is `sha256:` and 64 lower case hexadecimal digits, not `{text}`"
                )
            })
    }
}

string_form!(EventId);

/// A signed event; fields stand in wire order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// What happened, such as [`RECORD_CREATED`]; kinds unknown to this version are kept.
    pub event_type: String,
    /// The record it happened to.
    pub subject_pith_number: PithNumber,
    /// What part of it: `record`, `graph` or `claim:` and an id.
    pub target: String,
    /// What the event says.
    pub payload: Payload,
    /// Who says so.
    pub signer: EventSigner,
    /// When, by the signer's word.
    pub created_at: Timestamp,
    /// The events it takes the place of.
    pub supersedes: Vec<EventId>,
    /// The signer's event before this one on the same target.
    pub prev_event: Option<EventId>,
    /// The signature over the 32 raw bytes of `content_sha256`.
    pub signature: EventSignature,
    /// See [`content_digest`].
    pub content_sha256: Digest,
    /// The version of these rules.
    pub schema_version: SchemaVersion,
    /// `sha256:` and `content_sha256`.
    pub event_id: EventId,
}

/// Who signed an event, under which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSigner {
    /// The signer's name, such as `pith.science`.
    pub signer_id: String,
    /// What kind of signer it is, such as [`REGISTRY`](crate::keys::REGISTRY).
    pub signer_type: String,
    /// The label of its key.
    pub key_id: KeyId,
    /// The fingerprint of its key.
    pub public_key_fingerprint: Fingerprint,
}

/// The signature of an event; all of it but the bytes is outside the event's hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSignature {
    /// Always signed.
    pub signature_status: SignatureStatus,
    /// How.
    pub algorithm: Algorithm,
    /// The label of the key.
    pub key_id: KeyId,
    /// The fingerprint of the key.
    pub public_key_fingerprint: Fingerprint,
    /// The signature.
    pub signature_b64: SignatureBytes,
    /// What it covers.
    pub signed_message: EventMessage,
    /// When it was made, by the signer's word; no hash covers it.
    pub signed_at: TimestampMicros,
}

/// What an event says, by its type.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Payload {
    /// Of [`RECORD_CREATED`].
    RecordCreated(Box<RecordCreated>),
    /// Of [`GRAPH_SNAPSHOT`].
    GraphSnapshot(Box<SnapshotPayload>),
    /// Of any other type: kept and hashed as it is, in sorted order on the wire. What it says is in
    /// [`Event::statement`].
    Open(Json),
}

/// The payload of [`RECORD_CREATED`], in wire order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordCreated {
    /// The record.
    pub canonical_record: CanonicalRecord,
    /// Its digest.
    pub canonical_sha256: Digest,
    /// The registry's signature over the digest.
    pub receipt: Receipt,
    /// As in the record.
    pub source_kind: ArxivKind,
    /// As in the record.
    pub source_id: ArxivId,
    /// As in the record.
    pub source_version: NonZeroU32,
    /// Always computed.
    pub attestation_state: AttestationState,
}

/// The payload of [`GRAPH_SNAPSHOT`], in wire order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotPayload {
    /// The snapshot.
    pub graph_snapshot: GraphSnapshot,
    /// The id of the verdict in it, if it has one.
    #[serde(deserialize_with = "nullable")]
    pub verdict_id: Option<String>,
}

impl Event {
    /// What the event says; `None` for types unknown here, and for those whose payloads have types
    /// of their own.
    ///
    /// # Errors
    /// [`FormError`] if the payload does not have the form of its type.
    pub fn statement(&self) -> Result<Option<Statement>, FormError> {
        match (&self.payload, EventKind::of(&self.event_type)) {
            (Payload::Open(payload), Some(kind)) => {
                Statement::read(kind, payload, &self.subject_pith_number)
            }
            _ => Ok(None),
        }
    }
}

impl RecordCreated {
    /// The payload for a record and its receipt.
    pub fn new(record: CanonicalRecord, receipt: Receipt) -> Self {
        RecordCreated {
            canonical_sha256: receipt.canonical_sha256,
            receipt,
            source_kind: ArxivKind,
            source_id: record.source.id.clone(),
            source_version: record.source.version,
            attestation_state: AttestationState,
            canonical_record: record,
        }
    }
}

/// `content_sha256`: the hash of an event without `signature`, `content_sha256` and `event_id`.
///
/// It is defined for any JSON object, so that an event whose form is broken still has an identity.
pub fn content_digest<T: Serialize>(event: &T) -> Digest {
    canonical::digest_without(event, &UNHASHED).expect("events hold nothing that JSON cannot")
}

/// The canonical text that [`content_digest`] hashes.
pub(crate) fn content(event: &Event) -> Vec<u8> {
    canonical::to_vec_without(event, &UNHASHED).expect("events hold nothing that JSON cannot")
}

/// [`content_digest`] of an event whose text was written from what was read.
pub(crate) fn content_digest_of_text(event: &ObjectText<'_>) -> Digest {
    event.digest_without(&UNHASHED)
}

/// [`content_digest`] of an event as it was read.
pub fn content_digest_of_tree(event: &Node<'_>) -> Digest {
    canonical::tree_digest_without(event, &UNHASHED)
}

/// An event before it is signed: what its author decides.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What happened.
    pub event_type: String,
    /// To which record.
    pub subject: PithNumber,
    /// To what part of it.
    pub target: String,
    /// What the event says.
    pub payload: Payload,
    /// When.
    pub created_at: Timestamp,
    /// The events it takes the place of.
    pub supersedes: Vec<EventId>,
    /// The signer's event before this one on the same target.
    pub prev_event: Option<EventId>,
}

impl Draft {
    /// The event that creates a record.
    pub fn record_created(subject: PithNumber, payload: RecordCreated) -> Self {
        Draft {
            event_type: RECORD_CREATED.to_owned(),
            subject,
            target: "record".to_owned(),
            created_at: payload.receipt.last_reissued_at.seconds(),
            payload: Payload::RecordCreated(Box::new(payload)),
            supersedes: Vec::new(),
            prev_event: None,
        }
    }

    /// The event that shows a paper.
    pub fn graph_snapshot(
        subject: PithNumber,
        graph_snapshot: GraphSnapshot,
        created_at: Timestamp,
    ) -> Self {
        Draft {
            event_type: GRAPH_SNAPSHOT.to_owned(),
            subject,
            target: "graph".to_owned(),
            payload: Payload::GraphSnapshot(Box::new(SnapshotPayload {
                verdict_id: graph_snapshot.verdict.id.clone(),
                graph_snapshot,
            })),
            created_at,
            supersedes: Vec::new(),
            prev_event: None,
        }
    }

    /// The event that this draft becomes under a signature made elsewhere or before.
    pub fn with_signature(self, signer: EventSigner, signature: EventSignature) -> Event {
        let mut event = Event {
            event_type: self.event_type,
            subject_pith_number: self.subject,
            target: self.target,
            payload: self.payload,
            signer,
            created_at: self.created_at,
            supersedes: self.supersedes,
            prev_event: self.prev_event,
            signature,
            content_sha256: Digest::from_bytes([0; 32]),
            schema_version: SchemaVersion,
            event_id: EventId::of(Digest::from_bytes([0; 32])),
        };
        event.content_sha256 = content_digest(&event);
        event.event_id = EventId::of(event.content_sha256);
        event
    }

    /// Signs the draft as `signer_id`, which is a `signer_type`.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn sign(
        self,
        signer_id: &str,
        signer_type: &str,
        signed_at: TimestampMicros,
        signer: &dyn Signer,
    ) -> Result<Event, SignerError> {
        let who = EventSigner {
            signer_id: signer_id.to_owned(),
            signer_type: signer_type.to_owned(),
            key_id: signer.key_id().clone(),
            public_key_fingerprint: signer.fingerprint(),
        };
        let unsigned = EventSignature::new(&who, SignatureBytes::from_bytes([0; 64]), signed_at);
        let mut event = self.with_signature(who, unsigned);
        event.signature.signature_b64 = signer.sign(&event.content_sha256)?;
        Ok(event)
    }
}

impl EventSignature {
    /// The signature block of `signer`.
    pub fn new(
        signer: &EventSigner,
        signature_b64: SignatureBytes,
        signed_at: TimestampMicros,
    ) -> Self {
        EventSignature {
            signature_status: SignatureStatus,
            algorithm: Algorithm,
            key_id: signer.key_id.clone(),
            public_key_fingerprint: signer.public_key_fingerprint,
            signature_b64,
            signed_message: EventMessage,
            signed_at,
        }
    }
}

/// The wire form before the payload's type is known, which may stand after it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFields<'a> {
    event_type: String,
    subject_pith_number: PithNumber,
    target: String,
    #[serde(borrow)]
    payload: Node<'a>,
    signer: EventSigner,
    created_at: Timestamp,
    supersedes: Vec<EventId>,
    #[serde(deserialize_with = "nullable")]
    prev_event: Option<EventId>,
    signature: EventSignature,
    content_sha256: Digest,
    schema_version: SchemaVersion,
    event_id: EventId,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = EventFields::deserialize(deserializer)?;
        if fields.payload.nests_deeper_than(MAX_PAYLOAD_DEPTH) {
            return Err(D::Error::custom(format_args!(
                "payload: nests deeper than {MAX_PAYLOAD_DEPTH} levels"
            )));
        }
        let payload = match fields.event_type.as_str() {
            RECORD_CREATED => from_node(fields.payload).map(Payload::RecordCreated),
            GRAPH_SNAPSHOT => from_node(fields.payload).map(Payload::GraphSnapshot),
            _ => match fields.payload {
                Node::Object(members) => Ok(Payload::Open(Node::Object(members).into())),
                _ => return Err(D::Error::custom("payload: an event's payload is an object")),
            },
        }
        .map_err(|error| D::Error::custom(format_args!("payload: {error}")))?;
        Ok(Event {
            event_type: fields.event_type,
            subject_pith_number: fields.subject_pith_number,
            target: fields.target,
            payload,
            signer: fields.signer,
            created_at: fields.created_at,
            supersedes: fields.supersedes,
            prev_event: fields.prev_event,
            signature: fields.signature,
            content_sha256: fields.content_sha256,
            schema_version: fields.schema_version,
            event_id: fields.event_id,
        })
    }
}
