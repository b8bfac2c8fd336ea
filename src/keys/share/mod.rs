//! Shares of a private key: any few of them that reach a threshold restore it, fewer tell nothing.
//!
//! [`split`] divides the 32-byte seed over GF(256) (Shamir), [`combine`] puts it together again, and
//! [`Commitments`] tell true shares from false ones before that.

mod commitments;
mod divide;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use commitments::{Commitments, CommitmentsError, CommitmentsKind, CommitmentsSignature};
pub use divide::{CombineError, SplitError, combine, split};

use super::half::Role;
use super::prompts::Prompts;
use super::public::{Fingerprint, KeyId};
use super::seal::{Protection, SealError, seal_bytes};
use super::stack;
use crate::canonical::{self, DecodeError};
use crate::digest::{Digest, lower_hex};
use crate::text::{constant, string_form};

constant! {
    /// What a share calls itself.
    ShareKind = "pith_key_share"
}

constant! {
    /// The version of the form of shares and their commitments.
    ShareVersion = "1.0"
}

/// The alphabet of Pith Numbers too: no 0, 1 or 8, which are taken for O, I and B.
const BASE32: base32::Alphabet = base32::Alphabet::Rfc4648 { padding: false };

/// The first bytes of a share's digest that its text ends with.
const CHECKSUM: usize = 8;

/// 32 bytes and their checksum, without the spaces.
const TEXT_CHARS: usize = 64;

/// What the shares of one division have in common: 16 random bytes, as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SplitId([u8; 16]);

impl SplitId {
    /// The id of these bytes, which are to be random.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        SplitId(bytes)
    }
}

impl fmt::Display for SplitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SplitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for SplitId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        lower_hex(text)
            .map(SplitId)
            .ok_or_else(|| format!("a split id is 32 lower case hexadecimal digits, not `{text}`"))
    }
}

string_form!(SplitId);

/// What is known of a share without its secret, in the order of its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareLabel {
    /// Always a share.
    pub kind: ShareKind,
    /// The version of its form.
    pub schema_version: ShareVersion,
    /// Which division it is of.
    pub split_id: SplitId,
    /// The label of the key that was divided.
    pub key_id: KeyId,
    /// What that key is for.
    pub role: Role,
    /// The fingerprint of that key.
    pub fingerprint_sha256_hex: Fingerprint,
    /// Which share it is, from 1: where the polynomials were taken.
    pub index: u8,
    /// How many shares restore the key.
    pub threshold: u8,
    /// How many there are.
    pub shares: u8,
}

impl ShareLabel {
    fn in_range(&self) -> bool {
        (2..=self.shares).contains(&self.threshold) && (1..=self.shares).contains(&self.index)
    }

    /// Whether `other` is of the same division of the same key.
    pub fn same_split(&self, other: &ShareLabel) -> bool {
        let any_index = ShareLabel {
            index: self.index,
            ..other.clone()
        };
        *self == any_index
    }
}

/// A share of a private key, open in memory, and wiped when dropped.
pub struct KeyShare {
    label: ShareLabel,
    /// In one place, since a move would leave a copy.
    value: Box<Zeroizing<[u8; 32]>>,
}

/// Bytes that are no share. No variant carries any part of a share's text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// It is not the document that was expected.
    #[error("it is no share of a key: {0}")]
    Document(#[from] DecodeError),
    /// Its numbers contradict each other.
    #[error(
        "it says that it is share {index} of {shares} with a threshold of {threshold}, which cannot be"
    )]
    Numbers {
        /// Its number.
        index: u8,
        /// How many there are.
        shares: u8,
        /// How many restore the key.
        threshold: u8,
    },
    /// A character that no share has.
    #[error("character {position} of its text is none of A to Z and 2 to 7")]
    Character {
        /// Which, from 1, white space not counted.
        position: usize,
    },
    /// Too few characters, or too many.
    #[error("its text has {found} characters without the spaces; a share has {TEXT_CHARS}")]
    Length {
        /// How many.
        found: usize,
    },
    /// A typing mistake, in the text or in what stands beside it.
    #[error("its checksum is wrong: it was mistyped or changed")]
    Checksum,
}

/// The document of a share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareFields {
    kind: ShareKind,
    schema_version: ShareVersion,
    split_id: SplitId,
    key_id: KeyId,
    role: Role,
    fingerprint_sha256_hex: Fingerprint,
    index: u8,
    threshold: u8,
    shares: u8,
    share: SecretText,
}

/// Text that is wiped when dropped.
struct SecretText(Zeroizing<String>);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| SecretText(Zeroizing::new(text)))
    }
}

#[derive(Serialize)]
struct ShareDocument<'a> {
    #[serde(flatten)]
    label: &'a ShareLabel,
    share: &'a str,
}

impl KeyShare {
    /// Reads a share's document strictly, but for letter case and spaces in its text, which may have
    /// been typed from paper.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ShareError> {
        stack::apart(|| Self::read(bytes))
    }

    fn read(bytes: &[u8]) -> Result<Self, ShareError> {
        let fields: ShareFields = canonical::from_slice(bytes)?;
        let label = ShareLabel {
            kind: fields.kind,
            schema_version: fields.schema_version,
            split_id: fields.split_id,
            key_id: fields.key_id,
            role: fields.role,
            fingerprint_sha256_hex: fields.fingerprint_sha256_hex,
            index: fields.index,
            threshold: fields.threshold,
            shares: fields.shares,
        };
        if !label.in_range() {
            return Err(ShareError::Numbers {
                index: label.index,
                shares: label.shares,
                threshold: label.threshold,
            });
        }
        let index = label.index;
        Self::of_text(label, index..=index, &fields.share.0)
    }

    /// Reads the text of a share alone, which is all that has to be typed from paper if the rest is
    /// known from elsewhere: letter case and white space do not matter. `division` is the label of any
    /// share of the division; which one this is, the checksum tells.
    ///
    /// # Errors
    /// [`ShareError`]; [`ShareError::Checksum`] also for a share of another division.
    pub fn from_text(text: &[u8], division: &ShareLabel) -> Result<Self, ShareError> {
        stack::apart(|| {
            let text = str::from_utf8(text).map_err(|error| {
                let before = &text[..error.valid_up_to()];
                let position = before.iter().filter(|b| !b.is_ascii_whitespace()).count() + 1;
                ShareError::Character { position }
            })?;
            Self::of_text(division.clone(), 1..=division.shares, text)
        })
    }

    /// Whether these bytes are to be read as the text of a share rather than as its document.
    pub fn looks_like_text(bytes: &[u8]) -> bool {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        first.is_some_and(u8::is_ascii_alphanumeric)
    }

    /// The share of this text, which has the first of these numbers that goes with its checksum.
    fn of_text(
        label: ShareLabel,
        indexes: RangeInclusive<u8>,
        text: &str,
    ) -> Result<Self, ShareError> {
        let bytes = bytes_of(text)?;
        let (value, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
        let mut share = KeyShare {
            label,
            value: Box::default(),
        };
        share.value.copy_from_slice(value);
        for index in indexes {
            share.label.index = index;
            if share.digest().as_bytes()[..CHECKSUM] == *checksum {
                return Ok(share);
            }
        }
        Err(ShareError::Checksum)
    }

    /// What is known of it without its secret.
    pub fn label(&self) -> &ShareLabel {
        &self.label
    }

    /// SHA-256 of the 32 secret bytes and, after them, the canonical JSON of all other members. Since
    /// the secret bytes are random it tells nothing of them.
    pub fn digest(&self) -> Digest {
        let label = canonical::to_vec(&self.label).expect("labels and numbers are JSON");
        let mut message = Zeroizing::new(Vec::with_capacity(32 + label.len()));
        message.extend_from_slice(self.value.as_slice());
        message.extend_from_slice(&label);
        stack::apart(|| Digest::of(&message))
    }

    /// The secret bytes and the first eight of the digest, as base32 in groups of four.
    fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 32 + CHECKSUM]);
        bytes[..32].copy_from_slice(self.value.as_slice());
        bytes[32..].copy_from_slice(&self.digest().as_bytes()[..CHECKSUM]);
        let plain = Zeroizing::new(base32::encode(BASE32, bytes.as_ref()));
        let mut text = Zeroizing::new(String::with_capacity(TEXT_CHARS + TEXT_CHARS / 4));
        for (place, character) in plain.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                text.push(' ');
            }
            text.push(character);
        }
        text
    }

    /// The document, in lines, to be printed or sealed.
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        stack::apart(|| self.document())
    }

    fn document(&self) -> Zeroizing<Vec<u8>> {
        let text = self.text();
        let document = ShareDocument {
            label: &self.label,
            share: &text,
        };
        // A vector that grows leaves copies behind, which nobody wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2048));
        serde_json::to_writer_pretty(&mut *bytes, &document).expect("a document is JSON");
        bytes.push(b'\n');
        bytes
    }

    /// The document as a binary age file.
    ///
    /// # Errors
    /// Those of [`seal`](super::seal).
    pub fn seal(
        &self,
        protection: &Protection,
        prompts: Arc<dyn Prompts>,
    ) -> Result<Vec<u8>, SealError> {
        seal_bytes(&self.to_json(), protection, prompts)
    }
}

/// The 40 bytes of a share's text.
fn bytes_of(text: &str) -> Result<Zeroizing<Vec<u8>>, ShareError> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for character in text.chars().filter(|c| !c.is_ascii_whitespace()) {
        let upper = character.to_ascii_uppercase();
        if !matches!(upper, 'A'..='Z' | '2'..='7') {
            let position = plain.len() + 1;
            return Err(ShareError::Character { position });
        }
        plain.push(upper);
    }
    let found = plain.len();
    base32::decode(BASE32, &plain)
        .map(Zeroizing::new)
        .filter(|_| found == TEXT_CHARS)
        .ok_or(ShareError::Length { found })
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyShare")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}
