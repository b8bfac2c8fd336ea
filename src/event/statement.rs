//! What the payloads of events say, by type (SPEC 5).
//!
//! An event keeps its payload as it came, members unknown here included, and hashes that. A
//! [`Statement`] is what this version makes of it.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::anchor::TimestampAnchor;
use super::authorship::AuthorAttestation;
use super::citation::CitationSignature;
use super::correction::Correction;
use super::kind::EventKind;
use super::mirror::MirrorHintPayload;
use super::replication::ReplicationRecord;
use super::storage::StorageAttestation;
use crate::canonical::{self, DecodeError, Json, Open};
use crate::number::PithNumber;

/// A payload that has the form of its type.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// Of an `author_attestation`.
    AuthorAttestation(Open<AuthorAttestation>),
    /// Of a `timestamp_anchor`.
    TimestampAnchor(Open<TimestampAnchor>),
    /// Of a `storage_attestation`.
    StorageAttestation(Open<StorageAttestation>),
    /// Of a `citation_signature`.
    CitationSignature(Open<CitationSignature>),
    /// Of a `replication_record`.
    ReplicationRecord(Open<ReplicationRecord>),
    /// Of a `correction`.
    Correction(Open<Correction>),
    /// Of a `mirror_hint`.
    MirrorHint(Open<MirrorHintPayload>),
}

/// A payload does not have the form of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload{}: {message}", self.place())]
pub struct FormError {
    path: Option<String>,
    message: String,
}

impl FormError {
    pub(super) fn at(path: &str, message: impl Into<String>) -> Self {
        FormError {
            path: Some(path.to_owned()),
            message: message.into(),
        }
    }

    fn place(&self) -> String {
        match &self.path {
            Some(path) => format!(".{path}"),
            None => String::new(),
        }
    }
}

impl From<DecodeError> for FormError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Shape { path, message } if path != "top level" => FormError {
                path: Some(path),
                message,
            },
            DecodeError::Shape { message, .. } => FormError {
                path: None,
                message,
            },
            error => FormError {
                path: None,
                message: error.to_string(),
            },
        }
    }
}

/// How deep the containers of a payload may nest, the payload itself being at depth 1.
///
/// A bundle shows a payload five levels below its own top, in its state. So what is fit for an event
/// is fit for every document that holds the event, with room for what may hold a bundle.
pub const MAX_PAYLOAD_DEPTH: usize = 100;

impl Statement {
    /// Reads the payload of an event of `kind` about `subject`; `None` for the two kinds that only
    /// the registry makes, whose payloads have types of their own.
    ///
    /// # Errors
    /// [`FormError`], with the path of the first fault.
    pub fn read(
        kind: EventKind,
        payload: &Json,
        subject: &PithNumber,
    ) -> Result<Option<Self>, FormError> {
        let statement = match kind {
            EventKind::RecordCreated | EventKind::GraphSnapshot => return Ok(None),
            EventKind::AuthorAttestation => Statement::AuthorAttestation(typed(payload)?),
            EventKind::TimestampAnchor => Statement::TimestampAnchor(typed(payload)?),
            EventKind::StorageAttestation => Statement::StorageAttestation(typed(payload)?),
            EventKind::CitationSignature => Statement::CitationSignature(typed(payload)?),
            EventKind::ReplicationRecord => Statement::ReplicationRecord(typed(payload)?),
            EventKind::Correction => Statement::Correction(typed(payload)?),
            EventKind::MirrorHint => Statement::MirrorHint(typed(payload)?),
        };
        statement.check(subject)?;
        Ok(Some(statement))
    }

    fn check(&self, subject: &PithNumber) -> Result<(), FormError> {
        match self {
            Statement::AuthorAttestation(payload) => payload.check(),
            Statement::TimestampAnchor(payload) => payload.check(subject),
            Statement::CitationSignature(payload) => payload.check(subject),
            Statement::ReplicationRecord(payload) => payload.check(),
            Statement::StorageAttestation(_)
            | Statement::Correction(_)
            | Statement::MirrorHint(_) => Ok(()),
        }
    }

    /// The members of the payload that this version does not know.
    pub fn unknown_members(&self) -> impl Iterator<Item = &str> {
        let more = match self {
            Statement::AuthorAttestation(payload) => &payload.more,
            Statement::TimestampAnchor(payload) => &payload.more,
            Statement::StorageAttestation(payload) => &payload.more,
            Statement::CitationSignature(payload) => &payload.more,
            Statement::ReplicationRecord(payload) => &payload.more,
            Statement::Correction(payload) => &payload.more,
            Statement::MirrorHint(payload) => &payload.more,
        };
        more.keys().map(String::as_str)
    }
}

fn typed<T: DeserializeOwned>(payload: &Json) -> Result<Open<T>, FormError> {
    let text = canonical::to_vec(payload).map_err(|error| FormError {
        path: None,
        message: error.to_string(),
    })?;
    Ok(canonical::from_slice(&text)?)
}

/// Refuses a list that names something twice.
pub(super) fn all_differ<T: Ord + std::fmt::Display>(
    member: &str,
    items: &[T],
) -> Result<(), FormError> {
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(*item)) {
        Some(twice) => Err(FormError::at(member, format!("{twice} stands in it twice"))),
        None => Ok(()),
    }
}
