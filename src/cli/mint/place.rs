//! Where an unfinished run goes on, and which command may do so.

use std::path::{Path, PathBuf};

use crate::canonical;
use crate::digest::Digest;
use crate::home::Profile;
use crate::keys::PublicKeyObject;
use crate::ledger::Unfinished;
use serde::{Deserialize, Serialize};

use super::args::MintArgs;
use super::feed::Read;
use super::summary::Counts;
use crate::cli::growing::FilePlace;
use crate::cli::sink::SinkPlace;

/// How far a run has come: all before it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// In the inputs.
    pub read: Read,
    /// In the bundles, if they are written to a file or folder.
    pub bundles: Option<SinkPlace>,
    /// In the rejects file, if there is one.
    pub rejects: Option<FilePlace>,
    /// What became of the inputs before it.
    pub counts: Counts,
}

/// What decides what is written: where any of it is another, a run does not go on where this one
/// stopped.
#[derive(Serialize)]
struct Command<'a> {
    asked: Asked,
    issuer: IssuedBy<'a>,
}

/// What a command asks for.
#[derive(Serialize)]
struct Asked {
    inputs: Vec<String>,
    rejects: Option<String>,
    on_error: &'static str,
    on_change: &'static str,
    allow_non_ascii: bool,
    limit: Option<u64>,
    /// The content of snapshots, where there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshots: Option<Digest>,
}

/// Who does it.
#[derive(Serialize)]
struct IssuedBy<'a> {
    /// Another version may divide the inputs or compress the outputs in another way.
    tool_version: &'static str,
    registry_id: &'a str,
    base_url: &'a str,
    builder_version: &'a str,
    mirrors: &'a [crate::bundle::Mirror],
    key: &'a PublicKeyObject,
}

/// A run that can go on where it was cut short: it reads files and writes files.
#[derive(Debug, Clone)]
pub struct Resumable {
    output: String,
    command: String,
}

impl Resumable {
    /// The run of `args` under `key`; `None` if it reads stdin or writes to stdout.
    pub fn of(
        args: &MintArgs,
        profile: &Profile,
        key: &PublicKeyObject,
        snapshots: Option<Digest>,
    ) -> Option<Self> {
        let stdio = Path::new("-");
        let inputs = &args.input.inputs;
        if inputs.iter().any(|input| input == stdio) || args.bundles.as_deref() == Some(stdio) {
            return None;
        }
        let asked = Asked {
            inputs: inputs.iter().map(|input| absolute(input)).collect(),
            rejects: args.input.rejects.as_deref().map(absolute),
            on_error: args.on_error.name(),
            on_change: args.on_change.name(),
            allow_non_ascii: args.input.allow_non_ascii,
            limit: args.limit,
            snapshots,
        };
        let issuer = IssuedBy {
            tool_version: env!("CARGO_PKG_VERSION"),
            registry_id: &profile.registry_id,
            base_url: &profile.base_url,
            builder_version: &profile.builder_version,
            mirrors: &profile.mirrors,
            key,
        };
        Some(Resumable {
            output: output_of(args),
            command: text_of(&Command { asked, issuer }),
        })
    }

    /// What the ledger keeps of the run at this place.
    pub fn at(&self, place: &Place) -> Unfinished {
        Unfinished {
            output: self.output.clone(),
            command: self.command.clone(),
            place: text_of(place),
        }
    }

    /// The place in what the ledger kept, if that is this command's.
    pub fn place_of(&self, kept: &Unfinished) -> Option<Place> {
        if kept.command != self.command {
            return None;
        }
        canonical::from_slice(kept.place.as_bytes()).ok()
    }

    /// Whether the run that the ledger kept was asked for what this one is, if by another version or
    /// under another key or profile.
    pub fn asks_the_same(&self, kept: &Unfinished) -> bool {
        let asked = |command: &str| {
            let command: Option<serde_json::Value> = serde_json::from_str(command).ok();
            command.map(|mut command| command["asked"].take())
        };
        asked(&kept.command) == asked(&self.command)
    }
}

/// The name under which the ledger keeps the run of `args`.
pub fn output_of(args: &MintArgs) -> String {
    args.bundles.as_deref().map(absolute).unwrap_or_default()
}

/// A path as text that no folder one may be in changes the meaning of.
fn absolute(path: &Path) -> String {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.components().as_path().display().to_string()
}

fn text_of<T: Serialize>(value: &T) -> String {
    let bytes = canonical::to_vec(value).expect("places hold nothing that JSON cannot");
    String::from_utf8(bytes).expect("JSON text is UTF-8")
}
