//! `pith verify --mirror`: what is missing, stale or wrong in a mirror.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;

use serde::Serialize;

use super::bundler::{Bundler, Sealing};
use super::context::{Context, JSON_SCHEMA, all_cores};
use super::error::{Exit, Failure};
use super::output::{self, printable};
use super::publish::maker;
use super::secrets::UnlockArgs;
use crate::home::Home;
use crate::ledger::{Ledger, Numbers};
use crate::number::Suffix;
use crate::pipeline::{self, Planned, PlannedBy, Steps};
use crate::publish::search::Index;
use crate::publish::{Examiner, Finding, Held, PublishError, Remark, RootFiles, Tree};
use crate::verify::{Policy, Verdict, verify_document};

/// How many records are handed to a thread at once.
const AT_ONCE: usize = 64;

/// What a record weighs while it is checked, in bytes.
const WEIGHT: usize = 64 << 10;

/// How many remarks are printed where there are many.
const SHOWN: u64 = 20;

/// What is asked beside the policy.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Whether nothing but keys is to be relied on, no ledger.
    pub by_keys_alone: bool,
    /// How many threads check.
    pub jobs: Option<NonZeroUsize>,
    /// Whether to print every remark.
    pub verbose: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    schema_version: &'static str,
    #[serde(flatten)]
    remark: &'a Remark,
}

/// How many records were checked, and how many remarks there are of each kind.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    records: u64,
    whole: u64,
    missing: u64,
    stale: u64,
    untrusted: u64,
    wrong: u64,
}

/// Checks the mirror at `place`, a folder or an address; of one record if `policy` expects its number.
pub fn run(place: &str, policy: &Policy, asked: Asked, context: &Context) -> Result<Exit, Failure> {
    let tree = match place.contains("://") {
        true => Tree::at(web_address(place)?),
        false => Tree::open(Path::new(place))?,
    };
    let home = match asked.by_keys_alone {
        true => None,
        false => context.home_if_any()?,
    };
    let (key, unlock) = (OnceCell::new(), UnlockArgs::default());
    let ledger = home.as_ref().map(|home| context.ledger(home)).transpose()?;
    let known = home.as_ref().zip(ledger.as_ref());
    let made = home.as_ref().map(maker).transpose()?;
    let (indexed, faulty) = tree.indexed(Index::Number)?;
    let records = match (policy.expect, known) {
        (Some(number), _) => Records::Listed(vec![*number.suffix()].into_iter()),
        (None, Some((_, ledger))) => Records::Held(ledger.numbers()),
        (None, None) => Records::Listed(listed(&tree, &indexed)?.into_iter()),
    };
    if let Records::Listed(list) = &records
        && list.len() == 0
    {
        let problem = format!("{place} is no mirror: no record is found there");
        return Err(
            Failure::new(Exit::Io, problem).hint("name what has `pith` and `pith-index` in it")
        );
    }
    let sealing = Sealing {
        key: None,
        unlock: &unlock,
    };
    let bundler = known.map(|(home, ledger)| Bundler::new(sealing, context, home, ledger, &key));
    let judged = Policy {
        expect: None,
        ..*policy
    };
    let examiner = Examiner::new(&tree, judged, made.as_ref());
    let mut checking = Checking {
        out: output::stdout(),
        records,
        bundler: bundler.transpose()?,
        ledger: ledger.as_ref(),
        indexed: &indexed,
        json: context.json(),
        show_all: context.json() || asked.verbose,
        count: Count::default(),
    };
    let turns = std::iter::repeat_with(|| ((), AT_ONCE * WEIGHT));
    let perform = |chunk: Vec<(Suffix, Held)>| -> Result<Vec<_>, PublishError> {
        let examine = |(suffix, held)| Ok((suffix, examiner.record(&suffix, &held)?));
        chunk.into_iter().map(examine).collect()
    };
    let jobs = asked.jobs.unwrap_or_else(all_cores);
    pipeline::run(jobs, turns, |()| (), perform, &mut checking)?;
    if policy.expect.is_none() {
        for remark in &faulty {
            checking.say(remark)?;
        }
        checking.others(&tree, &indexed)?;
        checking.root(&tree, home.as_ref(), &judged)?;
    }
    checking.finish(known.is_some(), context)
}

/// An address of the web.
fn web_address(place: &str) -> Result<&str, Failure> {
    if place.starts_with("https://") || place.starts_with("http://") {
        return Ok(place);
    }
    let problem = format!("{place} is neither a folder nor an address of the web");
    Err(Failure::new(Exit::Usage, problem).hint("an address begins with https:// or http://"))
}

/// All records that a mirror has anything of.
fn listed(tree: &Tree, indexed: &HashSet<Suffix>) -> Result<Vec<Suffix>, Failure> {
    let mut list = tree.suffixes()?;
    list.extend(indexed);
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// The records that a mirror should have.
enum Records<'a> {
    /// Those of the ledger.
    Held(Numbers<'a>),
    /// Those that it names itself, or one.
    Listed(std::vec::IntoIter<Suffix>),
}

struct Checking<'a> {
    out: output::Stdout,
    records: Records<'a>,
    bundler: Option<Bundler<'a>>,
    ledger: Option<&'a Ledger>,
    indexed: &'a HashSet<Suffix>,
    json: bool,
    show_all: bool,
    count: Count,
}

impl Checking<'_> {
    fn next(&mut self) -> Result<Option<(Suffix, Held)>, Failure> {
        let number = match &mut self.records {
            Records::Held(numbers) => match numbers.next() {
                Some(number) => number?,
                None => return Ok(None),
            },
            Records::Listed(list) => {
                let Some(suffix) = list.next() else {
                    return Ok(None);
                };
                let held = match self.ledger {
                    Some(ledger) => ledger.held(&suffix)?.map(|held| held.number()),
                    None => None,
                };
                match held {
                    Some(number) => number,
                    None => return Ok(Some((suffix, Held::Unknown))),
                }
            }
        };
        let bundle = match &self.bundler {
            Some(bundler) => bundler.sealed_bundle(number)?,
            None => return Ok(Some((*number.suffix(), Held::Unknown))),
        };
        let held = bundle.map_or(Held::Unsealed, Held::Bundle);
        Ok(Some((*number.suffix(), held)))
    }

    fn say(&mut self, remark: &Remark) -> Result<(), Failure> {
        let count = &mut self.count;
        let counted = match remark.finding {
            Finding::Missing => &mut count.missing,
            Finding::Stale => &mut count.stale,
            Finding::Untrusted => &mut count.untrusted,
            Finding::Wrong => &mut count.wrong,
        };
        *counted += 1;
        if self.json {
            let line = Line {
                schema_version: JSON_SCHEMA,
                remark,
            };
            output::json_line(&mut self.out, &line)?;
        } else if self.show_all || self.remarks() <= SHOWN {
            let (word, path) = (remark.finding.as_str(), printable(&remark.path));
            writeln!(self.out, "{word:<9} {path}: {}", printable(&remark.message))?;
        }
        Ok(())
    }

    fn remarks(&self) -> u64 {
        let count = &self.count;
        count.missing + count.stale + count.untrusted + count.wrong
    }

    /// Records that the mirror has and the ledger has not.
    fn others(&mut self, tree: &Tree, indexed: &HashSet<Suffix>) -> Result<(), Failure> {
        let Some(ledger) = self.ledger else {
            return Ok(());
        };
        for suffix in listed(tree, indexed)? {
            if !ledger.contains(&suffix)? {
                let message = "is of a record that the ledger does not hold";
                self.say(&Remark::new(
                    format!("pith/{suffix}"),
                    Finding::Wrong,
                    message,
                ))?;
            }
        }
        Ok(())
    }

    /// What is the registry's and of no record.
    fn root(&mut self, tree: &Tree, home: Option<&Home>, policy: &Policy) -> Result<(), Failure> {
        if let Some(home) = home {
            for (path, there) in RootFiles::of(home)?.differing(tree)? {
                self.say(&match there {
                    true => Remark::new(path, Finding::Stale, "is not what this home publishes"),
                    false => Remark::missing(path),
                })?;
            }
            return Ok(());
        }
        let Some((path, bytes)) = RootFiles::keyset_in(tree)? else {
            return self.say(&Remark::missing(RootFiles::KEYSET_PATH));
        };
        // A list of a home in bootstrap says nothing that could be judged.
        if policy.trust.chains().next().is_none() {
            return Ok(());
        }
        let report = verify_document(&bytes, policy);
        let finding = match report.verdict() {
            Verdict::Verified => return Ok(()),
            Verdict::Untrusted => Finding::Untrusted,
            Verdict::Failed => Finding::Wrong,
        };
        let message = report.decisive().map(ToString::to_string);
        self.say(&Remark::new(path, finding, message.unwrap_or_default()))
    }

    fn finish(mut self, by_ledger: bool, context: &Context) -> Result<Exit, Failure> {
        let Count {
            records,
            whole,
            missing,
            stale,
            untrusted,
            wrong,
        } = self.count;
        if self.json {
            #[derive(Serialize)]
            struct Summary {
                schema_version: &'static str,
                summary: Count,
            }
            let summary = Summary {
                schema_version: JSON_SCHEMA,
                summary: self.count,
            };
            output::json_line(&mut self.out, &summary)?;
        } else {
            writeln!(
                self.out,
                "{}: {whole} whole; files: {missing} missing, {stale} stale, {untrusted} untrusted, {wrong} wrong",
                output::counted(records, "record", "records"),
            )?;
        }
        self.out.flush()?;
        if !by_ledger {
            context.note("judged by keys alone: a mirror that leaves records out can't be told");
        }
        if !self.json && !self.show_all && self.remarks() > SHOWN {
            let more = self.remarks() - SHOWN;
            output::message(
                "hint",
                &format!("{more} more are not shown; --verbose shows all"),
            );
        }
        Ok(if missing + stale + wrong > 0 {
            Exit::Refused
        } else if untrusted > 0 {
            Exit::Untrusted
        } else {
            Exit::Done
        })
    }
}

impl Steps for Checking<'_> {
    type Prepared = ();
    type Planned = Vec<(Suffix, Held)>;
    type Performed = Result<Vec<(Suffix, Vec<Remark>)>, PublishError>;
    type Error = Failure;

    fn plan(&mut self, (): (), _under_way: usize) -> Result<PlannedBy<Self>, Failure> {
        let mut chunk = Vec::new();
        while chunk.len() < AT_ONCE
            && let Some(next) = self.next()?
        {
            chunk.push(next);
        }
        Ok(match chunk.is_empty() {
            true => Planned::Stop,
            false => Planned::Go(chunk),
        })
    }

    fn finish(&mut self, examined: Self::Performed) -> Result<(), Failure> {
        for (suffix, mut remarks) in examined? {
            if !self.indexed.contains(&suffix) {
                let message = format!("does not lead to {suffix}");
                remarks.push(Remark::new("pith-index/number", Finding::Stale, message));
            }
            self.count.records += 1;
            if remarks.is_empty() {
                self.count.whole += 1;
            }
            for remark in &remarks {
                self.say(remark)?;
            }
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    fn stopped(&self) -> bool {
        false
    }
}
