//! `docs/BATCH.md` is run as it stands: its commands, scripts and units, in a temporary folder with
//! invented papers. The network is a `curl` that serves invented pages.
//!
//! Before each fence in the document stands a comment that says what it is: `run: NAME` for
//! commands, `file: NAME` for a file. There is no third kind.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Ran, document_blocks, paper, pith, repository, run};
use pith::cli::error::Exit;
use serde_json::Value;
use tempfile::TempDir;

const DOCUMENT: &str = include_str!("../docs/BATCH.md");

/// The rows of the table whose heading begins with `heading`: first cells, without their quotes.
fn first_cells(heading: &str) -> BTreeSet<String> {
    let start = format!("| {heading} |");
    let rows = DOCUMENT
        .lines()
        .skip_while(|line| !line.starts_with(&start));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.split('|').nth(1).unwrap().trim().replace('`', ""))
        .collect()
}

fn members(json: &str) -> BTreeSet<String> {
    let value: Value = serde_json::from_str(json).unwrap();
    value.as_object().unwrap().keys().cloned().collect()
}

/// A record of an arXivRaw page, of the paper that `paper(n)` is.
fn record(n: usize) -> String {
    let kaggle: Value = serde_json::from_str(&paper(n)).unwrap();
    let text = |name: &str| kaggle[name].as_str().unwrap();
    format!(
        "<record><header><identifier>oai:arXiv.org:{id}</identifier>\
         <datestamp>2026-05-17</datestamp></header>\n<metadata>\n\
         <arXivRaw xmlns=\"http://arxiv.org/OAI/arXivRaw/\"><id>{id}</id>\
         <version version=\"v1\"><date>{created}</date></version><title>{title}</title>\
         <authors>{authors}</authors><categories>{categories}</categories>\
         <license>{license}</license><abstract>{summary}</abstract></arXivRaw>\n\
         </metadata>\n</record>\n",
        id = text("id"),
        created = kaggle["versions"][0]["created"].as_str().unwrap(),
        title = text("title"),
        authors = text("authors"),
        categories = text("categories"),
        license = text("license"),
        summary = text("abstract"),
    )
}

fn page(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\">\n\
         <responseDate>2026-05-18T00:00:00Z</responseDate>\n\
         <request verb=\"ListRecords\">https://export.arxiv.org/oai2</request>\n\
         {inner}</OAI-PMH>\n"
    )
}

/// Serves `served/DAY/N`; notes what it was asked.
const CURL: &str = r#"#!/bin/bash
set -eu
printf '%s ' "$@" >>"$SERVED/asked"; echo >>"$SERVED/asked"
n=1
while [ $# -gt 0 ]; do
    case "$1" in
        --output) out="$2"; shift ;;
        from=*) day="${1#from=}" ;;
        resumptionToken=*) token="${1#resumptionToken=}"; day="${token%&*}"; n="${token#*&}" ;;
    esac
    shift
done
cp "$SERVED/$day/$n" "$out"
"#;

/// A machine as the document describes it, in a temporary folder.
struct Machine {
    root: TempDir,
    blocks: BTreeMap<String, String>,
}

impl Machine {
    fn new() -> Self {
        let machine = Machine {
            root: TempDir::new().unwrap(),
            blocks: document_blocks(DOCUMENT),
        };
        for folder in ["lib", "etc", "bin", "stubs", "served", "units"] {
            fs::create_dir(machine.at(folder)).unwrap();
        }
        machine.program("stubs/curl", CURL);
        machine.program(
            "stubs/sleep",
            "#!/bin/sh\necho \"$1\" >>\"$SERVED/slept\"\n",
        );
        for script in ["fetch-day", "mint-day"] {
            machine.program(&format!("bin/{script}"), &machine.file(script));
        }
        let program = Path::new(env!("CARGO_BIN_EXE_pith"));
        std::os::unix::fs::symlink(program, machine.at("bin/pith")).unwrap();
        machine
    }

    /// A machine on which the key is made.
    fn with_key() -> Self {
        let machine = Machine::new();
        machine.run("keys").exits(0);
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn program(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Text of the document with this machine's folders.
    fn here(&self, text: &str) -> String {
        let folder = |path: &str| self.at(path).to_str().unwrap().to_owned();
        text.replace("/var/lib/pith", &folder("lib"))
            .replace("/etc/pith", &folder("etc"))
            .replace("/usr/local/bin", &folder("bin"))
    }

    fn file(&self, name: &str) -> String {
        self.here(&self.blocks[&format!("file: {name}")])
    }

    /// A command in a shell that stops at the first failure, as a process group of its own.
    fn shell(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        let (bin, stubs) = (self.at("bin"), self.at("stubs"));
        let path = format!("{}:{}:/usr/bin:/bin", stubs.display(), bin.display());
        // Of the program the environment is cleared as in every test.
        for (name, value) in pith([""; 0]).get_envs() {
            assert!(value.is_none());
            command.env_remove(name);
        }
        command
            .args(["-euo", "pipefail", "-c", text])
            .current_dir(self.at("lib"))
            .env("PATH", path)
            .env("PITH_HOME", self.at("lib/registry"))
            .env("SERVED", self.at("served"))
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    fn run(&self, name: &str) -> Ran {
        run(&mut self.shell(&self.here(&self.blocks[&format!("run: {name}")])))
    }

    fn serve(&self, day: &str, pages: &[String]) {
        let folder = self.at("served").join(day);
        fs::create_dir_all(&folder).unwrap();
        for (n, inner) in pages.iter().enumerate() {
            let mut inner = inner.clone();
            if n + 1 < pages.len() {
                let next = n + 2;
                inner = inner.replace(
                    "</ListRecords>",
                    &format!(
                        "<resumptionToken\ncursor=\"0\">{day}&amp;{next}</resumptionToken>\n\
                         </ListRecords>"
                    ),
                );
            }
            fs::write(folder.join((n + 1).to_string()), page(&inner)).unwrap();
        }
    }

    /// Everything under the folder of outputs, with its bytes.
    fn outputs(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.at("lib/bundles"), self.at("lib/rejects")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    found.insert(path, bytes);
                }
            }
        }
        found
    }

    fn partials(&self) -> Vec<PathBuf> {
        let paths = self.outputs().into_keys();
        paths
            .filter(|path| path.to_str().unwrap().contains(".partial"))
            .collect()
    }

    fn records(&self) -> u64 {
        let stats = run(&mut self.shell("pith ledger stats --json")).exits(0);
        let stats: Value = serde_json::from_str(&stats.text()).unwrap();
        stats["records"].as_u64().unwrap()
    }
}

fn list(records: impl IntoIterator<Item = String>) -> String {
    let records: String = records.into_iter().collect();
    format!("<ListRecords>\n{records}</ListRecords>\n")
}

/// The summary that a script printed.
fn summary(ran: &Ran) -> Value {
    serde_json::from_str(&ran.text()).unwrap_or_else(|error| panic!("{error}: {}", ran.text()))
}

fn counts(ran: &Ran) -> (u64, u64) {
    let summary = summary(ran);
    let count = |name: &str| summary[name].as_u64().unwrap();
    (count("minted"), count("already_minted"))
}

#[test]
fn every_block_of_the_document_is_dealt_with_here() {
    let blocks = document_blocks(DOCUMENT);
    let names: Vec<_> = blocks.keys().map(String::as_str).collect();
    let known = [
        "file: fetch-day",
        "file: mint-day",
        "file: pith-day.service",
        "file: pith-day.timer",
        "file: pith.cron",
        "run: again",
        "run: day",
        "run: first",
        "run: first-verify",
        "run: keys",
        "run: ledger",
    ];
    assert_eq!(names, known);
    // Blocks by indentation would not be seen.
    let mut fenced = false;
    for line in DOCUMENT.lines() {
        fenced ^= line.starts_with("```");
        let hidden = line.trim_start().starts_with("```") && !line.starts_with("```");
        assert!(fenced || !(line.starts_with("    ") || hidden), "{line}");
    }
}

/// Commands and options in running text are not run; they must at least be there.
#[test]
fn what_the_text_names_exists() {
    let help = |verb: &str| {
        let words = verb.split_whitespace();
        run(pith(words).arg("--help")).exits(0).text()
    };
    let verbs = ["mint", "verify", "ledger backup", "key generate"];
    let all: String = verbs.into_iter().map(help).collect();
    let mut seen = 0;
    for paragraph in DOCUMENT.split("```").step_by(2) {
        for span in paragraph.split('`').skip(1).step_by(2) {
            let words: Vec<_> = span.split_whitespace().collect();
            if words.first() == Some(&"pith") {
                let is_verb = |word: &&&str| word.bytes().all(|b| b.is_ascii_lowercase());
                let verb: Vec<_> = words[1..].iter().take_while(is_verb).copied().collect();
                help(&verb.join(" "));
                seen += 1;
            }
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(all.contains(option), "{span}");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn every_exit_code_is_in_the_table() {
    let all = [
        Exit::Done,
        Exit::Refused,
        Exit::Usage,
        Exit::Rejects,
        Exit::Untrusted,
        Exit::Io,
        Exit::Locked,
        Exit::Interrupted,
    ];
    let numbers = all.map(|exit| (exit as u8).to_string());
    assert_eq!(first_cells("exit"), numbers.into());
}

#[test]
fn the_first_run_does_what_the_document_says() {
    let machine = Machine::with_key();
    let mode = |path: &str| fs::metadata(machine.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("etc/identity.txt"), 0o600);
    assert_eq!(mode("lib/registry/keys/registry-2026.age"), 0o600);
    let mut lines: Vec<_> = (1..=40).map(paper).collect();
    lines[6] = lines[6].replace("\"title\"", "\"heading\"");
    let snapshot = machine.at("lib/arxiv-metadata-oai-snapshot.json");
    fs::write(snapshot, lines.join("\n") + "\n").unwrap();

    let first = machine.run("first").exits(3);
    assert_eq!(counts(&first), (39, 0));
    assert_eq!(members(&first.text()), first_cells("member"));
    let outputs = machine.outputs();
    let at = |path: &str| outputs[&machine.at(path)].clone();
    let manifest = String::from_utf8(at("lib/bundles/first/manifest.jsonl")).unwrap();
    assert_eq!(members(&manifest), first_cells("manifest"));
    assert!(!at("lib/bundles/first/bundles-000000.jsonl.zst").is_empty());
    assert_eq!(
        at("lib/rejects/first.jsonl").split(|b| *b == b'\n').count(),
        2
    );
    assert_eq!(machine.partials(), [""; 0].map(PathBuf::from));
    let verified = machine.run("first-verify").exits(0);
    assert!(verified.text().contains("rejected field.missing\t1"));
    assert!(machine.at("lib/backups/first.db").is_file());

    // Again, to no effect, and without the key.
    let identity = machine.at("etc/identity.txt");
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o644)).unwrap();
    let again = machine.run("first").exits(3);
    assert_eq!(counts(&again), (0, 39));
    assert_eq!(machine.outputs(), outputs);
    machine.run("ledger").exits(0);
    assert!(machine.at("lib/backups/today.db").is_file());

    // OUT that was changed is left alone; a key that others can read does not open.
    fs::write(machine.at("lib/rejects/first.jsonl"), "else\n").unwrap();
    machine.run("first").exits(5);
    fs::remove_dir_all(machine.at("lib/bundles/first")).unwrap();
    machine.run("first").exits(6);
}

#[test]
fn a_day_is_fetched_minted_verified_and_mended() {
    let machine = Machine::with_key();
    let faulty = record(3).replace("title>", "heading>");
    let first = list([record(1), record(2), faulty]);
    machine.serve("2026-05-17", &[first, list([record(4), record(5)])]);

    let day = machine.run("day").exits(3);
    assert_eq!(counts(&day), (4, 0));
    let told = "mint-day: 2026-05-17: 1 rejected, see ";
    assert!(day.stderr.contains(told), "{}", day.stderr);
    let asked = fs::read_to_string(machine.at("served/asked")).unwrap();
    let asked: Vec<_> = asked.lines().collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let first_request = "verb=ListRecords --data metadataPrefix=arXivRaw \
                         --data from=2026-05-17 --data until=2026-05-17";
    assert!(asked[0].contains(first_request), "{asked:?}");
    let next_request = "verb=ListRecords --data-urlencode resumptionToken=2026-05-17&2 ";
    assert!(asked[1].contains(next_request), "{asked:?}");
    let slept = fs::read_to_string(machine.at("served/slept")).unwrap();
    assert_eq!(slept, "20\n");
    assert!(machine.at("lib/pages/2026-05-17/page-0002.xml").is_file());
    assert!(machine.at("lib/backups/ledger-7.db").is_file());
    let outputs = machine.outputs();
    assert_eq!(outputs.len(), 2);

    // Again: nothing is fetched, signed or changed.
    let again = machine.run("day").exits(3);
    assert_eq!(counts(&again), (0, 4));
    assert_eq!(machine.outputs(), outputs);
    let asked = fs::read_to_string(machine.at("served/asked")).unwrap();
    assert_eq!(asked.lines().count(), 2);

    // The day as arXiv gives it out once the fault is mended.
    let first = list([record(1), record(2), record(3)]);
    machine.serve("2026-05-17", &[first, list([record(4), record(5)])]);
    let mended = machine.run("again").exits(0);
    assert_eq!(counts(&mended), (1, 4));
    assert_eq!(machine.records(), 5);

    // A page that is no page goes through the same.
    machine.serve("2026-05-16", &[list([record(8)]).replace("</record>", "")]);
    let script = "fetch-day 2026-05-16; mint-day 2026-05-16";
    let damaged = run(&mut machine.shell(script)).exits(3);
    assert!(damaged.stderr.contains("xml.invalid"), "{}", damaged.stderr);
}

#[test]
fn a_day_without_papers_is_done() {
    let machine = Machine::with_key();
    let none = "<error code=\"noRecordsMatch\">nothing</error>\n";
    machine.serve("2026-05-17", &[none.to_owned()]);
    for _ in 0..2 {
        let ran = machine.run("day").exits(0);
        assert_eq!(counts(&ran), (0, 0));
        // Its bundles are verified like those of any day.
        assert!(ran.stderr.contains("0 documents: "), "{}", ran.stderr);
    }
}

#[test]
fn a_fetch_that_fails_leaves_no_day() {
    let machine = Machine::with_key();
    // The second page is not served.
    machine.serve("2026-05-17", &[list([record(1)]), list([record(2)])]);
    fs::remove_file(machine.at("served/2026-05-17/2")).unwrap();
    machine.run("day").exits(5);
    assert!(!machine.at("lib/pages/2026-05-17").exists());
    // Minting without pages is refused.
    run(&mut machine.shell("mint-day 2026-05-17")).exits(5);
    machine.serve("2026-05-17", &[list([record(1)]), list([record(2)])]);
    assert_eq!(counts(&machine.run("day").exits(0)), (2, 0));
}

#[test]
fn cron_and_its_day() {
    let machine = Machine::with_key();
    let yesterday = run(&mut machine.shell("date -u -d yesterday +%F")).exits(0);
    machine.serve(yesterday.text().trim(), &[list([record(1)])]);
    let table = machine.file("pith.cron");
    let (path, entry) = table.trim_end().split_once('\n').unwrap();
    let path = path.strip_prefix("PATH=").unwrap();
    let fields: Vec<_> = entry.splitn(6, ' ').collect();
    assert!(!fields[5].contains('%'), "cron makes a line break of it");
    let stubs = machine.at("stubs");
    let mut command = machine.shell(fields[5]);
    // Cron sets little else.
    command.env_remove("PITH_HOME");
    command.env("PATH", format!("{}:{path}", stubs.display()));
    assert_eq!(counts(&run(&mut command).exits(0)), (1, 0));
}

const MANY: usize = 12_000;

/// Waits until the ledger of `machine` holds more than `before`.
fn progress(machine: &Machine, before: u64) {
    let since = Instant::now();
    while machine.records() <= before {
        assert!(since.elapsed() < Duration::from_secs(60), "no progress");
        sleep(Duration::from_millis(5));
    }
}

fn signal(child: &std::process::Child, name: &str) {
    let group = format!("-{}", child.id());
    let sent = Command::new("kill")
        .args(["-s", name, "--", &group])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_killed_day_goes_on() {
    let machine = Machine::with_key();
    machine.serve("2026-05-17", &[list((1..=MANY).map(record))]);
    run(&mut machine.shell("fetch-day 2026-05-17")).exits(0);
    let begin = || {
        let mut command = machine.shell("mint-day 2026-05-17");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    // SIGKILL.
    let child = begin();
    progress(&machine, 0);
    // Meanwhile another run is told who holds the ledger.
    let other = run(&mut machine.shell("mint-day 2026-05-17")).exits(5);
    assert!(other.stderr.contains("pid "), "{}", other.stderr);
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    assert!(!machine.at("lib/bundles/2026-05-17.jsonl.zst").exists());
    assert_eq!(machine.partials().len(), 1);
    let killed_at = machine.records();
    assert!(killed_at > 0 && killed_at < MANY as u64, "{killed_at}");

    // SIGTERM, as systemd sends it, to the script and the program.
    let child = begin();
    progress(&machine, killed_at);
    signal(&child, "TERM");
    let stopped = Ran::from(child.wait_with_output().unwrap()).exits(130);
    let stopped = summary(&stopped);
    assert_eq!(stopped["interrupted"], true);
    let stopped_at = machine.records();
    assert!(stopped_at > killed_at && stopped_at < MANY as u64);

    let done = run(&mut machine.shell("mint-day 2026-05-17")).exits(0);
    assert_eq!(summary(&done)["resumed_after"], stopped_at);
    let (minted, already) = counts(&done);
    assert_eq!((minted + already, already), (MANY as u64, stopped_at));
    assert_eq!(machine.partials(), [""; 0].map(PathBuf::from));
    assert_eq!(machine.records(), MANY as u64);
}

#[test]
fn the_units_are_sound() {
    let machine = Machine::new();
    let mut paths = Vec::new();
    for name in ["pith-day.service", "pith-day.timer"] {
        let path = machine.at("units").join(name);
        fs::write(&path, machine.file(name)).unwrap();
        paths.push(path);
    }
    let mut command = Command::new("systemd-analyze");
    command
        .args(["verify", "--recursive-errors=no"])
        .args(&paths);
    let Ok(output) = command.output() else {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: the_units_are_sound: there is no systemd-analyze; {} was not verified",
            repository("docs/BATCH.md").display()
        );
        return;
    };
    let ran = Ran::from(output).exits(0);
    // Directives that are not known are only warned about.
    assert_eq!(ran.stderr, "");
}
