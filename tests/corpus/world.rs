//! An invented paper, those who sign about it, and documents made of both, as JSON to be tampered with.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pith::bundle::{Bundle, timestamp_proofs};
use pith::canonical::{self, Node, Numbers};
use pith::digest::Digest;
use pith::event::content_digest;
use pith::keys::{PrivateKey, PublicKeyObject};
use pith::state::{Candidate, KeyTable, Merged, merge};
use serde::Serialize;
use serde_json::{Value, json};

pub const REGISTRY_ID: &str = "registry.invalid";
pub const BASE: &str = "https://registry.invalid";
pub const BUILDER: &str = "sample-builder-1";
pub const TITLE: &str = "On the Counting of Invented Papers";
pub const ABSTRACT: &str = "We count to twelve and stop.";
pub const EMPTY_LIST: &str = "258153158e38e3291e3d48162225fcdb2d5a3ed65a07baac614ab91432fd4f57";

/// Somebody with a key.
#[derive(Clone, Copy)]
pub struct Who {
    seed: u8,
    pub key_id: &'static str,
    pub signer_id: &'static str,
    pub signer_type: &'static str,
}

const fn who(
    seed: u8,
    key_id: &'static str,
    signer_id: &'static str,
    signer_type: &'static str,
) -> Who {
    Who {
        seed,
        key_id,
        signer_id,
        signer_type,
    }
}

/// The registry under its first key and under its second.
pub const ONE: Who = who(101, "key-1", REGISTRY_ID, "pith_registry");
pub const TWO: Who = who(102, "key-2", REGISTRY_ID, "pith_registry");
/// Others, of whom the last is known to nobody.
pub const ALICE: Who = who(3, "alice-1", "orcid:0000-0002-1825-0097", "author");
pub const BOB: Who = who(4, "bob-1", "lab.invalid", "replicator");
pub const STRANGER: Who = who(5, "stranger-1", "somebody", "author");

impl Who {
    pub fn private(&self) -> PrivateKey {
        PrivateKey::from_seed(&[self.seed; 32])
    }

    pub fn fingerprint(&self) -> String {
        fingerprint(&self.private().public_bytes())
    }

    /// The key's object as a registry publishes its own.
    pub fn object(&self) -> Value {
        key_object(&self.private().public_bytes(), self.key_id)
    }

    /// The key's object as a bundle carries another signer's.
    pub fn named(&self) -> Value {
        let mut object = self.object();
        object["signer_id"] = json!(self.signer_id);
        object["signer_type"] = json!(self.signer_type);
        object
    }

    pub fn signer(&self) -> Value {
        json!({"signer_id": self.signer_id, "signer_type": self.signer_type, "key_id": self.key_id,
            "public_key_fingerprint": self.fingerprint()})
    }

    pub fn sign(&self, digest: &Digest) -> String {
        BASE64.encode(self.private().sign(digest.as_bytes()))
    }
}

pub fn fingerprint(raw: &[u8; 32]) -> String {
    Digest::of(raw).to_string()[..32].to_owned()
}

/// The object of any 32 bytes as a key.
pub fn key_object(raw: &[u8; 32], key_id: &str) -> Value {
    json!({"key_id": key_id, "algorithm": "ed25519", "format": "raw", "public_key_b64": BASE64.encode(raw),
        "public_key_hex": hex::encode(raw), "fingerprint_sha256_b32_first128bits": Digest::of(raw).base32_26(),
        "fingerprint_sha256_hex": fingerprint(raw), "rotates_at": null,
        "url": format!("{BASE}/pith-signing-key.json"), "notes": "A key of this corpus, which everybody has."})
}

/// An entry of a list of trusted keys.
pub fn trusted(who: &Who) -> Value {
    json!({"key": who.object(), "signer_id": who.signer_id, "signer_types": [who.signer_type],
        "status": "active", "valid_from": null, "valid_until": null})
}

/// A list of trusted keys.
pub fn trusted_keys(entries: &[Value]) -> Value {
    json!({"keyset_type": "pith_bootstrap_keyset", "schema_version": "1.0", "keys": entries})
}

pub fn digest<T: Serialize>(value: &T) -> Digest {
    canonical::digest(value).unwrap()
}

/// The hash of an object without some of its members.
pub fn digest_without(value: &Value, omit: &[&str]) -> Digest {
    canonical::digest_without(value, omit).unwrap()
}

fn text_digest(text: &str) -> String {
    Digest::of(text.to_lowercase().as_bytes()).to_string()
}

/// The record of the invented paper.
pub fn record() -> Value {
    json!({"source": {"id": "2402.00001", "kind": "arxiv", "version": 1},
        "metadata": {"license": "http://creativecommons.org/licenses/by/4.0/", "primary_cat": "math.GT",
            "submitted_at": "2024-02-01T12:00:00Z", "cross_cats_sorted": ["cs.DL", "math-ph", "math.DS"],
            "title_canon_sha256": text_digest(TITLE), "abstract_canon_sha256": text_digest(ABSTRACT)},
        "schema_version": "1.0"})
}

pub static RECORD_DIGEST: LazyLock<Digest> = LazyLock::new(|| digest(&record()));
pub static NUMBER: LazyLock<String> = LazyLock::new(|| number_of(&record()));

pub fn number_of(record: &Value) -> String {
    let year = &record["metadata"]["submitted_at"].as_str().unwrap()[..4];
    format!("pith:{year}:{}", digest(record).base32_26())
}

/// Puts `value` at a place such as `/signer/key_id`, whether or not something is there.
pub fn with(document: &Value, place: &str, value: impl Into<Value>) -> Value {
    let mut changed = document.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap() {
        Value::Object(members) => {
            members.insert(name.to_owned(), value.into());
        }
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.into(),
        other => panic!("{parent} of {other} holds nothing"),
    }
    changed
}

/// Takes away what is at a place.
pub fn without(document: &Value, place: &str) -> Value {
    let mut changed = document.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let gone = match changed.pointer_mut(parent).unwrap() {
        Value::Object(members) => members.remove(name),
        Value::Array(items) => Some(items.remove(name.parse().unwrap())),
        _ => None,
    };
    assert!(gone.is_some(), "nothing is at {place}");
    changed
}

/// A receipt of the record, issued at that time.
pub fn receipt(who: &Who, at: &str) -> Value {
    receipt_of(&RECORD_DIGEST, who, at)
}

pub fn receipt_of(record: &Digest, who: &Who, at: &str) -> Value {
    json!({"kind": "pith_receipt", "key_id": who.key_id, "algorithm": "ed25519", "signed_at": at,
        "signature_b64": who.sign(record), "signed_message": "canonical_sha256_bytes",
        "builder_version": BUILDER, "receipt_version": "0.3", "canonical_sha256": record.to_string(),
        "last_reissued_at": at, "signature_status": "signed_v1", "first_computed_at": at,
        "public_key_fingerprint": who.fingerprint()})
}

/// An event before it is sealed: about the record, on 1 June 2026.
pub fn draft(who: &Who, event_type: &str, target: &str, payload: Value) -> Value {
    json!({"event_type": event_type, "subject_pith_number": *NUMBER, "target": target, "payload": payload,
        "signer": who.signer(), "created_at": "2026-06-01T00:00:00Z", "supersedes": [], "prev_event": null,
        "signature": {"signature_status": "signed_v1", "algorithm": "ed25519", "key_id": who.key_id,
            "public_key_fingerprint": who.fingerprint(), "signature_b64": "",
            "signed_message": "open_graph_event_sha256_bytes", "signed_at": "2026-06-01T00:00:00.000000Z"},
        "content_sha256": "", "schema_version": "1.0", "event_id": ""})
}

/// The event with its hash and this signer's signature, whatever else it says.
pub fn sealed(event: &Value, who: &Who) -> Value {
    let content = content_digest(event);
    let event = with(event, "/content_sha256", content.to_string());
    let event = with(&event, "/event_id", format!("sha256:{content}"));
    with(&event, "/signature/signature_b64", who.sign(&content))
}

pub fn event(who: &Who, event_type: &str, target: &str, payload: Value) -> Value {
    sealed(&draft(who, event_type, target, payload), who)
}

/// The event, changed at one place and sealed anew.
pub fn resealed(event: &Value, place: &str, value: impl Into<Value>, who: &Who) -> Value {
    sealed(&with(event, place, value), who)
}

/// The event at another time.
pub fn dated(event: &Value, time: &str, who: &Who) -> Value {
    resealed(event, "/created_at", time, who)
}

pub const MICROS: &str = "2026-06-01T00:00:00.000000Z";

pub fn created_payload(who: &Who, at: &str) -> Value {
    json!({"canonical_record": record(), "canonical_sha256": RECORD_DIGEST.to_string(), "receipt": receipt(who, at),
        "source_kind": "arxiv", "source_id": "2402.00001", "source_version": 1,
        "attestation_state": "computed"})
}

/// The registry's event that creates the record.
pub fn created(who: &Who) -> Value {
    event(
        who,
        "record_created",
        "record",
        created_payload(who, MICROS),
    )
}

pub fn snapshot() -> Value {
    let metadata = &record()["metadata"];
    let empty = |count: &str| json!({count: 0, "snapshot_sha256": EMPTY_LIST});
    let mut author_claims = empty("count");
    author_claims["strong_count"] = json!(0);
    json!({"paper": {"title": TITLE, "license": metadata["license"], "headline": "",
            "cross_cats": metadata["cross_cats_sorted"], "primary_cat": metadata["primary_cat"],
            "authors_text": "Ada Placeholder", "submitted_at": metadata["submitted_at"],
            "abstract_excerpt": ABSTRACT},
        "claims": {"count": 0, "items": [], "snapshot_sha256": EMPTY_LIST},
        "source": record()["source"],
        "verdict": {"id": null, "model_set": {}, "created_at": null, "strongest_claim": "", "one_line_summary": "",
            "pipeline_version": null, "weakest_assumption": "", "pith_extraction_headline": ""},
        "references": {"count": 0, "sample": [], "resolved_work": 0, "snapshot_sha256": EMPTY_LIST,
            "internal_anchors": 0},
        "formal_canon": empty("evidence_count"), "author_claims": author_claims, "builder_version": BUILDER})
}

pub fn snapshot_payload() -> Value {
    json!({"graph_snapshot": snapshot(), "verdict_id": null})
}

/// The registry's event that shows the paper.
pub fn shown(who: &Who) -> Value {
    event(who, "graph_snapshot", "graph", snapshot_payload())
}

/// A payload of the form that the type asks for.
pub fn payload_of(event_type: &str) -> Value {
    let some_digest = "00000000000000000000000000000000000000000000000000000000000000a1";
    match event_type {
        "record_created" => created_payload(&ONE, MICROS),
        "graph_snapshot" => snapshot_payload(),
        "author_attestation" => json!({"claimant": "Ada Placeholder", "method": "orcid",
            "orcid": "0000-0002-1825-0097", "strength": "strong"}),
        "timestamp_anchor" => {
            json!({"canonical_sha256": RECORD_DIGEST.to_string(), "proof_type": "opentimestamps",
            "proof_b64": BASE64.encode(pending_proof(&RECORD_DIGEST)), "status": "pending",
            "calendar_url": CALENDAR, "block_height": null})
        }
        "storage_attestation" => {
            json!({"archive": "An archive", "url": "https://archive.invalid/copy/1",
            "captured_at": "2026-05-31T00:00:00Z", "content_sha256": some_digest})
        }
        "citation_signature" => json!({"relation": "extends",
            "cited_pith_number": "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2", "claim_ids": ["C1", "C2"]}),
        "replication_record" => json!({"kind": "formal_bridge", "artefact_sha256": some_digest,
            "artefact_url": "https://lab.invalid/proof", "formal_system": "lean", "claim_ids": ["C1"]}),
        "correction" => {
            json!({"corrected_event_id": null, "member": "paper.title", "replacement": "Another title",
            "reason": "A slip of the pen"})
        }
        "mirror_hint" => json!({"mirror_type": "https", "base_url": "https://mirror.invalid",
            "name": "A mirror"}),
        _ => json!({}),
    }
}

pub fn target_of(event_type: &str) -> &'static str {
    match event_type {
        "graph_snapshot" => "graph",
        _ => "record",
    }
}

/// A sound event of a type by somebody who may make it.
pub fn sample(event_type: &str) -> (Who, Value) {
    let who = match event_type {
        "record_created" | "graph_snapshot" => ONE,
        _ => ALICE,
    };
    let sample = event(
        &who,
        event_type,
        target_of(event_type),
        payload_of(event_type),
    );
    (who, sample)
}

pub const OTHERS: [&str; 7] = [
    "author_attestation",
    "timestamp_anchor",
    "storage_attestation",
    "citation_signature",
    "replication_record",
    "correction",
    "mirror_hint",
];

// Timestamps.

pub const CALENDAR: &str = "https://calendar.invalid";
pub const PROOF_HEAD: &[u8] =
    b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";
const PENDING: &[u8] = b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e";
const BITCOIN: &[u8] = b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01";

pub fn proof(digest: &Digest, steps: &[u8]) -> Vec<u8> {
    [PROOF_HEAD, digest.as_bytes(), steps].concat()
}

/// That a calendar has promised to stamp what is there.
pub fn promised(calendar: &str) -> Vec<u8> {
    let length = u8::try_from(calendar.len()).unwrap();
    [PENDING, &[length + 1, length], calendar.as_bytes()].concat()
}

/// That the block of this height, below 128, has what is there.
pub fn in_block(height: u8) -> Vec<u8> {
    [BITCOIN, &[1, height]].concat()
}

pub fn pending_proof(digest: &Digest) -> Vec<u8> {
    proof(digest, &promised(CALENDAR))
}

// Merges and bundles.

/// Candidates, and the keys under which they are merged.
pub fn merge_set(events: &[Value], keys: &[Value]) -> Value {
    json!({"subject": *NUMBER, "registry_id": REGISTRY_ID, "public_keys": keys, "source_aliases": [],
        "events": events})
}

pub fn merged(events: &[Value], keys: &[Value], aliases: &[Value]) -> Merged {
    let objects: Vec<PublicKeyObject> = keys.iter().map(read).collect();
    let table = KeyTable::of_published(&objects, REGISTRY_ID).unwrap();
    let texts: Vec<Vec<u8>> = events
        .iter()
        .map(|e| canonical::to_vec(e).unwrap())
        .collect();
    let nodes: Vec<Node> = texts
        .iter()
        .map(|text| canonical::read(text, Numbers::PythonFloats).unwrap())
        .collect();
    let candidates = nodes.into_iter().map(Candidate::read);
    merge(
        NUMBER.parse().unwrap(),
        candidates,
        aliases.iter().map(read),
        &table,
    )
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    canonical::from_slice(&canonical::to_vec(value).unwrap()).unwrap()
}

fn json_of<T: Serialize>(value: &T) -> Value {
    serde_json::from_slice(&canonical::to_vec(value).unwrap()).unwrap()
}

pub fn aliases_of(record: &Value, at: &str) -> Value {
    let (id, number) = (record["source"]["id"].as_str().unwrap(), number_of(record));
    let suffix = &number[10..];
    let version = &record["source"]["version"];
    let pairs = [
        ("arxiv", id.to_owned()),
        ("arxiv_version", format!("{id}v{version}")),
        ("doi", format!("10.48550/arxiv.{id}")),
        ("pith_short_12", suffix[..12].to_owned()),
        ("pith_short_16", suffix[..16].to_owned()),
        ("pith_short_8", suffix[..8].to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(kind, value)| json!({"alias_kind": kind, "alias_value": value, "created_at": at}))
        .collect()
}

fn links() -> Value {
    let suffix = &NUMBER[10..];
    let page = format!("{BASE}/pith/{suffix}");
    json!({"resolver": page, "bundle": format!("{page}/bundle.json"), "state": format!("{page}/state.json"),
        "well_known_bundle": format!("{BASE}/.well-known/pith/{suffix}/bundle.json")})
}

pub fn mirror(base: &str, name: &str, status: &str) -> Value {
    let suffix = &NUMBER[10..];
    json!({"mirror_type": "https", "name": name, "base_url": base,
        "bundle_url": format!("{base}/pith/{suffix}/bundle.json"),
        "state_url": format!("{base}/pith/{suffix}/state.json"),
        "well_known_bundle_url": format!("{base}/.well-known/pith/{suffix}/bundle.json"), "status": status})
}

/// A bundle of these events under these keys, the first of which is the registry's own, built on 2 June.
pub fn bundle(events: &[Value], keys: &[Value]) -> Value {
    let aliases = aliases_of(&record(), "2026-06-01T00:00:00Z");
    let merged = merged(events, keys, aliases.as_array().unwrap());
    let proofs = timestamp_proofs(&merged.events, &merged.state);
    let bundle = json!({"bundle_type": "pith_open_graph_bundle", "bundle_version": "1.0", "pith_number": *NUMBER,
        "short_pith_number": format!("pith:{}", &NUMBER[10..18]), "canonical_record": record(),
        "canonical_sha256": RECORD_DIGEST.to_string(), "source": record()["source"], "source_aliases": aliases,
        "events": json_of(&merged.events), "timestamp_proofs": json_of(&proofs),
        "mirror_hints": [mirror(BASE, "The registry", "primary")], "public_keys": keys,
        "merge_version": "pith-open-graph-merge-v1", "built_at": "2026-06-02T00:00:00Z", "links": links(),
        "state": json_of(&merged.state),
        "bundle_signature": {"signature_status": "signed_v1", "algorithm": "ed25519", "key_id": ONE.key_id,
            "public_key_fingerprint": ONE.fingerprint(), "signature_b64": "",
            "signed_message": "bundle_sha256_bytes", "signed_at": "2026-06-02T00:00:00.000000Z",
            "bundle_sha256": ""}});
    rebundled(&bundle, &ONE)
}

/// The bundle as a mint makes it.
pub fn minted() -> Value {
    bundle(&[created(&ONE), shown(&ONE)], &[ONE.object()])
}

/// The bundle with its state's hash, its own hash and this signer's signature, whatever else it says.
pub fn rebundled(bundle: &Value, who: &Who) -> Value {
    let state = digest_without(&bundle["state"], &["state_sha256"]);
    let bundle = with(bundle, "/state/state_sha256", state.to_string());
    signed_bundle(&bundle, who)
}

/// The same without another hash of the state.
pub fn signed_bundle(bundle: &Value, who: &Who) -> Value {
    let whole = digest_without(bundle, &["bundle_signature"]);
    let bundle = with(bundle, "/bundle_signature/bundle_sha256", whole.to_string());
    with(&bundle, "/bundle_signature/signature_b64", who.sign(&whole))
}

/// The bundle's text: as it is published if it can be read, else with sorted keys.
pub fn bundle_text(bundle: &Value) -> Vec<u8> {
    let text = canonical::to_vec(bundle).unwrap();
    Bundle::from_slice(&text).map_or(text, |bundle| bundle.to_wire())
}
