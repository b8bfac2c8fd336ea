//! Transcripts of ceremonies, each with its folder (CEREMONIES.md).

use pith::canonical;
use pith::ceremony::WitnessSignature;
use pith::conformance::CaseKind::Transcript;
use pith::digest::Digest;
use serde_json::{Value, json};

use super::keyset_world as kw;
use super::make::{Expect, Making, bad, ok, untrusted};
use super::world::*;

const RUNBOOK: &str = "# A runbook of this corpus\n\n- [ ] Meet.\n- [ ] Part.\n";

/// A ceremony's folder while it is made.
#[derive(Clone)]
struct Ceremony {
    opening: Value,
    entries: Vec<Value>,
    closing: Option<Value>,
    runbook: String,
    further: Vec<(&'static str, Vec<u8>)>,
    /// What stands behind the entries.
    tail: Vec<u8>,
}

fn time(minute: u8) -> String {
    format!("2026-06-01T10:{minute:02}:00.000000Z")
}

fn opening() -> Value {
    json!({"ceremony_type": "pith_ceremony", "schema_version": "1.0", "name": "corpus", "kind": "genesis",
        "registry_id": REGISTRY_ID, "opened_at": time(0), "rehearsal": false,
        "custodians": ["custodian-a", "custodian-b"], "threshold": 2,
        "runbook_sha256": Digest::of(RUNBOOK.as_bytes()).to_string(), "tool_version": "0.0.0",
        "binary_sha256": "0".repeat(64)})
}

/// An entry with a remark; its place and hashes follow.
fn entry(text: &str, minute: u8) -> Value {
    json!({"arguments": [text], "binary_sha256": "0".repeat(64), "entry_sha256": "0".repeat(64),
        "entry_type": "pith_transcript_entry", "exit": 0, "files": [], "previous": "0".repeat(64),
        "products": null, "rehearsal": false, "remark": {"kind": "remark", "text": text}, "result": [],
        "schema_version": "1.0", "seq": 0, "started_at": time(minute), "time": time(minute),
        "tool_version": "0.0.0", "verb": "ceremony log"})
}

fn closing_entry(products: Value) -> Value {
    let entry = with(&entry("closed", 9), "/products", products);
    with(
        &with(&entry, "/remark", Value::Null),
        "/verb",
        "ceremony close",
    )
}

/// The entries with numbers and hashes, each after the one before.
fn chained(opening: &Value, entries: &[Value]) -> Vec<Value> {
    let mut previous = digest(opening);
    let mut chained = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let entry = with(entry, "/seq", index + 1);
        let entry = hashed(&with(&entry, "/previous", previous.to_string()));
        previous = head_of(&entry).parse().unwrap();
        chained.push(entry);
    }
    chained
}

fn hashed(entry: &Value) -> Value {
    let hash = digest_without(entry, &["entry_sha256"]);
    with(entry, "/entry_sha256", hash.to_string())
}

fn head_of(entry: &Value) -> &str {
    entry["entry_sha256"].as_str().unwrap()
}

fn open() -> Ceremony {
    let opening = opening();
    let entries = [entry("one", 1), entry("two", 2), entry("three", 3)];
    Ceremony {
        entries: chained(&opening, &entries),
        opening,
        closing: None,
        runbook: RUNBOOK.to_owned(),
        further: Vec::new(),
        tail: Vec::new(),
    }
}

/// The same closed, and witnessed by these custodians.
fn closed_with(mut ceremony: Ceremony, products: Value, witnesses: &[u8]) -> Ceremony {
    let entries = [ceremony.entries, vec![closing_entry(products)]].concat();
    ceremony.entries = chained(&ceremony.opening, &entries);
    let head = head_of(ceremony.entries.last().unwrap());
    let statement = json!({"ceremony": ceremony.opening["name"], "count": ceremony.entries.len(), "head": head,
        "registry_id": ceremony.opening["registry_id"], "rehearsal": ceremony.opening["rehearsal"]});
    ceremony.closing = Some(
        json!({"closing_type": "pith_ceremony_closing", "schema_version": "1.0",
        "witnesses": signatures(&statement, witnesses), "statement": statement}),
    );
    ceremony
}

fn signatures(statement: &Value, witnesses: &[u8]) -> Value {
    let typed = serde_json::from_value(statement.clone()).unwrap();
    let sign =
        |n: &u8| WitnessSignature::make(&typed, kw::custodian(*n), &kw::private(*n)).unwrap();
    witnesses
        .iter()
        .map(|n| serde_json::to_value(sign(n)).unwrap())
        .collect()
}

fn closed() -> Ceremony {
    closed_with(open(), json!([]), &[kw::A, kw::B])
}

fn put(making: &mut Making, shows: &str, ceremony: &Ceremony, expect: Expect) {
    let mut lines = Vec::new();
    for entry in &ceremony.entries {
        lines.extend(canonical::to_vec(entry).unwrap());
        lines.push(b'\n');
    }
    lines.extend(&ceremony.tail);
    let mut files = vec![
        ("transcript.jsonl", lines),
        (
            "ceremony.json",
            canonical::to_vec(&ceremony.opening).unwrap(),
        ),
        ("runbook.md", ceremony.runbook.clone().into_bytes()),
    ];
    if let Some(closing) = &ceremony.closing {
        files.push(("closing.json", canonical::to_vec(closing).unwrap()));
    }
    files.extend(ceremony.further.clone());
    let files: Vec<(&str, Vec<u8>)> = files.into_iter().collect();
    making.folder(Transcript, &format!("transcript {shows}"), &files, expect);
}

/// A custodian who has signed is known.
fn known(expect: Expect) -> Expect {
    expect
        .trust("keys/custodian-a.json")
        .noting("transcript.witness")
}

pub fn make(making: &mut Making) {
    sound(making);
    chains(making);
    closings(making);
    products(making);
}

fn sound(making: &mut Making) {
    let trust = || untrusted("transcript.trust");
    put(making, "that is open", &open(), trust());
    let empty = Ceremony {
        entries: Vec::new(),
        ..open()
    };
    put(making, "without entries", &empty, trust());
    put(making, "closed and witnessed", &closed(), known(ok()));
    put(
        making,
        "witnessed by nobody who is known",
        &closed(),
        trust().noting("transcript.witness"),
    );
    put(
        making,
        "closed and witnessed by nobody",
        &closed_with(open(), json!([]), &[]),
        trust(),
    );
    let unsigned = Ceremony {
        closing: None,
        ..closed()
    };
    put(
        making,
        "closed whose closing is missing",
        &unsigned,
        trust().noting("transcript.closing"),
    );
    let ticked = Ceremony {
        runbook: RUNBOOK.replace("[ ]", "[x]"),
        ..closed()
    };
    put(
        making,
        "with boxes ticked in its runbook",
        &ticked,
        known(ok()).noting("transcript.runbook transcript.witness"),
    );
    let base = open();
    let (second, last) = (head_of(&base.entries[1]), head_of(&base.entries[2]));
    put(
        making,
        "with the head that was read aloud",
        &base,
        ok().read_aloud(Some(3), Some(last)),
    );
    put(
        making,
        "with the head that was read aloud without a count",
        &base,
        ok().read_aloud(None, Some(last)),
    );
    put(
        making,
        "with more entries than were read aloud",
        &base,
        trust().read_aloud(Some(2), Some(second)),
    );
    put(
        making,
        "with the count that was read aloud",
        &base,
        trust().read_aloud(Some(3), None),
    );
    put(
        making,
        "with fewer entries than were read aloud",
        &base,
        bad("transcript.head").read_aloud(Some(4), None),
    );
    put(
        making,
        "with another head than was read aloud",
        &base,
        bad("transcript.head").read_aloud(Some(3), Some(second)),
    );
    let rehearsed = |opening: bool, entries: bool| {
        let mut ceremony = open();
        ceremony.opening = with(&ceremony.opening, "/rehearsal", opening);
        let entries: Vec<Value> = ceremony
            .entries
            .iter()
            .map(|e| with(e, "/rehearsal", entries))
            .collect();
        ceremony.entries = chained(&ceremony.opening, &entries);
        ceremony
    };
    put(
        making,
        "of a rehearsal",
        &rehearsed(true, true),
        trust().noting("transcript.rehearsal"),
    );
    put(
        making,
        "of a rehearsal that poses as none",
        &rehearsed(false, true),
        bad("transcript.rehearsal"),
    );
    put(
        making,
        "that poses as a rehearsal",
        &rehearsed(true, false),
        bad("transcript.rehearsal"),
    );
}

fn chains(making: &mut Making) {
    let changed = |change: &dyn Fn(&mut Ceremony)| {
        let mut ceremony = open();
        change(&mut ceremony);
        ceremony
    };
    let chain = || bad("transcript.chain");
    let opening = bad("transcript.opening");
    let cases: Vec<(&str, Ceremony, Expect)> = vec![
        (
            "with an entry that was changed",
            changed(&|c| c.entries[1] = with(&c.entries[1], "/remark/text", "2")),
            bad("transcript.entry"),
        ),
        (
            "with an entry that was changed and hashed",
            changed(&|c| c.entries[1] = hashed(&with(&c.entries[1], "/remark/text", "2"))),
            chain(),
        ),
        (
            "with an entry dropped",
            changed(&|c| drop(c.entries.remove(1))),
            chain(),
        ),
        (
            "with an entry twice",
            changed(&|c| c.entries.insert(1, c.entries[1].clone())),
            chain(),
        ),
        (
            "with entries exchanged",
            changed(&|c| c.entries.swap(0, 1)),
            chain(),
        ),
        (
            "with an entry numbered anew",
            changed(&|c| c.entries[2] = hashed(&with(&c.entries[2], "/seq", 4))),
            chain(),
        ),
        (
            "with its last entry cut off",
            changed(&|c| drop(c.entries.pop())),
            untrusted("transcript.trust"),
        ),
        (
            "of another opening",
            changed(&|c| c.opening = with(&c.opening, "/threshold", 1)),
            chain(),
        ),
        (
            "with times that go back",
            changed(&|c| {
                let entries: Vec<Value> = c
                    .entries
                    .iter()
                    .map(|e| with(e, "/time", time(5)))
                    .collect();
                let early = with(&with(&entries[2], "/started_at", time(4)), "/time", time(4));
                c.entries = chained(&c.opening, &[entries[0].clone(), entries[1].clone(), early]);
            }),
            bad("transcript.times"),
        ),
        (
            "with an entry before its opening",
            changed(&|c| {
                let early = with(&c.entries[0], "/started_at", "2026-06-01T09:00:00.000000Z");
                let early = with(&early, "/time", "2026-06-01T09:59:59.999999Z");
                c.entries = chained(&c.opening, &[early]);
            }),
            bad("transcript.times"),
        ),
        (
            "with an entry that ended before it began",
            changed(&|c| {
                let odd = with(&c.entries[0], "/started_at", time(8));
                c.entries = chained(&c.opening, &[odd]);
            }),
            bad("transcript.times"),
        ),
        (
            "with a line that was torn",
            changed(&|c| c.tail = b"{\"arguments\":[".to_vec()),
            bad("transcript.torn"),
        ),
        (
            "with a line that is no entry",
            changed(&|c| c.tail = b"{}\n".to_vec()),
            bad("transcript.entry"),
        ),
        (
            "with a line that is empty",
            changed(&|c| c.tail = b"\n".to_vec()),
            bad("transcript.entry"),
        ),
        (
            "with a line with white space",
            changed(&|c| {
                let last = c.entries.pop().unwrap();
                let text = String::from_utf8(canonical::to_vec(&last).unwrap()).unwrap();
                c.tail = (text.replacen(':', ": ", 1) + "\n").into_bytes();
            }),
            bad("transcript.entry"),
        ),
        (
            "with an entry with another member",
            changed(&|c| c.entries[1] = hashed(&with(&c.entries[1], "/comment", ""))),
            bad("transcript.entry"),
        ),
        (
            "of an unknown kind of ceremony",
            changed(&|c| c.opening = with(&c.opening, "/kind", "party")),
            opening.clone(),
        ),
        (
            "whose opening has another member",
            changed(&|c| c.opening = with(&c.opening, "/comment", "")),
            opening,
        ),
    ];
    for (shows, ceremony, expect) in cases {
        put(making, shows, &ceremony, expect);
    }
}

fn closings(making: &mut Making) {
    let base = closed();
    let with_closing = |closing: Value| Ceremony {
        closing: Some(closing),
        ..base.clone()
    };
    let closing = base.closing.clone().unwrap();
    let at = |place: &str, value: Value| with_closing(with(&closing, place, value));
    let of_closing = || bad("transcript.closing");
    put(
        making,
        "closed with another count",
        &at("/statement/count", json!(3)),
        of_closing(),
    );
    put(
        making,
        "closed with a count above its own",
        &at("/statement/count", json!(5)),
        of_closing(),
    );
    put(
        making,
        "closed with another head",
        &at("/statement/head", json!("0".repeat(64))),
        of_closing(),
    );
    put(
        making,
        "closed for another registry",
        &at("/statement/registry_id", json!("other.invalid")),
        of_closing(),
    );
    put(
        making,
        "closed with another member",
        &at("/comment", json!("")),
        of_closing(),
    );
    let first = closing["witnesses"][0].clone();
    let second = closing["witnesses"][1]["signature_b64"].clone();
    let witness = || known(bad("transcript.witness"));
    put(
        making,
        "with a witness twice",
        &at("/witnesses", json!([first, first])),
        witness(),
    );
    put(
        making,
        "with a forged signature of a witness",
        &at("/witnesses/0/signature_b64", second),
        witness(),
    );
    let larger = super::crafted::with_larger_s(first["signature_b64"].as_str().unwrap());
    put(
        making,
        "with a witness's signature with a larger S",
        &at("/witnesses/0/signature_b64", json!(larger)),
        witness(),
    );
    let cut = Ceremony {
        entries: base.entries[..2].to_vec(),
        ..base.clone()
    };
    put(
        making,
        "with its tail cut off after it was closed",
        &cut,
        of_closing(),
    );
    let more = [base.entries.clone(), vec![entry("later", 20)]].concat();
    let more = Ceremony {
        entries: chained(&base.opening, &more),
        ..base.clone()
    };
    put(
        making,
        "with an entry after the closing",
        &more,
        bad("transcript.chain transcript.closing"),
    );
    let unclosed = Ceremony {
        closing: base.closing.clone(),
        ..open()
    };
    put(
        making,
        "with the closing of another",
        &unclosed,
        of_closing(),
    );
}

fn products(making: &mut Making) {
    let bytes = b"{\"a\":1}\n".to_vec();
    let product = |sha256: &Digest| json!([{"place": {"base": "ceremony", "path": "notes.json"}, "sha256": sha256.to_string(), "copy": null}]);
    let with_file = |bytes: &[u8], listed: &[u8]| {
        let mut ceremony = closed_with(open(), product(&Digest::of(listed)), &[kw::A, kw::B]);
        ceremony.further = vec![("notes.json", bytes.to_vec())];
        ceremony
    };
    put(
        making,
        "with a product as it was written",
        &with_file(&bytes, &bytes),
        known(ok()),
    );
    put(
        making,
        "with a product that was changed",
        &with_file(b"{\"a\":2}\n", &bytes),
        known(bad("transcript.products")),
    );
}
