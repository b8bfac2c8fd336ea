//! How much of the inputs has been read, for whoever shows it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read of all inputs together, as they lie on disk: compressed, if they are.
///
/// A clone counts the same bytes, so one can be shown by another thread than the one that reads.
#[derive(Debug, Clone)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        Progress {
            read: Arc::default(),
            total,
        }
    }

    /// Bytes read so far, never more than [`total`](Self::total).
    pub fn read(&self) -> u64 {
        let read = self.read.load(Ordering::Relaxed);
        self.total.map_or(read, |total| read.min(total))
    }

    /// Bytes there are; `None` if one of the inputs is not a plain file, such as a pipe.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Counts `inner`'s bytes from now on.
    pub(super) fn counting<R: Read>(&self, inner: R) -> Counting<R> {
        Counting {
            inner,
            read: Arc::clone(&self.read),
        }
    }

    /// An input has ended; what was skipped of it (an archive's directory, a page after a fault)
    /// counts as read.
    pub(super) fn catch_up(&self, read: u64) {
        self.read.store(read, Ordering::Relaxed);
    }
}

/// A reader whose bytes are counted.
pub(super) struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
