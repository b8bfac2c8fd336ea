//! The tables in `docs/` are what the code holds, to the letter.

use std::fs;
use std::path::{Path, PathBuf};

use pith::arxiv::RejectCode;
use pith::cli::error::Exit;
use pith::keyset::Rule;
use pith::verify::Code;

const VERIFICATION: &str = include_str!("../docs/VERIFICATION.md");
const KEYSET: &str = include_str!("../docs/KEYSET.md");
const REJECTS: &str = include_str!("../docs/REJECTS.md");
const SECURITY: &str = include_str!("../SECURITY.md");

/// The cells of every row of the table whose first heading is `heading`.
fn table<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let start = format!("| {heading} |");
    document
        .lines()
        .skip_while(|line| !line.starts_with(&start))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(str::trim).collect()
        })
        .collect()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Asserts that the table has these names, each with its meaning and remedy.
#[track_caller]
fn is_documented(
    document: &str,
    heading: &str,
    held: impl Iterator<Item = (&'static str, &'static str, &'static str)>,
) {
    let held: Vec<_> = held
        .map(|(name, meaning, remedy)| vec![code(name), meaning.to_owned(), remedy.to_owned()])
        .collect();
    let rows: Vec<_> = held
        .iter()
        .map(|row| format!("| {} |", row.join(" | ")))
        .collect();
    let documented = table(document, heading);
    assert_eq!(documented, held, "the table should be\n{}", rows.join("\n"));
}

#[test]
fn every_check_is_documented_as_the_code_says() {
    let held = Code::ALL.iter();
    let held = held.map(|check| (check.as_str(), check.meaning(), check.remedy()));
    is_documented(VERIFICATION, "check", held);
}

#[test]
fn every_rule_of_keysets_is_documented_as_the_code_says() {
    let held = Rule::ALL.iter();
    let held = held.map(|rule| (rule.as_str(), rule.meaning(), rule.remedy()));
    is_documented(KEYSET, "rule", held);
}

#[test]
fn every_reject_code_is_documented_with_its_remedy() {
    let documented: Vec<_> = table(REJECTS, "code")
        .into_iter()
        .map(|row| {
            assert_eq!(row.len(), 3, "{row:?}");
            assert!(row[1].len() > 10, "{} says nothing", row[0]);
            (row[0], row[2])
        })
        .collect();
    let held: Vec<_> = RejectCode::ALL
        .iter()
        .map(|reject| (code(reject.as_str()), reject.remedy()))
        .collect();
    let held: Vec<_> = held
        .iter()
        .map(|(code, remedy)| (code.as_str(), *remedy))
        .collect();
    assert_eq!(documented, held);
}

/// The next exit code after `exit`; it no longer compiles when there is another one.
fn after(exit: Exit) -> Option<Exit> {
    match exit {
        Exit::Done => Some(Exit::Refused),
        Exit::Refused => Some(Exit::Usage),
        Exit::Usage => Some(Exit::Rejects),
        Exit::Rejects => Some(Exit::Untrusted),
        Exit::Untrusted => Some(Exit::Io),
        Exit::Io => Some(Exit::Locked),
        Exit::Locked => Some(Exit::Interrupted),
        Exit::Interrupted => None,
    }
}

#[test]
fn every_exit_code_is_documented() {
    let held: Vec<_> = std::iter::successors(Some(Exit::Done), |exit| after(*exit)).collect();
    let documented: Vec<_> = table(VERIFICATION, "exit")
        .into_iter()
        .map(|row| row[0].parse::<u8>().expect("an exit code is a number"))
        .collect();
    let numbers: Vec<_> = held.iter().map(|exit| *exit as u8).collect();
    assert_eq!(documented, numbers);
}

#[test]
fn the_order_in_which_exit_codes_decide_is_documented() {
    let order = "130, 5, 6, 1, 4, 3";
    assert!(VERIFICATION.contains(&format!("the first of {order} decides")));
    let all: Vec<_> = std::iter::successors(Some(Exit::Done), |exit| after(*exit)).collect();
    let of_number = |number: u8| *all.iter().find(|exit| **exit as u8 == number).unwrap();
    let ranked: Vec<_> = order
        .split(", ")
        .map(|n| of_number(n.parse().unwrap()))
        .collect();
    for pair in ranked.windows(2) {
        assert_eq!(pair[1].worst(pair[0]), pair[0]);
        assert_eq!(pair[0].worst(pair[1]), pair[0]);
    }
}

/// Whether the file has a test of this name.
fn has_test(path: &Path, name: &str) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split("#[test]").skip(1).any(|after| {
        let function = after.split("fn ").nth(1);
        function.is_some_and(|rest| rest.starts_with(&format!("{name}(")))
    })
}

/// Whether `name` is a file of tests, a test in one, a case in `tests/cmd`, or another file of the
/// repository.
fn is_shown(name: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = root.join("tests");
    let file = |path: &str| -> PathBuf { tests.join(format!("{path}.rs")) };
    match name.split("::").collect::<Vec<_>>()[..] {
        [path] if path.contains('/') => {
            root.join(path).exists() || tests.join(format!("{path}.trycmd")).is_file()
        }
        [target] => file(target).is_file() || file(&format!("{target}/main")).is_file(),
        [target, inside] => {
            let rooms = fs::read_dir(tests.join(target)).into_iter().flatten();
            let mut rooms = rooms.map(|room| room.unwrap().path());
            file(&format!("{target}/{inside}")).is_file()
                || has_test(&file(target), inside)
                || rooms.any(|room| has_test(&room, inside))
        }
        [target, room, test] => has_test(&file(&format!("{target}/{room}")), test),
        _ => false,
    }
}

#[test]
fn every_claim_names_tests_that_exist() {
    for (there, name) in [
        (true, "docs::every_claim_names_tests_that_exist"),
        (true, "keyset::rules"),
        (true, "keyset::rules::publish_safety"),
        (true, "cmd/verify"),
        (false, "docs::every_claim"),
        (false, "docs::is_shown"),
        (false, "keyset::rules::publish"),
        (false, "keyset::nothing"),
        (false, "cmd/nothing"),
        (false, "nothing"),
    ] {
        assert_eq!(is_shown(name), there, "{name}");
    }
    let mut claims = 0;
    for heading in ["attacker has", "claim"] {
        for row in table(SECURITY, heading) {
            let shown_by = row.last().unwrap();
            let names: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
            assert!(!names.is_empty(), "nothing shows that {}", row[0]);
            for name in names {
                assert!(
                    is_shown(name),
                    "`{name}` shows that {}, and is not there",
                    row[0]
                );
            }
            claims += 1;
        }
    }
    assert!(claims > 50, "{claims}");
}
