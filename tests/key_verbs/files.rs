use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::Desk;
use super::common::{Home, paper, pith, run, write_private};

/// The private key of RFC 8032, section 7.1, test 2.
const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

#[test]
fn a_wrong_passphrase_is_exit_6_and_does_not_say_which_part_is_wrong() {
    let desk = Desk::new();
    let mut recipient = age::scrypt::Recipient::new("correct horse battery".to_owned().into());
    recipient.set_work_factor(2);
    let sealed = age::encrypt(&recipient, SEED.as_bytes()).unwrap();
    write_private(&desk.path("seed.age"), &sealed);
    write_private(&desk.path("wrong"), b"wrong horse battery");
    let import = "key import seed.age --role custodian --id c --out . RECIPIENT";
    let words = ["the passphrase is wrong, or the file is damaged"];
    desk.refuses(&format!("{import} --passphrase-file wrong"), 6, &words);
    assert_eq!(desk.names("."), ["identity", "seed.age", "wrong"]);
}

#[test]
fn a_group_readable_key_is_refused() {
    let desk = Desk::new();
    desk.custodian("c");
    fs::set_permissions(desk.path("c.age"), fs::Permissions::from_mode(0o640)).unwrap();
    for verb in [
        "check",
        "rewrap RECIPIENT",
        "split --shares 2 --threshold 2 --out s --printable",
    ] {
        let (verb, rest) = verb.split_once(' ').unwrap_or((verb, ""));
        let words = ["open to other users (mode 640)", "chmod 600"];
        desk.refuses(&format!("key {verb} c.age IDENTITY {rest}"), 6, &words);
    }
    assert!(!desk.path("s").exists());
    desk.does("key check c.age IDENTITY --insecure-permissions");
    write_private(&desk.path("seed"), SEED.as_bytes());
    fs::set_permissions(desk.path("seed"), fs::Permissions::from_mode(0o604)).unwrap();
    let import = "key import seed --role custodian --id d --out . RECIPIENT";
    desk.refuses(import, 6, &["open to other users (mode 604)"]);
    desk.does(&format!("{import} --insecure-permissions"));
}

#[test]
fn a_symlinked_key_is_refused() {
    let desk = Desk::new();
    desk.custodian("c");
    fs::rename(desk.path("c.age"), desk.path("elsewhere.age")).unwrap();
    symlink("elsewhere.age", desk.path("c.age")).unwrap();
    for verb in ["check c.age IDENTITY", "rewrap c.age IDENTITY RECIPIENT"] {
        desk.refuses(&format!("key {verb}"), 6, &["is a symbolic link"]);
    }
    assert!(desk.path("c.age").is_symlink());
    let import = "key import c.age --role custodian --id d --out . IDENTITY RECIPIENT";
    desk.refuses(import, 6, &["is a symbolic link"]);
}

#[test]
fn a_truncated_key_is_refused() {
    let desk = Desk::new();
    desk.custodian("c");
    let whole = fs::read(desk.path("c.age")).unwrap();
    for length in [0, 10, 60, whole.len() - 1] {
        fs::write(desk.path("c.age"), &whole[..length]).unwrap();
        desk.refuses("key check c.age IDENTITY", 6, &["c.age"]);
        desk.refuses("key rewrap c.age IDENTITY RECIPIENT", 6, &["c.age"]);
        assert_eq!(fs::read(desk.path("c.age")).unwrap(), whole[..length]);
    }
}

#[test]
fn swapped_key_files_are_noticed() {
    let desk = Desk::new();
    desk.custodian("a");
    desk.custodian("b");
    fs::rename(desk.path("a.age"), desk.path("x.age")).unwrap();
    fs::rename(desk.path("b.age"), desk.path("a.age")).unwrap();
    fs::rename(desk.path("x.age"), desk.path("b.age")).unwrap();
    for verb in ["check a.age", "rewrap b.age RECIPIENT"] {
        let words = ["is not the one whose public half is", "restore both files"];
        desk.refuses(&format!("key {verb} IDENTITY"), 1, &words);
    }
    fs::rename(desk.path("a.json"), desk.path("b.json")).unwrap();
    let words = ["b.json is the public half of another key, a"];
    desk.refuses("key check b.age IDENTITY", 1, &words);
}

#[test]
fn an_imported_key_must_have_the_public_half_that_was_named() {
    let desk = Desk::new();
    desk.custodian("c");
    write_private(&desk.path("seed"), SEED.as_bytes());
    let import = "key import seed --role custodian --out . RECIPIENT";
    let words = [
        "39f713d0a644253f04529421b9f51b9b",
        "c.json is the public half of",
    ];
    desk.refuses(&format!("{import} --id d --public c.json"), 1, &words);
    assert!(!desk.path("d.age").exists() && !desk.path("d.json").exists());
    // A public file that is there already must be the key's.
    fs::remove_file(desk.path("c.age")).unwrap();
    desk.refuses(
        &format!("{import} --id c"),
        1,
        &["c.json is the public half of"],
    );
    desk.does(&format!("{import} --id e"));
    fs::remove_file(desk.path("e.age")).unwrap();
    desk.does(&format!("{import} --id e --public e.json"));
    desk.refuses(&format!("{import} --id e"), 1, &["e exists already"]);
}

#[test]
fn a_key_that_is_rewrapped_opens_with_the_new_secret_only() {
    let desk = Desk::new();
    desk.custodian("c");
    let old = fs::read(desk.path("c.age")).unwrap();
    let other = age::x25519::Identity::generate();
    let text = secrecy::ExposeSecret::expose_secret(&other.to_string()).to_owned();
    write_private(&desk.path("other"), text.as_bytes());
    let rewrap = format!(
        "key rewrap c.age IDENTITY --recipient {}",
        other.to_public()
    );
    let ran = desk.does(&format!("{rewrap} --json"));
    assert!(
        ran.text().contains(r#""opened_again":false"#),
        "{}",
        ran.text()
    );
    assert!(ran.stderr.contains("was not opened here"), "{}", ran.stderr);
    assert_ne!(fs::read(desk.path("c.age")).unwrap(), old);
    let mode = fs::metadata(desk.path("c.age"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    desk.refuses("key check c.age IDENTITY", 6, &["none of the identities"]);
    desk.does("key check c.age --identity other");
    let ran = desk.does("key rewrap c.age --identity other IDENTITY RECIPIENT --json");
    assert!(
        ran.text().contains(r#""opened_again":true"#),
        "{}",
        ran.text()
    );
    desk.does("key check c.age IDENTITY");
    assert_eq!(desk.names("."), ["c.age", "c.json", "identity", "other"]);
}

#[test]
fn a_rewrap_that_cannot_be_written_leaves_the_old_file() {
    let desk = Desk::new();
    desk.custodian("c");
    let old = fs::read(desk.path("c.age")).unwrap();
    desk.refuses(
        "key rewrap c.age IDENTITY --recipient age1nonsense",
        2,
        &["--recipient"],
    );
    write_private(&desk.path("short"), b"short");
    let words = ["a key takes 8 or more"];
    desk.refuses(
        "key rewrap c.age IDENTITY --new-passphrase-file short",
        2,
        &words,
    );
    assert_eq!(fs::read(desk.path("c.age")).unwrap(), old);
    assert_eq!(desk.names("."), ["c.age", "c.json", "identity", "short"]);
}

#[test]
fn a_check_signs_a_statement_for_that_purpose_alone() {
    use pith::keys::{KeyCheck, PublicHalf, Purpose};
    let desk = Desk::new();
    desk.custodian("c");
    let line = desk
        .does("key check c.age IDENTITY --json --now 2026-05-18T00:30:44Z")
        .text();
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let half = PublicHalf::from_slice(&fs::read(desk.path("c.json")).unwrap()).unwrap();
    let statement = KeyCheck {
        key_id: "c".parse().unwrap(),
        fingerprint_sha256_hex: half.fingerprint(),
        checked_at: "2026-05-18T00:30:44Z".parse().unwrap(),
    };
    let signature = value["signature_b64"].as_str().unwrap().parse().unwrap();
    assert!(
        half.key()
            .verifies_for(Purpose::KeyCheck, &statement, &signature)
    );
    assert!(
        !half
            .key()
            .verifies_for(Purpose::Keyset, &statement, &signature)
    );
}

#[test]
fn a_custodian_key_signs_no_records() {
    let home = Home::new();
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let generate = [
        "key",
        "generate",
        "--role",
        "custodian",
        "--id",
        "custodian-a",
    ];
    run(home.pith(generate).args(["--recipient", &recipient])).exits(0);
    fs::write(home.beside("papers.jsonl"), paper(1)).unwrap();
    let mint = run(home
        .mint()
        .arg(home.beside("papers.jsonl"))
        .args(["--key", "custodian-a"]));
    let said = mint.exits(1).stderr;
    assert!(
        said.contains("custodian-a is a custodian's key, which signs no records"),
        "{said}"
    );
    let listed = run(&mut home.pith(["key", "list"])).exits(0).text();
    assert!(listed.contains("test-key\tactive\t"), "{listed}");
    assert!(listed.contains("custodian-a\tcustodian\t"), "{listed}");
    let keyset = fs::read_to_string(home.dir().join("keys/keyset.json")).unwrap();
    assert!(!keyset.contains("custodian-a"), "{keyset}");
}

#[test]
fn a_signing_key_without_a_registry_is_not_made() {
    let desk = Desk::new();
    let words = ["no registry home"];
    desk.refuses("key generate --id k1 --out . RECIPIENT", 2, &words);
    assert_eq!(desk.names("."), ["identity"]);
    let ran = run(pith(["key", "show", "nowhere.age"]).current_dir(desk.path(".")));
    assert!(ran.exits(5).stderr.contains("nowhere.json"));
}
