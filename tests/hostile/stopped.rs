//! Runs that are killed, interrupted, or kept out by another one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use proptest::test_runner::TestRunner;
use rand::RngExt as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{Home, papers, run};
use crate::{assert_sound, ended, input, records};

/// `pith mint` of `input` to `out`, started and not waited for.
fn start(home: &Home, input: &Path, out: &Path) -> Child {
    let mut command = home.mint();
    command.arg(input).arg("--bundles").arg(out);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    // It may have ended by itself a moment before.
    let _ = kill_process(pid, signal);
}

/// The names of the files beside `out` that begin as it does, less its own.
fn left_over(out: &Path) -> Vec<String> {
    let name = out.file_name().unwrap().to_str().unwrap();
    let entries = fs::read_dir(out.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|found| found.starts_with(name) && found != name)
        .collect()
}

/// Killed at moments all over a run, then run to the end: as if nothing had happened.
#[test]
fn a_killed_mint_goes_on_as_if_nothing_had_happened() {
    // More than go into one transaction.
    const PAPERS: u64 = 400;
    let undisturbed = Home::new();
    let papers = input(&undisturbed, PAPERS as usize);
    let expected = undisturbed.beside("out.jsonl");
    let started = Instant::now();
    undisturbed.mint_to(&papers, &expected);
    let whole = started.elapsed();
    let expected = fs::read(expected).unwrap();

    let (mut killed, mut half_way) = (0, 0);
    let mut rng = TestRunner::deterministic().new_rng();
    for _ in 0..100 {
        let home = undisturbed.twin();
        let out = home.beside("out.jsonl");
        // Some runs are killed more than once.
        for _ in 0..rng.random_range(1..4) {
            let child = start(&home, &papers, &out);
            std::thread::sleep(whole.mul_f64(rng.random_range(0.02..0.8)));
            signal(&child, Signal::KILL);
            if ended(child).code.is_some() || out.exists() {
                break;
            }
            killed += 1;
            let minted = records(&home);
            half_way += usize::from(minted > 0 && minted < PAPERS);
        }
        home.mint_to(&papers, &out);
        assert!(fs::read(&out).unwrap() == expected);
        assert_eq!(left_over(&out), [""; 0]);
        assert_sound(&home, PAPERS);
        if killed >= 20 && half_way >= 1 {
            // And once more: nothing is left to do.
            let again = run(home.mint().arg(&papers).arg("--bundles").arg(&out)).exits(0);
            let summary = format!("0 minted, {PAPERS} already minted");
            assert!(again.stderr.contains(&summary), "{}", again.stderr);
            return;
        }
    }
    panic!("only {killed} runs were killed in time, {half_way} of them half way");
}

#[test]
fn a_killed_mint_into_a_folder_goes_on_too() {
    const PAPERS: usize = 600;
    let undisturbed = Home::new();
    let papers = input(&undisturbed, PAPERS);
    let expected = undisturbed.beside("out");
    let started = Instant::now();
    undisturbed.mint_to(&papers, &expected);
    let whole = started.elapsed();
    let shard = |out: &Path| fs::read(out.join("bundles-000000.jsonl.zst")).unwrap();

    let home = undisturbed.twin();
    let out = home.beside("out");
    for part in [0.3, 0.6] {
        let child = start(&home, &papers, &out);
        std::thread::sleep(whole.mul_f64(part));
        signal(&child, Signal::KILL);
        if ended(child).code.is_none() {
            assert!(!out.exists(), "a half folder has the final name");
        }
    }
    home.mint_to(&papers, &out);
    assert!(shard(&out) == shard(&expected));
    assert_eq!(left_over(&out), [""; 0]);
    assert_sound(&home, PAPERS as u64);
}

/// A child whose input is written paper by paper, so that it is in the middle of a run for sure.
struct Fed {
    child: Child,
    stdin: Option<ChildStdin>,
}

fn feed(home: &Home, out: &Path, first: usize) -> Fed {
    let mut command = home.mint();
    command.args(["-", "--json", "--bundles"]).arg(out);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(papers(first).as_bytes()).unwrap();
    stdin.flush().unwrap();
    Fed {
        child,
        stdin: Some(stdin),
    }
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it never came to it"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupted_mint_ends_with_130_and_what_it_reports_is_in_the_ledger() {
    for stop in [Signal::INT, Signal::TERM] {
        let home = Home::new();
        let out = home.beside("out.jsonl");
        let mut fed = feed(&home, &out, 300);
        wait_until(|| records(&home) > 0);
        signal(&fed.child, stop);
        std::thread::sleep(Duration::from_millis(100));
        fed.stdin = None;
        let ran = ended(fed.child).exits(130);
        let summary: Value = serde_json::from_str(&ran.text()).unwrap();
        assert_eq!(summary["interrupted"], true);
        let minted = summary["minted"].as_u64().unwrap();
        assert!(minted > 0);
        assert_sound(&home, minted);
        assert!(
            !out.exists(),
            "what is not complete does not have the final name"
        );

        // The run goes on where it was interrupted.
        let papers = input(&home, 300);
        home.mint_to(&papers, &out);
        assert_sound(&home, 300);
        let undisturbed = home.twin();
        let expected = undisturbed.beside("out.jsonl");
        undisturbed.mint_to(&papers, &expected);
        assert!(fs::read(&out).unwrap() == fs::read(expected).unwrap());
    }
}

#[test]
fn a_second_minter_names_the_first() {
    let home = Home::new();
    let out = home.beside("out.jsonl");
    let mut fed = feed(&home, &out, 300);
    wait_until(|| records(&home) > 0);
    let papers = input(&home, 3);
    let second = run(home.mint().arg(&papers)).exits(5);
    let holder = format!("pid {}", fed.child.id());
    assert!(second.stderr.contains(&holder), "{}", second.stderr);
    // Reading goes on meanwhile.
    run(&mut home.pith(["show", "2402.00001"])).exits(0);
    run(home.pith(["mint", "--dry-run"]).arg(&papers)).exits(0);
    fed.stdin = None;
    ended(fed.child).exits(0);
    run(home.mint().arg(&papers)).exits(0);
    assert_sound(&home, 300);
}

/// A lock file that a killed process left behind holds nobody up.
#[test]
fn the_lock_of_a_killed_minter_is_free() {
    let home = Home::new();
    let fed = feed(&home, &home.beside("out.jsonl"), 1);
    let lock = home.dir().join("ledger.db.lock");
    wait_until(|| fs::read_to_string(&lock).is_ok_and(|text| text.contains("pid ")));
    signal(&fed.child, Signal::KILL);
    assert_eq!(ended(fed.child).code, None);
    let papers = input(&home, 3);
    run(home.mint().arg(papers)).exits(0);
    assert_sound(&home, 3);
}

#[test]
fn a_reader_that_leaves_does_not_stop_a_mint_from_being_sound() {
    let home = Home::new();
    let papers = input(&home, 600);
    let mut command = home.mint();
    command.arg(&papers).args(["--bundles", "-"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let ran = ended(child);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
    let held = records(&home);
    assert_sound(&home, held);
}
