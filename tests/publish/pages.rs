//! The pages, as text and in a browser.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use pith::keys::PrivateKey;

use crate::common::{cheaply_sealed, repository, run, write_private};
use crate::mirror::{HOSTILE, Published};

#[test]
fn nothing_from_metadata_is_markup() {
    let published = Published::minted(0);
    published.publish();
    let mut seen = 0;
    for suffix in published.suffixes() {
        let page =
            fs::read_to_string(published.file(&format!("pith/{suffix}/index.html"))).unwrap();
        for tag in [
            "<script", "<img", "<svg", "<title", "<h1", "<br", "</main", "<!--",
        ] {
            let own = match tag {
                "<script" | "<title" | "<h1" | "<br" | "</main" => 1,
                _ => 0,
            };
            assert_eq!(page.matches(tag).count(), own, "{tag} in {suffix}");
        }
        let escaped = HOSTILE
            .iter()
            .filter(|title| page.contains(&escaped(title)));
        seen += escaped.count();
    }
    assert_eq!(seen, HOSTILE.len());
}

/// As text in HTML.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#x27;"),
            '/' => shown.push_str("&#x2f;"),
            c => shown.push(c),
        }
    }
    shown
}

fn installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

#[test]
fn pages_verify_themselves_in_a_browser() {
    if !installed("chromedriver") || !installed("chromium") {
        // Straight to the file: what goes through `eprintln!` is shown for failures only.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: pages_verify_themselves_in_a_browser: it needs chromium and chromedriver"
        );
        return;
    }
    let published = Published::minted(270);
    published.reissue();
    let says = attest(&published);
    published.publish();
    published.verify().exits(0);
    // Most of the papers differ in a number only: a few stand for them.
    let few = published.home.beside("few");
    thin_out(&published, &few, 2);
    let mut script = Command::new("python3");
    script
        .arg("-B")
        .arg(repository("tests/python/check_pages.py"))
        .arg(&few);
    let ran = run(&mut script).exits(0);
    assert!(ran.text().contains("9 pages green"), "{}", ran.text());
    let attested = fs::read_to_string(few.join(format!("pith/{says}/index.html"))).unwrap();
    assert!(attested.contains("Statement of authorship"));
    assert!(attested.contains(&escaped("<script>window.ran = 1</script>")));
}

/// An event of the first paper by another than the registry, with a key of its own and markup in what
/// it says; returns the paper's suffix.
fn attest(published: &Published) -> String {
    let home = &published.home;
    let [key, public, payload, event, passphrase] = [
        "author.age",
        "author.json",
        "payload.json",
        "event.json",
        "passphrase",
    ]
    .map(|name| home.beside(name));
    let private = PrivateKey::from_seed(&[7; 32]);
    write_private(&key, &cheaply_sealed(&private, "correct horse battery"));
    write_private(&passphrase, b"correct horse battery");
    fs::write(
        &payload,
        r#"{"claimant":"<script>window.ran = 1</script>","method":"orcid","orcid":"0000-0002-1825-0097","strength":"strong"}"#,
    )
    .unwrap();
    let mut sign = home.pith(["--now", "2026-06-01T00:00:00Z", "event", "sign"]);
    sign.args([
        "author_attestation",
        "--subject",
        "2402.00001",
        "--key",
        "author-1",
    ]);
    sign.args([
        "--signer-id",
        "orcid:0000-0002-1825-0097",
        "--signer-type",
        "author",
    ]);
    sign.arg("--payload")
        .arg(&payload)
        .arg("--key-file")
        .arg(&key);
    sign.arg("--passphrase-file").arg(&passphrase);
    sign.arg("--public-key-out")
        .arg(&public)
        .arg("-o")
        .arg(&event);
    run(&mut sign).exits(0);
    run(home
        .pith(["event", "add"])
        .arg(&event)
        .arg("--key")
        .arg(&public))
    .exits(0);
    let event: serde_json::Value = serde_json::from_slice(&fs::read(event).unwrap()).unwrap();
    let number = event["subject_pith_number"].as_str().unwrap();
    number.rsplit(':').next().unwrap().to_owned()
}

/// A copy of a mirror with the hostile papers, the attested one and `plain` others: the index still
/// names all.
fn thin_out(published: &Published, copy: &std::path::Path, plain: usize) {
    let copied = Command::new("cp")
        .arg("-r")
        .arg(published.mirror())
        .arg(copy)
        .status();
    assert!(copied.unwrap().success());
    let mut kept = 0;
    for suffix in published.suffixes() {
        let bundle = fs::read_to_string(copy.join(format!("pith/{suffix}/bundle.json"))).unwrap();
        let is_plain =
            bundle.contains("of invented papers\"") && !bundle.contains("\"author_attestation\"");
        kept += usize::from(is_plain);
        if is_plain && kept > plain {
            fs::remove_dir_all(copy.join(format!("pith/{suffix}"))).unwrap();
        }
    }
}
