//! Going through all records, page by page, so that no read lasts long.

use std::collections::VecDeque;
use std::mem;

use super::Issued;
use super::error::LedgerError;
use super::rows::{Db, Fault, Page, Stored};
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
