//! The steps of a run that keep the order: asking the ledger, and writing down.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::arxiv::{ArxivId, InputError, Item, ReadOptions, Rejection};
use crate::keys::KeyId;
use crate::ledger::{Ledger, LedgerError, Run, Transaction};
use crate::mint::{
    self, Fate, Group, Issuer, MintError, OnChange, Outcome, Prepared, Snapshots, plan, record,
};
use crate::number::PithNumber;
use crate::pipeline::{Planned, PlannedBy, Steps};
use crate::time::TimestampMicros;

use super::feed::{Chunk, Read};
use super::place::{Place, Resumable};
use super::summary::Summary;
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::input::Rejects;
use crate::cli::progress::Meter;
use crate::cli::sink::{BundleSink, Format, Frame};

/// How many papers go into one transaction, about.
const GROUP: u64 = 4096;

/// How long a transaction stays open, about: each one costs a wait for the disk.
const OPEN: Duration = Duration::from_millis(200);

/// How many papers with changed metadata are named.
const SHOWN: u64 = 10;

/// What stands at one place of the inputs, as far as it can be judged without the ledger.
pub enum Entry {
    Paper(Box<Prepared>),
    Rejected(Rejection),
    Deleted,
    Unreadable(InputError),
    /// The self-check found the record not to be the paper's.
    Unsound(MintError),
}

/// A chunk of inputs, prepared.
pub struct PreparedChunk {
    entries: Vec<Entry>,
    after: Read,
    whole: bool,
}

impl PreparedChunk {
    /// Parses what was read and makes the records.
    pub fn of(
        chunk: Chunk,
        options: ReadOptions,
        issuing: Option<(&Issuer<'_>, &Snapshots)>,
    ) -> Self {
        let entry = |item| match item {
            Item::Paper { paper, .. } => match issuing {
                Some((issuer, snapshots)) => match issuer.prepare(&paper) {
                    Ok(mut prepared) => {
                        prepared.content = snapshots.of(&prepared.record.source);
                        Entry::Paper(Box::new(prepared))
                    }
                    Err(error) => Entry::Unsound(error),
                },
                None => Entry::Paper(Box::new(Prepared::of(&paper))),
            },
            Item::Rejected(rejection) => Entry::Rejected(rejection),
            Item::Deleted { .. } => Entry::Deleted,
        };
        let units = chunk.units.into_iter();
        PreparedChunk {
            entries: units
                .map(|unit| match unit {
                    Ok(raw) => entry(raw.parse(options)),
                    Err(error) => Entry::Unreadable(error),
                })
                .collect(),
            after: chunk.after,
            whole: chunk.whole,
        }
    }

    fn papers(&self) -> impl Iterator<Item = &Prepared> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Paper(paper) => Some(&**paper),
            _ => None,
        })
    }
}

/// A chunk of which it is decided what to do.
pub struct PlannedChunk {
    items: Vec<mint::Item>,
    now: TimestampMicros,
    /// How many bundles come before it.
    bundles_before: u64,
    aside: Aside,
}

/// What goes along with a chunk until it is written down.
struct Aside {
    versions: Vec<(ArxivId, u32)>,
    rejections: Vec<Rejection>,
    deleted: u64,
    unreadable: Vec<InputError>,
    after: Read,
    /// Whether another run can go on behind the chunk.
    whole: bool,
}

/// A chunk that is ready to be written down.
pub struct PerformedChunk {
    done: Result<(Group, Vec<Frame>), Failure>,
    aside: Aside,
}

/// Signs and checks a chunk, and brings its bundles into their form.
pub fn perform(
    chunk: PlannedChunk,
    issuer: Option<&Issuer<'_>>,
    format: Option<Format>,
    failed: impl Fn(MintError) -> Failure,
) -> PerformedChunk {
    let Some(issuer) = issuer else {
        return PerformedChunk {
            done: Ok((Group::of_outcomes(chunk.items), Vec::new())),
            aside: chunk.aside,
        };
    };
    let carried_out = issuer.carry_out(chunk.items, chunk.now, format.is_some());
    let done = carried_out
        .map_err(failed)
        .and_then(|mut group| match format {
            None => Ok((group, Vec::new())),
            Some(format) => {
                let outcomes = group.outcomes.iter();
                let numbers: Vec<PithNumber> = outcomes.map(|outcome| outcome.number).collect();
                let bundles = std::mem::take(&mut group.bundles);
                let frames = format.frames(chunk.bundles_before, bundles, &numbers)?;
                Ok((group, frames))
            }
        });
    PerformedChunk {
        done,
        aside: chunk.aside,
    }
}

/// Why no more chunks are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// As many papers as `--limit` said went through.
    Limit,
    /// An input was rejected, and `--on-error stop` was given.
    Rejection,
}

/// What a run works with.
pub struct Setting<'a> {
    pub context: &'a Context,
    pub ledger: &'a Ledger,
    /// Whether the ledger is written to.
    pub writes: bool,
    pub on_change: OnChange,
    pub stop_at_rejection: bool,
    /// How many papers the run may go through.
    pub limit: Option<u64>,
    pub sink: Option<BundleSink>,
    pub rejects: Rejects<'a>,
    pub summary: Summary,
    pub meter: Meter,
    /// Set if the run can go on later.
    pub resumable: Option<Resumable>,
    /// The place behind what was written down.
    pub read: Read,
    /// The key that signs, and when the run began; `None` if nothing is signed.
    pub signing: Option<(KeyId, TimestampMicros)>,
}

/// Takes the steps.
pub struct Minter<'a> {
    pub setting: Setting<'a>,
    pub cut: Option<Cut>,
    /// [`Exit::Io`] once an input could not be read to its end.
    pub exit: Exit,
    transaction: Option<Transaction<'a>>,
    /// The run's row in the ledger's history.
    run: Option<i64>,
    since: Instant,
    uncommitted: u64,
    /// Whether a run that goes on later has to begin before here.
    frozen: bool,
    /// Papers and versions that are under way.
    under_way: HashSet<(ArxivId, u32)>,
    /// How many papers may still be planned.
    papers_left: u64,
    bundles_planned: u64,
    changed_shown: u64,
    /// Papers minted whose snapshots were filled.
    pub filled: u64,
    /// Bundles that are printed once they are recorded.
    to_print: Vec<Frame>,
}

impl<'a> Minter<'a> {
    pub fn new(setting: Setting<'a>) -> Self {
        let resumed_after = setting.summary.resumed_after;
        let bundles = setting.sink.as_ref().map_or(0, BundleSink::bundles);
        Minter {
            papers_left: setting
                .limit
                .map_or(u64::MAX, |limit| limit.saturating_sub(resumed_after)),
            bundles_planned: bundles,
            setting,
            cut: None,
            exit: Exit::Done,
            transaction: None,
            run: None,
            since: Instant::now(),
            uncommitted: 0,
            frozen: false,
            under_way: HashSet::new(),
            changed_shown: 0,
            filled: 0,
            to_print: Vec::new(),
        }
    }

    /// The transaction that is open, or one that begins now.
    fn transaction(&mut self) -> Result<&Transaction<'a>, Failure> {
        if self.transaction.is_none() {
            self.since = Instant::now();
            self.transaction = Some(if self.setting.writes {
                self.setting.ledger.begin()?
            } else {
                self.setting.ledger.begin_reading()?
            });
        }
        Ok(self.transaction.as_ref().expect("begun above"))
    }

    /// Makes everything so far reach the disk, with the place behind it.
    pub fn commit(&mut self) -> Result<(), Failure> {
        let Some(transaction) = self.transaction.take() else {
            return Ok(());
        };
        if !self.setting.writes {
            self.setting
                .meter
                .add(std::mem::take(&mut self.uncommitted));
            return Ok(());
        }
        // The outputs first: what the ledger says of them is true whenever it says so.
        let bundles = match &mut self.setting.sink {
            Some(sink) => sink.sync()?,
            None => None,
        };
        let rejects = self.setting.rejects.sync()?;
        if let Some(resumable) = &self.setting.resumable
            && !self.frozen
        {
            let place = Place {
                read: self.setting.read.clone(),
                bundles,
                rejects,
                counts: self.setting.summary.counts.clone(),
            };
            transaction.put_unfinished(&resumable.at(&place))?;
        }
        self.record_run(&transaction, false)?;
        transaction.commit()?;
        // What was printed cannot be taken back, so it is in the ledger before.
        for frame in std::mem::take(&mut self.to_print) {
            self.write(&frame)?;
        }
        if let Some(sink) = &mut self.setting.sink {
            sink.flush()?;
        }
        self.setting
            .meter
            .add(std::mem::take(&mut self.uncommitted));
        Ok(())
    }

    /// Notes in the ledger's history what the run has done; until it is over it counts as cut short.
    pub fn record_run(&mut self, ledger: &Transaction<'_>, over: bool) -> Result<(), LedgerError> {
        let Some((key_id, started_at)) = &self.setting.signing else {
            return Ok(());
        };
        let fixed_time = self.setting.context.fixed_now().is_some();
        let run = Run {
            verb: "mint".to_owned(),
            started_at: *started_at,
            finished_at: self.setting.context.now(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            key_id: Some(key_id.clone()),
            input_sha256: Some(self.setting.read.sha256),
            summary: self.setting.summary.of_history(fixed_time, over),
        };
        self.run = Some(ledger.record_run(self.run, &run)?);
        Ok(())
    }

    fn write(&mut self, frame: &Frame) -> Result<(), Failure> {
        match &mut self.setting.sink {
            Some(sink) => sink.write(frame),
            None => Ok(()),
        }
    }

    fn note_changed(&mut self, outcome: &Outcome) {
        if outcome.fate != Fate::MetadataChanged || self.changed_shown > SHOWN {
            return;
        }
        self.changed_shown += 1;
        let (arxiv, number) = (&outcome.arxiv, outcome.number);
        self.setting
            .context
            .note(&match self.changed_shown > SHOWN {
                false => format!("arXiv:{arxiv} has other metadata now and keeps {number}"),
                true => "more papers have other metadata now: they are counted, and not shown"
                    .to_owned(),
            });
    }

    /// Divides a chunk into papers and the rest, up to where the run is cut.
    fn divide(&mut self, chunk: PreparedChunk) -> Result<(Vec<Prepared>, Aside), Failure> {
        let mut papers = Vec::with_capacity(chunk.entries.len());
        let mut aside = Aside {
            versions: Vec::new(),
            rejections: Vec::new(),
            deleted: 0,
            unreadable: Vec::new(),
            after: chunk.after,
            whole: chunk.whole,
        };
        for entry in chunk.entries {
            if self.papers_left == 0 {
                self.cut = Some(Cut::Limit);
                break;
            }
            match entry {
                Entry::Paper(paper) => {
                    self.papers_left -= 1;
                    papers.push(*paper);
                }
                Entry::Rejected(rejection) => {
                    aside.rejections.push(rejection);
                    if self.setting.stop_at_rejection {
                        self.cut = Some(Cut::Rejection);
                        break;
                    }
                }
                Entry::Deleted => aside.deleted += 1,
                Entry::Unreadable(error) => aside.unreadable.push(error),
                Entry::Unsound(error) => return Err(error.into()),
            }
        }
        aside.whole &= self.cut.is_none();
        Ok((papers, aside))
    }
}

impl Steps for Minter<'_> {
    type Prepared = PreparedChunk;
    type Planned = PlannedChunk;
    type Performed = PerformedChunk;
    type Error = Failure;

    fn plan(&mut self, chunk: PreparedChunk, under_way: usize) -> Result<PlannedBy<Self>, Failure> {
        // The ledger does not know yet what is under way.
        if under_way > 0
            && chunk
                .papers()
                .any(|paper| self.under_way.contains(&paper.version()))
        {
            return Ok(Planned::Wait(chunk));
        }
        if self.papers_left == 0 {
            self.cut = Some(Cut::Limit);
            return Ok(Planned::Stop);
        }
        let (papers, mut aside) = self.divide(chunk)?;
        aside.versions = papers.iter().map(Prepared::version).collect();
        self.under_way.extend(aside.versions.iter().cloned());
        let (on_change, bundles) = (self.setting.on_change, self.setting.sink.is_some());
        let items = plan(self.transaction()?, papers, on_change, bundles)?;
        let planned = PlannedChunk {
            now: self.setting.context.now(),
            bundles_before: self.bundles_planned,
            aside,
            items,
        };
        self.bundles_planned += planned.items.len() as u64;
        Ok(match self.cut {
            None => Planned::Go(planned),
            Some(_) => Planned::Last(planned),
        })
    }

    fn finish(&mut self, chunk: PerformedChunk) -> Result<(), Failure> {
        let PerformedChunk { done, aside } = chunk;
        let (group, frames) = match done {
            Ok(done) => done,
            Err(failure) => {
                // What was finished before it is sound.
                self.commit()?;
                return Err(failure);
            }
        };
        for version in &aside.versions {
            self.under_way.remove(version);
        }
        if self.setting.writes {
            record(self.transaction()?, &group)?;
        }
        self.filled += group.typed.len() as u64;
        let format = self.setting.sink.as_ref().map(BundleSink::format);
        if format == Some(Format::Stdout) {
            self.to_print.extend(frames);
        } else {
            frames.iter().try_for_each(|frame| self.write(frame))?;
        }
        let counts = &mut self.setting.summary.counts;
        counts.deleted += aside.deleted;
        for rejection in &aside.rejections {
            let code = rejection.code.as_str().to_owned();
            *counts.rejected.entry(code).or_default() += 1;
            self.setting.rejects.add(rejection)?;
        }
        for outcome in &group.outcomes {
            self.setting.summary.counts.add(outcome.fate);
            self.note_changed(outcome);
        }
        self.frozen |= !aside.unreadable.is_empty();
        for error in aside.unreadable {
            self.exit = self.exit.worst(Failure::from(error).report());
        }
        // A run that goes on later divides the rest of the inputs as this one would have done.
        self.frozen |= !aside.whole;
        self.setting.read = aside.after;
        self.uncommitted += group.outcomes.len() as u64;
        if self.uncommitted >= GROUP || self.since.elapsed() >= OPEN {
            self.commit()?;
        }
        Ok(())
    }

    /// While the input keeps one waiting, what is done is not kept waiting.
    fn idle(&mut self) -> Result<(), Failure> {
        self.commit()
    }

    fn stopped(&self) -> bool {
        self.setting.context.interrupted()
    }
}
