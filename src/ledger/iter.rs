//! Going through all records, page by page, so that no read lasts long.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::{mem, thread};

use super::error::LedgerError;
use super::rows::{Db, Fault, Page, Stored};
use super::{Held, Issued, Ledger};
use crate::number::PithNumber;
use crate::time::TimestampMicros;

const RECORDS_A_PAGE: usize = 256;
const NUMBERS_A_PAGE: i64 = 4096;

/// Records as stored, in sequence order.
pub(super) struct StoredRecords<'a> {
    db: Db<'a>,
    since: Option<TimestampMicros>,
    after: i64,
    done: bool,
}

impl<'a> StoredRecords<'a> {
    pub fn new(db: Db<'a>, since: Option<TimestampMicros>) -> Self {
        StoredRecords {
            db,
            since,
            after: i64::MIN,
            done: false,
        }
    }
}

impl Iterator for StoredRecords<'_> {
    type Item = Result<Page, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if mem::replace(&mut self.done, true) {
            return None;
        }
        let page = self.db.page(self.after, self.since, RECORDS_A_PAGE);
        if let Ok(page) = &page {
            let (last, _) = page.last()?;
            self.after = *last;
            self.done = false;
        }
        Some(page)
    }
}

/// Does `work` with the rows of a page on `jobs` threads, each with a state of its own; what comes of
/// them is in the order of the rows.
pub(super) fn on_threads<S, T: Send>(
    page: &mut Page,
    jobs: NonZeroUsize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, i64, Result<Stored, Fault>) -> T + Sync,
) -> Vec<T> {
    let share = page.len().div_ceil(jobs.get()).max(1);
    let of_part = |part: &mut [(i64, Result<Stored, Fault>)]| {
        let mut state = state();
        let rows = part.iter_mut().map(|(seq, row)| {
            let row = mem::replace(row, Err(String::new()));
            work(&mut state, *seq, row)
        });
        rows.collect::<Vec<T>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = page
            .chunks_mut(share)
            .map(|part| scope.spawn(|| of_part(part)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

impl Ledger {
    /// Does `work` with every record as it is held, on `jobs` threads, each with a state of its own, and
    /// hands what comes of it to `take` in sequence order; a damaged record is an error in its place. A
    /// few hundred are in memory at a time.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn each_held<S, T: Send, E>(
        &self,
        jobs: NonZeroUsize,
        state: &(dyn Fn() -> S + Sync),
        work: &(dyn Fn(&mut S, Held) -> T + Sync),
        mut take: impl FnMut(Result<T, LedgerError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let db = self.db();
        for page in StoredRecords::new(db, None) {
            let mut page = match page {
                Ok(page) => page,
                Err(error) => {
                    take(Err(error))?;
                    continue;
                }
            };
            let done = on_threads(&mut page, jobs, state, |state, seq, row| {
                let held = row.and_then(Stored::held);
                held.map(|held| work(state, held))
                    .map_err(|fault| (seq, fault))
            });
            for result in done {
                take(result.map_err(|(seq, fault)| db.damaged_record(seq, fault)))?;
            }
        }
        Ok(())
    }
}

/// See [`Ledger::issued`](super::Ledger::issued).
pub struct IssuedRecords<'a> {
    db: Db<'a>,
    pages: StoredRecords<'a>,
    page: VecDeque<(i64, Result<Stored, Fault>)>,
}

impl<'a> IssuedRecords<'a> {
    pub(super) fn new(db: Db<'a>, since: Option<TimestampMicros>) -> Self {
        IssuedRecords {
            db,
            pages: StoredRecords::new(db, since),
            page: VecDeque::new(),
        }
    }
}

impl Iterator for IssuedRecords<'_> {
    type Item = Result<Issued, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() {
            match self.pages.next()? {
                Ok(page) => self.page = page.into(),
                Err(error) => return Some(Err(error)),
            }
        }
        let (seq, stored) = self.page.pop_front()?;
        Some(
            stored
                .and_then(Stored::expand)
                .map_err(|fault| self.db.damaged_record(seq, fault)),
        )
    }
}

/// See [`Ledger::numbers`](super::Ledger::numbers).
pub struct Numbers<'a> {
    db: Db<'a>,
    after: i64,
    done: bool,
    page: VecDeque<Result<PithNumber, LedgerError>>,
}

impl<'a> Numbers<'a> {
    pub(super) fn new(db: Db<'a>) -> Self {
        Numbers {
            db,
            after: i64::MIN,
            done: false,
            page: VecDeque::new(),
        }
    }

    fn fill(&mut self) -> Result<(), LedgerError> {
        let fails = |error| self.db.fails(error);
        let mut statement = self
            .db
            .conn
            .prepare_cached(
                "SELECT seq, suffix, submitted_at FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )
            .map_err(fails)?;
        let mut rows = statement
            .query([self.after, NUMBERS_A_PAGE])
            .map_err(fails)?;
        while let Some(row) = rows.next().map_err(fails)? {
            self.after = row.get(0).map_err(fails)?;
            self.page.push_back(self.db.number_of(self.after, row));
        }
        Ok(())
    }
}

impl Iterator for Numbers<'_> {
    type Item = Result<PithNumber, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.done {
            let filled = self.fill();
            self.done = filled.is_err() || self.page.is_empty();
            if let Err(error) = filled {
                return Some(Err(error));
            }
        }
        self.page.pop_front()
    }
}
