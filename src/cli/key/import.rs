//! `pith key import`: a key that another program made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::generate::RoleArg;
use super::locate::read_public_half;
use super::store::{Known, Place};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::secrets::{NewSecretArgs, SecretSources, UnlockArgs, Unlocker};
use crate::cli::terminal::{TerminalPrompts, Tty};
use crate::keys::{KeyId, PrivateKey, PublicKey, SealedKey, harden, seal};

/// Take over a private key: PKCS#8 PEM, a 32-byte seed (raw, hex or base64), or an age file around any
///
/// FILE is left as it is: destroy it afterwards.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The private key
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The key's label, such as pith-v1-2026-05
    #[arg(long, value_name = "ID")]
    id: KeyId,

    /// What the key is for
    #[arg(long, value_enum, default_value_t = RoleArg::Signing)]
    role: RoleArg,

    /// Refuse any key but the one whose public file this is
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,

    /// Write ID.age and ID.json to this folder, not to the home's keys/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    new: NewSecretArgs,

    #[command(flatten)]
    unlock: UnlockArgs,
}

pub fn run(args: ImportArgs, context: &Context) -> Result<Exit, Failure> {
    refuse_key_as_argument(&args.file)?;
    let id = &args.id;
    let place = Place::find(
        context,
        id,
        args.role.into(),
        args.out.as_deref(),
        Known::PublicHalf,
    )?;
    harden()?;
    let sources = SecretSources::of_process();
    let mut unlocker = Unlocker::new(args.unlock.clone(), sources.clone());
    let (key, sealed_before) = read(&args.file, &mut unlocker)?;
    if let Some(path) = &args.public {
        compare(&key, &args.file, path)?;
    }
    let public = place.public_half(&key)?;
    let name = format!("the imported key {id}");
    let protection = args.new.for_rewrap(&name, &args.unlock, &sources)?;
    let prompts = Arc::new(TerminalPrompts(Arc::new(Tty)));
    let sealed = seal(&key, &protection, prompts)?;
    drop(key);
    place.write(context, &public, &sealed, "imported")?;
    let file = args.file.display();
    context.warn(&if sealed_before {
        format!("{file} still opens with its own secret: destroy it and its copies")
    } else {
        format!("{file} holds the key, and nothing protects it: destroy it and its copies")
    });
    Ok(Exit::Done)
}

/// A key that was typed in the place of its file is not repeated in a message: messages are kept in logs.
fn refuse_key_as_argument(path: &Path) -> Result<(), Failure> {
    const RAW: usize = 32;
    let typed = path.as_os_str().as_encoded_bytes();
    if path.symlink_metadata().is_ok() || typed.len() == RAW || PrivateKey::import(typed).is_err() {
        return Ok(());
    }
    let problem = "a private key stands where the name of its file should";
    Err(Failure::new(Exit::Usage, problem).hint(
        "do not use that key any more: others on this host could read it, and the shell's history has it",
    ))
}

/// The key in `path`, and whether it was sealed.
fn read(path: &Path, unlocker: &mut Unlocker) -> Result<(PrivateKey, bool), Failure> {
    let bytes = unlocker.read(path)?;
    let sealed = SealedKey::looks_like(&bytes);
    let key = if sealed {
        let name = format!("the key in `{}`", path.display());
        PrivateKey::import(&unlocker.open_secret(&name, path, &bytes)?)
    } else {
        PrivateKey::import(&bytes)
    };
    let key = key.map_err(|error| {
        let problem = format!("no key was found in {}: {error}", path.display());
        let failure = Failure::new(Exit::Locked, problem);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    Ok((key, sealed))
}

fn compare(key: &PrivateKey, file: &Path, public: &Path) -> Result<(), Failure> {
    let half = read_public_half(public)?;
    let found = PublicKey::from(key.verifying_key());
    if *half.key() == found {
        return Ok(());
    }
    let problem = format!(
        "the key in {} has the fingerprint {}, and {} is the public half of {}",
        file.display(),
        found.fingerprint(),
        public.display(),
        half.fingerprint()
    );
    Err(Failure::new(Exit::Refused, problem)
        .hint("find out which of the two files is the wanted key"))
}
