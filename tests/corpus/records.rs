//! Records and public keys on their own (SPEC 2, 3, 9).

use pith::conformance::CaseKind::{PublicKey, Record};
use serde_json::{Value, json};

use super::crafted;
use super::make::{Making, ok, shapeless};
use super::world::*;

pub fn make(making: &mut Making) {
    sound(making);
    members(making);
    values(making);
    sound_keys(making);
    keys(making);
}

fn sound(making: &mut Making) {
    let cases: [(&str, &str, Value); 17] = [
        ("record as minted", "/source/version", json!(1)),
        ("record of a later version", "/source/version", json!(12)),
        (
            "record of the largest version",
            "/source/version",
            json!(u32::MAX),
        ),
        (
            "record of an old id",
            "/source/id",
            json!("hep-lat/0305021"),
        ),
        (
            "record of a retired archive",
            "/source/id",
            json!("alg-geom/9202001"),
        ),
        (
            "record of the first id of the new scheme",
            "/source/id",
            json!("0704.0001"),
        ),
        (
            "record of the last id with four digits",
            "/source/id",
            json!("1412.9999"),
        ),
        (
            "record of the first id with five digits",
            "/source/id",
            json!("1501.00001"),
        ),
        ("record without a licence", "/metadata/license", json!("")),
        (
            "record whose licence is no address",
            "/metadata/license",
            json!("as the author says \u{e9}"),
        ),
        (
            "record without cross-lists",
            "/metadata/cross_cats_sorted",
            json!([]),
        ),
        (
            "record with a category that has no class",
            "/metadata/primary_cat",
            json!("hep-th"),
        ),
        (
            "record with a retired category",
            "/metadata/primary_cat",
            json!("alg-geom"),
        ),
        (
            "record with a hyphen sorted before a point",
            "/metadata/cross_cats_sorted",
            json!(["math-ph", "math.DS"]),
        ),
        (
            "record of the last second of a year",
            "/metadata/submitted_at",
            json!("1999-12-31T23:59:59Z"),
        ),
        (
            "record of a leap day",
            "/metadata/submitted_at",
            json!("2024-02-29T00:00:00Z"),
        ),
        (
            "record of another year than its id",
            "/metadata/submitted_at",
            json!("2023-12-31T23:00:00Z"),
        ),
    ];
    for (shows, place, value) in cases {
        let record = with(&record(), place, value);
        let expect = ok()
            .giving("canonical_sha256", &digest(&record).to_string())
            .giving("pith_number", &number_of(&record));
        making.value(Record, shows, &record, expect);
    }
}

fn members(making: &mut Making) {
    for place in [
        "/source",
        "/metadata",
        "/schema_version",
        "/source/id",
        "/source/kind",
        "/source/version",
        "/metadata/license",
        "/metadata/primary_cat",
        "/metadata/submitted_at",
        "/metadata/cross_cats_sorted",
        "/metadata/title_canon_sha256",
        "/metadata/abstract_canon_sha256",
    ] {
        let shows = format!("record without {}", place[1..].replace('/', " "));
        making.value(Record, &shows, &without(&record(), place), shapeless());
    }
    for (shows, place) in [
        ("record with another member", "/authors"),
        ("record with another member of its source", "/source/doi"),
        (
            "record with another member of its metadata",
            "/metadata/title",
        ),
    ] {
        making.value(Record, shows, &with(&record(), place, "x"), shapeless());
    }
    let text = record().to_string();
    let twice = text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1);
    assert_ne!(twice, text);
    making.text(Record, "record with a member twice", twice, shapeless());
    making.value(
        Record,
        "record in an array",
        &json!([record()]),
        shapeless(),
    );
    let source = json!(["2402.00001", "arxiv", 1]);
    let listed = with(&record(), "/source", source);
    making.value(
        Record,
        "record with an array for its source",
        &listed,
        shapeless(),
    );
    making.value(Record, "record that is null", &Value::Null, shapeless());
}

fn values(making: &mut Making) {
    let upper = record()["metadata"]["title_canon_sha256"]
        .as_str()
        .unwrap()
        .to_uppercase();
    let cases: [(&str, &str, Value); 45] = [
        ("null licence", "/metadata/license", Value::Null),
        ("version 0", "/source/version", json!(0)),
        ("negative version", "/source/version", json!(-1)),
        ("version as text", "/source/version", json!("1")),
        ("version as a float", "/source/version", json!(1.5)),
        (
            "version beyond 32 bits",
            "/source/version",
            json!(1_u64 << 32),
        ),
        ("version that is true", "/source/version", json!(true)),
        ("source of another kind", "/source/kind", json!("doi")),
        ("source kind in capitals", "/source/kind", json!("arXiv")),
        ("another schema version", "/schema_version", json!("1.1")),
        ("schema version as a number", "/schema_version", json!(1)),
        ("id with a version", "/source/id", json!("2402.00001v1")),
        ("id with a prefix", "/source/id", json!("arXiv:2402.00001")),
        (
            "id with a month that is none",
            "/source/id",
            json!("2413.00001"),
        ),
        (
            "id with a month that is 0",
            "/source/id",
            json!("2400.00001"),
        ),
        (
            "id with four digits after 2014",
            "/source/id",
            json!("1501.0001"),
        ),
        (
            "id with five digits before 2015",
            "/source/id",
            json!("1412.00001"),
        ),
        (
            "id of the new scheme before it began",
            "/source/id",
            json!("0703.0001"),
        ),
        ("id with six digits", "/source/id", json!("2402.000001")),
        ("id with white space", "/source/id", json!("2402.00001 ")),
        (
            "old id with a subject class",
            "/source/id",
            json!("math.GT/0309136"),
        ),
        (
            "old id of an unknown archive",
            "/source/id",
            json!("maths/0309136"),
        ),
        ("old id in capitals", "/source/id", json!("Math/0309136")),
        ("old id with six digits", "/source/id", json!("math/030913")),
        ("id that is a number", "/source/id", json!(2402)),
        (
            "digest in capitals",
            "/metadata/title_canon_sha256",
            json!(upper),
        ),
        (
            "digest that is too short",
            "/metadata/title_canon_sha256",
            json!("0".repeat(63)),
        ),
        (
            "digest that is too long",
            "/metadata/title_canon_sha256",
            json!("0".repeat(65)),
        ),
        (
            "digest with a prefix",
            "/metadata/abstract_canon_sha256",
            json!(format!("sha256:{}", "0".repeat(64))),
        ),
        (
            "digest with another letter",
            "/metadata/abstract_canon_sha256",
            json!("g".repeat(64)),
        ),
        (
            "cross-lists out of order",
            "/metadata/cross_cats_sorted",
            json!(["math.DS", "math-ph"]),
        ),
        (
            "cross-list twice",
            "/metadata/cross_cats_sorted",
            json!(["cs.DL", "cs.DL"]),
        ),
        (
            "cross-lists as text",
            "/metadata/cross_cats_sorted",
            json!("cs.DL"),
        ),
        (
            "cross-list that is null",
            "/metadata/cross_cats_sorted",
            json!([null]),
        ),
        (
            "category with a space",
            "/metadata/primary_cat",
            json!("math GT"),
        ),
        (
            "category with two points",
            "/metadata/primary_cat",
            json!("math.GT.x"),
        ),
        (
            "category that begins with a digit",
            "/metadata/primary_cat",
            json!("2math"),
        ),
        (
            "category without a class after its point",
            "/metadata/primary_cat",
            json!("math."),
        ),
        (
            "time with a fraction",
            "/metadata/submitted_at",
            json!("2024-02-01T12:00:00.000000Z"),
        ),
        (
            "time with an offset",
            "/metadata/submitted_at",
            json!("2024-02-01T12:00:00+00:00"),
        ),
        (
            "time with a space",
            "/metadata/submitted_at",
            json!("2024-02-01 12:00:00Z"),
        ),
        (
            "time with small letters",
            "/metadata/submitted_at",
            json!("2024-02-01t12:00:00z"),
        ),
        (
            "day that does not exist",
            "/metadata/submitted_at",
            json!("2023-02-29T12:00:00Z"),
        ),
        (
            "leap second",
            "/metadata/submitted_at",
            json!("2016-12-31T23:59:60Z"),
        ),
        (
            "year 0",
            "/metadata/submitted_at",
            json!("0000-02-01T12:00:00Z"),
        ),
    ];
    for (shows, place, value) in cases {
        let shows = format!("record with {shows}");
        let shows = shows.replace("record with null", "record with a null");
        making.value(Record, &shows, &with(&record(), place, value), shapeless());
    }
}

fn sound_keys(making: &mut Making) {
    let rotating = with(&ONE.object(), "/rotates_at", "2027-06-01T00:00:00Z");
    let mixed = key_object(&crafted::mixed_key(&ONE), "mixed");
    for (shows, object) in [
        ("registry's key", ONE.object()),
        ("another signer's key", ALICE.named()),
        ("key with a date of rotation", rotating),
        ("key that is neither of small nor of prime order", mixed),
    ] {
        let fingerprint = object["fingerprint_sha256_hex"].as_str().unwrap();
        let expect = ok().giving("fingerprint_sha256_hex", fingerprint);
        making.value(PublicKey, shows, &object, expect);
    }
}

fn keys(making: &mut Making) {
    let object = ONE.object();
    let b64 = object["public_key_b64"].as_str().unwrap().to_owned();
    let hex = object["public_key_hex"].as_str().unwrap().to_uppercase();
    let stray = format!("{}{}=", &b64[..42], next_letter(b64.as_bytes()[42]));
    let url_safe = key_object(&[0xfb; 32], "x")["public_key_b64"]
        .as_str()
        .unwrap()
        .replace('+', "-");
    let other = TWO.object();
    let cases: [(&str, &str, Value); 19] = [
        (
            "key in base64 without padding",
            "/public_key_b64",
            json!(b64.trim_end_matches('=')),
        ),
        (
            "key in base64 with stray bits",
            "/public_key_b64",
            json!(stray),
        ),
        (
            "key in base64 with a line break",
            "/public_key_b64",
            json!(format!("{b64}\n")),
        ),
        (
            "key in the base64 of addresses",
            "/public_key_b64",
            json!(url_safe),
        ),
        (
            "key of 31 bytes",
            "/public_key_b64",
            json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
        ),
        ("key in capital hex", "/public_key_hex", json!(hex)),
        (
            "key whose hex is another key's",
            "/public_key_hex",
            other["public_key_hex"].clone(),
        ),
        (
            "key with another key's fingerprint",
            "/fingerprint_sha256_hex",
            other["fingerprint_sha256_hex"].clone(),
        ),
        (
            "key with another key's base32 fingerprint",
            "/fingerprint_sha256_b32_first128bits",
            other["fingerprint_sha256_b32_first128bits"].clone(),
        ),
        ("key whose label has a slash", "/key_id", json!("keys/1")),
        (
            "key whose label begins with a point",
            "/key_id",
            json!(".key"),
        ),
        ("key with an empty label", "/key_id", json!("")),
        (
            "key with a label of 65 characters",
            "/key_id",
            json!("k".repeat(65)),
        ),
        ("key of another algorithm", "/algorithm", json!("ed448")),
        ("key in another format", "/format", json!("spki")),
        (
            "key with a signer's id and no type",
            "/signer_id",
            json!("somebody"),
        ),
        (
            "key with a type of signer and no id",
            "/signer_type",
            json!("author"),
        ),
        ("key with another member", "/comment", json!("")),
        (
            "key that rotates on a day without a time",
            "/rotates_at",
            json!("2027-06-01"),
        ),
    ];
    for (shows, place, value) in cases {
        making.value(PublicKey, shows, &with(&object, place, value), shapeless());
    }
    for place in ["/rotates_at", "/url", "/notes", "/public_key_hex"] {
        let shows = format!("key without {}", &place[1..]);
        making.value(PublicKey, &shows, &without(&object, place), shapeless());
    }
    for (index, bytes) in crafted::small_order().iter().enumerate() {
        let shows = format!("key of small order {}", index + 1);
        making.value(PublicKey, &shows, &key_object(bytes, "weak"), shapeless());
    }
    let unreduced = |low: u8, high: u8| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (low, high);
        bytes
    };
    let mut negative_zero = crafted::NEUTRAL;
    negative_zero[31] = 0x80;
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    for (shows, bytes) in [
        (
            "key with a coordinate that is not reduced",
            unreduced(0xf0, 0x7f),
        ),
        (
            "key that is the neutral point unreduced",
            crafted::NEUTRAL_UNREDUCED,
        ),
        ("key of order 4 unreduced", unreduced(0xed, 0x7f)),
        ("key that is the neutral point with a sign", negative_zero),
        ("key that is no point of the curve", off_curve),
    ] {
        making.value(PublicKey, shows, &key_object(&bytes, "odd"), shapeless());
    }
}

/// A letter of base64 whose value is one more, so that a bit is set that belongs to no byte.
fn next_letter(letter: u8) -> char {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let at = LETTERS.iter().position(|b| *b == letter).unwrap();
    char::from(LETTERS[at + 1])
}
