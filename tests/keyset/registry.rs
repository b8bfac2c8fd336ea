//! A registry on the command line, with custodians, for tests to lead through its life.

use std::fs;
use std::path::PathBuf;

use super::common::{Home, Ran, paper, run, write_private};
use super::world::{A, B, C, D, custodian, private};
use pith::keys::{NoPrompts, Protection, seal};
use secrecy::ExposeSecret as _;

/// A home whose custodians' keys lie beside it, all of which one age identity opens.
pub struct Registry {
    pub home: Home,
}

pub const GENESIS: &str = "2026-06-01T00:00:00Z";

impl Registry {
    pub fn new() -> Self {
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

    pub fn file(&self, name: &str) -> PathBuf {
        self.home.beside(name)
    }

    pub fn keys(&self, name: &str) -> PathBuf {
        self.home.dir().join("keys").join(name)
    }

    pub fn at(&self, now: &str, args: &[&str]) -> Ran {
        run(self.home.pith(["--now", now]).args(args))
    }

    /// A verb that opens keys.
    pub fn opening(&self, now: &str, args: &[&str]) -> Ran {
        let identity = self.file("identity.txt");
        run(self
            .home
            .pith(["--now", now])
            .args(args)
            .arg("--identity")
            .arg(identity))
    }

    pub fn sign(&self, names: &[&str]) {
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

    pub fn digest(&self) -> String {
        let shown = run(&mut self.home.pith(["keyset", "diff", "--json"])).exits(0);
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        shown["digest"].as_str().unwrap().to_owned()
    }

    pub fn custodians(&self, now: &str, threshold: &str, names: &[&str]) -> Ran {
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

    pub fn genesis(&self) {
        self.opening(GENESIS, &["keyset", "draft", "new", "--rehearsal"])
            .exits(0);
        let all = ["custodian-a", "custodian-b", "custodian-c"];
        self.custodians(GENESIS, "2", &all).exits(0);
        self.sign(&["custodian-a", "custodian-c"]);
        self.at(GENESIS, &["keyset", "publish"]).exits(0);
    }

    pub fn generate(&self, id: &str) {
        let identity = fs::read_to_string(self.file("identity.txt")).unwrap();
        let identity: age::x25519::Identity = identity.trim().parse().unwrap();
        let recipient = identity.to_public().to_string();
        let args = ["key", "generate", "--id", id, "--recipient", &recipient];
        run(&mut self.home.pith(args)).exits(0);
    }

    pub fn mint(&self, now: &str, numbers: &[usize], out: &str) -> Ran {
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
    pub fn verify(&self, now: &str, out: &str) -> Ran {
        let out = self.file(out);
        self.at(now, &["verify", out.to_str().unwrap()])
    }

    /// Publishes key-2 as the next key on day 1, and has it take over on day 11.
    pub fn rotate(&self) {
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
