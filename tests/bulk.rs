//! Many documents at once: what is reported does not depend on how many threads check them, or on
//! how they are packed.

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Home, Ran, papers, run};
use pith::canonical;
use pith::digest::Digest;
use pith::manifest::ManifestLine;

const COUNT: usize = 300;

/// A home and the bundles of [`COUNT`] papers, one a line.
fn minted() -> (Home, String) {
    let home = Home::new();
    let (input, out) = (home.beside("papers.jsonl"), home.beside("out.jsonl"));
    fs::write(&input, papers(COUNT)).unwrap();
    home.mint_to(&input, &out);
    (home, fs::read_to_string(out).unwrap())
}

fn verify(home: &Home, path: &Path, options: &[&str]) -> Ran {
    run(home.pith(["verify"]).args(options).arg(path))
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

#[test]
fn threads_change_nothing_in_what_is_reported() {
    let (home, bundles) = minted();
    let lines = bundles.lines().enumerate().map(|(n, line)| match n {
        // More than are shown, some alone and some in a row.
        5 | 70..90 | 200 | 290 => line.replacen("/by/4.0/", "/by-sa/4.0/", 1),
        64 => "{\"bundle_type\":".to_owned() + line,
        128 => String::new(),
        _ => line.to_owned(),
    });
    let folder = home.beside("folder");
    fs::create_dir(&folder).unwrap();
    let lines: Vec<_> = lines.collect();
    fs::write(folder.join("a.jsonl"), lines[..150].join("\n")).unwrap();
    fs::write(folder.join("b.jsonl.zst"), b"no zstd at all").unwrap();
    fs::write(folder.join("c.jsonl.zst"), zstd(&lines[150..].join("\n"))).unwrap();
    for options in [
        &[][..],
        &["--json"],
        &["--verbose"],
        &["--json", "--verbose"],
    ] {
        let by = |jobs| verify(&home, &folder, &[options, &["--jobs", jobs]].concat()).exits(5);
        let one = by("1");
        assert!(one.stderr.contains("b.jsonl.zst"), "{}", one.stderr);
        let count = match options.first() {
            Some(&"--json") => {
                r#"{"documents":299,"verified":275,"untrusted":0,"failed":24,"faults":1}"#
            }
            _ => "299 documents: 275 verified, 0 untrusted, 24 failed",
        };
        assert!(one.text().contains(count), "{}", one.text());
        for jobs in ["2", "5"] {
            let many = by(jobs);
            assert_eq!(many.text(), one.text());
            assert_eq!(many.stderr, one.stderr);
        }
    }
    let shown = verify(&home, &folder, &["--jobs", "2"]).text();
    assert_eq!(shown.matches("DOES NOT VERIFY").count(), 20);
    let json = verify(&home, &folder, &["--jobs", "2", "--json"]).text();
    let places = json
        .lines()
        .filter_map(|line| line.split("\"document\":\"").nth(1));
    let places: Vec<_> = places.map(|rest| rest.split('"').next().unwrap()).collect();
    let line = |file: &str, n: usize| format!("{}:{n}", folder.join(file).display());
    let expected = (1..=150).filter(|n| *n != 129).map(|n| line("a.jsonl", n));
    let expected: Vec<_> = expected
        .chain((1..=150).map(|n| line("c.jsonl.zst", n)))
        .collect();
    assert_eq!(places, expected);
}

#[test]
fn frames_one_after_the_other_are_one_file() {
    let (home, bundles) = minted();
    let lines: Vec<&str> = bundles.split_inclusive('\n').collect();
    // A frame may end anywhere, also within a line.
    let three = lines[..3].concat();
    let (head, tail) = three.split_at(20_000);
    let file = home.beside("frames.jsonl.zst");
    fs::write(
        &file,
        [zstd(head), zstd(""), zstd(tail), zstd(lines[3])].concat(),
    )
    .unwrap();
    let ran = verify(&home, &file, &[]).exits(0);
    assert!(
        ran.text().contains("4 documents: 4 verified"),
        "{}",
        ran.text()
    );
}

/// A folder of three shards and the manifest's lines about them.
fn shards(home: &Home, bundles: &str) -> (PathBuf, Vec<ManifestLine>) {
    let folder = home.beside("shards");
    fs::create_dir(&folder).unwrap();
    let lines: Vec<&str> = bundles.split_inclusive('\n').take(7).collect();
    let listed = lines.chunks(3).enumerate().map(|(n, lines)| {
        let shard = format!("bundles-{n:06}.jsonl.zst");
        let bytes = zstd(&lines.concat());
        fs::write(folder.join(&shard), &bytes).unwrap();
        let number = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["pith_number"].as_str().unwrap().parse().unwrap()
        };
        ManifestLine {
            shard,
            count: lines.len() as u64,
            first: number(lines[0]),
            last: number(lines[lines.len() - 1]),
            bytes: bytes.len() as u64,
            sha256: Digest::of(&bytes),
        }
    });
    let listed = listed.collect();
    (folder, listed)
}

fn write_manifest(folder: &Path, lines: &[ManifestLine]) {
    let lines = lines.iter().map(|line| canonical::wire(line).unwrap());
    let text: Vec<u8> = lines
        .flat_map(|line| [line, b"\n".to_vec()].concat())
        .collect();
    fs::write(folder.join("manifest.jsonl"), text).unwrap();
}

#[test]
fn a_folder_is_what_its_manifest_lists() {
    let (home, bundles) = minted();
    let (folder, listed) = shards(&home, &bundles);
    write_manifest(&folder, &listed);
    let first = fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let start = r#"{"shard":"bundles-000000.jsonl.zst","count":3,"first":"pith:2024:"#;
    assert!(first.starts_with(start), "{first}");
    let ran = verify(&home, &folder, &[]).exits(0);
    assert!(
        ran.text().contains("7 documents: 7 verified"),
        "{}",
        ran.text()
    );

    let fault = |change: &dyn Fn(&mut Vec<ManifestLine>), says: &str| {
        let mut lines = listed.clone();
        change(&mut lines);
        write_manifest(&folder, &lines);
        for jobs in ["1", "2"] {
            let ran = verify(&home, &folder, &["--jobs", jobs]).exits(1);
            assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
            // The documents are judged all the same.
            assert!(
                ran.text().contains("7 documents: 7 verified"),
                "{}",
                ran.text()
            );
            assert!(ran.text().contains("; 1 fault of files"), "{}", ran.text());
        }
    };
    let second = folder.join("bundles-000001.jsonl.zst");
    let second = second.display();
    fault(
        &|l| l[1].count = 4,
        &format!("{second} has count 3, but manifest.jsonl lists 4"),
    );
    let bytes = listed[1].bytes;
    let says = format!(
        "{second} has bytes {bytes}, but manifest.jsonl lists {}",
        bytes + 1
    );
    fault(&|l| l[1].bytes += 1, &says);
    let says = format!("{second} has sha256 {}, but", listed[1].sha256);
    fault(&|l| l[1].sha256 = Digest::of(b""), &says);
    let (first, last) = (listed[1].first, listed[1].last);
    let says = format!("{second} has first {first}, but manifest.jsonl lists {last}");
    fault(&|l| l[1].first = last, &says);
    let says = format!("{second} has last {last}, but manifest.jsonl lists {first}");
    fault(&|l| l[1].last = first, &says);
    fault(
        &|l| drop(l.remove(1)),
        &format!("{second} is not listed in manifest.jsonl"),
    );
    let fourth = folder.join("bundles-000003.jsonl.zst");
    let says = format!(
        "{} is listed in manifest.jsonl but not there",
        fourth.display()
    );
    let add = |l: &mut Vec<ManifestLine>| {
        let shard = "bundles-000003.jsonl.zst".to_owned();
        l.push(ManifestLine {
            shard,
            ..l[2].clone()
        });
    };
    fault(&add, &says);
    fault(
        &|l| l.push(l[0].clone()),
        "manifest.jsonl:4: lists bundles-000000.jsonl.zst a second time",
    );

    let good = canonical::wire(&listed[0]).unwrap();
    let with_more = [b"{\"more\":1,", &good[1..]].concat();
    fs::write(
        folder.join("manifest.jsonl"),
        [&good[..], b"\n", &with_more].concat(),
    )
    .unwrap();
    let ran = verify(&home, &folder, &[]).exits(1);
    assert!(
        ran.stderr
            .contains("manifest.jsonl:2: is no line of a manifest"),
        "{}",
        ran.stderr
    );
    assert!(ran.text().contains("7 verified"), "{}", ran.text());

    // On its own it is no document.
    verify(&home, &folder.join("manifest.jsonl"), &[]).exits(1);
}

#[test]
fn a_shard_that_was_cut_is_not_what_was_listed() {
    let (home, bundles) = minted();
    let (folder, listed) = shards(&home, &bundles);
    write_manifest(&folder, &listed);
    let shard = folder.join(&listed[0].shard);
    let whole = fs::read(&shard).unwrap();
    let two = bundles.split_inclusive('\n').take(2).collect::<String>();
    fs::write(&shard, zstd(&two)).unwrap();
    let ran = verify(&home, &folder, &[]).exits(1);
    assert!(ran.stderr.contains("has bytes"), "{}", ran.stderr);
    assert!(ran.stderr.contains("has count 2"), "{}", ran.stderr);
    fs::write(&shard, &whole[..whole.len() - 1]).unwrap();
    verify(&home, &folder, &[]).exits(5);
    fs::remove_file(&shard).unwrap();
    let ran = verify(&home, &folder, &[]).exits(1);
    assert!(
        ran.text().contains("4 documents: 4 verified"),
        "{}",
        ran.text()
    );
}

/// `pith verify --json -`, which has got the bundles and waits for more.
fn waiting(home: &Home, bundles: &str, stdout: Stdio) -> Child {
    let mut command = home.pith(["verify", "--json", "-"]);
    command.stdin(Stdio::piped()).stdout(stdout);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    // It may have ended before it took everything.
    let _ = stdin.write_all(bundles.as_bytes());
    child
}

#[test]
fn what_is_known_is_shown_while_stdin_keeps_one_waiting() {
    let (home, bundles) = minted();
    let mut child = waiting(&home, &bundles, Stdio::piped());
    let stdout = BufReader::new(child.stdout.take().unwrap());
    // The test would wait for ever if it were not so.
    let first = stdout.lines().next().unwrap().unwrap();
    assert!(first.contains("\"document\":\"-:1\""), "{first}");
    drop(child.stdin.take());
    // Nobody reads any more; the verdict stays.
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.exits(0);
}

#[test]
fn a_full_stdout_ends_it_though_stdin_does_not_end() {
    let (home, bundles) = minted();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut child = waiting(&home, &bundles, Stdio::from(full));
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it waits for stdin");
        }
        sleep(Duration::from_millis(10));
    }
    let stdin = child.stdin.take();
    let ran = Ran::from(child.wait_with_output().unwrap()).exits(5);
    assert!(ran.stderr.contains("pith: error: "), "{}", ran.stderr);
    drop(stdin);
}
