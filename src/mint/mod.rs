//! Minting: from papers to signed records in the ledger, and the bundles that show them.

mod contents;
mod issuer;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::thread;

pub use contents::{KeyBook, sealed_bundle};
pub use issuer::Issuer;

use crate::arxiv::{ArxivId, Paper};
use crate::home::Profile;
use crate::keys::{KeyId, SignerError};
use crate::ledger::{Ledger, LedgerError};
use crate::number::{PithNumber, Suffix};
use crate::record::CanonicalRecord;
use crate::time::TimestampMicros;

/// What to do with a paper whose metadata changed without a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// It keeps its number.
    Keep,
    /// It gets a second one.
    Mint,
}

/// What became of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was minted.
    Minted,
    /// The ledger held it.
    AlreadyMinted,
    /// The ledger holds this version with other metadata; it keeps its number.
    MetadataChanged,
}

/// A paper's fate, its number, and its bundle where one was asked for.
#[derive(Debug)]
pub struct Done {
    /// What became of it.
    pub fate: Fate,
    /// Its number.
    pub number: PithNumber,
    /// Its bundle's wire bytes.
    pub bundle: Option<Vec<u8>>,
}

/// Minting stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The key failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What was signed does not verify: nothing of its group was written.
    #[error("self-check of {number} (arXiv:{arxiv}) failed: {message}")]
    SelfCheck {
        /// The number.
        number: PithNumber,
        /// The paper.
        arxiv: String,
        /// The first check that failed.
        message: String,
    },
    /// A bundle carries a key of which the ledger holds no published form.
    #[error("{number} was signed by key {key_id}, whose public form is not in the ledger")]
    UnknownKey {
        /// The number.
        number: PithNumber,
        /// The key.
        key_id: KeyId,
    },
    /// The home's keyset does not hold the key, or not for this registry.
    #[error("key {key_id} does not speak for {registry_id} in the home's keyset")]
    ForeignKey {
        /// The key.
        key_id: KeyId,
        /// The registry of the home's profile.
        registry_id: String,
    },
    /// Something would have to be signed, where nothing may be.
    #[error("a bundle of {number} (arXiv:{arxiv}) would have to be signed")]
    NothingMayBeSigned {
        /// The number.
        number: PithNumber,
        /// The paper.
        arxiv: String,
    },
}

/// What a run of minting is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct MintOptions {
    /// What to do with papers whose metadata changed.
    pub on_change: OnChange,
    /// Whether bundles are wanted.
    pub bundles: bool,
    /// How many threads sign and check.
    pub jobs: NonZeroUsize,
}

/// A paper's record and number.
struct Named {
    record: CanonicalRecord,
    number: PithNumber,
}

impl Named {
    fn of(paper: &Paper) -> Self {
        let record = CanonicalRecord::of(paper);
        let digest = record.digest();
        Named {
            number: PithNumber::of(&record, &digest),
            record,
        }
    }
}

/// What has to be done for each paper of a group, and what became of it.
struct Plan {
    /// The papers to mint: their places in the group.
    new: Vec<(usize, Named)>,
    /// For each paper its fate and the number it has.
    fates: Vec<(Fate, PithNumber)>,
}

/// Says what minting `papers` would do, without doing it.
///
/// # Errors
/// Those of the ledger.
pub fn dry_run(
    ledger: &Ledger,
    papers: &[Paper],
    on_change: OnChange,
) -> Result<Vec<(Fate, PithNumber)>, LedgerError> {
    Ok(plan(ledger, papers, on_change)?.fates)
}

fn plan(ledger: &Ledger, papers: &[Paper], on_change: OnChange) -> Result<Plan, LedgerError> {
    let mut plan = Plan {
        new: Vec::new(),
        fates: Vec::new(),
    };
    // A paper may come twice in one group, before the ledger knows it.
    let mut numbers: HashSet<Suffix> = HashSet::new();
    let mut versions: HashMap<(ArxivId, u32), PithNumber> = HashMap::new();
    for (place, paper) in papers.iter().enumerate() {
        let named = Named::of(paper);
        let suffix = *named.number.suffix();
        if numbers.contains(&suffix) || ledger.contains(&suffix)? {
            plan.fates.push((Fate::AlreadyMinted, named.number));
            continue;
        }
        let version = (paper.id().clone(), paper.version());
        let other = match versions.get(&version) {
            Some(number) => Some(*number),
            None => ledger
                .by_arxiv(paper.id(), Some(paper.version()))?
                .first()
                .copied(),
        };
        match other {
            Some(number) if on_change == OnChange::Keep => {
                plan.fates.push((Fate::MetadataChanged, number));
            }
            _ => {
                numbers.insert(suffix);
                versions.entry(version).or_insert(named.number);
                plan.fates.push((Fate::Minted, named.number));
                plan.new.push((place, named));
            }
        }
    }
    Ok(plan)
}

/// Mints a group of papers in one transaction: all of them are in the ledger when it returns, or
/// none is.
///
/// # Errors
/// [`MintError`]; then nothing of the group was written.
pub fn mint_group(
    issuer: &Issuer,
    ledger: &mut Ledger,
    papers: &[Paper],
    now: TimestampMicros,
    options: MintOptions,
) -> Result<Vec<Done>, MintError> {
    let plan = plan(ledger, papers, options.on_change)?;
    let made = in_parallel(&plan.new, options.jobs, |(place, named)| {
        let mut new = issuer.issue(&papers[*place], named, now)?;
        let mut bundle = None;
        if options.bundles {
            bundle = Some(issuer.seal_new(&mut new, now)?);
        } else {
            issuer.check_events(&new)?;
        }
        Ok((new, bundle))
    })?;
    let mut bundles: HashMap<PithNumber, Vec<u8>> = HashMap::new();
    let mut new_records = Vec::new();
    for (new, bundle) in made {
        bundles.extend(bundle.map(|wire| (new.number, wire)));
        new_records.push(new);
    }
    let mut seals = Vec::new();
    if options.bundles {
        let mut old = Vec::new();
        for (_, number) in plan.fates.iter().filter(|(fate, _)| *fate != Fate::Minted) {
            if !bundles.contains_key(number)
                && let Some(issued) = ledger.get(number.suffix())?
            {
                old.push(issued);
            }
        }
        let rebuilt = in_parallel(&old, options.jobs, |issued| issuer.bundle(issued, now))?;
        for (issued, (wire, seal)) in old.iter().zip(rebuilt) {
            seals.extend(seal.map(|seal| (issued.number, seal)));
            bundles.insert(issued.number, wire);
        }
    }
    ledger.group::<_, LedgerError>(|group| {
        for new in &new_records {
            group.insert(new)?;
        }
        for (number, seal) in &seals {
            group.set_seal(number, seal)?;
        }
        Ok(())
    })?;
    // A paper may stand twice in one group; only then is its bundle copied.
    let mut left: HashMap<PithNumber, usize> = HashMap::new();
    for (_, number) in &plan.fates {
        *left.entry(*number).or_default() += 1;
    }
    let mut done = Vec::with_capacity(plan.fates.len());
    for (fate, number) in plan.fates {
        let uses = left.entry(number).or_default();
        *uses -= 1;
        let bundle = if *uses == 0 {
            bundles.remove(&number)
        } else {
            bundles.get(&number).cloned()
        };
        done.push(Done {
            fate,
            number,
            bundle,
        });
    }
    Ok(done)
}

/// The bundles of papers that are issued already, in their order, signing nothing.
///
/// # Errors
/// [`MintError::NothingMayBeSigned`] at the first paper that is not in the ledger, or whose seal
/// no longer holds.
pub fn bundles_as_issued(
    profile: &Profile,
    book: &KeyBook,
    ledger: &Ledger,
    papers: &[Paper],
    on_change: OnChange,
) -> Result<Vec<Done>, MintError> {
    let plan = plan(ledger, papers, on_change)?;
    let mut done = Vec::new();
    for (paper, (fate, number)) in papers.iter().zip(plan.fates) {
        let missing = || MintError::NothingMayBeSigned {
            number,
            arxiv: paper.id().to_string(),
        };
        let issued = ledger.get(number.suffix())?.ok_or_else(missing)?;
        let bundle = sealed_bundle(profile, book, &issued)?.ok_or_else(missing)?;
        done.push(Done {
            fate,
            number,
            bundle: Some(bundle),
        });
    }
    Ok(done)
}

/// Applies `work` to each item on up to `jobs` threads; results come in the items' order.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    jobs: NonZeroUsize,
    work: impl Fn(&T) -> Result<R, MintError> + Sync,
) -> Result<Vec<R>, MintError> {
    let share = items.len().div_ceil(jobs.get()).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut results = Vec::with_capacity(items.len());
        for thread in threads {
            results.extend(thread.join().expect("minting does not panic")?);
        }
        Ok(results)
    })
}
