//! An entry of a transcript: one command, and the hash that ties it to all before.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::opening::SchemaVersion;
use super::products::Product;
use crate::canonical;
use crate::digest::Digest;
use crate::text::{constant, nullable};
use crate::time::TimestampMicros;

constant! {
    /// What an entry calls itself.
    EntryType = "pith_transcript_entry"
}

/// One line of a transcript.
///
/// Fields stand in canonical order, which is how a line has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The command's arguments, without what may be secret.
    pub arguments: Vec<String>,
    /// SHA-256 of the program that ran.
    pub binary_sha256: Digest,
    /// SHA-256 of the entry's canonical form without this member.
    pub entry_sha256: Digest,
    /// Always an entry of a transcript.
    pub entry_type: EntryType,
    /// The command's exit code.
    pub exit: u8,
    /// What it read and wrote.
    pub files: Vec<File>,
    /// The hash of the entry before, or the digest of the opening.
    pub previous: Digest,
    /// In the entry that closes the ceremony what came of it; null in every other.
    #[serde(deserialize_with = "nullable")]
    pub products: Option<Vec<Product>>,
    /// As in the opening.
    pub rehearsal: bool,
    /// What somebody said or saw, if the entry is about that.
    #[serde(deserialize_with = "nullable")]
    pub remark: Option<Remark>,
    /// What the command said on stderr, less what may be secret.
    pub result: Vec<String>,
    /// The version of the form.
    pub schema_version: SchemaVersion,
    /// Its number, from 1.
    pub seq: u64,
    /// When the command began.
    pub started_at: TimestampMicros,
    /// When the entry was made; never before that of the entry before.
    pub time: TimestampMicros,
    /// The version of the program.
    pub tool_version: String,
    /// The command, such as `keyset sign`.
    pub verb: String,
}

impl Entry {
    /// The hash that the entry should have.
    pub fn digest(&self) -> Digest {
        canonical::digest_without(self, &["entry_sha256"]).expect("an entry has a canonical form")
    }

    /// The line of a transcript, without the end of line.
    pub fn to_line(&self) -> Vec<u8> {
        canonical::to_vec(self).expect("an entry has a canonical form")
    }
}

/// What was done: an entry before it has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The command, such as `keyset sign`.
    pub verb: String,
    /// Its arguments, without what may be secret.
    pub arguments: Vec<String>,
    /// What it read and wrote.
    pub files: Vec<File>,
    /// When it began.
    pub started_at: TimestampMicros,
    /// Its exit code.
    pub exit: u8,
    /// What it said.
    pub result: Vec<String>,
    /// What somebody said or saw.
    pub remark: Option<Remark>,
    /// What came of the ceremony, if it is closed with this.
    pub products: Option<Vec<Product>>,
    /// The version of the program.
    pub tool_version: String,
    /// SHA-256 of the program.
    pub binary_sha256: Digest,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// In the ceremony's folder.
    Ceremony,
    /// In the registry home.
    Home,
    /// At the root of the file system.
    Elsewhere,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Where the path begins.
    pub base: Base,
    /// The path.
    pub path: String,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = match self.base {
            Base::Ceremony => "ceremony:",
            Base::Home => "home:",
            Base::Elsewhere => "",
        };
        write!(formatter, "{before}{}", self.path)
    }
}

/// What was done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// It was read.
    Read,
    /// It was written.
    Written,
}

/// What kind of file it is, and so whether it has a digest here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A file with a digest; null only if it was gone when the command ended.
    Plain,
    /// A file that is or may be secret: a digest could help to guess it.
    Private,
    /// A database, which goes on changing.
    Database,
}

/// A file that a command read or wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it is.
    pub place: Place,
    /// What was done to it.
    pub role: FileRole,
    /// What kind of file it is.
    pub kind: FileKind,
    /// SHA-256 of what was read or written.
    #[serde(deserialize_with = "nullable")]
    pub sha256: Option<Digest>,
}

/// What a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemarkKind {
    /// What somebody saw or said.
    Remark,
    /// That somebody was there.
    Witness,
    /// That a torn last line was put aside.
    Repair,
}

/// What was written down by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// What it says.
    pub text: String,
}
