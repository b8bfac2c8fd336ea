//! The tables in `docs/` are what the code holds, to the letter.

use pith::arxiv::RejectCode;
use pith::cli::error::Exit;
use pith::keyset::Rule;
use pith::verify::Code;

const VERIFICATION: &str = include_str!("../docs/VERIFICATION.md");
const KEYSET: &str = include_str!("../docs/KEYSET.md");
const REJECTS: &str = include_str!("../docs/REJECTS.md");

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
