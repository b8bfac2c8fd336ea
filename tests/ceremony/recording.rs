//! What is written down of commands, and what never is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use pith::ceremony::{Base, FileKind, FileRole};
use pith::digest::Digest;
use secrecy::ExposeSecret as _;

use crate::common::{NOW, papers, run, write_private};
use crate::fixture::{Ceremony, files_below};

#[test]
fn every_command_is_an_entry_and_failed_ones_too() {
    let c = Ceremony::new();
    c.run(&["key", "list"]).exits(0);
    c.run(&["show", "nothing"]).exits(1);
    c.run(&["show"]).exits(2);
    c.run(&["ceremony", "log", "all is well"]).exits(0);
    c.run(&["ceremony", "log", "--witness", "custodian-a"])
        .exits(0);
    // These only look, or help.
    c.run(&["ceremony", "status"]).exits(0);
    c.run(&["ceremony", "show"]).exits(0);
    c.run(&["ceremony", "verify"]).exits(4);
    c.run(&["show", "--help"]).exits(0);
    let entries = c.entries();
    let seen: Vec<_> = entries.iter().map(|e| (e.verb.as_str(), e.exit)).collect();
    let expected = [
        ("key list", 0),
        ("show", 1),
        ("(not understood)", 2),
        ("ceremony log", 0),
        ("ceremony log", 0),
    ];
    assert_eq!(seen, expected);
    assert_eq!(entries[1].arguments, ["show", "nothing"]);
    assert!(entries[1].result[0].starts_with("error: the ledger holds nothing"));
    assert_eq!(entries[3].remark.as_ref().unwrap().text, "all is well");
    let program = fs::read(env!("CARGO_BIN_EXE_pith")).unwrap();
    assert!(
        entries
            .iter()
            .all(|e| e.binary_sha256 == Digest::of(&program))
    );
}

#[test]
fn a_ceremony_is_found_upward_or_by_its_variable_and_nowhere_else() {
    let c = Ceremony::new();
    fs::create_dir(c.path("below")).unwrap();
    run(c.pith(["key", "list"]).current_dir(c.path("below"))).exits(0);
    run(c.home.pith(["key", "list"]).env("PITH_CEREMONY", &c.dir)).exits(0);
    run(&mut c.home.pith(["key", "list"])).exits(0);
    assert_eq!(c.entries().len(), 2);
    let nowhere = run(c
        .home
        .pith(["key", "list"])
        .env("PITH_CEREMONY", c.home.dir()));
    assert!(nowhere.exits(2).stderr.contains("holds no ceremony"));
}

#[test]
fn files_are_written_down_with_their_digests_and_private_ones_by_name() {
    let c = Ceremony::rehearsal();
    let input = c.home.beside("papers.jsonl");
    fs::write(&input, papers(3)).unwrap();
    let identity = c.home.beside("identity.txt");
    run(c
        .pith(["--now", "2026-06-01T00:00:01Z", "mint", "--identity"])
        .arg(&identity)
        .arg(&input)
        .args(["--bundles", "out.jsonl"]))
    .exits(0);
    let entry = c.entries().pop().unwrap();
    let file = |path: &str, role: FileRole| {
        let found = entry
            .files
            .iter()
            .find(|f| f.place.path.ends_with(path) && f.role == role);
        found.unwrap_or_else(|| panic!("no {path} in {:?}", entry.files))
    };
    let read = file("papers.jsonl", FileRole::Read);
    assert_eq!(read.sha256, Some(Digest::of(papers(3).as_bytes())));
    assert_eq!(read.place.base, Base::Elsewhere);
    let bundles = file("out.jsonl", FileRole::Written);
    assert_eq!(
        bundles.sha256,
        Some(Digest::of(&fs::read(c.path("out.jsonl")).unwrap()))
    );
    assert_eq!(bundles.place.base, Base::Ceremony);
    for (path, kind) in [
        ("identity.txt", FileKind::Private),
        ("keys/test-key.age", FileKind::Private),
    ] {
        let private = file(path, FileRole::Read);
        assert_eq!((private.kind, private.sha256), (kind, None), "{path}");
    }
    let ledger = file("ledger.db", FileRole::Written);
    assert_eq!((ledger.kind, ledger.sha256), (FileKind::Database, None));
    // A file that its owner alone may read may be a secret, whatever it is called.
    let draft = c.path("template.md");
    fs::write(&draft, "x").unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
    c.run(&[
        "--now",
        "2026-06-01T00:00:02Z",
        "verify",
        "--keyset",
        "template.md",
        "out.jsonl",
    ]);
    let entry = c.entries().pop().unwrap();
    let kept = entry
        .files
        .iter()
        .find(|f| f.place.path == "template.md")
        .unwrap();
    assert_eq!((kept.kind, kept.sha256), (FileKind::Private, None));
}

#[test]
fn no_secret_is_in_a_whole_ceremony() {
    let c = Ceremony::new();
    let passphrase = "slow brown badger";
    let file = c.home.beside("passphrase");
    write_private(&file, passphrase.as_bytes());
    let generate = ["key", "generate", "--id", "second", "--new-passphrase-file"];
    run(c.pith(generate).arg(&file)).exits(0);
    let identity = age::x25519::Identity::generate().to_string();
    let identity = identity.expose_secret();
    // By mistake, where a recipient, a path, or nothing at all should be.
    let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let share = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567-ABCD";
    c.run(&["key", "generate", "--id", "third", "--recipient", identity])
        .exits(2);
    c.run(&["key", "import", seed]).exits(2);
    c.run(&[
        "key",
        "generate",
        "--id",
        "third",
        "--passphrase-file",
        share,
    ]);
    c.run(&["ceremony", "log", identity]).exits(2);
    for marked in ["age-plugin-yubikey-1qqq", "-----begin private key-----"] {
        let refused = c
            .run(&["ceremony", "log", &format!("it was {marked}")])
            .exits(2);
        assert!(
            refused.stderr.contains("looks like a secret"),
            "{}",
            refused.stderr
        );
        assert!(!c.lines().concat().contains(marked), "{marked}");
    }
    let custodian = c.custodian("custodian-a", 7);
    c.close(&[&custodian]).exits(0);

    let pem = pith::keys::PrivateKey::from_seed(&[7; 32]).to_pkcs8_v1_pem();
    let body = pem.lines().nth(1).unwrap();
    let digest = Digest::of(passphrase.as_bytes()).to_string();
    let key_text = fs::read_to_string(&custodian.identity).unwrap();
    let secrets = [
        passphrase,
        digest.as_str(),
        identity,
        key_text.trim(),
        seed,
        share,
        body,
        "0707070707070707",
        "BwcHBwcHBwcHBwcH",
    ];
    let files = files_below(&c.dir);
    assert!(files.iter().any(|path| path.ends_with("transcript.md")));
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for secret in secrets {
            let upper = text.to_uppercase();
            let found = upper.contains(&secret.to_uppercase());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
    assert_eq!(c.entries().len(), 8);
}

#[test]
fn a_clock_behind_the_last_entry_stops_everything() {
    let c = Ceremony::rehearsal();
    let log = |now: &str| c.run(&["--now", now, "ceremony", "log", "x"]);
    log("2026-06-01T00:00:10Z").exits(0);
    let behind = log("2026-06-01T00:00:09Z").exits(1);
    assert!(
        behind.stderr.contains("the clock is behind"),
        "{}",
        behind.stderr
    );
    assert!(
        behind
            .stderr
            .contains("set PITH_NOW, or --now, to that of the last entry"),
        "{}",
        behind.stderr
    );
    let before = log("2026-05-31T00:00:00Z").exits(1);
    assert!(before.stderr.contains("the clock is behind"));
    let key = [
        "--now",
        "2026-06-01T00:00:09Z",
        "key",
        "generate",
        "--id",
        "not-made",
    ];
    c.run(&key).exits(1);
    assert!(!c.home.dir().join("keys/not-made.age").exists());
    assert_eq!(c.entries().len(), 1);
    log("2026-06-01T00:00:10Z").exits(0);
}

#[test]
fn a_time_is_fixed_in_rehearsals_only() {
    let c = Ceremony::new();
    let fixed = c
        .run(&["--now", "2036-06-01T00:00:00Z", "key", "list"])
        .exits(1);
    assert!(fixed.stderr.contains("no rehearsal"), "{}", fixed.stderr);
    let from_environment = run(c
        .pith(["key", "list"])
        .env("PITH_NOW", "2036-06-01T00:00:00Z"));
    from_environment.exits(1);
    assert!(c.entries().is_empty());
    let plan = [
        "--now",
        NOW,
        "ceremony",
        "plan",
        "genesis",
        "--custodian",
        "a",
    ];
    let refused = run(&mut c.home.pith(plan)).exits(2);
    assert!(refused.stderr.contains("--rehearsal"), "{}", refused.stderr);
}

#[test]
fn commands_at_once_are_all_written_down() {
    let c = Ceremony::new();
    let children: Vec<_> = (0..12)
        .map(|n| {
            let mut command = c.pith(["ceremony", "log", &format!("remark {n}")]);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        let ran = crate::common::Ran::from(child.wait_with_output().unwrap());
        ran.exits(0);
    }
    let entries = c.entries();
    let mut texts: Vec<_> = entries
        .iter()
        .map(|e| e.remark.clone().unwrap().text)
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!((entries.len(), texts.len()), (12, 12));
    let verified = c.verify(&[]).exits(4);
    assert!(verified.text().contains("ok        transcript.chain"));
}

#[test]
fn a_line_that_a_crash_cut_off_is_put_aside_and_told() {
    let c = Ceremony::new().with_remarks();
    let whole = fs::read(c.path("transcript.jsonl")).unwrap();
    fs::write(c.path("transcript.jsonl"), &whole[..whole.len() - 40]).unwrap();
    for args in [
        &["key", "list"][..],
        &["ceremony", "log", "x"],
        &["ceremony", "status"],
    ] {
        let refused = c.run(args).exits(1);
        assert!(
            refused.stderr.contains("line 3 was cut off"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("--repair"), "{}", refused.stderr);
    }
    crate::fixture::fails_by(c.verify(&[]), "transcript.torn");
    c.run(&["ceremony", "log", "--repair"]).exits(0);
    let entries = c.entries();
    assert_eq!(entries.len(), 3);
    let torn = fs::read(c.path("torn-line-3.txt")).unwrap();
    let remark = &entries[2].remark.as_ref().unwrap().text;
    assert!(remark.contains(&Digest::of(&torn).to_string()), "{remark}");
    assert!(whole.windows(torn.len()).any(|window| window == torn));
    c.verify(&[]).exits(4);
    let again = c.run(&["ceremony", "log", "--repair"]).exits(1);
    assert!(again.stderr.contains("nothing to repair"));
    c.run(&["ceremony", "log", "that was a remark"]).exits(0);
}

#[test]
fn a_rehearsal_is_marked_everywhere() {
    let c = Ceremony::rehearsal();
    let later = ["--now", "2026-06-01T00:00:01Z"];
    let logged = run(c.pith(later).args(["ceremony", "log", "x"])).exits(0);
    assert!(logged.stderr.contains("REHEARSAL"), "{}", logged.stderr);
    run(c.pith(later).args(["ceremony", "close"])).exits(0);
    for name in ["runbook.md", "transcript.md"] {
        let text = fs::read_to_string(c.path(name)).unwrap();
        assert!(text.contains("REHEARSAL"), "{name}");
    }
    for name in ["ceremony.json", "closing.json"] {
        let text = fs::read_to_string(c.path(name)).unwrap();
        assert!(text.contains("\"rehearsal\": true"), "{name}");
    }
    assert!(c.entries().iter().all(|entry| entry.rehearsal));
    assert!(
        c.run(&["ceremony", "status"])
            .exits(0)
            .text()
            .starts_with("REHEARSAL\n")
    );
    assert!(c.verify(&[]).exits(4).text().contains("REHEARSAL"));
}

/// What the document says of the format is enough to check a transcript with something else.
#[test]
fn the_format_is_what_the_document_says() {
    let document = include_str!("../../docs/CEREMONIES.md");
    let marked = document
        .split("<!-- run: check-transcript -->\n```\n")
        .nth(1)
        .unwrap();
    let script = marked.split("```").next().unwrap();
    let c = Ceremony::new().with_remarks();
    c.close(&[]).exits(0);
    let python = std::env::var_os("PITH_PYTHON").unwrap_or_else(|| "python3".into());
    let check = || {
        let mut command = std::process::Command::new(&python);
        run(command.args(["-c", script]).current_dir(&c.dir))
    };
    let entries = c.entries();
    let head = entries[3].entry_sha256;
    assert_eq!(check().exits(0).text(), format!("4 {head}\n"));
    let mut lines = c.lines();
    lines[1] = lines[1].replace("\"two\"", "\"new\"");
    c.write_lines(&lines);
    assert!(check().exits(1).stderr.contains("entry 2 was changed"));
}
