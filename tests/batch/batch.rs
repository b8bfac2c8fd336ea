//! Runs of `pith mint`: started, stopped, and what they leave behind.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{Home, Ran, run};

/// A process that has not ended after this long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where bundles go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nowhere: only the ledger is written.
    Ledger,
    Lines,
    Zstd,
    Folder,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Ledger, Kind::Lines, Kind::Zstd, Kind::Folder];
    pub const WITH_OUT: [Kind; 3] = [Kind::Lines, Kind::Zstd, Kind::Folder];

    pub fn name(self) -> Option<&'static str> {
        match self {
            Kind::Ledger => None,
            Kind::Lines => Some("out.jsonl"),
            Kind::Zstd => Some("out.jsonl.zst"),
            Kind::Folder => Some("out"),
        }
    }
}

/// One command: `pith mint` of these inputs in this home, with these products.
pub struct Batch {
    pub home: Home,
    pub inputs: Vec<PathBuf>,
    pub out: Option<PathBuf>,
    pub rejects: PathBuf,
    pub options: Vec<&'static str>,
}

impl Batch {
    /// With its products beside the home.
    pub fn new(home: Home, input: &Path, kind: Kind) -> Self {
        Batch {
            inputs: vec![input.to_owned()],
            out: kind.name().map(|name| home.beside(name)),
            rejects: home.beside("rejects.jsonl"),
            options: Vec::new(),
            home,
        }
    }

    pub fn with(mut self, options: &[&'static str]) -> Self {
        self.options.extend(options);
        self
    }

    /// The same command in another home with the same keys and an empty ledger.
    pub fn twin(&self) -> Self {
        self.twin_as(self.home.twin())
    }

    pub fn twin_as(&self, home: Home) -> Self {
        let beside = |path: &PathBuf| home.beside(path.file_name().unwrap().to_str().unwrap());
        Batch {
            inputs: self.inputs.clone(),
            out: self.out.as_ref().map(beside),
            rejects: beside(&self.rejects),
            options: self.options.clone(),
            home,
        }
    }

    /// The same with another place for the bundles.
    pub fn command_to(&self, out: Option<&Path>, rejects: &Path) -> Command {
        let mut command = self.home.mint();
        command.args(&self.inputs).args(&self.options).arg("--json");
        command.arg("--rejects").arg(rejects);
        if let Some(out) = out {
            command.arg("--bundles").arg(out);
        }
        command
    }

    pub fn command(&self) -> Command {
        self.command_to(self.out.as_deref(), &self.rejects)
    }

    pub fn run(&self) -> Ran {
        run(&mut self.command())
    }

    /// Runs it to the end, and what it says it did.
    #[track_caller]
    pub fn completes(&self) -> Summary {
        let ran = self.run();
        let code = ran.code;
        assert!(
            matches!(code, Some(0 | 3)),
            "exit {code:?}, stderr: {}",
            ran.stderr
        );
        let summary = Summary::of(&ran.exits(code.unwrap()));
        assert_eq!(code, Some(if summary.rejected > 0 { 3 } else { 0 }));
        assert_eq!(self.partials(), [""; 0], "nothing is left half done");
        summary
    }

    pub fn start(&self) -> Child {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Starts it and kills it as soon as the ledger holds `records`; it must not be complete then.
    #[track_caller]
    pub fn killed_at(&self, records: u64) {
        let mut child = self.start();
        let started = Instant::now();
        while self.records() < records {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before it could be killed");
            assert!(started.elapsed() < PATIENCE, "it hangs");
            std::thread::sleep(Duration::from_millis(10));
        }
        let ended = stop(child, Signal::KILL);
        assert!(ended.killed(), "it was complete before it could be killed");
    }

    pub fn records(&self) -> u64 {
        let stats = run(&mut self.home.pith(["ledger", "stats", "--json"])).exits(0);
        let stats: Value = serde_json::from_str(&stats.text()).unwrap();
        stats["records"].as_u64().unwrap()
    }

    pub fn dump(&self) -> Vec<u8> {
        run(&mut self.home.pith(["ledger", "dump"])).exits(0).stdout
    }

    /// Asserts that `pith ledger check` finds nothing.
    #[track_caller]
    pub fn assert_sound(&self) {
        let check = run(&mut self.home.pith(["ledger", "check", "--json"])).exits(0);
        let check: Value = serde_json::from_str(&check.text()).unwrap();
        assert_eq!(check["findings"], 0);
        assert_eq!(
            check["events"].as_u64(),
            check["records"].as_u64().map(|n| 2 * n)
        );
    }

    /// Products that still grow, by name.
    pub fn partials(&self) -> Vec<String> {
        let products = self.out.iter().chain([&self.rejects]);
        let partials = products.map(|path| partial_of(path));
        partials
            .filter(|path| path.symlink_metadata().is_ok())
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    /// All that the run has made.
    pub fn products(&self) -> Products {
        Products {
            out: self.out.as_deref().map(files_of).unwrap_or_default(),
            rejects: fs::read(&self.rejects).unwrap(),
            dump: self.dump(),
        }
    }

    /// The lines of all bundles, whatever form they were written in.
    pub fn bundles(&self) -> Vec<u8> {
        bundles_of(self.out.as_deref().unwrap())
    }

    /// Asserts that the ledger holds the first of what it holds in the end, each once; returns how
    /// many there are.
    #[track_caller]
    pub fn assert_on_the_way_to(&self, expected: &Products) -> u64 {
        // The seal of a bundle stands last, and may come later.
        let records = |dump: &[u8]| -> Vec<String> {
            let text = String::from_utf8(dump.to_vec()).unwrap();
            let record = |line: &str| line.rsplit_once(",\"bundle\":").unwrap().0.to_owned();
            text.lines().map(record).collect()
        };
        let (found, whole) = (records(&self.dump()), records(&expected.dump));
        assert!(
            found.len() <= whole.len(),
            "{} records are too many",
            found.len()
        );
        for (place, (found, expected)) in found.iter().zip(&whole).enumerate() {
            assert!(
                found == expected,
                "record {place}: {found}\ninstead of {expected}"
            );
        }
        // What has its final name is whole.
        if let Some(out) = self
            .out
            .as_deref()
            .filter(|out| out.symlink_metadata().is_ok())
        {
            assert!(files_of(out) == expected.out, "OUT is there but not whole");
        }
        if self.rejects.exists() {
            let rejects = fs::read(&self.rejects).unwrap();
            assert!(
                rejects == expected.rejects,
                "the rejects are there but not whole"
            );
        }
        found.len() as u64
    }
}

/// What a run leaves behind.
#[derive(PartialEq, Eq)]
pub struct Products {
    /// By name; the empty name is OUT itself.
    pub out: Vec<(String, Vec<u8>)>,
    pub rejects: Vec<u8>,
    pub dump: Vec<u8>,
}

impl Products {
    /// Asserts that these are the products in `expected`, byte for byte.
    #[track_caller]
    pub fn assert_equal(&self, expected: &Products) {
        let names =
            |products: &Products| -> Vec<_> { products.out.iter().map(|f| f.0.clone()).collect() };
        assert_eq!(names(self), names(expected));
        let mut parts = vec![
            ("rejects".to_owned(), &self.rejects, &expected.rejects),
            ("ledger dump".to_owned(), &self.dump, &expected.dump),
        ];
        for ((name, found), (_, expected)) in self.out.iter().zip(&expected.out) {
            parts.push((format!("OUT/{name}"), found, expected));
        }
        for (name, found, expected) in parts {
            if found != expected {
                let same = found
                    .iter()
                    .zip(expected)
                    .take_while(|(a, b)| a == b)
                    .count();
                panic!(
                    "{name} differs from byte {same} on: {} bytes, expected {}",
                    found.len(),
                    expected.len()
                );
            }
        }
    }
}

/// The file at `path`, or the files in the folder there.
pub fn files_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    if path.is_file() {
        return vec![(String::new(), fs::read(path).unwrap())];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| {
            let bytes = fs::read(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), bytes)
        })
        .collect();
    files.sort();
    files
}

/// The lines of all bundles at `out`.
pub fn bundles_of(out: &Path) -> Vec<u8> {
    let decoded = |bytes: &[u8]| zstd::decode_all(bytes).unwrap();
    let files = files_of(out);
    if let [(name, bytes)] = &files[..]
        && name.is_empty()
    {
        let compressed = out.extension().is_some_and(|ending| ending == "zst");
        return if compressed {
            decoded(bytes)
        } else {
            bytes.clone()
        };
    }
    let shards = files.iter().filter(|(name, _)| name.ends_with(".zst"));
    shards.flat_map(|(_, bytes)| decoded(bytes)).collect()
}

/// The numbers of bundles or records, in their order.
pub fn numbers(lines: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(lines).unwrap();
    let number = |line: &str| {
        let rest = line.split_once("\"pith_number\":\"").unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    text.lines().map(number).collect()
}

/// The name under which `path` grows.
pub fn partial_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// What `pith mint --json` says it did.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    pub minted: u64,
    pub already_minted: u64,
    pub metadata_changed: u64,
    pub deleted: u64,
    pub rejected: u64,
    pub resumed_after: u64,
    pub interrupted: bool,
}

impl Summary {
    #[track_caller]
    pub fn of(ran: &Ran) -> Self {
        let summary: Value = serde_json::from_str(&ran.text()).expect("--json prints an object");
        let count = |name: &str| summary[name].as_u64().unwrap();
        let by_code = summary["rejected"].as_object().unwrap().values();
        Summary {
            minted: count("minted"),
            already_minted: count("already_minted"),
            metadata_changed: count("metadata_changed"),
            deleted: count("deleted"),
            rejected: by_code.map(|n| n.as_u64().unwrap()).sum(),
            resumed_after: count("resumed_after"),
            interrupted: summary["interrupted"].as_bool().unwrap(),
        }
    }

    /// Lines and records that were accounted for, other than deletions.
    pub fn accounted(&self) -> u64 {
        self.minted + self.already_minted + self.metadata_changed + self.rejected
    }
}

/// How a process ended.
pub struct Ended {
    pub signal: Option<i32>,
    pub ran: Ran,
}

impl Ended {
    /// Whether SIGKILL ended it.
    pub fn killed(&self) -> bool {
        self.signal == Some(Signal::KILL.as_raw())
    }
}

/// Sends `signal` to a process, unless it has ended, and waits for its end.
#[track_caller]
pub fn stop(mut child: Child, signal: Signal) -> Ended {
    if child.try_wait().unwrap().is_none() {
        kill_process(Pid::from_child(&child), signal).unwrap();
    }
    let stopped = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(
        stopped.elapsed() < PATIENCE,
        "it went on for {:?}",
        stopped.elapsed()
    );
    let ended = Ended {
        signal: output.status.signal(),
        ran: output.into(),
    };
    assert!(
        !ended.ran.stderr.contains("panicked"),
        "{}",
        ended.ran.stderr
    );
    ended
}

/// The same after `delay`.
#[track_caller]
pub fn stop_after(mut child: Child, delay: Duration, signal: Signal) -> Ended {
    let deadline = Instant::now() + delay;
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(Duration::from_millis(1)));
    }
    stop(child, signal)
}
