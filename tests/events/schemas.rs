//! Payloads against the JSON Schemas, with checks of its own for what the schemas name formats.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jsonschema::Validator;
use opentimestamps::ser::DetachedTimestampFile;
use pith::canonical::{self, Json};
use pith::event::{EventKind, schema};

/// ISO 7064, mod 11-2: with the check digit the weighted sum is 1.
fn is_orcid(text: &str) -> bool {
    let digits: Vec<u64> = text
        .chars()
        .filter(|c| *c != '-')
        .map(|c| {
            if c == 'X' {
                10
            } else {
                u64::from(c.to_digit(10).unwrap_or(99))
            }
        })
        .collect();
    let weighted = digits.iter().rev().enumerate();
    weighted.map(|(place, digit)| digit << place).sum::<u64>() % 11 == 1
}

/// Whether the crate `opentimestamps` reads it. It is given sound and harmless proofs only.
fn is_proof(text: &str) -> bool {
    let bytes = BASE64.decode(text).unwrap_or_default();
    DetachedTimestampFile::from_reader(&bytes[..]).is_ok()
}

fn validator(kind: EventKind) -> Validator {
    let schema = serde_json::from_str(schema(kind).unwrap()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).expect("it is a schema");
    jsonschema::draft202012::options()
        .with_format("orcid", is_orcid)
        .with_format("opentimestamps", is_proof)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// Whether the schema of `kind` allows the payload.
pub fn allows(kind: EventKind, payload: &Json) -> bool {
    let text = canonical::to_vec(payload).unwrap();
    validator(kind).is_valid(&serde_json::from_slice(&text).unwrap())
}
