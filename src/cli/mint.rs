//! `pith mint`: issue records for the papers of an input, and write their bundles.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::arxiv::Paper;
use crate::canonical::Json;
use crate::home::Home;
use crate::keys::KeyId;
use crate::ledger::Run;
use crate::mint::{
    Fate, Issuer, KeyBook, MintError, MintOptions, OnChange, bundles_as_issued, dry_run, mint_group,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::InputArgs;
use super::context::{Context, JSON_SCHEMA, all_cores};
use super::error::{Exit, Failure};
use super::input::Papers;
use super::key::open_signing_key;
use super::output;
use super::progress::Meter;
use super::secrets::UnlockArgs;
use super::sink::BundleSink;

/// How many papers go into one transaction.
const GROUP: usize = 256;

/// How many papers with changed metadata are named.
const SHOWN: u64 = 10;

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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnChangeArg {
    /// It keeps its number
    Keep,
    /// It gets a second number
    Mint,
}

impl From<OnChangeArg> for OnChange {
    fn from(arg: OnChangeArg) -> Self {
        match arg {
            OnChangeArg::Keep => OnChange::Keep,
            OnChangeArg::Mint => OnChange::Mint,
        }
    }
}

/// What a run did.
#[derive(Debug, Serialize)]
pub struct Summary {
    schema_version: &'static str,
    /// Papers minted.
    pub minted: u64,
    /// Papers that the ledger held.
    pub already_minted: u64,
    /// Papers that keep their number though their metadata changed.
    pub metadata_changed: u64,
    /// Papers that a harvest reported as deleted.
    pub deleted: u64,
    /// Rejected inputs, by code.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Whether nothing was really done.
    pub dry_run: bool,
    /// Whether the run was cut short by an interrupt.
    pub interrupted: bool,
    seconds: f64,
    papers_per_second: f64,
}

impl Summary {
    fn new(dry_run: bool) -> Self {
        Summary {
            schema_version: JSON_SCHEMA,
            minted: 0,
            already_minted: 0,
            metadata_changed: 0,
            deleted: 0,
            rejected: BTreeMap::new(),
            dry_run,
            interrupted: false,
            seconds: 0.0,
            papers_per_second: 0.0,
        }
    }

    fn count(&mut self, fate: Fate) {
        *match fate {
            Fate::Minted => &mut self.minted,
            Fate::AlreadyMinted => &mut self.already_minted,
            Fate::MetadataChanged => &mut self.metadata_changed,
        } += 1;
    }

    /// Papers that went through.
    fn papers(&self) -> u64 {
        self.minted + self.already_minted + self.metadata_changed
    }

    /// What the ledger keeps of a run: the counts.
    fn of_history(&self, fixed_time: bool) -> Json {
        let count = |n: u64| i64::try_from(n).map_or(Json::UInt(n), Json::Int);
        let rejected = self
            .rejected
            .iter()
            .map(|(code, n)| ((*code).to_owned(), count(*n)));
        Json::Object(BTreeMap::from([
            ("minted".to_owned(), count(self.minted)),
            ("already_minted".to_owned(), count(self.already_minted)),
            ("metadata_changed".to_owned(), count(self.metadata_changed)),
            ("deleted".to_owned(), count(self.deleted)),
            ("rejected".to_owned(), Json::Object(rejected.collect())),
            ("interrupted".to_owned(), Json::Bool(self.interrupted)),
            ("fixed_time".to_owned(), Json::Bool(fixed_time)),
        ]))
    }

    fn text(&self) -> String {
        let rejected: u64 = self.rejected.values().sum();
        let verb = if self.dry_run {
            "would be minted"
        } else {
            "minted"
        };
        let mut text = format!(
            "{} {verb}, {} already minted",
            self.minted, self.already_minted
        );
        for (count, what) in [
            (self.metadata_changed, "metadata changed"),
            (self.deleted, "deleted"),
            (rejected, "rejected"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        let codes: Vec<_> = self
            .rejected
            .iter()
            .map(|(code, n)| format!("{code} {n}"))
            .collect();
        if !codes.is_empty() {
            text.push_str(&format!(" ({})", codes.join(", ")));
        }
        text + &format!(
            " in {:.1} s, {:.0} papers/s",
            self.seconds, self.papers_per_second
        )
    }
}

pub fn run(args: MintArgs, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
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
    context.check_outputs(Some(&home), &args.input.inputs, &outputs)?;
    let mut papers = Papers::open(&args.input, context)?;
    let mut summary = Summary::new(args.dry_run);
    let ended = if args.dry_run {
        preview(&args, context, &home, &mut papers, &mut summary)?
    } else {
        carry_out(&args, context, &home, &mut papers, &mut summary)?
    };
    summary.deleted = papers.deleted;
    summary.seconds = started.elapsed().as_secs_f64();
    summary.papers_per_second = summary.papers() as f64 / summary.seconds.max(1e-6);
    if context.json() {
        output::json(&summary)?;
    } else {
        context.note(&summary.text());
    }
    match ended {
        Ended::Stopped | Ended::Complete => papers.finish(args.force),
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
fn preview(
    args: &MintArgs,
    context: &Context,
    home: &Home,
    papers: &mut Papers,
    summary: &mut Summary,
) -> Result<Ended, Failure> {
    let ledger = context.ledger(home)?;
    let on_change = args.on_change.into();
    in_groups(args, context, papers, summary, |group| {
        let fates = dry_run(&ledger, group, on_change)?;
        Ok(fates.into_iter().map(|(fate, _)| fate).collect())
    })
}

/// Does it.
fn carry_out(
    args: &MintArgs,
    context: &Context,
    home: &Home,
    papers: &mut Papers,
    summary: &mut Summary,
) -> Result<Ended, Failure> {
    let (mut ledger, _lock) = context.locked_ledger(home)?;
    let started_at = context.now();
    // A complete OUT is left alone: then nothing may be signed, only compared.
    let complete = args.bundles.as_deref().is_some_and(exists) && !args.force;
    let key = if complete {
        None
    } else {
        context.warn_of_fixed_time();
        let (id, unlock) = (args.key.as_ref(), args.unlock.clone());
        Some(open_signing_key(home, id, unlock, context.now())?)
    };
    let keyset = home.keyset()?;
    let issuer = key
        .as_ref()
        .map(|key| Issuer::new(&home.profile, key, &keyset, &mut ledger))
        .transpose()?;
    let book = KeyBook::of(&ledger)?;
    let mut sink = args
        .bundles
        .as_deref()
        .map(BundleSink::create)
        .transpose()?;
    context.catch_interrupts()?;
    let options = MintOptions {
        on_change: args.on_change.into(),
        bundles: sink.is_some(),
        jobs: args.jobs.unwrap_or_else(all_cores),
    };
    let mut changed_shown = 0;
    let ended = in_groups(args, context, papers, summary, |group| {
        let done = match &issuer {
            Some(issuer) => mint_group(issuer, &mut ledger, group, context.now(), options)?,
            None => bundles_as_issued(&home.profile, &book, &ledger, group, options.on_change)
                .map_err(|error| out_exists(args, error))?,
        };
        if let Some(sink) = &mut sink {
            for wire in done.iter().filter_map(|done| done.bundle.as_deref()) {
                sink.write(wire)?;
            }
        }
        for (paper, done) in group.iter().zip(&done) {
            if done.fate == Fate::MetadataChanged && changed_shown < SHOWN {
                changed_shown += 1;
                let (id, version, number) = (paper.id(), paper.version(), done.number);
                context.note(&format!(
                    "arXiv:{id}v{version} has other metadata now and keeps {number}"
                ));
            }
        }
        Ok(done.iter().map(|done| done.fate).collect())
    })?;
    if let (Some(sink), Ended::Complete) = (sink, ended) {
        sink.finish(args.force)?;
    }
    if let Some(key) = &key {
        ledger.record_run(&Run {
            verb: "mint".to_owned(),
            started_at,
            finished_at: context.now(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            key_id: Some(key.public().key_id.clone()),
            summary: summary.of_history(context.fixed_now().is_some()),
        })?;
    }
    Ok(ended)
}

fn exists(path: &Path) -> bool {
    path != Path::new("-") && path.symlink_metadata().is_ok()
}

fn out_exists(args: &MintArgs, error: MintError) -> Failure {
    let out = args.bundles.as_deref().unwrap_or(Path::new("OUT"));
    match error {
        MintError::NothingMayBeSigned { .. } => Failure::new(
            Exit::Io,
            format!(
                "{} exists already and is not what this command writes: {error}",
                out.display()
            ),
        )
        .hint("--force writes it anew; or name another OUT"),
        error => error.into(),
    }
}

/// Reads papers in groups, has each group done, and counts what became of them.
fn in_groups(
    args: &MintArgs,
    context: &Context,
    papers: &mut Papers,
    summary: &mut Summary,
    mut work: impl FnMut(&[Paper]) -> Result<Vec<Fate>, Failure>,
) -> Result<Ended, Failure> {
    let mut meter = Meter::new(context, papers.progress());
    papers.stop_at_rejection = args.on_error == OnError::Stop;
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut ended = None;
    while ended.is_none() {
        let mut group = Vec::with_capacity(GROUP);
        while group.len() < GROUP && ended.is_none() {
            if left == 0 {
                ended = Some(Ended::Complete);
                break;
            }
            if let Some(paper) = papers.next()? {
                group.push(paper);
                left -= 1;
            } else if papers.stop_at_rejection && papers.any_rejected() {
                ended = Some(Ended::Stopped);
            } else if papers.read_whole() {
                ended = Some(Ended::Complete);
            } else {
                ended = Some(Ended::Incomplete);
            }
        }
        let fates = if group.is_empty() {
            Vec::new()
        } else {
            work(&group)?
        };
        meter.add(fates.len() as u64);
        for fate in fates {
            summary.count(fate);
        }
        summary.rejected.clone_from(papers.rejected());
        if context.interrupted() {
            summary.interrupted = true;
            ended = Some(Ended::Interrupted);
        }
    }
    Ok(ended.unwrap_or(Ended::Complete))
}
