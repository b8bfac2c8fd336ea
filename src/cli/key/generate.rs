//! `pith key generate`: a new key pair.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::store::{Known, Place};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::secrets::{NewSecretArgs, PassphraseArgs, SecretSources};
use crate::cli::terminal::{TerminalPrompts, Tty};
use crate::keys::{KeyId, PrivateKey, Role, harden, seal};

/// Make a key pair: the private key sealed with age, the public key beside it
///
/// A signing key of a home in bootstrap goes into its keyset; after a genesis `pith keyset draft
/// add` proposes it. A custodian's key goes into no home's list of signing keys.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The key's label, such as pith-v1-2026-05
    #[arg(long, value_name = "ID")]
    id: KeyId,

    /// What the key is for
    #[arg(long, value_enum, default_value_t = RoleArg::Signing)]
    role: RoleArg,

    /// Write ID.age and ID.json to this folder, not to the home's keys/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    new: NewSecretArgs,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// [`Role`] as a flag's value.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleArg {
    /// Signs records, events and bundles
    Signing,
    /// Approves keysets, and signs nothing else
    Custodian,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Signing => Role::Signing,
            RoleArg::Custodian => Role::Custodian,
        }
    }
}

pub fn run(args: GenerateArgs, context: &Context) -> Result<Exit, Failure> {
    let (id, role) = (&args.id, args.role.into());
    let place = Place::find(context, id, role, args.out.as_deref(), Known::Nothing)?;
    harden()?;
    let name = format!("the new key {id}");
    let protection = args
        .new
        .for_new_key(&name, &args.passphrase, &SecretSources::of_process())?;
    let key = PrivateKey::generate(&mut rand::rng());
    let prompts = Arc::new(TerminalPrompts(Arc::new(Tty)));
    let sealed = seal(&key, &protection, prompts)?;
    let public = place.public_half(&key)?;
    drop(key);
    place.write(context, &public, &sealed, "made")?;
    Ok(Exit::Done)
}
