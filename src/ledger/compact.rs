//! The compact form of a fresh mint: two events as three texts and three signatures.
//!
//! Nearly all records of a registry were minted by it and never touched again. Their two events
//! follow from the record, so storing those (about 6 kB) would make a ledger four times as large.
//! Whether a record that comes with its events may be stored so is not decided by rules but by
//! trial: expanding must give exactly the events that were to be stored.

use std::num::NonZeroU32;

use super::BundleSeal;
use crate::arxiv::ArxivId;
use crate::digest::Digest;
use crate::event::{Draft, Event, EventSignature, EventSigner, Payload, RecordCreated};
use crate::keys::{Algorithm, Fingerprint, KeyId, REGISTRY, SignatureBytes};
use crate::number::{PithNumber, SourceAlias, aliases_at};
use crate::receipt::{Receipt, ReceiptKind, ReceiptMessage, ReceiptVersion, SignatureStatus};
use crate::record::CanonicalRecord;
use crate::snapshot::{GraphSnapshot, PaperText};
use crate::time::TimestampMicros;

/// Who first issued a record, with what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The registry.
    pub signer_id: String,
    /// The rules by which it builds records.
    pub builder_version: String,
    /// The label of its key.
    pub key_id: KeyId,
    /// The key.
    pub fingerprint: Fingerprint,
    /// When the record was minted.
    pub minted_at: TimestampMicros,
}

impl Origin {
    /// The origin of `record`: the first of `events` that creates it.
    pub(super) fn of<'a>(
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

    /// Whether both come from one registry, builder and key.
    pub(crate) fn same_issuer(&self, other: &Origin) -> bool {
        self.fingerprint == other.fingerprint
            && self.key_id == other.key_id
            && self.signer_id == other.signer_id
            && self.builder_version == other.builder_version
    }
}

/// What of a mint's two events does not follow from the record and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compact {
    /// What the snapshot shows of the paper.
    pub text: PaperText,
    /// The receipt's signature.
    pub receipt_sig: SignatureBytes,
    /// The signature of record_created.
    pub created_sig: SignatureBytes,
    /// The signature of graph_snapshot.
    pub snapshot_sig: SignatureBytes,
}

impl Compact {
    /// The compact form of `events`, if there is one.
    pub(super) fn of(
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
    pub(super) fn expand(
        self,
        record: &CanonicalRecord,
        digest: &Digest,
        origin: &Origin,
    ) -> [Event; 2] {
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

/// A record as it was minted, with everything that cannot be recomputed: a row of the ledger.
///
/// Its two events, its names (given when it was minted) and its bundle follow from this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// The record.
    pub record: CanonicalRecord,
    /// Its digest.
    pub digest: Digest,
    /// Its number.
    pub number: PithNumber,
    /// Who minted it, and when.
    pub origin: Origin,
    /// What its events hold besides.
    pub compact: Compact,
    /// The seal of its bundle, if one was signed.
    pub seal: Option<BundleSeal>,
}

impl Fresh {
    /// Its events: record_created, then graph_snapshot.
    pub fn events(&self) -> [Event; 2] {
        self.compact
            .clone()
            .expand(&self.record, &self.digest, &self.origin)
    }

    /// Its other names.
    pub fn aliases(&self) -> Vec<SourceAlias> {
        aliases_at(&self.record, &self.number, self.origin.minted_at.seconds())
    }

    /// The paper and version that it was minted for.
    pub fn source(&self) -> (&ArxivId, NonZeroU32) {
        (&self.record.source.id, self.record.source.version)
    }
}
