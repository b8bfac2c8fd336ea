//! `pith key` and `pith receipt` as they are run: what they write, and what they refuse.

#[path = "../common/mod.rs"]
mod common;

mod files;
mod receipts;
mod shares;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Ran, pith, run, write_private};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

/// A folder with an age identity; keys in it are sealed for its recipient, which costs no time.
struct Desk {
    folder: TempDir,
    recipient: String,
}

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let identity = age::x25519::Identity::generate();
        let text = identity.to_string();
        write_private(
            &folder.path().join("identity"),
            text.expose_secret().as_bytes(),
        );
        Desk {
            folder,
            recipient: identity.to_public().to_string(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs the program in this folder; `IDENTITY` and `RECIPIENT` stand for the flags.
    fn pith(&self, arguments: &str) -> Ran {
        let arguments = arguments
            .replace("IDENTITY", "--identity identity")
            .replace("RECIPIENT", &format!("--recipient {}", self.recipient));
        run(pith(arguments.split_whitespace()).current_dir(self.folder.path()))
    }

    fn does(&self, arguments: &str) -> Ran {
        self.pith(arguments).exits(0)
    }

    /// Runs what is to be refused, and asserts that the message has all of `words`.
    #[track_caller]
    fn refuses(&self, arguments: &str, code: i32, words: &[&str]) -> String {
        let said = self.pith(arguments).exits(code).stderr;
        assert!(said.contains("pith: error: "), "{said}");
        for word in words {
            assert!(said.contains(word), "no `{word}` in: {said}");
        }
        said
    }

    /// A custodian's key, which needs no registry.
    fn custodian(&self, id: &str) {
        self.does(&format!(
            "key generate --role custodian --id {id} --out . RECIPIENT"
        ));
    }

    fn copy(&self, from: &str, to: &str) {
        let bytes = fs::read(self.path(from)).unwrap();
        write_private(&self.path(to), &bytes);
    }
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    let changed = text.replace(from, to);
    assert_ne!(changed, text, "{from} is not in {}", path.display());
    fs::write(path, changed).unwrap();
}
