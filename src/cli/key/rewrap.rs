//! `pith key rewrap`: another passphrase or other recipients for a key.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::locate::{KeyName, OpenKey, open_key_with};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::secrets::{NewSecretArgs, SecretError, SecretSources, UnlockArgs, Unlocker};
use crate::cli::terminal::{TerminalPrompts, Tty};
use crate::keys::{Fingerprint, KeyId, Protection, SealedKey, Unlock, replace_key_file, seal};

/// Seal a key anew, for another passphrase or other recipients
///
/// The key is never on disk in the clear: the new file takes the place of the old one in one step.
/// Copies and backups of the old file still open with the old secret.
#[derive(Debug, Args)]
pub struct RewrapArgs {
    /// The key: its id in the home, or its file ID.age
    #[arg(value_name = "ID|FILE")]
    key: KeyName,

    #[command(flatten)]
    new: NewSecretArgs,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Rewrapped {
    schema_version: &'static str,
    key_id: KeyId,
    fingerprint_sha256_hex: Fingerprint,
    private_key: String,
    /// Whether the new file was opened with the new secret before it took the old one's place.
    opened_again: bool,
}

pub fn run(args: RewrapArgs, context: &Context) -> Result<Exit, Failure> {
    let sources = SecretSources::of_process();
    let mut unlocker = Unlocker::new(args.unlock.clone(), sources.clone());
    let key = open_key_with(context, &args.key, &mut unlocker)?;
    let id = key.public.key_id().clone();
    let protection = args
        .new
        .for_rewrap(&format!("the key {id}"), &args.unlock, &sources)?;
    let prompts = Arc::new(TerminalPrompts(Arc::new(Tty)));
    let sealed = seal(&key.private, &protection, prompts)?;
    let opened_again = opens_again(&key, &protection, &sealed, &mut unlocker)?;
    replace_key_file(&key.files.private, &sealed)?;

    let path = key.files.private.display();
    context.note(&format!("sealed key {id} anew: {path}"));
    if !opened_again {
        context.note(&format!(
            "the new file was not opened here, for want of an identity: run `pith key check` with \
             one before you destroy what opens an older copy of {id}"
        ));
    }
    context.note("older copies still open with the old secret: destroy them, and make new backups");
    if context.json() {
        output::json(&Rewrapped {
            schema_version: JSON_SCHEMA,
            key_id: id,
            fingerprint_sha256_hex: key.public.fingerprint(),
            private_key: path.to_string(),
            opened_again,
        })?;
    }
    Ok(Exit::Done)
}

/// Opens the new file as whoever holds the new secret would, and compares; says whether that could
/// be done here.
fn opens_again(
    key: &OpenKey,
    protection: &Protection,
    sealed: &[u8],
    unlocker: &mut Unlocker,
) -> Result<bool, Failure> {
    let again = match protection {
        Protection::Passphrase(passphrase) => SealedKey::parse(sealed)
            .ok()
            .and_then(|file| file.open(&Unlock::Passphrase(passphrase.as_secret())).ok()),
        _ if unlocker.has_identities() => {
            let name = key.public.key_id().as_str();
            match unlocker.open_secret(name, &key.files.private, sealed) {
                Ok(secret) => SealedKey::key_of(&secret).ok(),
                // Old identities need not be the new recipients'.
                Err(SecretError::Unlock { source, .. }) if source.is_wrong_secret() => {
                    return Ok(false);
                }
                Err(error) => return Err(error.of_key().into()),
            }
        }
        _ => return Ok(false),
    };
    if again.is_some_and(|again| again.public_bytes() == key.private.public_bytes()) {
        return Ok(true);
    }
    let problem = format!(
        "the new file for {} does not open to the same key, so the old one stays",
        key.public.key_id()
    );
    Err(Failure::new(Exit::Refused, problem).hint("test this machine's memory"))
}
