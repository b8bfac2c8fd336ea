//! Bundles and canonical bytes against Python, which shares no code with this toolkit.
//!
//! `PITH_PYTHON` names the interpreter; it must have the package `cryptography`. Without it these
//! tests fail, so that nobody mistakes a test that did not run for one that passed.

mod common;

use std::fs;
use std::path::Path;

use common::python::{assert_python_agrees, python};
use common::{Home, Ran, repository, run};
use pith::canonical::{self, Json};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

fn check_bundles(bundles: &Path, papers: Option<&Path>) -> Ran {
    let mut command = python();
    command
        .arg(repository("tests/python/check_bundles.py"))
        .arg(bundles);
    if let Some(papers) = papers {
        command.arg("--papers").arg(papers);
    }
    run(&mut command)
}

fn minted() -> (Home, String) {
    let home = Home::new();
    let out = home.beside("out.jsonl");
    home.mint_to(&repository("templates/demo/papers.jsonl"), &out);
    let text = fs::read_to_string(out).unwrap();
    (home, text)
}

#[test]
fn minted_bundles_pass_in_python_and_agree_with_their_papers() {
    let (home, text) = minted();
    assert_eq!(text.lines().count(), 12);
    let papers = repository("templates/demo/papers.jsonl");
    let checked = check_bundles(&home.beside("out.jsonl"), Some(&papers)).exits(0);
    assert_eq!(checked.text(), "12 bundles checked, 0 failures\n");
}

#[test]
fn the_published_bundle_passes_in_python() {
    let bundle = repository("tests/vectors/bundle-1706.02379v3.json");
    check_bundles(&bundle, None).exits(0);
}

/// The verifier in Python trusts what it is given, and says by its exit code what that amounts to.
#[test]
fn the_published_bundle_is_judged_in_python() {
    let judge = |trust: &[&str]| {
        let mut command = python();
        command
            .arg(repository("tests/python/verify.py"))
            .args(trust);
        run(command.arg(repository("tests/vectors/bundle-1706.02379v3.json")))
    };
    let key = repository("keys/pith.science.json");
    let named = format!("{}=pith.science", key.display());
    let ran = judge(&["--trust", &named]).exits(0);
    assert!(ran.text().ends_with(": ok\n"), "{}", ran.text());
    // A key that is trusted without a name does not speak for a registry whose key is built in.
    for trust in [&[][..], &["--trust", key.to_str().unwrap()]] {
        let ran = judge(trust).exits(4);
        assert!(
            ran.text().ends_with(": untrusted key.trust\n"),
            "{}",
            ran.text()
        );
    }
    let other = ["--expect", "pith:2017:AAAAAAAAAAAAAAAAAAAAAAAAAA"];
    let ran = judge(&other).exits(1);
    assert!(
        ran.text().ends_with(": bad number.expected\n"),
        "{}",
        ran.text()
    );
}

/// A check that finds no fault in anything would pass the tests above too.
#[test]
fn tampered_bundles_fail_in_python() {
    let (home, text) = minted();
    let first = text.lines().next().unwrap();
    let tampered = home.beside("tampered.jsonl");
    for (from, to) in [
        ("\"license\":\"http", "\"license\":\"https"),
        ("\"version\":1", "\"version\":2"),
        ("\"authors_text\":\"", "\"authors_text\":\"Somebody Else, "),
        ("\"built_at\":\"2026", "\"built_at\":\"2027"),
        ("\"status\":\"primary\"", "\"status\":\"secondary\""),
        ("\"equivocation_count\":0", "\"equivocation_count\":1"),
        ("\"signature_b64\":\"", "\"signature_b64\":\"AAAA"),
        ("{\"bundle_type\"", "{ \"bundle_type\""),
    ] {
        let changed = first.replacen(from, to, 1);
        assert_ne!(changed, first, "{from}");
        fs::write(&tampered, changed + "\n").unwrap();
        let checked = check_bundles(&tampered, None).exits(1);
        assert!(!checked.text().contains(" 0 failures"), "{from}");
    }
}

#[test]
fn bundles_of_other_papers_fail_in_python() {
    let (home, _) = minted();
    let papers = fs::read_to_string(repository("templates/demo/papers.jsonl")).unwrap();
    let changed = home.beside("changed.jsonl");
    fs::write(&changed, papers.replacen("teapot", "kettle", 1)).unwrap();
    let checked = check_bundles(&home.beside("out.jsonl"), Some(&changed)).exits(1);
    assert!(
        checked.text().contains("title_canon_sha256"),
        "{}",
        checked.text()
    );
}

#[test]
fn python_writes_the_same_canonical_bytes_for_chosen_texts() {
    let every_ascii: String = (0..128_u8)
        .map(|byte| format!("\"\\u{byte:04x}\":{byte}"))
        .collect::<Vec<_>>()
        .join(",");
    let texts = [
        &format!("{{{every_ascii}}}"),
        "{\"\u{ffff}\":1,\"\u{10000}\":2,\"\\ud83d\\ude00\":3,\"\u{e000}\":4,\"\u{d7ff}\":5}",
        "[0,-1,9223372036854775807,9223372036854775808,18446744073709551615,-9223372036854775808]",
        "[0.0,-0.0,1.0,0.1,1e-05,0.0001,1e+16,5e-324,1.7976931348623157e+308,123456789.125]",
        "\"\u{7f}\u{80}\u{2028}\u{2029}\u{feff}\u{fffd}\"",
        "{\"aa\":1,\"a\":2,\"\":3,\"A\":4,\"é\":5,\"e\u{301}\":6,\"~\":7}",
        " { \"b\" : [ ] , \"a\" : { } } ",
        "[null,true,false,\"\\/\"]",
        "{\"x\":{\"x\":{\"x\":{\"b\":1,\"a\":[{\"d\":1,\"c\":2}]}}}}",
    ]
    .map(str::to_owned);
    assert_eq!(assert_python_agrees(&texts), texts.len());
}

/// A document as somebody might write it: members in any order, any escapes, any white space.
fn spelled(value: &Json, choice: &mut impl FnMut(usize) -> usize) -> String {
    let space = [" ", "", "\n", "\t"][choice(4)];
    let body = match value {
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spelled(item, choice)).collect();
            format!("[{space}{}]", items.join(","))
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{}{space}:{}",
                        spelled_text(key, choice),
                        spelled(value, choice)
                    )
                })
                .collect();
            if !members.is_empty() {
                let by = choice(members.len());
                members.rotate_left(by);
            }
            format!("{{{}{space}}}", members.join(","))
        }
        Json::String(text) => spelled_text(text, choice),
        scalar => String::from_utf8(canonical::to_vec(scalar).unwrap()).unwrap(),
    };
    format!("{space}{body}{space}")
}

fn spelled_text(text: &str, choice: &mut impl FnMut(usize) -> usize) -> String {
    let mut spelled = String::from("\"");
    for character in text.chars() {
        if character < ' ' || matches!(character, '"' | '\\') || choice(3) == 0 {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                spelled.push_str(&match choice(2) {
                    0 => format!("\\u{unit:04x}"),
                    _ => format!("\\u{unit:04X}"),
                });
            }
        } else {
            spelled.push(character);
        }
    }
    spelled + "\""
}

fn values() -> impl Strategy<Value = Json> {
    let text = || proptest::collection::vec(any::<char>(), 0..5);
    let text = move || text().prop_map(|all| all.into_iter().collect::<String>());
    let float = any::<f64>().prop_filter("JSON has no others", |x| x.is_finite());
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Int),
        any::<u64>().prop_map(|n| i64::try_from(n).map_or(Json::UInt(n), Json::Int)),
        float.prop_map(Json::Float),
        (-1000..1000_i32, -30..30_i32)
            .prop_map(|(digits, power)| Json::Float(f64::from(digits) * 10_f64.powi(power))),
        text().prop_map(Json::String),
    ];
    scalar.prop_recursive(5, 50, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            proptest::collection::btree_map(text(), inner, 0..8).prop_map(Json::Object),
        ]
    })
}

#[test]
fn python_writes_the_same_canonical_bytes_for_generated_documents() {
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..3000)
        .map(|_| {
            let value = values().new_tree(&mut runner).unwrap().current();
            let mut rng = runner.new_rng();
            spelled(&value, &mut |n| rng.random_range(0..n))
        })
        .collect();
    assert_eq!(assert_python_agrees(&texts), texts.len());
}

/// Texts that are JSON or nearly so: whatever is accepted here is the same to Python.
#[test]
fn python_accepts_what_the_strict_reader_accepts() {
    let pattern = r#"[\[{]?("[a-b]"|"\\u00[0-7][0-9a-f]"|-?[0-9]{1,3}(\.[0-9]{1,2})?([eE][+-]?[0-9]{1,2})?|null|[\[\]{}:, ]){1,6}[\]}]?"#;
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..20_000)
        .map(|_| pattern.new_tree(&mut runner).unwrap().current())
        .collect();
    let compared = assert_python_agrees(&texts);
    assert!(compared > 500, "only {compared} texts were accepted");
}
