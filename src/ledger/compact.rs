//! The compact form of a fresh mint: two events as three texts and three signatures.
//!
//! Nearly all records of a registry were minted by it and never touched again. Their two events
//! follow from the record, so storing those (about 6 kB) would make a ledger four times as large.
//! Whether a record may be stored so is not decided by rules but by trial: expanding must give
//! exactly the events that were to be stored.

use crate::digest::Digest;
use crate::event::{Draft, Event, EventSignature, EventSigner, Payload, RecordCreated};
use crate::keys::{Algorithm, Fingerprint, KeyId, REGISTRY, SignatureBytes};
use crate::number::PithNumber;
use crate::receipt::{Receipt, ReceiptKind, ReceiptMessage, ReceiptVersion, SignatureStatus};
use crate::record::CanonicalRecord;
use crate::snapshot::{GraphSnapshot, PaperText};
use crate::time::TimestampMicros;

/// Who first issued a record, with what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub signer_id: String,
    pub builder_version: String,
    pub key_id: KeyId,
    pub fingerprint: Fingerprint,
    pub minted_at: TimestampMicros,
}

impl Origin {
    /// The origin of `record`: the first of `events` that creates it.
    pub fn of<'a>(
        record: &CanonicalRecord,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Option<Self> {
        events.into_iter().find_map(|event| match &event.payload {
            Payload::RecordCreated(payload) if payload.canonical_record == *record => {
                Some(Origin {
                    signer_id: event.signer.signer_id.clone(),
                    builder_version: payload.receipt.builder_version.clone(),
                    key_id: event.signer.key_id.clone(),
                    fingerprint: event.signer.public_key_fingerprint,
                    minted_at: payload.receipt.first_computed_at,
                })
            }
            _ => None,
        })
    }
}

/// What of a mint's two events does not follow from the record and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compact {
    pub text: PaperText,
    pub receipt_sig: SignatureBytes,
    pub created_sig: SignatureBytes,
    pub snapshot_sig: SignatureBytes,
}

impl Compact {
    /// The compact form of `events`, if there is one.
    pub fn of(
        record: &CanonicalRecord,
        digest: &Digest,
        origin: &Origin,
        events: &[Event],
    ) -> Option<Self> {
        let [created, snapshot] = events else {
            return None;
        };
        let (Payload::RecordCreated(creation), Payload::GraphSnapshot(shown)) =
            (&created.payload, &snapshot.payload)
        else {
            return None;
        };
        let paper = &shown.graph_snapshot.paper;
        let compact = Compact {
            text: PaperText {
                title: paper.title.clone(),
                authors_text: paper.authors_text.clone(),
                abstract_excerpt: paper.abstract_excerpt.clone(),
            },
            receipt_sig: creation.receipt.signature_b64,
            created_sig: created.signature.signature_b64,
            snapshot_sig: snapshot.signature.signature_b64,
        };
        let same = compact.clone().expand(record, digest, origin) == *events;
        same.then_some(compact)
    }

    /// The two events, record_created first.
    pub fn expand(self, record: &CanonicalRecord, digest: &Digest, origin: &Origin) -> [Event; 2] {
        let number: PithNumber = PithNumber::of(record, digest);
        let signer = EventSigner {
            signer_id: origin.signer_id.clone(),
            signer_type: REGISTRY.to_owned(),
            key_id: origin.key_id.clone(),
            public_key_fingerprint: origin.fingerprint,
        };
        let receipt = Receipt {
            kind: ReceiptKind,
            key_id: origin.key_id.clone(),
            algorithm: Algorithm,
            signed_at: origin.minted_at,
            signature_b64: self.receipt_sig,
            signed_message: ReceiptMessage,
            builder_version: origin.builder_version.clone(),
            receipt_version: ReceiptVersion,
            canonical_sha256: *digest,
            last_reissued_at: origin.minted_at,
            signature_status: SignatureStatus,
            first_computed_at: origin.minted_at,
            public_key_fingerprint: origin.fingerprint,
        };
        let shown = GraphSnapshot::from_parts(self.text, record, &origin.builder_version);
        let signed = |draft: Draft, signature| {
            let signature = EventSignature::new(&signer, signature, origin.minted_at);
            draft.with_signature(signer.clone(), signature)
        };
        [
            signed(
                Draft::record_created(number, RecordCreated::new(record.clone(), receipt)),
                self.created_sig,
            ),
            signed(
                Draft::graph_snapshot(number, shown, origin.minted_at.seconds()),
                self.snapshot_sig,
            ),
        ]
    }
}
