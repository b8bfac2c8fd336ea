//! The strict reader and the canonical writer (SPEC 1).

use pith::canonical::{
    self, Json, MAX_DEPTH, MAX_VALUES, Numbers, OBJECT_VALUES, from_slice, read,
};
use pith::digest::Digest;
use pith::verify::{Policy, Trust, Verdict, verify_document};
use proptest::prelude::*;

const INTEGERS: Numbers = Numbers::Integers;
const FLOATS: Numbers = Numbers::PythonFloats;
const ANY: Numbers = Numbers::Any;

/// The canonical text of what is read.
fn rewritten(text: &str, numbers: Numbers) -> String {
    let node = read(text.as_bytes(), numbers).unwrap_or_else(|error| panic!("{text}: {error}"));
    String::from_utf8(canonical::to_vec(&node).unwrap()).unwrap()
}

#[test]
fn accepted_texts_become_canonical() {
    for (text, expected) in [
        (" \t\r\n{ } \n", "{}"),
        ("[ 1 , 2 ]", "[1,2]"),
        ("null", "null"),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("-1", "-1"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        (r#""""#, r#""""#),
        (r#""\"\\\/\b\f\n\r\t""#, r#""\"\\/\b\f\n\r\t""#),
        (r#""\u0041\u00e9\u20AC""#, "\"Aé€\""),
        (
            r#""\u0000\u001f\u001F\u007f""#,
            "\"\\u0000\\u001f\\u001f\u{7f}\"",
        ),
        (
            r#""\u0008\u0009\u000a\u000b\u000c\u000d""#,
            r#""\b\t\n\u000b\f\r""#,
        ),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\uDBFF\uDFFF\ud800\udc00""#, "\"\u{10ffff}\u{10000}\""),
        ("\"\u{2028}\u{feff}é😀\"", "\"\u{2028}\u{feff}é😀\""),
        (
            r#"{"b":1,"a":{"d":[],"c":{}}}"#,
            r#"{"a":{"c":{},"d":[]},"b":1}"#,
        ),
        // By code point U+FFFD comes before U+1F600; by UTF-16 units, as JCS sorts, it comes after.
        ("{\"😀\":1,\"\u{fffd}\":2}", "{\"\u{fffd}\":2,\"😀\":1}"),
        (r#"{"":1,"\u0000":2," ":3}"#, r#"{"":1,"\u0000":2," ":3}"#),
        (
            r#"{"a\"":1,"a!":2,"a\\":3,"a\n":4}"#,
            r#"{"a\n":4,"a!":2,"a\"":1,"a\\":3}"#,
        ),
        (r#"{"a":1,"ab":2,"A":3}"#, r#"{"A":3,"a":1,"ab":2}"#),
    ] {
        for numbers in [INTEGERS, FLOATS, ANY] {
            assert_eq!(rewritten(text, numbers), expected, "{text}");
        }
    }
}

#[test]
fn floats_are_accepted_as_python_spells_them() {
    for text in [
        "0.0",
        "-0.0",
        "1.0",
        "0.1",
        "-2.5",
        "1e-05",
        "0.0001",
        "1e+16",
        "5e-324",
        "1.5e+300",
        "1000000000000000.0",
        "1.7976931348623157e+308",
        "2.2250738585072014e-308",
    ] {
        assert_eq!(rewritten(text, FLOATS), text);
        assert_eq!(rewritten(text, ANY), text);
        assert!(read(text.as_bytes(), INTEGERS).is_err(), "{text}");
    }
}

#[test]
fn other_spellings_of_floats_pass_only_where_nothing_is_hashed() {
    for (text, spelled) in [
        ("1e5", "100000.0"),
        ("1E+16", "1e+16"),
        ("1e16", "1e+16"),
        ("0.00001", "1e-05"),
        ("1e-5", "1e-05"),
        ("1.50", "1.5"),
        ("0.10000000000000001", "0.1"),
        ("10000000000000000.0", "1e+16"),
        ("0e0", "0.0"),
        ("1e-400", "0.0"),
        ("-1e-400", "-0.0"),
    ] {
        let error = read(text.as_bytes(), FLOATS).unwrap_err();
        assert!(
            error.message.ends_with(&format!("here {spelled}")),
            "{text}: {error}"
        );
        assert!(read(text.as_bytes(), INTEGERS).is_err(), "{text}");
        assert_eq!(rewritten(text, ANY), spelled);
    }
    for (text, read_as) in [
        ("-0", "0"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
    ] {
        assert!(read(text.as_bytes(), FLOATS).is_err(), "{text}");
        assert_eq!(rewritten(text, ANY), read_as);
    }
}

/// The text, where its fault is, and what the message says of it, whichever numbers are allowed.
#[test]
fn refused_texts_are_refused_with_their_place() {
    #[rustfmt::skip]
    let refused: &[(&[u8], &str, usize, &str)] = &[
        (b"", "top level", 0, "the text ends"),
        (b"  ", "top level", 2, "the text ends"),
        (b"\xef\xbb\xbf{}", "top level", 0, "byte order mark"),
        (b"{} x", "top level", 3, "more text"),
        (b"{}{}", "top level", 2, "more text"),
        (b"{}\0", "top level", 2, "more text"),
        (b"1 2", "top level", 2, "more text"),
        (b"\xff", "top level", 0, "UTF-8"),
        (b"{\"a\":\"\xc3\x28\"}", "top level", 6, "UTF-8"),
        (b"\"\xed\xa0\x80\"", "top level", 1, "UTF-8"),
        (b"\"\xc0\x80\"", "top level", 1, "UTF-8"),
        (b"\"\xf4\x90\x80\x80\"", "top level", 1, "UTF-8"),
        (b"'a'", "top level", 0, "expected a value"),
        (b"nul", "top level", 0, "expected a value"),
        (b"True", "top level", 0, "expected a value"),
        (b"NaN", "top level", 0, "expected a value"),
        (b"[Infinity]", "[0]", 1, "expected a value"),
        (b"[-Infinity]", "[0]", 1, "not a JSON number"),
        (b"+1", "top level", 0, "expected a value"),
        (b".5", "top level", 0, "expected a value"),
        (b"-", "top level", 0, "not a JSON number"),
        (b"01", "top level", 0, "not a JSON number"),
        (b"-01", "top level", 0, "not a JSON number"),
        (b"1.", "top level", 0, "not a JSON number"),
        (b"1.e5", "top level", 0, "not a JSON number"),
        (b"1e", "top level", 0, "not a JSON number"),
        (b"1e+", "top level", 0, "not a JSON number"),
        (b"[0x10]", "top level", 2, "expected `,` or `]`"),
        (b"[1_000]", "top level", 2, "expected `,` or `]`"),
        (b"1\xc2\xa0", "top level", 1, "more text"),
        (b"{\"a\":1,\"b\":[0,{\"c\":1,\"a\":1,\"c\":2}]}", "b[1].c", 27, "twice"),
        (b"{\"a\":1,\"\\u0061\":2}", "a", 7, "twice"),
        (b"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", "\u{1f600}", 18, "twice"),
        (b"{\"/\":1,\"\\/\":1}", "/", 7, "twice"),
        (b"{\"x\":{\"\":1,\"\":1}}", "x.", 11, "twice"),
        (b"[\"\\ud800\"]", "[0]", 2, "surrogate"),
        (b"[\"\\ud800x\"]", "[0]", 2, "surrogate"),
        (b"[\"\\udc00\"]", "[0]", 2, "surrogate"),
        (b"[\"\\ud800\\ud800\"]", "[0]", 2, "surrogate"),
        (b"[\"\\ud800\\n\"]", "[0]", 2, "surrogate"),
        (b"[\"a\\ude00\\ud83d\"]", "[0]", 3, "surrogate"),
        (b"{\"\\udfff\":1}", "top level", 2, "surrogate"),
        (b"[\"\\u12\"]", "[0]", 2, "four hexadecimal digits"),
        (b"[\"\\u+123\"]", "[0]", 2, "four hexadecimal digits"),
        (b"[\"\\u00g0\"]", "[0]", 2, "four hexadecimal digits"),
        (b"[\"\\u00\xc3\xa9\"]", "[0]", 2, "four hexadecimal digits"),
        (b"[\"\\ud800\\u12\"]", "[0]", 2, "four hexadecimal digits"),
        (b"[\"\\x41\"]", "[0]", 2, "unknown escape"),
        (b"[\"\\U0041\"]", "[0]", 2, "unknown escape"),
        (b"[\"\\'\"]", "[0]", 2, "unknown escape"),
        (b"[\"\\", "[0]", 2, "unknown escape"),
        (b"[\"\\\xc3\xa9\"]", "[0]", 2, "unknown escape"),
        (b"[\"a\nb\"]", "[0]", 3, "control character"),
        (b"[\"\t\"]", "[0]", 2, "control character"),
        (b"[\"\0\"]", "[0]", 2, "control character"),
        (b"[\"\x1f\"]", "[0]", 2, "control character"),
        (b"{\"a\n\":1}", "top level", 3, "control character"),
        (b"[\"abc", "[0]", 5, "ends inside a string"),
        (b"[1,]", "[1]", 3, "expected a value"),
        (b"[,1]", "[0]", 1, "expected a value"),
        (b"[1 2]", "top level", 3, "expected `,` or `]`"),
        (b"[1}", "top level", 2, "expected `,` or `]`"),
        (b"[1", "top level", 2, "ends before `]`"),
        (b"{\"a\":1,}", "top level", 7, "expected a key"),
        (b"{a:1}", "top level", 1, "expected a key"),
        (b"{1:1}", "top level", 1, "expected a key"),
        (b"{\"a\" 1}", "top level", 5, "expected `:`"),
        (b"{\"a\":}", "a", 5, "expected a value"),
        (b"{\"a\":1", "top level", 6, "ends before `}`"),
        (b"{\"a\":[{\"b\":", "a[0].b", 11, "the text ends"),
        (b"[1,/* no */2]", "[1]", 3, "expected a value"),
        (b"[1\x0c]", "top level", 2, "expected `,` or `]`"),
        (b"[1e400]", "[0]", 1, ""),
    ];
    for (text, path, offset, message) in refused {
        let shown = String::from_utf8_lossy(text);
        for numbers in [INTEGERS, FLOATS, ANY] {
            let error = read(text, numbers).expect_err(&shown);
            assert_eq!(
                (error.path().as_str(), error.offset),
                (*path, *offset),
                "{shown}"
            );
            assert!(error.message.contains(message), "{shown}: {error}");
        }
    }
}

#[test]
fn numbers_that_are_hashed_are_integers_of_64_bits() {
    for (text, message) in [
        ("-0", "`-0`"),
        ("18446744073709551616", "64 bits"),
        ("-9223372036854775809", "64 bits"),
        ("99999999999999999999999999", "64 bits"),
    ] {
        for numbers in [INTEGERS, FLOATS] {
            let whole = format!("{{\"a\":[{text}]}}");
            let error = read(whole.as_bytes(), numbers).unwrap_err();
            assert_eq!((error.path().as_str(), error.offset), ("a[0]", 6), "{text}");
            assert!(error.message.contains(message), "{error}");
        }
    }
    let error = read(b"{\"a\":{\"b\":1.0}}", INTEGERS).unwrap_err();
    assert_eq!((error.path().as_str(), error.offset), ("a.b", 10));
    assert!(error.message.contains("float"), "{error}");
}

#[test]
fn a_text_of_more_values_than_any_document_has_is_refused() {
    let list =
        |item: &str, count: usize| format!("[{}{item}]", format!("{item},").repeat(count - 1));
    for (item, count) in [
        ("0", MAX_VALUES - 1),
        ("{}", (MAX_VALUES - 1) / OBJECT_VALUES),
    ] {
        assert!(
            read(list(item, count).as_bytes(), INTEGERS).is_ok(),
            "{item}"
        );
        let error = read(list(item, count + 1).as_bytes(), INTEGERS).unwrap_err();
        assert_eq!(error.path(), format!("[{count}]"), "{item}");
        assert!(error.message.contains("16777216"), "{error}");
    }
}

#[test]
fn containers_nest_128_deep_and_no_deeper() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth: usize| "{\"a\":".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
    assert_eq!(MAX_DEPTH, 128);
    assert_eq!(rewritten(&nested(128), INTEGERS), nested(128));
    assert_eq!(rewritten(&objects(128), INTEGERS), objects(128));
    for (text, offset) in [(nested(129), 128), (objects(129), 5 * 128)] {
        let error = read(text.as_bytes(), ANY).unwrap_err();
        assert_eq!(error.offset, offset);
        assert!(error.message.contains("deeper than 128"), "{error}");
    }
    // A scalar in the deepest container stands in no container of its own.
    let with_scalar = "[".repeat(128) + "1" + &"]".repeat(128);
    assert_eq!(rewritten(&with_scalar, INTEGERS), with_scalar);
    assert!(read("[".repeat(1_000_000).as_bytes(), ANY).is_err());
}

#[test]
fn duplicate_keys_are_found_in_large_objects_too() {
    for count in [2, 31, 32, 33, 34, 1000] {
        let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":{n}")).collect();
        let sound = format!("{{{}}}", members.join(","));
        assert!(read(sound.as_bytes(), INTEGERS).is_ok(), "{count}");
        for doubled in [0, count / 2, count - 1] {
            let text = format!("{{{},\"k{doubled}\":0}}", members.join(","));
            let error = read(text.as_bytes(), INTEGERS).unwrap_err();
            assert_eq!(error.path(), format!("k{doubled}"));
            assert_eq!(error.offset, sound.len());
        }
    }
}

#[test]
fn the_writer_refuses_what_canonical_json_cannot_hold() {
    use serde::ser::SerializeMap as _;
    struct Twice;
    impl serde::Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("a", &1)?;
            map.serialize_entry("b", &1)?;
            map.serialize_entry("a", &1)?;
            map.end()
        }
    }
    assert!(canonical::to_vec(&Twice).is_err());
    assert!(canonical::to_vec(&u128::MAX).is_err());
    assert!(canonical::to_vec(&i128::MIN).is_err());
    assert!(canonical::to_vec(&1.0_f32).is_err());
    assert!(canonical::to_vec(&vec![((), 1)]).is_ok());
    assert!(canonical::to_vec(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
}

#[test]
fn members_left_out_of_a_hash_are_those_at_the_top_only() {
    for (text, rest) in [
        (r#"{"a":1,"s":2,"z":3}"#, r#"{"a":1,"z":3}"#),
        (r#"{"s":2,"z":3,"a":1}"#, r#"{"a":1,"z":3}"#),
        (r#"{"z":3,"a":1,"s":2}"#, r#"{"a":1,"z":3}"#),
        (r#"{"s":{"s":[1]}}"#, "{}"),
        (r#"{"a":{"s":1,"b":2}}"#, r#"{"a":{"b":2,"s":1}}"#),
        (r#"{"s":1,"a":[{"s":1}],"t":{"x":0}}"#, r#"{"a":[{"s":1}]}"#),
    ] {
        let node = read(text.as_bytes(), INTEGERS).unwrap();
        let found = canonical::digest_without(&node, &["s", "t"]).unwrap();
        assert_eq!(found, Digest::of(rest.as_bytes()), "{text}");
        let found = canonical::tree_digest_without(&node, &["s", "t"]);
        assert_eq!(found, Digest::of(rest.as_bytes()), "{text}");
    }
}

#[test]
fn open_content_may_hold_floats_and_typed_fields_may_not() {
    #[derive(Debug, serde::Deserialize)]
    struct Typed {
        #[allow(dead_code)]
        count: u64,
        open: Json,
    }
    let typed: Typed = from_slice(br#"{"count":1,"open":{"x":1e-05}}"#).unwrap();
    assert_eq!(canonical::to_vec(&typed.open).unwrap(), br#"{"x":1e-05}"#);
    for (text, path) in [
        (r#"{"count":1.0,"open":{}}"#, "count"),
        (r#"{"count":-1,"open":{}}"#, "count"),
        (r#"{"count":"1","open":{}}"#, "count"),
        (r#"{"open":{}}"#, "top level"),
        (r#"{"count":1,"open":{"x":1E-5}}"#, "open.x"),
    ] {
        let error = from_slice::<Typed>(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(path), "{text}: {error}");
    }
}

/// Any value that canonical JSON can hold, with keys and texts from all planes.
fn values() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Int),
        (i64::MAX as u64 + 1..=u64::MAX).prop_map(Json::UInt),
        any::<f64>()
            .prop_filter("JSON has no others", |x| x.is_finite())
            .prop_map(Json::Float),
        texts().prop_map(Json::String),
    ];
    scalar.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            proptest::collection::btree_map(texts(), inner, 0..6).prop_map(Json::Object),
        ]
    })
}

fn texts() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        proptest::char::range('\0', '\u{7f}'),
        proptest::char::range('\u{80}', '\u{ffff}'),
        proptest::char::range('\u{e000}', '\u{10ffff}'),
    ];
    proptest::collection::vec(character, 0..6).prop_map(|all| all.into_iter().collect())
}

proptest! {
    #[test]
    fn canonical_bytes_survive_the_round_trip(value in values()) {
        let bytes = canonical::to_vec(&value).unwrap();
        let node = read(&bytes, FLOATS).unwrap();
        prop_assert_eq!(canonical::to_vec(&node).unwrap(), bytes.clone());
        prop_assert_eq!(&Json::from(node), &value);
        let again: Json = from_slice(&bytes).unwrap();
        prop_assert_eq!(canonical::to_vec(&again).unwrap(), bytes);
        prop_assert_eq!(again, value);
    }

    /// A tree hashes as the value does that is read from it, whatever is left out.
    #[test]
    fn trees_hash_as_their_values(
        members in proptest::collection::btree_map(texts(), values(), 0..8),
        left_out in 0_usize..8,
    ) {
        let keys: Vec<String> = members.keys().take(left_out).cloned().collect();
        let omit: Vec<&str> = keys.iter().map(String::as_str).collect();
        let value = Json::Object(members);
        let wire = canonical::wire(&value).unwrap();
        let node = read(&wire, FLOATS).unwrap();
        let found = canonical::tree_digest_without(&node, &omit);
        prop_assert_eq!(found, canonical::digest_without(&value, &omit).unwrap());
        prop_assert_eq!(found, canonical::digest_without(&node, &omit).unwrap());
    }

    /// The wire form of the same value hashes to the same, in whatever order its members stand.
    #[test]
    fn the_order_of_members_does_not_matter(
        members in proptest::collection::btree_map(texts(), any::<i64>(), 0..40),
        seed: u64,
    ) {
        let mut shuffled: Vec<_> = members.iter().collect();
        shuffled.sort_by_key(|(key, _)| {
            Digest::of(format!("{seed}{key}").as_bytes()).as_bytes()[..8].to_vec()
        });
        let texts: Vec<String> = shuffled
            .iter()
            .map(|(key, value)| format!("{} : {value}", serde_json::to_string(key).unwrap()))
            .collect();
        let text = format!("{{{}}}", texts.join(" ,\n"));
        let node = read(text.as_bytes(), INTEGERS).unwrap();
        let found = String::from_utf8(canonical::to_vec(&node).unwrap()).unwrap();

        // A BTreeMap of code points is the order that SPEC 1 names, without any encoding in it.
        let by_code_point: std::collections::BTreeMap<Vec<u32>, _> = members
            .iter()
            .map(|(key, value)| (key.chars().map(u32::from).collect(), (key, value)))
            .collect();
        let expected: Vec<String> = by_code_point
            .values()
            .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap()))
            .collect();
        let expected = format!("{{{}}}", expected.join(","));
        prop_assert_eq!(
            canonical::tree_digest_without(&node, &[]),
            Digest::of(expected.as_bytes())
        );
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for numbers in [INTEGERS, FLOATS, ANY] {
            if let Err(error) = read(&bytes, numbers) {
                prop_assert!(error.offset <= bytes.len());
                prop_assert!(error.to_string().contains(&error.message));
            }
        }
        prop_assert_eq!(judged(&bytes), Verdict::Failed);
    }

    /// Text that looks like JSON gets further than random bytes do.
    #[test]
    fn arbitrary_json_like_text_never_panics(
        text in r#"([\[\]{}:,"\\ ]|null|true|-?[0-9]{1,20}|\.[0-9]|[eE][+-]?[0-9]|\\u[dD][89a-f][0-9a-f]{2}|\\[bnu]|[a-c]|é|😀){0,60}"#
    ) {
        for numbers in [INTEGERS, FLOATS, ANY] {
            match read(text.as_bytes(), numbers) {
                // Whatever is accepted is JSON to another reader too, and has one canonical text, which
                // is read as the same value.
                Ok(node) => {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
                    let written = canonical::to_vec(&node).unwrap();
                    let stricter = if numbers == INTEGERS { INTEGERS } else { FLOATS };
                    let again = read(&written, stricter).unwrap();
                    prop_assert_eq!(canonical::to_vec(&again).unwrap(), written.clone());
                    prop_assert_eq!(Json::from(again), Json::from(node));
                }
                Err(error) => prop_assert!(error.offset <= text.len()),
            }
        }
        prop_assert_eq!(judged(text.as_bytes()), Verdict::Failed);
    }
}

fn judged(bytes: &[u8]) -> Verdict {
    let trust = Trust::new();
    let policy = Policy {
        trust: &trust,
        expect: None,
        at: None,
        now: "2026-12-01T00:00:00Z".parse().unwrap(),
    };
    verify_document(bytes, &policy).verdict()
}

/// Each byte of the published bundle becomes a few others, among them those that change structure.
#[test]
fn changed_bytes_of_the_published_bundle_never_panic_and_never_verify() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/bundle-1706.02379v3.json"
    );
    let bundle = std::fs::read(path).unwrap();
    let text = std::str::from_utf8(&bundle).unwrap();
    // No hash covers the digits of this time.
    let signed_at = text.rfind("\"signed_at\":\"").unwrap() + "\"signed_at\":\"".len();
    let unauthenticated = signed_at..signed_at + "2026-06-02T23:05:23.000000Z".len();
    let mut bytes = bundle.clone();
    for at in 0..bundle.len() {
        let old = bundle[at];
        for new in [old ^ 1, old ^ 0x80, b'"', 0] {
            if new == old || (unauthenticated.contains(&at) && new.is_ascii_digit()) {
                continue;
            }
            bytes[at] = new;
            assert_eq!(
                judged(&bytes),
                Verdict::Failed,
                "byte {at}: {old} became {new}"
            );
        }
        bytes[at] = old;
    }
    for end in (0..bundle.len()).step_by(7) {
        assert_eq!(judged(&bundle[..end]), Verdict::Failed, "cut at {end}");
    }
    assert_eq!(judged(&bundle), Verdict::Untrusted);
}
