//! Runs that write nothing where they must not.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::batch::{Batch, Kind, Summary, files_of, partial_of};
use crate::common::{Home, Ran, papers, run};
use crate::corpus::Corpus;

#[test]
fn a_dry_run_writes_nothing() {
    let corpus = Corpus::mixed(100);
    for kind in Kind::ALL {
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        let preview = batch.twin().with(&["--dry-run"]);
        let ran = preview.run().exits(3);
        let expected = batch.completes();
        let told = Summary::of(&ran);
        assert_eq!(
            (told.minted, told.rejected),
            (expected.minted, expected.rejected)
        );
        assert!(ran.stderr.contains("pith: rejected: "), "{}", ran.stderr);
        assert!(!preview.rejects.exists());
        assert!(preview.out.as_ref().is_none_or(|out| !out.exists()));
        assert_eq!(preview.partials(), [""; 0]);
        assert_eq!(preview.records(), 0);

        // What is there stays as it is.
        fs::write(&preview.rejects, "kept").unwrap();
        preview.run().exits(3);
        assert_eq!(fs::read(&preview.rejects).unwrap(), b"kept");
    }
}

/// It would be read as an input by the next run, or by this one.
#[test]
fn no_output_lies_in_a_folder_of_the_input() {
    let corpus = Corpus::mixed(20);
    let before = files_of(&corpus.path);
    let batch = Batch::new(Home::new(), &corpus.path, Kind::Lines);
    let outside = batch.home.beside("rejects.jsonl");
    for name in ["out.jsonl", "out.jsonl.zst", "out"] {
        let inside = corpus.path.join(name);
        for (out, rejects) in [(Some(&inside), &outside), (None, &inside)] {
            let mut command = batch.command_to(out.map(|out| out.as_path()), rejects);
            let ran = run(&mut command).exits(2);
            let says = format!("pith: error: {} lies in a folder", inside.display());
            assert!(ran.stderr.contains(&says), "{}", ran.stderr);
        }
    }
    assert!(files_of(&corpus.path) == before);
    assert_eq!(batch.records(), 0);
}

/// What grows is written over, under its own name too.
#[test]
fn no_input_has_the_name_under_which_an_output_grows() {
    for kind in Kind::WITH_OUT {
        let batch = Batch::new(Home::new(), &Corpus::plain(0).path, kind);
        let out = batch.out.as_ref().unwrap();
        for product in [out, &batch.rejects] {
            let input = partial_of(product);
            fs::write(&input, papers(3)).unwrap();
            let mut command = batch.command();
            let ran = run(command.arg(&input)).exits(2);
            // The corpus is gone by now; that is not what it stopped at.
            let says = format!("pith: error: {} is named twice", product.display());
            assert!(ran.stderr.contains(&says), "{}", ran.stderr);
            assert_eq!(fs::read_to_string(&input).unwrap(), papers(3));
            fs::remove_file(input).unwrap();
        }
        assert_eq!(batch.records(), 0);
    }
}

#[test]
fn an_output_that_another_process_writes_is_left_to_it() {
    let corpus = Corpus::plain(5);
    for kind in Kind::WITH_OUT {
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        let partial = partial_of(batch.out.as_ref().unwrap());
        let held = if kind == Kind::Folder {
            fs::create_dir(&partial).unwrap();
            partial.join("manifest.jsonl.partial")
        } else {
            partial
        };
        fs::write(&held, "another's").unwrap();
        let file = File::open(&held).unwrap();
        file.lock().unwrap();
        let ran = batch.run().exits(5);
        let says = "another process is writing to it";
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert_eq!(fs::read(&held).unwrap(), b"another's");
        assert_eq!(batch.records(), 0);
        drop(file);
        batch.completes();
    }
}

#[test]
fn bundles_are_not_written_to_what_a_running_mint_writes() {
    let corpus = Corpus::file("unused", "");
    for kind in Kind::WITH_OUT {
        let fifo = corpus.beside(&format!("{kind:?}.jsonl"));
        let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let batch = Batch::new(Home::new(), &fifo, kind);
        let child = batch.start();
        let mut writer = OpenOptions::new().write(true).open(&fifo).unwrap();
        writer.write_all(papers(300).as_bytes()).unwrap();
        let started = Instant::now();
        while batch.records() < 256 {
            assert!(started.elapsed() < Duration::from_secs(60), "it hangs");
            sleep(Duration::from_millis(10));
        }
        let mut bundle = batch.home.pith(["bundle", "--all", "--force", "-o"]);
        let ran = run(bundle.arg(batch.out.as_ref().unwrap())).exits(5);
        let says = "another process is writing to it";
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        drop(writer);
        let ran = Ran::from(child.wait_with_output().unwrap()).exits(0);
        assert_eq!(Summary::of(&ran).minted, 300);

        let undisturbed = Corpus::plain(300);
        let whole = Batch::new(batch.home.twin(), &undisturbed.path, kind);
        whole.completes();
        batch.products().assert_equal(&whole.products());
    }
}
