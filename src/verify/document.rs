//! Documents of any kind: telling them apart and judging each by its rules.

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::report::{Check, Outcome, Report};
use super::trust::{Signed, judge};
use super::{Policy, bundle::verify_bundle};
use crate::bundle::Bundle;
use crate::canonical::{DecodeError, Node, Numbers, from_node, read};
use crate::digest::Digest;
use crate::event::{Event, content_digest};
use crate::keys::{KeyId, PublicKey, REGISTRY, SignatureBytes};
use crate::number::PithNumber;
use crate::receipt::Receipt;
use crate::record::CanonicalRecord;
use crate::state::State;

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
            DocumentKind::Unknown => "unknown",
        }
    }

    fn of(node: &Node) -> Self {
        if node.get("bundle_type").is_some() {
            DocumentKind::Bundle
        } else if node.get("state_type").is_some() {
            DocumentKind::State
        } else if node.get("event_type").is_some() {
            DocumentKind::Event
        } else if node.get("receipt").is_some() && node.get("canonical_record").is_some() {
            DocumentKind::Receipt
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
        DocumentKind::Bundle => {
            from_node(node).map(|bundle: Bundle| verify_bundle(&bundle, policy))
        }
        DocumentKind::Event => from_node(node).map(|event: Event| verify_event(&event, policy)),
        DocumentKind::State => from_node(node).map(|state: State| verify_state(&state, policy)),
        DocumentKind::Receipt => {
            from_node(node).map(|receipt: ReceiptWithRecord| verify_receipt(&receipt, policy))
        }
        DocumentKind::Unknown => {
            let mut report = Report::new(kind);
            let message = "is neither a bundle, an event, a state, nor a record with its receipt";
            report.fail(Code::DocumentShape, "document", message);
            return report;
        }
    };
    judged.unwrap_or_else(|error| unreadable(kind, number, error))
}

fn unreadable(kind: DocumentKind, number: Option<PithNumber>, error: DecodeError) -> Report {
    let mut report = Report::new(kind);
    report.pith_number = number;
    report.fail(Code::DocumentShape, "document", error.to_string());
    report
}

/// A record with its receipt, as a registry hands it out or a record_created event holds it.
#[derive(Debug, Deserialize)]
struct ReceiptWithRecord {
    canonical_record: CanonicalRecord,
    receipt: Receipt,
    pith_number: Option<PithNumber>,
    canonical_sha256: Option<Digest>,
}

fn expect_number(report: &mut Report, policy: &Policy, number: &PithNumber) {
    if let Some(expected) = &policy.expect {
        let holds = "is the number asked for";
        report.compare(Code::NumberExpected, "pith_number", number, expected, holds);
    }
}

/// A signature in a document that does not carry its key: only a trusted key can check it.
struct Claimed<'a> {
    code: Code,
    subject: &'a str,
    key_id: &'a KeyId,
    fingerprint: crate::keys::Fingerprint,
    digest: Digest,
    signature: &'a SignatureBytes,
}

fn known_key<'a>(
    report: &mut Report,
    policy: &Policy<'a>,
    claimed: &Claimed,
) -> Option<&'a PublicKey> {
    let key = policy
        .trust
        .keys()
        .map(|entry| &entry.key.key)
        .find(|key| key.fingerprint() == claimed.fingerprint);
    let Some(key) = key else {
        let message = format!(
            "signed by key {} ({}), which no keyset here holds, so its signature could not be checked",
            claimed.key_id, claimed.fingerprint
        );
        report.add(Code::KeyTrust, Outcome::Untrusted, claimed.subject, message);
        return None;
    };
    if key.verifies(&claimed.digest, claimed.signature) {
        let message = format!("verifies under {}", claimed.key_id);
        report.ok(claimed.code, claimed.subject, message);
        Some(key)
    } else {
        let message = format!("does not verify under key {}", claimed.key_id);
        report.fail(claimed.code, claimed.subject, message);
        None
    }
}

fn verify_event(event: &Event, policy: &Policy) -> Report {
    let mut report = Report::new(DocumentKind::Event);
    report.pith_number = Some(event.subject_pith_number);
    let digest = content_digest(event);
    let holds = "is the hash of the event";
    report.compare(
        Code::EventContent,
        "content_sha256",
        &event.content_sha256,
        &digest,
        holds,
    );
    report.compare(
        Code::EventContent,
        "event_id",
        event.event_id.digest(),
        &digest,
        holds,
    );
    let (signer, signature) = (&event.signer, &event.signature);
    if signer.key_id != signature.key_id
        || signer.public_key_fingerprint != signature.public_key_fingerprint
    {
        report.fail(Code::EventKey, "signature", "names another key than signer");
    }
    expect_number(&mut report, policy, &event.subject_pith_number);
    let claimed = Claimed {
        code: Code::EventSignature,
        subject: "signature",
        key_id: &signature.key_id,
        fingerprint: signature.public_key_fingerprint,
        digest,
        signature: &signature.signature_b64,
    };
    if let Some(key) = known_key(&mut report, policy, &claimed) {
        let signed = Signed {
            subject: "signature".to_owned(),
            key,
            key_id: &signer.key_id,
            signer_id: &signer.signer_id,
            signer_type: &signer.signer_type,
            time: Some(event.created_at),
        };
        judge(&mut report, policy.trust, policy.at, &signed);
    }
    report
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
    expect_number(&mut report, policy, &number);
    let claimed = Claimed {
        code: Code::ReceiptSignature,
        subject: "receipt",
        key_id: &receipt.key_id,
        fingerprint: receipt.public_key_fingerprint,
        digest,
        signature: &receipt.signature_b64,
    };
    if let Some(key) = known_key(&mut report, policy, &claimed) {
        let signer_id = policy
            .trust
            .keys()
            .find(|entry| entry.key.key == *key)
            .and_then(|entry| entry.signer_id.as_deref())
            .unwrap_or_default();
        let signed = Signed {
            subject: "receipt".to_owned(),
            key,
            key_id: &receipt.key_id,
            signer_id,
            signer_type: REGISTRY,
            time: None,
        };
        judge(&mut report, policy.trust, policy.at, &signed);
        let message = "a bare receipt's times are under no signature";
        report.add(Code::ReceiptTimes, Outcome::Note, "receipt", message);
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
