//! How much may be on its way at once.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::pack::CHUNK_BYTES;

/// What all chunks on their way may weigh together, in bytes. One may weigh more, and is then alone.
pub const MOST_BYTES: usize = 32 << 20;

/// Room for chunks that were drawn and are not finished.
pub struct Room {
    most_chunks: usize,
    most_bytes: usize,
    state: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Default)]
struct Taken {
    chunks: usize,
    bytes: usize,
    closed: bool,
}

impl Room {
    /// Enough that `jobs` threads stay busy while the steps that keep order wait for the disk.
    pub fn of(jobs: NonZeroUsize) -> Self {
        let jobs = jobs.get();
        Room {
            most_chunks: jobs.saturating_mul(2).saturating_add(8),
            // Ordinary chunks must not be kept waiting by their weight on many cores.
            most_bytes: MOST_BYTES.max(jobs.saturating_mul(2 * CHUNK_BYTES)),
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Waits until a chunk of `bytes` fits; `false` if nobody wants it any more.
    pub fn take(&self, bytes: usize) -> bool {
        let full = |taken: &mut Taken| {
            let crowded = taken.chunks >= self.most_chunks
                || taken.bytes.saturating_add(bytes) > self.most_bytes;
            !taken.closed && taken.chunks > 0 && crowded
        };
        let waited = self.freed.wait_while(self.lock(), full);
        let mut taken = waited.unwrap_or_else(PoisonError::into_inner);
        taken.chunks += 1;
        taken.bytes = taken.bytes.saturating_add(bytes);
        !taken.closed
    }

    /// Gives back what a chunk of `bytes` took.
    pub fn free(&self, bytes: usize) {
        let mut taken = self.lock();
        taken.chunks -= 1;
        taken.bytes = taken.bytes.saturating_sub(bytes);
        self.freed.notify_one();
    }

    /// From now on nothing is wanted.
    pub fn close(&self) {
        self.lock().closed = true;
        self.freed.notify_one();
    }

    /// The lock is never held where something could panic, so it is never poisoned.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
