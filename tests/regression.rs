//! Faults that were there once, each by what should be so.
#![allow(dead_code, reason = "the shared modules hold more than is used here")]

mod common;
#[path = "merge/world.rs"]
mod world;

use std::fs;

use common::{Home, papers, run};
use pith::canonical::{self, Numbers};
use pith::event::*;
use pith::keys::*;
use pith::verify::*;
use world::*;

fn verdict(bytes: &[u8]) -> Verdict {
    let entry = WORLD.registry.entry();
    let key = PublicKeyObject::of_registry(entry.key, entry.key_id, "https://registry.invalid");
    let mut trust = Trust::new();
    trust.add(
        "t",
        TrustedKeys::new(vec![TrustedKey::of_registry(key, Some(REGISTRY_ID.into()))]),
    );
    verify_document(
        bytes,
        &Policy {
            trust: &trust,
            expect: None,
            at: None,
            now: micros(0).seconds(),
        },
    )
    .verdict()
}

fn of<T: serde::Serialize>(document: &T) -> Verdict {
    verdict(&canonical::wire(document).unwrap())
}

#[test]
fn null_in_the_place_of_a_signer_that_is_missing_is_refused() {
    let text = String::from_utf8(common::published()).unwrap();
    let with_null = text.replace(
        r#","notes":"Pith uses"#,
        r#","signer_id":null,"signer_type":null,"notes":"Pith uses"#,
    );
    assert_ne!(text, with_null);
    assert!(pith::bundle::Bundle::from_slice(text.as_bytes()).is_ok());
    let error = pith::bundle::Bundle::from_slice(with_null.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("public_keys[0]"), "{error}");
}

#[test]
fn event_in_another_signers_name_is_not_verified() {
    let w = &*WORLD;
    let e = attested(&w.registry, 1)
        .draft
        .sign("mallory", "author", micros(0), &w.registry);
    assert_ne!(of(&e.unwrap()), Verdict::Verified);
}

#[test]
fn graph_snapshot_by_another_than_a_registry_is_not_verified() {
    let w = &*WORLD;
    let e = snapshot(&w.registry, 1)
        .draft
        .sign("mallory", "author", micros(0), &w.registry);
    assert_ne!(of(&e.unwrap()), Verdict::Verified);
}

#[test]
fn record_created_whose_record_and_receipt_differ_is_not_verified() {
    let mut m = created(&WORLD.registry, 1);
    if let Payload::RecordCreated(p) = &mut m.draft.payload {
        p.canonical_record.metadata.license = "x".into();
    }
    assert_eq!(of(&m.sign()), Verdict::Failed);
}

#[test]
fn record_created_with_a_forged_receipt_is_not_verified() {
    let mut m = created(&WORLD.registry, 1);
    if let Payload::RecordCreated(p) = &mut m.draft.payload {
        p.receipt.signature_b64 = SignatureBytes::from_bytes([1; 64]);
    }
    assert_eq!(of(&m.sign()), Verdict::Failed);
}

#[test]
fn event_on_a_target_its_type_forbids_is_not_verified() {
    assert_eq!(
        of(&created(&WORLD.registry, 1).on("graph").sign()),
        Verdict::Failed
    );
}

#[test]
fn key_label_that_is_not_the_keys_is_noticed_in_an_event() {
    let w = &*WORLD;
    let mut e = attested(&w.registry, 1).sign();
    e.signer.key_id = "other-label".parse().unwrap();
    e.signature.key_id = e.signer.key_id.clone();
    e.content_sha256 = content_digest(&e);
    e.event_id = EventId::of(e.content_sha256);
    e.signature.signature_b64 = w.registry.sign(&e.content_sha256).unwrap();
    assert_ne!(of(&e), Verdict::Verified);
}

#[derive(serde::Serialize)]
struct WithRecord<'a> {
    canonical_record: &'a pith::record::CanonicalRecord,
    receipt: pith::receipt::Receipt,
}

#[test]
fn key_label_that_is_not_the_keys_is_noticed_in_a_receipt() {
    let mut receipt = receipt(&WORLD.registry, 1);
    receipt.key_id = "other-label".parse().unwrap();
    assert_ne!(
        of(&WithRecord {
            canonical_record: &WORLD.record,
            receipt
        }),
        Verdict::Verified
    );
}

#[test]
fn receipt_whose_times_contradict_each_other_is_noticed() {
    let mut receipt = receipt(&WORLD.registry, 1);
    receipt.first_computed_at = micros(9);
    assert_ne!(
        of(&WithRecord {
            canonical_record: &WORLD.record,
            receipt
        }),
        Verdict::Verified
    );
}

#[test]
fn open_lists_in_a_snapshot_keep_shorter_keys_first() {
    let text =
        String::from_utf8(canonical::wire(&snapshot(&WORLD.registry, 1).sign()).unwrap()).unwrap();
    let claim = r#""items":[{"kind":"strongest_claim","text":"t","source":"s","status":"machine_extracted","claim_id":"C1","attestation":"unclaimed"}]"#;
    let with = text.replace("\"items\":[]", claim);
    let event: Event = canonical::from_slice(with.as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(canonical::wire(&event).unwrap()).unwrap(),
        with
    );
}

#[test]
fn state_without_a_member_is_refused() {
    let text = String::from_utf8(canonical::wire(&merged([]).state).unwrap()).unwrap();
    let cut = text.replace(",\"record_created\":null", "");
    assert_ne!(cut, text);
    assert_eq!(verdict(cut.as_bytes()), Verdict::Failed);
}

#[test]
fn digest_without_leaves_members_below_an_array_alone() {
    let node = canonical::read(b"[{\"s\":1}]", Numbers::Integers).unwrap();
    assert_eq!(
        canonical::digest_without(&node, &["s"]).unwrap(),
        canonical::digest(&node).unwrap()
    );
}

#[test]
fn merge_refuses_a_record_created_with_an_open_payload() {
    let event = said(&WORLD.registry, "record_created", "record", 1).sign();
    assert_eq!(merged([&event]).state.invalid_events.len(), 1);
}

#[test]
fn bundles_of_an_input_that_was_cut_off_do_not_get_the_final_name() {
    let home = Home::new();
    let input = home.beside("p.jsonl.zst");
    let bytes = zstd::encode_all(papers(2000).as_bytes(), 1).unwrap();
    fs::write(&input, &bytes[..bytes.len() - 20]).unwrap();
    let out = home.beside("out.jsonl");
    run(home.mint().arg(&input).arg("--bundles").arg(&out)).exits(5);
    assert!(
        !out.exists(),
        "{} lines",
        fs::read_to_string(&out).unwrap().lines().count()
    );
}

#[test]
fn bundles_of_a_run_that_stopped_at_an_error_can_be_completed() {
    let home = Home::new();
    let (input, out) = (home.beside("p.jsonl"), home.beside("out.jsonl"));
    fs::write(&input, papers(1) + "{\n" + &papers(3)).unwrap();
    run(home
        .mint()
        .args(["--on-error", "stop"])
        .arg(&input)
        .arg("--bundles")
        .arg(&out))
    .exits(3);
    fs::write(&input, papers(3)).unwrap();
    run(home
        .mint()
        .args(["--on-error", "stop"])
        .arg(&input)
        .arg("--bundles")
        .arg(&out))
    .exits(0);
}

#[test]
fn on_error_stop_stops_at_the_first_rejected_input() {
    let home = Home::new();
    let input = home.beside("p.jsonl");
    fs::write(&input, papers(1) + &"{\n".repeat(5000) + &papers(3)).unwrap();
    let ran = run(home
        .mint()
        .args(["--on-error", "stop", "--json"])
        .arg(&input))
    .exits(3);
    assert!(ran.text().contains("\"json.invalid\":1}"), "{}", ran.text());
}

#[test]
fn an_empty_variable_is_no_variable() {
    let home = Home::new();
    run(home.pith(["ledger", "stats"]).env("PITH_HOME", "")).exits(0);
}

/// Whoever reads a report may stop reading; the verdict stays.
#[test]
fn a_closed_pipe_does_not_hide_a_verdict() {
    let home = Home::new();
    let bad = home.beside("bad.json");
    let bundle = include_str!("vectors/bundle-1706.02379v3.json");
    fs::write(&bad, bundle.replace("Quantized", "Quantised")).unwrap();
    let script = r#"set -o pipefail; "$0" verify "$1" | true"#;
    let ran = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_pith")])
        .arg(&bad)
        .status()
        .unwrap();
    assert_eq!(ran.code(), Some(1));
}

#[test]
fn force_replaces_shards_and_no_other_folder() {
    let home = Home::new();
    let input = home.beside("p.jsonl");
    fs::write(&input, papers(2)).unwrap();
    let folder = home.beside("precious");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("thesis.tex"), "years of work").unwrap();
    let to = |out: &std::path::Path| {
        run(home
            .mint()
            .arg(&input)
            .arg("--force")
            .arg("--bundles")
            .arg(out))
    };
    to(&folder).exits(5);
    assert!(folder.join("thesis.tex").is_file());
    to(&home.dir()).exits(2);
    to(&home.dir().join("keys")).exits(2);
    assert!(home.dir().join("keys/keyset.json").is_file());
    to(&input).exits(2);
    // A slash at the end is the same folder.
    let shards = home.beside("shards/");
    to(&shards).exits(0);
    to(&shards).exits(0);
    assert!(shards.join("bundles-000000.jsonl.zst").is_file());
}

#[test]
fn keys_made_at_once_are_all_kept_and_one_is_active() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let pith = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pith"));
        command.arg("-q").arg("-C").arg(dir);
        command
    };
    let init = [
        "init",
        "--registry-id",
        "r.invalid",
        "--base-url",
        "https://r.invalid",
    ];
    assert!(pith().args(init).arg(dir).status().unwrap().success());
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let making: Vec<_> = (0..6)
        .map(|n| {
            let args = ["key", "generate", "--recipient", &recipient, "--id"].map(String::from);
            pith().args(args).arg(format!("key-{n}")).spawn().unwrap()
        })
        .collect();
    for mut child in making {
        assert!(child.wait().unwrap().success());
    }
    let keyset = TrustedKeys::from_slice(&fs::read(dir.join("keys/keyset.json")).unwrap()).unwrap();
    assert_eq!(keyset.keys.len(), 6);
    assert_eq!(keyset.active().count(), 1);
}

/// A folder that came with a bundle may say what it likes.
#[test]
fn a_home_that_was_merely_found_does_not_speak_for_a_known_registry() {
    let home = Home::new();
    let input = home.beside("p.jsonl");
    fs::write(&input, papers(1)).unwrap();
    let out = home.beside("out.jsonl");
    home.mint_to(&input, &out);
    let profile = home.dir().join("registry.toml");
    let keyset = home.dir().join("keys/keyset.json");
    for file in [&profile, &keyset] {
        let text = fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| match line {
            l if l.starts_with("registry_id") => "registry_id = \"pith.science\"".to_owned(),
            l if l.contains("\"signer_id\"") => "      \"signer_id\": \"pith.science\",".to_owned(),
            l => l.to_owned(),
        });
        fs::write(file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    }
    let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_pith"));
    verify.current_dir(home.dir()).args(["verify"]).arg(&out);
    let ran = run(&mut verify).exits(4);
    assert!(
        ran.stderr.contains("calls itself pith.science"),
        "{}",
        ran.stderr
    );
}

/// The ledger of a home may have come with the document too, and hold what can be read for ever.
#[test]
fn a_ledger_that_was_made_to_keep_its_readers_busy_does_not() {
    let home = Home::new();
    let input = home.beside("p.jsonl");
    fs::write(&input, papers(1)).unwrap();
    let out = home.beside("out.jsonl");
    home.mint_to(&input, &out);
    let ledger = rusqlite::Connection::open(home.dir().join("ledger.db")).unwrap();
    ledger
        .execute_batch(
            "DROP TABLE seen_keyset; CREATE VIEW seen_keyset AS \
             WITH RECURSIVE n (version) AS (VALUES (0) UNION ALL SELECT version + 1 FROM n) \
             SELECT version, NULL AS digest FROM n WHERE version < 0",
        )
        .unwrap();
    drop(ledger);
    let mut verify = common::pith(["verify"]);
    run(verify.current_dir(home.dir()).arg(&out)).exits(0);
    let ran = run(home.pith(["verify"]).arg(&out)).exits(5);
    let told = "the table seen_keyset is damaged: it has another form";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

/// What nests as deep as a bundle may, would nest deeper in the state that is replayed from it: no
/// payload may.
#[test]
fn a_deep_payload_in_a_bundle_that_lies_about_its_state_is_refused() {
    let world = &*WORLD;
    let created = created(&world.registry, 1).sign();
    let mut making = said(&world.registry, "mirror_hint", "record", 1);
    let nested = (0..124).fold(canonical::Json::Null, |inner, _| {
        canonical::Json::Array(vec![inner])
    });
    let mut payload = payload_of("mirror_hint");
    payload.insert("deep".to_owned(), nested);
    making.draft.payload = Payload::Open(canonical::Json::Object(payload));
    let deep = making.sign();
    let entry = world.registry.entry();
    let mut with_deep = merged([&created]);
    with_deep.events.push(deep);
    let parts = pith::bundle::BundleParts {
        record: world.record.clone(),
        merged: with_deep,
        aliases: Vec::new(),
        timestamp_proofs: Vec::new(),
        mirrors: &[],
        base_url: "https://registry.invalid",
        public_keys: vec![PublicKeyObject::of_registry(
            entry.key,
            entry.key_id,
            "https://registry.invalid",
        )],
        built_at: micros(9).seconds(),
    };
    let bundle = parts.sign(micros(9), &world.registry).unwrap();
    let text = bundle.to_wire();
    canonical::read(&text, Numbers::PythonFloats).expect("it nests 128 deep and no deeper");
    assert_eq!(verdict(&text), Verdict::Failed);
}

/// Signatures of bundles stand in the ledger too; a check that leaves them out finds half.
#[test]
fn a_ledger_check_looks_at_the_seals_of_bundles() {
    let home = Home::new();
    let input = home.beside("papers.jsonl");
    fs::write(&input, papers(3)).unwrap();
    home.mint_to(&input, &home.beside("out.jsonl"));
    let check = || run(&mut home.pith(["ledger", "check"]));
    check().exits(0);
    let ledger = rusqlite::Connection::open(home.dir().join("ledger.db")).unwrap();
    ledger
        .execute(
            "UPDATE records SET seal_sig = zeroblob(64) WHERE arxiv_id = '2402.00002'",
            [],
        )
        .unwrap();
    drop(ledger);
    let found = check().exits(1);
    assert!(found.stderr.contains("1 seal"), "{}", found.stderr);
}
