//! What a run of `pith mint` did, in numbers.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::canonical::Json;
use crate::mint::Fate;
use serde::{Deserialize, Serialize};

use crate::cli::context::JSON_SCHEMA;

/// Inputs by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Papers minted.
    pub minted: u64,
    /// Papers that the ledger held.
    pub already_minted: u64,
    /// Papers that keep their number though their metadata changed.
    pub metadata_changed: u64,
    /// Papers that a harvest reported as deleted.
    pub deleted: u64,
    /// Rejected inputs, by code.
    pub rejected: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts a paper.
    pub fn add(&mut self, fate: Fate) {
        *match fate {
            Fate::Minted => &mut self.minted,
            Fate::AlreadyMinted => &mut self.already_minted,
            Fate::MetadataChanged => &mut self.metadata_changed,
        } += 1;
    }

    /// Papers that went through.
    pub fn papers(&self) -> u64 {
        self.minted + self.already_minted + self.metadata_changed
    }

    /// These counts as a run finds them that goes on from here: what was minted then is minted
    /// already.
    pub fn found_again(self) -> Self {
        Counts {
            already_minted: self.minted + self.already_minted,
            minted: 0,
            ..self
        }
    }
}

/// What a run did.
#[derive(Debug, Serialize)]
pub struct Summary {
    schema_version: &'static str,
    /// What became of the inputs, with those that an earlier run of the command had done.
    #[serde(flatten)]
    pub counts: Counts,
    /// Papers that an earlier run of the command had done, and this one did not look at again.
    pub resumed_after: u64,
    /// Whether nothing was really done.
    pub dry_run: bool,
    /// Whether all inputs were gone through, and outputs have their names.
    pub complete: bool,
    /// Whether the run was cut short by an interrupt.
    pub interrupted: bool,
    seconds: f64,
    papers_per_second: f64,
    #[serde(skip)]
    started: Instant,
}

impl Summary {
    /// A run that begins now.
    pub fn new(dry_run: bool) -> Self {
        Summary {
            schema_version: JSON_SCHEMA,
            counts: Counts::default(),
            resumed_after: 0,
            dry_run,
            complete: false,
            interrupted: false,
            seconds: 0.0,
            papers_per_second: 0.0,
            started: Instant::now(),
        }
    }

    /// The run goes on from where an earlier one was cut short.
    pub fn resume(&mut self, counts: Counts) {
        self.resumed_after = counts.papers();
        self.counts = counts.found_again();
    }

    /// The run is over.
    pub fn end(&mut self) {
        self.seconds = self.started.elapsed().as_secs_f64();
        let papers = self.counts.papers() - self.resumed_after;
        self.papers_per_second = papers as f64 / self.seconds.max(1e-6);
    }

    /// What the ledger keeps of a run: the counts, and whether it was cut short.
    pub fn of_history(&self, fixed_time: bool, over: bool) -> Json {
        let count = |n: u64| i64::try_from(n).map_or(Json::UInt(n), Json::Int);
        let counts = &self.counts;
        let rejected = counts
            .rejected
            .iter()
            .map(|(code, n)| (code.clone(), count(*n)));
        Json::Object(BTreeMap::from([
            ("minted".to_owned(), count(counts.minted)),
            ("already_minted".to_owned(), count(counts.already_minted)),
            (
                "metadata_changed".to_owned(),
                count(counts.metadata_changed),
            ),
            ("deleted".to_owned(), count(counts.deleted)),
            ("rejected".to_owned(), Json::Object(rejected.collect())),
            ("resumed_after".to_owned(), count(self.resumed_after)),
            ("interrupted".to_owned(), Json::Bool(!over)),
            ("fixed_time".to_owned(), Json::Bool(fixed_time)),
        ]))
    }

    /// In a line.
    pub fn text(&self) -> String {
        let counts = &self.counts;
        let rejected: u64 = counts.rejected.values().sum();
        let verb = if self.dry_run {
            "would be minted"
        } else {
            "minted"
        };
        let mut text = format!(
            "{} {verb}, {} already minted",
            counts.minted, counts.already_minted
        );
        for (count, what) in [
            (counts.metadata_changed, "metadata changed"),
            (counts.deleted, "deleted"),
            (rejected, "rejected"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        let codes: Vec<_> = counts
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
