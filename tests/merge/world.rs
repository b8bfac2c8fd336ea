//! A record, signers and their keys, and events about the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use pith::bundle::{Bundle, BundleParts, timestamp_proofs};
use pith::canonical::{self, Json};
use pith::digest::Digest;
use pith::event::{Draft, Event, EventId, Payload, RecordCreated, SnapshotPayload};
use pith::keys::{
    ForeignSigner, KeyId, PrivateKey, PublicKey, PublicKeyObject, REGISTRY, SignatureBytes, Signer,
    SignerError, TrustedKey, TrustedKeys,
};
use pith::number::PithNumber;
use pith::receipt::Receipt;
use pith::record::CanonicalRecord;
use pith::snapshot::{GraphSnapshot, PaperText};
use pith::state::{Candidate, KeyTable, Merged, TableKey, merge};
use pith::time::{Timestamp, TimestampMicros};
use pith::verify::Trust;

pub const REGISTRY_ID: &str = "registry.invalid";
const BASE_URL: &str = "https://registry.invalid";

/// Of a paper called "On invented papers" without an abstract.
const RECORD: &str = r#"{"source":{"id":"2402.00001","kind":"arxiv","version":1},"metadata":{"license":"","primary_cat":"math.GT","submitted_at":"2024-02-01T12:00:00Z","cross_cats_sorted":[],"title_canon_sha256":"635ce8882e4a5d46e65009061f9b9d40a6652bfd1d05461aa59c258b7923f032","abstract_canon_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"schema_version":"1.0"}"#;

/// Somebody with a key.
pub struct Somebody {
    pub signer_id: &'static str,
    pub signer_type: &'static str,
    key_id: KeyId,
    private: PrivateKey,
    public: PublicKey,
}

impl Somebody {
    fn new(seed: u8, key_id: &str, signer_id: &'static str, signer_type: &'static str) -> Self {
        let private = PrivateKey::from_seed(&[seed; 32]);
        Somebody {
            signer_id,
            signer_type,
            key_id: key_id.parse().unwrap(),
            public: PublicKey::from(private.verifying_key()),
            private,
        }
    }

    /// The key as a bundle carries it.
    pub fn published(&self) -> PublicKeyObject {
        let mut object = PublicKeyObject::of_registry(self.public, self.key_id.clone(), BASE_URL);
        if self.signer_type != REGISTRY {
            object.signer = Some(ForeignSigner::new(self.signer_id, self.signer_type).unwrap());
        }
        object
    }

    pub fn entry(&self) -> TableKey {
        TableKey {
            key: self.public,
            key_id: self.key_id.clone(),
            signer_id: self.signer_id.to_owned(),
            signer_type: self.signer_type.to_owned(),
        }
    }
}

impl Signer for Somebody {
    fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, digest: &Digest) -> Result<SignatureBytes, SignerError> {
        let signature = self.private.sign(digest.as_bytes());
        Ok(SignatureBytes::from_bytes(signature))
    }
}

/// Everybody there is; all but the stranger are in the key table.
pub struct World {
    pub registry: Somebody,
    /// The same registry under its next key.
    pub registry_again: Somebody,
    pub alice: Somebody,
    pub bob: Somebody,
    pub stranger: Somebody,
    pub keys: KeyTable,
    pub record: CanonicalRecord,
    pub number: PithNumber,
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let registry = Somebody::new(1, "registry-1", REGISTRY_ID, "pith_registry");
    let registry_again = Somebody::new(2, "registry-2", REGISTRY_ID, "pith_registry");
    let alice = Somebody::new(3, "alice-1", "orcid:alice", "author");
    let bob = Somebody::new(4, "bob-1", "orcid:bob", "author");
    let stranger = Somebody::new(5, "stranger-1", "orcid:stranger", "author");
    let keys = [&registry, &registry_again, &alice, &bob].map(Somebody::entry);
    let record: CanonicalRecord = canonical::from_slice(RECORD.as_bytes()).unwrap();
    World {
        number: PithNumber::of(&record, &record.digest()),
        keys: KeyTable::new(keys).unwrap(),
        registry,
        registry_again,
        alice,
        bob,
        stranger,
        record,
    }
});

pub fn seconds(n: u8) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + i64::from(n)).unwrap()
}

pub fn micros(n: u8) -> TimestampMicros {
    TimestampMicros::from(seconds(n))
}

/// An event about [`World::record`] by `who`, which the functions below change before it is signed.
pub struct Making {
    pub draft: Draft,
    pub who: &'static Somebody,
    pub signed_at: u8,
}

impl Making {
    /// At another time, and so is the receipt of a record_created.
    pub fn at(mut self, time: u8) -> Self {
        self.draft.created_at = seconds(time);
        if let Payload::RecordCreated(payload) = &mut self.draft.payload {
            let builder = payload.receipt.builder_version.clone();
            payload.receipt =
                Receipt::issue(&WORLD.record, &builder, micros(time), self.who).unwrap();
        }
        self
    }

    pub fn after(mut self, prev: &Event) -> Self {
        self.draft.prev_event = Some(prev.event_id);
        self
    }

    pub fn superseding<'a>(mut self, old: impl IntoIterator<Item = &'a Event>) -> Self {
        let ids = old.into_iter().map(|event| event.event_id);
        self.draft.supersedes.extend(ids);
        self
    }

    pub fn on(mut self, target: &str) -> Self {
        self.draft.target = target.to_owned();
        self
    }

    pub fn sign(self) -> Event {
        let (id, kind) = (self.who.signer_id, self.who.signer_type);
        let at = micros(self.signed_at);
        self.draft.sign(id, kind, at, self.who).unwrap()
    }
}

fn making(who: &'static Somebody, event_type: &str, target: &str, payload: Payload) -> Making {
    Making {
        draft: Draft {
            event_type: event_type.to_owned(),
            subject: WORLD.number,
            target: target.to_owned(),
            payload,
            created_at: seconds(0),
            supersedes: Vec::new(),
            prev_event: None,
        },
        who,
        signed_at: 0,
    }
}

/// A receipt of the world's record; `tag` makes it another one.
pub fn receipt(who: &Somebody, tag: u8) -> Receipt {
    Receipt::issue(&WORLD.record, &format!("b{tag}"), micros(0), who).unwrap()
}

pub fn created(who: &'static Somebody, tag: u8) -> Making {
    let payload = RecordCreated::new(WORLD.record.clone(), receipt(who, tag));
    let payload = Payload::RecordCreated(Box::new(payload));
    making(who, "record_created", "record", payload)
}

pub fn snapshot(who: &'static Somebody, tag: u8) -> Making {
    let text = PaperText {
        title: "On invented papers".to_owned(),
        authors_text: String::new(),
        abstract_excerpt: String::new(),
    };
    let builder = format!("b{tag}");
    let payload = Payload::GraphSnapshot(Box::new(SnapshotPayload {
        graph_snapshot: GraphSnapshot::from_parts(text, &WORLD.record, &builder),
        verdict_id: None,
    }));
    making(who, "graph_snapshot", "graph", payload)
}

/// An event of a type that anybody may sign; `tag` makes it another one.
pub fn said(who: &'static Somebody, event_type: &str, target: &str, tag: u8) -> Making {
    let mut payload = payload_of(event_type);
    payload.insert("tag".to_owned(), Json::Int(tag.into()));
    making(
        who,
        event_type,
        target,
        Payload::Open(Json::Object(payload)),
    )
}

/// A payload of the form that the type asks for.
pub fn payload_of(event_type: &str) -> BTreeMap<String, Json> {
    let digest = WORLD.record.digest();
    let text = match event_type {
        "author_attestation" => r#"{"claimant":"A. Placeholder","method":"self","orcid":null,"strength":"weak"}"#.to_owned(),
        "timestamp_anchor" => format!(
            r#"{{"block_height":null,"calendar_url":"https://c","canonical_sha256":"{digest}","proof_b64":"{}","proof_type":"opentimestamps","status":"pending"}}"#,
            pending_proof(&digest)
        ),
        "storage_attestation" => format!(
            r#"{{"archive":"An archive","captured_at":"2026-01-01T00:00:00Z","content_sha256":"{digest}","url":"https://archive.invalid/1"}}"#
        ),
        "citation_signature" => r#"{"cited_pith_number":"pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2","claim_ids":["C1"],"relation":"extends"}"#.to_owned(),
        "replication_record" => format!(
            r#"{{"artefact_sha256":"{digest}","artefact_url":null,"claim_ids":[],"formal_system":"lean","kind":"formal_bridge"}}"#
        ),
        "correction" => r#"{"corrected_event_id":null,"member":"paper.title","reason":"A slip","replacement":"Another"}"#.to_owned(),
        "mirror_hint" => r#"{"base_url":"https://mirror.invalid","mirror_type":"https","name":"A mirror"}"#.to_owned(),
        _ => "{}".to_owned(),
    };
    match canonical::from_slice(text.as_bytes()).unwrap() {
        Json::Object(members) => members,
        other => panic!("a payload is an object, not {}", other.kind()),
    }
}

/// A proof that a calendar has promised to stamp `digest`.
fn pending_proof(digest: &Digest) -> String {
    let mut proof =
        b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08".to_vec();
    proof.extend(digest.as_bytes());
    proof.extend(b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x0a\x09https://c");
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, proof)
}

pub fn attested(who: &'static Somebody, tag: u8) -> Making {
    said(who, "author_attestation", "record", tag)
}

/// The merge of `events` under the world's keys.
pub fn merged<'a>(events: impl IntoIterator<Item = &'a Event>) -> Merged {
    let candidates = events.into_iter().cloned().map(Candidate::from);
    merge_candidates(candidates)
}

pub fn merge_candidates(candidates: impl IntoIterator<Item = Candidate<'static>>) -> Merged {
    merge(WORLD.number, candidates, [], &WORLD.keys)
}

/// The bundle of the valid ones among `events`, signed by the registry when all has happened.
pub fn bundle<'a>(events: impl IntoIterator<Item = &'a Event>) -> Bundle {
    let world = &*WORLD;
    let valid = merged(events).events;
    let merged = merged(&valid);
    let used: BTreeSet<KeyId> = merged
        .events
        .iter()
        .flat_map(|event| {
            let receipt = match &event.payload {
                Payload::RecordCreated(payload) => Some(payload.receipt.key_id.clone()),
                _ => None,
            };
            receipt.into_iter().chain([event.signer.key_id.clone()])
        })
        .collect();
    let own = &world.registry;
    let others = [&world.alice, &world.bob, &world.registry_again];
    let mut public_keys = vec![own.published()];
    public_keys.extend(
        used.iter()
            .filter_map(|id| others.iter().find(|other| other.key_id == *id))
            .map(|other| other.published()),
    );
    let parts = BundleParts {
        record: world.record.clone(),
        aliases: merged.state.current.source_aliases.clone(),
        timestamp_proofs: timestamp_proofs(&merged.events, &merged.state),
        merged,
        mirrors: &[],
        base_url: BASE_URL,
        public_keys,
        built_at: seconds(250),
    };
    parts.sign(micros(250), own).unwrap()
}

/// Who trusts the registry under both of its keys, and nobody else.
pub fn trust() -> Trust {
    let keys = [&WORLD.registry, &WORLD.registry_again].map(|somebody| {
        TrustedKey::of_registry(somebody.published(), Some(REGISTRY_ID.to_owned()))
    });
    let mut trust = Trust::new();
    trust.add("the world", TrustedKeys::new(keys.into()));
    trust
}

pub fn ids<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<EventId> {
    events.into_iter().map(|event| event.event_id).collect()
}

pub fn sorted_ids<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<EventId> {
    let mut ids = ids(events);
    ids.sort();
    ids
}
