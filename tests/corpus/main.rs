//! The conformance corpus: what makes it, and that whoever runs it comes to its verdicts.
//!
//! `tests/conformance` holds what [`corpus`] makes here, from keys that everybody knows and fixed times.
//! Each verdict is written down beside the document, and is not taken from what the program says. To
//! write the files anew: `CONFORMANCE=overwrite cargo test --test corpus the_files`, then read the difference.

#[path = "../common/mod.rs"]
mod common;
#[path = "../keyset/world.rs"]
#[allow(dead_code, reason = "the tests of keysets use all of it")]
mod keyset_world;

mod agreement;
mod bundle_parts;
mod bundles;
mod crafted;
mod events;
mod keyset_rules;
mod keysets;
mod make;
mod merges;
mod payloads;
mod proofs;
mod receipts;
mod records;
mod states;
mod texts;
mod transcripts;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::{pith, repository, run};
use make::Making;
use pith::conformance::{CORPUS_FILE, CaseKind, CaseVerdict, Corpus};
use pith::verify::Code;

fn corpus() -> Making {
    let mut making = Making::default();
    keysets::files(&mut making);
    keyset_rules::files(&mut making);
    texts::make(&mut making);
    records::make(&mut making);
    receipts::make(&mut making);
    events::make(&mut making);
    payloads::make(&mut making);
    proofs::make(&mut making);
    states::make(&mut making);
    bundles::make(&mut making);
    bundle_parts::make(&mut making);
    merges::make(&mut making);
    keysets::make(&mut making);
    keyset_rules::make(&mut making);
    transcripts::make(&mut making);
    making
}

fn folder() -> PathBuf {
    repository("tests/conformance")
}

/// All files below a folder but the page that describes it.
fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            if path.is_dir() {
                open.push(path);
            } else if name != "README.md" {
                files.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_files_are_what_is_made_here() {
    let making = corpus();
    let mut made = making.files.clone();
    made.insert(CORPUS_FILE.to_owned(), making.manifest());
    if std::env::var_os("CONFORMANCE").is_some_and(|how| how == "overwrite") {
        for name in files_below(&folder()).keys() {
            fs::remove_file(folder().join(name)).unwrap();
        }
        for (name, bytes) in &made {
            let path = folder().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let found = files_below(&folder());
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&made));
    for (name, bytes) in &made {
        assert!(found[name] == *bytes, "{name} is not what is made here");
    }
}

/// The corpus is for others too: each kind is in it, sound and unsound, and every code has a meaning.
#[test]
fn every_kind_is_there_good_and_bad() {
    let making = corpus();
    let mut kinds: BTreeMap<CaseKind, BTreeSet<CaseVerdict>> = BTreeMap::new();
    for case in making.cases() {
        kinds.entry(case.kind).or_default().insert(case.verdict);
        for code in case.codes.iter().chain(&case.notes) {
            assert!(code.parse::<Code>().is_ok(), "{}: {code}", case.path);
        }
        assert_eq!(
            case.codes.is_empty(),
            case.verdict == CaseVerdict::Ok,
            "{}",
            case.path
        );
    }
    assert!(making.cases().count() >= 300);
    assert_eq!(kinds.len(), 12);
    for (kind, verdicts) in kinds {
        assert!(verdicts.contains(&CaseVerdict::Bad), "{kind:?}");
        assert!(verdicts.len() >= 2, "{kind:?}");
    }
}

#[test]
fn the_program_comes_to_these_verdicts() {
    let ran = run(pith(["conformance"]).arg(folder()));
    assert_eq!(ran.code, Some(0), "{}{}", ran.text(), ran.stderr);
    let count = corpus().cases().count();
    assert_eq!(
        ran.text(),
        format!("{count} cases: {count} as expected, 0 otherwise\n")
    );
}

#[test]
fn python_comes_to_these_verdicts() {
    let ran = run(common::python::python()
        .arg(repository("tests/python/verify.py"))
        .arg("--corpus")
        .arg(folder()));
    assert_eq!(ran.code, Some(0), "{}{}", ran.text(), ran.stderr);
    let left_out = [CaseKind::Transcript];
    let judged = corpus()
        .cases()
        .filter(|case| !left_out.contains(&case.kind))
        .count();
    let line = format!("{judged} cases: {judged} as expected, 0 otherwise");
    assert!(ran.text().contains(&line), "{}", ran.text());
}

/// A copy of the corpus in which the list is changed.
fn changed(change: impl FnOnce(&mut Corpus)) -> tempfile::TempDir {
    let copy = tempfile::TempDir::new().unwrap();
    for (name, bytes) in files_below(&folder()) {
        let path = copy.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let list = copy.path().join(CORPUS_FILE);
    let mut corpus = Corpus::from_slice(&fs::read(&list).unwrap()).unwrap();
    change(&mut corpus);
    fs::write(list, serde_json::to_vec(&corpus).unwrap()).unwrap();
    copy
}

/// Whoever found nothing wrong with anything would come to those verdicts too, were they all good.
#[test]
fn other_verdicts_codes_notes_values_and_states_are_noticed() {
    let wrong = changed(|corpus| {
        edit(corpus, "bundle/bundle-as-minted.json", |case| {
            case.verdict = CaseVerdict::Bad;
        });
        edit(corpus, "bundle/bundle-with-another-hash.json", |case| {
            case.codes.clear();
        });
        edit(corpus, "bundle/bundle-with-a-timestamp.json", |case| {
            case.notes.clear();
        });
        edit(corpus, "json/empty-object.json", |case| {
            case.gives.insert("sha256".to_owned(), "0".repeat(64));
        });
        edit(corpus, "merge/merge-of-nothing.json", |case| {
            case.state = Some("merge/states/merge-of-a-record-alone.json".to_owned());
        });
    });
    let python = run(common::python::python()
        .arg(repository("tests/python/verify.py"))
        .arg("--corpus")
        .arg(wrong.path()));
    for ran in [run(pith(["conformance"]).arg(wrong.path())), python] {
        let ran = ran.exits(1);
        for what in ["verdict", "codes", "notes", "sha256", "state"] {
            let line = format!("    {what}: expected ");
            assert_eq!(ran.text().matches(&line).count(), 1, "{}", ran.text());
        }
        assert!(
            ran.text().ends_with(" as expected, 5 otherwise\n"),
            "{}",
            ran.text()
        );
    }
}

fn edit(corpus: &mut Corpus, path: &str, change: impl FnOnce(&mut pith::conformance::Case)) {
    let case = corpus.cases.iter_mut().find(|case| case.path == path);
    change(case.unwrap_or_else(|| panic!("{path} is no case")));
}

#[test]
fn a_corpus_that_cannot_be_run_is_no_success() {
    let expect = |change: &dyn Fn(&mut Corpus), said: &str| {
        let folder = changed(|corpus| change(corpus));
        let ran = run(pith(["conformance"]).arg(folder.path())).exits(5);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    };
    expect(&|corpus| corpus.cases.clear(), "lists no case");
    expect(
        &|corpus| corpus.cases[0].path = "../outside.json".to_owned(),
        "no file below",
    );
    expect(
        &|corpus| corpus.cases[0].path = "/etc/hostname".to_owned(),
        "no file below",
    );
    expect(
        &|corpus| corpus.cases[0].path = "json/missing.json".to_owned(),
        "json/missing.json",
    );
    expect(
        &|corpus| corpus.cases[0].given.block_headers = vec!["1".to_owned()],
        "give the height",
    );
    let nothing = tempfile::TempDir::new().unwrap();
    run(pith(["conformance"]).arg(nothing.path())).exits(5);
}
