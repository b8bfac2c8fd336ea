//! No change to the published bundle goes unnoticed.

use pith::keys::TrustedKeys;
use pith::time::Timestamp;
use pith::verify::{Outcome, Policy, Trust, Verdict, verify_document};
use serde_json::{Map, Value};

fn published() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/bundle-1706.02379v3.json"
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn built_in() -> Trust {
    let mut trust = Trust::new();
    trust.add("the built-in keyset", TrustedKeys::built_in());
    trust
}

fn verdict(bytes: &[u8], trust: &Trust) -> Verdict {
    let policy = Policy {
        trust,
        expect: None,
        at: None,
        now: "2026-12-01T00:00:00Z".parse().unwrap(),
    };
    verify_document(bytes, &policy).verdict()
}

/// Every place in a value, as the keys and indices that lead to it.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                places(value, &format!("{here}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The values of objects that types declare in another order than the sorted one.
fn in_wire_order(members: &Map<String, Value>) -> Option<Value> {
    const ORDERS: [&[&str]; 4] = [
        &["resolver", "bundle", "state", "well_known_bundle"],
        &[
            "signer_id",
            "signer_type",
            "key_id",
            "public_key_fingerprint",
        ],
        &["kind", "id", "version"],
        &["alias_kind", "alias_value", "created_at"],
    ];
    let order = ORDERS.iter().find(|order| {
        order.len() == members.len() && order.iter().all(|k| members.contains_key(*k))
    })?;
    Some(Value::from(
        order
            .iter()
            .map(|key| members[*key].clone())
            .collect::<Vec<_>>(),
    ))
}

/// Other values that could stand in the place of `value`.
fn mutants(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![Value::from(""), Value::from("2026-01-01T00:00:00Z")],
        Value::Bool(truth) => vec![Value::Bool(!truth)],
        Value::Number(number) => {
            let n = number.as_i64().unwrap();
            vec![
                Value::from(n + 1),
                Value::from(n - 1),
                Value::from(n.to_string()),
                Value::from(n as f64),
            ]
        }
        Value::String(text) => {
            let mut all = vec![Value::Null, Value::from(format!("{text} ")), Value::from(1)];
            // Each character in turn becomes another of its own kind, so that forms still hold.
            for (at, c) in text.char_indices() {
                let other = match c {
                    '0'..='8' => char::from(c as u8 + 1),
                    '9' => '0',
                    'a'..='y' | 'A'..='Y' => char::from(c as u8 + 1),
                    'z' => 'a',
                    'Z' => 'A',
                    '_' => '-',
                    _ => '_',
                };
                let mut changed = text.clone();
                changed.replace_range(at..at + c.len_utf8(), &other.to_string());
                all.push(Value::from(changed));
            }
            if text.to_uppercase() != *text {
                all.push(Value::from(text.to_uppercase()));
            }
            all
        }
        Value::Array(items) => {
            let mut longer = items.clone();
            longer.push(items.first().cloned().unwrap_or(Value::from("x")));
            let mut all = vec![Value::from(longer), Value::Null];
            if !items.is_empty() {
                all.push(Value::from(items[1..].to_vec()));
                let mut reversed = items.clone();
                reversed.reverse();
                if reversed != *items {
                    all.push(Value::from(reversed));
                }
            }
            all
        }
        Value::Object(members) => {
            let with = |key: &str, value: Value| {
                let mut changed: Map<String, Value> = members.clone();
                changed.insert(key.to_owned(), value);
                Value::from(changed)
            };
            let mut all = vec![
                Value::Null,
                with("added", Value::Null),
                with("zzz", Value::from(1.5)),
            ];
            for key in members.keys() {
                let mut changed = members.clone();
                changed.remove(key);
                all.push(Value::from(changed));
            }
            // Its values as an array, in the order in which it is sorted or published.
            all.push(Value::from(members.values().cloned().collect::<Vec<_>>()));
            all.extend(in_wire_order(members));
            all
        }
    }
}

#[test]
fn the_published_bundle_verifies_under_the_built_in_key_only() {
    let bytes = serde_json::to_vec(&published()).unwrap();
    assert_eq!(verdict(&bytes, &built_in()), Verdict::Verified);
    assert_eq!(verdict(&bytes, &Trust::new()), Verdict::Untrusted);
}

#[test]
fn every_change_to_every_value_is_noticed() {
    let (bundle, trust) = (published(), built_in());
    let mut all = Vec::new();
    places(&bundle, "", &mut all);
    let mut tried = 0;
    for place in all {
        let unauthenticated = place == "/bundle_signature/signed_at";
        for mutant in mutants(bundle.pointer(&place).unwrap()) {
            let mut changed = bundle.clone();
            *changed.pointer_mut(&place).unwrap() = mutant.clone();
            // No hash covers this one: a later time of the right form goes through.
            if unauthenticated
                && mutant.as_str().is_some_and(|text| {
                    text.parse::<pith::time::TimestampMicros>()
                        .is_ok_and(|time| {
                            time.seconds() >= "2026-06-02T23:05:23Z".parse::<Timestamp>().unwrap()
                        })
                })
            {
                continue;
            }
            let bytes = serde_json::to_vec(&changed).unwrap();
            assert_eq!(
                verdict(&bytes, &trust),
                Verdict::Failed,
                "{place} = {mutant}"
            );
            tried += 1;
        }
    }
    assert!(tried > 5_000, "only {tried} changes were tried");
}

#[test]
fn a_later_signed_at_is_said_not_to_be_authenticated() {
    let mut bundle = published();
    bundle["bundle_signature"]["signed_at"] = Value::from("2030-01-01T00:00:00.000000Z");
    let trust = built_in();
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
        now: "2026-12-01T00:00:00Z".parse().unwrap(),
    };
    let report = verify_document(&serde_json::to_vec(&bundle).unwrap(), &policy);
    assert_eq!(report.verdict(), Verdict::Verified);
    assert!(report.checks.iter().any(|check| {
        check.code.as_str() == "bundle.signed-at"
            && check.outcome == Outcome::Ok
            && check.message.contains("not authenticated")
    }));
}

/// A key written twice, in any object, even with the value that it has already.
#[test]
fn every_doubled_key_is_noticed() {
    let bundle = published();
    let text = serde_json::to_string(&bundle).unwrap();
    let trust = built_in();
    let mut all = Vec::new();
    places(&bundle, "", &mut all);
    for place in all {
        let Value::Object(members) = bundle.pointer(&place).unwrap() else {
            continue;
        };
        let Some((key, value)) = members.iter().next() else {
            continue;
        };
        let object = serde_json::to_string(members).unwrap();
        let doubled = format!(
            "{},{}:{}}}",
            &object[..object.len() - 1],
            Value::from(key.as_str()),
            value
        );
        let changed = text.replacen(&object, &doubled, 1);
        assert_ne!(changed, text);
        assert_eq!(
            verdict(changed.as_bytes(), &trust),
            Verdict::Failed,
            "{place}"
        );
    }
}
