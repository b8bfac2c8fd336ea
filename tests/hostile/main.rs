//! Minting and reading under conditions that nobody wishes for: interrupted runs, two minters at
//! once, output that does not fit, folders that cannot be written to, damaged input. What `pith
//! mint` goes through with large inputs stands in `tests/batch`.

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod disk;
mod stopped;

use std::fs;
use std::path::PathBuf;
use std::process::Child;

use common::{Home, Ran, papers, run};
use serde_json::Value;

fn input(home: &Home, count: usize) -> PathBuf {
    let path = home.beside("papers.jsonl");
    fs::write(&path, papers(count)).unwrap();
    path
}

fn ended(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

fn records(home: &Home) -> u64 {
    let stats = run(&mut home.pith(["ledger", "stats", "--json"])).exits(0);
    let stats: Value = serde_json::from_str(&stats.text()).unwrap();
    stats["records"].as_u64().unwrap()
}

fn assert_sound(home: &Home, count: u64) {
    assert_eq!(records(home), count);
    let check = run(&mut home.pith(["ledger", "check", "--json"])).exits(0);
    let check: Value = serde_json::from_str(&check.text()).unwrap();
    assert_eq!(check["records"], count);
    assert_eq!(check["events"], 2 * count);
    assert_eq!(check["findings"], 0);
}
