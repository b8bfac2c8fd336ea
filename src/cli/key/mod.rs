//! `pith key`: private keys of the registry home, and their published forms.

use std::io::Write as _;
use std::sync::Arc;

use crate::home::Home;
use crate::keys::{
    KeyId, KeyStatus, PrivateKey, PublicKey, PublicKeyObject, TrustedKey, harden, seal,
    write_key_file,
};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::output;
use super::secrets::{NewSecretArgs, PassphraseArgs, SecretSources};
use super::terminal::{TerminalPrompts, Tty};

mod open;

pub use open::open_signing_key;

/// Make and list the registry's keys
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    verb: KeyVerb,
}

#[derive(Debug, Subcommand)]
enum KeyVerb {
    Generate(GenerateArgs),
    List(ListArgs),
}

/// Make a key pair: the private key sealed with age, the public key in the home's keyset
#[derive(Debug, Args)]
struct GenerateArgs {
    /// The key's label, such as pith-v1-2026-05
    #[arg(long, value_name = "ID")]
    id: KeyId,

    /// What the key is for
    #[arg(long, value_enum, default_value_t = Role::Signing)]
    role: Role,

    #[command(flatten)]
    new: NewSecretArgs,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Signs records, events and bundles
    Signing,
}

/// List the keys of the home's keyset
#[derive(Debug, Args)]
struct ListArgs {}

#[derive(Serialize)]
struct Listed<'a> {
    schema_version: &'static str,
    key_id: &'a KeyId,
    status: KeyStatus,
    fingerprint_sha256_hex: String,
    private_key: Option<String>,
    public_key: String,
}

pub fn run(args: KeyArgs, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        KeyVerb::Generate(args) => generate(args, context),
        KeyVerb::List(ListArgs {}) => list(context),
    }
}

fn generate(args: GenerateArgs, context: &Context) -> Result<Exit, Failure> {
    let Role::Signing = args.role;
    let home = context.home()?;
    let id = &args.id;
    let keyset = home.trusted_keys()?;
    let private = home.private_key_path(id);
    if home.public_key_path(id) == home.keyset_path() {
        return Err(Failure::new(
            Exit::Usage,
            format!("{id} is the name of the keyset's file"),
        )
        .hint("choose another --id"));
    }
    if keyset.named(id).is_some() {
        return Err(
            Failure::new(Exit::Refused, format!("the key {id} exists already"))
                .hint("a key is never overwritten; choose another --id"),
        );
    }
    if private.symlink_metadata().is_ok() {
        let private = private.display();
        let problem = format!("{private} is there, but the home's keyset has no key {id}");
        return Err(Failure::new(Exit::Refused, problem).hint(
            "if an earlier attempt was cut off, nothing was signed with it: move the file away, \
             and run this again",
        ));
    }
    harden()?;
    let name = format!("the new key {id}");
    let protection = args
        .new
        .for_new_key(&name, &args.passphrase, &SecretSources::of_process())?;
    let key = PrivateKey::generate(&mut rand::rng());
    let prompts = Arc::new(TerminalPrompts(Arc::new(Tty)));
    let bytes = seal(&key, &protection, prompts)?;
    write_key_file(&private, &bytes)?;
    let object = PublicKeyObject::of_registry(
        PublicKey::from(key.verifying_key()),
        id.clone(),
        &home.profile.base_url,
    );
    drop(key);
    let status = home.add_key(&object)?;

    let fingerprint = object.key.fingerprint();
    let standing = status.map_or("in no keyset yet", KeyStatus::as_str);
    context.note(&format!(
        "made key {id}, fingerprint {fingerprint}, {standing}"
    ));
    context.note(&format!(
        "private key: {} (back it up now; nobody can restore it)",
        private.display()
    ));
    context.note(&format!(
        "public key: {}",
        home.public_key_path(id).display()
    ));
    match status {
        Some(KeyStatus::Next) => {
            context.note("another key is active and goes on signing; this one signs nothing yet");
        }
        None => context.note(&format!(
            "it signs nothing before custodians approve it: `pith keyset draft add {id}`"
        )),
        Some(_) => {}
    }
    if context.json() {
        let signer_id = Some(home.profile.registry_id.clone());
        let mut entry = TrustedKey::of_registry(object.clone(), signer_id);
        entry.status = status.unwrap_or(KeyStatus::Next);
        output::json(&listed(&home, &entry))?;
    }
    Ok(Exit::Done)
}

fn listed<'a>(home: &Home, entry: &'a TrustedKey) -> Listed<'a> {
    let id = &entry.key.key_id;
    let private = home.private_key_path(id);
    Listed {
        schema_version: JSON_SCHEMA,
        key_id: id,
        status: entry.status,
        fingerprint_sha256_hex: entry.key.key.fingerprint().to_string(),
        private_key: private.is_file().then(|| private.display().to_string()),
        public_key: home.public_key_path(id).display().to_string(),
    }
}

fn list(context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let keyset = home.trusted_keys()?;
    let mut out = output::stdout();
    for entry in &keyset.keys {
        let line = listed(&home, entry);
        if context.json() {
            output::json_line(&mut out, &line)?;
        } else {
            let private = line.private_key.as_deref().unwrap_or("no private key here");
            writeln!(
                out,
                "{}\t{}\t{}\t{private}",
                line.key_id,
                line.status.as_str(),
                line.fingerprint_sha256_hex
            )?;
        }
    }
    out.flush()?;
    if keyset.keys.is_empty() {
        context.note("this home has no key; make one with `pith key generate --id ID`");
    }
    Ok(Exit::Done)
}
