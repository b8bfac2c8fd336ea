//! `pith publish`: write what a plain web server needs to be a mirror.

use std::cell::OnceCell;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde::Serialize;

use super::bundler::{Bundler, Sealing};
use super::context::{Context, JSON_SCHEMA, all_cores};
use super::error::{Exit, Failure};
use super::output;
use super::secrets::UnlockArgs;
use crate::files::FileError;
use crate::home::Home;
use crate::keys::KeyId;
use crate::ledger::Numbers;
use crate::pipeline::{self, Planned, PlannedBy, Steps};
use crate::publish::{
    FileOf, Folder, Made, Maker, Memory, Pages, PublishError, Put, RootFiles, search,
};

/// How many records are handed to a thread at once.
const AT_ONCE: usize = 64;

/// How many records are looked at in one go, if few of them have changed.
const LOOKED_AT: usize = 4096;

/// After how many records the files are synced and remembered.
const SYNC_AFTER: u64 = 8192;

/// What a record weighs while it is published, in bytes: bundle, state, page.
const WEIGHT: usize = 48 << 10;

/// Write a mirror to a folder: bundles, states, pages, keys and a search index
///
/// Any web server can serve the folder as it is. Publishing again writes what has changed, and goes on
/// where a run was stopped. Signs, as `pith bundle` does, only what changed since it was sealed.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The folder: a new one, an empty one, or one that was published to before
    #[arg(value_name = "DEST")]
    dest: PathBuf,

    /// Put a compressed copy, FILE.gz, beside each file, for web servers that hand those out
    #[arg(long)]
    gzip: bool,

    /// Compare every file instead of relying on what was noted, and mend what differs
    #[arg(long)]
    recheck: bool,

    /// Take over a folder that holds files and no note of what was published
    #[arg(long)]
    adopt: bool,

    /// How many threads write [default: one a core]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// The key to sign with [default: the home's active key]
    #[arg(long, value_name = "ID")]
    key: Option<KeyId>,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Done<'a> {
    schema_version: &'static str,
    destination: &'a str,
    /// Whether all that was to be published is.
    complete: bool,
    #[serde(flatten)]
    count: Count,
}

/// How many records were gone through.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    records: u64,
    /// Of which a file was written.
    written: u64,
    /// Of which none had to be.
    unchanged: u64,
}

pub fn run(args: PublishArgs, context: &Context) -> Result<Exit, Failure> {
    refuse_addresses(&args.dest)?;
    let home = context.home()?;
    context.check_outputs(Some(&home), &[], &[Some(&args.dest)])?;
    let ledger = context.ledger(&home)?;
    let maker = maker(&home)?;
    let root = RootFiles::of(&home)?;
    std::fs::create_dir_all(&args.dest).map_err(FileError::io("make the folder", &args.dest))?;
    let memory = Memory::open(&args.dest, &home.profile.registry_id, args.adopt)?;
    let folder = Folder::new(&args.dest, args.gzip);
    context.catch_interrupts()?;
    // Pages come after what they load.
    root.write(&folder)?;
    let key = OnceCell::new();
    let sealing = Sealing {
        key: args.key.as_ref(),
        unlock: &args.unlock,
    };
    let mut publishing = Publishing {
        bundler: Bundler::new(sealing, context, &home, &ledger, &key)?,
        numbers: ledger.numbers(),
        memory: &memory,
        folder: &folder,
        maker: &maker,
        // What was noted says nothing of copies that were not wanted then.
        recheck: args.recheck || args.gzip,
        count: Count::default(),
        since_sync: 0,
        interrupted: context.interrupt_flag(),
    };
    let jobs = args.jobs.unwrap_or_else(all_cores);
    // The ledger is read by the thread that decides, so what goes round is only the leave to read on.
    let turns = std::iter::repeat_with(|| ((), AT_ONCE * WEIGHT));
    let perform = |bundles| write_records(bundles, &maker, &folder);
    pipeline::run(jobs, turns, |()| (), perform, &mut publishing)?;
    publishing.settle()?;
    let count = publishing.count;
    let complete = !context.interrupted();
    if complete {
        search::write(&memory, &folder)?;
        let index = maker
            .pages()
            .index(memory.count()?, &home.profile.mirrors)?;
        folder.put("index.html", index.as_bytes())?;
        folder.sync()?;
    }
    report(&args.dest, complete, count, context)
}

/// What makes the files of this home's records.
pub fn maker(home: &Home) -> Result<Maker, PublishError> {
    let overrides = home.dir().join("templates/pages");
    Ok(Maker::new(Pages::new(
        &home.profile.registry_id,
        Some(&overrides),
    )?))
}

fn report(dest: &Path, complete: bool, count: Count, context: &Context) -> Result<Exit, Failure> {
    let shown = dest.display().to_string();
    if context.json() {
        output::json(&Done {
            schema_version: JSON_SCHEMA,
            destination: &shown,
            complete,
            count,
        })?;
    }
    let Count {
        records,
        written,
        unchanged,
    } = count;
    let records = output::counted(records, "record", "records");
    context.note(&format!(
        "{records}: {written} written, {unchanged} unchanged: {shown}"
    ));
    if !complete {
        context.note("interrupted: the same command goes on, and writes the search index");
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::Done)
}

/// Addresses would be taken for names of folders.
fn refuse_addresses(dest: &Path) -> Result<(), Failure> {
    let text = dest.to_string_lossy();
    if !text.contains("://") {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        format!("{text} is an address, and publishing writes to a folder"),
    )
    .hint("publish to a folder and copy it there; docs/PUBLISHING.md says how"))
}

/// Makes and writes the files of records; says of each whether any had to be written.
fn write_records(
    bundles: Vec<Vec<u8>>,
    maker: &Maker,
    folder: &Folder,
) -> Result<Vec<(Made, Put)>, PublishError> {
    let write = |bundle| {
        let made = maker.make(bundle)?;
        let mut all = Put::Unchanged;
        for file in FileOf::ALL {
            let (path, content) = (file.path(&made.suffix), made.content(file));
            let put = match file {
                FileOf::WellKnown => {
                    folder.put_same(&path, &FileOf::Bundle.path(&made.suffix), content)
                }
                _ => folder.put(&path, content),
            };
            if put? == Put::Written {
                all = Put::Written;
            }
        }
        Ok((made, all))
    };
    bundles.into_iter().map(write).collect()
}

struct Publishing<'a> {
    bundler: Bundler<'a>,
    numbers: Numbers<'a>,
    memory: &'a Memory,
    folder: &'a Folder,
    maker: &'a Maker,
    recheck: bool,
    count: Count,
    since_sync: u64,
    interrupted: Arc<AtomicBool>,
}

impl Publishing<'_> {
    /// Syncs what was written, and only then says that it is there.
    fn settle(&mut self) -> Result<(), Failure> {
        self.folder.sync()?;
        self.memory.commit()?;
        self.since_sync = 0;
        Ok(())
    }
}

impl Steps for Publishing<'_> {
    type Prepared = ();
    type Planned = Vec<Vec<u8>>;
    type Performed = Result<Vec<(Made, Put)>, PublishError>;
    type Error = Failure;

    fn plan(&mut self, (): (), _under_way: usize) -> Result<PlannedBy<Self>, Failure> {
        let (mut changed, mut looked_at) = (Vec::new(), 0);
        while changed.len() < AT_ONCE && looked_at < LOOKED_AT {
            let Some(number) = self.numbers.next() else {
                if looked_at == 0 {
                    return Ok(Planned::Stop);
                }
                break;
            };
            let number = number?;
            looked_at += 1;
            let bundle = self.bundler.bundle(number)?;
            let made_from = self.maker.made_from(&bundle);
            if !self.recheck && self.memory.made_from(number.suffix())? == Some(made_from) {
                self.count.records += 1;
                self.count.unchanged += 1;
            } else {
                changed.push(bundle);
            }
        }
        // A bundle that is published is in the ledger.
        self.bundler.keep_seals()?;
        Ok(match changed.is_empty() {
            true => Planned::Done(Ok(Vec::new())),
            false => Planned::Go(changed),
        })
    }

    fn finish(&mut self, written: Self::Performed) -> Result<(), Failure> {
        for (made, put) in written? {
            self.memory.remember(&made)?;
            self.count.records += 1;
            self.since_sync += 1;
            match put {
                Put::Written => self.count.written += 1,
                Put::Unchanged => self.count.unchanged += 1,
            }
        }
        if self.since_sync >= SYNC_AFTER {
            self.settle()?;
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
