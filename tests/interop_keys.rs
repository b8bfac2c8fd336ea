//! Sealed keys and other people's tools: `age`, `age-keygen`, `openssl`, and a real terminal.
//!
//! Debian's packages `age`, `openssl`, `bsdutils` (`script`) and `util-linux` (`setsid`) must be there: without them
//! these tests fail, so that nobody mistakes a test that did not run for one that passed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use pith::cli::terminal::{Terminal, TerminalError, Tty};
use pith::keys::{
    Identities, IdentityFile, NewPassphrase, NoPrompts, PrivateKey, Prompts, Protection, SealedKey,
    Unlock, UnlockError, seal,
};
use secrecy::{ExposeSecret, SecretString};
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

/// A command at a terminal of its own, as `script` gives it.
struct Session {
    child: Child,
    seen: String,
}

impl Session {
    fn start(command: &str) -> Self {
        let child = Command::new("script")
            .args(["--quiet", "--return", "--command", command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` is installed");
        Session {
            child,
            seen: String::new(),
        }
    }

    /// Waits until `prompt` was shown again, then types `keys`.
    fn answer(&mut self, prompt: &str, keys: &str) -> &mut Self {
        let start = self.seen.len();
        let mut byte = [0];
        while !self.seen[start..].contains(prompt) {
            let count = self.child.stdout.as_mut().unwrap().read(&mut byte).unwrap();
            assert_eq!(count, 1, "ended before {prompt:?}: {:?}", self.seen);
            self.seen.push(byte[0].into());
        }
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
        self
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_end(&mut rest)
            .unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        (
            self.child.wait().unwrap().code(),
            std::mem::take(&mut self.seen),
        )
    }
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

/// Answers a plugin, and remembers what it said.
struct Pin(&'static str, Mutex<String>);

impl Prompts for Pin {
    fn message(&self, message: &str) {
        self.1.lock().unwrap().push_str(message);
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn public_text(&self, _: &str) -> Option<String> {
        None
    }

    fn secret_text(&self, description: &str) -> Option<SecretString> {
        assert_eq!(description, "PIN");
        Some(SecretString::from(self.0))
    }
}

/// Not a test, but what the test below runs with the plugin on its PATH.
#[test]
#[ignore = "run by another test"]
fn child_that_uses_a_plugin() {
    let bench = Bench::new();
    let protection = Protection::Recipients(vec![PLUGIN_RECIPIENT.parse().unwrap()]);
    let sealed = seal(&bench.key, &protection, Arc::new(NoPrompts)).unwrap();
    let sealed = SealedKey::parse(&sealed).unwrap();

    let mut identities = Identities::default();
    let file = IdentityFile::parse(PLUGIN_IDENTITY.as_bytes()).unwrap();
    file.open(None, &mut identities).unwrap();

    let owner = Arc::new(Pin("1234", Mutex::default()));
    bench.assert_same(
        &sealed
            .open(&Unlock::Identities(&identities, owner.clone()))
            .unwrap(),
    );
    assert_eq!(*owner.1.lock().unwrap(), "touch the key");

    let thief = Arc::new(Pin("0000", Mutex::default()));
    let error = sealed
        .open(&Unlock::Identities(&identities, thief))
        .unwrap_err();
    assert!(
        matches!(&error, UnlockError::Plugin { message } if message.contains("bad PIN!")),
        "{error:?}"
    );
}

#[test]
fn plugins_seal_open_and_ask() {
    let bench = Bench::new();
    let plugin = bench.write("age-plugin-pithtest", PLUGIN.as_bytes());
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    let path = std::env::var("PATH").unwrap();
    run(Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_uses_a_plugin", "--ignored"])
        .env("PATH", format!("{}:{path}", bench.folder.path().display())));
}

/// Not a test, but what the tests below run at a terminal of its own.
#[test]
#[ignore = "run by other tests"]
fn child_that_asks() {
    match Tty.ask_secret("Passphrase? ") {
        Ok(secret) => println!("got <{}>", secret.expose_secret()),
        Err(TerminalError::Cancelled) => println!("cancelled"),
        Err(error) => println!("failed: {error}"),
    }
}

fn asking_child() -> String {
    let program = std::env::current_exe().unwrap();
    format!(
        "{} --exact child_that_asks --ignored --nocapture",
        program.display()
    )
}

#[test]
fn a_passphrase_is_typed_without_echo_and_can_be_corrected() {
    let (code, seen) = Session::start(&asking_child())
        .answer("Passphrase? ", "wrong\u{15}grün\u{7f}n horsf\u{8}e\n")
        .end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("got <grün horse>"), "{seen}");
    assert_eq!(seen.matches("horse").count(), 1, "echoed: {seen}");
}

#[test]
fn the_terminal_is_put_right_after_ctrl_c() {
    for keys in ["half\u{3}", "\u{4}"] {
        let command = format!("{}; stty -a", asking_child());
        let (code, seen) = Session::start(&command).answer("Passphrase? ", keys).end();
        assert_eq!(code, Some(0), "{seen}");
        assert!(seen.contains("cancelled"), "{seen}");
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
    // A new session has no terminal.
    let output = run(Command::new("setsid").args(["--wait", "sh", "-c", &asking_child()]));
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(
        seen.contains("failed: there is no terminal to ask at"),
        "{seen}"
    );
}
