//! A reader that counts lines and lets only so many bytes through at a time.

use std::io::{self, BufRead, Read};

/// Stands below the XML reader, which by itself would hold a text of any length.
pub(super) struct Bounded<R> {
    inner: R,
    /// The line that the next byte is on.
    line: u64,
    left: usize,
    limit: usize,
    exhausted: bool,
}

impl<R: BufRead> Bounded<R> {
    pub(super) fn new(inner: R, line: u64, limit: usize) -> Self {
        Bounded {
            inner,
            line,
            left: limit,
            limit,
            exhausted: false,
        }
    }

    /// Lets another `limit` bytes through.
    pub(super) fn refill(&mut self) {
        self.left = self.limit;
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether reading failed because the limit was reached.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let buffer = self.inner.fill_buf()?;
        if self.left == 0 && !buffer.is_empty() {
            self.exhausted = true;
            return Err(io::Error::other("too much text"));
        }
        Ok(&buffer[..buffer.len().min(self.left)])
    }

    fn consume(&mut self, count: usize) {
        // The buffer is not empty where something of it is consumed, so this reads nothing.
        if count > 0
            && let Ok(buffer) = self.inner.fill_buf()
        {
            let consumed = &buffer[..count.min(buffer.len())];
            self.line += consumed.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        self.left = self.left.saturating_sub(count);
        self.inner.consume(count);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
