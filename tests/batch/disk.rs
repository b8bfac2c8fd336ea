//! Disks that are full or read-only, and readers that leave.
//!
//! Small file systems have to be mounted for that, which takes root. Where it cannot be done these
//! tests say on stderr that they did not run.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::batch::{Batch, Kind, Products, partial_of};
use crate::common::{Home, Ran, run};
use crate::corpus::Corpus;

const PAPERS: usize = 4000;

/// A file system in memory, gone with the value.
struct Disk {
    point: TempDir,
}

impl Disk {
    /// `None` where mounting is not possible, which is said aloud.
    fn new(test: &str) -> Option<Self> {
        let disk = Disk {
            point: TempDir::new().unwrap(),
        };
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(disk.path())
            .output();
        let why = match mounted {
            Ok(output) if output.status.success() => return Some(disk),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        // Straight to the file: what goes through `eprintln!` is shown for failures only.
        let _ = writeln!(
            io::stderr(),
            "NOT RUN: {test}: it needs to mount a file system, which takes root: {why}"
        );
        None
    }

    fn path(&self) -> &Path {
        self.point.path()
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let mut command = Command::new("mount");
        let done = command.args(["-o", &options]).arg(self.path()).status();
        assert!(done.unwrap().success(), "{options}");
    }

    /// Fills the disk up to `free` bytes.
    fn fill(&self, free: u64) {
        let _ = fs::remove_file(self.filler());
        let mut file = File::create(self.filler()).unwrap();
        let zeros = vec![0; 1 << 16];
        let error = loop {
            if let Err(error) = file.write_all(&zeros) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let length = file.metadata().unwrap().len();
        file.set_len(length - free).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: what is still open on it goes when it is closed.
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

fn undisturbed(corpus: &Corpus, kind: Kind) -> (Batch, Products) {
    let batch = Batch::new(Home::new(), &corpus.path, kind);
    batch.completes();
    let products = batch.products();
    (batch, products)
}

/// Asserts that a run ended for want of room, telling of `path`.
#[track_caller]
fn assert_full(ran: Ran, path: &Path) {
    let ran = ran.exits(5);
    let path = path.to_str().unwrap();
    let errors: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("pith: error: "))
        .collect();
    assert!(
        errors.iter().any(|line| line.contains(path)
            && (line.contains("No space left") || line.contains("no space left"))),
        "no error names {path}: {errors:?}"
    );
}

#[test]
fn a_ledger_on_a_full_disk() {
    let Some(disk) = Disk::new("a_ledger_on_a_full_disk") else {
        return;
    };
    let corpus = Corpus::mixed(PAPERS);
    for kind in [Kind::Ledger, Kind::Lines] {
        let (batch, expected) = undisturbed(&corpus, kind);
        let mut full = batch.twin_as(batch.home.twin_in(disk.path()));
        // Elsewhere there is room.
        let elsewhere = TempDir::new().unwrap();
        full.rejects = elsewhere.path().join("rejects.jsonl");
        full.out = full.out.map(|_| elsewhere.path().join("out.jsonl"));
        let mut records = 0;
        let mut half_way = false;
        for kilobytes in [0, 40, 150, 300, 600, 900] {
            disk.fill(kilobytes << 10);
            let ran = full.run();
            if ran.code != Some(3) {
                assert_full(ran, &full.home.dir());
            }
            // Readers may need room for SQLite's own files.
            disk.make_room();
            let now = full.assert_on_the_way_to(&expected);
            assert!(now >= records, "{records} records, then {now}");
            records = now;
            half_way |= records > 0 && (records as usize) < PAPERS / 2;
            full.assert_sound();
        }
        assert!(half_way, "it is to be full in the middle of a run");
        full.completes();
        full.products().assert_equal(&expected);
    }
}

#[test]
fn bundles_on_a_full_disk() {
    let Some(disk) = Disk::new("bundles_on_a_full_disk") else {
        return;
    };
    let corpus = Corpus::mixed(PAPERS);
    for kind in Kind::WITH_OUT {
        let (batch, expected) = undisturbed(&corpus, kind);
        let size: usize = expected.out.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut full = batch.twin();
        let name = kind.name().unwrap();
        full.out = Some(disk.path().join(name));
        let out = full.out.clone().unwrap();
        for part in [0, size / 3, size * 2 / 3] {
            disk.fill(part as u64);
            let ran = full.run();
            assert_full(ran, &out);
            assert!(!out.exists(), "{kind:?}");
            full.assert_on_the_way_to(&expected);
            disk.make_room();
        }
        full.assert_sound();
        full.completes();
        full.products().assert_equal(&expected);
    }
}

#[test]
fn rejects_on_a_full_disk() {
    let Some(disk) = Disk::new("rejects_on_a_full_disk") else {
        return;
    };
    let good = crate::common::papers(300);
    let bad: String = (0..3000).map(|n| format!("{{\"id\":\"{n}\"}}\n")).collect();
    let corpus = Corpus::file("papers.jsonl", format!("{good}{bad}{good}"));
    let (batch, expected) = undisturbed(&corpus, Kind::Lines);
    let mut full = batch.twin();
    full.rejects = disk.path().join("rejects.jsonl");
    disk.fill(expected.rejects.len() as u64 / 2);
    for _ in 0..2 {
        assert_full(full.run(), &full.rejects);
        assert!(!full.rejects.exists());
        full.assert_on_the_way_to(&expected);
    }
    full.assert_sound();
    disk.make_room();
    full.completes();
    full.products().assert_equal(&expected);
}

#[test]
fn a_read_only_folder_is_told_before_anything_is_minted() {
    let Some(disk) = Disk::new("a_read_only_folder_is_told_before_anything_is_minted") else {
        return;
    };
    let corpus = Corpus::plain(20);
    let home = Home::new();
    let twin = home.twin_in(disk.path());
    disk.remount("ro");
    let tells_of = |batch: &Batch, path: &Path| {
        let ran = batch.run().exits(5);
        let path = path.to_str().unwrap();
        assert!(ran.stderr.contains(path), "{}", ran.stderr);
        assert!(ran.stderr.contains("pith: error: "), "{}", ran.stderr);
    };
    let mut last = None;
    for kind in Kind::WITH_OUT {
        let mut batch = Batch::new(home.twin(), &corpus.path, kind);
        let out = disk.path().join(kind.name().unwrap());
        batch.out = Some(out.clone());
        tells_of(&batch, &out);
        assert_eq!(batch.records(), 0, "{kind:?}");
        last = Some(batch);
    }
    // A home that may not be written to.
    let mut batch = Batch::new(twin, &corpus.path, Kind::Ledger);
    let elsewhere = TempDir::new().unwrap();
    batch.rejects = elsewhere.path().join("rejects.jsonl");
    tells_of(&batch, &batch.home.dir());
    // Once it may be written to, the same commands complete.
    disk.remount("rw");
    last.unwrap().completes();
    assert_eq!(batch.completes().minted, 20);
}

#[test]
fn a_folder_that_becomes_read_only_in_the_middle() {
    let Some(disk) = Disk::new("a_folder_that_becomes_read_only_in_the_middle") else {
        return;
    };
    let corpus = Corpus::mixed(PAPERS);
    let (batch, expected) = undisturbed(&corpus, Kind::Folder);
    let mut stopped = batch.twin();
    stopped.out = Some(disk.path().join("out"));
    stopped.killed_at(300);
    let before = stopped.records();
    disk.remount("ro");
    let ran = stopped.run().exits(5);
    let path = partial_of(stopped.out.as_ref().unwrap());
    assert!(
        ran.stderr.contains(path.to_str().unwrap()),
        "{}",
        ran.stderr
    );
    assert_eq!(stopped.records(), before, "nothing more was minted");
    disk.remount("rw");
    stopped.completes();
    stopped.products().assert_equal(&expected);
}

/// `pith mint … --bundles - | head -1`: it ends without a word, and what was minted stays so.
#[test]
fn a_reader_that_leaves_is_no_error() {
    let corpus = Corpus::plain(PAPERS);
    let batch = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    batch.completes();
    let expected = batch.bundles();
    for bytes in [1, 20_000, 3_000_000] {
        let piped = batch.twin();
        let mut command = piped.command_to(Some(Path::new("-")), &piped.rejects);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut some = vec![0; bytes];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut some).unwrap();
        drop(stdout);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert!(expected.starts_with(&some));
        assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert!(ran.code.is_some(), "a signal ended it");
        let held = piped.records();
        let read = some.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert!(held >= read, "{read} read, {held} held");
        piped.assert_sound();
        // Whoever reads to the end gets all of it.
        let whole = run(&mut piped.command_to(Some(Path::new("-")), &piped.rejects)).exits(0);
        assert!(whole.stdout.starts_with(&expected));
        assert!(batch.dump() == piped.dump());
    }
}
