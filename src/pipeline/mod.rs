//! Work on all cores that has to be decided on, and written down, in order.
//!
//! Chunks are drawn on a thread of their own and go through four steps: `prepare` on any thread,
//! [`Steps::plan`] in order, `perform` on any thread, [`Steps::finish`] in order. Few chunks, of few
//! bytes, are on their way at a time, so memory does not grow with the input. The steps that keep
//! order run on the caller's thread: what they hold need not be shared.

mod pack;
mod room;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub use pack::{CHUNK_BYTES, Pack};
use room::Room;

/// How long nothing comes before [`Steps::idle`] is called, and again.
const PAUSE: Duration = Duration::from_millis(100);

/// A chunk that weighs more than this, in bytes, is worked on by the caller's thread: allocators keep
/// for each thread what it once needed, and few such chunks are on their way at a time anyway.
const HEAVY: usize = room::MOST_BYTES / 8;

/// The system gives no thread to work on.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread: {0}")]
pub struct NoThread(#[from] io::Error);

/// What becomes of a prepared chunk.
pub enum Planned<A, B, C> {
    /// It is to be performed.
    Go(B),
    /// Nothing is left to perform.
    Done(C),
    /// It is to be performed, and none after it.
    Last(B),
    /// It cannot be judged before those on their way are finished.
    Wait(A),
    /// It is not wanted, nor is any after it.
    Stop,
}

/// What [`Steps::plan`] says.
pub type PlannedBy<S> =
    Planned<<S as Steps>::Prepared, <S as Steps>::Planned, <S as Steps>::Performed>;

/// The steps that are taken in order.
pub trait Steps {
    /// A chunk that was prepared.
    type Prepared;
    /// A chunk that is to be performed.
    type Planned;
    /// A chunk that was performed.
    type Performed;
    /// What ends the run early.
    type Error: From<NoThread>;

    /// Decides what to do with the next chunk, while as many as `under_way` that were planned
    /// before it are not finished yet.
    ///
    /// # Errors
    /// Those that end the run.
    fn plan(
        &mut self,
        chunk: Self::Prepared,
        under_way: usize,
    ) -> Result<PlannedBy<Self>, Self::Error>;

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
    /// A chunk, and what it weighs.
    Read(I, usize),
    /// There are no more chunks.
    Ended,
    Prepared(usize, A),
    Performed(usize, C),
    /// A worker panicked.
    Lost,
    /// The thread that draws chunks panicked.
    SourceLost,
}

enum Task<I, B> {
    Prepare(usize, I),
    Perform(usize, B),
}

/// Gives chunks to the steps, from a thread of its own.
struct Source<I, A, C> {
    room: Arc<Room>,
    events: Sender<Event<I, A, C>>,
    ended: bool,
}

impl<I, A, C> Source<I, A, C> {
    fn give_all(mut self, chunks: impl Iterator<Item = (I, usize)>) {
        for (chunk, bytes) in chunks {
            if !self.room.take(bytes) || self.events.send(Event::Read(chunk, bytes)).is_err() {
                return;
            }
        }
        self.ended = true;
        let _ = self.events.send(Event::Ended);
    }
}

/// A source that is dropped otherwise has not come to its end: its thread panicked, or nothing is
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

/// Runs chunks, each with its weight in bytes, through the steps until there are no more, a step says
/// so, or one fails; what was planned is finished first, unless a step failed. Returns whether the
/// chunks came to their end.
///
/// The thread that draws them is left alone when the run is over: it may be waiting for input that
/// never comes.
///
/// Fewer threads than `jobs` do if the system gives no more.
///
/// # Errors
/// Those of the steps; [`NoThread`] if there is none for drawing chunks, or none for working on them.
///
/// # Panics
/// If any of its threads panics.
pub fn run<I, A, B, C, S>(
    jobs: NonZeroUsize,
    chunks: impl Iterator<Item = (I, usize)> + Send + 'static,
    prepare: impl Fn(I) -> A + Sync,
    perform: impl Fn(B) -> C + Sync,
    steps: &mut S,
) -> Result<bool, S::Error>
where
    I: Send + 'static,
    A: Send + 'static,
    B: Send,
    C: Send + 'static,
    S: Steps<Prepared = A, Planned = B, Performed = C>,
{
    let room = Arc::new(Room::of(jobs));
    let (to_steps, events) = channel();
    let (tasks, for_tasks) = channel();
    let for_tasks = Mutex::new(for_tasks);
    let source = Source {
        room: Arc::clone(&room),
        events: to_steps.clone(),
        ended: false,
    };
    let drawing = thread::Builder::new().spawn(move || source.give_all(chunks));
    drawing.map_err(NoThread)?;
    thread::scope(|scope| {
        for number in 0..jobs.get() {
            let watch = Watch(to_steps.clone());
            let worker = || work(&for_tasks, watch, &prepare, &perform);
            match thread::Builder::new().spawn_scoped(scope, worker) {
                Ok(_) => {}
                Err(_) if number > 0 => break,
                Err(error) => {
                    room.close();
                    return Err(NoThread(error).into());
                }
            }
        }
        drop(to_steps);
        let mut conductor = Conductor {
            tasks,
            prepare: &prepare,
            perform: &perform,
            room,
            weights: VecDeque::new(),
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
        // Dropping the conductor lets the workers and the source end.
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
struct Conductor<'a, I, A, B, C, S, P, Q> {
    tasks: Sender<Task<I, B>>,
    prepare: &'a P,
    perform: &'a Q,
    room: Arc<Room>,
    /// Of the chunks that were read and are not finished.
    weights: VecDeque<usize>,
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

impl<I, A, B, C, S, P, Q> Conductor<'_, I, A, B, C, S, P, Q>
where
    S: Steps<Prepared = A, Planned = B, Performed = C>,
    P: Fn(I) -> A,
    Q: Fn(B) -> C,
{
    fn conduct(&mut self, events: &Receiver<Event<I, A, C>>) -> Result<bool, S::Error> {
        loop {
            self.advance()?;
            let all_read = self.source_ended && self.planned == self.read;
            if self.finished == self.planned && (self.stopped || all_read) {
                return Ok(!self.stopped);
            }
            match events.recv_timeout(PAUSE) {
                Ok(Event::Read(chunk, bytes)) => {
                    self.weights.push_back(bytes);
                    if bytes > HEAVY {
                        self.prepared.insert(self.read, (self.prepare)(chunk));
                    } else {
                        let _ = self.tasks.send(Task::Prepare(self.read, chunk));
                    }
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
                // Chunks are finished in the order in which they were read.
                self.room.free(self.weights.pop_front().unwrap_or_default());
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
                Planned::Done(chunk) => {
                    self.performed.insert(self.planned, chunk);
                    self.planned += 1;
                }
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
        let bytes = self.weights.get(self.planned - self.finished);
        if bytes.is_some_and(|bytes| *bytes > HEAVY) {
            let chunk = (self.perform)(chunk);
            self.performed.insert(self.planned, chunk);
        } else {
            let _ = self.tasks.send(Task::Perform(self.planned, chunk));
        }
        self.planned += 1;
    }
}

impl<I, A, B, C, S, P, Q> Drop for Conductor<'_, I, A, B, C, S, P, Q> {
    fn drop(&mut self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests;
