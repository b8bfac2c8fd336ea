//! What events say, as far as this version knows: what is malformed or unknown in them, and
//! whether their timestamps lead to the blocks that the verifier knows.

use std::collections::{BTreeMap, BTreeSet};

use super::code::Code;
use super::report::{Outcome, Report};
use super::trust::Trust;
use crate::bundle::{Bundle, timestamp_proofs};
use crate::canonical::Json;
use crate::event::{AnchorStatus, Event, EventId, EventKind, Statement, TimestampAnchor};
use crate::state::{InvalidEvent, InvalidReason, Replayed};

/// Judges what the payload of `event` says; `subject` names the event in reports.
pub(super) fn statement(report: &mut Report, subject: &str, event: &Event, trust: &Trust) {
    if EventKind::of(&event.event_type).is_none() {
        let message = format!("is a `{}`, a type not known here", event.event_type);
        report.add(Code::EventUnknown, Outcome::Note, subject, message);
    }
    // A payload that is not of its form was reported as such.
    let Ok(Some(statement)) = event.statement() else {
        return;
    };
    let unknown: Vec<_> = statement.unknown_members().collect();
    if !unknown.is_empty() {
        let message = format!("has payload members not known here: {}", unknown.join(", "));
        report.add(Code::EventUnknown, Outcome::Note, subject, message);
    }
    if let Statement::TimestampAnchor(anchor) = &statement {
        timestamp(report, subject, anchor, trust);
    }
}

/// Where a timestamp leads. That it begins at the record's digest is part of the event's form.
fn timestamp(report: &mut Report, subject: &str, anchor: &TimestampAnchor, trust: &Trust) {
    let mut add = |outcome, message: String| {
        report.add(Code::TimestampProof, outcome, subject, message);
    };
    let height = match (anchor.status, anchor.block_height) {
        (AnchorStatus::Confirmed, Some(height)) => u64::from(height),
        _ => {
            let calendar = anchor.calendar_url.as_deref().unwrap_or_default();
            let message = format!("is pending at {calendar}: no block confirms it yet");
            return add(Outcome::Note, message);
        }
    };
    let Some(header) = trust.block_headers().at(height) else {
        let message = format!(
            "leads to block {height} of Bitcoin; with that block's header (--block-header) it can be checked"
        );
        return add(Outcome::Note, message);
    };
    let proof = anchor.proof_b64.read();
    let leads_there = proof.is_ok_and(|proof| {
        proof
            .roots_at(height)
            .any(|root| root == header.merkle_root())
    });
    if leads_there {
        let time = header.time();
        add(
            Outcome::Ok,
            format!("leads to block {height} of Bitcoin, made about {time}"),
        );
    } else {
        let message = format!("does not lead to the block {height} whose header was given");
        add(Outcome::Failed, message);
    }
}

/// What is wrong with the payloads of the events that are not valid for their form.
pub(super) fn malformed<S>(
    bundle: &Bundle<S>,
    ids: &[EventId],
    invalid: &[InvalidEvent],
) -> BTreeMap<EventId, String> {
    let unformed = |invalid: &InvalidEvent| {
        let id = invalid.event_id;
        id.filter(|_| invalid.reason == InvalidReason::Form)
    };
    let unformed: BTreeSet<EventId> = invalid.iter().filter_map(unformed).collect();
    let events = ids.iter().zip(&bundle.events);
    events
        .filter(|(id, _)| unformed.contains(id))
        .filter_map(|(id, event)| Some((*id, event.statement().err()?.to_string())))
        .collect()
}

/// SPEC 8: the proofs are those of the anchors. Others have a form that is not known here.
pub(super) fn proofs<S>(report: &mut Report, bundle: &Bundle<S>, merged: &Replayed<'_>) {
    let expected = timestamp_proofs(merged.events.iter().map(|event| &**event), &merged.state);
    let stated = bundle.timestamp_proofs.iter();
    let (named, others): (Vec<&Json>, Vec<&Json>) =
        stated.partition(|proof| proof.get("event_id").is_some());
    let subject = "timestamp_proofs";
    if !named.iter().copied().eq(&expected) {
        let message = "are not those of the anchors in the state";
        report.fail(Code::BundleProofs, subject, message);
    } else if !expected.is_empty() {
        report.ok(Code::BundleProofs, subject, "are those of the anchors");
    }
    if !others.is_empty() {
        let message = format!("{} in a form not known here", others.len());
        report.add(Code::BundleProofs, Outcome::Note, subject, message);
    }
}
