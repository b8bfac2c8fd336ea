//! What can go wrong with a ceremony's folder.

use std::path::PathBuf;

use super::transcript::Fault;
use crate::files::FileError;
use crate::time::TimestampMicros;

/// A ceremony cannot be planned, gone on with, or closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CeremonyError {
    /// There is a ceremony of this name.
    #[error("{} exists already", dir.display())]
    Exists {
        /// Its folder.
        dir: PathBuf,
    },
    /// The folder holds no ceremony.
    #[error("{} holds no ceremony", dir.display())]
    NotACeremony {
        /// The folder.
        dir: PathBuf,
    },
    /// A file of the ceremony cannot be understood.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// The transcript is not what was written.
    #[error("{}: {fault}", path.display())]
    Damaged {
        /// The transcript.
        path: PathBuf,
        /// What is wrong, and where.
        fault: Fault,
    },
    /// The transcript's last line was not written to its end.
    #[error("{}: line {line} was cut off when it was written", path.display())]
    Torn {
        /// The transcript.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Something that is no line stands behind the entry that closed the ceremony.
    #[error("{}: {bytes} bytes stand behind the entry that closed the ceremony", path.display())]
    BehindClosing {
        /// The transcript.
        path: PathBuf,
        /// How many bytes.
        bytes: usize,
    },
    /// The transcript's last line is whole.
    #[error("{}: the last line is whole, so there is nothing to repair", path.display())]
    NotTorn {
        /// The transcript.
        path: PathBuf,
    },
    /// The clock says that it is earlier than it was.
    #[error("the clock is behind: it says {now}, and the last entry of {} is of {last}", path.display())]
    ClockBehind {
        /// The transcript.
        path: PathBuf,
        /// The time of its last entry, or of the opening.
        last: TimestampMicros,
        /// The time by the clock.
        now: TimestampMicros,
        /// Whether it is a rehearsal, whose times are set by hand.
        rehearsal: bool,
    },
    /// The ceremony is over.
    #[error("the ceremony in {} is closed", dir.display())]
    Closed {
        /// Its folder.
        dir: PathBuf,
    },
    /// What was recorded last is not what is there.
    #[error("{} is not what the transcript says was written there last", path.display())]
    ProductChanged {
        /// The file.
        path: PathBuf,
    },
    /// A witness signs a second time.
    #[error("{key_id} has signed already")]
    SignedAlready {
        /// The witness's key.
        key_id: String,
    },
    /// A template cannot be rendered.
    #[error("the template {name}: {message}")]
    Template {
        /// Which.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl CeremonyError {
    /// What an operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            CeremonyError::Exists { .. } => Some("choose another --name"),
            CeremonyError::NotACeremony { .. } => {
                Some("go into the ceremony's folder, or name it with PITH_CEREMONY")
            }
            CeremonyError::Damaged { .. } => Some(
                "stop here. `pith ceremony verify` shows what is wrong; keep the folder as it is, and \
                 begin another ceremony",
            ),
            CeremonyError::Torn { .. } => Some(
                "a command was cut off while it was written down. `pith ceremony log --repair` puts \
                 what there is of the line aside and records that; then say with \
                 `pith ceremony log TEXT` what the command was",
            ),
            CeremonyError::BehindClosing { .. } => Some(
                "stop here: no command has written them, and none takes them away. Keep a copy of the \
                 file and find out who did; what the witnesses signed ends with its last whole line",
            ),
            CeremonyError::ClockBehind {
                rehearsal: true, ..
            } => Some(
                "a rehearsal's times follow one another: set PITH_NOW, or --now, to that of the last entry or a \
                 later one; nothing was done, and nothing recorded",
            ),
            CeremonyError::ClockBehind { .. } => {
                Some("set the clock right; nothing was done, and nothing recorded")
            }
            CeremonyError::ProductChanged { .. } => Some(
                "find out who changed it; restore it, or write it again with the command that made it",
            ),
            CeremonyError::Template { .. } => Some(
                "correct the file in the home's templates/, or move it away to use the one built in",
            ),
            _ => None,
        }
    }
}
