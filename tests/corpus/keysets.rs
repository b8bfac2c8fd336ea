//! Lists of keys, keysets, shares of keys and lists of shares (SPEC 9, KEYSET.md).

use pith::conformance::CaseKind::{Keyset, Share, ShareCommitments};
use pith::digest::Digest;
use pith::keys::share::Commitments;
use serde_json::{Value, json};

use super::crafted;
use super::keyset_rules::value_of;
use super::keyset_world as kw;
use super::make::{Making, bad, ok, shapeless, untrusted};
use super::world::*;

/// What other cases are judged with.
pub fn files(making: &mut Making) {
    let mut file = |name: &str, value: &Value| {
        making.file(
            &format!("keys/{name}.json"),
            pith::canonical::to_vec(value).unwrap(),
        );
    };
    let all: Vec<Value> = [ONE, TWO, ALICE, BOB].iter().map(trusted).collect();
    file("trusted", &trusted_keys(&all));
    file("elsewhere", &trusted_keys(&[trusted(&TWO)]));
    let one = trusted(&ONE);
    let mut variant = |name: &str, changed: Value| file(name, &trusted_keys(&[changed]));
    variant(
        "key-1-from-june",
        with(&one, "/valid_from", "2026-06-01T00:00:00Z"),
    );
    variant(
        "key-1-until-may",
        with(&one, "/valid_until", "2026-05-31T23:59:59Z"),
    );
    variant("key-1-next", with(&one, "/status", "next"));
    variant("key-1-retired", with(&one, "/status", "retired"));
    variant("key-1-revoked", with(&one, "/status", "revoked"));
    variant("key-1-as-key-9", with(&one, "/key/key_id", "key-9"));
    variant(
        "key-1-as-author",
        with(&one, "/signer_types", json!(["author"])),
    );
    variant(
        "key-1-of-another",
        with(&one, "/signer_id", "another.invalid"),
    );
    let mixed = key_object(&crafted::mixed_key(&ALICE), "mixed");
    variant("mixed", with(&trusted(&ALICE), "/key", mixed));
    file("key-1", &ONE.object());
    file("alice-1", &ALICE.named());
    file(
        "custodian-a",
        &serde_json::to_value(kw::custodian(kw::A)).unwrap(),
    );
}

pub fn make(making: &mut Making) {
    lists(making);
    chains(making);
    rules(making);
    shapes(making);
    shares(making);
    commitments(making);
}

fn lists(making: &mut Making) {
    let own = || untrusted("keyset.chain");
    let list = trusted_keys(&[trusted(&ONE), trusted(&ALICE)]);
    making.value(Keyset, "list of a home's own keys", &list, own());
    making.value(Keyset, "list of no keys", &trusted_keys(&[]), own());
    let cases: [(&str, &str, Value); 7] = [
        ("list of another version", "/schema_version", json!("2.0")),
        ("list with another member", "/comment", json!("")),
        (
            "list with a key of small order",
            "/keys/0/key",
            key_object(&crafted::NEUTRAL, "weak"),
        ),
        (
            "list with a key of an unknown status",
            "/keys/0/status",
            json!("lost"),
        ),
        (
            "list with a key that begins on a day without a time",
            "/keys/0/valid_from",
            json!("2026-06-01"),
        ),
        (
            "list with a key whose types are text",
            "/keys/0/signer_types",
            json!("author"),
        ),
        ("list of an unknown type", "/keyset_type", json!("keys")),
    ];
    for (shows, place, value) in cases {
        making.value(Keyset, shows, &with(&list, place, value), shapeless());
    }
}

fn chains(making: &mut Making) {
    let (first, second, third) = (kw::first(), kw::second(), kw::third());
    let by = |file: &str| format!("keys/{file}.json");
    let other_first = kw::signed(kw::first_draft(), None, &[kw::B, kw::C]);
    let mut another = kw::first_draft();
    another.expires_at = kw::day(364);
    let another = kw::signed(another, None, &[kw::A, kw::B]);
    let held = |expect: super::make::Expect, file: &str| expect.keyset(&by(file));
    let chain = || untrusted("keyset.chain");
    for (shows, keyset, expect) in [
        (
            "keyset that the verifier has",
            &first,
            held(ok(), "keyset-1"),
        ),
        (
            "keyset that follows the verifier's",
            &second,
            held(ok(), "keyset-1"),
        ),
        (
            "keyset signed by other custodians than the verifier's",
            &other_first,
            held(ok(), "keyset-1"),
        ),
        ("keyset of which nothing is known", &first, chain()),
        (
            "keyset two versions after the verifier's",
            &third,
            held(chain(), "keyset-1"),
        ),
        (
            "keyset before the verifier's",
            &first,
            held(chain(), "keyset-2"),
        ),
        (
            "keyset of the same version with another content",
            &another,
            held(chain(), "keyset-1"),
        ),
        (
            "keyset judged before it was made",
            &first,
            held(untrusted("time.future"), "keyset-1").at("2026-05-31T23:59:59Z"),
        ),
        (
            "keyset judged after it expired",
            &first,
            held(ok(), "keyset-1")
                .noting("keyset.expired")
                .at("2027-06-02T00:00:00Z"),
        ),
    ] {
        making.value(Keyset, shows, &value_of(keyset), expect);
    }
    let by_new = kw::signed(
        kw::draft(&first, 1, [kw::add(kw::TWO)]),
        Some(&first),
        &[kw::A],
    );
    making.value(
        Keyset,
        "keyset with too few signatures of the version before",
        &value_of(&by_new),
        bad("keyset.rules").keyset(&by("keyset-1")),
    );
}

fn rules(making: &mut Making) {
    let base = value_of(&kw::first());
    let broken = || bad("keyset.rules");
    let signature = base["signatures"][0].clone();
    let signatures = &base["signatures"];
    let cases: Vec<(&str, Value)> = vec![
        (
            "keyset with one signature of two",
            with(&base, "/signatures", json!([signature])),
        ),
        (
            "keyset without signatures",
            with(&base, "/signatures", json!([])),
        ),
        (
            "keyset with a signature twice",
            with(&base, "/signatures", json!([signature, signature])),
        ),
        ("keyset with signatures exchanged", {
            let swapped = with(
                &base,
                "/signatures/0/signature_b64",
                signatures[1]["signature_b64"].clone(),
            );
            with(
                &swapped,
                "/signatures/1/signature_b64",
                signatures[0]["signature_b64"].clone(),
            )
        }),
        ("keyset with a signature with a larger S", {
            let text = signature["signature_b64"].as_str().unwrap();
            with(
                &base,
                "/signatures/0/signature_b64",
                crafted::with_larger_s(text),
            )
        }),
        (
            "keyset with another registry",
            with(&base, "/registry_id", "other.invalid"),
        ),
        (
            "keyset with another expiry",
            with(&base, "/expires_at", "2030-01-01T00:00:00Z"),
        ),
        (
            "keyset with another threshold",
            with(&base, "/custodians/threshold", 1),
        ),
        (
            "keyset with a threshold above its custodians",
            with(&base, "/custodians/threshold", 4),
        ),
        (
            "keyset without its key's possession",
            with(
                &base,
                "/keys/0/possession_b64",
                signature["signature_b64"].clone(),
            ),
        ),
        (
            "keyset that is its own successor",
            with(&base, "/version", 2),
        ),
    ];
    for (shows, keyset) in cases {
        making.value(Keyset, shows, &keyset, broken());
    }
}

fn shapes(making: &mut Making) {
    let base = value_of(&kw::first());
    for name in base.as_object().unwrap().keys() {
        let shows = format!("keyset that lacks its {name}");
        making.value(
            Keyset,
            &shows,
            &without(&base, &format!("/{name}")),
            shapeless(),
        );
    }
    for (shows, place, value) in [
        ("keyset with another member", "/comment", json!("")),
        ("keyset of another schema", "/schema_version", json!("9.0")),
        ("keyset with a version as text", "/version", json!("1")),
        (
            "keyset with a custodian of small order",
            "/custodians/keys/0/public_key_b64",
            key_object(&crafted::NEUTRAL, "x")["public_key_b64"].clone(),
        ),
    ] {
        making.value(Keyset, shows, &with(&base, place, value), shapeless());
    }
}

/// A share of nothing in particular.
fn share(index: u8) -> Value {
    sealed_share(
        &json!({"kind": "pith_key_share", "schema_version": "1.0", "split_id": "00112233445566778899aabbccddeeff",
            "key_id": "key-1", "role": "signing", "fingerprint_sha256_hex": ONE.fingerprint(), "index": index,
            "threshold": 2, "shares": 3}),
        index,
    )
}

/// The label with a value that depends on its number, and their checksum.
fn sealed_share(label: &Value, index: u8) -> Value {
    let label = match label.get("share") {
        Some(_) => without(label, "/share"),
        None => label.clone(),
    };
    let value = [index; 32];
    let digest = share_digest(&label, &value);
    let bytes = [&value[..], &digest.as_bytes()[..8]].concat();
    let text = base32::encode(base32::Alphabet::Rfc4648 { padding: false }, &bytes);
    let groups: Vec<&str> = (0..16)
        .map(|group| &text[4 * group..4 * group + 4])
        .collect();
    with(&label, "/share", groups.join(" "))
}

fn share_digest(label: &Value, value: &[u8]) -> Digest {
    let label = pith::canonical::to_vec(label).unwrap();
    Digest::of(&[value, &label].concat())
}

fn digest_of_share(index: u8) -> String {
    share_digest(&without(&share(index), "/share"), &[index; 32]).to_string()
}

fn shares(making: &mut Making) {
    let base = share(1);
    let text = base["share"].as_str().unwrap();
    let given = || ok().giving("share_sha256", &digest_of_share(1));
    for (shows, text) in [
        ("share as printed", text.to_owned()),
        ("share without spaces", text.replace(' ', "")),
        ("share in small letters", text.to_lowercase()),
        ("share with more spaces", text.replace(' ', "   ")),
    ] {
        making.value(Share, shows, &with(&base, "/share", text), given());
    }
    let last = text.chars().last().unwrap();
    let other = if last == 'A' { "B" } else { "A" };
    for (shows, text) in [
        (
            "share with a letter changed",
            format!("{}{other}", &text[..text.len() - 1]),
        ),
        (
            "share with a letter missing",
            text[..text.len() - 1].to_owned(),
        ),
        ("share with a letter too many", format!("{text}A")),
        (
            "share with a digit that is not base32",
            text.replacen(last, "1", 1),
        ),
        ("share that is empty", String::new()),
    ] {
        making.value(Share, shows, &with(&base, "/share", text), shapeless());
    }
    making.value(
        Share,
        "share with another number",
        &with(&base, "/index", 2),
        shapeless(),
    );
    making.value(
        Share,
        "share of another key",
        &with(&base, "/key_id", "key-2"),
        shapeless(),
    );
    for (shows, place, value) in [
        ("share number 0", "/index", json!(0)),
        ("share above the number of shares", "/index", json!(4)),
        ("share with a threshold of 1", "/threshold", json!(1)),
        (
            "share with a threshold above the number of shares",
            "/threshold",
            json!(4),
        ),
        ("share of 256", "/shares", json!(256)),
        ("share of another role", "/role", json!("author")),
        ("share of another kind", "/kind", json!("share")),
        ("share with another member", "/comment", json!("")),
    ] {
        making.value(
            Share,
            shows,
            &sealed_share(&with(&base, place, value), 1),
            shapeless(),
        );
    }
}

fn commitments(making: &mut Making) {
    let base = json!({"kind": "pith_share_commitments", "schema_version": "1.0",
        "split_id": "00112233445566778899aabbccddeeff", "key_id": "key-1", "role": "signing",
        "fingerprint_sha256_hex": ONE.fingerprint(), "threshold": 2,
        "share_sha256": [digest_of_share(1), digest_of_share(2), digest_of_share(3)], "signature": null});
    making.value(ShareCommitments, "list of shares unsigned", &base, ok());
    let text = pith::canonical::to_vec(&base).unwrap();
    let list = Commitments::from_slice(&text).unwrap();
    let signed = list
        .sign(&kw::private(kw::A), kw::custodian(kw::A))
        .unwrap();
    let signed: Value = serde_json::from_slice(&pith::canonical::to_vec(&signed).unwrap()).unwrap();
    making.value(ShareCommitments, "list of shares signed", &signed, ok());
    let signature = signed["signature"]["signature_b64"].as_str().unwrap();
    for (shows, place, value) in [
        (
            "signed list of shares with another threshold",
            "/threshold",
            json!(3),
        ),
        (
            "signed list of shares with another digest",
            "/share_sha256/0",
            json!("0".repeat(64)),
        ),
        (
            "signed list of shares with a larger S",
            "/signature/signature_b64",
            json!(crafted::with_larger_s(signature)),
        ),
    ] {
        making.value(
            ShareCommitments,
            shows,
            &with(&signed, place, value),
            shapeless(),
        );
    }
    for (shows, place, value) in [
        (
            "list of one share",
            "/share_sha256",
            json!([digest_of_share(1)]),
        ),
        (
            "list of shares with a threshold of 1",
            "/threshold",
            json!(1),
        ),
        (
            "list of shares with a threshold above their number",
            "/threshold",
            json!(4),
        ),
        ("list of shares with another member", "/comment", json!("")),
    ] {
        making.value(
            ShareCommitments,
            shows,
            &with(&base, place, value),
            shapeless(),
        );
    }
    let missing = without(&base, "/signature");
    making.value(
        ShareCommitments,
        "list of shares that does not say whether it is signed",
        &missing,
        shapeless(),
    );
}
