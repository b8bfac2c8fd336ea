//! The same papers, keys and time give the same bytes, however they come and go.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::batch::{Batch, Kind, Summary, bundles_of, files_of, numbers};
use crate::common::{Home, run};
use crate::corpus::{Corpus, gzip, lines};

const PAPERS: usize = 700;

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let corpus = Corpus::mixed(PAPERS);
    for kind in Kind::ALL {
        let one = Batch::new(Home::new(), &corpus.path, kind).with(&["--jobs", "1"]);
        one.completes();
        let expected = one.products();
        for jobs in ["2", "5"] {
            let mut batch = one.twin();
            batch.options = vec!["--jobs", jobs];
            batch.completes();
            batch.products().assert_equal(&expected);
        }
    }
}

/// What is said of each reject, without where it stands.
fn complaints(rejects: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(rejects).unwrap();
    let complaint = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let line = line.as_object_mut().unwrap();
        let (input, number) = (line.remove("input"), line.remove("line"));
        assert!(input.is_some() && number.is_some());
        Value::Object(line.clone())
    };
    text.lines().map(complaint).collect()
}

#[test]
fn the_way_that_papers_come_in_does_not_matter() {
    let text = lines(1, PAPERS);
    let corpus = Corpus::file("all.jsonl", &text);
    let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    let write = |name: &str, bytes: &[u8]| {
        let path = corpus.beside(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let (first, second) = text.as_bytes().split_at(half);
    let parts = [write("1.jsonl", first), write("2.jsonl.gz", &gzip(second))];
    let joined = [gzip(first), gzip(second)].concat();
    let ways: [(&str, Vec<PathBuf>); 4] = [
        ("two files", parts.to_vec()),
        ("compressed", vec![write("all.gz", &gzip(text.as_bytes()))]),
        ("two compressed streams", vec![write("joined.gz", &joined)]),
        ("standard input", vec!["-".into()]),
    ];
    let file = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    let summary = file.completes();
    let expected = file.products();
    for (way, inputs) in ways {
        let mut batch = file.twin();
        batch.inputs = inputs;
        let mut command = batch.command();
        command.stdin(File::open(&corpus.path).unwrap());
        let ran = run(&mut command).exits(3);
        let found = batch.products();
        assert_eq!(Summary::of(&ran), summary, "{way}");
        assert!(found.out == expected.out, "{way}");
        assert!(found.dump == expected.dump, "{way}");
        assert_eq!(
            complaints(&found.rejects),
            complaints(&expected.rejects),
            "{way}"
        );
    }
}

#[test]
fn every_kind_of_output_holds_the_same_bundles() {
    let corpus = Corpus::mixed(PAPERS);
    let batch = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    let summary = batch.completes();
    let bundles = batch.bundles();
    // Each paper that went through has its bundle, in the order of the input.
    let papers = summary.minted + summary.already_minted + summary.metadata_changed;
    assert_eq!(numbers(&bundles).len() as u64, papers);
    for kind in Kind::WITH_OUT {
        let twin = Batch::new(batch.home.twin(), &corpus.path, kind);
        twin.completes();
        assert!(twin.bundles() == bundles, "{kind:?}");
        // The same again, from a ledger that was filled before and for another output.
        let later = batch
            .home
            .beside(&format!("later-{}", kind.name().unwrap()));
        let rejects = batch.home.beside("later-rejects.jsonl");
        run(&mut batch.command_to(Some(&later), &rejects)).exits(3);
        assert!(bundles_of(&later) == bundles, "{kind:?}");
        assert!(files_of(&later) == files_of(twin.out.as_ref().unwrap()));
        let verified = run(batch.home.pith(["verify"]).arg(&later)).exits(0);
        let text = verified.text();
        let count = format!("{papers} documents: {papers} verified, 0 untrusted, 0 failed");
        assert_eq!(text.lines().last(), Some(&count[..]));
    }
    // Without an output the ledger holds the same records.
    let ledger = Batch::new(batch.home.twin(), &corpus.path, Kind::Ledger);
    ledger.completes();
    assert_eq!(numbers(&ledger.dump()), numbers(&batch.dump()));
}

/// Asserts that `manifest.jsonl` says of each shard of a folder what is in it; returns how many
/// bundles each holds.
#[track_caller]
pub fn assert_manifest(folder: &Path) -> Vec<usize> {
    let files = files_of(folder);
    let (manifest, shards) = files.split_last().unwrap();
    assert_eq!(manifest.0, "manifest.jsonl");
    let lines = std::str::from_utf8(&manifest.1).unwrap().lines();
    let lines: Vec<Value> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), shards.len(), "a line a shard");
    let judge = |(place, ((name, shard), line)): (usize, (&(String, Vec<u8>), &Value))| {
        assert_eq!(*name, format!("bundles-{place:06}.jsonl.zst"));
        assert_eq!(line.as_object().unwrap().len(), 6, "{line}");
        let bundles = zstd::decode_all(&shard[..]).unwrap();
        let bundles: Vec<&str> = std::str::from_utf8(&bundles).unwrap().lines().collect();
        assert_eq!(line["shard"], *name);
        assert_eq!(line["count"], bundles.len());
        assert_eq!(line["bytes"], shard.len());
        let digest = line["sha256"].as_str().unwrap();
        assert!(digest.ends_with(&hex::encode(Sha256::digest(shard))));
        for (member, bundle) in [("first", bundles[0]), ("last", bundles[bundles.len() - 1])] {
            let value = line[member].as_str().unwrap();
            assert!(!value.is_empty() && bundle.contains(value), "{member}");
        }
        bundles.len()
    };
    shards.iter().zip(&lines).enumerate().map(judge).collect()
}

#[test]
fn a_folder_has_a_manifest() {
    let corpus = Corpus::mixed(PAPERS);
    let batch = Batch::new(Home::new(), &corpus.path, Kind::Folder);
    let summary = batch.completes();
    let papers = summary.minted + summary.already_minted + summary.metadata_changed;
    let counts = assert_manifest(batch.out.as_ref().unwrap());
    assert_eq!(counts, [papers as usize]);
}

/// Name, bytes, time of change and identity of each file.
fn state(paths: &[&Path]) -> Vec<(PathBuf, u64, i64, i64, u64)> {
    let mut files = Vec::new();
    for path in paths {
        files.push(path.to_path_buf());
        if path.is_dir() {
            files.extend(files_of(path).iter().map(|(name, _)| path.join(name)));
        }
    }
    let of = |path: PathBuf| {
        let found = fs::metadata(&path).unwrap();
        let (length, inode) = (found.len(), found.ino());
        (path, length, found.mtime(), found.mtime_nsec(), inode)
    };
    files.into_iter().map(of).collect()
}

#[test]
fn running_again_does_nothing() {
    let corpus = Corpus::mixed(PAPERS);
    for kind in Kind::ALL {
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        let first = batch.completes();
        let products = batch.products();
        let mut paths = vec![batch.rejects.as_path()];
        paths.extend(batch.out.as_deref());
        let before = state(&paths);
        let again = batch.completes();
        assert_eq!(again.minted, 0);
        assert_eq!(again.already_minted, first.minted + first.already_minted);
        assert_eq!(again.metadata_changed, first.metadata_changed);
        assert_eq!(again.deleted, first.deleted);
        assert_eq!(again.rejected, first.rejected);
        assert_eq!(state(&paths), before, "{kind:?}");
        batch.products().assert_equal(&products);
    }
}

/// Another file of that name is nobody's output: it stays as it is, and so does the ledger.
#[test]
fn another_output_of_that_name_stays() {
    let corpus = Corpus::plain(20);
    for kind in Kind::WITH_OUT {
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        batch.completes();
        let out = batch.out.as_ref().unwrap();
        let file = match kind {
            Kind::Folder => out.join("bundles-000000.jsonl.zst"),
            _ => out.clone(),
        };
        let mut changed = fs::read(&file).unwrap();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&file, &changed).unwrap();
        let dump = batch.dump();
        let ran = batch.run().exits(5);
        assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
        assert!(fs::read(&file).unwrap() == changed, "{kind:?}");
        assert!(batch.dump() == dump);
    }
}
