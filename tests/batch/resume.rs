//! Resuming where something has changed since the run was stopped.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::batch::{Batch, Kind, Summary, bundles_of, files_of, numbers, partial_of, stop};
use crate::common::{Home, paper, pith, run};
use crate::corpus::{Corpus, change_line, lines};

const PAPERS: usize = 3000;

/// Enough to be in the middle of it.
const MIDWAY: u64 = 200;

/// A home and what stands beside it, kept to be gone back to.
struct Moment {
    copy: TempDir,
}

impl Moment {
    fn of(batch: &Batch) -> Self {
        let copy = TempDir::new().unwrap();
        copy_all(batch.home.dir().parent().unwrap(), copy.path());
        Moment { copy }
    }

    fn restore(&self, batch: &Batch) {
        let dir = batch.home.dir();
        let folder = dir.parent().unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
        copy_all(self.copy.path(), folder);
    }
}

fn copy_all(from: &Path, to: &Path) {
    let from = from.join(".");
    let copied = Command::new("cp").arg("-a").args([&from, to]).status();
    assert!(copied.unwrap().success());
}

/// The files that grow as parts of `path.partial`, or it itself.
fn growing(path: &Path) -> Vec<std::path::PathBuf> {
    let partial = partial_of(path);
    match files_of(&partial) {
        files if partial.is_dir() => files.iter().map(|(name, _)| partial.join(name)).collect(),
        _ => vec![partial],
    }
}

#[test]
fn outputs_that_were_tampered_with_are_written_anew() {
    type Tamper = fn(&Path);
    let tampers: [(&str, Tamper); 5] = [
        ("changed in its middle", |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
            fs::write(file, bytes).unwrap();
        }),
        ("emptied", |file| fs::write(file, "").unwrap()),
        ("shortened", |file| {
            let length = fs::metadata(file).unwrap().len();
            let file = OpenOptions::new().write(true).open(file).unwrap();
            file.set_len(length * 3 / 5).unwrap();
        }),
        ("deleted", |file| fs::remove_file(file).unwrap()),
        ("lengthened", |file| {
            let mut file = OpenOptions::new().append(true).open(file).unwrap();
            file.write_all(&b"garbage\n".repeat(1000)).unwrap();
        }),
    ];
    let corpus = Corpus::mixed(PAPERS);
    for kind in Kind::WITH_OUT {
        let undisturbed = Batch::new(Home::new(), &corpus.path, kind);
        undisturbed.completes();
        let expected = undisturbed.products();
        let batch = undisturbed.twin();
        batch.killed_at(MIDWAY);
        let killed = Moment::of(&batch);
        for (what, tamper) in &tampers {
            killed.restore(&batch);
            let out = batch.out.as_deref().unwrap();
            for file in growing(out) {
                tamper(&file);
            }
            let rejects = partial_of(&batch.rejects);
            if rejects.exists() {
                tamper(&rejects);
            }
            eprintln!("{kind:?}, {what}");
            batch.completes();
            batch.products().assert_equal(&expected);
        }
        // The whole of it, too.
        killed.restore(&batch);
        let partial = partial_of(batch.out.as_deref().unwrap());
        if partial.is_dir() {
            fs::remove_dir_all(partial).unwrap();
            batch.completes();
            batch.products().assert_equal(&expected);
        }
        batch.assert_sound();
    }
}

/// What the manifest says of a shard is what was written, not what somebody made of it since.
#[test]
fn a_shard_that_was_changed_is_written_anew() {
    let corpus = Corpus::mixed(PAPERS);
    let undisturbed = Batch::new(Home::new(), &corpus.path, Kind::Folder);
    undisturbed.completes();
    let batch = undisturbed.twin();
    batch.killed_at(MIDWAY);
    let shard = partial_of(batch.out.as_deref().unwrap()).join("bundles-000000.jsonl.zst.partial");
    let mut bytes = fs::read(&shard).unwrap();
    bytes[1000] ^= 1;
    fs::write(&shard, bytes).unwrap();
    batch.completes();
    batch.products().assert_equal(&undisturbed.products());
}

/// A shard holds ten thousand bundles.
#[test]
fn a_complete_shard_that_was_changed_is_written_anew() {
    let corpus = Corpus::plain(11_000);
    let undisturbed = Batch::new(Home::new(), &corpus.path, Kind::Folder);
    undisturbed.completes();
    let expected = undisturbed.products();
    let batch = undisturbed.twin();
    let folder = partial_of(batch.out.as_deref().unwrap());
    let shard = folder.join("bundles-000000.jsonl.zst");
    let child = batch.start();
    let started = std::time::Instant::now();
    while !shard.exists() {
        assert!(started.elapsed().as_secs() < 120, "it hangs");
    }
    assert!(stop(child, Signal::KILL).killed());
    let killed = Moment::of(&batch);
    let manifest = folder.join("manifest.jsonl");
    type Change<'a> = &'a dyn Fn();
    let shortened = || {
        let file = OpenOptions::new().write(true).open(&shard).unwrap();
        file.set_len(1000).unwrap();
    };
    let named = || {
        // Where only the folder's own name was missing yet, all else has its name, and is as good.
        fs::rename(partial_of(&manifest), &manifest).unwrap();
    };
    let changes: [(&str, Change, bool); 2] = [
        ("shortened", &shortened, false),
        ("the manifest named already", &named, true),
    ];
    for (what, change, resumes) in changes {
        killed.restore(&batch);
        change();
        eprintln!("{what}");
        let ran = batch.run().exits(0);
        assert_eq!(Summary::of(&ran).resumed_after > 0, resumes, "{what}");
        batch.products().assert_equal(&expected);
    }
}

/// Hours of work are not lost by a slip of the hand.
#[test]
fn another_command_does_not_write_over_an_unfinished_output() {
    let corpus = Corpus::mixed(PAPERS);
    for kind in Kind::WITH_OUT {
        let undisturbed = Batch::new(Home::new(), &corpus.path, kind);
        undisturbed.completes();
        let mut batch = undisturbed.twin();
        batch.killed_at(MIDWAY);
        let partial = partial_of(batch.out.as_deref().unwrap());
        let grown = files_of(&partial);
        batch.options.extend(["--limit", "1"]);
        let ran = batch.run().exits(5);
        assert!(
            ran.stderr.contains("unfinished output of another command"),
            "{}",
            ran.stderr
        );
        assert!(files_of(&partial) == grown);
        // The first goes on as if nothing had been.
        batch.options.clear();
        assert!(batch.completes().resumed_after > 0);
        batch.products().assert_equal(&undisturbed.products());
        // Whoever means it says so.
        let meant = undisturbed.twin();
        meant.killed_at(MIDWAY);
        let meant = meant.with(&["--limit", "1", "--force"]);
        meant.completes();
        assert_eq!(numbers(&meant.bundles()).len(), 1);
    }
}

/// Without `--force` the complete output is compared, and what was begun in its place stays as it is.
#[test]
fn forgetting_to_force_loses_nothing() {
    let corpus = Corpus::mixed(PAPERS);
    let mut batch = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    batch.completes();
    let expected = batch.products();
    let out = batch.out.clone().unwrap();
    fs::write(&out, "something else\n").unwrap();
    batch.options.push("--force");
    let child = batch.start();
    let started = std::time::Instant::now();
    let partial = partial_of(&out);
    while fs::metadata(&partial).map_or(0, |partial| partial.len()) == 0 {
        assert!(started.elapsed().as_secs() < 60, "it hangs");
    }
    assert!(stop(child, Signal::KILL).killed());
    batch.options.clear();
    let grown = files_of(&partial);
    batch.run().exits(5);
    assert!(files_of(&partial) == grown);
    batch.options.push("--force");
    batch.completes();
    batch.products().assert_equal(&expected);
}

/// What `pith record` makes of the batch's input: the numbers, and the rejects.
fn recorded(batch: &Batch) -> (Vec<String>, Vec<u8>) {
    let rejects = batch.home.beside("recorded-rejects.jsonl");
    let mut command = pith(["record"]);
    command.args(&batch.inputs).arg("--rejects").arg(&rejects);
    let ran = run(&mut command);
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
    let recorded = (numbers(&ran.stdout), fs::read(&rejects).unwrap());
    fs::remove_file(rejects).unwrap();
    recorded
}

/// Asserts that OUT and the rejects are what the same command writes to other names now.
#[track_caller]
fn assert_as_written_anew(batch: &Batch) {
    let fresh = batch.home.beside("fresh.jsonl");
    let rejects = batch.home.beside("fresh-rejects.jsonl");
    let ran = run(&mut batch.command_to(Some(&fresh), &rejects));
    assert_eq!(Summary::of(&ran).minted, 0);
    assert!(bundles_of(&fresh) == batch.bundles(), "OUT");
    assert!(fs::read(rejects).unwrap() == fs::read(&batch.rejects).unwrap());
}

#[test]
fn an_input_that_changed_since_is_minted_as_it_is_now() {
    let corpus = Corpus::plain(PAPERS);
    let original = fs::read(&corpus.path).unwrap();
    let path = corpus.path.as_path();
    let changes: [(&str, &dyn Fn()); 6] = [
        ("a paper prepended", &|| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, paper(50_000) + "\n" + &text).unwrap();
        }),
        ("another paper in a line of the same length", &|| {
            change_line(path, 3, |_| paper(3).replace("2402.00003", "2402.60003"));
        }),
        ("a fault where a paper was", &|| {
            change_line(path, 7, |line| line.replace("\"title\"", "\"titel\""));
        }),
        ("a line removed", &|| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.split_once('\n').unwrap().1).unwrap();
        }),
        ("a later line changed", &|| {
            change_line(path, PAPERS - 5, |_| paper(70_000));
        }),
        ("papers appended", &|| {
            let mut file = OpenOptions::new().append(true).open(path).unwrap();
            writeln!(file, "{}\n{}", paper(80_001), paper(80_002)).unwrap();
        }),
    ];
    let batch = Batch::new(Home::new(), path, Kind::Lines);
    batch.killed_at(MIDWAY);
    let killed = Moment::of(&batch);
    for (what, change) in changes {
        killed.restore(&batch);
        fs::write(path, &original).unwrap();
        change();
        eprintln!("{what}");
        batch.completes();
        let (expected, rejects) = recorded(&batch);
        assert!(numbers(&batch.bundles()) == expected, "OUT after {what}");
        assert!(
            fs::read(&batch.rejects).unwrap() == rejects,
            "rejects after {what}"
        );
        assert_as_written_anew(&batch);
        batch.assert_sound();
    }
}

/// A folder is not the same input when a file has come into it or gone.
#[test]
fn a_folder_whose_files_changed_since_is_minted_as_it_is_now() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 3] = [
        ("a file before the others", |folder| {
            fs::write(folder.join("0-new.jsonl"), lines(5001, 5100)).unwrap();
        }),
        ("the first file gone", |folder| {
            fs::remove_file(folder.join("1-papers.jsonl")).unwrap();
        }),
        ("a file renamed to be the last", |folder| {
            let to = folder.join("4-papers.jsonl");
            fs::rename(folder.join("1-papers.jsonl"), to).unwrap();
        }),
    ];
    for (what, change) in changes {
        let corpus = Corpus::mixed(5000);
        let batch = Batch::new(Home::new(), &corpus.path, Kind::Lines);
        // In the last file, or on the way to it.
        batch.killed_at(2500);
        change(&corpus.path);
        eprintln!("{what}");
        let summary = batch.completes();
        let papers = summary.minted + summary.already_minted + summary.metadata_changed;
        assert_eq!(numbers(&batch.bundles()).len() as u64, papers);
        assert_eq!(fs::read(&batch.rejects).unwrap(), recorded(&batch).1);
        assert_as_written_anew(&batch);
        batch.assert_sound();
    }
}

/// Killed when all was written and not everything had its name.
#[test]
fn products_that_lack_only_their_names_get_them() {
    let corpus = Corpus::mixed(300);
    for kind in Kind::WITH_OUT {
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        batch.completes();
        let expected = batch.products();
        let (out, rejects) = (batch.out.as_deref().unwrap(), batch.rejects.as_path());
        for nameless in [&[out][..], &[rejects], &[out, rejects]] {
            for path in nameless {
                fs::rename(path, partial_of(path)).unwrap();
            }
            assert_eq!(batch.completes().minted, 0);
            batch.products().assert_equal(&expected);
        }
    }
}

#[test]
fn a_ledger_restored_from_an_older_backup_is_minted_into_again() {
    let corpus = Corpus::mixed(PAPERS);
    for kind in Kind::WITH_OUT {
        let undisturbed = Batch::new(Home::new(), &corpus.path, kind);
        undisturbed.completes();
        let expected = undisturbed.products();
        let batch = undisturbed.twin();
        batch.killed_at(1);
        let backup = batch.home.beside("backup.db");
        run(batch.home.pith(["ledger", "backup"]).arg(&backup)).exits(0);
        let older = batch.records();
        batch.killed_at(older + 200);
        let ledger = batch.home.dir().join("ledger.db");
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(batch.home.dir().join(format!("ledger.db{ending}")));
        }
        fs::copy(&backup, &ledger).unwrap();
        assert_eq!(batch.records(), older);
        batch.completes();
        batch.products().assert_equal(&expected);
        batch.assert_sound();
    }
}

/// One that was lost altogether is rebuilt from nothing: the bundles that grew are signed again.
#[test]
fn an_output_that_is_ahead_of_an_empty_ledger_is_begun_anew() {
    let corpus = Corpus::mixed(PAPERS);
    let undisturbed = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    undisturbed.completes();
    let killed = undisturbed.twin();
    killed.killed_at(MIDWAY);
    let batch = undisturbed.twin();
    for product in [killed.out.as_ref().unwrap(), &killed.rejects] {
        let partial = partial_of(product);
        if partial.exists() {
            let to = batch
                .home
                .beside(partial.file_name().unwrap().to_str().unwrap());
            fs::copy(&partial, to).unwrap();
        }
    }
    batch.completes();
    batch.products().assert_equal(&undisturbed.products());
}

#[test]
fn another_output_in_between_does_not_disturb_the_first() {
    let corpus = Corpus::mixed(PAPERS);
    let undisturbed = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    undisturbed.completes();
    let expected = undisturbed.products();
    let batch = undisturbed.twin();
    batch.killed_at(MIDWAY);
    let other = batch.home.beside("other.jsonl.zst");
    let rejects = batch.home.beside("other-rejects.jsonl");
    run(&mut batch.command_to(Some(&other), &rejects)).exits(3);
    assert!(bundles_of(&other) == expected.out[0].1);
    assert!(fs::read(rejects).unwrap() == expected.rejects);
    // And back.
    assert_eq!(batch.completes().minted, 0);
    batch.products().assert_equal(&expected);
}

#[test]
fn a_limited_run_is_resumed_to_its_limit() {
    let corpus = Corpus::mixed(PAPERS);
    for kind in [Kind::Lines, Kind::Folder] {
        let undisturbed = Batch::new(Home::new(), &corpus.path, kind).with(&["--limit", "2500"]);
        let summary = undisturbed.completes();
        let papers = summary.minted + summary.already_minted + summary.metadata_changed;
        assert_eq!(papers, 2500);
        let expected = undisturbed.products();
        let batch = undisturbed.twin();
        batch.killed_at(MIDWAY);
        batch.completes();
        batch.products().assert_equal(&expected);

        // Without the limit it is another command; what it would write is not what is there.
        let mut unlimited = batch;
        unlimited.options.clear();
        let ran = unlimited.run().exits(5);
        assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
        let out = unlimited.out.clone().unwrap();
        assert!(files_of(&out) == expected.out);
        unlimited.options.push("--force");
        unlimited.completes();
        let whole = Batch::new(undisturbed.home.twin(), &corpus.path, kind);
        whole.completes();
        unlimited.products().assert_equal(&whole.products());
    }
}

#[test]
fn a_run_that_stopped_at_a_fault_goes_on_once_it_is_mended() {
    let corpus = Corpus::plain(PAPERS);
    let sound = fs::read(&corpus.path).unwrap();
    for kind in Kind::WITH_OUT {
        fs::write(&corpus.path, &sound).unwrap();
        change_line(&corpus.path, 2500, |line| line.replace("title", "heading"));
        let batch = Batch::new(Home::new(), &corpus.path, kind).with(&["--on-error", "stop"]);
        batch.killed_at(MIDWAY);
        for _ in 0..2 {
            let ran = batch.run().exits(3);
            assert_eq!(Summary::of(&ran).rejected, 1);
            assert_eq!(batch.records(), 2499);
            let out = batch.out.as_ref().unwrap();
            assert!(!out.exists(), "what is not complete has no final name");
        }
        fs::write(&corpus.path, &sound).unwrap();
        // It named a fault that is no more.
        let _ = fs::remove_file(&batch.rejects);
        let done = batch.completes();
        assert_eq!((done.minted, done.already_minted), (501, 2499));
        let undisturbed = batch.twin();
        undisturbed.completes();
        batch.products().assert_equal(&undisturbed.products());
    }
}

/// Nothing is touched by then, and the reason is told as at any other time.
#[test]
fn a_signal_while_the_input_is_read_again_is_an_interrupt() {
    let corpus = Corpus::plain(PAPERS);
    let path = corpus.path.as_path();
    let undisturbed = Batch::new(Home::new(), path, Kind::Lines);
    undisturbed.completes();
    let batch = undisturbed.twin();
    batch.killed_at(MIDWAY);
    let records = batch.records();
    let grown = files_of(&partial_of(batch.out.as_deref().unwrap()));
    // A pipe keeps the run waiting on its way to the place.
    let input = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
    for signal in [Signal::TERM, Signal::INT] {
        let child = batch.start();
        let mut writer = OpenOptions::new().write(true).open(path).unwrap();
        writer.write_all(paper(1).as_bytes()).unwrap();
        let ended = stop(child, signal);
        let ran = ended.ran.exits(130);
        assert!(
            ran.stderr.contains("pith: note: interrupted"),
            "{}",
            ran.stderr
        );
        assert!(Summary::of(&ran).interrupted);
        assert_eq!(batch.records(), records);
        assert!(files_of(&partial_of(batch.out.as_deref().unwrap())) == grown);
    }
    fs::remove_file(path).unwrap();
    fs::write(path, input).unwrap();
    let resumed = batch.run().exits(0);
    assert!(
        resumed.stderr.contains("going on from there"),
        "{}",
        resumed.stderr
    );
    batch.products().assert_equal(&undisturbed.products());
}
