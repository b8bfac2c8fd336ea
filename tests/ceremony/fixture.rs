//! A ceremony to run commands in, and custodians to witness it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pith::canonical;
use pith::ceremony::Entry;
use pith::keys::{CustodianKey, PrivateKey, Protection, PublicKey, seal};
use secrecy::ExposeSecret as _;

use crate::common::{Home, Ran, run, write_private};

/// A home with one ceremony.
pub struct Ceremony {
    pub home: Home,
    pub dir: PathBuf,
}

impl Ceremony {
    /// A genesis of three custodians.
    pub fn new() -> Self {
        Ceremony::planned(&["genesis"])
    }

    /// A rehearsal, which may fix the time.
    pub fn rehearsal() -> Self {
        Ceremony::planned(&["genesis", "--rehearsal", "--now", "2026-06-01T00:00:00Z"])
    }

    fn planned(kind: &[&str]) -> Self {
        let home = Home::new();
        let plan = ["ceremony", "plan", "--name", "c"];
        let custodians = ["--custodian", "custodian-a", "--custodian", "custodian-b"];
        run(home
            .pith(plan)
            .args(kind)
            .args(custodians)
            .args(["--custodian", "custodian-c"]))
        .exits(0);
        let dir = home.dir().join("ceremonies/c");
        Ceremony { home, dir }
    }

    /// The program, in the ceremony's folder.
    pub fn pith<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Command {
        let mut command = crate::common::pith(args);
        command.current_dir(&self.dir);
        command
    }

    /// Runs the program there.
    pub fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.pith(args))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("transcript.jsonl")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub fn write_lines(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.path("transcript.jsonl"), text).unwrap();
    }

    pub fn entries(&self) -> Vec<Entry> {
        let lines = self.lines();
        let read = |line: &String| canonical::from_slice(line.as_bytes()).unwrap();
        lines.iter().map(read).collect()
    }

    /// Three remarks, to be tampered with.
    pub fn with_remarks(self) -> Self {
        for text in ["one", "two", "three"] {
            self.run(&["ceremony", "log", text]).exits(0);
        }
        self
    }

    /// The files of a custodian's key beside the home: sealed for an identity, and public.
    pub fn custodian(&self, id: &str, seed: u8) -> Custodian {
        let identity = age::x25519::Identity::generate();
        let identity_path = self.home.beside(&format!("{id}.identity"));
        let text = identity.to_string();
        write_private(&identity_path, text.expose_secret().as_bytes());
        let private = PrivateKey::from_seed(&[seed; 32]);
        let recipient = identity.to_public().to_string().parse().unwrap();
        let prompts = std::sync::Arc::new(pith::keys::NoPrompts);
        let sealed = seal(&private, &Protection::Recipients(vec![recipient]), prompts).unwrap();
        let key = self.home.beside(&format!("{id}.age"));
        write_private(&key, &sealed);
        let public = CustodianKey {
            key_id: id.parse().unwrap(),
            key: PublicKey::from(private.verifying_key()),
        };
        let public_path = key.with_extension("json");
        fs::write(&public_path, serde_json::to_vec(&public).unwrap()).unwrap();
        Custodian {
            key,
            public: public_path,
            identity: identity_path,
        }
    }

    /// Closes the ceremony with these witnesses.
    pub fn close(&self, witnesses: &[&Custodian]) -> Ran {
        let mut command = self.pith(["ceremony", "close"]);
        for witness in witnesses {
            command.arg("--witness").arg(&witness.key);
            command.arg("--identity").arg(&witness.identity);
        }
        run(&mut command)
    }

    /// Verifies it, trusting these custodians.
    pub fn verify(&self, trusted: &[&Custodian]) -> Ran {
        let mut command = self.pith(["ceremony", "verify"]);
        for custodian in trusted {
            command.arg("--trust").arg(&custodian.public);
        }
        run(&mut command)
    }
}

pub struct Custodian {
    pub key: PathBuf,
    pub public: PathBuf,
    pub identity: PathBuf,
}

/// Asserts that a verification failed, and by this check.
#[track_caller]
pub fn fails_by(ran: Ran, code: &str) {
    let ran = ran.exits(1);
    let text = ran.text();
    let failed = format!("FAILED    {code}:");
    assert!(text.contains(&failed), "no {code} in:\n{text}");
}

/// Everything in a folder and below.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
