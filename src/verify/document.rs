//! Documents of any kind: telling them apart and judging each by its rules.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::bundle::{judge_bundle, verify_bundle};
use super::code::{Code, code_of};
use super::digests::Digests;
use super::keyset::verify_keyset;
use super::report::{Check, Outcome, Report};
use super::statement::statement;
use super::trust::{Signed, judge, judge_event};
use super::{Policy, Trust, Verdict};
use crate::arxiv::ArxivId;
use crate::bundle::Bundle;
use crate::canonical::{DecodeError, Node, Numbers, from_node, from_tree, read};
use crate::digest::Digest;
use crate::event::{AttestationState, Event, EventId, content_digest};
use crate::keys::{Fingerprint, KeyId, REGISTRY};
use crate::keyset::KeysetFile;
use crate::number::PithNumber;
use crate::receipt::Receipt;
use crate::record::{ArxivKind, CanonicalRecord};
use crate::state::{Candidate, InvalidReason, KeyTable, State, TableKey, replay};

/// What kind of document something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// A bundle (SPEC 8).
    Bundle,
    /// An event (SPEC 5).
    Event,
    /// A record with its receipt (SPEC 2, 4).
    Receipt,
    /// A state (SPEC 7).
    State,
    /// A keyset.
    Keyset,
    /// The transcript of a ceremony, with its folder.
    Transcript,
    /// None of these, or not readable.
    Unknown,
}

impl DocumentKind {
    /// The kind as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Bundle => "bundle",
            DocumentKind::Event => "event",
            DocumentKind::Receipt => "receipt",
            DocumentKind::State => "state",
            DocumentKind::Keyset => "keyset",
            DocumentKind::Transcript => "transcript",
            DocumentKind::Unknown => "unknown",
        }
    }

    fn of(node: &Node) -> Self {
        if node.get("bundle_type").is_some() {
            DocumentKind::Bundle
        } else if node.get("state_type").is_some() {
            DocumentKind::State
        } else if node.get("keyset_type").is_some() {
            DocumentKind::Keyset
        } else if node.get("event_type").is_some() {
            DocumentKind::Event
        } else if node.get("receipt").is_some() && node.get("canonical_record").is_some() {
            DocumentKind::Receipt
        } else if node.get("ceremony_type").is_some() || node.get("entry_type").is_some() {
            DocumentKind::Transcript
        } else {
            DocumentKind::Unknown
        }
    }
}

/// Judges one document given as its bytes.
pub fn verify_document(bytes: &[u8], policy: &Policy) -> Report {
    let node = match read(bytes, Numbers::PythonFloats) {
        Ok(node) => node,
        Err(error) => return unreadable(DocumentKind::Unknown, None, error.into()),
    };
    let kind = DocumentKind::of(&node);
    let number = ["pith_number", "subject_pith_number"]
        .iter()
        .find_map(|member| node.get(member)?.as_str()?.parse().ok());
    let judged = match kind {
        DocumentKind::Bundle => verify_tree(&node, policy),
        DocumentKind::Event => from_node(node).map(|event: Event| verify_event(&event, policy)),
        DocumentKind::State => from_node(node).map(|state: State| verify_state(&state, policy)),
        DocumentKind::Receipt => {
            from_node(node).map(|receipt: ReceiptWithRecord| verify_receipt(&receipt, policy))
        }
        DocumentKind::Keyset => {
            KeysetFile::from_node(node).map(|file| verify_keyset(&file, policy))
        }
        DocumentKind::Transcript => {
            let mut report = Report::new(kind);
            let message =
                "is a part of a transcript, which is judged as a whole: name its file or folder";
            report.fail(Code::TranscriptOpening, "document", message);
            return report;
        }
        DocumentKind::Unknown => {
            let mut report = Report::new(kind);
            let message =
                "is neither a bundle, an event, a state, a keyset, nor a record with its receipt";
            report.fail(Code::DocumentShape, "document", message);
            return report;
        }
    };
    judged.unwrap_or_else(|error| unreadable(kind, number, error))
}

/// Judges a bundle as the tree that was read.
///
/// # Errors
/// [`DecodeError`] if it is not of a bundle's shape.
fn verify_tree(tree: &Node<'_>, policy: &Policy) -> Result<Report, DecodeError> {
    // The state that it carries is half of a bundle, and in a sound one its text is that of the
    // merge, so that it need not be read into types. If anything does not hold, it is, to say what.
    if let Ok(bundle) = Bundle::<IgnoredAny>::deserialize(tree)
        && let Some(digests) = Digests::of_tree(tree)
    {
        let report = judge_bundle(&bundle, digests, policy);
        if report.verdict() != Verdict::Failed {
            return Ok(report);
        }
    }
    from_tree(tree).map(|bundle: Bundle| verify_bundle(&bundle, policy))
}

fn unreadable(kind: DocumentKind, number: Option<PithNumber>, error: DecodeError) -> Report {
    let mut report = Report::new(kind);
    report.pith_number = number;
    report.fail(Code::DocumentShape, "document", error.to_string());
    report
}

/// A record with its receipt, as a registry hands it out or a record_created event holds it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptWithRecord {
    canonical_record: CanonicalRecord,
    receipt: Receipt,
    pith_number: Option<PithNumber>,
    canonical_sha256: Option<Digest>,
    #[serde(rename = "source_kind")]
    _source_kind: Option<ArxivKind>,
    source_id: Option<ArxivId>,
    source_version: Option<NonZeroU32>,
    #[serde(rename = "attestation_state")]
    _attestation_state: Option<AttestationState>,
}

fn expect_number(report: &mut Report, policy: &Policy, number: &PithNumber) {
    if let Some(expected) = &policy.expect {
        let holds = "is the number asked for";
        report.compare(Code::NumberExpected, "pith_number", number, expected, holds);
    }
}

/// Judges a bare event by the rules of the merge (SPEC 7), under the trusted key that it names.
fn verify_event(event: &Event, policy: &Policy) -> Report {
    let mut report = Report::new(DocumentKind::Event);
    report.pith_number = Some(event.subject_pith_number);
    expect_number(&mut report, policy, &event.subject_pith_number);
    let signer = &event.signer;
    let table = table_for(event, policy.trust);
    let id = EventId::of(content_digest(event));
    let candidate = Candidate::identified(id, event);
    let number = event.subject_pith_number;
    let merged = replay(number, [candidate], [], &table, BTreeMap::new());
    match merged
        .state
        .invalid_events
        .first()
        .map(|invalid| invalid.reason)
    {
        None => {
            report.ok(Code::EventContent, "event_id", "is the hash of the event");
            let message = format!("verifies under {}", signer.key_id);
            report.ok(Code::EventSignature, "signature", message);
            statement(&mut report, "event", event, policy.trust);
        }
        Some(InvalidReason::UnknownKey) => {
            report.ok(Code::EventContent, "event_id", "is the hash of the event");
            statement(&mut report, "event", event, policy.trust);
            unknown_key(
                &mut report,
                "signature",
                &signer.key_id,
                signer.public_key_fingerprint,
            );
        }
        Some(reason) => {
            let message = match event.statement() {
                Err(error) if reason == InvalidReason::Form => format!("not valid: {error}"),
                _ => format!("not valid: {}", reason.as_str()),
            };
            report.fail(code_of(reason), &event.event_id.to_string(), message);
        }
    }
    if report.verdict() == Verdict::Verified
        && let Some(key) = table.get(&signer.public_key_fingerprint, &signer.key_id)
    {
        judge_event(&mut report, policy, &key.key, event);
    }
    report
}

/// The trusted keys as a key table. The event's own key is taken to speak for whom the event says:
/// whether it may is a question of trust, which is asked afterwards.
fn table_for(event: &Event, trust: &Trust) -> KeyTable {
    let signer = &event.signer;
    let mut keys: BTreeMap<Fingerprint, TableKey> = BTreeMap::new();
    for entry in trust.keys() {
        let own = entry.key.key.fingerprint() == signer.public_key_fingerprint;
        let signer_id = entry.signer_id.as_ref().filter(|_| !own);
        let signer_type = entry.signer_types.first().filter(|_| !own);
        keys.entry(entry.key.key.fingerprint()).or_insert(TableKey {
            key: entry.key.key,
            key_id: entry.key.key_id.clone(),
            signer_id: signer_id.unwrap_or(&signer.signer_id).clone(),
            signer_type: signer_type.unwrap_or(&signer.signer_type).clone(),
        });
    }
    KeyTable::new(keys.into_values()).expect("fingerprints differ in a map of them")
}

fn unknown_key(report: &mut Report, subject: &str, key_id: &KeyId, fingerprint: Fingerprint) {
    let message = format!(
        "is signed by key {key_id} ({fingerprint}), which no keyset here holds, so its signature could \
         not be checked"
    );
    report.add(Code::KeyTrust, Outcome::Untrusted, subject, message);
}

fn verify_receipt(document: &ReceiptWithRecord, policy: &Policy) -> Report {
    let mut report = Report::new(DocumentKind::Receipt);
    let receipt = &document.receipt;
    let digest = document.canonical_record.digest();
    let number = PithNumber::of(&document.canonical_record, &digest);
    report.pith_number = Some(number);
    let holds = "is the hash of canonical_record";
    report.compare(
        Code::RecordDigest,
        "receipt.canonical_sha256",
        &receipt.canonical_sha256,
        &digest,
        holds,
    );
    if let Some(stated) = &document.canonical_sha256 {
        report.compare(
            Code::RecordDigest,
            "canonical_sha256",
            stated,
            &digest,
            holds,
        );
    }
    if let Some(stated) = &document.pith_number {
        report.compare(
            Code::RecordNumber,
            "pith_number",
            stated,
            &number,
            "is the record's",
        );
    }
    let source = &document.canonical_record.source;
    if document
        .source_id
        .as_ref()
        .is_some_and(|id| *id != source.id)
        || document
            .source_version
            .is_some_and(|version| version != source.version)
    {
        report.fail(Code::RecordNumber, "source", "is not the record's source");
    }
    if receipt.first_computed_at > receipt.last_reissued_at {
        report.fail(
            Code::ReceiptTimes,
            "receipt",
            "is issued again before it is issued",
        );
    }
    expect_number(&mut report, policy, &number);
    let entry = policy
        .trust
        .keys()
        .find(|entry| entry.key.key.fingerprint() == receipt.public_key_fingerprint);
    let Some(entry) = entry else {
        let fingerprint = receipt.public_key_fingerprint;
        unknown_key(&mut report, "receipt", &receipt.key_id, fingerprint);
        return report;
    };
    let key = &entry.key.key;
    if key.verifies(&digest, &receipt.signature_b64) {
        let message = format!("verifies under {}", receipt.key_id);
        report.ok(Code::ReceiptSignature, "receipt", message);
        let signed = Signed {
            subject: "receipt".to_owned(),
            key,
            key_id: &receipt.key_id,
            // A receipt names no signer: the key speaks for whom the keyset says.
            signer_id: entry.signer_id.as_deref().unwrap_or_default(),
            signer_type: REGISTRY,
            time: None,
            covered: None,
            decides: true,
        };
        judge(&mut report, policy, &signed);
        let message = "a bare receipt's times are under no signature";
        report.add(Code::ReceiptTimes, Outcome::Note, "receipt", message);
    } else {
        let message = format!("does not verify under key {}", receipt.key_id);
        report.fail(Code::ReceiptSignature, "receipt", message);
    }
    report
}

fn verify_state(state: &State, policy: &Policy) -> Report {
    let mut report = Report::new(DocumentKind::State);
    report.pith_number = Some(state.pith_number);
    let holds = "is the hash of the state";
    report.compare(
        Code::StateHash,
        "state_sha256",
        &state.state_sha256,
        &state.digest(),
        holds,
    );
    expect_number(&mut report, policy, &state.pith_number);
    report.checks.push(Check {
        code: Code::StateUnsigned,
        outcome: Outcome::Untrusted,
        subject: "state".to_owned(),
        message: "a bare state is unsigned".to_owned(),
        expected: None,
        found: None,
    });
    report
}
