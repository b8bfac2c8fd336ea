//! Work on all cores that has to be decided on, and written down, in order.
//!
//! Chunks come from a source and go through four steps: `prepare` on any thread, [`Steps::plan`]
//! in order, `perform` on any thread, [`Steps::finish`] in order. Few chunks are on their way at
//! a time, so memory does not grow with the input. The steps that keep order run on the caller's
//! thread: what they hold need not be shared.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long nothing comes before [`Steps::idle`] is called, and again.
const PAUSE: Duration = Duration::from_millis(100);

/// What becomes of a prepared chunk.
pub enum Planned<A, B> {
    /// It is to be performed.
    Go(B),
    /// It is to be performed, and none after it.
    Last(B),
    /// It cannot be judged before those on their way are finished.
    Wait(A),
    /// It is not wanted, nor is any after it.
    Stop,
}

/// The steps that are taken in order.
pub trait Steps {
    /// A chunk that was prepared.
    type Prepared;
    /// A chunk that is to be performed.
    type Planned;
    /// A chunk that was performed.
    type Performed;
    /// What ends the run early.
    type Error;

    /// Decides what to do with the next chunk, while as many as `under_way` that were planned
    /// before it are not finished yet.
    ///
    /// # Errors
    /// Those that end the run.
    fn plan(
        &mut self,
        chunk: Self::Prepared,
        under_way: usize,
    ) -> Result<Planned<Self::Prepared, Self::Planned>, Self::Error>;

    /// Writes down a chunk, in the order of the plan.
    ///
    /// # Errors
    /// Those that end the run.
    fn finish(&mut self, chunk: Self::Performed) -> Result<(), Self::Error>;

    /// Nothing has come for a while.
    ///
    /// # Errors
    /// Those that end the run.
    fn idle(&mut self) -> Result<(), Self::Error>;

    /// Whether to plan no more chunks; asked now and then.
    fn stopped(&self) -> bool;
}

enum Event<I, A, C> {
    Read(I),
    /// The source has no more.
    Ended,
    Prepared(usize, A),
    Performed(usize, C),
    /// A worker panicked.
    Lost,
    /// The thread that reads panicked.
    SourceLost,
}

enum Task<I, B> {
    Prepare(usize, I),
    Perform(usize, B),
}

/// Gives chunks to the pipeline from a thread of its own.
pub struct Source<I, A, C> {
    permits: Receiver<()>,
    events: Sender<Event<I, A, C>>,
    ended: bool,
}

impl<I, A, C> Source<I, A, C> {
    /// Waits until another chunk is wanted; `false` if none will be.
    pub fn wanted(&self) -> bool {
        self.permits.recv().is_ok()
    }

    /// Gives a chunk, which must have been [`wanted`](Self::wanted).
    pub fn give(&self, chunk: I) {
        // If nobody takes it, nobody wants another.
        let _ = self.events.send(Event::Read(chunk));
    }

    /// Says that there are no more chunks.
    pub fn end(mut self) {
        self.ended = true;
        let _ = self.events.send(Event::Ended);
    }
}

/// A source that is dropped otherwise has not come to its end: its thread panicked, or nothing was
/// wanted any more, and then nobody listens.
impl<I, A, C> Drop for Source<I, A, C> {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.events.send(Event::SourceLost);
        }
    }
}

/// Tells the pipeline if its thread panics.
struct Watch<I, A, C>(Sender<Event<I, A, C>>);

impl<I, A, C> Drop for Watch<I, A, C> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send(Event::Lost);
        }
    }
}

/// Runs chunks through the steps until the source ends, a step says so, or one fails; what was
/// planned is finished first, unless a step failed. Returns whether the source came to its end.
///
/// `begin` starts the source on a thread that is left alone when the run is over: it may be
/// waiting for input that never comes.
///
/// # Errors
/// Those of the steps.
///
/// # Panics
/// If any of its threads panics.
pub fn run<I, A, B, C, S>(
    jobs: NonZeroUsize,
    begin: impl FnOnce(Source<I, A, C>),
    prepare: impl Fn(I) -> A + Sync,
    perform: impl Fn(B) -> C + Sync,
    steps: &mut S,
) -> Result<bool, S::Error>
where
    I: Send,
    A: Send,
    B: Send,
    C: Send,
    S: Steps<Prepared = A, Planned = B, Performed = C>,
{
    // Enough that all threads stay busy while the ledger waits for the disk.
    let at_once = 2 * jobs.get() + 8;
    let (permits, for_permits) = channel();
    let (to_steps, events) = channel();
    let (tasks, for_tasks) = channel();
    let for_tasks = Mutex::new(for_tasks);
    for _ in 0..at_once {
        let _ = permits.send(());
    }
    begin(Source {
        permits: for_permits,
        events: to_steps.clone(),
        ended: false,
    });
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            let watch = Watch(to_steps.clone());
            scope.spawn(|| work(&for_tasks, watch, &prepare, &perform));
        }
        drop(to_steps);
        let mut conductor = Conductor {
            tasks,
            permits,
            steps,
            read: 0,
            prepared: BTreeMap::new(),
            performed: BTreeMap::new(),
            planned: 0,
            finished: 0,
            source_ended: false,
            stopped: false,
        };
        conductor.conduct(&events)
        // Dropping the conductor lets the workers end.
    })
}

fn work<I, A, B, C>(
    tasks: &Mutex<Receiver<Task<I, B>>>,
    watch: Watch<I, A, C>,
    prepare: &impl Fn(I) -> A,
    perform: &impl Fn(B) -> C,
) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let event = match task {
            Ok(Task::Prepare(number, chunk)) => Event::Prepared(number, prepare(chunk)),
            Ok(Task::Perform(number, chunk)) => Event::Performed(number, perform(chunk)),
            Err(_) => return,
        };
        if watch.0.send(event).is_err() {
            return;
        }
    }
}

/// Hands chunks on from step to step.
struct Conductor<'a, I, A, B, C, S> {
    tasks: Sender<Task<I, B>>,
    permits: Sender<()>,
    steps: &'a mut S,
    /// How many chunks were read.
    read: usize,
    prepared: BTreeMap<usize, A>,
    performed: BTreeMap<usize, C>,
    /// How many chunks were planned.
    planned: usize,
    /// How many of them were finished.
    finished: usize,
    source_ended: bool,
    /// Whether no more chunks are planned.
    stopped: bool,
}

impl<I, A, B, C, S> Conductor<'_, I, A, B, C, S>
where
    S: Steps<Prepared = A, Planned = B, Performed = C>,
{
    fn conduct(&mut self, events: &Receiver<Event<I, A, C>>) -> Result<bool, S::Error> {
        loop {
            self.advance()?;
            let all_read = self.source_ended && self.planned == self.read;
            if self.finished == self.planned && (self.stopped || all_read) {
                return Ok(!self.stopped);
            }
            match events.recv_timeout(PAUSE) {
                Ok(Event::Read(chunk)) => {
                    let _ = self.tasks.send(Task::Prepare(self.read, chunk));
                    self.read += 1;
                }
                Ok(Event::Ended) => self.source_ended = true,
                Ok(Event::Prepared(number, chunk)) => {
                    self.prepared.insert(number, chunk);
                }
                Ok(Event::Performed(number, chunk)) => {
                    self.performed.insert(number, chunk);
                }
                // The scope passes the worker's panic on.
                Ok(Event::Lost) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
                // What was read so far must not pass for all there is.
                Ok(Event::SourceLost) => panic!("the thread that reads the input has panicked"),
                Err(RecvTimeoutError::Timeout) => self.steps.idle()?,
            }
        }
    }

    /// Takes every step that can be taken.
    fn advance(&mut self) -> Result<(), S::Error> {
        loop {
            if let Some(chunk) = self.performed.remove(&self.finished) {
                self.steps.finish(chunk)?;
                self.finished += 1;
                let _ = self.permits.send(());
                continue;
            }
            self.stopped |= self.steps.stopped();
            if self.stopped {
                return Ok(());
            }
            let Some(chunk) = self.prepared.remove(&self.planned) else {
                return Ok(());
            };
            match self.steps.plan(chunk, self.planned - self.finished)? {
                Planned::Go(chunk) => self.perform(chunk),
                Planned::Last(chunk) => {
                    self.perform(chunk);
                    self.stopped = true;
                }
                Planned::Wait(chunk) => {
                    self.prepared.insert(self.planned, chunk);
                    return Ok(());
                }
                Planned::Stop => self.stopped = true,
            }
        }
    }

    fn perform(&mut self, chunk: B) {
        let _ = self.tasks.send(Task::Perform(self.planned, chunk));
        self.planned += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squares numbers, and waits before each multiple of 10.
    struct Sum {
        found: Vec<u64>,
        last: u64,
    }

    impl Steps for Sum {
        type Prepared = u64;
        type Planned = u64;
        type Performed = u64;
        type Error = String;

        fn plan(&mut self, chunk: u64, under_way: usize) -> Result<Planned<u64, u64>, String> {
            Ok(match chunk {
                chunk if chunk % 10 == 0 && under_way > 0 => Planned::Wait(chunk),
                chunk if chunk == self.last => Planned::Last(chunk),
                chunk => Planned::Go(chunk),
            })
        }

        fn finish(&mut self, chunk: u64) -> Result<(), String> {
            if chunk == 49 * 49 {
                return Err("49".to_owned());
            }
            self.found.push(chunk);
            Ok(())
        }

        fn idle(&mut self) -> Result<(), String> {
            Ok(())
        }

        fn stopped(&self) -> bool {
            false
        }
    }

    fn squares(jobs: usize, count: u64, last: u64) -> (Result<bool, String>, Vec<u64>) {
        let mut sum = Sum {
            found: Vec::new(),
            last,
        };
        let begin = move |source: Source<u64, u64, u64>| {
            thread::spawn(move || {
                for number in 0..count {
                    if !source.wanted() {
                        return;
                    }
                    source.give(number);
                }
                source.end();
            });
        };
        let jobs = NonZeroUsize::new(jobs).unwrap();
        let ended = run(jobs, begin, |n| n, |n| n * n, &mut sum);
        (ended, sum.found)
    }

    #[test]
    fn order_is_kept_whatever_the_threads() {
        for jobs in [1, 3, 8] {
            let (ended, found) = squares(jobs, 45, u64::MAX);
            assert_eq!(ended, Ok(true));
            assert_eq!(found, (0..45).map(|n| n * n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_run_ends_where_a_step_says() {
        let (ended, found) = squares(3, 1000, 30);
        assert_eq!((ended, found.len()), (Ok(false), 31));
        let (ended, found) = squares(3, 1000, u64::MAX);
        assert_eq!((ended, found.len()), (Err("49".to_owned()), 49));
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_passed_on() {
        let begin = |source: Source<u64, u64, u64>| {
            thread::spawn(move || {
                while source.wanted() {
                    source.give(1);
                }
            });
        };
        let mut sum = Sum {
            found: Vec::new(),
            last: u64::MAX,
        };
        let _ = run(
            NonZeroUsize::MIN,
            begin,
            |n| n,
            |_: u64| -> u64 { panic!("on purpose") },
            &mut sum,
        );
    }

    #[test]
    #[should_panic(expected = "the thread that reads the input has panicked")]
    fn an_input_that_breaks_off_is_not_at_its_end() {
        let begin = |source: Source<u64, u64, u64>| {
            thread::spawn(move || {
                assert!(source.wanted());
                source.give(1);
                panic!("on purpose");
            });
        };
        let mut sum = Sum {
            found: Vec::new(),
            last: u64::MAX,
        };
        let _ = run(NonZeroUsize::MIN, begin, |n| n, |n| n, &mut sum);
    }
}
