//! Work spread over threads, its results taken in the order of the input, in bounded memory.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

/// How many items go from thread to thread at once: enough that handing them over costs nothing
/// beside the work, few enough that none waits long for its neighbours.
const CHUNK_ITEMS: usize = 64;

/// A chunk is closed once its items weigh this much, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// How many chunks a thread may be ahead of the slowest one.
const CHUNKS_A_JOB: usize = 4;

/// What all items may weigh together, in bytes, that were read and whose results were not taken
/// yet. One item may weigh more, and is then alone.
const MOST_BYTES: usize = 32 << 20;

/// Applies `work` to every item on `jobs` threads and hands the results to `take` on this thread,
/// in the order of the items. A thread of its own draws the items, each of which weighs about
/// `weight` bytes.
///
/// # Errors
/// The first error of `take`; then no more items are drawn.
pub fn in_order<T: Send, R: Send, E>(
    items: impl Iterator<Item = T> + Send,
    jobs: NonZeroUsize,
    weight: impl Fn(&T) -> usize + Send,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let room = Room::new(jobs.get() * CHUNKS_A_JOB);
    // The channels are bounded by the room: nothing is sent that has none.
    let (to_work, chunks) = mpsc::channel();
    let (to_take, results) = mpsc::channel();
    let chunks = Mutex::new(chunks);
    thread::scope(|scope| {
        // However this thread leaves, the others must not wait for room that nobody makes.
        let _closing = Closing(&room);
        scope.spawn(|| draw(items, weight, &room, to_work));
        for _ in 0..jobs.get() {
            let (chunks, work, to_take) = (&chunks, &work, to_take.clone());
            scope.spawn(move || {
                loop {
                    let next = lock(chunks).recv();
                    let Ok(Chunk {
                        place,
                        items,
                        bytes,
                    }) = next
                    else {
                        break;
                    };
                    let worked = AssertUnwindSafe(|| items.into_iter().map(work).collect());
                    let done: thread::Result<Vec<R>> = catch_unwind(worked);
                    if to_take.send((place, done, bytes)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(to_take);
        let mut early = BTreeMap::new();
        for next in 0.. {
            let (done, bytes) = loop {
                if let Some(found) = early.remove(&next) {
                    break found;
                }
                match results.recv() {
                    Ok((place, done, bytes)) => early.insert(place, (done, bytes)),
                    Err(_) => return Ok(()),
                };
            };
            for result in done.unwrap_or_else(|panic| resume_unwind(panic)) {
                take(result)?;
            }
            room.free(bytes);
        }
        Ok(())
    })
}

/// Items that go from thread to thread together, and where they stand in the input.
struct Chunk<T> {
    place: u64,
    items: Vec<T>,
    bytes: usize,
}

/// Draws items and sends them in chunks as there is room.
fn draw<T>(
    items: impl Iterator<Item = T>,
    weight: impl Fn(&T) -> usize,
    room: &Room,
    to_work: mpsc::Sender<Chunk<T>>,
) {
    let mut items = items.peekable();
    for place in 0.. {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        // A heavy item goes alone, so that light ones do not weigh with it; and none is drawn to
        // look at its weight where it could not join anyway.
        while chunk.len() < CHUNK_ITEMS
            && bytes < CHUNK_BYTES
            && let Some(item) =
                items.next_if(|item| chunk.is_empty() || bytes + weight(item) <= CHUNK_BYTES)
        {
            bytes += weight(&item);
            chunk.push(item);
        }
        let sent = !chunk.is_empty() && room.take(bytes) && {
            let items = chunk;
            to_work
                .send(Chunk {
                    place,
                    items,
                    bytes,
                })
                .is_ok()
        };
        if !sent {
            break;
        }
    }
}

/// Room for what was drawn and is not done with.
struct Room {
    most_chunks: usize,
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
    fn new(most_chunks: usize) -> Self {
        Room {
            most_chunks,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Waits until a chunk of `bytes` fits; `false` if nobody wants it any more.
    fn take(&self, bytes: usize) -> bool {
        let full = |taken: &mut Taken| {
            let crowded = taken.chunks >= self.most_chunks || taken.bytes + bytes > MOST_BYTES;
            !taken.closed && taken.chunks > 0 && crowded
        };
        let waited = self.freed.wait_while(lock(&self.state), full);
        let mut taken = waited.unwrap_or_else(PoisonError::into_inner);
        taken.chunks += 1;
        taken.bytes += bytes;
        !taken.closed
    }

    fn free(&self, bytes: usize) {
        let mut taken = lock(&self.state);
        taken.chunks -= 1;
        taken.bytes -= bytes;
        self.freed.notify_one();
    }
}

struct Closing<'a>(&'a Room);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).closed = true;
        self.0.freed.notify_one();
    }
}

/// None of these locks is held where something could panic, so none is ever poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_order_and_none_is_lost() {
        for count in [0, 1, CHUNK_ITEMS, 10 * CHUNK_ITEMS + 1] {
            for threads in [1, 2, 7] {
                let mut taken = Vec::new();
                let slow_at_first = |n: usize| {
                    if n < CHUNK_ITEMS {
                        thread::sleep(Duration::from_micros(100));
                    }
                    n * 2
                };
                let done = in_order(
                    0..count,
                    jobs(threads),
                    |_| 1,
                    slow_at_first,
                    |n| {
                        taken.push(n);
                        Ok::<_, ()>(())
                    },
                );
                assert_eq!(done, Ok(()));
                assert!(taken.into_iter().eq((0..count).map(|n| n * 2)));
            }
        }
    }

    /// Runs over `count` items of `bytes` each; the most that were drawn and not taken yet.
    fn most_ahead(count: usize, bytes: usize) -> usize {
        let (drawn, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let items = (0..count).inspect(|n| drawn.store(n + 1, Ordering::SeqCst));
        let take = |n: usize| {
            // Gives the drawing thread the time to draw all that it may.
            thread::sleep(Duration::from_micros(if bytes > 1 { 5000 } else { 10 }));
            most.fetch_max(drawn.load(Ordering::SeqCst) - n, Ordering::SeqCst);
            Ok::<_, ()>(())
        };
        in_order(items, jobs(2), |_| bytes, |n| n, take).unwrap();
        most.into_inner()
    }

    #[test]
    fn items_wait_until_there_is_room() {
        let light = most_ahead(5000, 1);
        let bound = (2 * CHUNKS_A_JOB + 1) * CHUNK_ITEMS + 1;
        assert!((CHUNK_ITEMS..=bound).contains(&light), "{light}");
        // One that is too heavy for the room is alone there; the next is drawn, and one is peeked.
        let heavy = most_ahead(20, MOST_BYTES + 1);
        assert!(heavy <= 3, "{heavy}");
    }

    #[test]
    fn an_error_ends_it_though_items_never_do() {
        let take = |n: usize| if n == 1000 { Err("enough") } else { Ok(()) };
        let done = in_order(0.., jobs(2), |_| 1, |n: usize| n, take);
        assert_eq!(done, Err("enough"));
    }

    #[test]
    #[should_panic(expected = "at 1000")]
    fn a_panic_at_work_is_passed_on() {
        let work = |n: usize| assert!(n != 1000, "at {n}");
        let _ = in_order(0.., jobs(2), |_| 1, work, |()| Ok::<_, ()>(()));
    }
}
