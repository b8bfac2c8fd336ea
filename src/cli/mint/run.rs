//! A run from the first chunk to the last word: through the pipeline, and what is said of it.

use std::fs::File;
use std::io::BufReader;

use crate::arxiv::{RawReader, ReadOptions};
use crate::files::FileError;
use crate::files::watch::{self, Access, Content};
use crate::ledger::Ledger;
use crate::mint::{Issuer, MintError, Snapshots, SnapshotsError};
use crate::pipeline;

use super::args::{MintArgs, OnError};
use super::feed::Feed;
use super::minter::{Cut, Minter, PreparedChunk, Setting, perform};
use super::summary::Summary;
use crate::cli::context::{Context, all_cores};
use crate::cli::error::{Exit, Failure};
use crate::cli::input::{PatientStdin, Rejects};
use crate::cli::output;
use crate::cli::progress::Meter;
use crate::cli::sink::BundleSink;

/// How a run ended, if not with a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All input was gone through, or as much as `--limit` said.
    Complete,
    /// An input was rejected, and `--on-error stop` was given.
    Stopped,
    /// An input could not be read to its end.
    Incomplete,
    /// An interrupt came.
    Interrupted,
}

/// Opens every input, so that a name that is wrong is known before anything is done.
pub fn open_feed(args: &MintArgs, context: &Context) -> Result<Feed, Failure> {
    let stdin = Box::new(PatientStdin::new(context.interrupt_flag()));
    Ok(Feed::new(RawReader::open(&args.input.inputs, stdin)?))
}

/// The content of snapshots, if there is any.
pub fn read_snapshots(args: &MintArgs) -> Result<Snapshots, Failure> {
    let Some(path) = &args.snapshots else {
        return Ok(Snapshots::default());
    };
    let file = File::open(path).map_err(FileError::io("open", path))?;
    watch::note(path, Access::Read, || Content::AtEnd);
    Snapshots::read(BufReader::new(file)).map_err(|error| {
        let exit = match error {
            SnapshotsError::Io(_) => Exit::Io,
            _ => Exit::Refused,
        };
        Failure::new(exit, format!("{}: {error}", path.display()))
            .hint("nothing was minted; docs/BATCH.md says what a line holds")
    })
}

/// A run that writes to the ledger alone, and has not begun.
pub fn setting<'a>(
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

/// Takes everything from the feed through the pipeline.
pub fn mint_all(
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
    let chunks = std::iter::from_fn(move || {
        let chunk = feed.next_chunk()?;
        let size = chunk.size;
        Some((chunk, size))
    });
    let ended = pipeline::run(
        args.jobs.unwrap_or_else(all_cores),
        chunks,
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
pub fn close(
    args: &MintArgs,
    context: &Context,
    mut minter: Minter<'_>,
    ended: Ended,
) -> Result<Exit, Failure> {
    drop(minter.setting.meter);
    tell(&mut minter.setting.summary, context, ended)?;
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
        Ended::Interrupted => Ok(interrupted(context)),
        Ended::Incomplete => {
            context.note("outputs stay .partial: mend the input, and the same command goes on");
            Ok(Exit::Io)
        }
    }
}

/// Says what a run did, in numbers.
fn tell(summary: &mut Summary, context: &Context, ended: Ended) -> Result<(), Failure> {
    summary.complete = ended == Ended::Complete;
    summary.interrupted = ended == Ended::Interrupted;
    summary.end();
    if context.json() {
        output::json(summary)
    } else {
        context.note(&summary.text());
        Ok(())
    }
}

/// Says that nothing was done before an interrupt came.
pub fn close_before_it_began(context: &Context) -> Result<Exit, Failure> {
    tell(&mut Summary::new(false), context, Ended::Interrupted)?;
    Ok(interrupted(context))
}

fn interrupted(context: &Context) -> Exit {
    context.note("interrupted: what is counted is in the ledger; the same command goes on");
    Exit::Interrupted
}
