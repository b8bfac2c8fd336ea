//! A key, papers and mints that are the same in every run.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use pith::arxiv::{Metadata, Paper, ReadOptions, VersionEntry};
use pith::bundle::Bundle;
use pith::canonical;
use pith::digest::Digest;
use pith::event::{Draft, Event, Payload, RecordCreated};

use pith::keys::{
    KeyId, PublicKey, PublicKeyObject, REGISTRY, SignatureBytes, Signer, SignerError,
};
use pith::ledger::{BundleSeal, Finding, Issued, Ledger, LedgerError, NewRecord};
use pith::number::{PithNumber, aliases_at};
use pith::receipt::Receipt;
use pith::record::CanonicalRecord;
use pith::snapshot::GraphSnapshot;
use pith::time::TimestampMicros;

pub const BUILDER: &str = "pith-number-builder-2026-05-17-v1";

pub struct TestKey {
    key_id: KeyId,
    key: SigningKey,
    public: PublicKey,
}

impl TestKey {
    pub fn new(key_id: &str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        TestKey {
            key_id: key_id.parse().unwrap(),
            public: PublicKey::from(key.verifying_key()),
            key,
        }
    }

    pub fn registry() -> Self {
        TestKey::new("test-2026-05", 7)
    }

    pub fn object(&self) -> PublicKeyObject {
        PublicKeyObject::of_registry(self.public, self.key_id.clone(), "https://pith.test")
    }
}

impl Signer for TestKey {
    fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, digest: &Digest) -> Result<SignatureBytes, SignerError> {
        let signature = self.key.sign(digest.as_bytes());
        Ok(SignatureBytes::from_bytes(signature.to_bytes()))
    }
}

pub fn micros(text: &str) -> TimestampMicros {
    text.parse().unwrap()
}

pub fn now() -> TimestampMicros {
    micros("2026-05-18T00:30:44.452550Z")
}

/// The metadata of a small paper, to be changed where a test needs another.
pub fn metadata<'a>(id: &'a str, title: &'a str) -> Metadata<'a> {
    Metadata {
        id: Some(id),
        versions: vec![VersionEntry {
            version: "v1",
            date: Some("Thu, 2 Jan 2020 03:04:05 GMT"),
        }],
        title: Some(title),
        abstract_text: Some("An abstract"),
        authors: Some("B. Second, A. First"),
        categories: Some("math.GT hep-th"),
        license: Some("http://creativecommons.org/licenses/by/4.0/"),
    }
}

pub fn paper(id: &str, title: &str) -> Paper {
    Paper::new(&metadata(id, title), ReadOptions::default()).unwrap()
}

/// What a mint issues for `paper`, without a bundle.
pub fn mint_at(paper: &Paper, now: TimestampMicros) -> NewRecord {
    let key = TestKey::registry();
    let record = CanonicalRecord::of(paper);
    let digest = record.digest();
    let number = PithNumber::of(&record, &digest);
    let receipt = Receipt::issue(&record, BUILDER, now, &key).unwrap();
    let snapshot = GraphSnapshot::unreviewed(paper, &record, BUILDER);
    let events = [
        Draft::record_created(number, RecordCreated::new(record.clone(), receipt)),
        Draft::graph_snapshot(number, snapshot, now.seconds()),
    ];
    NewRecord {
        aliases: aliases_at(&record, &number, now.seconds()),
        events: events
            .into_iter()
            .map(|draft| draft.sign("pith.test", REGISTRY, now, &key).unwrap())
            .collect(),
        number,
        record,
        seal: None,
    }
}

pub fn mint(paper: &Paper) -> NewRecord {
    mint_at(paper, now())
}

/// A sealed mint of a paper with this id and title.
pub fn minted(id: &str, title: &str) -> NewRecord {
    NewRecord {
        seal: Some(seal()),
        ..mint(&paper(id, title))
    }
}

pub fn seal() -> BundleSeal {
    let key = TestKey::registry();
    BundleSeal {
        built_at: now().seconds(),
        key_id: key.key_id.clone(),
        public_key_fingerprint: key.fingerprint(),
        signature_b64: key.sign(&Digest::of(b"a bundle")).unwrap(),
        signed_at: now(),
    }
}

/// A third party's event about a record.
pub fn replication(new: &NewRecord, text: &str) -> Event {
    let draft = Draft {
        event_type: "replication_record".to_owned(),
        subject: new.number,
        target: "record".to_owned(),
        payload: Payload::Open(
            canonical::from_slice(
                format!(
                    r#"{{"artefact_sha256":"{}","artefact_url":null,"claim_ids":[],"formal_system":null,"kind":"replication","note":"{text}"}}"#,
                    Digest::of(text.as_bytes())
                )
                .as_bytes(),
            )
            .unwrap(),
        ),
        created_at: now().seconds(),
        supersedes: Vec::new(),
        prev_event: None,
    };
    draft
        .sign("orcid.test", "researcher", now(), &TestKey::new("other", 8))
        .unwrap()
}

/// What `new` must come back as, with this sequence number.
pub fn issued(new: &NewRecord, seq: u64) -> Issued {
    Issued {
        record: new.record.clone(),
        number: new.number,
        aliases: new.aliases.clone(),
        events: (seq..).zip(new.events.iter().cloned()).collect(),
        bundle: new.seal.clone(),
    }
}

pub fn published() -> Bundle {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/bundle-1706.02379v3.json"
    );
    Bundle::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A ledger in a folder that goes when this does.
pub struct Scratch {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
    pub ledger: Ledger,
}

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::create(&path).unwrap();
        ledger.put_key(&TestKey::registry().object()).unwrap();
        Scratch {
            folder,
            path,
            ledger,
        }
    }

    pub fn with(new: &[NewRecord]) -> Self {
        let mut scratch = Scratch::new();
        scratch.insert(new);
        scratch
    }

    pub fn insert(&mut self, new: &[NewRecord]) -> Vec<u64> {
        self.ledger
            .group(|tx| new.iter().map(|new| tx.insert(new)).collect())
            .unwrap_or_else(|error: LedgerError| panic!("{error}"))
    }

    /// Another program's hands in the file.
    pub fn sql(&self, sql: &str) {
        sql_on(&self.path, sql);
    }

    pub fn query(&self, sql: &str) -> i64 {
        let conn = rusqlite::Connection::open(&self.path).unwrap();
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let jobs = NonZeroUsize::new(2).unwrap();
        let checked = self
            .ledger
            .check(
                jobs,
                &|_| true,
                &mut |finding| findings.push(finding),
                &mut |_| {},
            )
            .unwrap();
        assert_eq!(checked.findings, findings.len() as u64);
        findings
    }
}

pub fn sql_on(path: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(sql).unwrap();
}
