//! How a verb ends: its exit code, and the two lines that say what went wrong and what to do.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use crate::arxiv::InputError;
use crate::ceremony::CeremonyError;
use crate::files::FileError;
use crate::home::HomeError;
use crate::keys::{HardenError, KeyFileError, SealError};
use crate::keyset::EditError;
use crate::ledger::LedgerError;
use crate::mint::MintError;
use crate::pipeline::NoThread;
use crate::publish::PublishError;

use super::secrets::{SecretError, SecretErrorKind};

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; verified.
    Done = 0,
    /// Something does not verify, or a policy refuses it.
    Refused = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// Finished, but some inputs were rejected.
    Rejects = 3,
    /// Sound in itself, but signed by a key that is not trusted.
    Untrusted = 4,
    /// Input or output: file, ledger.
    Io = 5,
    /// A private key could not be unlocked.
    Locked = 6,
    /// Interrupted; what was reported as done is on disk.
    Interrupted = 130,
}

impl Exit {
    /// Where several apply, the one that decides.
    pub fn worst(self, other: Exit) -> Exit {
        const ORDER: [Exit; 8] = [
            Exit::Interrupted,
            Exit::Io,
            Exit::Locked,
            Exit::Refused,
            Exit::Untrusted,
            Exit::Rejects,
            Exit::Usage,
            Exit::Done,
        ];
        let rank = |exit: Exit| ORDER.iter().position(|e| *e == exit);
        if rank(other) < rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a verb could not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    problem: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// A failure with a message of its own.
    pub fn new(exit: Exit, problem: impl Into<String>) -> Self {
        Failure {
            exit,
            problem: Some(problem.into()),
            hint: None,
        }
    }

    /// A failure that needs no words: the reader of stdout left before all was written.
    pub fn silent(exit: Exit) -> Self {
        Failure {
            exit,
            problem: None,
            hint: None,
        }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What went wrong.
    pub fn problem(&self) -> &str {
        self.problem.as_deref().unwrap_or_default()
    }

    fn of(exit: Exit, error: &dyn std::error::Error) -> Self {
        Failure::new(exit, chain(error))
    }

    /// Says what went wrong on stderr.
    pub fn report(self) -> Exit {
        if let Some(problem) = self.problem {
            super::output::message("error", &problem);
        }
        if let Some(hint) = self.hint {
            super::output::message("hint", &hint);
        }
        self.exit
    }
}

/// An error and what caused it, in one line; a cause that the line before quotes is left out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<io::Error> for Failure {
    /// For what is written to stdout; files name their path.
    fn from(error: io::Error) -> Self {
        Failure::new(Exit::Io, format!("cannot write to stdout: {error}"))
    }
}

impl From<NoThread> for Failure {
    fn from(error: NoThread) -> Self {
        Failure::of(Exit::Io, &error)
            .hint("ask for fewer with --jobs, or look at the limits of this user and its services")
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let failure = Failure::of(Exit::Io, &error);
        match error {
            FileError::Exists { .. } | FileError::Differs { .. } => {
                failure.hint("nothing is overwritten without --force; or name another file")
            }
            _ => failure,
        }
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let error = match error {
            HomeError::Ledger(error) => return error.into(),
            error => error,
        };
        let exit = match error {
            HomeError::Setting { .. } | HomeError::NotAHome { .. } => Exit::Usage,
            HomeError::Keyset { .. } | HomeError::DraftChanged { .. } => Exit::Refused,
            _ => Exit::Io,
        };
        let failure = Failure::of(exit, &error);
        match error {
            HomeError::Exists { .. } => {
                failure.hint("name another folder, or use this home with -C")
            }
            HomeError::NotAHome { .. } => {
                failure.hint("make one with `pith init DIR --registry-id ID --base-url URL`")
            }
            HomeError::Keyset { source, .. } => failure.hint(source.hint()),
            HomeError::DraftChanged { .. } => failure
                .hint("look at it with `pith keyset diff`, and repeat this if it is still wanted"),
            HomeError::Malformed { .. } => {
                failure.hint("correct the file, or restore it from a backup")
            }
            _ => failure,
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        if let LedgerError::Output(error) = error {
            return error.into();
        }
        let failure = Failure::of(Exit::Io, &error);
        match error.remedy() {
            Some(remedy) => failure.hint(remedy),
            None => failure,
        }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        let exit = match error {
            InputError::StdinTwice => Exit::Usage,
            _ => Exit::Io,
        };
        Failure::of(exit, &error)
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Failure::of(Exit::Refused, &error).hint(error.hint())
    }
}

impl From<CeremonyError> for Failure {
    fn from(error: CeremonyError) -> Self {
        let exit = match &error {
            CeremonyError::Malformed { .. } => Exit::Io,
            CeremonyError::File(FileError::Exists { .. }) => Exit::Refused,
            CeremonyError::File(_) => Exit::Io,
            CeremonyError::NotACeremony { .. } | CeremonyError::Template { .. } => Exit::Usage,
            _ => Exit::Refused,
        };
        let failure = Failure::of(exit, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let failure = Failure::of(Exit::Io, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        let failure = Failure::of(Exit::Io, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<HardenError> for Failure {
    fn from(error: HardenError) -> Self {
        Failure::of(Exit::Locked, &error)
            .hint("no key is opened in a process whose memory others could read")
    }
}

impl From<MintError> for Failure {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Ledger(error) => error.into(),
            MintError::SelfCheck { .. } => Failure::of(Exit::Refused, &error).hint(
                "nothing of this group was written; check the machine's memory and that the key's \
                 public file is its own",
            ),
            MintError::ClockBehind { .. } => Failure::of(Exit::Refused, &error)
                .hint("set the clock right; a receipt is re-issued later than it was issued"),
            MintError::UnknownKey { .. } => Failure::of(Exit::Io, &error)
                .hint("rebuild the ledger from bundles: they carry the keys"),
            _ => Failure::of(Exit::Refused, &error),
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        let exit = match error {
            PublishError::Home(error) => return error.into(),
            PublishError::File(error) => return error.into(),
            PublishError::OtherRegistry { .. } => Exit::Refused,
            PublishError::Template { .. } => Exit::Usage,
            _ => Exit::Io,
        };
        let failure = Failure::of(exit, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let exit = match error.kind() {
            SecretErrorKind::Usage => Exit::Usage,
            SecretErrorKind::Io => Exit::Io,
            SecretErrorKind::Interrupted => Exit::Interrupted,
            _ => Exit::Locked,
        };
        let failure = Failure::of(exit, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
