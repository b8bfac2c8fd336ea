//! What `pith doctor` finds, and what it makes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::common::{Home, NOW, papers, run};
use crate::fixture::Ceremony;

fn doctor(home: &Home, now: &str) -> crate::common::Ran {
    run(home.pith(["doctor", "--now"]).arg(now))
}

const LATER: &str = "2026-05-19T00:00:00Z";

#[track_caller]
fn finds(home: &Home, code: i32, line: &str) {
    let ran = doctor(home, LATER).exits(code);
    assert!(ran.text().contains(line), "no `{line}` in\n{}", ran.text());
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_home_in_order_is_told_what_it_has() {
    let home = Home::new();
    let text = doctor(&home, LATER).exits(0).text();
    for line in [
        "ok    version: pith ",
        "ok    clock: ",
        "ok    permissions: ",
        "ok    keys: test-key is active",
        "ok    ledger: 0 records",
        "ok    leftovers: none",
        "warn  keyset: this home is in bootstrap",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    let json = run(&mut home.pith(["--json", "doctor", "--now", LATER]))
        .exits(0)
        .text();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["schema_version"], "1.0");
    assert_eq!(value["findings"][0]["subject"], "version");
}

#[test]
fn without_a_home_the_host_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(crate::common::pith(["doctor"]).current_dir(folder.path())).exits(0);
    assert!(
        ran.text()
            .contains("warn  home: there is no registry home here")
    );
}

#[test]
fn permissions_and_links() {
    let home = Home::new();
    let key = home.dir().join("keys/test-key.age");
    chmod(&key, 0o640);
    finds(&home, 1, "can be read by others (mode 640)");
    chmod(&key, 0o600);
    let keys = home.dir().join("keys");
    chmod(&keys, 0o777);
    finds(&home, 1, "can be changed by anybody (mode 777)");
    chmod(&keys, 0o755);
    // What is in the folders counts too, and shares are private.
    let history = home.dir().join("keys/history");
    let share = keys.join("test-key.share-1-of-3.json");
    let draft = home.dir().join("ceremonies/c");
    fs::create_dir(&history).unwrap();
    fs::create_dir(&draft).unwrap();
    fs::write(history.join("note.txt"), "{}").unwrap();
    fs::write(&share, "{}").unwrap();
    for (path, bad, good, code, line) in [
        (
            &history,
            0o777,
            0o755,
            1,
            "keys/history can be changed by anybody (mode 777)",
        ),
        (
            &history.join("note.txt"),
            0o646,
            0o644,
            1,
            "note.txt can be changed by anybody",
        ),
        (
            &draft,
            0o775,
            0o755,
            0,
            "ceremonies/c can be changed by its group (mode 775)",
        ),
        (
            &share,
            0o644,
            0o600,
            1,
            "share-1-of-3.json can be read by others (mode 644)",
        ),
        (
            &home.dir().join("keys/keyset.json"),
            0o664,
            0o644,
            0,
            "keyset.json can be changed by its group",
        ),
    ] {
        chmod(&share, 0o600);
        chmod(path, bad);
        finds(&home, code, line);
        chmod(path, good);
    }
    fs::remove_file(&share).unwrap();
    fs::remove_dir_all(&history).unwrap();
    fs::remove_dir(&draft).unwrap();
    finds(&home, 0, "ok    permissions: nobody but the owner");
    let elsewhere = home.beside("elsewhere.age");
    fs::rename(&key, &elsewhere).unwrap();
    symlink(&elsewhere, &key).unwrap();
    finds(&home, 1, "is a symbolic link");
    fs::remove_file(&key).unwrap();
    finds(
        &home,
        0,
        "warn  keys: the private key test-key is not in this home",
    );
}

#[test]
fn a_clock_that_is_behind() {
    let home = Home::new();
    let input = home.beside("papers.jsonl");
    fs::write(&input, papers(2)).unwrap();
    home.mint_to(&input, &home.beside("out.jsonl"));
    doctor(&home, LATER).exits(0);
    let behind = doctor(&home, "2026-05-17T00:00:00Z").exits(1);
    assert!(behind.text().contains("fail  clock: "), "{}", behind.text());
    assert!(behind.text().contains(NOW), "{}", behind.text());
    doctor(&home, "1970-01-01T00:00:00Z").exits(1);
}

#[test]
fn damage_and_leftovers() {
    let home = Home::new();
    fs::write(home.dir().join("bundles/x.jsonl.partial"), "").unwrap();
    finds(&home, 0, "x.jsonl.partial");
    fs::write(home.dir().join("keys/test-key.json"), "{}").unwrap();
    finds(&home, 1, "test-key.json is not the key of the keyset");
    fs::write(
        home.dir().join("ledger.db"),
        "no database, but long enough for its header",
    )
    .unwrap();
    finds(&home, 1, "fail  ledger: ");
    fs::write(home.dir().join("keys/keyset.json"), "{").unwrap();
    finds(&home, 1, "fail  keyset: ");
}

#[test]
fn what_a_killed_command_left_is_named_wherever_it_wrote() {
    let c = Ceremony::rehearsal();
    let dir = c.home.dir();
    for folder in ["keys/history", "keys/logs", "ceremonies/c/products"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    finds(&c.home, 0, "ok    leftovers: none");
    for path in [
        "keys/.pith-a",
        "keys/history/.pith-b",
        "keys/logs/.pith-c",
        "ceremonies/c/.pith-d",
        "ceremonies/c/products/.pith-e",
    ] {
        fs::write(dir.join(path), "").unwrap();
        let ran = doctor(&c.home, LATER).exits(0);
        let line = format!("/{path}\n      a command was killed while it wrote: remove this");
        assert!(ran.text().contains(&line), "no `{line}` in\n{}", ran.text());
        fs::remove_file(dir.join(path)).unwrap();
    }
}

#[test]
fn a_time_left_in_the_environment_is_named() {
    let home = Home::new();
    let told = "clock: PITH_NOW is set";
    let unset = run(&mut home.pith(["doctor", "--now", LATER])).exits(0);
    assert!(!unset.text().contains(told), "{}", unset.text());
    for args in [&["doctor"][..], &["doctor", "--now", LATER]] {
        let mut command = home.pith(args);
        let text = run(command.env("PITH_NOW", LATER)).exits(0).text();
        assert!(text.contains(&format!("warn  {told}")), "{text}");
        assert!(text.contains("`unset PITH_NOW`"), "{text}");
    }
}

#[test]
fn open_and_damaged_ceremonies() {
    let c = Ceremony::rehearsal();
    finds(&c.home, 0, "warn  ceremony: ");
    fs::write(c.path("transcript.jsonl"), "{\"arg").unwrap();
    finds(&c.home, 1, "was cut off when it was written");
    fs::write(c.path("transcript.jsonl"), "{}\n").unwrap();
    finds(&c.home, 1, "fail  ceremony: ");
}
