//! Going on where an earlier run of the same command was cut short.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::args::MintArgs;
use super::feed::Feed;
use super::place::Place;
use crate::cli::context::Context;
use crate::cli::error::Failure;
use crate::cli::growing::{FilePlace, Growing};
use crate::cli::input::Rejects;
use crate::cli::sink::{BundleSink, SinkPlace};
use crate::pipeline::NoThread;

/// How often it is asked whether an interrupt came.
const PAUSE: Duration = Duration::from_millis(50);

/// Outputs at the place up to which an earlier run came.
pub struct Resumed<'a> {
    pub place: Place,
    pub sink: Option<BundleSink>,
    pub rejects: Rejects<'a>,
}

/// What came of going to a place.
pub enum Resuming<'a> {
    /// The run goes on from there, with the inputs at the place too.
    There(Box<Feed>, Box<Resumed<'a>>),
    /// Inputs or outputs are not what they were: all has to be gone through from the beginning.
    Changed,
    /// An interrupt came before the inputs were there; nothing was touched.
    Interrupted,
}

/// Goes to `place` in the inputs and outputs.
///
/// The inputs are read again and hashed, all of what was read before: a size, a date or a sample could
/// not tell that a line in the middle has changed. So are the outputs meanwhile, since what became of
/// them is nobody's to know. It takes about a fiftieth of the time that minting took.
pub fn resume<'a>(
    args: &'a MintArgs,
    context: &'a Context,
    place: Place,
    feed: Feed,
) -> Result<Resuming<'a>, Failure> {
    let outputs = Outputs::of(args, &place);
    let read = place.read.clone();
    // Looking at them changes nothing.
    let sound = Waiting::begin(move || outputs.are_there())?;
    let feed = Waiting::begin(move || {
        let mut feed = feed;
        feed.skip_to(&read).then_some(feed)
    })?;
    let feed = match (feed.end(context), sound.end(context)) {
        (Some(Some(feed)), Some(true)) => feed,
        (None, _) | (_, None) => return Ok(Resuming::Interrupted),
        _ => return Ok(Resuming::Changed),
    };
    let path = args.input.rejects.as_deref();
    let counts = &place.counts.rejected;
    let rejects = Rejects::resume(path, context, counts, place.rejects.as_ref())?;
    let Some(rejects) = rejects else {
        return Ok(Resuming::Changed);
    };
    let sink = match (&args.bundles, &place.bundles) {
        (None, None) => None,
        (Some(out), Some(bundles)) => match BundleSink::resume(out, bundles)? {
            Some(sink) => Some(sink),
            None => return Ok(Resuming::Changed),
        },
        _ => return Ok(Resuming::Changed),
    };
    let resumed = Resumed {
        place,
        sink,
        rejects,
    };
    Ok(Resuming::There(Box::new(feed), Box::new(resumed)))
}

/// The files that an earlier run wrote, and how far.
struct Outputs {
    bundles: Option<(PathBuf, SinkPlace)>,
    rejects: Option<(PathBuf, FilePlace)>,
}

impl Outputs {
    fn of(args: &MintArgs, place: &Place) -> Self {
        Outputs {
            bundles: args.bundles.clone().zip(place.bundles.clone()),
            rejects: args.input.rejects.clone().zip(place.rejects.clone()),
        }
    }

    /// Whether they hold what was written.
    fn are_there(&self) -> bool {
        let bundles = self.bundles.as_ref();
        let rejects = self.rejects.as_ref();
        bundles.is_none_or(|(path, place)| BundleSink::is_at(path, place))
            && rejects.is_none_or(|(path, place)| Growing::is_at(path, place))
    }
}

/// Work on a thread of its own: it may wait for a file for ever, and the process ends without it.
struct Waiting<T> {
    thread: JoinHandle<()>,
    receiver: Receiver<T>,
}

impl<T: Send + 'static> Waiting<T> {
    fn begin(work: impl FnOnce() -> T + Send + 'static) -> Result<Self, NoThread> {
        let (sender, receiver) = channel();
        let thread = thread::Builder::new().spawn(move || {
            // If nobody takes it, the run is over.
            let _ = sender.send(work());
        })?;
        Ok(Waiting { thread, receiver })
    }

    /// What came of it; `None` if an interrupt came first.
    fn end(self, context: &Context) -> Option<T> {
        loop {
            match self.receiver.recv_timeout(PAUSE) {
                Ok(done) => return Some(done),
                Err(RecvTimeoutError::Timeout) if context.interrupted() => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    resume_unwind(self.thread.join().expect_err("it sends, unless it panics"))
                }
            }
        }
    }
}
