//! A registry's life on the command line: genesis, rotation, compromise, and what verifies when.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::common::{Home, Ran, paper, run, write_private};
use super::world::{A, B, C, D, custodian, private};
use pith::keys::{NoPrompts, Protection, seal};
use secrecy::ExposeSecret as _;

/// A home whose custodians' keys lie beside it, all of which one age identity opens.
struct Registry {
    home: Home,
}

const GENESIS: &str = "2026-06-01T00:00:00Z";

impl Registry {
    fn new() -> Self {
        let home = Home::new();
        let identity = fs::read_to_string(home.beside("identity.txt")).unwrap();
        let identity: age::x25519::Identity = identity.trim().parse().unwrap();
        let recipient = identity.to_public().to_string();
        assert!(
            identity
                .to_string()
                .expose_secret()
                .starts_with("AGE-SECRET")
        );
        for n in [A, B, C, D] {
            let custodian = custodian(n);
            let name = custodian.key_id.to_string();
            let protection = Protection::Recipients(vec![recipient.parse().unwrap()]);
            let sealed = seal(&private(n), &protection, std::sync::Arc::new(NoPrompts)).unwrap();
            write_private(&home.beside(&format!("{name}.age")), &sealed);
            let public = serde_json::to_vec_pretty(&custodian).unwrap();
            fs::write(home.beside(&format!("{name}.json")), public).unwrap();
        }
        Registry { home }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.beside(name)
    }

    fn keys(&self, name: &str) -> PathBuf {
        self.home.dir().join("keys").join(name)
    }

    fn at(&self, now: &str, args: &[&str]) -> Ran {
        run(self.home.pith(["--now", now]).args(args))
    }

    /// A verb that opens keys.
    fn opening(&self, now: &str, args: &[&str]) -> Ran {
        let identity = self.file("identity.txt");
        run(self
            .home
            .pith(["--now", now])
            .args(args)
            .arg("--identity")
            .arg(identity))
    }

    fn sign(&self, names: &[&str]) {
        for name in names {
            let key = self.file(&format!("{name}.age"));
            let args = [
                "keyset",
                "sign",
                "--key",
                key.to_str().unwrap(),
                "--yes-digest",
                &self.digest(),
            ];
            self.opening(GENESIS, &args).exits(0);
        }
    }

    fn digest(&self) -> String {
        let shown = run(&mut self.home.pith(["keyset", "diff", "--json"])).exits(0);
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        shown["digest"].as_str().unwrap().to_owned()
    }

    fn custodians(&self, now: &str, threshold: &str, names: &[&str]) -> Ran {
        let files: Vec<_> = names
            .iter()
            .map(|n| self.file(&format!("{n}.json")))
            .collect();
        let args = [
            "--now",
            now,
            "keyset",
            "draft",
            "custodians",
            "--threshold",
            threshold,
        ];
        run(self.home.pith(args).args(files))
    }

    fn genesis(&self) {
        self.opening(GENESIS, &["keyset", "draft", "new", "--rehearsal"])
            .exits(0);
        let all = ["custodian-a", "custodian-b", "custodian-c"];
        self.custodians(GENESIS, "2", &all).exits(0);
        self.sign(&["custodian-a", "custodian-c"]);
        self.at(GENESIS, &["keyset", "publish"]).exits(0);
    }

    fn generate(&self, id: &str) {
        let identity = fs::read_to_string(self.file("identity.txt")).unwrap();
        let identity: age::x25519::Identity = identity.trim().parse().unwrap();
        let recipient = identity.to_public().to_string();
        let args = ["key", "generate", "--id", id, "--recipient", &recipient];
        run(&mut self.home.pith(args)).exits(0);
    }

    fn mint(&self, now: &str, numbers: &[usize], out: &str) -> Ran {
        let lines: String = numbers.iter().map(|n| paper(*n) + "\n").collect();
        fs::write(self.file("papers.jsonl"), lines).unwrap();
        let (papers, out) = (self.file("papers.jsonl"), self.file(out));
        let args = [
            "mint",
            papers.to_str().unwrap(),
            "--bundles",
            out.to_str().unwrap(),
        ];
        self.opening(now, &args)
    }

    /// Verifies by the home's keyset.
    fn verify(&self, now: &str, out: &str) -> Ran {
        let out = self.file(out);
        self.at(now, &["verify", out.to_str().unwrap()])
    }

    /// Publishes key-2 as the next key on day 1, and has it take over on day 11.
    fn rotate(&self) {
        self.generate("key-2");
        let day_1 = "2026-06-02T00:00:00Z";
        self.opening(day_1, &["keyset", "draft", "add", "key-2"])
            .exits(0);
        self.sign(&["custodian-a", "custodian-b"]);
        self.at(day_1, &["keyset", "publish"]).exits(0);
        let day_11 = "2026-06-12T00:00:00Z";
        self.at(day_11, &["keyset", "draft", "retire", "test-key"])
            .exits(0);
        self.at(day_11, &["keyset", "draft", "activate", "key-2"])
            .exits(0);
        self.sign(&["custodian-b", "custodian-c"]);
        self.at(day_11, &["keyset", "publish"]).exits(0);
    }
}

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
    registry.at(day_3, &emergency).exits(0);
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
fn times_are_set_by_hand_in_rehearsals_only() {
    let registry = Registry::new();
    let refused = registry
        .opening(GENESIS, &["keyset", "draft", "new"])
        .exits(2);
    assert!(
        refused.stderr.contains("keyset.rehearsal"),
        "{}",
        refused.stderr
    );
    let identity = registry.file("identity.txt");
    run(registry
        .home
        .pith(["keyset", "draft", "new", "--identity"])
        .arg(identity))
    .exits(0);
    let refused = registry.custodians(GENESIS, "1", &["custodian-a"]).exits(2);
    assert!(
        refused.stderr.contains("this is no rehearsal"),
        "{}",
        refused.stderr
    );
    let refused = registry.at(GENESIS, &["keyset", "publish"]).exits(2);
    assert!(
        refused.stderr.contains("this is no rehearsal"),
        "{}",
        refused.stderr
    );
}

#[test]
fn custodians_sign_without_a_home() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .custodians("2026-06-02T00:00:00Z", "1", &["custodian-d"])
        .exits(0);
    let digest = registry.digest();
    let elsewhere = tempfile::tempdir().unwrap();
    let carried = |name: &str| elsewhere.path().join(name);
    fs::copy(registry.keys("keyset-draft.json"), carried("draft.json")).unwrap();
    fs::copy(registry.keys("keyset.json"), carried("keyset.json")).unwrap();
    let identity = registry.file("identity.txt");
    let sign = |name: &str, more: &[&str]| {
        let mut command = super::common::pith(["keyset", "sign", "draft.json", "--key"]);
        command
            .current_dir(elsewhere.path())
            .arg(registry.file(&format!("{name}.age")));
        run(command
            .args(["--yes-digest", &digest])
            .args(more)
            .arg("--identity")
            .arg(&identity))
    };
    let unknown = sign("custodian-a", &[]).exits(2);
    assert!(unknown.stderr.contains("--previous"), "{}", unknown.stderr);
    for name in ["custodian-a", "custodian-b", "custodian-d"] {
        sign(name, &["--previous", "keyset.json"]).exits(0);
    }
    fs::copy(carried("draft.json"), registry.keys("keyset-draft.json")).unwrap();
    registry
        .at("2026-06-02T00:00:00Z", &["keyset", "publish"])
        .exits(0);
    // A signing key is no custodian's.
    registry
        .custodians("2026-06-03T00:00:00Z", "1", &["custodian-a"])
        .exits(0);
    let key = registry.keys("test-key.age");
    let digest = registry.digest();
    let args = [
        "keyset",
        "sign",
        "--key",
        key.to_str().unwrap(),
        "--yes-digest",
        &digest,
    ];
    let refused = registry.opening(GENESIS, &args).exits(1);
    assert!(
        refused.stderr.contains("is no custodian's"),
        "{}",
        refused.stderr
    );
}

/// What `script` shows of a command at a terminal of its own, where `keys` are typed once it asks.
fn typed(command: &str, keys: &str) -> (Option<i32>, String) {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", command, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` is installed");
    let mut out = child.stdout.take().unwrap();
    let (mut seen, mut byte) = (String::new(), [0]);
    while !seen.contains("Type Yes to sign: ") {
        assert_eq!(
            out.read(&mut byte).unwrap(),
            1,
            "ended before it asked: {seen}"
        );
        seen.push(byte[0].into());
    }
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(keys.as_bytes()).unwrap();
    let mut rest = Vec::new();
    out.read_to_end(&mut rest).unwrap();
    seen.push_str(&String::from_utf8_lossy(&rest));
    (child.wait().unwrap().code(), seen)
}

#[test]
fn a_custodian_at_a_terminal_types_yes_and_nothing_less() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .custodians("2026-06-02T00:00:00Z", "1", &["custodian-d"])
        .exits(0);
    let draft = || fs::read(registry.keys("keyset-draft.json")).unwrap();
    let unsigned = draft();
    let quoted = |path: PathBuf| format!("'{}'", path.display());
    let command = format!(
        "{} -C {} keyset sign --key {} --identity {}",
        env!("CARGO_BIN_EXE_pith"),
        quoted(registry.home.dir()),
        quoted(registry.file("custodian-a.age")),
        quoted(registry.file("identity.txt")),
    );
    for keys in ["yes\n", "\n", "Yes please\n"] {
        let (code, seen) = typed(&command, keys);
        assert_eq!(code, Some(1), "{seen}");
        assert!(seen.contains("nothing is signed"), "{seen}");
        assert_eq!(draft(), unsigned, "{keys:?}");
    }
    for keys in ["\u{3}", "\u{4}"] {
        let (code, _) = typed(&command, keys);
        assert_ne!(code, Some(0), "{keys:?}");
        assert_eq!(draft(), unsigned, "{keys:?}");
    }
    let (code, seen) = typed(&command, "Yes\n");
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains(&registry.digest()), "{seen}");
    assert!(
        seen.contains("custodian custodian-d"),
        "what changes is shown: {seen}"
    );
    assert_ne!(draft(), unsigned);
}

#[test]
fn a_keyset_is_verified_as_one_that_follows() {
    let registry = Registry::new();
    registry.genesis();
    registry.rotate();
    let now = "2026-06-12T12:00:00Z";
    let version = |n: u32| registry.keys(&format!("history/keyset-{n}.json"));
    let verify = |trusted: u32, judged: &std::path::Path| {
        let mut command = super::common::pith(["--now", now, "verify", "--keyset"]);
        run(command.arg(version(trusted)).arg(judged))
    };
    let follows = verify(1, &version(2)).exits(0);
    assert!(follows.text().contains("follows"), "{}", follows.text());
    let skipped = verify(1, &version(3)).exits(4);
    assert!(
        skipped.text().contains("does not lead"),
        "{}",
        skipped.text()
    );
    let chain = [version(1), version(2), version(3)];
    run(super::common::pith(["--now", now, "keyset", "verify"]).args(&chain)).exits(0);
    let skipped =
        run(super::common::pith(["--now", now, "keyset", "verify"]).args([&chain[0], &chain[2]]));
    assert!(skipped.exits(1).stderr.contains("keyset.link"));

    // A second version that only its own custodians have signed.
    let text = fs::read(version(2)).unwrap();
    let first = pith::keyset::Keyset::from_slice(&fs::read(version(1)).unwrap()).unwrap();
    let genuine = pith::keyset::Keyset::from_slice(&text).unwrap();
    let mut usurped = genuine.clone();
    usurped.custodians = super::world::custodians(1, &[D]);
    usurped.signatures.clear();
    usurped.sign(Some(&first), &private(D)).unwrap();
    let path = registry.file("usurped.json");
    fs::write(&path, serde_json::to_vec(&usurped).unwrap()).unwrap();
    let judged = verify(1, &path).exits(4);
    assert!(
        judged.text().contains("keyset.previous-threshold"),
        "{}",
        judged.text()
    );
    // And one that was changed.
    usurped.expires_at = super::world::day(1000);
    fs::write(&path, serde_json::to_vec(&usurped).unwrap()).unwrap();
    let judged = verify(1, &path).exits(1);
    assert!(
        judged.text().contains("keyset.own-threshold"),
        "{}",
        judged.text()
    );
    // As the root of trust it is refused just so.
    let refused = run(super::common::pith(["--now", now, "verify", "--keyset"])
        .arg(&path)
        .arg(version(2)));
    assert!(refused.exits(1).stderr.contains("keyset.signature"));
}

#[test]
fn what_an_ending_key_signs_after_it_was_counted_is_found_at_publication() {
    let registry = Registry::new();
    registry.genesis();
    registry
        .mint("2026-06-01T12:00:00Z", &[1], "old.jsonl")
        .exits(0);
    let day_1 = "2026-06-02T00:00:00Z";
    let revoke = [
        "keyset",
        "draft",
        "revoke",
        "test-key",
        "--reason",
        "lost",
        "--emergency",
        "lost",
    ];
    registry.at(day_1, &revoke).exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    let draft = registry.keys("keyset-draft.json");
    let signed = fs::read(&draft).unwrap();
    // Somebody takes the draft away to be able to mint, and puts it back.
    fs::remove_file(&draft).unwrap();
    registry
        .mint("2026-06-01T13:00:00Z", &[2], "more.jsonl")
        .exits(0);
    fs::write(&draft, &signed).unwrap();
    let refused = registry.at(day_1, &["keyset", "publish"]).exits(1);
    assert!(
        refused
            .stderr
            .contains("keyset.signed: key test-key has signed more"),
        "{}",
        refused.stderr
    );
    // Nor is a list taken that is not the one the draft speaks of.
    let leaves = registry.keys("logs/test-key.leaves");
    fs::write(&leaves, "").unwrap();
    let refused = registry.at(day_1, &["keyset", "publish"]).exits(1);
    assert!(
        refused.stderr.contains("keyset.signed"),
        "{}",
        refused.stderr
    );
    // Counted anew it goes through.
    registry
        .at(day_1, &["keyset", "draft", "new", "--force"])
        .exits(0);
    registry.at(day_1, &revoke).exits(0);
    registry.sign(&["custodian-a", "custodian-b"]);
    registry.at(day_1, &["keyset", "publish"]).exits(0);
    registry.verify(day_1, "more.jsonl").exits(0);
}
