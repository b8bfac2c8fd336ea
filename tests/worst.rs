//! Worst cases: documents made to be expensive take time and memory in proportion to their size, or are
//! refused.
//!
//! What they take at full size, as `docs/PERFORMANCE.md` has it, is printed by
//! `cargo test --test worst -- --ignored --nocapture`.

mod common;
#[path = "merge/world.rs"]
#[allow(dead_code, reason = "the merge uses more of it")]
mod world;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::measured::{Taken, watch};
use common::{Home, Ran, paper, pith, run};
use pith::canonical::{self, Json, OBJECT_VALUES};
use pith::event::{Event, Payload};
use pith::number::PithNumber;
use tempfile::TempDir;

use world::{Making, WORLD, bundle, created, said, snapshot};

const MEGABYTE: usize = 1 << 20;

/// Documents of this many bytes: enough that those of the smallest values have too many.
const HUGE: usize = 36 * MEGABYTE;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a command to its end, with what it prints going to files.
    fn measure(&self, command: &mut Command) -> (Ran, Taken) {
        let (out, err) = (self.path("stdout"), self.path("stderr"));
        command.stdout(Stdio::from(File::create(&out).unwrap()));
        command.stderr(Stdio::from(File::create(&err).unwrap()));
        let mut child = command.spawn().unwrap();
        let taken = watch(&mut child);
        let ran = Ran {
            code: child.wait().unwrap().code(),
            stdout: fs::read(out).unwrap(),
            stderr: fs::read_to_string(err).unwrap(),
        };
        (ran, taken)
    }

    /// The public key of the world's registry.
    fn registry_key(&self) -> PathBuf {
        let object = serde_json::to_vec(&WORLD.registry.published()).unwrap();
        self.write("registry.json", &object)
    }

    /// Verifies a document with the registry's key trusted.
    fn verify(&self, document: &Path) -> (Ran, Taken) {
        let mut command = pith(["verify", "--max-bytes", "1000000000"]);
        command
            .arg(document)
            .arg("--trust")
            .arg(self.registry_key());
        self.measure(&mut command)
    }

    fn merge(&self, document: &Path) -> (Ran, Taken) {
        let mut command = pith(["merge", "--max-bytes", "1000000000"]);
        command
            .arg(document)
            .arg("--trust")
            .arg(self.registry_key());
        self.measure(&mut command)
    }
}

/// Makes it the `n`th of its kind.
fn numbered(mut making: Making, n: usize) -> Making {
    if let Payload::Open(Json::Object(members)) = &mut making.draft.payload {
        members.insert("tag".to_owned(), Json::Int(n as i64));
    }
    making
}

fn minted() -> Vec<Event> {
    let registry = &WORLD.registry;
    vec![created(registry, 1).sign(), snapshot(registry, 1).sign()]
}

fn attestation(n: usize) -> Making {
    numbered(said(&WORLD.alice, "author_attestation", "record", 0), n).at(1)
}

/// A bundle of so many events by one signer, each after the one before.
fn many_events(count: usize) -> Vec<u8> {
    let mut events = minted();
    for n in 2..count {
        let mut making = attestation(n);
        making.draft.prev_event = events.last().filter(|_| n > 2).map(|event| event.event_id);
        events.push(making.sign());
    }
    bundle(&events).to_wire()
}

/// A bundle of so many groups of two events that contradict each other.
fn equivocations(groups: usize) -> Vec<u8> {
    let mut events = minted();
    for n in 0..groups {
        let root = attestation(3 * n).sign();
        let twins = [1, 2].map(|more| attestation(3 * n + more).after(&root).sign());
        events.push(root);
        events.extend(twins);
    }
    bundle(&events).to_wire()
}

/// A bundle of so many events whose payloads have not the form of their type.
fn malformed(count: usize) -> Vec<u8> {
    let mut bundle = bundle(&minted());
    for n in 0..count {
        let mut making = attestation(n);
        if let Payload::Open(Json::Object(members)) = &mut making.draft.payload {
            members.insert("strength".to_owned(), Json::Int(1));
        }
        bundle.events.push(making.sign());
    }
    bundle.to_wire()
}

/// A bundle of so many events that each name a mirror of their own.
fn mirrors(count: usize) -> Vec<u8> {
    let mut events = minted();
    for n in 0..count {
        let mut making = said(&WORLD.alice, "mirror_hint", "record", 0);
        if let Payload::Open(Json::Object(members)) = &mut making.draft.payload {
            let address = format!("https://mirror-{n}.invalid");
            members.insert("base_url".to_owned(), Json::String(address));
        }
        events.push(making.sign());
    }
    bundle(&events).to_wire()
}

/// Makes a bundle of so many of something.
type Maker = fn(usize) -> Vec<u8>;

/// Asserts that four times as much takes about four times as long, where a square would take sixteen
/// times. What every run takes counts for nothing.
#[track_caller]
fn assert_linear(what: &str, small: Duration, large: Duration) {
    let start = Duration::from_millis(50);
    let (small, large) = (small.saturating_sub(start), large.saturating_sub(start));
    let small = small.max(Duration::from_millis(50));
    assert!(
        large < 9 * small,
        "{what}: {small:?}, and four times as much {large:?}"
    );
}

#[test]
fn bundles_take_time_in_proportion_to_their_events() {
    let folder = Folder::new();
    let cases = [
        ("events", many_events as Maker, 1_000, 0),
        ("equivocations", equivocations, 300, 0),
        ("malformed events", malformed, 1_500, 1),
        ("mirrors", mirrors, 1_000, 0),
    ];
    for (what, make, count, exit) in cases {
        let [small, large] = [count, 4 * count].map(|count| {
            let document = folder.write("bundle.json", &make(count));
            let (ran, taken) = folder.verify(&document);
            ran.exits(exit);
            taken.cpu
        });
        assert_linear(what, small, large);
    }
}

#[test]
fn merging_takes_time_in_proportion_to_the_equivocations() {
    let folder = Folder::new();
    let [small, large] = [300, 1_200].map(|count| {
        let document = folder.write("bundle.json", &equivocations(count));
        let (ran, taken) = folder.merge(&document);
        let ran = ran.exits(0);
        let told = ran
            .stderr
            .lines()
            .filter(|line| line.contains("contradicts itself"));
        assert_eq!(told.count(), count);
        taken.cpu
    });
    assert_linear("equivocations", small, large);
}

/// A home that holds a paper, and that paper's number.
fn home() -> (Home, PithNumber) {
    let home = Home::new();
    let papers = home.beside("papers.jsonl");
    fs::write(&papers, paper(1)).unwrap();
    home.mint_to(&papers, &home.beside("bundle.jsonl"));
    let shown = run(&mut home.pith(["show", "2402.00001", "--json"])).exits(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.text()).unwrap();
    let number = shown["pith_number"].as_str().unwrap().parse().unwrap();
    (home, number)
}

/// Adds so many events on one paper to a ledger.
fn added(count: usize) -> Taken {
    let folder = Folder::new();
    let (home, number) = home();
    let mut events = File::create(folder.path("events.jsonl")).unwrap();
    for n in 0..count {
        let mut making = attestation(n);
        making.draft.subject = number;
        events
            .write_all(&canonical::wire(&making.sign()).unwrap())
            .unwrap();
        events.write_all(b"\n").unwrap();
    }
    let key = folder.write(
        "alice.json",
        &serde_json::to_vec(&WORLD.alice.published()).unwrap(),
    );
    let mut command = home.pith(["event", "add"]);
    command
        .arg(folder.path("events.jsonl"))
        .arg("--key")
        .arg(key);
    let (ran, taken) = folder.measure(&mut command);
    let note = format!("{count} added, 0 already there, 0 refused");
    assert!(ran.exits(0).stderr.contains(&note));
    taken
}

#[test]
fn adding_events_takes_time_in_proportion_to_their_number() {
    assert_linear("events added", added(1_000).cpu, added(4_000).cpu);
}

/// What waits to be written to the ledger is bounded by what it weighs, not by how many there are.
#[test]
fn large_events_do_not_wait_for_many_others() {
    let folder = Folder::new();
    let home = Home::new();
    let line = format!(
        "{{\"event_type\":\"x\",\"pad\":\"{}\"}}\n",
        "x".repeat(4 * MEGABYTE)
    );
    let mut file =
        zstd::Encoder::new(File::create(folder.path("x.jsonl.zst")).unwrap(), 1).unwrap();
    for _ in 0..100 {
        file.write_all(line.as_bytes()).unwrap();
    }
    file.finish().unwrap();
    let mut command = home.pith(["event", "add"]);
    let (ran, taken) = folder.measure(command.arg(folder.path("x.jsonl.zst")));
    let ran = ran.exits(1);
    assert!(ran.stderr.contains("0 added, 0 already there, 100 refused"));
    assert!(taken.peak < 150 * MEGABYTE, "{taken:?}");
}

/// Documents of this many bytes that are JSON or begin as if they were, and what is said of them.
fn huge(bytes: usize) -> Vec<(&'static str, String, &'static str)> {
    let list = |item: &str| {
        let count = bytes / (item.len() + 1);
        format!("[{}{item}]", format!("{item},").repeat(count))
    };
    let nested = |open: &str, close: &str| open.repeat(120) + "0" + &close.repeat(120);
    let unknown = "is neither a bundle";
    let many = "there are more than 16777216 values";
    vec![
        (
            "containers that are never closed",
            "[".repeat(bytes),
            "nested deeper than 128 levels",
        ),
        (
            "objects that are never closed",
            "{\"a\":".repeat(bytes / 5),
            "nested deeper than 128 levels",
        ),
        ("arrays, 120 deep", list(&nested("[", "]")), many),
        ("objects, 120 deep", list(&nested("{\"\":", "}")), many),
        ("a list of numbers", list("0"), many),
        ("a list of empty objects", list("{}"), many),
        ("one string", format!("\"{}\"", "x".repeat(bytes)), unknown),
        (
            "one string of escapes",
            format!("\"{}\"", "\\n".repeat(bytes / 2)),
            unknown,
        ),
        (
            "an object of strings",
            {
                let count = bytes / 16;
                let members: Vec<String> = (0..count).map(|n| format!("\"{n:08}\":\"\"")).collect();
                format!("{{{}}}", members.join(","))
            },
            unknown,
        ),
    ]
}

#[test]
fn huge_documents_are_refused_within_bounds() {
    let folder = Folder::new();
    for (what, text, says) in huge(HUGE) {
        let document = folder.write("huge.json", text.as_bytes());
        drop(text);
        let (ran, taken) = folder.verify(&document);
        let ran = ran.exits(1);
        assert!(ran.text().contains(says), "{what}: {}", ran.text());
        assert!(taken.peak < 1_000 * MEGABYTE, "{what}: {taken:?}");
    }
}

/// An event whose payload holds as many objects as a document may, one in the other.
fn full_event() -> Vec<u8> {
    let deep = (0..98).fold(Json::Null, |inner, _| {
        Json::Object([("a".to_owned(), inner)].into())
    });
    let mut making = attestation(0);
    let count = canonical::MAX_VALUES / (98 * OBJECT_VALUES + 1) - 1;
    if let Payload::Open(Json::Object(members)) = &mut making.draft.payload {
        members.insert("deep".to_owned(), Json::Array(vec![deep; count]));
    }
    canonical::wire(&making.sign()).unwrap()
}

/// What open content is kept in takes the most memory of all.
#[test]
fn open_content_stays_within_bounds() {
    let folder = Folder::new();
    let document = folder.write("event.json", &full_event());
    for (ran, taken) in [folder.verify(&document), folder.merge(&document)] {
        assert!(matches!(ran.code, Some(1 | 4)), "{}", ran.stderr);
        assert!(taken.peak < 3_000 * MEGABYTE, "{taken:?}");
    }
}

#[test]
fn a_limit_is_a_setting_and_says_so() {
    let folder = Folder::new();
    let document = folder.write("bundle.json", &common::published());
    let size = fs::metadata(&document).unwrap().len();
    let verify = |limit: u64| {
        let mut command = pith(["verify", "--max-bytes"]);
        run(command.arg(limit.to_string()).arg(&document))
    };
    verify(size).exits(0);
    let refused = verify(size - 1).exits(1);
    let problem = format!("a document of more than {} bytes", size - 1);
    assert!(refused.stderr.contains(&problem), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("PITH_MAX_BYTES"),
        "{}",
        refused.stderr
    );
    // The variable is heeded where there is no flag.
    let mut command = pith(["verify"]);
    let command = command.arg(&document).env("PITH_MAX_BYTES", "100");
    run(command).exits(1);
    run(command.env("PITH_MAX_BYTES", "")).exits(0);
    run(command.env("PITH_MAX_BYTES", "much")).exits(2);
    let command = command.args(["--max-bytes", "100000"]);
    run(command).exits(0);
}

/// Compressed, a document is as large as it is decompressed.
#[test]
fn what_grows_when_it_is_decompressed_is_refused_too() {
    let folder = Folder::new();
    let text = format!("\"{}\"", "x".repeat(200 * MEGABYTE));
    let document = folder.write(
        "huge.json.zst",
        &zstd::encode_all(text.as_bytes(), 1).unwrap(),
    );
    drop(text);
    let mut command = pith(["verify"]);
    let (ran, taken) = folder.measure(command.arg(&document));
    let ran = ran.exits(1);
    assert!(
        ran.stderr.contains("more than 134217728 bytes"),
        "{}",
        ran.stderr
    );
    assert!(taken.peak < 400 * MEGABYTE, "{taken:?}");
}

/// The figures of `docs/PERFORMANCE.md`.
#[test]
#[ignore = "takes minutes, and gigabytes of memory"]
fn the_figures() {
    let folder = Folder::new();
    let show = |what: &str, bytes: usize, ran: &Ran, taken: Taken| {
        println!(
            "| {what} | {:.0} MB | {} | {:.1} s | {} MB |",
            bytes as f64 / 1e6,
            ran.code.unwrap_or(-1),
            taken.cpu.as_secs_f64(),
            taken.peak / 1_000_000
        );
    };
    println!("| what | size | exit | CPU time | peak memory |\n|---|---|---|---|---|");
    for count in [25_000, 100_000] {
        let document = folder.write("bundle.json", &many_events(count));
        let bytes = fs::metadata(&document).unwrap().len() as usize;
        let (ran, taken) = folder.verify(&document);
        show(
            &format!("`pith verify`, a bundle of {count} events"),
            bytes,
            &ran,
            taken,
        );
        let (ran, taken) = folder.merge(&document);
        show("`pith merge` of it", bytes, &ran, taken);
    }
    for count in [2_500, 10_000] {
        let document = folder.write("bundle.json", &equivocations(count));
        let bytes = fs::metadata(&document).unwrap().len() as usize;
        let (ran, taken) = folder.verify(&document);
        show(
            &format!("`pith verify`, a bundle of {count} equivocations"),
            bytes,
            &ran,
            taken,
        );
        let (ran, taken) = folder.merge(&document);
        show("`pith merge` of it", bytes, &ran, taken);
    }
    for count in [5_000, 20_000] {
        let taken = added(count);
        println!(
            "| `pith event add`, {count} events on one paper | | 0 | {:.1} s | {} MB |",
            taken.cpu.as_secs_f64(),
            taken.peak / 1_000_000
        );
    }
    for (what, text, _) in huge(50_000_000) {
        let document = folder.write("huge.json", text.as_bytes());
        let bytes = text.len();
        drop(text);
        let (ran, taken) = folder.verify(&document);
        show(&format!("`pith verify`, {what}"), bytes, &ran, taken);
    }
    let document = folder.write("event.json", &full_event());
    let bytes = fs::metadata(&document).unwrap().len() as usize;
    let (ran, taken) = folder.verify(&document);
    show(
        "`pith verify`, an event full of objects",
        bytes,
        &ran,
        taken,
    );
}
