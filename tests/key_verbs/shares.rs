use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Desk, replace};

const SPLIT: &str = "key split c.age IDENTITY --shares 3 --threshold 2";

/// A desk with a custodian's key `c` in three printed shares, and the private half lost.
fn lost() -> Desk {
    let desk = Desk::new();
    desk.custodian("c");
    desk.does(&format!("{SPLIT} --out s --printable"));
    fs::rename(desk.path("c.age"), desk.path("lost")).unwrap();
    desk
}

fn combine(shares: &[u8]) -> String {
    let shares: Vec<String> = shares
        .iter()
        .map(|n| format!("s/c.share-{n}-of-3.json"))
        .collect();
    format!("key combine {} --out . RECIPIENT", shares.join(" "))
}

#[test]
fn printed_shares_restore_a_key() {
    let desk = lost();
    let names = [
        "c.commitments.json",
        "c.share-1-of-3.json",
        "c.share-2-of-3.json",
        "c.share-3-of-3.json",
    ];
    assert_eq!(desk.names("s"), names);
    for name in &names[1..] {
        let mode = fs::metadata(desk.path("s").join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
    desk.does(&format!(
        "{} --commitments s/c.commitments.json --id c",
        combine(&[3, 1])
    ));
    desk.does("key check c.age IDENTITY");
    desk.refuses(&combine(&[1, 2]), 1, &["the key c exists already"]);
}

#[test]
fn sealed_shares_restore_a_key_with_each_holders_identity() {
    let desk = Desk::new();
    desk.custodian("c");
    let holders: Vec<_> = (0..3).map(|_| age::x25519::Identity::generate()).collect();
    let mut split = format!("{SPLIT} --out s");
    for (number, holder) in holders.iter().enumerate() {
        let text = secrecy::ExposeSecret::expose_secret(&holder.to_string()).to_owned();
        super::common::write_private(
            &desk.path(&format!("holder-{}", number + 1)),
            text.as_bytes(),
        );
        split += &format!(" --recipient {}", holder.to_public());
    }
    desk.does(&split);
    fs::remove_file(desk.path("c.age")).unwrap();
    let shares = "key combine s/c.share-1-of-3.age s/c.share-3-of-3.age --out . RECIPIENT";
    let words = ["c.share-3-of-3.age", "none of the identities"];
    desk.refuses(&format!("{shares} --identity holder-1"), 6, &words);
    desk.does(&format!("{shares} --identity holder-1 --identity holder-3"));
    desk.does("key check c.age IDENTITY");
}

#[test]
fn shares_of_two_divisions_are_named() {
    let desk = lost();
    fs::rename(desk.path("lost"), desk.path("c.age")).unwrap();
    desk.does(&format!("{SPLIT} --out t --printable"));
    fs::rename(desk.path("c.age"), desk.path("lost")).unwrap();
    desk.copy("t/c.share-2-of-3.json", "s/c.share-2-of-3.json");
    let words = [
        "s/c.share-1-of-3.json is a share of key c",
        "and s/c.share-2-of-3.json is one of",
    ];
    desk.refuses(&combine(&[1, 2]), 1, &words);
    let listed = format!("{} --commitments s/c.commitments.json", combine(&[1, 2]));
    desk.refuses(
        &listed,
        1,
        &["s/c.share-2-of-3.json: it belongs to division"],
    );
    assert!(!desk.path("c.age").exists());
}

#[test]
fn a_share_of_another_key_is_named() {
    let desk = lost();
    desk.refuses(
        &format!("{} --id d", combine(&[1, 2])),
        1,
        &["is a share of key c, not of d"],
    );
}

#[test]
fn a_mistyped_share_is_named() {
    let desk = lost();
    let path = desk.path("s/c.share-2-of-3.json");
    let text = fs::read_to_string(&path).unwrap();
    let (_, secret) = text.split_once("\"share\": \"").unwrap();
    let first = &secret[..9];
    let typed = if first.starts_with('A') { "B" } else { "A" };
    replace(&path, first, &format!("{typed}{}", &first[1..]));
    let words = ["s/c.share-2-of-3.json: its checksum is wrong"];
    desk.refuses(&combine(&[1, 2]), 1, &words);
    replace(
        &path,
        &format!("{typed}{}", &first[1..]),
        &first.to_lowercase(),
    );
    desk.does(&combine(&[1, 2]));
}

/// Writes what somebody types of a printed share: its text, as it stands on the paper, and no more.
fn type_text_of(desk: &Desk, n: u8, name: &str) -> String {
    let printed = fs::read_to_string(desk.path(&format!("s/c.share-{n}-of-3.json"))).unwrap();
    let (_, text) = printed.split_once("\"share\": \"").unwrap();
    let (text, _) = text.split_once('"').unwrap();
    let half = text.len() / 2;
    let typed = format!("{}\n{}\n", &text[..half].to_lowercase(), &text[half..]);
    super::common::write_private(&desk.path(name), typed.as_bytes());
    typed
}

#[test]
fn the_text_of_a_share_is_all_that_has_to_be_typed() {
    let desk = lost();
    type_text_of(&desk, 3, "share-1");
    type_text_of(&desk, 1, "share-2");
    let combine = "key combine share-1 share-2 --out . RECIPIENT";
    // Somebody has to say of which key they are shares.
    let words = [
        "share-1 holds the text of a share alone",
        "--commitments FILE",
    ];
    desk.refuses(combine, 2, &words);
    let listed = format!("{combine} --commitments s/c.commitments.json");
    desk.refuses(
        &format!("{listed} --id d"),
        1,
        &["s/c.commitments.json is the list of shares of key c, not of d"],
    );
    desk.does(&format!("{listed} --id c"));
    desk.does("key check c.age IDENTITY");
    // One share that is whole says it too.
    fs::remove_file(desk.path("c.age")).unwrap();
    desk.does("key combine share-1 s/c.share-2-of-3.json --out . RECIPIENT");
    desk.does("key check c.age IDENTITY");
}

#[test]
fn a_mistyped_text_is_named_and_not_shown() {
    let desk = lost();
    let typed = type_text_of(&desk, 1, "share-1");
    let path = desk.path("share-1");
    let combine = "key combine share-1 s/c.share-2-of-3.json --out . RECIPIENT";
    let first = typed.chars().next().unwrap();
    let other = if first == 'a' { 'b' } else { 'a' };
    for (wrong, words) in [
        (
            format!("{other}{}", &typed[1..]),
            "share-1: its checksum is wrong",
        ),
        (
            format!("0{}", &typed[1..]),
            "share-1: character 1 of its text",
        ),
        (typed[1..].to_owned(), "share-1: its text has 63 characters"),
    ] {
        fs::write(&path, &wrong).unwrap();
        let said = desk.refuses(combine, 1, &[words]);
        assert!(!said.contains(&typed[1..9]), "{said}");
    }
    // An older share is no typing mistake.
    fs::rename(desk.path("lost"), desk.path("c.age")).unwrap();
    desk.does(&format!("{SPLIT} --out t --printable"));
    fs::remove_file(desk.path("c.age")).unwrap();
    fs::write(&path, &typed).unwrap();
    let combine = "key combine share-1 t/c.share-2-of-3.json --out . RECIPIENT";
    desk.refuses(combine, 1, &["if they agree, the paper is not of division"]);
}

#[test]
fn too_few_and_doubled_shares_are_refused() {
    let desk = lost();
    desk.refuses(
        &combine(&[1]),
        1,
        &["too few shares: 1 of the 2 that are needed"],
    );
    desk.copy("s/c.share-1-of-3.json", "s/c.share-3-of-3.json");
    let words = ["s/c.share-1-of-3.json and s/c.share-3-of-3.json are the same share, number 1"];
    desk.refuses(&combine(&[1, 3]), 1, &words);
}

#[test]
fn a_signed_list_of_shares_must_be_as_the_custodian_signed_it() {
    let desk = Desk::new();
    for id in ["c", "custodian-a", "custodian-b"] {
        desk.custodian(id);
    }
    desk.does(&format!(
        "{SPLIT} --out s --printable --custodian custodian-a.age"
    ));
    fs::remove_file(desk.path("c.age")).unwrap();
    let list = format!("{} --commitments s/c.commitments.json", combine(&[1, 2]));
    let words = ["is not signed by custodian-b"];
    desk.refuses(&format!("{list} --custodian custodian-b.json"), 1, &words);
    let path = desk.path("s/c.commitments.json");
    replace(&path, "\"threshold\": 2", "\"threshold\": 3");
    desk.refuses(
        &list,
        1,
        &["the signature of custodian custodian-a does not verify"],
    );
    replace(&path, "\"threshold\": 3", "\"threshold\": 2");
    desk.does(&format!("{list} --custodian custodian-a.json"));
}

#[test]
fn a_division_that_cannot_be_is_refused() {
    let desk = Desk::new();
    desk.custodian("c");
    let split = "key split c.age IDENTITY --out s";
    let words = ["4 of 3 shares can never be brought together"];
    desk.refuses(
        &format!("{split} --shares 3 --threshold 4 --printable"),
        2,
        &words,
    );
    desk.refuses(
        &format!("{split} --shares 3 --threshold 1 --printable"),
        2,
        &["threshold"],
    );
    let words = ["there are 1 recipients for 3 shares"];
    desk.refuses(
        &format!("{split} --shares 3 --threshold 2 RECIPIENT"),
        2,
        &words,
    );
    desk.refuses(
        &format!("{split} --shares 3 --threshold 2"),
        2,
        &["--printable"],
    );
    assert!(!desk.path("s").exists());
    desk.does(&format!("{split} --shares 3 --threshold 2 --printable"));
    let words = ["c.share-1-of-3.json exists, and shares are never replaced"];
    desk.refuses(
        &format!("{split} --shares 3 --threshold 3 --printable"),
        5,
        &words,
    );
}

/// A second implementation, from the specification alone, restores the seed from what was printed.
#[test]
fn python_restores_a_key_from_printed_shares() {
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let desk = Desk::new();
    super::common::write_private(&desk.path("seed"), SEED.as_bytes());
    desk.does("key import seed --role custodian --id c --out . RECIPIENT");
    desk.does("key split c.age IDENTITY --shares 9 --threshold 4 --out s --printable");
    let restore = |indexes: &[u8]| {
        let python = std::env::var("PITH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = std::process::Command::new(python);
        command
            .arg("-B")
            .arg(super::common::repository("tests/python/combine_shares.py"));
        command.args(
            indexes
                .iter()
                .map(|n| desk.path(&format!("s/c.share-{n}-of-9.json"))),
        );
        super::common::run(&mut command)
    };
    for indexes in [
        &[1, 2, 3, 4][..],
        &[9, 2, 7, 5],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9],
    ] {
        assert_eq!(restore(indexes).exits(0).text().trim(), SEED);
    }
    restore(&[1, 2, 3]).exits(1);
}
