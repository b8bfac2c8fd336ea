//! The command line, one behaviour a file: each file in `tests/cmd` holds commands and what they
//! print, standard error included, in the order in which they print it.
//!
//! Each case runs in a folder of its own that holds:
//!
//! | name | what it is |
//! |---|---|
//! | `bundle.json` | the published bundle |
//! | `papers.jsonl` | three invented papers |
//! | `revised.jsonl` | the first of them in a second version |
//! | `relicensed.jsonl` | the first of them under another licence, in the same version |
//! | `faulty.jsonl` | a paper, four lines that are rejected, another paper |
//! | `many.jsonl` | 400 invented papers |
//! | `home/` | a registry home with the key `test-key`, which the passphrase in `passphrase` opens |
//! | `empty-home/` | a registry home without a key |
//! | `custodian-a.age`, `custodian-a.json`, … | the keys of three custodians, which the same passphrase opens |
//! | `author.age`, `other.age` | private keys of others than the registry, which the passphrase opens too |
//! | `attestation.json`, `replication.json`, `hint.json` | payloads, filled in |
//! | `wrong-passphrase` | another passphrase |
//!
//! The key is one that everybody knows, so that signatures are the same every time. To take over
//! what the program prints now: `TRYCMD=overwrite cargo test --test cmd`, then read the difference and
//! put `[..]` in the place of what is another every time, such as durations.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{paper, papers, published, repository, write_private};
use pith::home::Home;
use pith::keys::{CustodianKey, PrivateKey, PublicKey, PublicKeyObject};

const PASSPHRASE: &str = "correct horse battery";

/// The private key of RFC 8032, section 7.1, test 2.
const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

/// That of test 3, for an author.
const AUTHOR: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";

/// That of test 1, for somebody who would like to be the author.
const OTHER: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

const ATTESTATION: &str = r#"{"claimant":"Ada Placeholder","method":"orcid","orcid":"0000-0002-1825-0097","strength":"strong"}"#;

const REPLICATION: &str = r#"{"artefact_sha256":"0000000000000000000000000000000000000000000000000000000000000001","artefact_url":null,"claim_ids":["C1"],"formal_system":"lean","kind":"formal_bridge","lines":42}"#;

const HINT: &str =
    r#"{"base_url":"https://mirror.invalid","mirror_type":"https","name":"A mirror"}"#;

fn key(seed_hex: &str) -> PrivateKey {
    let mut seed = [0; 32];
    hex::decode_to_slice(seed_hex, &mut seed).unwrap();
    PrivateKey::from_seed(&seed)
}

fn cheaply_sealed(key: &PrivateKey) -> Vec<u8> {
    common::cheaply_sealed(key, PASSPHRASE)
}

fn home(dir: &Path) -> Home {
    Home::init(dir, "registry.invalid", "https://registry.invalid").unwrap()
}

fn fill(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    fs::write(folder.join("bundle.json"), published()).unwrap();
    write("papers.jsonl", &papers(3));
    let second = r#"GMT"},{"version":"v2","created":"Fri, 2 Feb 2024 12:00:01 GMT"}]"#;
    let revised = paper(1).replace(r#"GMT"}]"#, second);
    assert_ne!(revised, paper(1));
    write("revised.jsonl", &(revised + "\n"));
    let relicensed = paper(1).replace("/by/4.0/", "/by-sa/4.0/");
    assert_ne!(relicensed, paper(1));
    write("relicensed.jsonl", &(relicensed + "\n"));
    let faulty = [
        paper(1),
        paper(2).replace("\"title\"", "\"heading\""),
        "{\"id\":\"2402.00003\"".to_owned(),
        paper(4).replace("math.GT", "math.GT,"),
        paper(5).replace("invented", "invent\u{e9}s"),
        paper(6),
    ];
    write("faulty.jsonl", &(faulty.join("\n") + "\n"));
    write("many.jsonl", &papers(400));

    home(&folder.join("empty-home"));
    let home = home(&folder.join("home"));
    let (id, private) = ("test-key".parse().unwrap(), key(SEED));
    write_private(&home.private_key_path(&id), &cheaply_sealed(&private));
    let public = PublicKey::from(private.verifying_key());
    let object = PublicKeyObject::of_registry(public, id, &home.profile.base_url);
    home.add_key(&object).unwrap();
    for (letter, seed) in [('a', 1), ('b', 2), ('c', 3)] {
        let private = PrivateKey::from_seed(&[seed; 32]);
        let custodian = CustodianKey {
            key_id: format!("custodian-{letter}").parse().unwrap(),
            key: PublicKey::from(private.verifying_key()),
        };
        let path = folder.join(format!("custodian-{letter}"));
        write_private(&path.with_extension("age"), &cheaply_sealed(&private));
        let public = serde_json::to_vec_pretty(&custodian).unwrap();
        fs::write(path.with_extension("json"), public).unwrap();
    }
    for (name, seed) in [("author.age", AUTHOR), ("other.age", OTHER)] {
        write_private(&folder.join(name), &cheaply_sealed(&key(seed)));
    }
    write("attestation.json", ATTESTATION);
    write("replication.json", REPLICATION);
    write("hint.json", HINT);
    write_private(&folder.join("passphrase"), PASSPHRASE.as_bytes());
    write_private(&folder.join("wrong-passphrase"), b"wrong horse battery");
}

/// Copies the cases back where they came from, when they were to be overwritten.
struct TakeOver(Vec<(PathBuf, PathBuf)>);

impl Drop for TakeOver {
    fn drop(&mut self) {
        for (copy, original) in &self.0 {
            fs::copy(copy, original).unwrap();
        }
    }
}

#[test]
fn the_program_does_what_the_cases_show() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for entry in fs::read_dir(repository("tests/cmd")).unwrap() {
        let original = entry.unwrap().path();
        let copy = folder.path().join(original.file_name().unwrap());
        fs::copy(&original, &copy).unwrap();
        fill(&copy.with_extension("in"));
        cases.push((copy, original));
    }
    assert!(cases.len() > 50, "only {} cases", cases.len());
    let overwrite = std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite");
    let _take_over = TakeOver(if overwrite { cases } else { Vec::new() });

    let program = Path::new(env!("CARGO_BIN_EXE_pith"));
    let programs = program.parent().unwrap().display();
    let tests = trycmd::TestCases::new();
    tests
        .register_bin("pith", program)
        .register_bin("sh", Path::new("/bin/sh"))
        // The cases' shells find the program by its name.
        .env("PATH", format!("{programs}:/usr/bin:/bin"))
        .env("LC_ALL", "C")
        .env("COLUMNS", "100")
        .case(folder.path().join("*.trycmd"));
    tests.run();
}
