//! What `pith mint` and `pith verify` cost beside the signatures that they cannot do without.
//!
//! Prints the share of the bound that each figure reaches: the time that the same number of
//! signatures and self-checks alone take on the same cores, in the same round. The bound is Ed25519
//! alone; the second share is of a bound that counts the digests too which each signature or check
//! needs: a self-check hashes the final bytes again before it verifies them. The share of CPU time is what
//! remains of the first when other work disturbs the clock. `floor` prints how large the first share could
//! get at all: what nobody can leave out besides, done by plain programs on one thread. A program and
//! not a timed test: machines differ, and noise is for the reader to judge.
//!
//! ```text
//! PITH_CORPUS=papers.jsonl [PITH_ROUNDS=3] [PITH_ONLY=lines,floor,…] cargo bench --bench batch
//! ```
//!
//! `PITH_CORPUS` is a Kaggle snapshot; work is done in `TMPDIR`, which must have room for 15 kB a
//! paper.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, Signer as _, SigningKey, verify_batch};
use pith::bundle::Bundle;
use pith::canonical;
use pith::digest::Digest;
use pith::ledger::Ledger;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

/// Signatures that the self-check verifies at once: a chunk of 256 papers has four each.
const BATCH: usize = 1024;

fn main() {
    // Cargo asks benchmarks to list themselves, and so do tests of all targets.
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return;
    }
    let Some(corpus) = std::env::var_os("PITH_CORPUS").map(PathBuf::from) else {
        println!("set PITH_CORPUS to a Kaggle snapshot; see the head of benches/batch.rs");
        return;
    };
    let rounds = std::env::var("PITH_ROUNDS").map_or(3, |text| text.parse().expect("a number"));
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let papers = count_lines(&corpus);
    println!("{papers} papers, {cores} cores, medians of {rounds} rounds\n");
    let work = Work::new(corpus);
    let only = std::env::var("PITH_ONLY").unwrap_or_default();
    let wanted = |name| only.is_empty() || only.split(',').any(|wanted| wanted == name);
    for figure in Figure::ALL {
        if !wanted(figure.name) {
            continue;
        }
        let mut seconds = Vec::new();
        let mut bounds = Vec::new();
        let mut shares = Vec::new();
        let mut shares_with_digests = Vec::new();
        let mut shares_of_cpu = Vec::new();
        let mut memory = 0;
        for _ in 0..rounds {
            let before = cpu_seconds();
            let bound = bound(figure.bound, papers, cores);
            let between = cpu_seconds();
            let digests = hashing(figure.bound.hashed(&work.lengths()), papers, cores);
            if figure.name == "verify" {
                work.bundles();
            }
            let running = cpu_seconds();
            let (took, peak) = (figure.run)(&work);
            let after = cpu_seconds();
            shares_of_cpu
                .push(100.0 * (between.own - before.own) / (after.children - running.children));
            seconds.push(took);
            bounds.push(bound);
            shares.push(100.0 * bound / took);
            shares_with_digests.push(100.0 * (bound + digests) / took);
            memory = memory.max(peak);
        }
        println!(
            "{:<34} {:>7.2} s  {:>7.0} papers/s  bound {:>7.2} s  share {:>5.1} % (asked {} %), \
             with digests {:>5.1} %, of CPU time {:>5.1} %  {} MB",
            figure.title,
            median(&mut seconds),
            papers as f64 / median(&mut seconds),
            median(&mut bounds),
            median(&mut shares),
            figure.asked,
            median(&mut shares_with_digests),
            median(&mut shares_of_cpu),
            memory / 1024,
        );
    }
    if wanted("first") {
        let mut first: Vec<f64> = (0..9).map(|_| work.first_output().0).collect();
        println!(
            "{:<34} {:>7.1} ms (asked 50 ms)",
            "start to first output, one paper",
            1000.0 * median(&mut first)
        );
    }
    if wanted("floor") {
        work.floor(papers, rounds);
    }
    if wanted("resume") {
        work.resume();
    }
    if wanted("lookups") {
        work.look_ups();
    }
}

/// What a figure is compared with: this many signatures, and checks of them, a paper.
#[derive(Clone, Copy)]
enum Bound {
    SignAndCheckInBatches(usize),
    VerifyStrictly(usize),
}

/// How long the texts are that a paper's signatures cover: record, two events, state, bundle.
type Lengths = [usize; 5];

impl Bound {
    /// The texts that have to be hashed for it, and how often each.
    fn hashed(self, [record, created, snapshot, state, bundle]: &Lengths) -> Vec<usize> {
        let events = [*record, *created, *snapshot];
        match self {
            Bound::SignAndCheckInBatches(3) => events.repeat(2),
            Bound::SignAndCheckInBatches(_) => [&events[..], &[*state, *bundle]].concat().repeat(2),
            Bound::VerifyStrictly(_) => [&events[..], &[*state, *bundle]].concat(),
        }
    }
}

struct Figure {
    name: &'static str,
    title: &'static str,
    bound: Bound,
    asked: u32,
    run: fn(&Work) -> (f64, u64),
}

impl Figure {
    const ALL: [Figure; 4] = [
        Figure {
            name: "lines",
            title: "mint, ledger and .jsonl",
            bound: Bound::SignAndCheckInBatches(4),
            asked: 75,
            run: |work| work.mint(Some("out.jsonl")),
        },
        Figure {
            name: "zst",
            title: "mint, ledger and .jsonl.zst",
            bound: Bound::SignAndCheckInBatches(4),
            asked: 60,
            run: |work| work.mint(Some("out.jsonl.zst")),
        },
        Figure {
            name: "ledger",
            title: "mint, ledger only",
            bound: Bound::SignAndCheckInBatches(3),
            asked: 80,
            run: |work| work.mint(None),
        },
        Figure {
            name: "verify",
            title: "verify, .jsonl",
            bound: Bound::VerifyStrictly(4),
            asked: 75,
            run: Work::verify,
        },
    ];
}

/// The seconds that Ed25519 alone takes, on all cores.
fn bound(bound: Bound, papers: usize, cores: usize) -> f64 {
    let share = papers.div_ceil(cores);
    let started = Instant::now();
    thread::scope(|scope| {
        for core in 0..cores {
            scope.spawn(move || match bound {
                Bound::SignAndCheckInBatches(each) => sign_and_check(core, share * each),
                Bound::VerifyStrictly(each) => verify_strictly(share * each),
            });
        }
    });
    started.elapsed().as_secs_f64()
}

/// The seconds that SHA-256 of texts of these lengths takes for each paper, on all cores.
fn hashing(lengths: Vec<usize>, papers: usize, cores: usize) -> f64 {
    let text = vec![b'x'; lengths.iter().copied().max().unwrap_or_default()];
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                for _ in 0..papers.div_ceil(cores) {
                    for length in &lengths {
                        black_box(Digest::of(black_box(&text[..*length])));
                    }
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}

/// The CPU time that this process and its children have used, which other work on the machine takes no
/// part of.
struct CpuSeconds {
    own: f64,
    children: f64,
}

fn cpu_seconds() -> CpuSeconds {
    /// In hundredths of a second, as Linux counts for programs on all its common machines.
    const TICK: f64 = 0.01;
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux says");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = |field: usize| -> f64 {
        let text = fields.split_whitespace().nth(field).expect("a field");
        text.parse::<f64>().expect("a number")
    };
    CpuSeconds {
        own: TICK * (ticks(11) + ticks(12)),
        children: TICK * (ticks(13) + ticks(14)),
    }
}

fn message(core: usize, number: usize) -> [u8; 32] {
    let mut message = [0; 32];
    message[..8].copy_from_slice(&(number as u64).to_le_bytes());
    message[8..16].copy_from_slice(&(core as u64).to_le_bytes());
    message
}

fn sign_and_check(core: usize, count: usize) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key();
    let mut done = 0;
    while done < count {
        let group = BATCH.min(count - done);
        let messages: Vec<_> = (done..done + group).map(|n| message(core, n)).collect();
        let signatures: Vec<Signature> = messages.iter().map(|m| key.sign(m)).collect();
        let messages: Vec<&[u8]> = messages.iter().map(|m| m.as_slice()).collect();
        verify_batch(&messages, &signatures, &vec![public; group]).expect("they verify");
        done += group;
    }
}

fn verify_strictly(count: usize) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key();
    let signed: Vec<_> = (0..64)
        .map(|n| (message(0, n), key.sign(&message(0, n))))
        .collect();
    for number in 0..count {
        let (message, signature) = black_box(&signed[number % signed.len()]);
        let verified = public.verify_strict(message, signature);
        verified.expect("it verifies");
    }
}

/// A registry home with a key for unattended hosts.
struct Work {
    folder: TempDir,
    corpus: PathBuf,
    lengths: OnceCell<Lengths>,
}

impl Work {
    fn new(corpus: PathBuf) -> Self {
        let work = Work {
            folder: TempDir::new().expect("a temporary folder"),
            corpus,
            lengths: OnceCell::new(),
        };
        let identity = age::x25519::Identity::generate();
        let text = identity.to_string();
        let path = work.path("identity.txt");
        fs::write(&path, text.expose_secret()).expect("it is written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
        let recipient = identity.to_public().to_string();
        let home = work.path("new");
        run(pith(["init".as_ref(), home.as_os_str()])
            .args(["--registry-id", "registry.example"])
            .args(["--base-url", "https://registry.example"]));
        run(pith(["-C".as_ref(), home.as_os_str()])
            .args(["key", "generate", "--id", "bench", "--recipient"])
            .arg(recipient));
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new home, with nothing from the last run beside it.
    fn renewed_home(&self) -> PathBuf {
        let home = self.path("home");
        for name in ["home", "out.jsonl", "out.jsonl.zst"] {
            let path = self.path(name);
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
        }
        fs::create_dir_all(home.join("keys")).expect("a folder");
        for folder in ["", "keys"] {
            for entry in fs::read_dir(self.path("new").join(folder)).expect("a home") {
                let from = entry.expect("an entry").path();
                if from.is_file() {
                    let name = from.file_name().expect("a name");
                    fs::copy(&from, home.join(folder).join(name)).expect("it is copied");
                }
            }
        }
        home
    }

    fn mint(&self, out: Option<&str>) -> (f64, u64) {
        self.renewed_home();
        let mut command = self.minting(out);
        run(command.arg("--quiet"))
    }

    /// `pith mint` in the home as it is.
    fn minting(&self, out: Option<&str>) -> Command {
        let home = self.path("home");
        let mut command = program(["-C".as_ref(), home.as_os_str()]);
        command.arg("mint").arg(&self.corpus);
        if let Some(out) = out {
            command.arg("--bundles").arg(self.path(out));
        }
        command.arg("--identity").arg(self.path("identity.txt"));
        command
    }

    /// The bundles of all papers, minted if no run left them.
    fn bundles(&self) -> PathBuf {
        let out = self.path("out.jsonl");
        if !out.exists() {
            self.mint(Some("out.jsonl"));
        }
        out
    }

    fn verify(&self) -> (f64, u64) {
        let out = self.bundles();
        let key = self.path("new").join("keys/bench.json");
        run(pith(["verify".as_ref(), out.as_os_str()])
            .arg("--trust")
            .arg(key))
    }

    /// The lengths of the first paper's texts.
    fn lengths(&self) -> Lengths {
        *self.lengths.get_or_init(|| {
            let (_, line) = self.first_output();
            let bundle = Bundle::from_slice(line.trim_end().as_bytes()).expect("a bundle");
            let event = |index: usize| {
                let unhashed = ["signature", "content_sha256", "event_id"];
                length(&bundle.events[index], &unhashed)
            };
            [
                length(&bundle.canonical_record, &[]),
                event(0),
                event(1),
                length(&bundle.state, &["state_sha256"]),
                length(&bundle, &["bundle_signature"]),
            ]
        })
    }

    /// The seconds from the start of the program to the end of the first bundle on stdout, and that
    /// bundle.
    fn first_output(&self) -> (f64, String) {
        let home = self.renewed_home();
        let one = self.path("one.jsonl");
        let corpus = fs::File::open(&self.corpus).expect("the corpus");
        let mut line = String::new();
        BufReader::new(corpus)
            .read_line(&mut line)
            .expect("a paper");
        fs::write(&one, line).expect("it is written");
        let started = Instant::now();
        let mut child = pith(["-C".as_ref(), home.as_os_str()])
            .arg("mint")
            .arg(&one)
            .args(["--bundles", "-", "--identity"])
            .arg(self.path("identity.txt"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut bundle = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        stdout.read_line(&mut bundle).expect("a bundle");
        let took = started.elapsed().as_secs_f64();
        assert!(bundle.ends_with("}\n"), "a bundle is printed");
        assert!(child.wait().expect("it ends").success());
        (took, bundle)
    }

    /// What a run that is killed half way costs beyond one that is left alone: by the clock, and the part
    /// of it that passes before the second run goes on where the first one was.
    fn resume(&self) {
        let (undisturbed, _) = self.mint(Some("out.jsonl"));
        self.renewed_home();
        let started = Instant::now();
        let mut killed = self.minting(Some("out.jsonl"));
        let mut killed = killed.arg("--quiet").spawn().expect("it starts");
        thread::sleep(Duration::from_secs_f64(undisturbed / 2.0));
        killed.kill().expect("it is killed");
        killed.wait().expect("it ends");
        let half = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let mut resumed = self.minting(Some("out.jsonl"));
        let mut resumed = resumed.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = BufReader::new(resumed.stderr.take().expect("a pipe"));
        let mut notes = stderr.lines().map_while(Result::ok);
        let note = notes.find(|line| line.contains("going on from there"));
        let went_on = started.elapsed().as_secs_f64();
        notes.for_each(drop);
        assert!(resumed.wait().expect("it ends").success());
        let whole = half + started.elapsed().as_secs_f64();
        let Some(note) = note else {
            println!("resume: no place was kept when it was killed; take more papers");
            return;
        };
        println!(
            "resume: {}\n  went on after {went_on:.2} s, {:.1} % of the undisturbed {undisturbed:.1} s; \
             all of it took {:+.1} % (asked 5 %)",
            note.trim_start_matches("pith: note: "),
            100.0 * went_on / undisturbed,
            100.0 * (whole / undisturbed - 1.0),
        );
    }

    /// The largest share that any minter could reach which does, besides the signatures and their checks,
    /// no more than this: hash the texts for both, find the ends of the values in each input line, write
    /// the bundles once, and have the pages of the ledger written once.
    fn floor(&self, papers: usize, rounds: usize) {
        self.mint(Some("out.jsonl"));
        let own = |work: &dyn Fn()| {
            let mut seconds: Vec<f64> = (0..rounds)
                .map(|_| {
                    let before = cpu_seconds().own;
                    work();
                    cpu_seconds().own - before
                })
                .collect();
            1e6 * median(&mut seconds) / papers as f64
        };
        let lines = fs::read(&self.corpus).expect("the corpus");
        let reading = own(&|| {
            for line in lines.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
                let read = serde_json::from_slice::<serde::de::IgnoredAny>(line);
                black_box(read.expect("it is JSON"));
            }
        });
        let bundles = fs::read(self.path("out.jsonl")).expect("bundles");
        let writing = own(&|| {
            let mut file = fs::File::create(self.path("floor.jsonl")).expect("a file");
            for piece in bundles.chunks(1 << 20) {
                file.write_all(piece).expect("it is written");
            }
            file.sync_all().expect("it is on disk");
        });
        let storing = own(&|| {
            let copy = self.path("floor.db");
            let _ = fs::remove_file(&copy);
            let ledger = rusqlite::Connection::open(self.path("home").join("ledger.db"));
            let copied = ledger
                .expect("a ledger")
                .execute("VACUUM INTO ?1", [copy.to_str().expect("UTF-8")]);
            copied.expect("it is copied");
        });
        println!(
            "floor, in µs of CPU time a paper: reading {reading:.1}, writing bundles {writing:.1}, ledger {storing:.1}"
        );
        for (figure, written) in [(&Figure::ALL[0], writing), (&Figure::ALL[2], 0.0)] {
            let ed25519 = own(&|| {
                bound(figure.bound, papers, 1);
            });
            let digests = own(&|| {
                hashing(figure.bound.hashed(&self.lengths()), papers, 1);
            });
            let rest = reading + written + storing;
            println!(
                "  {:<30} Ed25519 {ed25519:.1}, digests {digests:.1}: at most {:.1} % (asked {} %), \
                 with digests {:.1} %",
                figure.title,
                100.0 * ed25519 / (ed25519 + digests + rest),
                figure.asked,
                100.0 * (ed25519 + digests) / (ed25519 + digests + rest),
            );
        }
    }

    /// What looking one record up takes, in a ledger of all papers, in no order that the ledger has.
    fn look_ups(&self) {
        const SAMPLE: usize = 10_000;
        let path = self.path("home").join("ledger.db");
        if !path.exists() {
            self.mint(None);
        }
        let ledger = Ledger::open_read_only(&path).expect("a ledger");
        let numbers: Result<Vec<_>, _> = ledger.numbers().collect();
        let numbers = numbers.expect("they can be read");
        let sampled: Vec<_> = (0..SAMPLE as u64)
            .map(|n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % numbers.len() as u64)
            .map(|place| numbers[place as usize])
            .collect();
        let papers: Vec<_> = sampled
            .iter()
            .map(|number| {
                let issued = ledger.get(number.suffix()).expect("it can be read");
                issued.expect("it is there").record.source.id
            })
            .collect();
        println!(
            "look-ups among {} records, {SAMPLE} of each kind",
            numbers.len()
        );
        let all = |kind, find: &dyn Fn(usize) -> bool| {
            let mut micros: Vec<f64> = (0..SAMPLE)
                .map(|n| {
                    let started = Instant::now();
                    assert!(black_box(find(n)), "{kind} {n} is there");
                    started.elapsed().as_secs_f64() * 1e6
                })
                .collect();
            let median = median(&mut micros);
            let slow = micros[SAMPLE * 999 / 1000];
            println!(
                "  {kind:<30} {median:>7.1} µs, one in 1000 over {slow:.1} µs (asked 1000 µs)"
            );
        };
        let found = |name: &str, number| {
            let found = ledger.find(name).expect("it can be read");
            found.contains(&number)
        };
        all("number", &|n| found(&sampled[n].to_string(), sampled[n]));
        all("alias of 8 characters", &|n| {
            found(&sampled[n].short().to_string(), sampled[n])
        });
        all("DOI", &|n| {
            found(&format!("10.48550/arxiv.{}", papers[n]), sampled[n])
        });
        all("arXiv id", &|n| found(&papers[n].to_string(), sampled[n]));
        all("number, with all that is held", &|n| {
            let held = ledger.get(sampled[n].suffix());
            held.expect("it can be read").is_some()
        });
    }
}

fn length<T: serde::Serialize>(value: &T, omit: &[&str]) -> usize {
    canonical::to_vec_without(value, omit)
        .expect("it is JSON")
        .len()
}

fn pith<'a>(args: impl IntoIterator<Item = &'a OsStr>) -> Command {
    let mut command = program(args);
    command.arg("--quiet");
    command
}

fn program<'a>(args: impl IntoIterator<Item = &'a OsStr>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pith"));
    command.args(args);
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// Runs a command; its seconds, and the most memory that it had, in kB.
fn run(command: &mut Command) -> (f64, u64) {
    let started = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        peak = peak.max(high_water_mark(&status));
        match child.try_wait().expect("it can be waited for") {
            Some(ended) => break ended,
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(ended.success(), "{command:?} ended with {ended}");
    (started.elapsed().as_secs_f64(), peak)
}

fn high_water_mark(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

fn count_lines(path: &Path) -> usize {
    let file = fs::File::open(path).expect("the corpus");
    BufReader::new(file).split(b'\n').count()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
