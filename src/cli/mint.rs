//! `pith mint`: issue records for the papers of an input, and write their bundles.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::arxiv::Paper;
use crate::canonical::Json;
use crate::keys::KeyId;
use crate::ledger::Run;
use crate::mint::{
    Done, Fate, Issuer, KeyBook, MintError, MintOptions, OnChange, bundles_as_issued, dry_run,
    mint_group,
};
use crate::time::TimestampMicros;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::InputArgs;
use super::bundle::BundleSink;
use super::context::{Context, JSON_SCHEMA, all_cores};
use super::error::{Exit, Failure};
use super::input::Papers;
use super::key::SoftwareKey;
use super::output;
use super::progress::Meter;
use super::secrets::UnlockArgs;

/// How many papers go into one transaction.
const GROUP: usize = 256;

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
    fn of_history(&self) -> Json {
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
    let mut papers = Papers::open(&args.input, context)?;
    let mut summary = Summary::new(args.dry_run);
    let exit = if args.dry_run {
        let ledger = context.ledger(&home)?;
        let on_change = args.on_change.into();
        let exit = in_groups(&args, context, &mut papers, &mut summary, |group| {
            Ok(dry_run(&ledger, group, on_change)?
                .into_iter()
                .map(|(fate, number)| Done {
                    fate,
                    number,
                    bundle: None,
                })
                .collect())
        })?;
        exit.worst(papers_finish(papers, &mut summary, args.force)?)
    } else {
        let (mut ledger, _lock) = context.locked_ledger(&home)?;
        let started_at = context.now();
        // A complete OUT is left alone: then nothing may be signed, only compared.
        let complete = args.bundles.as_deref().is_some_and(exists) && !args.force;
        let mut sink = args
            .bundles
            .as_deref()
            .map(BundleSink::create)
            .transpose()?;
        let key = if complete {
            None
        } else {
            context.warn_of_fixed_time();
            Some(SoftwareKey::open(
                &home,
                args.key.as_ref(),
                args.unlock.clone(),
            )?)
        };
        let issuer = key
            .as_ref()
            .map(|key| Issuer::new(&home.profile, key, key.public.clone(), &mut ledger))
            .transpose()?;
        let book = KeyBook::of(&ledger)?;
        context.catch_interrupts()?;
        let options = MintOptions {
            on_change: args.on_change.into(),
            bundles: sink.is_some(),
            jobs: args.jobs.unwrap_or_else(all_cores),
        };
        let exit = in_groups(&args, context, &mut papers, &mut summary, |group| {
            let done = match &issuer {
                Some(issuer) => mint_group(issuer, &mut ledger, group, context.now(), options)?,
                None => bundles_as_issued(&home.profile, &book, &ledger, group, options.on_change)
                    .map_err(|error| out_exists(&args, error))?,
            };
            if let Some(sink) = &mut sink {
                for done in &done {
                    sink.write(done.bundle.as_deref().unwrap_or_default())?;
                }
            }
            Ok(done)
        })?;
        let exit = exit.worst(papers_finish(papers, &mut summary, args.force)?);
        if let Some(sink) = sink
            && !summary.interrupted
        {
            sink.finish(args.force)?;
        }
        if issuer.is_some() {
            ledger.record_run(&history(
                summary.of_history(),
                started_at,
                context.now(),
                key.as_ref(),
            ))?;
        }
        exit
    };
    summary.seconds = started.elapsed().as_secs_f64();
    summary.papers_per_second = summary.papers() as f64 / summary.seconds.max(1e-6);
    if context.json() {
        output::json(&summary)?;
    } else {
        context.note(&summary.text());
    }
    Ok(exit)
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

fn papers_finish(papers: Papers, summary: &mut Summary, force: bool) -> Result<Exit, Failure> {
    summary.deleted = papers.deleted;
    summary.rejected = papers.rejected().clone();
    papers.finish(force)
}

/// Reads papers in groups, has each group done, and counts what became of them.
fn in_groups(
    args: &MintArgs,
    context: &Context,
    papers: &mut Papers,
    summary: &mut Summary,
    mut work: impl FnMut(&[Paper]) -> Result<Vec<Done>, Failure>,
) -> Result<Exit, Failure> {
    let mut meter = Meter::new(context, papers.progress());
    let mut left = args.limit.unwrap_or(u64::MAX);
    let stop_at_rejects = args.on_error == OnError::Stop;
    loop {
        let mut group = Vec::with_capacity(GROUP);
        let mut stop = false;
        while group.len() < GROUP && left > 0 && !stop {
            let rejected_before = papers.rejected().len();
            match papers.next()? {
                // A rejected input stood before this paper.
                Some(_) if stop_at_rejects && papers.rejected().len() > rejected_before => {
                    stop = true
                }
                Some(paper) => group.push(paper),
                None => stop = true,
            }
            left -= 1;
        }
        let done = if group.is_empty() {
            Vec::new()
        } else {
            work(&group)?
        };
        for done in &done {
            summary.count(done.fate);
        }
        meter.add(done.len() as u64);
        if context.interrupted() {
            summary.interrupted = true;
            return Ok(Exit::Interrupted);
        }
        if stop || left == 0 {
            return Ok(Exit::Done);
        }
    }
}

fn history(
    summary: Json,
    started_at: TimestampMicros,
    finished_at: TimestampMicros,
    key: Option<&SoftwareKey>,
) -> Run {
    Run {
        verb: "mint".to_owned(),
        started_at,
        finished_at,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        key_id: key.map(|key| key.public.key_id.clone()),
        summary,
    }
}
