//! Canonical JSON (SPEC 1): texts that are read strictly.

use pith::conformance::CaseKind::Json;

use super::make::{Expect, Making, ok, shapeless};

/// That a text stands for the same value as this canonical one.
fn canonically(text: &str) -> Expect {
    ok().giving(
        "sha256",
        &pith::digest::Digest::of(text.as_bytes()).to_string(),
    )
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

pub fn make(making: &mut Making) {
    accepted(making);
    numbers(making);
    strings(making);
    structure(making);
    open_content(making);
}

fn accepted(making: &mut Making) {
    for (shows, text, canonical) in [
        ("empty object", "{}", "{}"),
        ("empty array", "[]", "[]"),
        ("null alone", "null", "null"),
        ("string alone", r#""a""#, r#""a""#),
        ("integer alone", "42", "42"),
        (
            "white space around everything",
            " { \"b\" :\t[ 1 ,\r\n2 ] , \"a\" : null } \n",
            r#"{"a":null,"b":[1,2]}"#,
        ),
        (
            "keys out of order",
            r#"{"b":1,"aa":2,"a":3,"B":4,"":5}"#,
            r#"{"":5,"B":4,"a":3,"aa":2,"b":1}"#,
        ),
        (
            "keys by code point and not by UTF-16 unit",
            "{\"\u{10000}\":2,\"\u{ffff}\":1}",
            "{\"\u{ffff}\":1,\"\u{10000}\":2}",
        ),
        (
            "keys that differ in normalization only",
            "{\"e\u{301}\":1,\"\u{e9}\":2}",
            "{\"e\u{301}\":1,\"\u{e9}\":2}",
        ),
        (
            "keys sorted at every level",
            r#"{"x":{"b":[{"d":1,"c":2}],"a":0}}"#,
            r#"{"x":{"a":0,"b":[{"c":2,"d":1}]}}"#,
        ),
        (
            "escapes that are not needed",
            r#""\u0041\/\u00e9\u20AC""#,
            "\"A/\u{e9}\u{20ac}\"",
        ),
        (
            "escapes that have a short form",
            r#""\u0008\u0009\u000a\u000c\u000d\u0022\u005c""#,
            r#""\b\t\n\f\r\"\\""#,
        ),
        (
            "control characters in lower case hex",
            r#""\u0000\u001F\u000B""#,
            r#""\u0000\u001f\u000b""#,
        ),
        (
            "surrogate pair as two escapes",
            r#""\ud83d\ude00""#,
            "\"\u{1f600}\"",
        ),
        (
            "surrogate pair in upper case hex",
            r#""\uD83D\uDE00""#,
            "\"\u{1f600}\"",
        ),
        (
            "delete and line separators unescaped",
            "\"\u{7f}\u{80}\u{2028}\u{2029}\"",
            "\"\u{7f}\u{80}\u{2028}\u{2029}\"",
        ),
        (
            "byte order mark inside a string",
            "\"\u{feff}\"",
            "\"\u{feff}\"",
        ),
        (
            "noncharacters inside a string",
            "\"\u{fffe}\u{10ffff}\"",
            "\"\u{fffe}\u{10ffff}\"",
        ),
        (
            "largest signed integer",
            "9223372036854775807",
            "9223372036854775807",
        ),
        (
            "least signed integer",
            "-9223372036854775808",
            "-9223372036854775808",
        ),
        (
            "integer above the signed ones",
            "9223372036854775808",
            "9223372036854775808",
        ),
        (
            "largest unsigned integer",
            "18446744073709551615",
            "18446744073709551615",
        ),
        ("zero and minus one", "[0,-1]", "[0,-1]"),
        (
            "one key in two objects",
            r#"[{"a":1},{"a":2}]"#,
            r#"[{"a":1},{"a":2}]"#,
        ),
    ] {
        making.text(Json, shows, text, canonically(canonical));
    }
    let deepest = nested(128);
    making.text(
        Json,
        "128 levels of arrays",
        deepest.as_str(),
        canonically(&deepest),
    );
    let objects = "{\"a\":".repeat(127) + "{}" + &"}".repeat(127);
    making.text(
        Json,
        "128 levels of objects",
        objects.as_str(),
        canonically(&objects),
    );
}

fn numbers(making: &mut Making) {
    for (shows, text) in [
        ("float", "[1.5]"),
        ("float that is whole", "[1.0]"),
        ("exponent in an integer", "[1e3]"),
        ("minus zero", "[-0]"),
        ("minus zero as a float", "[-0.0]"),
        ("leading zero", "[01]"),
        ("leading zero after a sign", "[-01]"),
        ("plus sign", "[+1]"),
        ("sign alone", "[-]"),
        ("point without digits after it", "[1.]"),
        ("point without digits before it", "[.5]"),
        ("hexadecimal number", "[0x10]"),
        ("number with separators", "[1_000]"),
        (
            "integer one above the unsigned ones",
            "[18446744073709551616]",
        ),
        (
            "integer one below the signed ones",
            "[-9223372036854775809]",
        ),
        (
            "integer of a hundred digits",
            &format!("[1{}]", "0".repeat(99)),
        ),
        ("not a number", "[NaN]"),
        ("infinity", "[Infinity]"),
        ("minus infinity", "[-Infinity]"),
        ("full width digit", "[\u{ff11}]"),
    ] {
        making.text(Json, shows, text, shapeless());
    }
}

fn strings(making: &mut Making) {
    for (shows, text) in [
        ("lone high surrogate", &b"\"\\ud800\""[..]),
        ("lone low surrogate", b"\"\\udc00\""),
        ("surrogates in the wrong order", b"\"\\udc00\\ud800\""),
        (
            "high surrogate before another escape",
            b"\"\\ud800\\u0041\"",
        ),
        ("high surrogate before text", b"\"\\ud800x\""),
        ("two high surrogates", b"\"\\ud800\\ud800\""),
        ("lone surrogate in a key", b"{\"\\ud800\":1}"),
        ("unknown escape", b"\"\\x41\""),
        ("escape with a capital U", b"\"\\U0041\""),
        ("escape with three digits", b"\"\\u004\""),
        ("escape with a letter that is no digit", b"\"\\u00g0\""),
        ("escape with a sign among its digits", b"\"\\u+041\""),
        ("raw line break in a string", b"\"a\nb\""),
        ("raw tab in a string", b"\"a\tb\""),
        ("raw null byte in a string", b"\"a\0b\""),
        ("string without an end", b"\"a"),
        ("string in single quotes", b"'a'"),
        ("lone continuation byte", b"\"\x80\""),
        ("overlong encoding", b"\"\xc0\xaf\""),
        ("surrogate encoded in UTF-8", b"\"\xed\xa0\x80\""),
        ("code point above the last", b"\"\xf4\x90\x80\x80\""),
        ("character cut off", b"\"\xe2\x82\""),
        ("text in UTF-16", b"[\x001\x00]\x00"),
        ("text in Latin-1", b"\"\xe9\""),
    ] {
        making.text(Json, shows, text, shapeless());
    }
}

fn structure(making: &mut Making) {
    for (shows, text) in [
        ("nothing", ""),
        ("white space only", " \n"),
        ("byte order mark before the text", "\u{feff}{}"),
        ("key twice", r#"{"a":1,"a":1}"#),
        ("key twice with other values", r#"{"a":1,"b":2,"a":3}"#),
        ("key twice in another spelling", r#"{"a":1,"\u0061":2}"#),
        ("key twice deep inside", r#"[{"x":[{"a":1,"a":2}]}]"#),
        ("comma at the end of an array", "[1,]"),
        ("comma at the end of an object", r#"{"a":1,}"#),
        ("comma at the beginning", "[,1]"),
        ("two commas", "[1,,2]"),
        ("no comma between items", "[1 2]"),
        ("no colon", r#"{"a" 1}"#),
        ("key without quotes", "{a:1}"),
        ("key that is a number", "{1:1}"),
        ("key without a value", r#"{"a"}"#),
        ("array without an end", "[1"),
        ("object without an end", r#"{"a":1"#),
        ("bracket of the wrong kind", r#"{"a":1]"#),
        ("more text after the value", "{}x"),
        ("second value on the next line", "{}\n{}"),
        ("null byte after the value", "{}\0"),
        ("comment", "[1/*one*/]"),
        ("comment at the end of a line", "[1] // one"),
        ("literal in capitals", "[True]"),
        ("literal cut off", "[nul]"),
        ("form feed as white space", "[\u{c}]"),
        ("no-break space as white space", "[\u{a0}]"),
    ] {
        making.text(Json, shows, text, shapeless());
    }
    making.text(Json, "129 levels of arrays", nested(129), shapeless());
    let objects = "{\"a\":".repeat(128) + "{}" + &"}".repeat(128);
    making.text(Json, "129 levels of objects", objects, shapeless());
}

fn open_content(making: &mut Making) {
    for (shows, token) in [
        ("open float with a point", "0.1"),
        ("open float that is whole", "1.0"),
        ("open float minus zero", "-0.0"),
        ("open float with a negative exponent", "1e-05"),
        ("open float just without exponent", "0.0001"),
        ("open float with a positive exponent", "1e+16"),
        ("open float just below an exponent", "9999999999999998.0"),
        ("open float least above zero", "5e-324"),
        ("open float largest", "1.7976931348623157e+308"),
        ("open float with 17 digits", "1.2345678901234568e+17"),
    ] {
        let text = format!("[{token}]");
        making.text(
            Json,
            shows,
            text.as_str(),
            canonically(&text).open_content(),
        );
    }
    for (shows, token) in [
        ("open float with a zero at its end", "0.10"),
        ("open float with a capital E", "1E-05"),
        ("open float with a short exponent", "1e-5"),
        ("open float without a sign in its exponent", "1e16"),
        (
            "open float with more digits than it needs",
            "0.1000000000000000055",
        ),
        (
            "open float with a point where an exponent belongs",
            "10000000000000000.0",
        ),
        ("open float that is too large", "1e+400"),
        ("open float that vanishes", "1e-400"),
        ("open minus zero that is no float", "-0"),
        ("open integer that is too large", "18446744073709551616"),
        ("open not a number", "NaN"),
    ] {
        making.text(
            Json,
            shows,
            format!("[{token}]"),
            shapeless().open_content(),
        );
    }
}
