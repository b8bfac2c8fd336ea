//! `pith key combine`: a key restored from its shares.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use zeroize::Zeroizing;

use super::locate::read_public_half;
use super::store::{Known, Place};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::secrets::{NewSecretArgs, SecretSources, UnlockArgs, Unlocker};
use crate::cli::terminal::{TerminalPrompts, Tty};
use crate::files;
use crate::keys::share::{CombineError, Commitments, KeyShare, ShareError, ShareLabel, combine};
use crate::keys::{KeyId, PermissionCheck, PublicHalf, SealedKey, harden, read_key_file, seal};

/// Restore a key from shares of it, and seal it anew
///
/// Of a share typed from paper the text after `share` is enough, in a file of its own, if the list of shares
/// is given or another share is whole: letter case and white space in it do not matter. The key is proved
/// against the fingerprint of the division and, if it is there, against its public file. Nothing is
/// overwritten.
#[derive(Debug, Args)]
pub struct CombineArgs {
    /// The shares: sealed, or as they were printed, or their text alone
    #[arg(required = true, value_name = "SHARE")]
    shares: Vec<PathBuf>,

    /// The list of the shares that were given out, which names a false one
    #[arg(long, value_name = "FILE")]
    commitments: Option<PathBuf>,

    /// Accept only a list that this custodian has signed: their public file
    #[arg(long, value_name = "FILE", requires = "commitments")]
    custodian: Option<PathBuf>,

    /// Refuse shares of any key but this
    #[arg(long, value_name = "ID")]
    id: Option<KeyId>,

    /// Write ID.age and ID.json to this folder, not to the home's keys/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    new: NewSecretArgs,

    #[command(flatten)]
    unlock: UnlockArgs,
}

pub fn run(args: CombineArgs, context: &Context) -> Result<Exit, Failure> {
    let commitments = match &args.commitments {
        Some(path) => Some(read_commitments(path, args.custodian.as_deref(), context)?),
        None => None,
    };
    harden()?;
    let sources = SecretSources::of_process();
    let mut unlocker = Unlocker::new(args.unlock.clone(), sources.clone());
    let mut read = Vec::new();
    for path in &args.shares {
        read.push(read_share(path, &mut unlocker)?);
    }
    let division = match &commitments {
        Some(list) => Some(list.label()),
        None => read.iter().find_map(|read| match read {
            Typed::Whole(share) => Some(share.label().clone()),
            Typed::Text(_) => None,
        }),
    };
    if let (Some(wanted), Some(division)) = (&args.id, &division)
        && *wanted != division.key_id
        && let Some(list) = &args.commitments
    {
        let (shown, of) = (list.display(), &division.key_id);
        let problem = format!("{shown} is the list of shares of key {of}, not of {wanted}");
        return Err(Failure::new(Exit::Refused, problem).hint("name the list of this key's shares"));
    }
    let mut shares = Vec::new();
    for (path, read) in args.shares.iter().zip(read) {
        let share = read.complete(path, division.as_ref())?;
        if let Some(expected) = args.id.as_ref().filter(|id| **id != share.label().key_id) {
            let problem = format!(
                "{} is a share of key {}, not of {expected}",
                path.display(),
                share.label().key_id
            );
            return Err(Failure::new(Exit::Refused, problem).hint("leave it out"));
        }
        if let Some(Err(error)) = commitments.as_ref().map(|list| list.admit(&share)) {
            let problem = format!("{}: {error}", path.display());
            return Err(Failure::new(Exit::Refused, problem)
                .hint("leave it out, and ask its holder for the right one"));
        }
        shares.push(share);
    }
    let key = combine(&shares).map_err(|error| explain(&error, &args.shares, &shares))?;
    let label = shares[0].label().clone();
    drop(shares);

    let id = &label.key_id;
    let place = Place::find(
        context,
        id,
        label.role,
        args.out.as_deref(),
        Known::PublicHalf,
    )?;
    let public = place.public_half(&key)?;
    let name = format!("the restored key {id}");
    let protection = args.new.for_rewrap(&name, &args.unlock, &sources)?;
    let prompts = Arc::new(TerminalPrompts(Arc::new(Tty)));
    let sealed = seal(&key, &protection, prompts)?;
    drop(key);
    place.write(context, &public, &sealed, "restored")?;
    context.note("the shares that were used still restore it: return them, or divide the key anew");
    Ok(Exit::Done)
}

fn read_commitments(
    path: &Path,
    custodian: Option<&Path>,
    context: &Context,
) -> Result<Commitments, Failure> {
    let shown = path.display();
    let list = Commitments::from_slice(&files::read(path)?).map_err(|error| {
        Failure::new(
            Exit::Refused,
            format!("{shown} is no list of shares: {error}"),
        )
        .hint("name the file ID.commitments.json that `pith key split` wrote")
    })?;
    list.verify().map_err(|error| {
        Failure::new(Exit::Refused, format!("{shown}: {error}"))
            .hint("take an unchanged copy of the list")
    })?;
    let signer = list.custodian();
    if let Some(wanted) = custodian {
        let wanted = read_public_half(wanted)?;
        let signed = signer.cloned().map(PublicHalf::Custodian);
        if signed.as_ref() != Some(&wanted) {
            let problem = format!("{shown} is not signed by {}", wanted.key_id());
            return Err(Failure::new(Exit::Refused, problem)
                .hint("take an unchanged copy of the list, or name the custodian who signed it"));
        }
    }
    match signer {
        Some(signer) => context.note(&format!(
            "list of shares: signed by {}, fingerprint {}",
            signer.key_id,
            signer.key.fingerprint()
        )),
        None => context.note("list of shares: nobody has signed it"),
    }
    Ok(list)
}

/// A share as it was read.
enum Typed {
    Whole(KeyShare),
    /// The text alone: the rest is to be known from elsewhere.
    Text(Zeroizing<Vec<u8>>),
}

impl Typed {
    /// The share, of this division if it is not said of which it is.
    fn complete(self, path: &Path, division: Option<&ShareLabel>) -> Result<KeyShare, Failure> {
        let text = match self {
            Typed::Whole(share) => return Ok(share),
            Typed::Text(text) => text,
        };
        let shown = path.display();
        let Some(division) = division else {
            let problem = format!("{shown} holds the text of a share alone");
            return Err(Failure::new(Exit::Usage, problem).hint(
                "give the list of the shares with it, --commitments FILE; or type one of the \
                 shares as a whole, from `{` to `}`",
            ));
        };
        KeyShare::from_text(&text, division).map_err(|error| {
            let hint = match error {
                ShareError::Checksum => format!(
                    "compare it with the paper, character by character; if they agree, the paper is \
                     not of division {}",
                    division.split_id
                ),
                _ => COMPARE.to_owned(),
            };
            Failure::new(Exit::Refused, format!("{shown}: {error}")).hint(hint)
        })
    }
}

const COMPARE: &str = "compare it with the paper, character by character, or leave it out";

fn read_share(path: &Path, unlocker: &mut Unlocker) -> Result<Typed, Failure> {
    refuse_list(path)?;
    let bytes = unlocker.read(path)?;
    let share = if SealedKey::looks_like(&bytes) {
        let file = path.file_name().unwrap_or(path.as_os_str());
        let name = format!("the share {}", file.display());
        KeyShare::from_slice(&unlocker.open_secret(&name, path, &bytes)?)
    } else if KeyShare::looks_like_text(&bytes) {
        return Ok(Typed::Text(bytes));
    } else {
        KeyShare::from_slice(&bytes)
    };
    share.map(Typed::Whole).map_err(|error| {
        Failure::new(Exit::Refused, format!("{}: {error}", path.display())).hint(COMPARE)
    })
}

/// The list stands beside the shares and is no secret, so its mode is no reason to refuse it.
fn refuse_list(path: &Path) -> Result<(), Failure> {
    let list = read_key_file(path, PermissionCheck::Off)
        .is_ok_and(|bytes| Commitments::from_slice(&bytes).is_ok());
    if !list {
        return Ok(());
    }
    let shown = path.display();
    let problem = format!("{shown} is the list of shares, not one of them");
    Err(Failure::new(Exit::Refused, problem).hint(format!("give it with --commitments {shown}")))
}

/// [`CombineError`] with the names of the files.
fn explain(error: &CombineError, paths: &[PathBuf], shares: &[KeyShare]) -> Failure {
    let path = |position: usize| paths[position].display();
    let (problem, hint) = match *error {
        CombineError::Foreign { position } => {
            let (one, other) = (shares[0].label(), shares[position].label());
            (
                format!(
                    "{} is a share of key {} (division {}), and {} is one of key {} (division {})",
                    path(0),
                    one.key_id,
                    one.split_id,
                    path(position),
                    other.key_id,
                    other.split_id
                ),
                "give shares of one division only",
            )
        }
        CombineError::Duplicate {
            index,
            first,
            second,
        } => {
            let same = shares[first].digest() == shares[second].digest();
            let what = if same {
                "the same share"
            } else {
                "two different shares"
            };
            (
                format!(
                    "{} and {} are {what}, number {index}",
                    path(first),
                    path(second)
                ),
                if same {
                    "give each share once"
                } else {
                    "one of them is false: --commitments FILE tells which"
                },
            )
        }
        CombineError::TooFew { .. } => (error.to_string(), "bring more shares together"),
        CombineError::False { position } => (
            format!(
                "{} is false: without it the other shares restore the key",
                path(position)
            ),
            "leave it out, and ask its holder where it came from",
        ),
        _ => (
            error.to_string(),
            "--commitments FILE tells which; or try with other shares",
        ),
    };
    Failure::new(Exit::Refused, problem).hint(hint)
}
