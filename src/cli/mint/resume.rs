//! Going on where an earlier run of the same command was cut short.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::args::MintArgs;
use super::feed::{Feed, Read};
use super::place::Place;
use crate::cli::context::Context;
use crate::cli::error::Failure;
use crate::cli::input::Rejects;
use crate::cli::sink::BundleSink;

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
    There(Feed, Box<Resumed<'a>>),
    /// Inputs or outputs are not what they were: all has to be gone through from the beginning.
    Changed,
    /// An interrupt came before the inputs were there; nothing was touched.
    Interrupted,
}

/// Goes to `place` in the inputs and outputs.
///
/// The inputs are read again and hashed, all of what was read before: a size, a date or a sample could
/// not tell that a line in the middle has changed. It takes a few seconds a gigabyte, against minutes for
/// minting it.
pub fn resume<'a>(
    args: &'a MintArgs,
    context: &'a Context,
    place: Place,
    feed: Feed,
) -> Result<Resuming<'a>, Failure> {
    // The inputs first: looking at them changes nothing.
    let feed = match skip(feed, &place.read, context) {
        None => return Ok(Resuming::Interrupted),
        Some(None) => return Ok(Resuming::Changed),
        Some(Some(feed)) => feed,
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
    Ok(Resuming::There(feed, Box::new(resumed)))
}

/// Reads up to `place`; `None` if an interrupt came first, `Some(None)` if the inputs are not those that
/// were read before it.
///
/// A thread of its own reads: it may wait for input for ever, and the process ends without it.
fn skip(mut feed: Feed, place: &Read, context: &Context) -> Option<Option<Feed>> {
    let (sender, receiver) = channel();
    let place = place.clone();
    let reading = thread::spawn(move || {
        let there = feed.skip_to(&place);
        // If nobody takes it, the run is over.
        let _ = sender.send(there.then_some(feed));
    });
    loop {
        match receiver.recv_timeout(PAUSE) {
            Ok(feed) => return Some(feed),
            Err(RecvTimeoutError::Timeout) if context.interrupted() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                resume_unwind(reading.join().expect_err("it sends, unless it panics"))
            }
        }
    }
}
