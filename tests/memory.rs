//! After a verb has ended, no secret is left in the memory of its process.
//!
//! This binary runs itself: as a child it is the program, `src/main.rs` with its allocator, and when the
//! verb has ended it searches its own memory. What it searches for it knows in a disguise only.

#[path = "../src/main.rs"]
mod program;

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pith::keys::PrivateKey;
use secrecy::{ExposeSecret, SecretString};

const NEEDLES: &str = "PITH_TEST_NEEDLES";
/// Names the control: the child leaves a copy of each secret behind, which must be found.
const LEAVE: &str = "PITH_TEST_LEAVE";
const MASK: u8 = 0x5a;

const PASSPHRASE: &str = "violet anchor sediment quorum";
const NEW_PASSPHRASE: &str = "tundra walnut obelisk cipher";

fn main() -> ExitCode {
    if cfg!(not(target_os = "linux")) {
        println!("NOT RUN: memory is searched on Linux only");
        return ExitCode::SUCCESS;
    }
    match std::env::var(NEEDLES) {
        Ok(needles) => child(&needles),
        Err(_) => parent(),
    }
}

fn masked(secret: &[u8]) -> String {
    hex::encode(secret.iter().map(|byte| byte ^ MASK).collect::<Vec<_>>())
}

/// The program, then the search. A secret that was found is named on stderr.
fn child(needles: &str) -> ExitCode {
    let needles: Vec<(&str, Vec<u8>)> = needles
        .split(',')
        .map(|needle| needle.split_once('=').unwrap())
        .map(|(name, hex)| (name, hex::decode(hex).unwrap()))
        .collect();
    let ended = program::main();
    let mut left = Vec::new();
    if std::env::var_os(LEAVE).is_some() {
        for (_, needle) in &needles {
            left.push(needle.iter().map(|byte| byte ^ MASK).collect::<Vec<u8>>());
        }
    }
    // The program has hidden its memory from others; this is the same process, but the file is root's.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).unwrap();
    for (name, place) in search(&needles) {
        eprintln!("FOUND {name} in {place}");
    }
    std::hint::black_box(&left);
    ended
}

/// Looks through all memory that can be written to.
fn search(needles: &[(&str, Vec<u8>)]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut memory = File::open("/proc/self/mem").unwrap();
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let start = u64::from_str_radix(start, 16).unwrap();
        let end = u64::from_str_radix(end, 16).unwrap();
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).unwrap();
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for (name, needle) in needles {
            let holds = |window: &[u8]| window.iter().zip(needle).all(|(m, n)| m ^ MASK == *n);
            let count = bytes
                .windows(needle.len())
                .filter(|window| holds(window))
                .count();
            if count > 0 {
                let place = rest.split_whitespace().last().unwrap_or_default();
                found.push((format!("{name} ({count} times)"), place.to_owned()));
            }
        }
    }
    found
}

/// What is searched for: pieces, since a copy need not be whole.
fn needles(seed: &[u8; 32], share: Option<&str>) -> String {
    let key = PrivateKey::from_seed(seed);
    let pem = key.to_pkcs8_v1_pem();
    let body = pem.lines().nth(1).unwrap();
    let mut needles = vec![
        ("seed-first-half", masked(&seed[..16])),
        ("seed-second-half", masked(&seed[16..])),
        ("seed-in-PEM", masked(&body.as_bytes()[24..56])),
        ("seed-in-hex", masked(&hex::encode(seed).as_bytes()[..32])),
        ("passphrase", masked(&PASSPHRASE.as_bytes()[..20])),
        ("new-passphrase", masked(&NEW_PASSPHRASE.as_bytes()[..20])),
    ];
    if let Some(share) = share {
        needles.push(("share-text", masked(&share.as_bytes()[..39])));
        let plain: String = share.chars().filter(|c| *c != ' ').take(64).collect();
        let base32 = base32::Alphabet::Rfc4648 { padding: false };
        let bytes = base32::decode(base32, &plain).unwrap();
        needles.push(("share-first-half", masked(&bytes[..16])));
        needles.push(("share-second-half", masked(&bytes[16..32])));
    }
    let needles = needles.iter().map(|(name, hex)| format!("{name}={hex}"));
    needles.collect::<Vec<_>>().join(",")
}

struct Bench {
    folder: tempfile::TempDir,
    needles: String,
    faults: Vec<String>,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs the program in the bench's folder and gives what it says on stderr.
    fn pith(&self, arguments: &str, leave: bool) -> String {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .env(NEEDLES, &self.needles)
            .env_remove("PITH_PASSPHRASE_FILE")
            .stdin(Stdio::null());
        if leave {
            command.env(LEAVE, "1");
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "pith {arguments}: {said}");
        said
    }

    fn leaves_nothing(&mut self, arguments: &str) {
        let said = self.pith(arguments, false);
        for line in said.lines().filter(|line| line.starts_with("FOUND")) {
            self.faults.push(format!("pith {arguments}: {line}"));
        }
    }
}

/// An age file that costs next to nothing to open, unlike the toolkit's own.
fn cheaply_sealed(plaintext: &[u8]) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(PASSPHRASE));
    recipient.set_work_factor(2);
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).unwrap();
    writer.write_all(plaintext).unwrap();
    writer.finish().unwrap();
    file
}

fn parent() -> ExitCode {
    let mut seed = [0; 32];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut seed);
    let key = PrivateKey::from_seed(&seed);
    let mut bench = Bench {
        folder: tempfile::tempdir().unwrap(),
        needles: needles(&seed, None),
        faults: Vec::new(),
    };
    let identity = age::x25519::Identity::generate();
    bench.write("identity", identity.to_string().expose_secret().as_bytes());
    bench.write("passphrase", PASSPHRASE.as_bytes());
    bench.write("new-passphrase", NEW_PASSPHRASE.as_bytes());
    bench.write("key.pem", key.to_pkcs8_v1_pem().as_bytes());
    bench.write("key.hex", hex::encode(seed).as_bytes());
    bench.write("key.b64", BASE64_STANDARD.encode(seed).as_bytes());
    bench.write("sealed.age", &cheaply_sealed(hex::encode(seed).as_bytes()));
    let papers = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/demo/papers.jsonl");
    fs::copy(Path::new(papers), bench.path("papers.jsonl")).unwrap();
    let recipient = identity.to_public();

    bench.leaves_nothing("init home --registry-id r.invalid --base-url https://r.invalid");
    let import = format!("-C home key import --recipient {recipient}");
    bench.leaves_nothing(&format!("{import} --id k1 key.pem"));
    bench.leaves_nothing(&format!("{import} --id k2 key.hex --out ."));
    bench.leaves_nothing(&format!("{import} --id k3 key.b64 --out ."));
    let sealed = "sealed.age --passphrase-file passphrase";
    bench.leaves_nothing(&format!("{import} --id k4 {sealed} --out ."));
    bench.leaves_nothing("-C home key check k1 --identity identity");
    bench.leaves_nothing("-C home mint papers.jsonl --limit 1 --identity identity");
    let unlock = "--identity identity --new-passphrase-file new-passphrase";
    bench.leaves_nothing(&format!("-C home key rewrap k1 {unlock}"));
    let unlock = "--passphrase-file new-passphrase";
    bench.leaves_nothing(&format!("-C home key check k1 {unlock}"));
    let split = "key split k2.age --identity identity --shares 3 --threshold 2 --out shares";
    bench.leaves_nothing(&format!("{split} --printable"));

    let share = fs::read_to_string(bench.path("shares/k2.share-1-of-3.json")).unwrap();
    let (_, text) = share.split_once("\"share\": \"").unwrap();
    bench.needles = needles(&seed, Some(text));
    fs::create_dir(bench.path("restored")).unwrap();
    fs::copy(bench.path("k2.json"), bench.path("restored/k2.json")).unwrap();
    let shares = "shares/k2.share-1-of-3.json shares/k2.share-3-of-3.json";
    bench.leaves_nothing(&format!(
        "key combine {shares} --recipient {recipient} --out restored"
    ));
    // Of one of them only its text is there, as it is typed from paper.
    let (typed, _) = text.split_once('"').unwrap();
    bench.write("share-1", typed.as_bytes());
    fs::create_dir(bench.path("typed")).unwrap();
    fs::copy(bench.path("k2.json"), bench.path("typed/k2.json")).unwrap();
    let list = "--commitments shares/k2.commitments.json";
    let shares = "share-1 shares/k2.share-3-of-3.json";
    bench.leaves_nothing(&format!(
        "key combine {shares} {list} --recipient {recipient} --out typed"
    ));

    let said = bench.pith("key show k2.age", true);
    let found = said
        .lines()
        .filter(|line| line.starts_with("FOUND"))
        .count();
    assert!(found >= 7, "the search does not find what is there: {said}");
    if bench.faults.is_empty() {
        println!("memory: no secret was left behind");
        return ExitCode::SUCCESS;
    }
    println!("{}", bench.faults.join("\n"));
    ExitCode::FAILURE
}
