//! Payloads to be filled in, and their JSON Schemas.

use super::kind::EventKind;
use crate::canonical::Json;

/// How a text begins that stands in for what its author is to write.
pub const FILL_IN: &str = "FILL IN";

macro_rules! templates {
    ($($kind:ident = $name:literal;)*) => {
        /// A payload of `kind` in which each value says what belongs there; `None` for the kinds
        /// that only the registry makes, which are not written by hand.
        pub fn skeleton(kind: EventKind) -> Option<&'static str> {
            match kind {
                $(EventKind::$kind => Some(include_str!(concat!(
                    "../../templates/events/", $name, ".json"
                ))),)*
                EventKind::RecordCreated | EventKind::GraphSnapshot => None,
            }
        }

        /// The JSON Schema (draft 2020-12) of a payload of `kind`.
        pub fn schema(kind: EventKind) -> Option<&'static str> {
            match kind {
                $(EventKind::$kind => Some(include_str!(concat!(
                    "../../templates/schemas/", $name, ".schema.json"
                ))),)*
                EventKind::RecordCreated | EventKind::GraphSnapshot => None,
            }
        }
    };
}

templates! {
    AuthorAttestation = "author_attestation";
    TimestampAnchor = "timestamp_anchor";
    StorageAttestation = "storage_attestation";
    CitationSignature = "citation_signature";
    ReplicationRecord = "replication_record";
    Correction = "correction";
    MirrorHint = "mirror_hint";
}

/// The paths of the values that still say what is to be filled in, such as `claim_ids[0]`.
pub fn unfilled(payload: &Json) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), payload)];
    while let Some((path, value)) = open.pop() {
        match value {
            Json::String(text) if text.starts_with(FILL_IN) => found.push(path),
            Json::Array(items) => {
                let items = items.iter().enumerate();
                open.extend(items.map(|(index, item)| (format!("{path}[{index}]"), item)));
            }
            Json::Object(members) => open.extend(members.iter().map(|(key, value)| {
                let dot = if path.is_empty() { "" } else { "." };
                (format!("{path}{dot}{key}"), value)
            })),
            _ => {}
        }
    }
    found.sort();
    found
}
