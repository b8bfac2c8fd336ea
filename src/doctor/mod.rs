//! Whether a registry is fit for work: each finding says what is so, and what to do.
//!
//! What is looked at is gathered above and passed in; here it is judged.

mod clock;
mod keyset;

pub use clock::judge_clock;
pub use keyset::{DraftHealth, KeyHealth, KeysetHealth, judge_keyset};

use std::path::Path;

use serde::Serialize;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, and should be seen to.
    Warn,
    /// Nothing should be signed before it is mended.
    Fail,
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "fail",
        }
    }
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, such as `clock`.
    pub subject: &'static str,
    /// How it stands.
    pub status: Status,
    /// What is so.
    pub message: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(subject: &'static str, message: impl Into<String>) -> Self {
        Finding {
            subject,
            status: Status::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    /// To be seen to.
    pub fn warn(
        subject: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Finding {
            status: Status::Warn,
            remedy: Some(remedy.into()),
            ..Finding::ok(subject, message)
        }
    }

    /// To be mended first.
    pub fn fail(
        subject: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Finding {
            status: Status::Fail,
            ..Finding::warn(subject, message, remedy)
        }
    }
}

/// Judges the permissions, `mode`, of something in a home by who can change it besides its owner.
pub fn judge_mode(path: &Path, mode: u32) -> Option<Finding> {
    const WORLD: u32 = 0o002;
    const GROUP: u32 = 0o020;
    let name = path.display();
    if mode & WORLD != 0 {
        let message = format!("{name} can be changed by anybody (mode {mode:03o})");
        let remedy = format!("`chmod go-w {name}`, and look at what is in it");
        Some(Finding::fail("permissions", message, remedy))
    } else if mode & GROUP != 0 {
        let message = format!("{name} can be changed by its group (mode {mode:03o})");
        let remedy = format!("`chmod g-w {name}`, unless nobody else is in that group");
        Some(Finding::warn("permissions", message, remedy))
    } else {
        None
    }
}

/// Judges the room on the disk of a ledger of `ledger` bytes: a copy of it must fit, and a run's journal.
pub fn judge_disk(free: u64, ledger: u64) -> Finding {
    const MIB: u64 = 1 << 20;
    let (least, wanted) = (100 * MIB, ledger + 1024 * MIB);
    let message = format!("{} MiB free, {} MiB wanted", free / MIB, wanted / MIB);
    let remedy = "make room before the next run: the ledger's copy and its journal need it";
    if free < least {
        Finding::fail("disk", message, remedy)
    } else if free < wanted {
        Finding::warn("disk", message, remedy)
    } else {
        Finding::ok("disk", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_must_hold_the_ledger_a_second_time() {
        const GIB: u64 = 1 << 30;
        assert_eq!(judge_disk(4 * GIB, 2 * GIB).status, Status::Ok);
        assert_eq!(judge_disk(2 * GIB, 2 * GIB).status, Status::Warn);
        assert_eq!(judge_disk(1 << 20, 0).status, Status::Fail);
    }
}
