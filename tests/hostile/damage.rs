//! Input that was cut off or damaged.

use std::fs;
use std::io::Write as _;

use proptest::test_runner::TestRunner;
use rand::RngExt as _;
use serde_json::Value;

use crate::assert_sound;
use crate::common::{self, Home, papers, pith, repository, run};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn input_that_is_cut_off_is_an_error_after_what_could_be_read() {
    let home = Home::without_key();
    let whole = papers(400);
    for (name, bytes) in [
        ("papers.jsonl.gz", gzip(whole.as_bytes())),
        (
            "papers.jsonl.zst",
            zstd::encode_all(whole.as_bytes(), 1).unwrap(),
        ),
    ] {
        let path = home.beside(name);
        fs::write(&path, &bytes).unwrap();
        let complete = run(pith(["record"]).arg(&path)).exits(0);
        assert_eq!(complete.text().lines().count(), 400);
        fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
        let cut = run(pith(["record"]).arg(&path)).exits(5);
        assert!(cut.stderr.contains("pith: error: "), "{}", cut.stderr);
        assert!(cut.stderr.contains(name), "{}", cut.stderr);
        let (cut, complete) = (cut.text(), complete.text());
        assert!(complete.starts_with(&cut));
        assert!(cut.lines().count() < 400);
        assert!(cut.is_empty() || cut.ends_with('\n'));
    }
}

#[test]
fn bytes_that_are_no_text_are_rejected_line_by_line() {
    let home = Home::without_key();
    let path = home.beside("papers.jsonl");
    let line = |n: usize| (common::paper(n) + "\n").into_bytes();
    let mut bytes = line(1);
    let mut broken = line(2);
    broken[60] = 0xff;
    bytes.extend(broken);
    let mut nul = line(3);
    nul[100] = 0;
    bytes.extend(nul);
    bytes.extend(
        String::from_utf8(line(4))
            .unwrap()
            .replace("invented", "in\\u0000vented")
            .bytes(),
    );
    bytes.extend([0; 100]);
    bytes.extend(b"\n");
    bytes.extend(line(6));
    fs::write(&path, &bytes).unwrap();
    let rejects = home.beside("rejects.jsonl");
    let ran = run(pith(["record"]).arg(&path).arg("--rejects").arg(&rejects)).exits(3);
    assert_eq!(ran.text().lines().count(), 2);
    let found: Vec<(u64, String)> = fs::read_to_string(&rejects)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let code = line["code"].as_str().unwrap().to_owned();
            (line["line"].as_u64().unwrap(), code)
        })
        .collect();
    let expected = [
        (2, "text.encoding"),
        (3, "json.invalid"),
        (4, "text.nul"),
        (5, "json.invalid"),
    ];
    assert_eq!(found, expected.map(|(line, code)| (line, code.to_owned())));
}

/// Random bytes thrown at the verbs that read documents.
#[test]
fn corrupted_bundles_never_verify_and_never_panic() {
    let home = Home::new();
    let out = home.beside("out.jsonl");
    home.mint_to(&repository("templates/demo/papers.jsonl"), &out);
    let bundles = fs::read(&out).unwrap();
    let lines: Vec<&[u8]> = bundles
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .collect();
    let mut rng = TestRunner::deterministic().new_rng();
    let mut corrupted = lines[0].to_vec();
    corrupted.push(b'\n');
    for _ in 0..300 {
        let mut line = lines[rng.random_range(0..lines.len())].to_vec();
        // What stands after the last comma but two is the unauthenticated time of the signature.
        let signed_at = line
            .windows(11)
            .rposition(|w| w == b"\"signed_at\"")
            .unwrap();
        let at = rng.random_range(0..signed_at);
        let old = line[at];
        line[at] = b"\"\\{}[]:,0-eu\xff"[rng.random_range(0..13)];
        if line[at] == old {
            line[at] = b'~';
        }
        corrupted.extend(line);
        corrupted.push(b'\n');
    }
    let path = home.beside("corrupted.jsonl");
    fs::write(&path, corrupted).unwrap();
    let verified = run(home.pith(["verify"]).arg(&path)).exits(1);
    let text = verified.text();
    let count = text.lines().last().unwrap();
    assert_eq!(count, "301 documents: 1 verified, 0 untrusted, 300 failed");
    let twin = home.twin();
    run(twin.pith(["ledger", "rebuild"]).arg(&path)).exits(1);
    assert_sound(&twin, 1);
}
