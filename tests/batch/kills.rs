//! Runs stopped at any moment, and resumed in a process that may be stopped again.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Signal;

use crate::batch::{Batch, Ended, Kind, Products, Summary, numbers, stop_after};
use crate::common::Home;
use crate::corpus::Corpus;
use crate::determinism::assert_manifest;

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}

/// How many kills must hit in each of the four kinds of output; a sixth as many interrupts.
fn share() -> usize {
    (variable("PITH_KILLS").unwrap_or(12) as usize)
        .div_ceil(Kind::ALL.len())
        .max(1)
}

/// How many papers: so many that a run takes a second or more, and for a folder that is tested for
/// long so many that it has two shards.
fn papers(kind: Kind) -> usize {
    match (share(), kind) {
        (25.., Kind::Folder) => 11_500,
        _ => 4000,
    }
}

/// The moments at which processes are stopped; tells its seed when a test fails.
struct Moments {
    seed: u64,
    rng: StdRng,
    whole: Duration,
}

impl Moments {
    fn new(whole: Duration) -> Self {
        let seed = variable("PITH_SEED").unwrap_or_else(rand::random);
        Moments {
            seed,
            rng: StdRng::seed_from_u64(seed),
            whole,
        }
    }

    /// Anywhere in the run, with more than their share in its first and last moments; short ones
    /// too, so that a run is stopped many times before it is complete.
    fn next(&mut self) -> Duration {
        let part = match self.rng.random_range(0..8) {
            0 => self.rng.random_range(0.0..0.08),
            1 => self.rng.random_range(0.9..1.1),
            2..5 => self.rng.random_range(0.0..0.4),
            _ => self.rng.random_range(0.0..1.0),
        };
        self.whole.mul_f64(part)
    }
}

impl Drop for Moments {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "PITH_SEED={} with runs of {:?} led to this",
                self.seed, self.whole
            );
        }
    }
}

/// A run that nothing disturbs, what it makes, and how long it takes.
struct Undisturbed {
    batch: Batch,
    products: Products,
    moments: Moments,
    _corpus: Corpus,
}

impl Undisturbed {
    fn new(kind: Kind) -> Self {
        let corpus = Corpus::mixed(papers(kind));
        let batch = Batch::new(Home::new(), &corpus.path, kind);
        let started = Instant::now();
        let summary = batch.completes();
        let whole = started.elapsed();
        // Otherwise the corpus would not be what it is made for.
        let Summary {
            minted,
            already_minted,
            metadata_changed,
            deleted,
            rejected,
            ..
        } = summary;
        for count in [minted, already_minted, metadata_changed, deleted, rejected] {
            assert!(count > 10, "{summary:?}");
        }
        batch.assert_sound();
        Undisturbed {
            products: batch.products(),
            batch,
            moments: Moments::new(whole),
            _corpus: corpus,
        }
    }

    /// Stops runs with `signal` until `share` were hit, each followed by another of the same
    /// command, and a home complete by a new one; `hit` judges how a stopped one ended.
    fn stopped(
        mut self,
        signal: Signal,
        share: usize,
        mut hit: impl FnMut(&Batch, &Ended, u64) -> bool,
    ) {
        let (mut hits, mut half_way) = (0, 0);
        for round in 1.. {
            assert!(round < 10 * share + 20, "only {hits} of {share} were hit");
            let batch = self.batch.twin();
            let mut records = 0;
            loop {
                let ended = stop_after(batch.start(), self.moments.next(), signal);
                if !hit(&batch, &ended, records) {
                    assert!(
                        matches!(ended.ran.code, Some(0 | 3)),
                        "{}",
                        ended.ran.stderr
                    );
                    break;
                }
                hits += 1;
                let now = batch.assert_on_the_way_to(&self.products);
                assert!(now >= records, "{records} records, then {now}");
                records = now;
                half_way += usize::from(!batch.partials().is_empty() && now > 0);
                if hits % 3 == 0 {
                    batch.assert_sound();
                }
                // What is left is done by a run that nothing stops, now and then.
                if hits % 7 == 0 || hits >= share {
                    batch.completes();
                    break;
                }
            }
            batch.products().assert_equal(&self.products);
            batch.assert_sound();
            // Once more: nothing is left to do.
            let again = batch.completes();
            assert_eq!(again.minted, 0);
            batch.products().assert_equal(&self.products);
            if hits >= share && half_way > 0 {
                return;
            }
        }
    }

    fn killed(self) {
        self.stopped(Signal::KILL, share(), |_, ended, _| ended.killed());
    }
}

#[test]
fn killed_runs_into_the_ledger_alone() {
    Undisturbed::new(Kind::Ledger).killed();
}

#[test]
fn killed_runs_into_lines() {
    Undisturbed::new(Kind::Lines).killed();
}

#[test]
fn killed_runs_into_compressed_lines() {
    Undisturbed::new(Kind::Zstd).killed();
}

#[test]
fn killed_runs_into_a_folder() {
    let undisturbed = Undisturbed::new(Kind::Folder);
    if papers(Kind::Folder) > 10_000 {
        let counts = assert_manifest(undisturbed.batch.out.as_ref().unwrap());
        assert!(counts.len() == 2 && counts[0] == 10_000, "{counts:?}");
    }
    undisturbed.killed();
}

/// An interrupted run reports what it did; exactly that is in the ledger.
#[test]
fn interrupted_runs() {
    for (kind, signal) in [
        (Kind::Lines, Signal::TERM),
        (Kind::Folder, Signal::INT),
        (Kind::Zstd, Signal::TERM),
    ] {
        let share = share().div_ceil(2);
        Undisturbed::new(kind).stopped(signal, share, |batch, ended, before| {
            let now = batch.records();
            if ended.signal.is_some() {
                // It had only begun.
                assert_eq!(now, before, "a signal ended it in the middle of its work");
                return true;
            }
            if ended.ran.code != Some(130) {
                return false;
            }
            let stderr = &ended.ran.stderr;
            assert!(stderr.contains("pith: note: interrupted"), "{stderr}");
            let summary = Summary::of(&ended.ran);
            assert!(summary.interrupted);
            assert_eq!(
                before + summary.minted,
                now,
                "what is reported is in the ledger"
            );
            true
        });
    }
}

/// Whoever has read a bundle may rely on it.
#[test]
fn what_a_killed_run_has_printed_is_in_the_ledger() {
    let corpus = Corpus::plain(4000);
    let mut batch = Batch::new(Home::new(), &corpus.path, Kind::Ledger);
    batch.out = Some("-".into());
    let started = Instant::now();
    let ran = batch.run().exits(0);
    // The summary comes after the bundles.
    let expected = ran.text();
    let (expected, _) = expected.trim_end().rsplit_once('\n').unwrap();
    let mut moments = Moments::new(started.elapsed());
    let (mut killed, mut printed) = (0, 0);
    while killed < share() || printed == 0 {
        let twin = batch.twin_as(batch.home.twin());
        let out = Some(Path::new("-"));
        let file = twin.home.beside("printed.jsonl");
        let mut command = twin.command_to(out, &twin.rejects);
        command.stdout(File::create(&file).unwrap());
        command.stderr(Stdio::piped());
        let ended = stop_after(command.spawn().unwrap(), moments.next(), Signal::KILL);
        if !ended.killed() {
            continue;
        }
        killed += 1;
        let text = fs::read_to_string(&file).unwrap();
        // A run that is killed in its last moment has printed its summary.
        let text = &text[..text.len().min(expected.len() + 1)];
        assert!(
            expected.starts_with(text.trim_end()),
            "what is printed is what would be"
        );
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let read = numbers(whole.as_bytes());
        printed += read.len();
        let held = numbers(&twin.dump());
        assert!(
            held.starts_with(&read),
            "{} read, {} held",
            read.len(),
            held.len()
        );
    }
}
