//! A keyset's signature as others check it, by the recipe in `docs/KEYSET.md`.

use std::fs;
use std::process::Command;

use super::common::repository;
use super::world::{A, first, public};

/// The blocks of the document that are in this language.
fn blocks(language: &str) -> Vec<String> {
    let document = fs::read_to_string(repository("docs/KEYSET.md")).unwrap();
    let start = format!("```{language}\n");
    let blocks = document.split(&start).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

fn run(folder: &std::path::Path, program: &str, script: &str) -> (bool, String) {
    let output = Command::new(program)
        .args(["-c", script])
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.success(), text)
}

#[test]
fn openssl_accepts_a_custodians_signature_over_the_documented_message() {
    let folder = tempfile::tempdir().unwrap();
    let keyset = first();
    let path = folder.path().join("keyset.json");
    fs::write(&path, serde_json::to_vec_pretty(&keyset).unwrap()).unwrap();

    let (python, shell) = (blocks("python"), blocks("bash"));
    let (done, text) = run(folder.path(), "python3", &python[0]);
    assert!(done, "{text}");
    assert!(text.contains(&keyset.digest().to_string()), "{text}");
    assert!(
        text.contains(&public(A).fingerprint().to_string()),
        "{text}"
    );
    let message = fs::read(folder.path().join("message")).unwrap();
    assert_eq!(message, keyset.message().as_bytes());

    let (done, text) = run(folder.path(), "bash", &format!("set -e\n{}", shell[0]));
    assert!(done, "{text}");
    assert_eq!(
        text.matches("Signature Verified Successfully").count(),
        2,
        "{text}"
    );

    // And not over anything else.
    fs::write(folder.path().join("message"), [&message[..], b" "].concat()).unwrap();
    let (done, text) = run(folder.path(), "bash", &format!("set -e\n{}", shell[0]));
    assert!(!done && !text.contains("Successfully"), "{text}");
}
