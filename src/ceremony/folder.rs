//! A ceremony's folder: reading what it holds, and adding to its transcript.
//!
//! Two commands may end at once, so the folder itself is locked while a transcript is read or added
//! to; the system takes the lock away when a process ends, and nothing is left behind. An entry is
//! written at once, at the end of the file, and synced. What a crash leaves is a last line without an
//! end, and nothing is added before that was put aside.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::closing::Closing;
use super::entry::{Done, Entry, EntryType, Remark, RemarkKind};
use super::error::CeremonyError;
use super::opening::{Opening, SchemaVersion};
use super::transcript::Transcript;
use crate::canonical;
use crate::digest::Digest;
use crate::files::{self, Existing, FileError};
use crate::time::TimestampMicros;

/// The file that makes a folder that of a ceremony.
pub const OPENING_FILE: &str = "ceremony.json";

/// What is to be done.
pub const RUNBOOK_FILE: &str = "runbook.md";

/// What was done.
pub const TRANSCRIPT_FILE: &str = "transcript.jsonl";

/// What the witnesses signed.
pub const CLOSING_FILE: &str = "closing.json";

/// The longest transcript that is read: some hundred thousand commands.
const LONGEST: u64 = 256 << 20;

/// Where a transcript ends, and so how far a ceremony has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// How many entries there are.
    pub count: u64,
    /// The hash of the last one, or the digest of the opening.
    pub head: Digest,
    /// The time before which nothing can follow.
    pub last_time: TimestampMicros,
    /// Whether the last entry closed it.
    pub closed: bool,
}

/// The folder of a ceremony.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
    /// What the ceremony is.
    pub opening: Opening,
}

impl Folder {
    /// Opens the ceremony in `dir`.
    ///
    /// # Errors
    /// [`CeremonyError::NotACeremony`], [`CeremonyError::Malformed`]; those of the system.
    pub fn open(dir: &Path) -> Result<Self, CeremonyError> {
        let path = dir.join(OPENING_FILE);
        if path.symlink_metadata().is_err() {
            return Err(CeremonyError::NotACeremony {
                dir: dir.to_owned(),
            });
        }
        let bytes = files::read_regular(&path, files::LONGEST)?;
        let opening = Opening::from_slice(&bytes).map_err(|error| CeremonyError::Malformed {
            path,
            message: error.to_string(),
        })?;
        Ok(Folder {
            dir: dir.to_owned(),
            opening,
        })
    }

    /// The folders from `start` upward that hold a ceremony, the nearest first.
    pub fn upward(start: &Path) -> impl Iterator<Item = &Path> {
        start
            .ancestors()
            .filter(|folder| folder.join(OPENING_FILE).is_file())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The transcript's file.
    pub fn transcript_path(&self) -> PathBuf {
        self.dir.join(TRANSCRIPT_FILE)
    }

    /// The file of what the witnesses signed.
    pub fn closing_path(&self) -> PathBuf {
        self.dir.join(CLOSING_FILE)
    }

    /// Holds the folder: nobody else reads or adds to the transcript until this is dropped.
    fn lock(&self) -> Result<File, CeremonyError> {
        let locked = File::open(&self.dir).and_then(|folder| folder.lock().map(|()| folder));
        Ok(locked.map_err(FileError::io("lock", &self.dir))?)
    }

    /// The transcript as it stands, whether it is sound or not.
    ///
    /// # Errors
    /// [`CeremonyError::Damaged`] if a line is no entry; those of the system.
    pub fn transcript(&self) -> Result<Transcript, CeremonyError> {
        let _lock = self.lock()?;
        self.read()
    }

    fn read(&self) -> Result<Transcript, CeremonyError> {
        let path = self.transcript_path();
        Transcript::parse(&read_transcript(&path)?)
            .map_err(|fault| CeremonyError::Damaged { path, fault })
    }

    /// What the witnesses signed, once the ceremony is closed.
    ///
    /// # Errors
    /// [`CeremonyError::Malformed`]; those of the system.
    pub fn closing(&self) -> Result<Option<Closing>, CeremonyError> {
        let path = self.closing_path();
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let bytes = files::read_regular(&path, files::LONGEST)?;
        canonical::from_slice(&bytes)
            .map(Some)
            .map_err(|error| CeremonyError::Malformed {
                path,
                message: error.to_string(),
            })
    }

    /// How far the ceremony has come.
    ///
    /// # Errors
    /// [`CeremonyError::Damaged`], [`CeremonyError::Torn`]; those of the system.
    pub fn tip(&self) -> Result<Tip, CeremonyError> {
        let _lock = self.lock()?;
        let transcript = self.sound(self.read()?)?;
        Ok(self.tip_of(&transcript))
    }

    fn tip_of(&self, transcript: &Transcript) -> Tip {
        Tip {
            count: transcript.count(),
            head: transcript.head(&self.opening),
            last_time: transcript.last_time(&self.opening),
            closed: transcript.is_closed(),
        }
    }

    /// Nothing is built on a transcript that is not what was written.
    fn sound(&self, transcript: Transcript) -> Result<Transcript, CeremonyError> {
        let path = self.transcript_path();
        if let Err(fault) = transcript.check_chain(&self.opening) {
            return Err(CeremonyError::Damaged { path, fault });
        }
        match &transcript.torn {
            Some(torn) if transcript.is_closed() => Err(CeremonyError::BehindClosing {
                path,
                bytes: torn.bytes.len(),
            }),
            Some(_) => Err(CeremonyError::Torn {
                path,
                line: transcript.entries.len() + 1,
            }),
            None => Ok(transcript),
        }
    }

    /// Whether something may be done at `now`: the ceremony is open, and the clock not behind.
    ///
    /// # Errors
    /// [`CeremonyError::ClockBehind`], [`CeremonyError::Closed`], and as [`tip`](Self::tip).
    pub fn check_ready(&self, now: impl FnOnce() -> TimestampMicros) -> Result<(), CeremonyError> {
        let tip = self.tip()?;
        if tip.closed {
            let dir = self.dir.clone();
            return Err(CeremonyError::Closed { dir });
        }
        // Asked only now: a command that ended meanwhile is no clock that went back.
        self.check_clock(tip.last_time, now())
    }

    fn check_clock(
        &self,
        last: TimestampMicros,
        now: TimestampMicros,
    ) -> Result<(), CeremonyError> {
        if now < last {
            return Err(CeremonyError::ClockBehind {
                path: self.transcript_path(),
                last,
                now,
                rehearsal: self.opening.rehearsal,
            });
        }
        Ok(())
    }

    /// Adds what was done to the transcript; when it returns, the entry is on disk.
    ///
    /// Something else may have been recorded while it was done, by a clock that was ahead: then the
    /// entry has the time of the one before, and says so.
    ///
    /// # Errors
    /// [`CeremonyError::Closed`], [`CeremonyError::Damaged`], [`CeremonyError::Torn`]; those of the
    /// system, after which the transcript is what it was.
    pub fn append(&self, done: Done, now: TimestampMicros) -> Result<Entry, CeremonyError> {
        let _lock = self.lock()?;
        let transcript = self.sound(self.read()?)?;
        if transcript.is_closed() {
            let dir = self.dir.clone();
            return Err(CeremonyError::Closed { dir });
        }
        let entry = self.next(&transcript, done, now);
        self.write(&entry)?;
        Ok(entry)
    }

    /// Puts a torn last line aside, into a file of its own, and records that.
    ///
    /// # Errors
    /// [`CeremonyError::NotTorn`], [`CeremonyError::BehindClosing`], [`CeremonyError::ClockBehind`],
    /// [`CeremonyError::Damaged`]; those of the system.
    pub fn repair(&self, mut done: Done, now: TimestampMicros) -> Result<Entry, CeremonyError> {
        let _lock = self.lock()?;
        let mut transcript = self.read()?;
        let path = self.transcript_path();
        let Some(torn) = transcript.torn.take() else {
            return Err(CeremonyError::NotTorn { path });
        };
        let transcript = self.sound(transcript)?;
        // Nothing follows the entry that closes a ceremony, so no crash has left this.
        if transcript.is_closed() {
            let bytes = torn.bytes.len();
            return Err(CeremonyError::BehindClosing { path, bytes });
        }
        self.check_clock(transcript.last_time(&self.opening), now)?;
        let name = format!("torn-line-{}.txt", transcript.count() + 1);
        files::write(&self.dir.join(&name), &torn.bytes, Existing::Replace)?;
        done.remark = Some(Remark {
            kind: RemarkKind::Repair,
            text: format!(
                "a line of {} bytes without an end was put aside into {name}, SHA-256 {}",
                torn.bytes.len(),
                Digest::of(&torn.bytes)
            ),
        });
        let entry = self.next(&transcript, done, now);
        let mut bytes = read_transcript(&path)?;
        bytes.truncate(torn.offset);
        bytes.extend(entry.to_line());
        bytes.push(b'\n');
        // All at once: a crash leaves the torn line or the entry that tells of it.
        files::write(&path, &bytes, Existing::Replace)?;
        Ok(entry)
    }

    fn next(&self, transcript: &Transcript, done: Done, now: TimestampMicros) -> Entry {
        let last = transcript.last_time(&self.opening);
        let mut result = done.result;
        let time = now.max(last).max(done.started_at);
        if time > now {
            result.push(format!(
                "the clock went back to {now} meanwhile; the entry has the time before which it cannot be"
            ));
        }
        let mut entry = Entry {
            arguments: done.arguments,
            binary_sha256: done.binary_sha256,
            entry_sha256: self.opening.digest(),
            entry_type: EntryType,
            exit: done.exit,
            files: done.files,
            previous: transcript.head(&self.opening),
            products: done.products,
            rehearsal: self.opening.rehearsal,
            remark: done.remark,
            result,
            schema_version: SchemaVersion,
            seq: transcript.count() + 1,
            started_at: done.started_at,
            time,
            tool_version: done.tool_version,
            verb: done.verb,
        };
        entry.entry_sha256 = entry.digest();
        entry
    }

    fn write(&self, entry: &Entry) -> Result<(), CeremonyError> {
        let path = self.transcript_path();
        let fails = FileError::io("write", &path);
        let mut line = entry.to_line();
        line.push(b'\n');
        let written = (|| {
            let mut file = OpenOptions::new()
                .append(true)
                // A pipe in its place must not keep the command waiting for a reader.
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
                .open(&path)?;
            let before = file.metadata()?.len();
            file.write_all(&line)
                .and_then(|()| file.sync_data())
                // A disk that is full must not leave a torn line. If this fails too, it does, and the
                // next command says so.
                .inspect_err(|_| drop(file.set_len(before)))
        })();
        Ok(written.map_err(fails)?)
    }

    /// Writes what the witnesses signed, in the place of what fewer of them did.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write_closing(&self, closing: &Closing) -> Result<(), CeremonyError> {
        let bytes = canonical::pretty(closing);
        Ok(files::write(
            &self.closing_path(),
            &bytes,
            Existing::Replace,
        )?)
    }

    /// Makes the folder of a ceremony in `parent`: all of it, or nothing.
    ///
    /// # Errors
    /// [`CeremonyError::Exists`]; those of the system.
    pub fn create(parent: &Path, opening: Opening, runbook: &str) -> Result<Self, CeremonyError> {
        let dir = parent.join(opening.name.as_str());
        if dir.symlink_metadata().is_ok() {
            return Err(CeremonyError::Exists { dir });
        }
        let json = canonical::pretty(&opening);
        let made = tempfile::Builder::new()
            .prefix(".pith-")
            .tempdir_in(parent)
            .map_err(FileError::io("make a folder in", parent))?;
        files::write(
            &made.path().join(RUNBOOK_FILE),
            runbook.as_bytes(),
            Existing::Keep,
        )?;
        files::write(&made.path().join(TRANSCRIPT_FILE), b"", Existing::Keep)?;
        files::write(&made.path().join(OPENING_FILE), &json, Existing::Keep)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(made.path(), mode)
            .and_then(|()| fs::rename(made.path(), &dir))
            .map_err(FileError::io("make the folder", &dir))?;
        // It is no longer where it would be removed.
        let _ = made.keep();
        files::sync_folder(parent)?;
        Ok(Folder { dir, opening })
    }
}

/// The bytes of a transcript.
pub(super) fn read_transcript(path: &Path) -> Result<Vec<u8>, FileError> {
    files::read_regular(path, LONGEST)
}
