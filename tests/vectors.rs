//! Records and receipts that the public registry has published.

use std::fs;

use pith::arxiv::text;
use pith::canonical::{self, Json, Numbers};
use pith::digest::Digest;
use pith::keys::{PublicKey, SignatureBytes, TrustedKeys};
use pith::number::PithNumber;
use pith::record::CanonicalRecord;

fn lines(name: &str) -> Vec<Json> {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    text.lines()
        .map(|line| canonical::from_slice_with(line.as_bytes(), Numbers::Integers).unwrap())
        .collect()
}

/// The member `key` as the type that it is the text of.
fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(line: &Json, key: &str) -> T {
    let text = line.get(key).and_then(Json::as_str);
    text.unwrap_or_else(|| panic!("{key}: {line:?}"))
        .parse()
        .unwrap()
}

fn registry_key() -> PublicKey {
    TrustedKeys::built_in().keys[0].key.key
}

#[test]
fn published_records_have_their_digests_and_numbers() {
    let lines = lines("records.jsonl");
    assert_eq!(lines.len(), 78);
    for line in &lines {
        let published = line.get("canonical_record").unwrap();
        let digest: Digest = parsed(line, "canonical_sha256");
        let number: PithNumber = parsed(line, "pith_number");
        assert_eq!(canonical::digest(published).unwrap(), digest, "{number}");

        let bytes = canonical::to_vec(published).unwrap();
        let record: CanonicalRecord = canonical::from_slice(&bytes).unwrap();
        assert_eq!(canonical::to_vec(&record).unwrap(), bytes, "{number}");
        assert_eq!(record.digest(), digest, "{number}");
        assert_eq!(PithNumber::of(&record, &digest), number);
    }
}

#[test]
fn published_titles_have_their_hashes() {
    let mut titles = 0;
    for line in lines("records.jsonl") {
        let Some(title) = line.get("title").and_then(Json::as_str) else {
            continue;
        };
        titles += 1;
        let record = line.get("canonical_record").unwrap();
        let metadata = record.get("metadata").unwrap();
        let hash: Digest = parsed(metadata, "title_canon_sha256");
        let canonical = text::canonical(title);
        assert_eq!(Digest::of(canonical.as_bytes()), hash, "{title}");
    }
    assert_eq!(titles, 69);
}

#[test]
fn a_record_that_differs_in_anything_has_another_digest() {
    for line in lines("records.jsonl") {
        let digest: Digest = parsed(&line, "canonical_sha256");
        let bytes = canonical::to_vec(line.get("canonical_record").unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("\"version\":", "\"version\":1"),
            ("\"kind\":\"arxiv\"", "\"kind\":\"arXiv\""),
            ("\"license\":\"", "\"license\":\"x"),
            ("Z\"", "z\""),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            assert_ne!(Digest::of(changed.as_bytes()), digest);
        }
    }
}

/// The receipts of the seven lines, and the one that stands with its record.
fn receipts() -> Vec<(Digest, SignatureBytes)> {
    let mut all: Vec<_> = lines("receipts.jsonl")
        .iter()
        .map(|line| {
            (
                parsed(line, "canonical_sha256"),
                parsed(line, "signature_b64"),
            )
        })
        .collect();
    let records = lines("records.jsonl");
    let signed = records
        .iter()
        .filter(|line| line.get("receipt_signature_b64").is_some());
    all.extend(signed.map(|line| {
        (
            parsed(line, "canonical_sha256"),
            parsed(line, "receipt_signature_b64"),
        )
    }));
    assert_eq!(all.len(), 8);
    all
}

#[test]
fn published_receipts_verify_strictly_under_the_built_in_key() {
    let key = registry_key();
    for (digest, signature) in receipts() {
        assert!(key.verifies(&digest, &signature), "{digest}");
    }
}

#[test]
fn no_receipt_verifies_with_a_bit_flipped() {
    let key = registry_key();
    for (digest, signature) in receipts() {
        for bit in (0..256).step_by(37) {
            let mut bytes = *digest.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = Digest::from_bytes(bytes);
            assert!(!key.verifies(&changed, &signature), "{digest}, bit {bit}");
        }
        // Bits of R, of S, and the highest of S, which a lenient verifier might mask.
        for bit in (0..512).step_by(41).chain([255, 256, 509, 510, 511]) {
            let mut bytes = *signature.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = SignatureBytes::from_bytes(bytes);
            assert!(!key.verifies(&digest, &changed), "{digest}, bit {bit}");
        }
    }
}

/// Adding the group's order to S gives a second signature that only a strict verifier refuses.
#[test]
fn no_receipt_verifies_with_an_unreduced_s() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = registry_key();
    for (digest, signature) in receipts() {
        let mut bytes = *signature.as_bytes();
        let mut carry = 0;
        for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(!key.verifies(&digest, &SignatureBytes::from_bytes(bytes)));
    }
}

/// Whoever takes a receipt's signature for one over the hexadecimal digits finds that it is not.
#[test]
fn a_receipt_signs_the_raw_bytes_and_not_their_text() {
    let key = ed25519_dalek::VerifyingKey::from_bytes(registry_key().as_bytes()).unwrap();
    for (digest, signature) in receipts() {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        assert!(key.verify_strict(digest.as_bytes(), &signature).is_ok());
        let text = digest.to_string();
        assert!(key.verify_strict(text.as_bytes(), &signature).is_err());
    }
}
