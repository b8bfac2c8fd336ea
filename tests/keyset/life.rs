//! A registry's life on the command line: genesis, rotation, compromise, and what verifies when.

use std::fs;
use std::path::Path;

use super::common::{Home, paper, run};
use super::registry::{GENESIS, Registry};

#[test]
fn genesis_makes_a_bootstrap_home_a_registry_with_a_keyset() {
    let registry = Registry::new();
    registry
        .mint("2026-05-20T00:00:00Z", &[1], "old.jsonl")
        .exits(0);
    let bootstrap = registry.verify(GENESIS, "old.jsonl").exits(0);
    assert!(
        bootstrap.stderr.contains("in bootstrap"),
        "{}",
        bootstrap.stderr
    );
    registry.genesis();
    // What was signed before the genesis counts on.
    let verified = registry.verify(GENESIS, "old.jsonl").exits(0);
    assert!(
        !verified.stderr.contains("in bootstrap"),
        "{}",
        verified.stderr
    );
    assert!(
        verified.text().contains("keyset.rehearsal"),
        "{}",
        verified.text()
    );
    let minted = registry
        .mint("2026-06-01T12:00:00Z", &[2], "new.jsonl")
        .exits(0);
    assert!(minted.stderr.contains("rehearsal"), "{}", minted.stderr);
    registry
        .verify("2026-06-01T12:00:00Z", "new.jsonl")
        .exits(0);
    // Others verify by the published file alone.
    let keyset = registry.keys("keyset.json");
    let new = registry.file("new.jsonl");
    let args = [
        "verify",
        "--keyset",
        keyset.to_str().unwrap(),
        new.to_str().unwrap(),
    ];
    run(&mut super::common::pith(
        ["--now", "2026-06-01T12:00:00Z"].iter().chain(&args),
    ))
    .exits(0);
    let home_chain = registry.at(GENESIS, &["keyset", "verify"]).exits(0);
    assert!(
        home_chain.text().starts_with("version 1\t"),
        "{}",
        home_chain.text()
    );
}

#[test]
fn a_rotation_leaves_old_documents_good_and_old_keys_silent() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1, 2], "old.jsonl")
        .exits(0);
    registry.rotate();
    let now = "2026-06-12T12:00:00Z";
    registry.verify(now, "old.jsonl").exits(0);
    registry.mint(now, &[3], "new.jsonl").exits(0);
    registry.verify(now, "new.jsonl").exits(0);
    // The old key signs nothing any more.
    let refused = registry.opening(
        now,
        &[
            "mint",
            registry.file("papers.jsonl").to_str().unwrap(),
            "--key",
            "test-key",
        ],
    );
    let refused = refused.exits(1);
    assert!(
        refused.stderr.contains("key test-key is retired"),
        "{}",
        refused.stderr
    );
    // Old records get bundles under the new key, which carry both, the bundle's own first.
    let resealed = registry.file("resealed.jsonl");
    let args = ["bundle", "--all", "-o", resealed.to_str().unwrap()];
    registry.opening(now, &args).exits(0);
    registry.verify(now, "resealed.jsonl").exits(0);
    let text = fs::read_to_string(resealed).unwrap();
    let bundle: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let keys = bundle["public_keys"].as_array().unwrap().iter();
    let ids: Vec<_> = keys.map(|key| key["key_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["key-2", "test-key"]);
    // The public form is the new key's.
    let public = fs::read(registry.keys("pith-signing-key.json")).unwrap();
    let public: serde_json::Value = serde_json::from_slice(&public).unwrap();
    assert_eq!(public["key_id"], "key-2");
}

/// With the older keys a key would sign that was retired, or revoked.
#[test]
fn nothing_is_signed_by_an_older_copy_of_keys() {
    let registry = Registry::new();
    registry.genesis();
    let (keys, older) = (registry.home.dir().join("keys"), registry.file("older"));
    let copy = |from: &Path, to: &Path| {
        let mut command = std::process::Command::new("cp");
        assert!(
            command
                .arg("-rT")
                .args([from, to])
                .status()
                .unwrap()
                .success()
        );
    };
    copy(&keys, &older);
    registry.rotate();
    fs::remove_dir_all(&keys).unwrap();
    copy(&older, &keys);
    let now = "2026-06-12T12:00:00Z";
    for refused in [
        registry.mint(now, &[1], "forged.jsonl"),
        registry.at(now, &["keyset", "draft", "retire", "test-key"]),
        registry.at(now, &["keyset", "verify"]),
    ] {
        let stderr = refused.exits(1).stderr;
        assert!(stderr.contains("keyset.rollback"), "{stderr}");
        assert!(
            stderr.contains("is version 1, and the ledger has seen version 3"),
            "{stderr}"
        );
        assert!(stderr.contains("latest backup"), "{stderr}");
    }
    let told = registry.at(now, &["doctor"]).exits(1).text();
    assert!(told.contains("fail  keyset:"), "{told}");
    assert!(told.contains("ledger has seen version 3"), "{told}");
}

#[test]
fn a_signature_of_a_retired_key_that_is_dated_later_is_refused() {
    let registry = Registry::new();
    registry.genesis();
    // A copy of the home goes on signing, as if nothing had happened.
    let thief = registry.home.twin();
    registry.rotate();
    let papers = thief.beside("papers.jsonl");
    fs::write(&papers, paper(7) + "\n").unwrap();
    for (now, exit) in [("2026-06-12T00:00:00Z", 0), ("2026-06-12T00:00:01Z", 4)] {
        let out = thief.beside("stolen.jsonl");
        let mut mint = thief.pith(["--now", now, "mint", "--force", "--identity"]);
        run(mint
            .arg(thief.beside("identity.txt"))
            .arg(&papers)
            .arg("--bundles")
            .arg(&out))
        .exits(0);
        let judged = registry.at("2026-06-13T00:00:00Z", &["verify", out.to_str().unwrap()]);
        let judged = judged.exits(exit);
        assert_eq!(
            judged.text().contains("UNTRUSTED key.window"),
            exit == 4,
            "{}",
            judged.text()
        );
        fs::remove_file(thief.dir().join("ledger.db")).unwrap();
        let created = pith::ledger::Ledger::create(&thief.dir().join("ledger.db"));
        drop(created.unwrap());
    }
}

/// Bundles that were sealed anew are in the ledger under their new seals alone, but what the key is known
/// to have signed stays known.
#[test]
fn a_retired_key_is_revoked_after_its_bundles_were_sealed_anew() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1, 2], "old.jsonl")
        .exits(0);
    registry.rotate();
    let new = registry.file("new.jsonl");
    registry
        .opening(
            "2026-06-13T00:00:00Z",
            &["bundle", "--all", "-o", new.to_str().unwrap()],
        )
        .exits(0);
    let day = "2026-06-14T00:00:00Z";
    let reason = ["--reason", "the old laptop was stolen"];
    let revoke = ["keyset", "draft", "revoke", "test-key"];
    registry.at(day, &[&revoke[..], &reason].concat()).exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    registry.at(day, &["keyset", "publish"]).exits(0);
    for bundles in ["old.jsonl", "new.jsonl"] {
        registry.verify(day, bundles).exits(0);
    }
}

/// The thief has the key and dates what they sign before the theft: only the list of what the ledger
/// knows tells it apart.
#[test]
fn a_compromised_key_counts_for_what_the_ledger_knows_alone() {
    let registry = Registry::new();
    registry.genesis();
    let thief = registry.home.twin();
    registry
        .mint("2026-06-01T12:00:00Z", &[1, 2], "old.jsonl")
        .exits(0);
    let papers = thief.beside("papers.jsonl");
    fs::write(&papers, paper(7) + "\n").unwrap();
    let stolen = thief.beside("stolen.jsonl");
    let mut mint = thief.pith(["--now", "2026-06-01T12:00:00Z", "mint", "--identity"]);
    run(mint
        .arg(thief.beside("identity.txt"))
        .arg(&papers)
        .arg("--bundles")
        .arg(&stolen))
    .exits(0);
    let stolen = stolen.to_str().unwrap();

    // A second key stands by.
    registry.generate("key-2");
    registry
        .opening("2026-06-02T00:00:00Z", &["keyset", "draft", "add", "key-2"])
        .exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    registry
        .at("2026-06-02T00:00:00Z", &["keyset", "publish"])
        .exits(0);
    registry
        .at("2026-06-03T00:00:00Z", &["verify", stolen])
        .exits(0);

    // Too early for it to take over: nothing signs until then, which is an emergency.
    let day_3 = "2026-06-04T00:00:00Z";
    let revoke = [
        "keyset",
        "draft",
        "revoke",
        "test-key",
        "--reason",
        "the laptop was stolen",
    ];
    let bare = registry.at(day_3, &revoke).exits(0);
    assert!(bare.stderr.contains("keyset.one-active"), "{}", bare.stderr);
    registry
        .at(day_3, &["keyset", "draft", "new", "--force"])
        .exits(0);
    let mut emergency = revoke.to_vec();
    emergency.extend(["--emergency", "no key is old enough to take over"]);
    let drafted = registry.at(day_3, &emergency).exits(0);
    // What a custodian compares before signing: how many signatures, and which.
    let draft =
        pith::keyset::Keyset::from_slice(&fs::read(registry.keys("keyset-draft.json")).unwrap());
    let draft = draft.unwrap();
    let signed = draft
        .named(&"test-key".parse().unwrap())
        .unwrap()
        .signed
        .unwrap();
    let counted = format!("{} signatures", signed.count);
    let root = format!("with the Merkle root {}", signed.merkle_root);
    let diff = run(&mut registry.home.pith(["keyset", "diff"])).exits(0);
    let shown = run(&mut registry.home.pith(["keyset", "show", "--draft"])).exits(0);
    for text in [drafted.text(), diff.text(), shown.text()] {
        assert!(text.contains(&counted) && text.contains(&root), "{text}");
    }
    let json = run(&mut registry.home.pith(["keyset", "diff", "--json"])).exits(0);
    assert!(
        json.text()
            .contains(&format!("\"merkle_root\":\"{}\"", signed.merkle_root))
    );
    // The box of the runbook: the file has as many lines, and no record is without an event.
    let leaves = fs::read_to_string(registry.keys("logs/test-key.leaves.draft")).unwrap();
    assert_eq!(leaves.lines().count() as u64, signed.count);
    let stats = registry.at(day_3, &["ledger", "stats", "--json"]).exits(0);
    let stats: serde_json::Value = serde_json::from_str(&stats.text()).unwrap();
    assert!(stats["by_key"][0]["records"].as_u64().unwrap() <= signed.count);
    // While it is open, the doctor says why nothing is minted.
    let doctor = registry.at(day_3, &["doctor"]).exits(1);
    for line in [
        "warn  draft: version 3 of the keyset is being made",
        "fail  keys: test-key is active and signs nothing: the draft of version 3 has it as revoked",
    ] {
        assert!(doctor.text().contains(line), "{}", doctor.text());
    }
    // From now on the key is silent, before the draft is in force.
    let silent = registry.mint(day_3, &[5], "never.jsonl").exits(1);
    assert!(
        silent.stderr.contains("so it signs no more"),
        "{}",
        silent.stderr
    );
    registry.sign(&["custodian-b", "custodian-c"]);
    registry.at(day_3, &["keyset", "publish"]).exits(0);
    let none = registry.mint(day_3, &[5], "never.jsonl").exits(2);
    assert!(none.stderr.contains("no active key"), "{}", none.stderr);
    // A key is there already, and it is known when it may take over.
    let doctor = registry.at(day_3, &["doctor"]).exits(1);
    assert!(
        doctor
            .text()
            .contains("then `sign` and `publish`: key-2 from 2026-06-12T00:00:00Z on"),
        "{}",
        doctor.text()
    );
    assert!(!doctor.text().contains("key generate"), "{}", doctor.text());

    let old = registry.verify(day_3, "old.jsonl").exits(0);
    let old_file = registry.file("old.jsonl");
    let detail = registry
        .at(day_3, &["verify", "-v", old_file.to_str().unwrap()])
        .exits(0);
    assert!(detail.text().contains("key.revoked"), "{}", detail.text());
    assert!(
        detail.text().contains("to be from before"),
        "{} {}",
        old.text(),
        detail.text()
    );
    let forged = registry.at(day_3, &["verify", stolen]).exits(4);
    assert!(
        forged.text().contains("UNTRUSTED key.revoked"),
        "{}",
        forged.text()
    );
    assert!(
        forged.text().contains("is not one of the 6 signatures"),
        "{}",
        forged.text()
    );

    // Without the list nothing of that key counts, and the report says why.
    let leaves = registry.keys("logs/test-key.leaves");
    let kept = fs::read(&leaves).unwrap();
    assert_eq!(
        kept.len(),
        6 * 65,
        "two papers: two events and a bundle each"
    );
    fs::remove_file(&leaves).unwrap();
    let missing = registry.verify(day_3, "old.jsonl").exits(4);
    assert!(
        missing.text().contains("can't be told"),
        "{}",
        missing.text()
    );
    // Nor with another one.
    let mut other = kept.clone();
    other[0] ^= 1;
    fs::write(&leaves, other).unwrap();
    registry.verify(day_3, "old.jsonl").exits(4);
    fs::write(&leaves, kept).unwrap();

    // The second key takes over, and seals the old records anew.
    let day_11 = "2026-06-12T00:00:00Z";
    registry
        .at(day_11, &["keyset", "draft", "activate", "key-2"])
        .exits(0);
    registry.sign(&["custodian-a", "custodian-c"]);
    registry.at(day_11, &["keyset", "publish"]).exits(0);
    let resealed = registry.file("resealed.jsonl");
    let args = ["bundle", "--all", "-o", resealed.to_str().unwrap()];
    registry.opening(day_11, &args).exits(0);
    registry.verify(day_11, "resealed.jsonl").exits(0);
    registry.mint(day_11, &[9], "new.jsonl").exits(0);
    registry.verify(day_11, "new.jsonl").exits(0);
}

/// The same for what is added to the ledger: a bundle that the registry seals lends its own signature
/// to it.
#[test]
fn a_compromised_key_adds_to_the_ledger_what_it_knew_alone() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1], "old.jsonl")
        .exits(0);
    let text = fs::read_to_string(registry.file("old.jsonl")).unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
    let number = bundle["pith_number"].as_str().unwrap();
    let payload = registry.file("payload.json");
    fs::write(
        &payload,
        r#"{"base_url":"https://good.example","mirror_type":"https","name":"good"}"#,
    )
    .unwrap();
    let sign = |home: &Home, out: &str| {
        let out = home.beside(out);
        let mut command = home.pith(["--now", "2026-06-01T13:00:00Z", "event", "sign"]);
        command.args(["mirror_hint", "--subject", number, "--payload"]);
        command.arg(&payload).arg("--identity");
        command.arg(home.beside("identity.txt")).arg("-o").arg(&out);
        run(&mut command).exits(0);
        out
    };
    let honest = sign(&registry.home, "honest.json");
    let thief = registry.home.twin();
    fs::write(
        &payload,
        r#"{"base_url":"https://thief.example","mirror_type":"https","name":"thief"}"#,
    )
    .unwrap();
    let forged = sign(&thief, "forged.json");
    let add =
        |now: &str, event: &Path| registry.at(now, &["event", "add", event.to_str().unwrap()]);
    add("2026-06-01T13:00:00Z", &honest).exits(0);

    let day_3 = "2026-06-04T00:00:00Z";
    let revoke = ["revoke", "test-key", "--reason", "the laptop was stolen"];
    let emergency = ["--emergency", "no other key is there"];
    let draft = [&["keyset", "draft"], &revoke[..], &emergency[..]].concat();
    registry.at(day_3, &["keyset", "draft", "new"]).exits(0);
    registry.at(day_3, &draft).exits(0);
    registry.sign(&["custodian-b", "custodian-c"]);
    registry.at(day_3, &["keyset", "publish"]).exits(0);

    // It is dated when the key was good, and only the list tells.
    registry
        .at(day_3, &["verify", forged.to_str().unwrap()])
        .exits(4);
    let refused = add(day_3, &forged).exits(1);
    let why = "which was revoked";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    assert!(refused.stderr.contains("0 added"), "{}", refused.stderr);
    let again = add(day_3, &honest).exits(0);
    assert!(again.stderr.contains("1 already there"), "{}", again.stderr);
    let listed = registry.at(day_3, &["event", "list", number]).exits(0);
    assert!(listed.text().contains("good.example"), "{}", listed.text());
    assert!(
        !listed.text().contains("thief.example"),
        "{}",
        listed.text()
    );
}

#[test]
fn an_expired_keyset_warns_of_what_is_older_and_refuses_what_is_newer() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1], "old.jsonl")
        .exits(0);
    let later = "2027-06-02T00:00:00Z";
    let old = registry.verify(later, "old.jsonl").exits(0);
    assert!(
        old.text().contains("note      keyset.expired"),
        "{}",
        old.text()
    );
    let refused = registry.mint(later, &[2], "new.jsonl").exits(1);
    assert!(refused.stderr.contains("expired at"), "{}", refused.stderr);
    // A copy that knows no keyset signs on; by this one it does not count.
    let thief = registry.home.twin();
    let keys = pith::keys::TrustedKeys::new(vec![pith::keys::TrustedKey::of_registry(
        pith::home::read_public_key(&thief.dir().join("keys/test-key.json")).unwrap(),
        Some("registry.invalid".to_owned()),
    )]);
    let list = serde_json::to_vec(&keys).unwrap();
    fs::remove_dir_all(thief.dir().join("keys/history")).unwrap();
    fs::write(thief.dir().join("keys/keyset.json"), list).unwrap();
    let papers = thief.beside("papers.jsonl");
    fs::write(&papers, paper(7) + "\n").unwrap();
    let out = thief.beside("newer.jsonl");
    let mut mint = thief.pith(["--now", later, "mint", "--identity"]);
    run(mint
        .arg(thief.beside("identity.txt"))
        .arg(&papers)
        .arg("--bundles")
        .arg(&out))
    .exits(0);
    let newer = registry
        .at(later, &["verify", out.to_str().unwrap()])
        .exits(4);
    assert!(
        newer.text().contains("UNTRUSTED keyset.expired"),
        "{}",
        newer.text()
    );
}

#[test]
fn a_keyset_that_is_yet_to_come_is_not_trusted() {
    let registry = Registry::new();
    registry.genesis();
    registry.mint(GENESIS, &[1], "old.jsonl").exits(0);
    registry.verify(GENESIS, "old.jsonl").exits(0);
    let before = "2026-05-31T23:59:59Z";
    let keyset = registry.keys("keyset.json");
    for document in [&registry.file("old.jsonl"), &keyset] {
        let judged = registry.at(before, &["verify", document.to_str().unwrap()]);
        let judged = judged.exits(4);
        let text = judged.text();
        assert!(text.contains("UNTRUSTED time.future"), "{text}");
    }
}

#[test]
fn a_revocation_holds_under_every_label() {
    use pith::keys::{KeyStatus, TrustedKeys};
    use pith::verify::{Policy, Trust, Verdict, verify_document};
    let verdict = |status: KeyStatus| {
        let mut relabelled = TrustedKeys::built_in();
        relabelled.keys[0].key.key_id = "another-label".parse().unwrap();
        relabelled.keys[0].status = status;
        let mut trust = Trust::new();
        trust.add("the built-in keyset", TrustedKeys::built_in());
        trust.add("another", relabelled);
        let policy = Policy {
            trust: &trust,
            expect: None,
            at: None,
            now: "2026-12-01T00:00:00Z".parse().unwrap(),
        };
        verify_document(&super::common::published(), &policy).verdict()
    };
    assert_eq!(verdict(KeyStatus::Active), Verdict::Verified);
    assert_eq!(verdict(KeyStatus::Revoked), Verdict::Untrusted);
    assert_eq!(verdict(KeyStatus::Next), Verdict::Untrusted);
}
