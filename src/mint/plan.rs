//! What has to be done for each paper: a question to the ledger.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::{Fate, OnChange};
use crate::arxiv::{ArxivId, Paper, text};
use crate::digest::Digest;
use crate::ledger::{Held, LedgerError, Transaction};
use crate::number::PithNumber;
use crate::record::CanonicalRecord;
use crate::snapshot::{PaperText, SnapshotContent};

/// All that minting needs of a paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Its record.
    pub record: CanonicalRecord,
    /// The record's digest.
    pub digest: Digest,
    /// The record's number.
    pub number: PithNumber,
    /// What its snapshot shows of it.
    pub text: PaperText,
    /// What its snapshot shows besides, if anything.
    pub content: Option<Arc<SnapshotContent>>,
}

impl Prepared {
    /// Makes the record of `paper`, and the rest of what is needed.
    pub fn of(paper: &Paper) -> Self {
        let title = text::collapse(paper.title());
        let abstract_text = text::collapse(paper.abstract_text());
        let text = PaperText::of_collapsed(paper, title.clone(), &abstract_text);
        let record = CanonicalRecord::of_collapsed(paper, title, abstract_text);
        let digest = record.digest();
        Prepared {
            number: PithNumber::of(&record, &digest),
            record,
            digest,
            text,
            content: None,
        }
    }

    /// The paper and version, of which a ledger has one record unless the metadata changed.
    pub fn version(&self) -> (ArxivId, u32) {
        let source = &self.record.source;
        (source.id.clone(), source.version.get())
    }
}

/// What has to be done for a paper.
#[derive(Debug)]
pub(super) enum Work {
    /// Nothing: no bundle is wanted.
    Nothing,
    /// Mint it.
    Mint(Box<Prepared>),
    /// Write the bundle of what the ledger holds.
    Bundle(Held),
    /// Write the bundle of an earlier paper of the group once more.
    Again(usize),
}

/// A paper's fate, and the work it makes.
#[derive(Debug)]
pub struct Item {
    pub(super) outcome: Outcome,
    pub(super) work: Work,
}

/// What became of a paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its fate.
    pub fate: Fate,
    /// The number it has.
    pub number: PithNumber,
    /// The paper and version, such as `2401.00001v2`.
    pub arxiv: String,
}

/// Says for each paper what has to be done, in the order given.
///
/// # Errors
/// Those of the ledger.
pub fn plan(
    ledger: &Transaction<'_>,
    papers: Vec<Prepared>,
    on_change: OnChange,
    bundles: bool,
) -> Result<Vec<Item>, LedgerError> {
    let mut items: Vec<Item> = Vec::with_capacity(papers.len());
    // A paper may come twice in one group, before the ledger knows it.
    let mut numbers: HashMap<PithNumber, usize> = HashMap::new();
    let mut versions: HashMap<(ArxivId, u32), PithNumber> = HashMap::new();
    for (place, paper) in papers.into_iter().enumerate() {
        let arxiv = paper.record.source.arxiv_version();
        let version = paper.version();
        let held = ledger.by_arxiv(&version.0, Some(version.1))?;
        // A record says which version it is of, so one of this number is among these.
        let known = held.contains(&paper.number) || numbers.contains_key(&paper.number);
        let other = versions.get(&version).or(held.first()).copied();
        let (fate, number) = match other {
            _ if known => (Fate::AlreadyMinted, paper.number),
            Some(other) if on_change == OnChange::Keep => (Fate::MetadataChanged, other),
            _ => (Fate::Minted, paper.number),
        };
        let work = match numbers.entry(number) {
            Entry::Occupied(earlier) if bundles => Work::Again(*earlier.get()),
            Entry::Occupied(_) => Work::Nothing,
            Entry::Vacant(_) if fate != Fate::Minted && !bundles => Work::Nothing,
            Entry::Vacant(entry) => {
                entry.insert(place);
                match fate {
                    Fate::Minted => {
                        versions.entry(version).or_insert(number);
                        Work::Mint(Box::new(paper))
                    }
                    _ => ledger
                        .held(number.suffix())?
                        .map(Work::Bundle)
                        .ok_or(LedgerError::NotIssued { number })?,
                }
            }
        };
        let outcome = Outcome {
            fate,
            number,
            arxiv,
        };
        items.push(Item { outcome, work });
    }
    Ok(items)
}
