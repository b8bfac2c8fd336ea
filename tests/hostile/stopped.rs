//! Runs whose input comes in parts, interrupted in the middle, and those kept out by another one.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{Home, papers, run};
use crate::{assert_sound, ended, input, records};

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    // It may have ended by itself a moment before.
    let _ = kill_process(pid, signal);
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
