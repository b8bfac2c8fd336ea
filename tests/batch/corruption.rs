//! Papers with random damage: every line is minted or rejected, and nothing panics.

use std::fs;

use proptest::test_runner::{TestRng, TestRunner};
use rand::RngExt as _;

use crate::batch::{Batch, Kind, Summary};
use crate::common::{Home, papers, pith, run, shared};
use crate::corpus::{Corpus, filled_lines, gzip};

/// Does one to four kinds of damage to a line.
fn damage(line: &mut Vec<u8>, rng: &mut TestRng) {
    for _ in 0..rng.random_range(1..5) {
        if line.is_empty() {
            return;
        }
        let at = rng.random_range(0..line.len());
        let to = (at + rng.random_range(1..40)).min(line.len());
        match rng.random_range(0..7) {
            0 => line[at] ^= 1 << rng.random_range(0..8),
            1 => line[at] = b"\"\\{}[]:,0-eu"[rng.random_range(0..12)],
            2 => drop(line.drain(at..to)),
            3 => line.insert(at, rng.random_range(0..=255)),
            4 => line.truncate(at),
            5 => {
                let part = line[at..to].to_vec();
                line.splice(at..at, part);
            }
            _ => line.extend_from_within(..to),
        }
    }
}

/// `count` damaged lines and as many sound ones between them; the first one is sound.
fn damaged(sample: &[u8], count: usize, rng: &mut TestRng) -> Vec<u8> {
    let lines: Vec<&[u8]> = sample.trim_ascii_end().split(|b| *b == b'\n').collect();
    let mut input = Vec::new();
    for n in 0..count {
        input.extend(lines[n % lines.len()]);
        input.push(b'\n');
        let mut line = lines[rng.random_range(0..lines.len())].to_vec();
        damage(&mut line, rng);
        input.extend(line);
        input.push(b'\n');
    }
    input
}

/// Mints and records 1,000 damaged lines of `sample` in four runs into one home.
fn every_line_is_accounted_for(sample: &[u8]) {
    let mut rng = TestRunner::deterministic().new_rng();
    let mut home = Some(Home::new());
    let (mut minted, mut rejected) = (0, 0);
    for (part, kind) in Kind::ALL.into_iter().enumerate() {
        let input = damaged(sample, 250, &mut rng);
        let lines = filled_lines(&input);
        let corpus = Corpus::file(&format!("damaged-{part}.jsonl"), input);
        let options: &[_] = if part % 2 == 0 {
            &["--allow-non-ascii"]
        } else {
            &["--on-change", "mint"]
        };
        let mut batch = Batch::new(home.take().unwrap(), &corpus.path, kind).with(options);
        batch.rejects = batch.home.beside(&format!("rejects-{part}.jsonl"));
        let summary = batch.completes();
        assert_eq!(summary.accounted(), lines, "{summary:?}");
        let refused = filled_lines(&fs::read(&batch.rejects).unwrap());
        assert_eq!(refused, summary.rejected);
        if kind != Kind::Ledger {
            assert_eq!(filled_lines(&batch.bundles()) + refused, lines);
        }
        batch.assert_sound();
        minted += summary.minted;
        rejected += summary.rejected;
        assert_eq!(batch.records(), minted);

        let recorded = batch.home.beside("recorded-rejects.jsonl");
        let mut record = pith(["record", "--rejects"]);
        record.arg(&recorded).arg(&corpus.path);
        if part % 2 == 0 {
            record.arg("--allow-non-ascii");
        }
        let records = filled_lines(&run(&mut record).exits(3).stdout);
        assert_eq!(records + refused, lines);
        assert!(fs::read(&recorded).unwrap() == fs::read(&batch.rejects).unwrap());
        fs::remove_file(&recorded).unwrap();
        home = Some(batch.home);
    }
    assert!(
        minted > 50 && rejected > 300,
        "{minted} minted, {rejected} rejected"
    );
}

#[test]
fn a_thousand_damaged_papers_are_minted_or_rejected() {
    every_line_is_accounted_for(papers(100).as_bytes());
}

#[test]
fn a_thousand_damaged_lines_of_arxiv_are_minted_or_rejected() {
    let Some(folder) = shared("a_thousand_damaged_lines_of_arxiv_are_minted_or_rejected") else {
        return;
    };
    let sample = folder.join("data/arxiv-kaggle-sample.jsonl");
    every_line_is_accounted_for(&fs::read(sample).unwrap());
}

/// Damage to the compressed bytes cuts the input off, or goes unnoticed by no checksum.
#[test]
fn damaged_compression_cuts_the_input_off() {
    let text = papers(100);
    let mut rng = TestRunner::deterministic().new_rng();
    let mut home = Some(Home::new());
    let (mut cut, mut whole) = (0, 0);
    for n in 0..40 {
        let (name, mut bytes) = if n % 2 == 0 {
            ("papers.jsonl.gz", gzip(text.as_bytes()))
        } else {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.include_checksum(true).unwrap();
            std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
            ("papers.jsonl.zst", encoder.finish().unwrap())
        };
        let at = rng.random_range(0..bytes.len());
        match n % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            _ => drop(bytes.drain(at..(at + 3).min(bytes.len()))),
        }
        let corpus = Corpus::file(name, bytes);
        let batch = Batch::new(home.take().unwrap(), &corpus.path, Kind::Ledger);
        let before = batch.records();
        let ran = batch.run();
        match ran.code {
            // A reader must not take what is not as it was written for the end.
            Some(5) => cut += 1,
            Some(0) => whole += 1,
            code => assert_eq!(code, Some(3), "{}", ran.stderr),
        }
        let summary = Summary::of(&ran);
        assert!(summary.accounted() <= 100, "{summary:?}");
        assert_eq!(batch.records(), before + summary.minted);
        // Neither these products nor what is left of them is the next one's.
        let _ = fs::remove_file(&batch.rejects);
        home = Some(batch.home);
    }
    assert!(cut > 30 && whole < 5, "{cut} cut off, {whole} whole");
}
