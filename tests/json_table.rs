//! Which texts are JSON here, which are not, and what Python makes of each (SPEC 1).
//!
//! A verdict has four signs. The first three are those of the strict reader where only integers are
//! allowed, floats as Python spells them too, and every number: `a` for accepted, `r` for refused. The
//! last is Python's: `=` if it writes the same canonical bytes as this toolkit, `!` if it refuses the
//! text as well, `+` if it takes what is refused here, because it could be read in two ways or not
//! hashed everywhere alike. So wherever the second sign is `a` the last is `=`.

mod common;

use common::python::rewritten_by_python;
use pith::canonical::{self, Numbers, read};

fn judge<T: AsRef<[u8]>>(rows: &[(T, &str)]) {
    let texts: Vec<&[u8]> = rows.iter().map(|(text, _)| text.as_ref()).collect();
    let python = rewritten_by_python(&texts);
    for ((text, expected), python) in rows.iter().zip(python) {
        let text = text.as_ref();
        let modes = [Numbers::Integers, Numbers::PythonFloats, Numbers::Any];
        let read = modes.map(|numbers| read(text, numbers));
        let mut verdict: String = read
            .iter()
            .map(|read| if read.is_ok() { 'a' } else { 'r' })
            .collect();
        verdict.push(match (&read[1], python) {
            (Ok(node), Ok(python)) if canonical::to_vec(node).unwrap() == python => '=',
            (Ok(_), _) => '?',
            (Err(_), Ok(_)) => '+',
            (Err(_), Err(_)) => '!',
        });
        let shown: String = String::from_utf8_lossy(text).chars().take(100).collect();
        assert_eq!(verdict, *expected, "{shown}");
    }
}

#[test]
fn numbers() {
    judge(&[
        ("0", "aaa="),
        ("7", "aaa="),
        ("-1", "aaa="),
        ("10", "aaa="),
        ("9007199254740993", "aaa="),
        ("9223372036854775807", "aaa="),
        ("9223372036854775808", "aaa="),
        ("18446744073709551615", "aaa="),
        ("-9223372036854775808", "aaa="),
        ("18446744073709551616", "rra+"),
        ("-9223372036854775809", "rra+"),
        ("100000000000000000000000000000000000000", "rra+"),
        ("-0", "rra+"),
        // Floats as Python spells them.
        ("0.0", "raa="),
        ("-0.0", "raa="),
        ("1.0", "raa="),
        ("-1.5", "raa="),
        ("0.1", "raa="),
        ("0.30000000000000004", "raa="),
        ("123456789.125", "raa="),
        ("0.0001", "raa="),
        ("1e-05", "raa="),
        ("1.5e-07", "raa="),
        ("9999999999999998.0", "raa="),
        ("1e+16", "raa="),
        ("1.2345678901234568e+17", "raa="),
        ("5e-324", "raa="),
        ("2.2250738585072014e-308", "raa="),
        ("1.7976931348623157e+308", "raa="),
        // The same ones and others, spelled otherwise.
        ("0.00", "rra+"),
        ("1.50", "rra+"),
        ("0.30000000000000005", "rra+"),
        ("9007199254740993.0", "rra+"),
        ("10000000000000000.0", "rra+"),
        ("0.00001", "rra+"),
        ("1e5", "rra+"),
        ("1E5", "rra+"),
        ("1E+16", "rra+"),
        ("1e16", "rra+"),
        ("1e+016", "rra+"),
        ("1e-5", "rra+"),
        ("1.0e-05", "rra+"),
        ("0e0", "rra+"),
        ("-0e-1", "rra+"),
        ("2e-324", "rra+"),
        ("1e-400", "rra+"),
        // What a float cannot hold.
        ("1e400", "rrr+"),
        ("-1e400", "rrr+"),
        ("1.7976931348623159e+308", "rrr+"),
        ("1e999999999999999999999", "rrr+"),
        ("NaN", "rrr+"),
        ("Infinity", "rrr+"),
        ("-Infinity", "rrr+"),
        // No numbers.
        ("00", "rrr!"),
        ("01", "rrr!"),
        ("-01", "rrr!"),
        ("01.5", "rrr!"),
        ("+1", "rrr!"),
        ("--1", "rrr!"),
        ("-", "rrr!"),
        (".5", "rrr!"),
        ("-.5", "rrr!"),
        ("1.", "rrr!"),
        ("1.e5", "rrr!"),
        ("1e", "rrr!"),
        ("1e+", "rrr!"),
        ("1e1.5", "rrr!"),
        ("1.5.5", "rrr!"),
        ("0x10", "rrr!"),
        ("0o7", "rrr!"),
        ("1_000", "rrr!"),
        ("1,000", "rrr!"),
        ("1f", "rrr!"),
        ("nan", "rrr!"),
        ("inf", "rrr!"),
        ("- 1", "rrr!"),
        ("\u{ff11}", "rrr!"),
        ("\u{661}", "rrr!"),
        ("\u{2212}1", "rrr!"),
    ]);
}

#[test]
fn escapes() {
    judge(&[
        (r#""""#, "aaa="),
        (r#""\"\\\/\b\f\n\r\t""#, "aaa="),
        (r#""\u0041\u00e9\u20AC""#, "aaa="),
        (r#""\u00E9\u00e9""#, "aaa="),
        (r#""\u0000\u0001\u001f\u007f\u0080""#, "aaa="),
        (r#""\u0008\u0009\u000a\u000b\u000c\u000d""#, "aaa="),
        (r#""\u2028\u2029\ufeff\ufffe\uffff""#, "aaa="),
        (r#""\u0022\u005c\u002f""#, "aaa="),
        ("\"\u{7f}\u{80}\u{2028}\u{feff}\u{fffe}\u{10ffff}\"", "aaa="),
        (r#"{"\u0061\n":1}"#, "aaa="),
        (r#""\\u0041""#, "aaa="),
        (r#""\a""#, "rrr!"),
        (r#""\v""#, "rrr!"),
        (r#""\0""#, "rrr!"),
        (r#""\'""#, "rrr!"),
        (r#""\ ""#, "rrr!"),
        (r#""\N""#, "rrr!"),
        (r#""\x41""#, "rrr!"),
        (r#""\U0041""#, "rrr!"),
        (r#""\u""#, "rrr!"),
        (r#""\u41""#, "rrr!"),
        (r#""\u00g0""#, "rrr!"),
        (r#""\u+041""#, "rrr!"),
        (r#""\u 041""#, "rrr!"),
        (r#""\u0x41""#, "rrr!"),
        (r#""\u{41}""#, "rrr!"),
        ("\"\\u\u{ff10}\u{ff10}\u{ff14}\u{ff11}\"", "rrr!"),
        ("\"\\\n\"", "rrr!"),
        (r#""\"#, "rrr!"),
        (r#""\""#, "rrr!"),
        (r#""abc"#, "rrr!"),
        ("\"\t\"", "rrr!"),
        ("\"\n\"", "rrr!"),
        ("\"\0\"", "rrr!"),
        ("\"\u{1f}\"", "rrr!"),
        ("{\"a\n\":1}", "rrr!"),
        ("'a'", "rrr!"),
        ("\u{201c}a\u{201d}", "rrr!"),
    ]);
}

#[test]
fn surrogates_and_utf8() {
    judge::<&[u8]>(&[
        (br#""\ud83d\ude00""#, "aaa="),
        (br#""\uD83D\uDE00""#, "aaa="),
        (br#""\ud800\udc00\udbff\udfff""#, "aaa="),
        (br#"{"\ud83d\ude00":1}"#, "aaa="),
        ("\"\u{1f600}\u{e000}\u{d7ff}\"".as_bytes(), "aaa="),
        // Python reads these, and cannot write them.
        (br#""\ud800""#, "rrr!"),
        (br#""\udfff""#, "rrr!"),
        (br#""\ude00\ud83d""#, "rrr!"),
        (br#""\ud83d\ud83d\ude00""#, "rrr!"),
        (br#""\ud83dx\ude00""#, "rrr!"),
        (br#""\ud83d\n""#, "rrr!"),
        (br#""\ud83d\u0041""#, "rrr!"),
        (br#""\ud83d\\ude00""#, "rrr!"),
        (br#"{"\ud800":1}"#, "rrr!"),
        (br#""\ud83d\ude0""#, "rrr!"),
        // Surrogates as bytes, overlong and beyond, cut off, alone.
        (b"\"\xed\xa0\x80\"", "rrr!"),
        (b"\"\xed\xa0\xbd\xed\xb8\x80\"", "rrr!"),
        (b"\"\xc0\x80\"", "rrr!"),
        (b"\"\xc1\xbf\"", "rrr!"),
        (b"\"\xe0\x80\xaf\"", "rrr!"),
        (b"\"\xf4\x90\x80\x80\"", "rrr!"),
        (b"\"\xf8\x88\x80\x80\x80\"", "rrr!"),
        (b"\"\xe2\x82\"", "rrr!"),
        (b"\"\x80\"", "rrr!"),
        (b"\"\xff\"", "rrr!"),
        (b"\xef\xbb\xbf1", "rrr!"),
        (b"\xff\xfe1\x00", "rrr!"),
    ]);
}

#[test]
fn structure() {
    judge(&[
        ("null", "aaa="),
        ("true", "aaa="),
        ("false", "aaa="),
        ("[]", "aaa="),
        ("{}", "aaa="),
        (" \t\r\n[ \t\r\n1 , 2 ] \t\r\n", "aaa="),
        ("{ \"b\" : [ ] , \"a\" : { } }", "aaa="),
        ("[[],{},[{}]]", "aaa="),
        (
            "{\"\u{ffff}\":1,\"\u{10000}\":2,\"\u{e000}\":3,\"\\ud83d\\ude00\":4}",
            "aaa=",
        ),
        ("{\"a!\":1,\"a\\\"\":2,\"a\\n\":3,\"a\":4}", "aaa="),
        ("", "rrr!"),
        (" ", "rrr!"),
        ("nul", "rrr!"),
        ("nullx", "rrr!"),
        ("True", "rrr!"),
        ("None", "rrr!"),
        ("undefined", "rrr!"),
        ("a", "rrr!"),
        ("1 2", "rrr!"),
        ("{}{}", "rrr!"),
        ("[]]", "rrr!"),
        ("[1,]", "rrr!"),
        ("[,1]", "rrr!"),
        ("[1,,2]", "rrr!"),
        ("[1 2]", "rrr!"),
        ("[1}", "rrr!"),
        ("[1", "rrr!"),
        ("{\"a\":1,}", "rrr!"),
        ("{,}", "rrr!"),
        ("{\"a\"}", "rrr!"),
        ("{\"a\":}", "rrr!"),
        ("{\"a\" 1}", "rrr!"),
        ("{\"a\"::1}", "rrr!"),
        ("{a:1}", "rrr!"),
        ("{1:1}", "rrr!"),
        ("{null:1}", "rrr!"),
        ("{\"a\":1", "rrr!"),
        ("{\"a\":1 \"b\":2}", "rrr!"),
        ("[1]//", "rrr!"),
        ("/**/[1]", "rrr!"),
        ("#\n1", "rrr!"),
        ("[1\u{b}]", "rrr!"),
        ("[1\u{c}]", "rrr!"),
        ("[1\u{a0}]", "rrr!"),
        ("[1\u{2028}]", "rrr!"),
        ("[\u{feff}1]", "rrr!"),
        ("1\0", "rrr!"),
        ("(1)", "rrr!"),
    ]);
}

#[test]
fn duplicate_keys() {
    let many = |count: usize, more: &str| {
        let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":{n}")).collect();
        format!("{{{}{more}}}", members.join(","))
    };
    let mut rows: Vec<(String, &str)> = [
        ("{\"a\":1,\"a\":1}", "rrr+"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "rrr+"),
        ("{\"\":1,\"\":2}", "rrr+"),
        ("{\"a\":1,\"\\u0061\":2}", "rrr+"),
        ("{\"/\":1,\"\\/\":2}", "rrr+"),
        ("{\"\\ud83d\\ude00\":1,\"\u{1f600}\":2}", "rrr+"),
        ("{\"x\":[{\"a\":1,\"a\":2}]}", "rrr+"),
        // Not the same key.
        ("{\"a\":1,\"A\":2}", "aaa="),
        ("{\"a\":1,\"a \":2}", "aaa="),
        ("{\"\u{e9}\":1,\"e\u{301}\":2}", "aaa="),
        ("{\"a\":{\"a\":{\"a\":1}}}", "aaa="),
        ("[{\"a\":1},{\"a\":1}]", "aaa="),
    ]
    .map(|(text, verdict)| (text.to_owned(), verdict))
    .into();
    for count in [31, 32, 33, 34, 1000] {
        rows.push((many(count, ""), "aaa="));
        rows.push((many(count, ",\"k0\":0"), "rrr+"));
        rows.push((many(count, &format!(",\"k{}\":0", count - 1)), "rrr+"));
    }
    judge(&rows);
}

#[test]
fn depth() {
    let arrays = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth: usize| "{\"a\":".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
    let mixed = |pairs: usize| "[{\"a\":".repeat(pairs) + "0" + &"}]".repeat(pairs);
    judge(&[
        (arrays(127), "aaa="),
        (arrays(128), "aaa="),
        (arrays(129), "rrr+"),
        (objects(128), "aaa="),
        (objects(129), "rrr+"),
        (mixed(64), "aaa="),
        (mixed(65), "rrr+"),
        (format!("[{},1,{}]", arrays(127), arrays(127)), "aaa="),
        (arrays(100_000), "rrr!"),
        ("[".repeat(1_000_000), "rrr!"),
        ("{\"a\":".repeat(1_000_000), "rrr!"),
    ]);
}

#[test]
fn huge_documents() {
    let list =
        |count: usize, item: &str| format!("[{}{item}]", format!("{item},").repeat(count - 1));
    let keys = |count: usize, more: &str| {
        let members: Vec<String> = (0..count).rev().map(|n| format!("\"{n}\":{n}")).collect();
        format!("{{{}{more}}}", members.join(","))
    };
    judge(&[
        (format!("\"{}\"", "x".repeat(10_000_000)), "aaa="),
        (format!("\"{}\"", "\\u00e9\\n".repeat(500_000)), "aaa="),
        (format!("{{\"{}\":1}}", "k".repeat(1_000_000)), "aaa="),
        (list(1_000_000, "0"), "aaa="),
        (list(300_000, "[{}]"), "aaa="),
        (list(100_000, "0.1"), "raa="),
        (keys(200_000, ""), "aaa="),
        (keys(200_000, ",\"7\":7"), "rrr+"),
        (format!("1{}", " ".repeat(5_000_000)), "aaa="),
        (format!("{}1", "\n".repeat(5_000_000)), "aaa="),
        // Of this many digits Python reads no integer.
        ("9".repeat(1_000_000), "rrr!"),
        (format!("0.{}", "1".repeat(1_000_000)), "rra+"),
        (format!("1{}.0", "0".repeat(400)), "rrr+"),
    ]);
}
