//! Documents that nobody has thought about: whatever the program finds of them, Python finds too.

use std::collections::BTreeSet;
use std::fs;

use pith::canonical;
use pith::conformance::{
    CORPUS_FILE, Case, CaseKind, Corpus, CorpusType, CorpusVersion, Given, judge,
};
use pith::keys::TrustedKeys;
use pith::keyset::Chain;
use pith::verify::{Policy, Trust};
use serde_json::{Value, json};

use super::bundles::full;
use super::common::python::python;
use super::common::{repository, run};
use super::corpus;
use super::keyset_rules::{signed, value_of};
use super::keyset_world as kw;
use super::make::NOW;
use super::world::*;

/// What the verifier has: the text of a list of keys or a keyset, and the same as it is trusted.
struct Trusted {
    text: Vec<u8>,
    trust: Trust,
}

/// Everybody but the stranger.
fn everybody() -> Trusted {
    let keys: Vec<Value> = [ONE, TWO, ALICE, BOB].iter().map(trusted).collect();
    let text = canonical::to_vec(&trusted_keys(&keys)).unwrap();
    let mut trust = Trust::new();
    trust.add("the list", TrustedKeys::from_slice(&text).unwrap());
    Trusted { text, trust }
}

/// Asserts that Python comes to the program's verdict, codes, notes and states for all of these.
fn agree(kind: CaseKind, trusted: &Trusted, documents: &[(String, Value)]) {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("trusted.json"), &trusted.text).unwrap();
    let policy = Policy {
        trust: &trusted.trust,
        expect: None,
        at: None,
        now: NOW.parse().unwrap(),
    };
    let mut cases = Vec::new();
    for (number, (shows, document)) in documents.iter().enumerate() {
        let path = format!("{number}.json");
        let text = canonical::to_vec(document).unwrap();
        let found = judge(kind, &text, false, &policy);
        fs::write(folder.path().join(&path), text).unwrap();
        let state = found.state.map(|state| {
            let path = format!("{number}.state");
            fs::write(folder.path().join(&path), state).unwrap();
            path
        });
        cases.push(Case {
            path,
            kind,
            shows: shows.clone(),
            given: Given {
                keyset: Some("trusted.json".to_owned()),
                ..Given::default()
            },
            verdict: found.verdict,
            codes: found.codes,
            notes: found.notes,
            gives: found.gives,
            state,
        });
    }
    let corpus = Corpus {
        corpus_type: CorpusType,
        schema_version: CorpusVersion,
        now: NOW.parse().unwrap(),
        cases,
    };
    let list = serde_json::to_vec(&corpus).unwrap();
    fs::write(folder.path().join(CORPUS_FILE), list).unwrap();
    let ran = run(python()
        .arg(repository("tests/python/verify.py"))
        .arg("--corpus")
        .arg(folder.path()));
    assert_eq!(ran.code, Some(0), "{}{}", ran.text(), ran.stderr);
}

/// The places of all values below the top of a document.
fn places(document: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| {
        let place = format!("/{name}");
        let inner = places(value)
            .into_iter()
            .map(|inner| format!("{place}{inner}"));
        std::iter::once(place.clone())
            .chain(inner)
            .collect::<Vec<_>>()
    };
    match document {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| below(name, value))
            .collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, value)| below(&index.to_string(), value))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Another value of the same type, if there is one.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => json!("x"),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_u64().unwrap_or_default() + 1),
        Value::String(text) => {
            // The last character of a hash, an id, a time or a name becomes another one like it.
            let (head, last) =
                text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
            let next = match last {
                "Z" => return json!(text.replacen('0', "1", 1)),
                "" => "x",
                "0" => "1",
                "a" => "b",
                "A" => "B",
                last if last.starts_with(|c: char| c.is_ascii_digit()) => "0",
                last if last.starts_with(|c: char| c.is_ascii_uppercase()) => "A",
                _ => "a",
            };
            json!(format!("{head}{next}"))
        }
        Value::Array(items) => match items.split_first() {
            Some((first, rest)) => json!([rest, &[first.clone(), first.clone()]].concat()),
            None => json!([null]),
        },
        Value::Object(members) => {
            let mut members = members.clone();
            members.insert("more".to_owned(), Value::Null);
            Value::Object(members)
        }
    }
}

fn sealed_again(document: &Value) -> Value {
    match document
        .pointer("/bundle_signature/signature_b64")
        .is_some()
        && document.pointer("/state/state_sha256").is_some()
    {
        true => rebundled(document, &ONE),
        false => document.clone(),
    }
}

/// Every value of a bundle in turn is changed or taken out, with the registry's seal or without.
#[test]
fn python_agrees_about_bundles_changed_anywhere() {
    let base = full();
    let mut documents = Vec::new();
    for (index, place) in places(&base).into_iter().enumerate() {
        let changed = with(&base, &place, other(base.pointer(&place).unwrap()));
        let (how, document) = match index % 4 {
            0 => ("changed", changed),
            1 | 2 => ("changed and sealed", sealed_again(&changed)),
            _ => (
                "taken out and sealed",
                sealed_again(&without(&base, &place)),
            ),
        };
        documents.push((format!("{place} {how}"), document));
    }
    assert!(documents.len() > 500, "{}", documents.len());
    agree(CaseKind::Bundle, &everybody(), &documents);
}

/// The same with every value of an event of each type, changed and taken out, signed anew and not.
#[test]
fn python_agrees_about_events_changed_anywhere() {
    let mut documents = Vec::new();
    for kind in ["record_created", "graph_snapshot"]
        .into_iter()
        .chain(OTHERS)
    {
        let (who, base) = sample(kind);
        for place in places(&base) {
            let changed = with(&base, &place, other(base.pointer(&place).unwrap()));
            let less = without(&base, &place);
            if !place.starts_with("/signature") {
                documents.push((
                    format!("{kind} {place} signed anew"),
                    sealed(&changed, &who),
                ));
                documents.push((format!("{kind} {place} taken out"), sealed(&less, &who)));
            }
            documents.push((format!("{kind} {place}"), changed));
        }
    }
    assert!(documents.len() > 500, "{}", documents.len());
    agree(CaseKind::Event, &everybody(), &documents);
}

/// The same with every value of a keyset, which follows from the one that the verifier has, signed anew by
/// its custodians and not.
#[test]
fn python_agrees_about_keysets_changed_anywhere() {
    let held = kw::second();
    let mut trust = Trust::new();
    let chain = Chain::begin(held.clone()).unwrap();
    trust.add_keyset("the keyset", chain, "logs".into());
    let trusted = Trusted {
        text: canonical::to_vec(&held).unwrap(),
        trust,
    };
    let base = value_of(&kw::third());
    let by = [kw::B, kw::C];
    let mut documents = Vec::new();
    for place in places(&base) {
        let changed = with(&base, &place, other(base.pointer(&place).unwrap()));
        let less = without(&base, &place);
        if !place.starts_with("/signatures") {
            documents.push((format!("{place} signed anew"), signed(&changed, &by)));
            documents.push((format!("{place} taken out"), signed(&less, &by)));
        }
        documents.push((place, changed));
    }
    assert!(documents.len() > 200, "{}", documents.len());
    agree(CaseKind::Keyset, &trusted, &documents);
}

/// Numbers that look random and are the same every time.
struct Choice(u64);

impl Choice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Sets of events drawn from all that the corpus merges, in any order and number.
#[test]
fn python_merges_any_mix_of_events_into_the_same_state() {
    let making = corpus();
    let mut pool = Vec::new();
    let mut seen = BTreeSet::new();
    for case in making.cases().filter(|case| case.state.is_some()) {
        let set: Value = serde_json::from_slice(&making.files[&case.path]).unwrap();
        for event in set["events"].as_array().unwrap() {
            if seen.insert(event.to_string()) {
                pool.push(event.clone());
            }
        }
    }
    assert!(pool.len() >= 80, "{}", pool.len());
    let keys = [ONE.object(), TWO.object(), ALICE.named(), BOB.named()];
    let mut choice = Choice(20_261_126);
    let documents: Vec<_> = (0..400)
        .map(|number| {
            let count = 1 + choice.below(24);
            let events: Vec<Value> = (0..count)
                .map(|_| pool[choice.below(pool.len())].clone())
                .collect();
            let mut set = merge_set(&events, &keys);
            if number % 3 == 0 {
                let early = aliases_of(&record(), "2026-05-01T00:00:00Z");
                let late = aliases_of(&record(), "2026-07-01T00:00:00Z");
                let both = [
                    late.as_array().unwrap().as_slice(),
                    &early.as_array().unwrap()[..3],
                ];
                set["source_aliases"] = json!(both.concat());
            }
            (format!("mix {number}"), set)
        })
        .collect();
    agree(CaseKind::Merge, &everybody(), &documents);
}
