//! `pith key split`: a key in shares, of which a few restore it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::locate::{KeyName, open_custodian, open_key_with};
use crate::canonical::pretty;
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::secrets::{SecretError, SecretSources, UnlockArgs, Unlocker};
use crate::cli::terminal::{TerminalPrompts, Tty};
use crate::files::{self, Existing, FileError};
use crate::keys::share::{Commitments, KeyShare, SplitId, split};
use crate::keys::{
    CustodianKey, Fingerprint, KeyId, PrivateKey, Prompts, Protection, Recipient, write_key_file,
};

/// Divide a key into shares: any M of N restore it, fewer tell nothing
///
/// Each share is a file of its own, and `ID.commitments.json` has the digest of each, so that a false
/// share is named before it does harm. The key itself stays as it is.
#[derive(Debug, Args)]
pub struct SplitArgs {
    /// The key: its id in the home, or its file ID.age
    #[arg(value_name = "ID|FILE")]
    key: KeyName,

    /// How many shares to make
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..))]
    shares: u8,

    /// How many shares restore the key
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u8).range(2..))]
    threshold: u8,

    /// The folder for the shares; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Write shares that nothing protects, to be printed: whoever reads M of them has the key
    #[arg(
        long,
        required_unless_present = "recipient",
        conflicts_with = "recipient"
    )]
    printable: bool,

    /// Seal a share for this age recipient: the first for the first share, and so on, N in all
    // Parsed later: clap would print a value that is wrong, which may be a secret identity.
    #[arg(long, value_name = "AGE")]
    recipient: Vec<String>,

    /// Have this custodian's key sign the list of shares
    #[arg(long, value_name = "ID|FILE")]
    custodian: Option<KeyName>,

    /// Read the custodian's passphrase from the first line of FILE, if it is another
    #[arg(
        long,
        value_name = "FILE",
        requires = "custodian",
        help_heading = "Secrets"
    )]
    custodian_passphrase_file: Option<PathBuf>,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Divided {
    schema_version: &'static str,
    key_id: KeyId,
    fingerprint_sha256_hex: Fingerprint,
    split_id: SplitId,
    threshold: u8,
    shares: Vec<String>,
    commitments: String,
    signed_by: Option<KeyId>,
}

pub fn run(args: SplitArgs, context: &Context) -> Result<Exit, Failure> {
    let (threshold, count) = (args.threshold, args.shares);
    if threshold > count {
        let problem = format!("{threshold} of {count} shares can never be brought together");
        return Err(Failure::new(Exit::Usage, problem)
            .hint("--threshold is how many of the --shares restore the key"));
    }
    let recipients = recipients(&args)?;
    let mut unlocker = Unlocker::new(args.unlock.clone(), SecretSources::of_process());
    let key = open_key_with(context, &args.key, &mut unlocker)?;
    let id = key.public.key_id().clone();
    let paths = Paths::of(&args, &id);
    paths.refuse_what_is_there()?;
    let custodian = match &args.custodian {
        Some(name) => Some(custodian(&args, name, context, &mut unlocker)?),
        None => None,
    };

    let shares = split(
        &key.private,
        &key.public,
        threshold,
        count,
        &mut rand::rng(),
    )
    .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    let commitments = Commitments::of(&shares).expect("there are two shares at least");
    let commitments = match &custodian {
        Some((custodian, private)) => commitments
            .sign(private, custodian.clone())
            .expect("the custodian's two halves were compared"),
        None => commitments,
    };
    let prompts: Arc<dyn Prompts> = Arc::new(TerminalPrompts(Arc::new(Tty)));
    let mut sealed = Vec::new();
    for (share, recipient) in shares.iter().zip(recipients) {
        let protection = Protection::Recipients(vec![recipient]);
        sealed.push(share.seal(&protection, Arc::clone(&prompts))?);
    }
    paths.write(context, &shares, &sealed, &commitments)?;

    let folder = args.out.display();
    context.note(&format!(
        "divided key {id}: {count} shares in {folder}, any {threshold} restore it"
    ));
    context.note(&format!(
        "list of the shares, to be kept apart from them: {}",
        paths.commitments.display()
    ));
    if args.printable {
        context.warn(&format!(
            "nothing protects these shares: print or hand them out, then destroy the files in {folder}"
        ));
    }
    if context.json() {
        output::json(&Divided {
            schema_version: JSON_SCHEMA,
            key_id: id,
            fingerprint_sha256_hex: key.public.fingerprint(),
            split_id: commitments.split_id(),
            threshold,
            shares: paths
                .shares
                .iter()
                .map(|p| p.display().to_string())
                .collect(),
            commitments: paths.commitments.display().to_string(),
            signed_by: custodian.map(|(custodian, _)| custodian.key_id),
        })?;
    }
    Ok(Exit::Done)
}

fn recipients(args: &SplitArgs) -> Result<Vec<Recipient>, Failure> {
    let given = args.recipient.len();
    if !args.printable && given != usize::from(args.shares) {
        let problem = format!("there are {given} recipients for {} shares", args.shares);
        return Err(Failure::new(Exit::Usage, problem)
            .hint("give --recipient once for each share: the first is for share 1"));
    }
    let parsed = args.recipient.iter().map(|text| text.parse());
    Ok(parsed
        .collect::<Result<_, _>>()
        .map_err(SecretError::Recipient)?)
}

fn custodian(
    args: &SplitArgs,
    name: &KeyName,
    context: &Context,
    unlocker: &mut Unlocker,
) -> Result<(CustodianKey, PrivateKey), Failure> {
    let refused = "vouches for no list of shares";
    let Some(file) = &args.custodian_passphrase_file else {
        return open_custodian(context, name, unlocker, refused);
    };
    let mut unlock = args.unlock.clone();
    unlock.passphrase.passphrase_file = Some(file.clone());
    unlock.passphrase.passphrase_fd = None;
    let mut unlocker = Unlocker::new(unlock, SecretSources::of_process());
    open_custodian(context, name, &mut unlocker, refused)
}

/// The files of a division.
struct Paths<'a> {
    folder: &'a Path,
    shares: Vec<PathBuf>,
    commitments: PathBuf,
}

impl<'a> Paths<'a> {
    fn of(args: &'a SplitArgs, id: &KeyId) -> Self {
        let count = args.shares;
        let ending = if args.printable { "json" } else { "age" };
        let digits = count.to_string().len();
        let share = |index| {
            let name = format!("{id}.share-{index:0digits$}-of-{count}.{ending}");
            args.out.join(name)
        };
        Paths {
            folder: &args.out,
            shares: (1..=count).map(share).collect(),
            commitments: args.out.join(format!("{id}.commitments.json")),
        }
    }

    fn refuse_what_is_there(&self) -> Result<(), Failure> {
        let mut all = self.shares.iter().chain([&self.commitments]);
        match all.find(|path| path.symlink_metadata().is_ok()) {
            Some(path) => {
                let problem = format!("{} exists, and shares are never replaced", path.display());
                Err(Failure::new(Exit::Io, problem).hint("choose another folder with --out"))
            }
            None => Ok(()),
        }
    }

    /// Writes all of the files; if one can't be written, none stays.
    fn write(
        &self,
        context: &Context,
        shares: &[KeyShare],
        sealed: &[Vec<u8>],
        commitments: &Commitments,
    ) -> Result<(), Failure> {
        // From here on an interrupt must not leave some of the shares.
        context.catch_interrupts()?;
        make_folder(self.folder)?;
        let mut written = Vec::new();
        let done = self.write_each(shares, sealed, commitments, &mut written);
        if done.is_err() {
            for path in written {
                // The error that is returned says more than one about this.
                let _ = std::fs::remove_file(path);
            }
        }
        done
    }

    fn write_each<'p>(
        &'p self,
        shares: &[KeyShare],
        sealed: &[Vec<u8>],
        commitments: &Commitments,
        written: &mut Vec<&'p Path>,
    ) -> Result<(), Failure> {
        for (place, (share, path)) in shares.iter().zip(&self.shares).enumerate() {
            match sealed.get(place) {
                Some(sealed) => write_key_file(path, sealed)?,
                None => write_key_file(path, &share.to_json())?,
            }
            written.push(path);
        }
        files::write(&self.commitments, &pretty(commitments), Existing::Keep)?;
        Ok(())
    }
}

/// Makes a folder that only its owner may enter, unless there is one.
fn make_folder(path: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(FileError::io("make the folder", path))
}
