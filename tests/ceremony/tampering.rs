//! A transcript that is not what was written is noticed, and nothing is built on it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use pith::ceremony::Entry;

use crate::fixture::{Ceremony, fails_by};

/// The lines of these entries, each with its own hash put right.
fn rehashed(entries: &mut [Entry]) -> Vec<String> {
    for entry in entries.iter_mut() {
        entry.entry_sha256 = entry.digest();
    }
    let line = |entry: &Entry| String::from_utf8(entry.to_line()).unwrap();
    entries.iter().map(line).collect()
}

/// The same with every link put right too: what somebody can do who has the whole file.
fn relinked(c: &Ceremony, entries: &mut [Entry]) -> Vec<String> {
    let bytes = fs::read(c.path("ceremony.json")).unwrap();
    let opening = pith::ceremony::Opening::from_slice(&bytes).unwrap();
    let mut previous = opening.digest();
    for (place, entry) in entries.iter_mut().enumerate() {
        entry.seq = place as u64 + 1;
        entry.previous = previous;
        entry.entry_sha256 = entry.digest();
        previous = entry.entry_sha256;
    }
    rehashed(entries)
}

#[track_caller]
fn nothing_is_built_on_it(c: &Ceremony) {
    let refused = c.run(&["ceremony", "log", "x"]).exits(1);
    assert!(refused.stderr.contains("stop here"), "{}", refused.stderr);
}

#[test]
fn an_entry_changed() {
    let c = Ceremony::new().with_remarks();
    let mut lines = c.lines();
    lines[1] = lines[1].replace("\"two\"", "\"new\"");
    c.write_lines(&lines);
    fails_by(c.verify(&[]), "transcript.entry");
    nothing_is_built_on_it(&c);
    // With its own hash put right it is no longer the one that the next names.
    let mut entries = c.entries();
    c.write_lines(&rehashed(&mut entries));
    fails_by(c.verify(&[]), "transcript.chain");
}

/// One line that says that it closes the ceremony does not end the recording: nothing is done unseen.
#[test]
fn a_closing_forged() {
    let c = Ceremony::new().with_remarks();
    let forged = c.entries().pop().map(|mut entry| {
        entry.products = Some(Vec::new());
        String::from_utf8(entry.to_line()).unwrap()
    });
    let mut lines = c.lines();
    lines.extend(forged);
    c.write_lines(&lines);
    nothing_is_built_on_it(&c);
    let generate = ["key", "generate", "--id", "not-made", "--recipient"];
    let recipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    for by_variable in [false, true] {
        let mut command = c.pith(generate);
        if by_variable {
            command = c.home.pith(generate);
            command.env("PITH_CEREMONY", &c.dir);
        }
        let refused = crate::common::run(command.arg(recipient)).exits(1);
        assert!(refused.stderr.contains("stop here"), "{}", refused.stderr);
    }
    assert!(!c.home.dir().join("keys/not-made.json").exists());
    assert_eq!(c.lines(), lines);
    // Nor does one that a crash might have left behind a forged closing.
    let text = lines.join("\n") + "\n{\"arg";
    fs::write(c.path("transcript.jsonl"), text).unwrap();
    nothing_is_built_on_it(&c);
}

#[test]
fn a_link_in_the_place_of_a_product_is_not_followed() {
    let c = Ceremony::new();
    let recipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    c.run(&["key", "generate", "--id", "made", "--recipient", recipient])
        .exits(0);
    // Nothing is copied to where a link leads.
    let outside = c.home.beside("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, c.path("products")).unwrap();
    c.close(&[]).exits(5);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(c.path("products")).unwrap();
    c.close(&[]).exits(0);

    let secret = outside.join("made.json");
    fs::write(&secret, "somebody else's").unwrap();
    let digest = pith::digest::Digest::of(b"somebody else's").to_string();
    let not_told = || {
        let ran = c.run(&["--json", "ceremony", "verify"]).exits(1);
        assert!(ran.text().contains("transcript.products"), "{}", ran.text());
        assert!(!ran.text().contains(&digest), "{}", ran.text());
    };
    let copy = c.path("products/made.json");
    fs::remove_file(&copy).unwrap();
    symlink(&secret, &copy).unwrap();
    not_told();
    fs::remove_dir_all(c.path("products")).unwrap();
    symlink(&outside, c.path("products")).unwrap();
    not_told();
}

/// Ends by itself, whatever stands in the place of a file.
#[track_caller]
fn ends(command: &mut std::process::Command) -> crate::common::Ran {
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it waits: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_pipe_or_a_device_in_the_place_of_a_file_keeps_nobody_waiting() {
    let pipe = |path: &Path| {
        let mut command = std::process::Command::new("mkfifo");
        assert!(command.arg(path).status().unwrap().success());
    };
    for (name, code) in [
        ("transcript.jsonl", "transcript.entry"),
        ("ceremony.json", ""),
        ("closing.json", "transcript.closing"),
        ("runbook.md", ""),
    ] {
        let c = Ceremony::new().with_remarks();
        let path = c.path(name);
        let _ = fs::remove_file(&path);
        pipe(&path);
        let mut command = c.pith(["ceremony", "verify"]);
        let ran = ends(command.arg(&c.dir));
        match name {
            "ceremony.json" => {
                let ran = ran.exits(2);
                assert!(ran.stderr.contains("is no ceremony"), "{}", ran.stderr);
            }
            // It is what was rendered, and nothing that is verified.
            "runbook.md" => {
                let text = ran.exits(4).text();
                assert!(text.contains("is not there"), "{text}");
            }
            _ => {
                assert!(ran.text().contains("is no regular file"), "{}", ran.text());
                fails_by(ran, code);
            }
        }
        let doctor = ends(&mut c.pith(["doctor"]));
        assert!(
            matches!(doctor.code, Some(0 | 1 | 5)),
            "{name}: {}",
            doctor.stderr
        );
    }
    let c = Ceremony::new();
    pipe(&c.path("pipe"));
    for path in [c.path("pipe"), Path::new("/dev/zero").to_owned()] {
        let mut command = c.pith(["ceremony", "verify"]);
        let ran = ends(command.arg(&path)).exits(2);
        assert!(ran.stderr.contains("is no ceremony"), "{}", ran.stderr);
    }
}

#[test]
fn an_entry_in_another_form() {
    let c = Ceremony::new().with_remarks();
    let mut lines = c.lines();
    lines[1] = lines[1].replacen(':', ": ", 1);
    c.write_lines(&lines);
    fails_by(c.verify(&[]), "transcript.entry");
}

#[test]
fn an_entry_dropped() {
    for place in 0..2 {
        let c = Ceremony::new().with_remarks();
        let mut lines = c.lines();
        lines.remove(place);
        c.write_lines(&lines);
        fails_by(c.verify(&[]), "transcript.chain");
        nothing_is_built_on_it(&c);
    }
}

#[test]
fn an_entry_added() {
    let c = Ceremony::new().with_remarks();
    let mut lines = c.lines();
    lines.insert(1, lines[1].clone());
    c.write_lines(&lines);
    fails_by(c.verify(&[]), "transcript.chain");
    nothing_is_built_on_it(&c);
}

#[test]
fn entries_reordered() {
    let c = Ceremony::new().with_remarks();
    let mut lines = c.lines();
    lines.swap(0, 1);
    c.write_lines(&lines);
    fails_by(c.verify(&[]), "transcript.chain");
    // Also with numbers and their own hashes put right.
    let mut entries = c.entries();
    for (place, entry) in entries.iter_mut().enumerate() {
        entry.seq = place as u64 + 1;
    }
    c.write_lines(&rehashed(&mut entries));
    fails_by(c.verify(&[]), "transcript.chain");
}

#[test]
fn a_time_that_goes_back() {
    let c = Ceremony::new().with_remarks();
    let mut entries = c.entries();
    entries[2].time = "2026-01-01T00:00:00.000000Z".parse().unwrap();
    entries[2].started_at = entries[2].time;
    let lines = relinked(&c, &mut entries);
    c.write_lines(&lines);
    fails_by(c.verify(&[]), "transcript.times");
}

#[test]
fn a_tail_cut_off_shows_against_what_was_read_aloud() {
    let c = Ceremony::new().with_remarks();
    let head = c.entries()[2].entry_sha256.to_string();
    let expect = [
        "ceremony",
        "verify",
        "--expect-head",
        &head,
        "--expect-count",
        "3",
    ];
    c.run(&expect).exits(0);
    c.run(&["ceremony", "log", "more"]).exits(0);
    // Entries have followed that nobody vouches for.
    let text = c.run(&expect).exits(4).text();
    assert!(text.contains("at entry 3 of 4"), "{text}");
    let lines = c.lines();
    c.write_lines(&lines[..2]);
    c.verify(&[]).exits(4);
    fails_by(c.run(&expect), "transcript.head");
    fails_by(
        c.run(&["ceremony", "verify", "--expect-head", &head]),
        "transcript.head",
    );
    fails_by(
        c.run(&["ceremony", "verify", "--expect-count", "3"]),
        "transcript.head",
    );
}

#[test]
fn a_tail_cut_off_shows_against_the_closing() {
    let c = Ceremony::new().with_remarks();
    let custodian = c.custodian("custodian-a", 1);
    c.close(&[&custodian]).exits(0);
    c.verify(&[&custodian]).exits(0);
    let lines = c.lines();
    c.write_lines(&lines[..3]);
    fails_by(c.verify(&[&custodian]), "transcript.closing");
    let closed = c.close(&[]);
    assert_eq!(closed.code, Some(1), "{}", closed.stderr);
}

#[test]
fn a_transcript_forged_as_a_whole_shows_against_the_closing() {
    let c = Ceremony::new().with_remarks();
    let custodian = c.custodian("custodian-a", 1);
    c.close(&[&custodian]).exits(0);
    let mut entries = c.entries();
    entries[0].remark.as_mut().unwrap().text = "nothing".to_owned();
    let lines = relinked(&c, &mut entries);
    c.write_lines(&lines);
    fails_by(c.verify(&[&custodian]), "transcript.closing");
}

#[test]
fn an_opening_changed() {
    let c = Ceremony::new().with_remarks();
    let path = c.path("ceremony.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"threshold\": 2", "\"threshold\": 1")).unwrap();
    fails_by(c.verify(&[]), "transcript.chain");
}

#[test]
fn a_product_changed() {
    let c = Ceremony::new();
    let recipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    c.run(&["key", "generate", "--id", "made", "--recipient", recipient])
        .exits(0);
    c.verify(&[]).exits(4);
    let key = c.home.dir().join("keys/made.json");
    let text = fs::read_to_string(&key).unwrap();
    fs::write(&key, text.replace("made", "mode")).unwrap();
    fails_by(c.verify(&[]), "transcript.products");
    // It is not closed over.
    let refused = c.close(&[]).exits(1);
    assert!(
        refused.stderr.contains("made.json is not what"),
        "{}",
        refused.stderr
    );
    fs::write(&key, &text).unwrap();
    c.close(&[]).exits(0);
    c.verify(&[]).exits(4);
    // Later the home may change; the copies in the ceremony's folder may not.
    fs::write(&key, "{}").unwrap();
    let text = c.verify(&[]).exits(4).text();
    assert!(
        text.contains("has changed since the ceremony was closed"),
        "{text}"
    );
    fs::write(c.path("products/made.json"), "{}").unwrap();
    fails_by(c.verify(&[]), "transcript.products");
    fs::remove_file(c.path("products/made.json")).unwrap();
    fails_by(c.verify(&[]), "transcript.products");
}

#[test]
fn every_byte_changed_is_noticed() {
    use pith::ceremony::{Expected, check};
    use pith::verify::Verdict;
    let c = Ceremony::new().with_remarks();
    let path = c.path("transcript.jsonl");
    let bytes = fs::read(&path).unwrap();
    let head = c.entries()[2].entry_sha256;
    let expected = Expected {
        count: Some(3),
        head: Some(head),
    };
    assert_eq!(
        check(&path, expected, &[], None).verdict(),
        Verdict::Verified
    );
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        fs::write(&path, &changed).unwrap();
        let verdict = check(&path, expected, &[], None).verdict();
        assert_eq!(verdict, Verdict::Failed, "byte {place}");
    }
}
