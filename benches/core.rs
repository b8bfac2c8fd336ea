//! What minting and verifying are made of, one by one, beside the bare signatures that they can't
//! do without. `docs/PERFORMANCE.md` has the figures.
//!
//! Input is the published bundle in `tests/vectors` and the papers in `templates/demo`.

use std::fs;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use pith::arxiv::{Paper, ReadOptions, kaggle};
use pith::bundle::{Bundle, BundleParts};
use pith::canonical::{self, Numbers, from_node};
use pith::digest::Digest;
use pith::event::{Draft, Event, RecordCreated};
use pith::home::{Home, Profile};
use pith::keys::{
    PrivateKey, PublicKey, PublicKeyObject, REGISTRY, Signer, SoftwareKey, TrustedKey, TrustedKeys,
};
use pith::ledger::Ledger;
use pith::mint::{Issuer, MintError, OnChange, SelfCheck, plan, record};
use pith::number::{PithNumber, aliases_at};
use pith::receipt::Receipt;
use pith::record::CanonicalRecord;
use pith::snapshot::GraphSnapshot;
use pith::state::{Candidate, KeyTable, merge};
use pith::time::TimestampMicros;
use pith::verify::{Policy, Trust, Verdict, verify_document};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// How many papers `pith mint` puts into one transaction.
const GROUP: usize = 256;

/// The published bundle, byte for byte.
fn published() -> Vec<u8> {
    fs::read("tests/vectors/bundle-1706.02379v3.json").expect("the vector is there")
}

/// The invented papers, as lines of the Kaggle snapshot.
fn lines() -> Vec<Vec<u8>> {
    let text = fs::read("templates/demo/papers.jsonl").expect("the papers are there");
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter(|l| !l.is_empty()).map(Vec::from).collect()
}

fn paper(line: &[u8]) -> Paper {
    kaggle::parse(line, ReadOptions::default()).expect("the papers are sound")
}

/// As many papers as are asked for: the invented ones again and again under new ids.
fn papers(count: usize) -> Vec<Paper> {
    let lines = lines();
    let with_id = |n: usize| {
        let line = String::from_utf8(lines[n % lines.len()].clone()).expect("JSON is UTF-8");
        let rest = line.split_once("\",").expect("the id comes first").1;
        paper(format!("{{\"id\":\"2401.{:05}\",{rest}", n + 1).as_bytes())
    };
    (0..count).map(with_id).collect()
}

fn now() -> TimestampMicros {
    TimestampMicros::from_unix_micros(1_779_064_244_000_000).expect("a time in 2026")
}

/// The same key in every run.
fn key() -> SoftwareKey {
    let private = PrivateKey::from_seed(&[7; 32]);
    let object = PublicKeyObject::of_registry(
        PublicKey::from(private.verifying_key()),
        "bench-2026-05".parse().expect("an id"),
        "https://registry.example",
    );
    SoftwareKey::new(private, object).expect("both halves are of one key")
}

mod canonical_json {
    use super::*;

    fn bundle() -> (Bundle, BytesCount) {
        let bytes = published();
        let bundle = Bundle::from_slice(&bytes).expect("it can be read");
        (bundle, BytesCount::new(bytes.len()))
    }

    #[divan::bench]
    fn write_bundle(bencher: Bencher) {
        let (bundle, count) = bundle();
        bencher
            .counter(count)
            .bench(|| canonical::to_vec(black_box(&bundle)));
    }

    #[divan::bench]
    fn digest_bundle(bencher: Bencher) {
        let (bundle, count) = bundle();
        bencher.counter(count).bench(|| black_box(&bundle).digest());
    }

    #[divan::bench]
    fn write_bundle_as_published(bencher: Bencher) {
        let (bundle, count) = bundle();
        bencher
            .counter(count)
            .bench(|| black_box(&bundle).to_wire());
    }

    #[divan::bench]
    fn read_to_tree(bencher: Bencher) {
        let bytes = published();
        bencher
            .counter(BytesCount::new(bytes.len()))
            .bench(|| canonical::read(black_box(&bytes), Numbers::PythonFloats).map(drop));
    }

    #[divan::bench]
    fn tree_to_bundle(bencher: Bencher) {
        let bytes = published();
        let node = canonical::read(&bytes, Numbers::PythonFloats).expect("it can be read");
        bencher
            .counter(BytesCount::new(bytes.len()))
            .with_inputs(|| node.clone())
            .bench_values(from_node::<Bundle>);
    }

    #[divan::bench]
    fn sha256_of_bundle(bencher: Bencher) {
        let bytes = published();
        bencher
            .counter(BytesCount::new(bytes.len()))
            .bench(|| Digest::of(black_box(&bytes)));
    }
}

mod record {
    use super::*;

    #[divan::bench]
    fn paper_of_kaggle_line(bencher: Bencher) {
        let lines = lines();
        bencher
            .counter(ItemsCount::new(lines.len()))
            .counter(BytesCount::new(lines.iter().map(Vec::len).sum::<usize>()))
            .bench(|| lines.iter().map(|line| paper(line)).collect::<Vec<_>>());
    }

    #[divan::bench]
    fn number_of_kaggle_line(bencher: Bencher) {
        let lines = lines();
        bencher
            .counter(ItemsCount::new(lines.len()))
            .counter(BytesCount::new(lines.iter().map(Vec::len).sum::<usize>()))
            .bench(|| {
                let number = |line: &Vec<u8>| {
                    let record = CanonicalRecord::of(&paper(line));
                    PithNumber::of(&record, &record.digest())
                };
                lines.iter().map(number).collect::<Vec<_>>()
            });
    }
}

mod signature {
    use super::*;

    const MESSAGE: [u8; 32] = [1; 32];

    fn bare() -> (SigningKey, VerifyingKey, Signature) {
        let key = SigningKey::from_bytes(&[7; 32]);
        (key.clone(), key.verifying_key(), key.sign(&MESSAGE))
    }

    /// The floor: nothing but Ed25519.
    #[divan::bench]
    fn bare_sign(bencher: Bencher) {
        let (key, ..) = bare();
        bencher
            .counter(ItemsCount::new(1_usize))
            .bench(|| key.sign(black_box(&MESSAGE)));
    }

    /// The floor: nothing but Ed25519, strict.
    #[divan::bench]
    fn bare_verify_strict(bencher: Bencher) {
        let (_, key, signature) = bare();
        bencher
            .counter(ItemsCount::new(1_usize))
            .bench(|| key.verify_strict(black_box(&MESSAGE), &signature));
    }

    /// The floor of a self-check in batches, each of the group's four signatures a paper.
    #[divan::bench]
    fn bare_verify_batch(bencher: Bencher) {
        let (_, key, signature) = bare();
        let messages = [MESSAGE.as_slice(); GROUP];
        let (signatures, keys) = ([signature; GROUP], [key; GROUP]);
        bencher
            .counter(ItemsCount::new(GROUP))
            .bench(|| ed25519_dalek::verify_batch(black_box(&messages), &signatures, &keys));
    }

    #[divan::bench]
    fn sign(bencher: Bencher) {
        let key = key();
        let digest = Digest::of(b"bench");
        bencher
            .counter(ItemsCount::new(1_usize))
            .bench(|| Signer::sign(&key, black_box(&digest)));
    }

    #[divan::bench]
    fn verify_strict(bencher: Bencher) {
        let key = key();
        let digest = Digest::of(b"bench");
        let signature = Signer::sign(&key, &digest).expect("it signs");
        bencher
            .counter(ItemsCount::new(1_usize))
            .bench(|| key.public().key.verifies(black_box(&digest), &signature));
    }
}

mod bundle {
    use super::*;

    /// Four strict signatures, and everything else.
    #[divan::bench]
    fn verify(bencher: Bencher) {
        let bytes = published();
        let mut trust = Trust::new();
        trust.add("the built-in keyset", TrustedKeys::built_in());
        let policy = Policy {
            trust: &trust,
            expect: None,
            at: None,
            now: now().seconds(),
        };
        let report = verify_document(&bytes, &policy);
        assert_eq!(report.verdict(), Verdict::Verified);
        bencher
            .counter(ItemsCount::new(1_usize))
            .counter(BytesCount::new(bytes.len()))
            .bench(|| verify_document(black_box(&bytes), &policy));
    }

    /// Four signatures and the bytes to publish, without any self-check.
    #[divan::bench]
    fn issue_and_seal(bencher: Bencher) {
        let registry = Registry::new();
        let key = key();
        let paper = paper(&lines()[0]);
        bencher
            .counter(ItemsCount::new(1_usize))
            .bench(|| issue_and_seal_one(&registry.home.profile, &key, black_box(&paper)));
    }
}

fn issue_and_seal_one(profile: &Profile, key: &SoftwareKey, paper: &Paper) -> Vec<u8> {
    let record = CanonicalRecord::of(paper);
    let digest = record.digest();
    let number = PithNumber::of(&record, &digest);
    let snapshot = GraphSnapshot::unreviewed(paper, &record, &profile.builder_version);
    let receipt = Receipt::issue(&record, &profile.builder_version, now(), key).expect("it signs");
    let created = RecordCreated::new(record.clone(), receipt);
    let sign = |draft: Draft| -> Event {
        let signed = draft.sign(&profile.registry_id, REGISTRY, now(), key);
        signed.expect("it signs")
    };
    let events = [
        sign(Draft::record_created(number, created)),
        sign(Draft::graph_snapshot(number, snapshot, now().seconds())),
    ];
    let aliases = aliases_at(&record, &number, now().seconds());
    let table = KeyTable::of_published([key.public()], &profile.registry_id).expect("one key");
    let candidates = events.into_iter().map(Candidate::from);
    let parts = BundleParts {
        record,
        merged: merge(number, candidates, aliases.iter().cloned(), &table),
        aliases,
        timestamp_proofs: Vec::new(),
        mirrors: &profile.mirrors,
        base_url: &profile.base_url,
        public_keys: vec![key.public().clone()],
        built_at: now().seconds(),
    };
    parts.sign(now(), key).expect("it signs").to_wire()
}

/// A registry home in a temporary folder.
struct Registry {
    home: Home,
    _folder: TempDir,
}

impl Registry {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = Home::init(
            folder.path(),
            "registry.example",
            "https://registry.example",
        );
        Registry {
            home: home.expect("a new home"),
            _folder: folder,
        }
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.home.ledger_path()).expect("its ledger")
    }
}

/// A group as `pith mint` issues it: signed, checked, and on disk in one transaction.
mod mint {
    use super::*;

    #[divan::bench(sample_count = 20, sample_size = 1)]
    fn group_of_256_with_bundles(bencher: Bencher) {
        group(bencher, true, SelfCheck::Batch);
    }

    #[divan::bench(sample_count = 20, sample_size = 1)]
    fn group_of_256_with_bundles_checked_strictly(bencher: Bencher) {
        group(bencher, true, SelfCheck::Strict);
    }

    #[divan::bench(sample_count = 20, sample_size = 1)]
    fn group_of_256_without_bundles(bencher: Bencher) {
        group(bencher, false, SelfCheck::Batch);
    }

    fn group(bencher: Bencher, bundles: bool, self_check: SelfCheck) {
        let papers = papers(GROUP);
        let key = key();
        bencher
            .counter(ItemsCount::new(GROUP))
            .with_inputs(|| {
                let registry = Registry::new();
                let ledger = registry.ledger();
                (registry, ledger)
            })
            .bench_refs(|(registry, ledger)| {
                let profile = &registry.home.profile;
                let signer_id = Some(profile.registry_id.clone());
                let entry = TrustedKey::of_registry(key.public().clone(), signer_id);
                let keyset = TrustedKeys::new(vec![entry]);
                let issuer = Issuer::new(profile, &key, &keyset, ledger, self_check);
                let issuer = issuer.expect("the ledger takes the key");
                let prepared = papers.iter().map(|paper| issuer.prepare(paper));
                let prepared = prepared.collect::<Result<_, _>>().expect("they are papers");
                let minted = ledger.group::<_, MintError>(|ledger| {
                    let items = plan(ledger, prepared, OnChange::Keep, bundles)?;
                    let group = issuer.carry_out(items, now(), bundles)?;
                    record(ledger, &group)?;
                    Ok(group)
                });
                minted.expect("they are minted")
            });
    }
}
