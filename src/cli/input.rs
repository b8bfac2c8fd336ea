//! Reading metadata for a verb: papers go on, rejects are kept, told and counted.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::arxiv::{Item, Paper, ReadOptions, Reader, RejectCode, Rejection};
use crate::files::FileError;

use super::InputArgs;
use super::context::Context;
use super::error::{Exit, Failure};
use super::growing::{FilePlace, Growing};
use super::output;

/// How many rejections are shown where no rejects file takes them.
const SHOWN: u64 = 10;

/// Reads the papers of `args` one by one.
pub struct Papers<'a> {
    reader: Reader,
    rejects: Rejects<'a>,
    /// [`Exit::Io`] once an input could not be read to its end.
    exit: Exit,
}

impl<'a> Papers<'a> {
    /// Opens every input, so that a name that is wrong is known before anything is done.
    pub fn open(args: &'a InputArgs, context: &'a Context) -> Result<Self, Failure> {
        let options = ReadOptions {
            allow_non_ascii: args.allow_non_ascii,
        };
        let stdin = Box::new(PatientStdin::new(context.interrupt_flag()));
        Ok(Papers {
            reader: Reader::open(&args.inputs, stdin, options)?,
            rejects: Rejects::new(args.rejects.as_deref(), context),
            exit: Exit::Done,
        })
    }

    /// The next paper; rejections before it are dealt with on the way.
    ///
    /// An input that cannot be read to its end is told at once and decides the exit code; the
    /// inputs after it are read all the same.
    ///
    /// # Errors
    /// [`Failure`] if a rejection cannot be written down.
    pub fn next(&mut self) -> Result<Option<Paper>, Failure> {
        for item in self.reader.by_ref() {
            // What was cut off by an interrupt is not to be taken for faulty.
            if self.rejects.context.interrupted() {
                return Ok(None);
            }
            match item {
                Ok(Item::Paper { paper, .. }) => return Ok(Some(*paper)),
                Ok(Item::Rejected(rejection)) => {
                    self.rejects.add(&rejection)?;
                }
                Ok(Item::Deleted { .. }) => {}
                Err(error) => self.exit = self.exit.worst(Failure::from(error).report()),
            }
        }
        Ok(None)
    }

    /// Completes the rejects file; says what the exit code is on account of the inputs.
    pub fn finish(self, force: bool) -> Result<Exit, Failure> {
        Ok(self.exit.worst(self.rejects.finish(force)?))
    }
}

/// What is kept and told of rejected inputs.
pub struct Rejects<'a> {
    context: &'a Context,
    path: Option<&'a Path>,
    /// Begun with the first rejection.
    file: Option<Growing>,
    remedies: BTreeMap<&'static str, RejectCode>,
    total: u64,
    /// The last one that was kept and not told.
    last: Option<Rejection>,
}

impl<'a> Rejects<'a> {
    /// None so far.
    pub fn new(path: Option<&'a Path>, context: &'a Context) -> Self {
        Rejects {
            context,
            path,
            file: None,
            remedies: BTreeMap::new(),
            total: 0,
            last: None,
        }
    }

    /// Goes on after these, of which the file at `path` has those up to `place`; `None` if it has not.
    pub fn resume(
        path: Option<&'a Path>,
        context: &'a Context,
        counts: &BTreeMap<String, u64>,
        place: Option<&FilePlace>,
    ) -> Result<Option<Self>, Failure> {
        let mut rejects = Rejects::new(path, context);
        for code in RejectCode::ALL.iter().copied() {
            if let Some(count) = counts.get(code.as_str()) {
                rejects.total += count;
                rejects.remedies.insert(code.as_str(), code);
            }
        }
        if let (Some(path), Some(place)) = (path, place) {
            rejects.file = Growing::resume(path, place)?;
            if rejects.file.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(rejects))
    }

    /// Makes what was kept reach the disk; returns the place behind it, if anything was kept.
    pub fn sync(&mut self) -> Result<Option<FilePlace>, FileError> {
        self.file.as_mut().map(Growing::sync).transpose()
    }

    /// Keeps or tells a rejection.
    pub fn add(&mut self, rejection: &Rejection) -> Result<(), Failure> {
        self.total += 1;
        self.remedies
            .insert(rejection.code.as_str(), rejection.code);
        if let Some(path) = self.path {
            if self.file.is_none() {
                self.file = Some(Growing::create(path)?);
            }
            let file = self.file.as_mut().expect("begun above");
            self.last = Some(rejection.clone());
            return Ok(file.append_json(rejection)?);
        }
        if self.total <= SHOWN {
            tell(rejection);
        }
        Ok(())
    }

    /// Tells the rejection that ended the run; the file keeps the name it grows under.
    pub fn stop(self) -> Exit {
        if let Some(rejection) = &self.last {
            tell(rejection);
        }
        self.hint()
    }

    /// Completes the file; says what the exit code is on account of the rejections.
    pub fn finish(mut self, force: bool) -> Result<Exit, Failure> {
        let kept = self.path.is_some();
        if let Some(path) = self.path {
            let file = match self.file.take() {
                Some(file) => file,
                None => Growing::create(path)?,
            };
            file.finish(force)?;
        }
        if self.total == 0 {
            return Ok(Exit::Done);
        }
        if !kept && self.total > SHOWN {
            let more = self.total - SHOWN;
            self.context.warn(&format!(
                "{more} more inputs were rejected; --rejects FILE keeps them all"
            ));
        }
        Ok(self.hint())
    }

    /// Says what to do about what was rejected.
    fn hint(&self) -> Exit {
        for code in self.remedies.values() {
            output::message("hint", &format!("[{code}] {}", code.remedy()));
        }
        Exit::Rejects
    }
}

/// Says on stderr what was rejected.
fn tell(rejection: &Rejection) {
    let Rejection {
        input,
        line,
        code,
        message,
        ..
    } = rejection;
    let id = rejection
        .arxiv_id
        .as_deref()
        .map(|id| format!(" arXiv:{id}:"))
        .unwrap_or_default();
    let field = rejection
        .field
        .map(|field| format!(" {field}:"))
        .unwrap_or_default();
    output::message(
        "rejected",
        &format!("{input}:{line}:{id}{field} {message} [{code}]"),
    );
}

/// Stdin that ends early when an interrupt comes: a run that waits for input must not wait on.
pub struct PatientStdin {
    interrupted: Arc<AtomicBool>,
    chunks: Option<Receiver<io::Result<Vec<u8>>>>,
    chunk: Vec<u8>,
    taken: usize,
}

impl PatientStdin {
    const CHUNK: usize = 1 << 16;
    const PAUSE: Duration = Duration::from_millis(50);

    /// Nothing is read before the first `read`: stdin may be somebody else's.
    pub fn new(interrupted: Arc<AtomicBool>) -> Self {
        PatientStdin {
            interrupted,
            chunks: None,
            chunk: Vec::new(),
            taken: 0,
        }
    }

    /// A thread may wait for input for ever; the process ends without it.
    fn begin() -> Receiver<io::Result<Vec<u8>>> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(4);
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; Self::CHUNK];
                let read = io::stdin().read(&mut chunk).map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                let last = read.as_ref().map_or(true, Vec::is_empty);
                if sender.send(read).is_err() || last {
                    return;
                }
            }
        });
        receiver
    }
}

impl Read for PatientStdin {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let chunks = self.chunks.get_or_insert_with(Self::begin);
        while self.taken == self.chunk.len() {
            if self.interrupted.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match chunks.recv_timeout(Self::PAUSE) {
                Ok(chunk) => {
                    (self.chunk, self.taken) = (chunk?, 0);
                    if self.chunk.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let count = bytes.len().min(self.chunk.len() - self.taken);
        bytes[..count].copy_from_slice(&self.chunk[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
