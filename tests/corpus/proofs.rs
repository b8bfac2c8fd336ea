//! Timestamps and their proofs (SPEC 5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pith::conformance::CaseKind::Event;
use pith::digest::Digest;
use serde_json::Value;

use super::make::{Expect, Making, bad, ok};
use super::world::*;

/// The header of Bitcoin's first block.
const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

pub fn make(making: &mut Making) {
    let base = payload_of("timestamp_anchor");
    let digest = *RECORD_DIGEST;
    let anchor = |payload: &Value| event(&ALICE, "timestamp_anchor", "record", payload.clone());
    let with_proof = |steps: &[u8]| with(&base, "/proof_b64", BASE64.encode(proof(&digest, steps)));
    let confirmed = |steps: &[u8], height: u64| {
        let payload = with(&with_proof(steps), "/status", "confirmed");
        with(
            &with(&payload, "/calendar_url", Value::Null),
            "/block_height",
            height,
        )
    };
    let sha = |mut steps: Vec<u8>| {
        steps.insert(0, 0x08);
        steps
    };
    let steps = |operation: &[u8]| [operation, &promised(CALENDAR)].concat();
    let mut other = *digest.as_bytes();
    other[31] ^= 1;
    let other = Digest::from_bytes(other);
    let mut of_sha1 = PROOF_HEAD.to_vec();
    *of_sha1.last_mut().unwrap() = 0x02;
    of_sha1.extend([0; 20]);
    of_sha1.extend(promised(CALENDAR));
    let noted = || ok().noting("timestamp.proof");
    let form = || bad("event.form");
    let long = [vec![0xf0, 0x81, 0x20], vec![0; 4097], promised(CALENDAR)].concat();
    let fork = [&[0xff][..], &promised(CALENDAR), &in_block(0)].concat();
    let cases: Vec<(&str, Value, Expect)> = vec![
        (
            "pending after every operation",
            with_proof(&steps(b"\xf0\x01a\xf1\x02bc\xf2\xf3\x02\x03\x08\x67")),
            noted(),
        ),
        ("pending beside a block", with_proof(&fork), noted()),
        (
            "confirmed at a block",
            confirmed(&in_block(100), 100),
            noted(),
        ),
        (
            "confirmed after a hash",
            confirmed(&sha(in_block(100)), 100),
            noted(),
        ),
        (
            "confirmed at a height that the proof has not",
            confirmed(&in_block(100), 101),
            form(),
        ),
        (
            "confirmed with a message that is no root",
            confirmed(&[&b"\xf0\x01a"[..], &in_block(100)].concat(), 100),
            form(),
        ),
        (
            "confirmed with a block that is not the header's",
            confirmed(&in_block(0), 0),
            bad("timestamp.proof").header(&format!("0:{GENESIS}")),
        ),
        (
            "confirmed with a header of another height",
            confirmed(&in_block(1), 1),
            noted().header(&format!("0:{GENESIS}")),
        ),
        (
            "confirmed and pending at once",
            with(&confirmed(&in_block(1), 1), "/calendar_url", CALENDAR),
            form(),
        ),
        (
            "pending with a height",
            with(&base, "/block_height", 1),
            form(),
        ),
        (
            "confirmed without a height",
            with(&confirmed(&in_block(1), 1), "/block_height", Value::Null),
            form(),
        ),
        (
            "pending without a calendar",
            with(&base, "/calendar_url", Value::Null),
            form(),
        ),
        (
            "pending at another calendar",
            with(&base, "/calendar_url", "https://other.invalid"),
            form(),
        ),
        (
            "of a height beyond 32 bits",
            with(&confirmed(&in_block(1), 1), "/block_height", 1_u64 << 32),
            form(),
        ),
        ("of another status", with(&base, "/status", "done"), form()),
        (
            "of another kind",
            with(&base, "/proof_type", "rfc3161"),
            form(),
        ),
        (
            "of another record",
            with(
                &with(&base, "/canonical_sha256", other.to_string()),
                "/proof_b64",
                BASE64.encode(pending_proof(&other)),
            ),
            noted(),
        ),
        (
            "of a record with another number",
            with(&base, "/canonical_sha256", "0".repeat(64)),
            form(),
        ),
        (
            "with a proof of another digest",
            with(&base, "/proof_b64", BASE64.encode(pending_proof(&other))),
            form(),
        ),
        (
            "with a proof of a SHA-1",
            with(&base, "/proof_b64", BASE64.encode(of_sha1)),
            form(),
        ),
        (
            "with a proof that is empty",
            with(&base, "/proof_b64", ""),
            form(),
        ),
        (
            "with a proof that is no base64",
            with(&base, "/proof_b64", "?"),
            form(),
        ),
        (
            "with a proof that is cut off",
            with_proof(&promised(CALENDAR)[..20]),
            form(),
        ),
        (
            "with a proof with more after it",
            with_proof(&[promised(CALENDAR), vec![0]].concat()),
            form(),
        ),
        (
            "with an operation that is none",
            with_proof(&steps(b"\x09")),
            form(),
        ),
        (
            "with an operand that is empty",
            with_proof(&steps(b"\xf0\x00")),
            form(),
        ),
        (
            "with a number in more bytes than it needs",
            with_proof(&steps(b"\xf0\x81\x00a")),
            form(),
        ),
        (
            "with an operand that is too long",
            with_proof(&long),
            form(),
        ),
        (
            "with a fork and no second branch",
            with_proof(&[&[0xff][..], &promised(CALENDAR)].concat()),
            form(),
        ),
        (
            "with 256 operations in a row",
            with_proof(&steps(&[0x08; 256])),
            noted(),
        ),
        (
            "with 257 operations in a row",
            with_proof(&steps(&[0x08; 257])),
            form(),
        ),
        (
            "with a message that grows too long",
            with_proof(&steps(&[0xf3; 8])),
            form(),
        ),
        (
            "with a message that just fits",
            with_proof(&steps(&[0xf3; 7])),
            noted(),
        ),
        (
            "with a calendar whose address has a question mark",
            with(
                &with_proof(&promised("https://c?a")),
                "/calendar_url",
                "https://c?a",
            ),
            form(),
        ),
        (
            "with an attestation of an unknown kind",
            with_proof(&[&[0xff, 0x00][..], &[7; 8], &[0], &promised(CALENDAR)].concat()),
            noted(),
        ),
        (
            "with an attestation that holds too much",
            with_proof(
                &[
                    &[0xff][..],
                    b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x02\x01\x01",
                    &promised(CALENDAR),
                ]
                .concat(),
            ),
            form(),
        ),
    ];
    for (shows, payload, expect) in cases {
        making.value(
            Event,
            &format!("timestamp {shows}"),
            &anchor(&payload),
            expect,
        );
    }
}
