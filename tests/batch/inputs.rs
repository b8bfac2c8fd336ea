//! Inputs that cannot be read, or not to their end, and text that is no text: the papers around it
//! are minted.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::batch::{Batch, Kind, Summary, numbers, partial_of};
use crate::common::{Home, Ran, paper, papers, pith, run};
use crate::corpus::{Corpus, gzip};

/// Line and code of each reject.
fn rejects(batch: &Batch) -> Vec<(u64, String)> {
    let text = fs::read_to_string(&batch.rejects).unwrap();
    let place = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let code = line["code"].as_str().unwrap().to_owned();
        (line["line"].as_u64().unwrap(), code)
    };
    text.lines().map(place).collect()
}

/// The numbers of papers `ns`, by `pith record`.
fn numbers_of(ns: impl IntoIterator<Item = usize>) -> Vec<String> {
    let text: String = ns.into_iter().map(|n| paper(n) + "\n").collect();
    let corpus = Corpus::file("papers.jsonl", text);
    numbers(&run(pith(["record"]).arg(&corpus.path)).exits(0).stdout)
}

fn batch(input: &Path) -> Batch {
    Batch::new(Home::new(), input, Kind::Lines)
}

/// Asserts that a run ended with exit code 5, telling of `path`.
#[track_caller]
fn assert_tells_of(ran: Ran, path: &Path) -> Ran {
    let ran = ran.exits(5);
    let told = ran
        .stderr
        .lines()
        .any(|line| line.starts_with("pith: error: ") && line.contains(path.to_str().unwrap()));
    assert!(told, "{}", ran.stderr);
    ran
}

#[test]
fn an_input_that_is_not_there_is_told_before_anything_is_minted() {
    let corpus = Corpus::plain(5);
    let missing = corpus.beside("missing.jsonl");
    let folder = corpus.beside("folder.jsonl");
    fs::create_dir(&folder).unwrap();
    let dangling = corpus.beside("dangling.jsonl");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    for unreadable in [missing, folder, dangling] {
        let mut batch = batch(&corpus.path);
        batch.inputs.push(unreadable.clone());
        assert_tells_of(batch.run(), &unreadable);
        assert_eq!(batch.records(), 0);
        assert!(!batch.out.as_ref().unwrap().exists());
        assert_eq!(batch.partials(), [""; 0]);
    }
}

#[test]
fn an_empty_input_gives_empty_products() {
    for blank in ["", "\n\n  \n", "\u{feff}"] {
        let corpus = Corpus::file("empty.jsonl", blank);
        let batch = batch(&corpus.path);
        assert_eq!(batch.completes().accounted(), 0);
        let products = batch.products();
        assert!(products.out[0].1.is_empty() && products.rejects.is_empty());
        assert_eq!(batch.completes().accounted(), 0);
    }
    // A compressed one that is empty lost what it held.
    let corpus = Corpus::file("empty.jsonl.gz", "");
    assert_tells_of(batch(&corpus.path).run(), &corpus.path);
    let corpus = Corpus::file("empty.jsonl.gz", gzip(b""));
    assert_eq!(batch(&corpus.path).completes().accounted(), 0);
}

/// As many papers as there were before the cut are minted, and all of the inputs behind it; once
/// the input is mended the same command completes.
#[test]
fn a_compressed_input_that_is_cut_off_is_minted_as_far_as_it_goes() {
    let corpus = Corpus::file("1.jsonl.gz", "");
    let second = corpus.beside("2.jsonl");
    let text: String = (2001..=2050).map(|n| paper(n) + "\n").collect();
    fs::write(&second, text).unwrap();
    let whole = papers(600);
    let compressed = gzip(whole.as_bytes());
    for kind in Kind::WITH_OUT {
        fs::write(&corpus.path, &compressed[..compressed.len() * 2 / 3]).unwrap();
        let mut batch = Batch::new(Home::new(), &corpus.path, kind);
        batch.inputs.push(second.clone());
        let ran = assert_tells_of(batch.run(), &corpus.path);
        assert!(ran.stderr.contains("at line "), "{}", ran.stderr);
        let summary = Summary::of(&ran);
        assert_eq!(summary.rejected, 0, "a cut line is not judged");
        assert!(summary.minted > 100 && summary.minted < 650, "{summary:?}");
        assert_eq!(batch.records(), summary.minted);
        assert!(!batch.out.as_ref().unwrap().exists());
        // Again, to no other effect.
        let again = Summary::of(&assert_tells_of(batch.run(), &corpus.path));
        assert_eq!((again.minted, again.already_minted), (0, summary.minted));
        assert!(!batch.out.as_ref().unwrap().exists());

        fs::write(&corpus.path, &compressed).unwrap();
        let mended = batch.completes();
        assert_eq!(mended.already_minted, summary.minted);
        assert_eq!(mended.minted + mended.already_minted, 650);
        assert_eq!(
            numbers(&batch.bundles()),
            numbers_of((1..=600).chain(2001..=2050))
        );
        batch.assert_sound();
    }
}

/// What lies behind the limit is not asked for.
#[test]
fn a_limit_before_the_cut_is_reached_and_one_behind_it_is_not() {
    let compressed = gzip(papers(600).as_bytes());
    let cut = &compressed[..compressed.len() * 2 / 3];
    let corpus = Corpus::file("1.jsonl.gz", cut);
    for kind in Kind::WITH_OUT {
        let within = Batch::new(Home::new(), &corpus.path, kind).with(&["--limit", "100"]);
        assert_eq!(within.completes().minted, 100);
        assert_eq!(numbers(&within.bundles()), numbers_of(1..=100));

        let beyond = Batch::new(within.home.twin(), &corpus.path, kind).with(&["--limit", "599"]);
        let ran = assert_tells_of(beyond.run(), &corpus.path);
        let summary = Summary::of(&ran);
        assert!((101..599).contains(&summary.minted), "{summary:?}");
        assert!(!beyond.out.as_ref().unwrap().exists());
    }
}

/// A day without a paper.
#[test]
fn an_output_without_a_bundle_verifies_if_it_says_so_itself() {
    let corpus = Corpus::file("empty.jsonl", "");
    for kind in Kind::WITH_OUT {
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        for _ in 0..2 {
            assert_eq!(batch.completes().accounted(), 0);
        }
        let out = batch.out.as_ref().unwrap();
        let verify = |code| run(batch.home.pith(["verify"]).arg(out)).exits(code);
        let says = "0 documents: 0 verified, 0 untrusted, 0 failed\n";
        match kind {
            Kind::Ledger | Kind::Lines => {
                assert!(fs::read(out).unwrap().is_empty());
                let ran = verify(5);
                assert!(ran.stderr.contains("holds no document"), "{}", ran.stderr);
                assert!(ran.stderr.contains("X.jsonl.zst or a folder"));
            }
            Kind::Folder => {
                assert_eq!(verify(0).text(), says);
                fs::remove_file(out.join("manifest.jsonl")).unwrap();
                verify(5);
            }
            Kind::Zstd => {
                let ran = verify(0);
                assert_eq!(ran.text(), says);
                assert!(ran.stderr.contains("no document"), "{}", ran.stderr);
                let number = numbers_of([1]).remove(0);
                let mut expecting = batch.home.pith(["verify", "--expect"]);
                run(expecting.arg(number).arg(out)).exits(5);
                let frame = fs::read(out).unwrap();
                for length in 0..frame.len() {
                    fs::write(out, &frame[..length]).unwrap();
                    verify(5);
                }
                // It is not what the same command writes either.
                batch.run().exits(5);
            }
        }
    }
}

#[test]
fn a_pipe_whose_writer_leaves_in_the_middle_ends_there() {
    let corpus = Corpus::file("unused", "");
    let fifo = corpus.beside("papers.jsonl");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let batch = batch(&fifo);
    let child = batch.start();
    let text = papers(300);
    let mut writer = OpenOptions::new().write(true).open(&fifo).unwrap();
    // The last one lacks its end.
    writer
        .write_all(&text.as_bytes()[..text.len() - 50])
        .unwrap();
    drop(writer);
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(3);
    let summary = Summary::of(&ran);
    assert_eq!((summary.minted, summary.rejected), (299, 1));
    assert_eq!(rejects(&batch), [(300, "json.invalid".to_owned())]);
    assert_eq!(numbers(&batch.bundles()), numbers_of(1..=299));
    batch.assert_sound();
}

#[test]
fn a_line_of_80_megabytes_is_passed_over() {
    let corpus = Corpus::plain(0);
    let mut file = BufWriter::new(fs::File::create(&corpus.path).unwrap());
    writeln!(file, "{}", paper(1)).unwrap();
    write!(file, "{{\"id\":\"2402.00002\",\"abstract\":\"").unwrap();
    for _ in 0..80 {
        file.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    writeln!(file, "\"}}\n{}", paper(3)).unwrap();
    file.into_inner().unwrap().sync_all().unwrap();
    let batch = batch(&corpus.path);
    let summary = batch.completes();
    assert_eq!((summary.minted, summary.rejected), (2, 1));
    assert_eq!(rejects(&batch), [(2, "line.too-long".to_owned())]);
    assert_eq!(numbers(&batch.bundles()), numbers_of([1, 3]));
}

#[test]
fn text_that_is_no_text_is_rejected_and_its_neighbours_minted() {
    let line = |n: usize| paper(n).into_bytes();
    let with = |n: usize, at: usize, byte: u8| {
        let mut line = line(n);
        line[at] = byte;
        line
    };
    let rejected = [
        (2, "text.encoding"),
        (4, "json.invalid"),
        (6, "text.nul"),
        (8, "json.invalid"),
        (10, "json.invalid"),
        (12, "text.encoding"),
    ];
    let mut lines: Vec<Vec<u8>> = (1..=13).map(line).collect();
    lines[1] = with(2, 60, 0xff);
    lines[3] = with(4, 100, 0);
    lines[5] = paper(6).replace("invented", "in\\u0000vented").into_bytes();
    lines[7] = vec![0; 100];
    // A mark that may only stand at the beginning.
    lines[9] = ["\u{feff}".as_bytes(), &line(10)].concat();
    lines[11] = vec![b'{', b'"', 0xed, 0xa0, 0x80, b'"', b'}'];
    for (name, begin, end) in [
        ("as they are", "", "\n"),
        ("with a byte order mark", "\u{feff}", "\n"),
        ("with two bytes a line end", "", "\r\n"),
        ("with both", "\u{feff}", "\r\n"),
    ] {
        let mut bytes = begin.as_bytes().to_vec();
        bytes.extend(lines.join(end.as_bytes()));
        let corpus = Corpus::file("papers.jsonl", bytes);
        let batch = batch(&corpus.path);
        let summary = batch.completes();
        assert_eq!(summary.minted, 7, "{name}");
        assert_eq!(
            rejects(&batch),
            rejected.map(|(line, code)| (line, code.to_owned())),
            "{name}"
        );
        assert_eq!(numbers(&batch.bundles()), numbers_of((1..=13).step_by(2)));
    }
}

/// What is wrong from the first byte on is one reject; the next input is read all the same.
#[test]
fn a_file_that_is_no_metadata_is_one_reject() {
    let corpus = Corpus::plain(3);
    for (bytes, code) in [
        (&b"[{\"id\":1}]\n"[..], "input.unrecognised"),
        (b"BZh91AY&SY", "input.unrecognised"),
        (&[0; 5000], "input.unrecognised"),
        (b"\xff\xfe{\0\"\0", "text.encoding"),
    ] {
        let other = corpus.beside("other.jsonl");
        fs::write(&other, bytes).unwrap();
        let mut batch = batch(&other);
        batch.inputs.push(corpus.path.clone());
        let summary = batch.completes();
        assert_eq!((summary.minted, summary.rejected), (3, 1));
        assert_eq!(rejects(&batch), [(1, code.to_owned())]);
        assert!(!partial_of(&batch.rejects).exists());
    }
}
