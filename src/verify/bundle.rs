//! Verifying a bundle: every rule of SPEC 2 to 8, then trust.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, code_of};
use super::digests::{Digests, StatedState};
use super::document::DocumentKind;
use super::report::{Outcome, Report};
use super::statement::{malformed, proofs, statement};
use super::trust::{Signed, judge};
use super::{Policy, Trust, Verdict};
use crate::arxiv::text;
use crate::bundle::{Bundle, BundleSource, Links, Mirror, MirrorHint};
use crate::canonical::Fragment;
use crate::digest::Digest;
use crate::event::{Event, Payload, RecordCreated};
use crate::keys::{Fingerprint, KeyId, PublicKey, REGISTRY};
use crate::number::{AliasKind, PithNumber, alias_values};
use crate::record::CanonicalRecord;
use crate::snapshot::{EMPTY_SNAPSHOT, EXCERPT_CHARS, GraphSnapshot};
use crate::state::{Candidate, KeyTable, Replayed, replay};

/// Judges a bundle that was read.
pub fn verify_bundle(bundle: &Bundle, policy: &Policy) -> Report {
    judge_bundle(bundle, Digests::of(bundle), policy)
}

/// As [`verify_bundle`], with what its parts hash to.
pub(super) fn judge_bundle<S>(bundle: &Bundle<S>, digests: Digests<'_>, policy: &Policy) -> Report {
    let mut report = soundness(bundle, digests, policy.trust);
    if let Some(expected) = policy.expect {
        report.compare(
            Code::NumberExpected,
            "pith_number",
            &bundle.pith_number,
            &expected,
            "is the number asked for",
        );
    }
    if report.verdict() != Verdict::Failed {
        trust(&mut report, bundle, policy, bundle.registry_id());
    }
    report
}

/// What is found of a bundle by whoever judges it, trusting whom they may; but for timestamps, of
/// which nothing is known.
pub(crate) fn bundle_soundness(bundle: &Bundle) -> Report {
    soundness(bundle, Digests::of(bundle), &Trust::new())
}

fn soundness<S>(bundle: &Bundle<S>, digests: Digests<'_>, known: &Trust) -> Report {
    let mut report = Report::new(DocumentKind::Bundle);
    report.pith_number = Some(bundle.pith_number);
    record(&mut report, bundle, &digests.record);
    let bundle_digest = digests.bundle;
    let registry_id = bundle.registry_id();
    match KeyTable::of_published(&bundle.public_keys, registry_id) {
        Ok(keys) => {
            events(&mut report, bundle, &keys, digests);
            public_keys(&mut report, bundle);
        }
        Err(error) => report.fail(Code::BundleKeys, "public_keys", error.to_string()),
    }
    for (index, event) in bundle.events.iter().enumerate() {
        contents(
            &mut report,
            bundle,
            &format!("events[{index}]"),
            event,
            known,
        );
    }
    links(&mut report, bundle);
    signature(&mut report, bundle, &bundle_digest);
    report
}

/// SPEC 2 and 3: the record, its digest and its names.
fn record<S>(report: &mut Report, bundle: &Bundle<S>, digest: &Digest) {
    report.compare(
        Code::RecordDigest,
        "canonical_sha256",
        &bundle.canonical_sha256,
        digest,
        "is the hash of canonical_record",
    );
    let number = PithNumber::of(&bundle.canonical_record, digest);
    report.compare(
        Code::RecordNumber,
        "pith_number",
        &bundle.pith_number,
        &number,
        "is the record's",
    );
    report.compare(
        Code::RecordNumber,
        "short_pith_number",
        &bundle.short_pith_number.to_string(),
        &number.short().to_string(),
        "is the record's",
    );
    if bundle.source == BundleSource::from(&bundle.canonical_record.source) {
        report.ok(Code::RecordNumber, "source", "is the record's");
    } else {
        report.fail(Code::RecordNumber, "source", "is not the record's source");
    }
    aliases(report, bundle, &number);
}

/// SPEC 3: the names that a record has.
fn aliases<S>(report: &mut Report, bundle: &Bundle<S>, number: &PithNumber) {
    let expected = alias_values(&bundle.canonical_record, number);
    let expected = expected.iter().map(|(kind, value)| (*kind, value.as_str()));
    let found = bundle.source_aliases.iter();
    let found = found.map(|alias| (alias.alias_kind, alias.alias_value.as_str()));
    if found.clone().eq(expected.clone()) {
        report.ok(Code::RecordAliases, "source_aliases", "are the record's");
    } else {
        let names = |pairs: &mut dyn Iterator<Item = (AliasKind, &str)>| {
            let texts: Vec<_> = pairs
                .map(|(kind, value)| format!("{} {value}", kind.as_str()))
                .collect();
            texts.join(", ")
        };
        report.compare(
            Code::RecordAliases,
            "source_aliases",
            &names(&mut found.into_iter()),
            &names(&mut expected.into_iter()),
            "are the record's",
        );
    }
}

/// SPEC 5 and 7: every event valid, in order, and the state what they merge to.
fn events<S>(report: &mut Report, bundle: &Bundle<S>, keys: &KeyTable, digests: Digests<'_>) {
    let candidates = digests.events.iter().zip(&bundle.events);
    let candidates = candidates.map(|(id, event)| Candidate::identified(*id, event));
    let aliases = bundle.source_aliases.iter().cloned();
    let merged = replay(bundle.pith_number, candidates, aliases, keys, digests.shown);
    let malformed = malformed(bundle, &digests.events, &merged.state.invalid_events);
    for invalid in &merged.state.invalid_events {
        let id = invalid
            .event_id
            .map(|id| id.to_string())
            .unwrap_or_default();
        let fault = invalid.event_id.and_then(|id| malformed.get(&id));
        let why = fault.map_or_else(|| invalid.reason.as_str(), String::as_str);
        let message = format!("not valid: {why}");
        report.fail(code_of(invalid.reason), &id, message);
    }
    if merged.state.invalid_events.is_empty() {
        let count = bundle.events.len();
        let message = format!("have the hashes they state ({count})");
        report.ok(Code::EventContent, "events", message);
        let message = format!("are signed as they say ({count})");
        report.ok(Code::EventSignature, "events", message);
        report.ok(Code::ReceiptSignature, "receipts", "verify");
    }
    let stated = bundle.events.iter().map(|event| event.event_id);
    if stated.eq(merged.events.iter().map(|event| event.event_id)) {
        report.ok(Code::BundleEvents, "events", "stand in order");
    } else {
        report.fail(
            Code::BundleEvents,
            "events",
            "do not stand in bundle order, each once",
        );
    }
    for edge in &merged.dangling {
        let message = format!("{} names {}, which has no effect", edge.member, edge.names);
        report.add(
            Code::EventsDangling,
            Outcome::Note,
            edge.event_id.to_string(),
            message,
        );
    }
    for group in &merged.state.equivocations {
        let message = format!("{} contradicts itself on {}", group.signer_id, group.target);
        let first = group.event_ids[0].to_string();
        report.add(Code::EventsEquivocation, Outcome::Note, first, message);
    }
    proofs(report, bundle, &merged);
    state(report, &digests.state, &digests.record_text, &merged);
}

fn state(report: &mut Report, stated: &StatedState<'_>, record: &Fragment, merged: &Replayed<'_>) {
    if stated.is(merged) {
        report.ok(Code::StateReplay, "state", "is the merge of the events");
    } else {
        let place = stated.first_difference(merged);
        report.checks.push(super::Check {
            code: Code::StateReplay,
            outcome: Outcome::Failed,
            subject: place.path,
            message: "differs from the merge of the events".to_owned(),
            expected: place.expected,
            found: place.found,
        });
    }
    if merged.state.current.canonical_record.as_ref() != Some(record) {
        let message = "no event of the bundle creates its canonical_record";
        report.fail(Code::StateReplay, "canonical_record", message);
    }
}

/// SPEC 4, 5, 6: what the hashes do not say about the insides of an event.
fn contents<S>(
    report: &mut Report,
    bundle: &Bundle<S>,
    subject: &str,
    event: &Event,
    known: &Trust,
) {
    match &event.payload {
        Payload::RecordCreated(payload) => receipt_times(report, subject, event, payload),
        Payload::GraphSnapshot(payload) => {
            snapshot(
                report,
                subject,
                &payload.graph_snapshot,
                &bundle.canonical_record,
            );
        }
        Payload::Open(_) => statement(report, subject, event, known),
    }
}

fn receipt_times(report: &mut Report, subject: &str, event: &Event, payload: &RecordCreated) {
    let receipt = &payload.receipt;
    let in_order = receipt.first_computed_at <= receipt.last_reissued_at;
    let dated = event.created_at == receipt.last_reissued_at.seconds();
    if in_order && dated {
        report.ok(Code::ReceiptTimes, subject, "the receipt's times agree");
    } else {
        report.fail(
            Code::ReceiptTimes,
            subject,
            "the receipt's times contradict each other",
        );
    }
}

fn snapshot(report: &mut Report, subject: &str, shown: &GraphSnapshot, record: &CanonicalRecord) {
    let (paper, metadata) = (&shown.paper, &record.metadata);
    let title = Digest::of(text::canonical(&paper.title).as_bytes());
    let faults: Vec<&str> = [
        (title == metadata.title_canon_sha256, "title"),
        (paper.license == metadata.license, "license"),
        (paper.primary_cat == metadata.primary_cat, "primary_cat"),
        (paper.cross_cats == metadata.cross_cats_sorted, "cross_cats"),
        (paper.submitted_at == metadata.submitted_at, "submitted_at"),
        (*shown.source == record.source, "source"),
        (
            excerpt_agrees(&paper.abstract_excerpt, record),
            "abstract_excerpt",
        ),
    ]
    .into_iter()
    .filter(|(agrees, _)| !agrees)
    .map(|(_, field)| field)
    .collect();
    if faults.is_empty() {
        report.ok(
            Code::SnapshotPaper,
            subject,
            "the paper shown is the record's",
        );
    } else {
        let message = format!("differs from the record in {}", faults.join(", "));
        report.fail(Code::SnapshotPaper, subject, message);
    }
    let lists = [
        (
            "claims",
            shown.claims.count,
            shown.claims.items.len(),
            shown.claims.snapshot_sha256,
        ),
        (
            "references",
            shown.references.count,
            shown.references.sample.len(),
            shown.references.snapshot_sha256,
        ),
        (
            "formal_canon",
            shown.formal_canon.evidence_count,
            0,
            shown.formal_canon.snapshot_sha256,
        ),
        (
            "author_claims",
            shown.author_claims.count,
            0,
            shown.author_claims.snapshot_sha256,
        ),
    ];
    let wrong: Vec<&str> = lists
        .into_iter()
        .filter(|(_, count, shown, hash)| *count == 0 && (*shown > 0 || *hash != EMPTY_SNAPSHOT))
        .map(|(section, ..)| section)
        .collect();
    if wrong.is_empty() {
        report.ok(Code::SnapshotLists, subject, "empty sections are empty");
    } else {
        let message = format!("say 0 but are not empty: {}", wrong.join(", "));
        report.fail(Code::SnapshotLists, subject, message);
    }
}

/// An excerpt that was not cut is the whole abstract, whose hash the record has; none is longer than the
/// cut leaves it.
pub(crate) fn excerpt_agrees(excerpt: &str, record: &CanonicalRecord) -> bool {
    match excerpt.chars().count().cmp(&EXCERPT_CHARS) {
        Ordering::Less => {
            let whole = Digest::of(text::canonical(excerpt).as_bytes());
            whole == record.metadata.abstract_canon_sha256
        }
        Ordering::Equal => true,
        Ordering::Greater => false,
    }
}

/// SPEC 8: the bundle's key first, then every other key used in it by id, and no more.
fn public_keys<S>(report: &mut Report, bundle: &Bundle<S>) {
    let own = (
        bundle.bundle_signature.key_id.clone(),
        bundle.bundle_signature.public_key_fingerprint,
    );
    let mut used: BTreeSet<(KeyId, Fingerprint)> = BTreeSet::new();
    for event in &bundle.events {
        let signer = &event.signer;
        used.insert((signer.key_id.clone(), signer.public_key_fingerprint));
        if let Payload::RecordCreated(payload) = &event.payload {
            let receipt = &payload.receipt;
            used.insert((receipt.key_id.clone(), receipt.public_key_fingerprint));
        }
    }
    used.remove(&own);
    let expected: Vec<_> = std::iter::once(own).chain(used).collect();
    let found: Vec<_> = bundle
        .public_keys
        .iter()
        .map(|object| (object.key_id.clone(), object.key.fingerprint()))
        .collect();
    let registry_id = bundle.registry_id();
    let borrowed = bundle.public_keys.iter().find(|object| {
        let signer = object.signer.as_ref();
        signer.is_some_and(|s| s.signer_id == registry_id || s.signer_type == REGISTRY)
    });
    if let Some(object) = borrowed {
        // It would count as the registry in the merge: nobody borrows another's name or rights.
        let message = format!(
            "key {} of another signer poses as a registry's",
            object.key_id
        );
        report.fail(Code::BundleKeys, "public_keys", message);
    } else if found == expected {
        report.ok(Code::BundleKeys, "public_keys", "are those that signed");
    } else {
        let message = "are not the bundle's key and then the other keys used, by id";
        report.fail(Code::BundleKeys, "public_keys", message);
    }
}

/// SPEC 8: every address follows from a base address and the number.
fn links<S>(report: &mut Report, bundle: &Bundle<S>) {
    let base = bundle
        .links
        .resolver
        .strip_suffix(&format!("/pith/{}", bundle.pith_number.suffix()));
    let links_follow =
        base.is_some_and(|base| Links::below(base, &bundle.pith_number) == bundle.links);
    let hints_follow = bundle.mirror_hints.iter().all(|hint| {
        let mirror = Mirror {
            name: hint.name.clone(),
            base_url: hint.base_url.clone(),
            status: hint.status.clone(),
        };
        MirrorHint::at(&mirror, &bundle.pith_number) == *hint
    });
    if links_follow && hints_follow {
        report.ok(Code::BundleLinks, "links", "lead to this number");
    } else {
        let subject = if links_follow {
            "mirror_hints"
        } else {
            "links"
        };
        report.fail(Code::BundleLinks, subject, "do not lead to this number");
    }
}

/// SPEC 8: the bundle's hash and its signature.
fn signature<S>(report: &mut Report, bundle: &Bundle<S>, digest: &Digest) {
    let signature = &bundle.bundle_signature;
    report.compare(
        Code::BundleHash,
        "bundle_signature.bundle_sha256",
        &signature.bundle_sha256,
        digest,
        "is the hash of the bundle",
    );
    let subject = "bundle_signature";
    let key = bundle
        .public_keys
        .iter()
        .find(|object| object.key.fingerprint() == signature.public_key_fingerprint)
        .filter(|object| object.key_id == signature.key_id && object.signer.is_none());
    match key {
        None => {
            let message = "names no registry key that the bundle carries";
            report.fail(Code::BundleSignature, subject, message);
        }
        Some(object) if object.key.verifies(digest, &signature.signature_b64) => {
            report.ok(
                Code::BundleSignature,
                subject,
                format!("verifies under {}", object.key_id),
            );
        }
        Some(object) => {
            let message = format!("does not verify under key {}", object.key_id);
            report.fail(Code::BundleSignature, subject, message);
        }
    }
    let by_registry = bundle
        .events
        .iter()
        .filter(|event| event.signer.signer_type == REGISTRY);
    let latest = by_registry.map(|event| event.created_at).max();
    if latest.is_none_or(|latest| latest <= bundle.built_at) {
        report.ok(
            Code::BundleBuiltAt,
            "built_at",
            "is not before the registry's events",
        );
    } else {
        report.fail(
            Code::BundleBuiltAt,
            "built_at",
            "is before an event of the registry",
        );
    }
    let subject = "bundle_signature.signed_at";
    if signature.signed_at >= bundle.built_at.into() {
        let message = "is not before built_at; it is not authenticated";
        report.ok(Code::BundleSignedAt, subject, message);
    } else {
        report.fail(Code::BundleSignedAt, subject, "is before built_at");
    }
}

/// SPEC 9: whether the verifier knows the keys that signed.
fn trust<S>(report: &mut Report, bundle: &Bundle<S>, policy: &Policy, registry_id: &str) {
    let keys: BTreeMap<Fingerprint, &PublicKey> = bundle
        .public_keys
        .iter()
        .map(|object| (object.key.fingerprint(), &object.key))
        .collect();
    let key_of = |fingerprint: &Fingerprint| keys.get(fingerprint).copied();
    let mut signed = Vec::new();
    if let Some(key) = key_of(&bundle.bundle_signature.public_key_fingerprint) {
        signed.push(Signed {
            subject: "bundle_signature".to_owned(),
            key,
            key_id: &bundle.bundle_signature.key_id,
            signer_id: registry_id,
            signer_type: REGISTRY,
            time: Some(bundle.built_at),
            covered: Some(&bundle.bundle_signature.bundle_sha256),
            decides: true,
        });
    }
    for (index, event) in bundle.events.iter().enumerate() {
        let signer = &event.signer;
        if let Some(key) = key_of(&signer.public_key_fingerprint) {
            signed.push(Signed {
                subject: format!("events[{index}]"),
                key,
                key_id: &signer.key_id,
                signer_id: &signer.signer_id,
                signer_type: &signer.signer_type,
                time: Some(event.created_at),
                covered: Some(event.event_id.digest()),
                decides: signer.signer_type == REGISTRY,
            });
        }
        // The event covers the receipt, so the event's time is one that a signature covers.
        if let Payload::RecordCreated(payload) = &event.payload
            && payload.receipt.public_key_fingerprint != signer.public_key_fingerprint
            && let Some(key) = key_of(&payload.receipt.public_key_fingerprint)
        {
            signed.push(Signed {
                subject: format!("events[{index}].payload.receipt"),
                key,
                key_id: &payload.receipt.key_id,
                signer_id: &signer.signer_id,
                signer_type: REGISTRY,
                time: Some(event.created_at),
                covered: None,
                decides: true,
            });
        }
    }
    for signature in &signed {
        judge(report, policy, signature);
    }
}
