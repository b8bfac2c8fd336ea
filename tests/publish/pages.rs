//! The pages, as text and in a browser.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use crate::common::{repository, run};
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
    // An event by another than the registry, with a key of its own and markup in what it says.
    published.publish();
    published.verify().exits(0);
    // Most of the papers differ in a number only: a few stand for them.
    let few = published.home.beside("few");
    thin_out(&published, &few, 3);
    let mut script = Command::new("python3");
    script
        .arg("-B")
        .arg(repository("tests/python/check_pages.py"))
        .arg(&few);
    let ran = run(&mut script).exits(0);
    assert!(ran.text().contains("9 pages green"), "{}", ran.text());
}

/// A copy of a mirror with the hostile papers and `plain` others: the index still names all.
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
        let is_plain = bundle.contains("of invented papers\"");
        kept += usize::from(is_plain);
        if is_plain && kept > plain {
            fs::remove_dir_all(copy.join(format!("pith/{suffix}"))).unwrap();
        }
    }
}
