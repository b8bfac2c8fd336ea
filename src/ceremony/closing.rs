//! The end of a ceremony: witnesses sign how many entries its transcript has, and the last hash.
//!
//! That stands beside the transcript, in `closing.json`, and covers all of it, the entry that closes it
//! included. A witness who signs later, elsewhere, is added; nothing else of a closed ceremony changes.

use serde::{Deserialize, Serialize};

use super::name::CeremonyName;
use super::opening::{Opening, SchemaVersion};
use super::transcript::Transcript;
use crate::canonical::WriteError;
use crate::digest::Digest;
use crate::keys::{CustodianKey, PrivateKey, Purpose, SignatureBytes};
use crate::text::constant;

constant! {
    /// What the closing of a ceremony calls itself.
    ClosingType = "pith_ceremony_closing"
}

/// What a witness signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The ceremony.
    pub ceremony: CeremonyName,
    /// How many entries its transcript has.
    pub count: u64,
    /// The hash of the last one.
    pub head: Digest,
    /// The registry.
    pub registry_id: String,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
}

impl Statement {
    /// What there is to sign of a transcript.
    pub fn of(opening: &Opening, transcript: &Transcript) -> Self {
        Statement {
            ceremony: opening.name.clone(),
            count: transcript.count(),
            head: transcript.head(opening),
            registry_id: opening.registry_id.clone(),
            rehearsal: opening.rehearsal,
        }
    }
}

/// A witness's signature of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSignature {
    /// The witness's key. That it stands here says nothing about whose it is.
    pub key: CustodianKey,
    /// The signature, for the purpose of a witness.
    pub signature_b64: SignatureBytes,
}

impl WitnessSignature {
    /// Signs a statement with the private half of `key`.
    ///
    /// # Errors
    /// [`WriteError`] if the statement has no canonical form.
    pub fn make(
        statement: &Statement,
        key: CustodianKey,
        private: &PrivateKey,
    ) -> Result<Self, WriteError> {
        let signature_b64 = private.sign_for(Purpose::Witness, statement)?;
        Ok(WitnessSignature { key, signature_b64 })
    }

    /// Whether it is a signature of this statement.
    pub fn holds(&self, statement: &Statement) -> bool {
        let signature = &self.signature_b64;
        self.key
            .key
            .verifies_for(Purpose::Witness, statement, signature)
    }
}

/// What stands in `closing.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// Always the closing of a ceremony.
    pub closing_type: ClosingType,
    /// The version of its form.
    pub schema_version: SchemaVersion,
    /// What was signed.
    pub statement: Statement,
    /// Who signed it; nobody twice.
    pub witnesses: Vec<WitnessSignature>,
}

impl Closing {
    /// A statement that nobody has signed yet.
    pub fn new(statement: Statement) -> Self {
        Closing {
            closing_type: ClosingType,
            schema_version: SchemaVersion,
            statement,
            witnesses: Vec::new(),
        }
    }
}
