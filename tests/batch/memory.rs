//! Memory does not grow with what the lines of an input weigh times how many threads there are.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use crate::batch::{Batch, Kind, Summary};
use crate::common::measured::watch;
use crate::common::{Home, Ran, paper};
use crate::corpus::Corpus;

const MEGABYTE: usize = 1 << 20;

/// Papers with an abstract of this many bytes each.
const LONG: usize = 12 * MEGABYTE;
const PAPERS: usize = 10;

/// Papers whose lines are almost as long as one may be, and one of 80 MB that is longer.
fn long_lines() -> Corpus {
    let corpus = Corpus::plain(0);
    let mut file = BufWriter::new(File::create(&corpus.path).unwrap());
    let words = "count ".repeat(LONG / 6);
    for n in 1..=PAPERS {
        writeln!(file, "{}", paper(n).replace("We count", &words)).unwrap();
    }
    write!(file, "{{\"id\":\"").unwrap();
    for _ in 0..80 {
        file.write_all(&[b'x'; MEGABYTE]).unwrap();
    }
    writeln!(file, "\"}}\n{}", paper(PAPERS + 1)).unwrap();
    file.flush().unwrap();
    corpus
}

/// Runs it to its end; the most memory that it held, in bytes.
fn peak(batch: &Batch) -> usize {
    let mut child = batch.start();
    let peak = watch(&mut child).peak;
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(3);
    let summary = Summary::of(&ran);
    assert_eq!(
        (summary.minted, summary.rejected),
        (PAPERS as u64 + 1, 1),
        "{}",
        ran.stderr
    );
    peak
}

#[test]
fn long_lines_take_no_more_memory_with_more_threads() {
    let corpus = long_lines();
    let one = Batch::new(Home::new(), &corpus.path, Kind::Zstd).with(&["--jobs", "1"]);
    let mut eight = one.twin();
    eight.options = vec!["--jobs", "8"];
    let (one_peak, eight_peak) = (peak(&one), peak(&eight));
    assert!(
        one_peak > 2 * LONG,
        "it was measured while it ran: {one_peak}"
    );
    assert!(
        eight_peak < one_peak + 3 * LONG && eight_peak < 200 * MEGABYTE,
        "one thread {one_peak}, eight {eight_peak}"
    );
    eight.products().assert_equal(&one.products());
}
