//! Sealed keys and other people's tools: `age`, `age-keygen`, `openssl`, and a real terminal.
//!
//! Debian's packages `age`, `openssl`, `bsdutils` (`script`) and `util-linux` (`setsid`) must be there: without them
//! these tests fail, so that nobody mistakes a test that did not run for one that passed.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use common::session::Session;
use pith::keys::{
    Identities, IdentityFile, NewPassphrase, NoPrompts, PrivateKey, Protection, SealedKey, Unlock,
    seal,
};
use secrecy::SecretString;
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse battery";

fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

struct Bench {
    folder: TempDir,
    key: PrivateKey,
}

impl Bench {
    fn new() -> Self {
        Bench {
            folder: tempfile::tempdir().unwrap(),
            key: PrivateKey::generate(&mut rand::rng()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A new identity file of `age-keygen`, and its recipient.
    fn identity(&self) -> (PathBuf, String) {
        let path = self.path("identity.txt");
        run(Command::new("age-keygen").arg("-o").arg(&path));
        let recipient = run(Command::new("age-keygen").arg("-y").arg(&path)).stdout;
        (
            path,
            String::from_utf8(recipient).unwrap().trim().to_owned(),
        )
    }

    fn assert_same(&self, opened: &PrivateKey) {
        assert_eq!(opened.public_bytes(), self.key.public_bytes());
    }
}

fn open_with_identity(sealed: &[u8], identity: &Path) -> PrivateKey {
    let mut identities = Identities::default();
    let file = IdentityFile::parse(&fs::read(identity).unwrap()).unwrap();
    file.open(None, &mut identities).unwrap();
    let unlock = Unlock::Identities(&identities, Arc::new(NoPrompts));
    SealedKey::parse(sealed).unwrap().open(&unlock).unwrap()
}

#[test]
fn age_opens_what_is_sealed_for_a_recipient() {
    let bench = Bench::new();
    let (identity, recipient) = bench.identity();
    let protection = Protection::Recipients(vec![recipient.parse().unwrap()]);
    let sealed = bench.write(
        "key.age",
        &seal(&bench.key, &protection, Arc::new(NoPrompts)).unwrap(),
    );
    let pem = run(Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(&identity)
        .arg(&sealed))
    .stdout;
    assert_eq!(pem, bench.key.to_pkcs8_v1_pem().as_bytes());
}

#[test]
fn age_opens_what_is_sealed_with_a_passphrase() {
    let bench = Bench::new();
    let passphrase = NewPassphrase::new(SecretString::from(PASSPHRASE)).unwrap();
    let protection = Protection::Passphrase(passphrase);
    let sealed = bench.write(
        "key.age",
        &seal(&bench.key, &protection, Arc::new(NoPrompts)).unwrap(),
    );
    let pem = bench.path("key.pem");
    let (code, seen) = Session::start(&format!("age -d -o {} {}", pem.display(), sealed.display()))
        .answer("Enter passphrase", &format!("{PASSPHRASE}\n"))
        .end();
    assert_eq!(code, Some(0), "{seen}");
    assert_eq!(
        fs::read(&pem).unwrap(),
        bench.key.to_pkcs8_v1_pem().as_bytes()
    );
}

#[test]
fn what_age_seals_for_a_recipient_opens() {
    let bench = Bench::new();
    let (identity, recipient) = bench.identity();
    let pem = bench.write("key.pem", bench.key.to_pkcs8_v1_pem().as_bytes());
    for armor in [&[][..], &["-a"]] {
        let sealed = run(Command::new("age")
            .args(armor)
            .arg("-r")
            .arg(&recipient)
            .arg(&pem))
        .stdout;
        bench.assert_same(&open_with_identity(&sealed, &identity));
    }
}

#[test]
fn what_age_seals_with_a_passphrase_opens() {
    let bench = Bench::new();
    let pem = bench.write("key.pem", bench.key.to_pkcs8_v1_pem().as_bytes());
    let sealed = bench.path("key.age");
    let (code, seen) = Session::start(&format!("age -p -o {} {}", sealed.display(), pem.display()))
        .answer("Enter passphrase", &format!("{PASSPHRASE}\n"))
        .answer("Confirm passphrase", &format!("{PASSPHRASE}\n"))
        .end();
    assert_eq!(code, Some(0), "{seen}");
    let sealed = SealedKey::parse(&fs::read(&sealed).unwrap()).unwrap();
    bench.assert_same(
        &sealed
            .open(&Unlock::Passphrase(&SecretString::from(PASSPHRASE)))
            .unwrap(),
    );
}

#[test]
fn openssl_reads_what_is_written() {
    let bench = Bench::new();
    let pem = bench.write("key.pem", bench.key.to_pkcs8_v1_pem().as_bytes());
    let public = run(Command::new("openssl")
        .args(["pkey", "-pubout", "-outform", "DER", "-in"])
        .arg(&pem))
    .stdout;
    assert_eq!(public[public.len() - 32..], bench.key.public_bytes());

    let message = bench.write("message", b"canonical digest");
    let signature = bench.path("signature");
    run(Command::new("openssl")
        .args(["pkeyutl", "-sign", "-rawin", "-inkey"])
        .arg(&pem)
        .arg("-in")
        .arg(&message)
        .arg("-out")
        .arg(&signature));
    assert_eq!(
        fs::read(&signature).unwrap(),
        bench.key.sign(b"canonical digest")
    );
}

#[test]
fn what_openssl_writes_is_read() {
    let bench = Bench::new();
    let pem = run(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519"])).stdout;
    let pem = String::from_utf8(pem).unwrap();
    let key = PrivateKey::from_pkcs8_pem(&pem).unwrap();
    assert_eq!(key.to_pkcs8_v1_pem().as_str(), pem);

    let path = bench.write("key.pem", pem.as_bytes());
    let public = run(Command::new("openssl")
        .args(["pkey", "-pubout", "-outform", "DER", "-in"])
        .arg(&path))
    .stdout;
    assert_eq!(public[public.len() - 32..], key.public_bytes());
}

/// An age plugin that hides nothing: a file key is its own stanza. To unwrap it wants the PIN `1234`.
const PLUGIN: &str = r#"#!/bin/sh
say() { printf '%s\n%s\n' "$1" "$(printf %s "$2" | base64 | tr -d =)"; read -r _; read -r answer; }
while read -r line; do
    case $line in
        '-> wrap-file-key') read -r body; printf -- '-> recipient-stanza 0 pithtest\n%s\n' "$body" >reply ;;
        '-> recipient-stanza 0 pithtest') read -r body; printf -- '-> file-key 0\n%s\n' "$body" >reply ;;
        '-> done') read -r _; break ;;
    esac
done
if [ "$1" = --age-plugin=identity-v1 ]; then
    say '-> msg' 'touch the key'
    say '-> request-secret' 'PIN'
    [ "$answer" = MTIzNA ] || { say '-> error identity 0' 'bad PIN!'; : >reply; }
fi
if [ -s reply ]; then cat reply; read -r _; read -r _; fi
printf -- '-> done\n\n'
"#;
const PLUGIN_RECIPIENT: &str = "age1pithtest1dapzp7";
const PLUGIN_IDENTITY: &str = "AGE-PLUGIN-PITHTEST-15TSAF2";

/// A registry home without keys, and `pith` for it.
struct Registry {
    bench: Bench,
}

impl Registry {
    fn new() -> Self {
        let registry = Registry {
            bench: Bench::new(),
        };
        let init = [
            "init",
            "--registry-id",
            "r.invalid",
            "--base-url",
            "https://r.invalid",
        ];
        run(registry.pith().args(init).arg(registry.home()));
        registry
    }

    fn home(&self) -> PathBuf {
        self.bench.path("home")
    }

    fn pith(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pith"));
        command.arg("-C").arg(self.home());
        command
    }

    /// The same as text for a shell; no path here needs quoting.
    fn shell(&self, arguments: &str) -> String {
        let pith = env!("CARGO_BIN_EXE_pith");
        format!("{pith} -C {} {arguments}", self.home().display())
    }

    fn key_file(&self) -> PathBuf {
        self.home().join("keys/k1.age")
    }

    fn mint(&self) -> String {
        let papers = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/demo/papers.jsonl");
        format!("mint {papers} --limit 1")
    }
}

#[test]
fn plugins_seal_open_and_ask() {
    let registry = Registry::new();
    let plugin = registry
        .bench
        .write("age-plugin-pithtest", PLUGIN.as_bytes());
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    let identity = registry
        .bench
        .write("identity.txt", PLUGIN_IDENTITY.as_bytes());
    let old_path = std::env::var("PATH").unwrap();
    let path = format!("{}:{old_path}", registry.bench.folder.path().display());
    let generate = [
        "key",
        "generate",
        "--id",
        "k1",
        "--recipient",
        PLUGIN_RECIPIENT,
    ];
    run(registry.pith().args(generate).env("PATH", &path));

    let mint = registry.shell(&format!(
        "{} --identity {}",
        registry.mint(),
        identity.display()
    ));
    let command = format!("PATH={path} {mint}");
    let (code, seen) = Session::start(&command).answer("PIN", "0000\n").end();
    assert_eq!(code, Some(6), "{seen}");
    assert!(seen.contains("bad PIN!"), "{seen}");
    let (code, seen) = Session::start(&command).answer("PIN", "1234\n").end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("touch the key"), "{seen}");
    assert!(seen.contains("1 minted"), "{seen}");
    assert!(!seen.contains("1234"), "echoed: {seen}");
}

#[test]
fn a_passphrase_is_typed_without_echo_and_can_be_corrected() {
    let registry = Registry::new();
    let generate = registry.shell("key generate --id k1");
    let (code, seen) = Session::start(&generate)
        .answer("k1", "wrong\u{15}grün\u{7f}n horsf\u{8}e\n")
        .answer("gain", "grün horse\n")
        .end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("horse"), "echoed: {seen}");
    let passphrase = registry.bench.write("passphrase", "grün horse".as_bytes());
    let mint = registry.shell(&registry.mint());
    let with_file = format!("{mint} --passphrase-file {}", passphrase.display());
    run(Command::new("sh").args(["-c", &with_file]));
    // Typed wrong once, then right.
    let (code, seen) = Session::start(&mint)
        .answer("Passphrase", "green horse\n")
        .answer("Passphrase", "grün horse\n")
        .end();
    assert_eq!(code, Some(0), "{seen}");
}

#[test]
fn the_terminal_is_put_right_after_ctrl_c() {
    let registry = Registry::new();
    for keys in ["half\u{3}", "\u{4}"] {
        let command = format!(
            "{}; echo ended $?; stty -a",
            registry.shell("key generate --id k1")
        );
        let (code, seen) = Session::start(&command).answer("k1", keys).end();
        assert_eq!(code, Some(0), "{seen}");
        assert!(seen.contains("ended 130"), "{seen}");
        assert!(
            !registry.key_file().exists(),
            "a cancelled prompt leaves a key behind"
        );
        for mode in ["echo", "icanon", "isig"] {
            assert!(
                seen.split_whitespace().any(|word| word == mode),
                "{mode} is off: {seen}"
            );
        }
    }
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let registry = Registry::new();
    // A new session has no terminal.
    let command = registry.shell("key generate --id k1");
    let output = Command::new("setsid")
        .args(["--wait", "sh", "-c", &command])
        .output()
        .expect("`setsid` is installed");
    let seen = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{seen}");
    assert!(seen.contains("--new-passphrase-file"), "{seen}");
}

/// The names in a folder, so that nothing that was begun stays unnoticed.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

#[test]
fn age_and_openssl_open_what_is_imported_and_sealed_anew() {
    let registry = Registry::new();
    let (identity, recipient) = registry.bench.identity();
    let pem = run(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519"])).stdout;
    let source = registry.bench.write("source.pem", &pem);
    let import = ["key", "import", "--id", "k1", "--recipient", &recipient];
    run(registry.pith().args(import).arg(&source));
    let rewrap = [
        "key",
        "rewrap",
        "k1",
        "--recipient",
        &recipient,
        "--identity",
    ];
    for step in ["import", "rewrap"] {
        if step == "rewrap" {
            run(registry.pith().args(rewrap).arg(&identity));
        }
        let key = registry.key_file();
        let opened = run(Command::new("age")
            .arg("-d")
            .arg("-i")
            .arg(&identity)
            .arg(&key))
        .stdout;
        assert_eq!(opened, pem, "after {step}");
    }
    let public = run(registry
        .pith()
        .args(["key", "export-public", "k1", "--pem"]))
    .stdout;
    let expected = run(Command::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(&source))
    .stdout;
    assert_eq!(public, expected);
}

#[test]
fn openssl_verifies_what_a_key_check_signs() {
    let registry = Registry::new();
    let (identity, recipient) = registry.bench.identity();
    let generate = ["key", "generate", "--id", "k1", "--recipient", &recipient];
    run(registry.pith().args(generate));
    let check = ["key", "check", "k1", "--json", "--identity"];
    let line = run(registry.pith().args(check).arg(&identity)).stdout;
    let checked: serde_json::Value = serde_json::from_slice(&line).unwrap();
    let text = |name: &str| checked[name].as_str().unwrap();
    let statement = format!(
        r#"{{"checked_at":"{}","fingerprint_sha256_hex":"{}","key_id":"k1"}}"#,
        text("checked_at"),
        text("fingerprint_sha256_hex")
    );
    let message = [b"pith-key-check-v1\0", statement.as_bytes()].concat();
    let base64 = base64::prelude::BASE64_STANDARD;
    let signature = base64::Engine::decode(&base64, text("signature_b64")).unwrap();
    let public = run(registry
        .pith()
        .args(["key", "export-public", "k1", "--pem"]))
    .stdout;
    run(Command::new("openssl")
        .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"])
        .arg(registry.bench.write("public.pem", &public))
        .arg("-in")
        .arg(registry.bench.write("message", &message))
        .arg("-sigfile")
        .arg(registry.bench.write("signature", &signature)));
}

#[test]
fn a_key_that_age_sealed_is_imported_and_sealed_anew_at_a_terminal() {
    let registry = Registry::new();
    let source = registry
        .bench
        .write("seed", hex::encode(*registry.bench.key.seed()).as_bytes());
    let sealed = registry.bench.path("sealed.age");
    let age = format!("age -p -o {} {}", sealed.display(), source.display());
    let (code, seen) = Session::start(&age)
        .answer("Enter passphrase", &format!("{PASSPHRASE}\n"))
        .answer("Confirm passphrase", &format!("{PASSPHRASE}\n"))
        .end();
    assert_eq!(code, Some(0), "{seen}");
    fs::set_permissions(&sealed, fs::Permissions::from_mode(0o600)).unwrap();

    let import = registry.shell(&format!("key import --id k1 {}", sealed.display()));
    let (code, seen) = Session::start(&import)
        .answer("Passphrase for the key in", &format!("{PASSPHRASE}\n"))
        .answer("New passphrase for the imported key k1", "second horse\n")
        .answer("The same again", "second horse\n")
        .end();
    assert_eq!(code, Some(0), "{seen}");
    let (code, seen) = Session::start(&registry.shell("key rewrap k1"))
        .answer("Passphrase for k1", "second horse\n")
        .answer("New passphrase for the key k1", "third horses\n")
        .answer("The same again", "third horses\n")
        .end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("horse"), "echoed: {seen}");

    let pem = registry.bench.path("key.pem");
    let key = registry.key_file();
    let age = format!("age -d -o {} {}", pem.display(), key.display());
    let (code, seen) = Session::start(&age)
        .answer("Enter passphrase", "third horses\n")
        .end();
    assert_eq!(code, Some(0), "{seen}");
    let pem = fs::read_to_string(pem).unwrap();
    registry
        .bench
        .assert_same(&PrivateKey::from_pkcs8_pem(&pem).unwrap());
}

#[test]
fn ctrl_c_at_any_prompt_leaves_nothing_behind() {
    let registry = Registry::new();
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(PASSPHRASE));
    recipient.set_work_factor(2);
    let pem = registry.bench.key.to_pkcs8_v1_pem();
    let sealed = age::encrypt(&recipient, pem.as_bytes()).unwrap();
    let source = registry.bench.write("sealed.age", &sealed);
    let import = format!("key import --id k1 {}", source.display());
    let keys = registry.home().join("keys");
    let opened = ("Passphrase for", "correct horse battery\n");
    let new = ("New passphrase for", "another horse\n");
    let cancelled = |arguments: &str, answers: &[(&str, &str)], before: &[String]| {
        let file = fs::read(registry.key_file()).ok();
        for stop in 0..answers.len() {
            let mut session = Session::start(&registry.shell(arguments));
            for (prompt, answer) in &answers[..stop] {
                session.answer(prompt, answer);
            }
            let (code, seen) = session.answer(answers[stop].0, "half\u{3}").end();
            assert_eq!(code, Some(130), "{arguments}, prompt {stop}: {seen}");
            assert_eq!(names(&keys), before, "{arguments}, prompt {stop}");
            assert_eq!(fs::read(registry.key_file()).ok(), file, "{arguments}");
        }
    };
    let again = ("The same again", "another horse\n");
    let empty = names(&keys);
    cancelled("key generate --id k1", &[new, again], &empty);
    cancelled(&import, &[opened, new, again], &empty);

    // The same key as a home holds it, opened at little cost.
    let (_, recipient) = registry.bench.identity();
    let by_recipient = format!("{import} --recipient {recipient}");
    let (code, seen) = Session::start(&registry.shell(&by_recipient))
        .answer(opened.0, opened.1)
        .end();
    assert_eq!(code, Some(0), "{seen}");
    fs::write(registry.key_file(), &sealed).unwrap();
    let full = names(&keys);
    cancelled("key rewrap k1", &[opened, new, again], &full);
    cancelled("key check k1", &[opened], &full);
    let shares = registry.bench.path("shares");
    let split = format!(
        "key split k1 --shares 2 --threshold 2 --printable --out {}",
        shares.display()
    );
    cancelled(&split, &[opened], &full);
    assert!(!shares.exists(), "a cancelled prompt leaves shares behind");

    let (code, seen) = Session::start(&registry.shell(&split))
        .answer(opened.0, opened.1)
        .end();
    assert_eq!(code, Some(0), "{seen}");
    fs::remove_file(registry.key_file()).unwrap();
    let lost = names(&keys);
    let combine = format!(
        "key combine {0}/k1.share-1-of-2.json {0}/k1.share-2-of-2.json",
        shares.display()
    );
    cancelled(&combine, &[new, again], &lost);
}
