//! Timestamps in bundles, and against the headers of blocks.

use pith::bundle::{Bundle, BundleParts, timestamp_proofs};
use pith::canonical::{self, Json};
use pith::digest::Digest;
use pith::event::{AnchorStatus, Event, Payload, TimestampAnchor};
use pith::keys::{ForeignSigner, PublicKeyObject, TrustedKey, TrustedKeys};
use pith::state::Merged;
use pith::timestamps::BlockHeader;
use pith::verify::{Code, Outcome, Policy, Report, Trust, Verdict, verify_document};

use super::world::*;

/// The header of Bitcoin's first block.
const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

/// The header of the block after it.
const SECOND: &str = "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299";

const MAGIC: &[u8] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";

/// A proof that `digest` itself is the Merkle root of the block at `height`, below 128.
fn confirmed(digest: &Digest, height: u8) -> Vec<u8> {
    let attestation = b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01";
    [MAGIC, digest.as_bytes(), attestation, &[height]].concat()
}

fn anchor(height: u8) -> Event {
    let digest = WORLD.record.digest();
    let anchor = TimestampAnchor::of_proof(confirmed(&digest, height), digest).unwrap();
    let mut making = said(&WORLD.alice, "timestamp_anchor", "record", 1);
    making.draft.payload = Payload::Open(Json::of(&anchor).unwrap());
    making.sign()
}

fn bundle_of(merged: Merged, proofs: Vec<Json>) -> Bundle {
    let world = &*WORLD;
    let (own, alice) = (world.registry.entry(), world.alice.entry());
    let mut foreign =
        PublicKeyObject::of_registry(alice.key, alice.key_id, "https://alice.invalid");
    foreign.signer = Some(ForeignSigner {
        signer_id: world.alice.signer_id.to_owned(),
        signer_type: world.alice.signer_type.to_owned(),
    });
    let parts = BundleParts {
        record: world.record.clone(),
        aliases: merged.state.current.source_aliases.clone(),
        merged,
        timestamp_proofs: proofs,
        mirrors: &[],
        base_url: "https://registry.invalid",
        public_keys: vec![
            PublicKeyObject::of_registry(own.key, own.key_id, "https://registry.invalid"),
            foreign,
        ],
        built_at: micros(9).seconds(),
    };
    parts.sign(micros(9), &world.registry).unwrap()
}

fn judged(bundle: &Bundle, headers: &[(u64, &str)]) -> Report {
    let mut trust = Trust::new();
    let key = bundle.public_keys[0].clone();
    trust.add(
        "the test",
        TrustedKeys::new(vec![TrustedKey::of_registry(
            key,
            Some(REGISTRY_ID.to_owned()),
        )]),
    );
    for (height, header) in headers {
        assert!(trust.add_block_header(*height, header.parse().unwrap()));
    }
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
        now: micros(20).seconds(),
    };
    verify_document(&bundle.to_wire(), &policy)
}

fn outcomes(report: &Report, code: Code) -> Vec<Outcome> {
    let checks = report.checks.iter().filter(|check| check.code == code);
    checks.map(|check| check.outcome).collect()
}

fn with_anchor() -> Merged {
    let record = created(&WORLD.registry, 1).at(0);
    let mut record = record;
    record.draft.created_at = micros(0).seconds();
    merged(&[record.sign(), anchor(0)])
}

#[test]
fn a_bundle_lists_the_proofs_of_its_anchors() {
    let merged = with_anchor();
    let proofs = timestamp_proofs(&merged.events, &merged.state);
    assert_eq!(proofs.len(), 1);
    let id = merged.state.current.timestamp_anchors[0]
        .event_id
        .to_string();
    assert_eq!(
        proofs[0].get("event_id").and_then(Json::as_str),
        Some(id.as_str())
    );
    assert_eq!(
        proofs[0].get("status").and_then(Json::as_str),
        Some("confirmed")
    );
    let sound = judged(&bundle_of(merged.clone(), proofs.clone()), &[]);
    assert_eq!(sound.verdict(), Verdict::Verified, "{:?}", sound.decisive());
    assert_eq!(outcomes(&sound, Code::BundleProofs), [Outcome::Ok]);
    // The signer is nobody the verifier knows, which is the event's matter and not the bundle's.
    assert_eq!(outcomes(&sound, Code::KeyForeign), [Outcome::Note]);

    // Left out, doubled, or another one.
    let mut other = proofs[0].clone();
    if let Json::Object(members) = &mut other {
        members.insert("block_height".to_owned(), Json::Int(7));
    }
    for wrong in [
        vec![],
        [proofs.clone(), proofs.clone()].concat(),
        vec![other],
    ] {
        let report = judged(&bundle_of(merged.clone(), wrong), &[]);
        assert_eq!(report.verdict(), Verdict::Failed);
        assert_eq!(outcomes(&report, Code::BundleProofs), [Outcome::Failed]);
    }
    // Proofs of a form that is not known here are somebody else's.
    let foreign: Json = canonical::from_slice(br#"{"proof":"of another form"}"#).unwrap();
    let report = judged(&bundle_of(merged, vec![proofs[0].clone(), foreign]), &[]);
    assert_eq!(report.verdict(), Verdict::Verified);
    assert_eq!(
        outcomes(&report, Code::BundleProofs),
        [Outcome::Ok, Outcome::Note]
    );
}

#[test]
fn a_header_of_another_block_is_not_led_to() {
    let merged = with_anchor();
    let proofs = timestamp_proofs(&merged.events, &merged.state);
    let bundle = bundle_of(merged, proofs);
    // Not given, or for another height: it cannot be told.
    for headers in [&[][..], &[(1, GENESIS)]] {
        let report = judged(&bundle, headers);
        assert_eq!(outcomes(&report, Code::TimestampProof), [Outcome::Note]);
        assert_eq!(report.verdict(), Verdict::Verified);
    }
    let report = judged(&bundle, &[(0, GENESIS)]);
    assert_eq!(outcomes(&report, Code::TimestampProof), [Outcome::Failed]);
    assert_eq!(report.verdict(), Verdict::Failed);
}

/// No record has the first block's Merkle root as its digest; the proof of one that had would lead
/// there.
#[test]
fn a_proof_leads_to_the_block_whose_root_it_makes() {
    let header: BlockHeader = GENESIS.parse().unwrap();
    let root = Digest::from_bytes(header.merkle_root().try_into().unwrap());
    let anchor = TimestampAnchor::of_proof(confirmed(&root, 0), root).unwrap();
    assert_eq!(
        (anchor.status, anchor.block_height),
        (AnchorStatus::Confirmed, Some(0))
    );
    let proof = anchor.proof_b64.read().unwrap();
    assert!(proof.roots_at(0).any(|found| found == header.merkle_root()));
    // The lowest block counts; a proof of something else is refused.
    let other = Digest::of(b"something else");
    assert!(TimestampAnchor::of_proof(confirmed(&other, 0), root).is_err());
}

#[test]
fn two_headers_of_one_height_are_not_both_believed() {
    let mut trust = Trust::new();
    let header: BlockHeader = GENESIS.parse().unwrap();
    assert!(trust.add_block_header(0, header.clone()));
    assert!(trust.add_block_header(0, header));
    let second: BlockHeader = SECOND.parse().unwrap();
    assert!(!trust.add_block_header(0, second.clone()));
    assert!(trust.add_block_header(1, second));
}
