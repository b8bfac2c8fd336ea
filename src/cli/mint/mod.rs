//! `pith mint`: issue records for the papers of an input, and write their bundles.

mod feed;
mod minter;
mod place;
mod summary;

use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::arxiv::{RawReader, ReadOptions};
use crate::files::FileError;
use crate::home::Home;
use crate::keys::{KeyId, Keyset, PublicKeyObject};
use crate::ledger::{Ledger, LedgerError};
use crate::mint::{Issuer, MintError, OnChange, SelfCheck, Snapshots, SnapshotsError};
use crate::pipeline;
use clap::{Args, ValueEnum};

use super::InputArgs;
use super::context::{Context, all_cores};
use super::error::{Exit, Failure};
use super::input::{PatientStdin, Rejects};
use super::key::open_signing_key;
use super::output::{self, counted};
use super::progress::Meter;
use super::secrets::UnlockArgs;
use super::sink::{BundleSink, Format, Standing};
use feed::Feed;
use minter::{Cut, Minter, PreparedChunk, Setting, perform};
use place::{Place, Resumable, output_of};
use summary::Summary;

/// Issue records for papers: receipts and events into the ledger, bundles to a file or folder
#[derive(Debug, Args)]
pub struct MintArgs {
    #[command(flatten)]
    input: InputArgs,

    /// Write the bundle of every paper of the input to OUT: X.jsonl, X.jsonl.zst, a folder, or `-`
    #[arg(long, value_name = "OUT")]
    bundles: Option<PathBuf>,

    /// The key to sign with [default: the home's active key]
    #[arg(long, value_name = "ID")]
    key: Option<KeyId>,

    /// What to do when an input is rejected
    #[arg(long, value_enum, default_value_t = OnError::Skip)]
    on_error: OnError,

    /// What to do when a paper's licence or categories changed without a new version
    #[arg(long, value_enum, default_value_t = OnChangeArg::Keep)]
    on_change: OnChangeArg,

    /// How many threads sign and check [default: one a core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// How signatures are checked before they are written: a group's at once, or each document read
    /// back and verified on its own
    #[arg(long, value_enum, default_value_t = SelfCheckArg::Batch)]
    self_check: SelfCheckArg,

    /// What the snapshots of papers show besides their metadata: JSON lines by arXiv id
    #[arg(long, value_name = "FILE")]
    snapshots: Option<PathBuf>,

    /// Stop after N papers
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Overwrite existing output and rejects files
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Go on with the next one
    Skip,
    /// Stop; what was minted before stays minted
    Stop,
}

impl OnError {
    fn name(self) -> &'static str {
        match self {
            OnError::Skip => "skip",
            OnError::Stop => "stop",
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SelfCheckArg {
    /// Verify a group's signatures together
    Batch,
    /// Verify each signature on its own
    Strict,
}

impl From<SelfCheckArg> for SelfCheck {
    fn from(arg: SelfCheckArg) -> Self {
        match arg {
            SelfCheckArg::Batch => SelfCheck::Batch,
            SelfCheckArg::Strict => SelfCheck::Strict,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnChangeArg {
    /// It keeps its number
    Keep,
    /// It gets a second number
    Mint,
}

impl OnChangeArg {
    fn name(self) -> &'static str {
        match self {
            OnChangeArg::Keep => "keep",
            OnChangeArg::Mint => "mint",
        }
    }
}

impl From<OnChangeArg> for OnChange {
    fn from(arg: OnChangeArg) -> Self {
        match arg {
            OnChangeArg::Keep => OnChange::Keep,
            OnChangeArg::Mint => OnChange::Mint,
        }
    }
}

pub fn run(args: MintArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let from_stdin = args
        .input
        .inputs
        .iter()
        .any(|input| input == Path::new("-"));
    if from_stdin && args.unlock.passphrase.reads_stdin() {
        let problem = "the input and the passphrase cannot both come from stdin";
        return Err(
            Failure::new(Exit::Usage, problem).hint("use --passphrase-fd with another descriptor")
        );
    }
    let outputs = [args.bundles.as_deref(), args.input.rejects.as_deref()];
    let mut inputs = args.input.inputs.clone();
    inputs.extend(args.snapshots.clone());
    context.check_outputs(Some(&home), &inputs, &outputs)?;
    if let Some(out) = &args.bundles {
        Format::of(out)?;
    }
    // A name that is wrong is known before anything is done.
    let feed = open_feed(&args, context)?;
    let snapshots = read_snapshots(&args)?;
    if args.dry_run {
        preview(&args, context, &home, feed)
    } else {
        carry_out(&args, context, &home, feed, &snapshots)
    }
}

/// The content of snapshots, if there is any.
fn read_snapshots(args: &MintArgs) -> Result<Snapshots, Failure> {
    let Some(path) = &args.snapshots else {
        return Ok(Snapshots::default());
    };
    let file = File::open(path).map_err(FileError::io("open", path))?;
    Snapshots::read(BufReader::new(file)).map_err(|error| {
        let exit = match error {
            SnapshotsError::Io(_) => Exit::Io,
            _ => Exit::Refused,
        };
        Failure::new(exit, format!("{}: {error}", path.display()))
            .hint("nothing was minted; docs/BATCH.md says what a line holds")
    })
}

fn open_feed(args: &MintArgs, context: &Context) -> Result<Feed, Failure> {
    let stdin = Box::new(PatientStdin::new(context.interrupt_flag()));
    Ok(Feed::new(RawReader::open(&args.input.inputs, stdin)?))
}

/// How a run ended, if not with a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// All input was gone through, or as much as `--limit` said.
    Complete,
    /// An input was rejected, and `--on-error stop` was given.
    Stopped,
    /// An input could not be read to its end.
    Incomplete,
    /// An interrupt came.
    Interrupted,
}

/// Says what would be done.
fn preview(args: &MintArgs, context: &Context, home: &Home, feed: Feed) -> Result<Exit, Failure> {
    let ledger = context.ledger(home)?;
    let mut minter = Minter::new(Setting {
        writes: false,
        // Nothing is written: rejections are told, and counted.
        rejects: Rejects::new(None, context),
        ..setting(args, context, &ledger, &feed)
    });
    let ended = mint_all(args, feed, None, &mut minter)?;
    close(args, context, minter, ended)
}

/// Does it.
fn carry_out(
    args: &MintArgs,
    context: &Context,
    home: &Home,
    mut feed: Feed,
    snapshots: &Snapshots,
) -> Result<Exit, Failure> {
    let (mut ledger, _lock) = context.locked_ledger(home)?;
    let started_at = context.now();
    let standing = match &args.bundles {
        Some(out) => Standing::at(out, args.force),
        None => Standing::Open,
    };
    let keyset = home.keyset()?;
    // A complete OUT is left alone: then nothing may be signed, only compared.
    let key = match standing {
        Standing::Complete => None,
        Standing::Open => {
            context.warn_of_fixed_time();
            let (id, unlock) = (args.key.as_ref(), args.unlock.clone());
            Some(open_signing_key(home, id, unlock, context.now())?)
        }
    };
    let issuer = match &key {
        Some(key) => Issuer::new(
            &home.profile,
            key,
            &keyset,
            &mut ledger,
            args.self_check.into(),
        )?,
        None => {
            let key = public_key(args, &keyset)?;
            Issuer::unsigning(&home.profile, &key, &keyset, &ledger)?
        }
    };
    let output = output_of(args);
    let resumable = key
        .as_ref()
        .and_then(|key| Resumable::of(args, &home.profile, key.public(), snapshots.sha256()));
    let place = match (&resumable, ledger.unfinished(&output)?) {
        (Some(resumable), Some(kept)) => resumable.place_of(&kept),
        _ => None,
    };
    let resumed = match place {
        Some(place) => resume(args, context, place, &mut feed)?,
        None => None,
    };
    if resumed.is_none() {
        // What stands there under the partial names is about to be written over.
        ledger.group::<_, LedgerError>(|group| group.remove_unfinished(&output))?;
        if feed.moved() {
            feed = open_feed(args, context)?;
        }
    }
    let mut setting = setting(args, context, &ledger, &feed);
    match resumed {
        Some((place, sink, rejects)) => {
            (setting.sink, setting.rejects) = (sink, rejects);
            setting.read = place.read;
            setting.summary.resume(place.counts);
            let done = counted(setting.summary.resumed_after, "paper");
            context.note(&format!(
                "an earlier run had done {done}; going on from there"
            ));
        }
        None => {
            let sink = args.bundles.as_deref();
            setting.sink = sink
                .map(|out| BundleSink::create(out, standing))
                .transpose()?;
        }
    }
    setting.resumable = resumable;
    setting.signing = key
        .as_ref()
        .map(|key| (key.public().key_id.clone(), started_at));
    context.catch_interrupts()?;
    let mut minter = Minter::new(setting);
    let ended = mint_all(args, feed, Some((&issuer, snapshots)), &mut minter)?;
    minter.commit()?;
    if let Some(path) = &args.snapshots {
        let (filled, all) = (minter.filled, snapshots.len() as u64);
        context.note(&format!(
            "{} filled; {} of {} not used, of papers that this run has not minted",
            counted(filled, "snapshot"),
            counted(all.saturating_sub(filled), "line"),
            path.display()
        ));
    }
    if ended == Ended::Complete
        && let Some(sink) = minter.setting.sink.take()
    {
        sink.finish(args.force)?;
    }
    let over = ended == Ended::Complete;
    let group = ledger.begin()?;
    if over {
        group.remove_unfinished(&output)?;
    }
    minter.record_run(&group, over)?;
    group.commit()?;
    close(args, context, minter, ended)
}

/// Goes to `place` in the inputs and outputs; `None` if they are not what they were, and all has to
/// be gone through from the beginning.
fn resume<'a>(
    args: &'a MintArgs,
    context: &'a Context,
    place: Place,
    feed: &mut Feed,
) -> Result<Option<(Place, Option<BundleSink>, Rejects<'a>)>, Failure> {
    // The inputs first: looking at them changes nothing.
    if !feed.skip_to(&place.read) {
        return Ok(None);
    }
    let path = args.input.rejects.as_deref();
    let counts = &place.counts.rejected;
    let rejects = Rejects::resume(path, context, counts, place.rejects.as_ref())?;
    let Some(rejects) = rejects else {
        return Ok(None);
    };
    let sink = match (&args.bundles, &place.bundles) {
        (None, None) => None,
        (Some(out), Some(bundles)) => match BundleSink::resume(out, bundles)? {
            Some(sink) => Some(sink),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some((place, sink, rejects)))
}

fn setting<'a>(
    args: &'a MintArgs,
    context: &'a Context,
    ledger: &'a Ledger,
    feed: &Feed,
) -> Setting<'a> {
    Setting {
        context,
        ledger,
        writes: true,
        on_change: args.on_change.into(),
        stop_at_rejection: args.on_error == OnError::Stop,
        limit: args.limit,
        sink: None,
        rejects: Rejects::new(args.input.rejects.as_deref(), context),
        summary: Summary::new(args.dry_run),
        meter: Meter::new(context, feed.progress()),
        resumable: None,
        read: feed.place(),
        signing: None,
    }
}

/// The key under which a complete OUT was most likely written.
fn public_key(args: &MintArgs, keyset: &Keyset) -> Result<PublicKeyObject, Failure> {
    let entry = match &args.key {
        Some(id) => keyset.named(id),
        None => keyset.active().next().or(keyset.keys.first()),
    };
    entry.map(|entry| entry.key.clone()).ok_or_else(|| {
        Failure::new(Exit::Usage, "this home has no key")
            .hint("make one with `pith key generate --id ID`")
    })
}

/// Takes everything from the feed through the pipeline.
fn mint_all(
    args: &MintArgs,
    mut feed: Feed,
    issuing: Option<(&Issuer<'_>, &Snapshots)>,
    minter: &mut Minter<'_>,
) -> Result<Ended, Failure> {
    let issuer = issuing.map(|(issuer, _)| issuer);
    let options = ReadOptions {
        allow_non_ascii: args.input.allow_non_ascii,
    };
    let format = minter.setting.sink.as_ref().map(BundleSink::format);
    let ended = pipeline::run(
        args.jobs.unwrap_or_else(all_cores),
        move |source| {
            std::thread::spawn(move || {
                while source.wanted() {
                    match feed.next_chunk() {
                        Some(chunk) => source.give(chunk),
                        None => return source.end(),
                    }
                }
            });
        },
        |chunk| PreparedChunk::of(chunk, options, issuing),
        |chunk| perform(chunk, issuer, format, |error| failed(args, error)),
        minter,
    )?;
    Ok(match minter.cut {
        Some(Cut::Rejection) => Ended::Stopped,
        None if !ended => Ended::Interrupted,
        _ if minter.exit != Exit::Done => Ended::Incomplete,
        Some(Cut::Limit) | None => Ended::Complete,
    })
}

/// A complete OUT is compared; if something would have to be signed for it, it is another one.
fn failed(args: &MintArgs, error: MintError) -> Failure {
    match (&args.bundles, error) {
        (Some(out), error @ MintError::NothingMayBeSigned { .. }) => Failure::new(
            Exit::Io,
            format!(
                "{} exists already and is not what this command writes: {error}",
                out.display()
            ),
        )
        .hint("--force writes it anew; or name another OUT"),
        (_, error) => error.into(),
    }
}

/// Says what was done, and completes the rejects file.
fn close(
    args: &MintArgs,
    context: &Context,
    mut minter: Minter<'_>,
    ended: Ended,
) -> Result<Exit, Failure> {
    minter.setting.summary.interrupted = ended == Ended::Interrupted;
    minter.setting.summary.end();
    drop(minter.setting.meter);
    if context.json() {
        output::json(&minter.setting.summary)?;
    } else {
        context.note(&minter.setting.summary.text());
    }
    match ended {
        Ended::Complete => Ok(minter
            .exit
            .worst(minter.setting.rejects.finish(args.force)?)),
        Ended::Stopped => {
            let exit = minter.exit.worst(minter.setting.rejects.stop());
            context.note(
                "stopped: outputs stay .partial: mend the input, and the same command goes on",
            );
            Ok(exit)
        }
        // What was written so far is no result; outputs keep the name they grow under.
        Ended::Interrupted => {
            context.note("interrupted: what is counted is in the ledger; the same command goes on");
            Ok(Exit::Interrupted)
        }
        Ended::Incomplete => {
            context.note("outputs stay .partial: mend the input, and the same command goes on");
            Ok(Exit::Io)
        }
    }
}
