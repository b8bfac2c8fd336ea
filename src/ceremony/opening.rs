//! What a ceremony is: `ceremony.json`, written when it is planned and never changed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::CeremonyName;
use crate::canonical::{self, DecodeError};
use crate::digest::Digest;
use crate::keys::KeyId;
use crate::text::constant;
use crate::time::TimestampMicros;

constant! {
    /// What the opening of a ceremony calls itself.
    OpeningType = "pith_ceremony"
}

constant! {
    /// The version of the form of everything in a ceremony's folder.
    SchemaVersion = "1.0"
}

/// The kinds of ceremony that there are runbooks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The first keyset, with its custodians.
    Genesis,
    /// A new signing key takes over from one that is sound.
    Rotation,
    /// A signing key may be in other hands.
    Compromise,
    /// A lost key is put together from its shares.
    Recovery,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [
        Kind::Genesis,
        Kind::Rotation,
        Kind::Compromise,
        Kind::Recovery,
    ];

    /// The kind as documents and folders name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Genesis => "genesis",
            Kind::Rotation => "rotation",
            Kind::Compromise => "compromise",
            Kind::Recovery => "recovery",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The opening of a ceremony. The first entry of the transcript names its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Always the opening of a ceremony.
    pub ceremony_type: OpeningType,
    /// The version of its form.
    pub schema_version: SchemaVersion,
    /// The ceremony's name.
    pub name: CeremonyName,
    /// What kind it is.
    pub kind: Kind,
    /// The registry whose keys it is about.
    pub registry_id: String,
    /// When it was planned.
    pub opened_at: TimestampMicros,
    /// Whether it is a rehearsal: nothing that comes of it counts.
    pub rehearsal: bool,
    /// Who is to take part, by the labels of their keys.
    pub custodians: Vec<KeyId>,
    /// How many of them have to sign.
    pub threshold: u32,
    /// SHA-256 of the runbook as it was rendered.
    pub runbook_sha256: Digest,
    /// The version of the program that planned it.
    pub tool_version: String,
    /// SHA-256 of that program.
    pub binary_sha256: Digest,
}

impl Opening {
    /// Reads an opening strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        canonical::from_slice(bytes)
    }

    /// The digest of its canonical form: the head of a transcript that has no entry yet.
    pub fn digest(&self) -> Digest {
        canonical::digest(self).expect("an opening has a canonical form")
    }
}
