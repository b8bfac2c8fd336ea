//! Reading metadata for a verb: papers go on, rejects are kept, told and counted.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use crate::arxiv::{Item, Paper, Progress, ReadOptions, Reader, RejectCode, Rejection};
use crate::files::FileError;

use super::InputArgs;
use super::context::Context;
use super::error::{Exit, Failure};
use super::output::{self, Growing};

/// How many rejections are shown where no rejects file takes them.
const SHOWN: u64 = 10;

/// Reads the papers of `args` one by one.
pub struct Papers<'a> {
    reader: Reader,
    rejects: Rejects<'a>,
    /// Papers that a harvest reported as deleted.
    pub deleted: u64,
    /// [`Exit::Io`] once an input could not be read to its end.
    exit: Exit,
}

impl<'a> Papers<'a> {
    /// Opens every input, so that a name that is wrong is known before anything is done.
    pub fn open(args: &'a InputArgs, context: &'a Context) -> Result<Self, Failure> {
        let options = ReadOptions {
            allow_non_ascii: args.allow_non_ascii,
        };
        let stdin = Box::new(std::io::stdin());
        Ok(Papers {
            reader: Reader::open(&args.inputs, stdin, options)?,
            rejects: Rejects::open(args.rejects.as_deref(), context)?,
            deleted: 0,
            exit: Exit::Done,
        })
    }

    /// How far the inputs have been read.
    pub fn progress(&self) -> Progress {
        self.reader.progress()
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
            match item {
                Ok(Item::Paper { paper, .. }) => return Ok(Some(*paper)),
                Ok(Item::Rejected(rejection)) => self.rejects.add(&rejection)?,
                Ok(Item::Deleted { .. }) => self.deleted += 1,
                Err(error) => self.exit = self.exit.worst(Failure::from(error).report()),
            }
        }
        Ok(None)
    }

    /// How many inputs were rejected, by code.
    pub fn rejected(&self) -> &BTreeMap<&'static str, u64> {
        &self.rejects.counts
    }

    /// Completes the rejects file; says what the exit code is on account of the inputs.
    pub fn finish(self, force: bool) -> Result<Exit, Failure> {
        Ok(self.exit.worst(self.rejects.finish(force)?))
    }
}

struct Rejects<'a> {
    context: &'a Context,
    file: Option<Growing>,
    counts: BTreeMap<&'static str, u64>,
    remedies: BTreeMap<&'static str, RejectCode>,
    total: u64,
}

impl<'a> Rejects<'a> {
    fn open(path: Option<&Path>, context: &'a Context) -> Result<Self, Failure> {
        Ok(Rejects {
            context,
            file: path.map(Growing::create).transpose()?,
            counts: BTreeMap::new(),
            remedies: BTreeMap::new(),
            total: 0,
        })
    }

    fn add(&mut self, rejection: &Rejection) -> Result<(), Failure> {
        self.total += 1;
        *self.counts.entry(rejection.code.as_str()).or_default() += 1;
        self.remedies
            .insert(rejection.code.as_str(), rejection.code);
        if let Some(file) = &mut self.file {
            return output::json_line(file, rejection).map_err(|error| {
                FileError::io("write", Path::new("the rejects file"))(error).into()
            });
        }
        if self.total <= SHOWN {
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
        Ok(())
    }

    fn finish(mut self, force: bool) -> Result<Exit, Failure> {
        let kept = self.file.is_some();
        if let Some(mut file) = self.file.take() {
            file.flush()
                .map_err(FileError::io("write", Path::new("the rejects file")))?;
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
        for code in self.remedies.values() {
            output::message("hint", &format!("[{code}] {}", code.remedy()));
        }
        Ok(Exit::Rejects)
    }
}
