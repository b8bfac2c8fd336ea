//! `pith key show`: what can be told of a key without opening it.

use std::fmt::Display;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde::Serialize;

use super::locate::{KeyFiles, KeyName};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output::{self, printable};
use crate::keys::{Fingerprint, KeyId, Needs, PermissionCheck, Role, SealedKey, read_key_file};

/// Show what a key is, without opening it
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The key: its id in the home, or its file ID.age
    #[arg(value_name = "ID|FILE")]
    key: KeyName,
}

#[derive(Serialize)]
struct Shown {
    schema_version: &'static str,
    key_id: KeyId,
    role: Role,
    fingerprint_sha256_hex: Fingerprint,
    fingerprint_sha256_b32: String,
    public_key_b64: String,
    public_key: String,
    /// The sealed file, and null where it is not here.
    private_key: Option<Sealed>,
}

#[derive(Serialize)]
struct Sealed {
    path: String,
    /// `passphrase` or `identity`.
    opens_with: &'static str,
    /// Permission bits, in octal.
    mode: String,
}

pub fn run(args: ShowArgs, context: &Context) -> Result<Exit, Failure> {
    let files = KeyFiles::locate(context, &args.key)?;
    let half = files.public()?;
    let shown = Shown {
        schema_version: JSON_SCHEMA,
        key_id: half.key_id().clone(),
        role: half.role(),
        fingerprint_sha256_hex: half.fingerprint(),
        fingerprint_sha256_b32: half.key().fingerprint_base32(),
        public_key_b64: BASE64.encode(half.key().as_bytes()),
        public_key: files.public.display().to_string(),
        private_key: sealed(&files.private)?,
    };
    if context.json() {
        output::json(&shown)?;
    } else {
        text(&shown, &mut output::stdout())?;
    }
    Ok(Exit::Done)
}

/// What the sealed file says of itself; it is not opened, so who may read it does not matter here.
fn sealed(path: &Path) -> Result<Option<Sealed>, Failure> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(None);
    };
    let bytes = read_key_file(path, PermissionCheck::Off)?;
    let sealed = SealedKey::parse(&bytes).map_err(|error| {
        let problem = format!("{} is not a sealed key: {error}", path.display());
        Failure::new(Exit::Locked, problem).hint(error.hint())
    })?;
    Ok(Some(Sealed {
        path: path.display().to_string(),
        opens_with: match sealed.needs() {
            Needs::Passphrase => "passphrase",
            Needs::Identity => "identity",
        },
        mode: format!("{:03o}", metadata.permissions().mode() & 0o7777),
    }))
}

fn text(shown: &Shown, out: &mut output::Stdout) -> Result<(), Failure> {
    let mut row = |name: &str, value: &dyn Display| {
        writeln!(out, "{name:<18} {}", printable(&value.to_string()))
    };
    row("key", &shown.key_id)?;
    row("role", &shown.role)?;
    row("fingerprint", &shown.fingerprint_sha256_hex)?;
    row("in base32", &shown.fingerprint_sha256_b32)?;
    row("public key", &shown.public_key_b64)?;
    row("public file", &shown.public_key)?;
    match &shown.private_key {
        Some(sealed) => {
            row("private file", &sealed.path)?;
            row("opens with", &sealed.opens_with)?;
            row("mode", &sealed.mode)?;
        }
        None => row("private file", &"not here")?,
    }
    Ok(out.flush()?)
}
