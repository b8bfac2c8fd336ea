//! Writing commands into the transcript of the ceremony that is open.
//!
//! A ceremony is open if `PITH_CEREMONY` names its folder, or the current folder lies in it. Then every
//! command leaves an entry, also one that fails: its verb and arguments, the files it read and wrote
//! with their digests, what it said on stderr, its exit code, the times, and the program's own hash.
//! What rooms below note in [`watch`], and what [`output::message`] prints, is all there is to it: no
//! verb records anything itself, but those of `pith ceremony`.
//!
//! Never recorded: what a file holds; the digest of a passphrase, an identity, a private key or a share,
//! or of any file that its owner alone may read; what is typed at a prompt; the environment; what is
//! printed on stdout; an argument that could be a secret given by mistake. Of a command line that could not be understood
//! only the verb is. Commands that only look (`ceremony status`, `show`, `verify`) leave no entry: to
//! read a head aloud must not change it. A command that is killed leaves none either.

use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::ceremony::{
    Base, CeremonyError, Done, Entry, File, FileKind, FileRole, Folder, OPENING_FILE, Place,
    Product, Remark,
};
use crate::digest::Digest;
use crate::files::FileError;
use crate::files::watch::{self, Access, Content, Touched};
use crate::home::Home;
use crate::time::TimestampMicros;

use clap::ArgMatches;

use super::context::Context;
use super::error::{Exit, Failure};
use super::output;
use super::withheld::Withholding;

/// The variable that names the folder of the ceremony that is open.
pub const CEREMONY_VARIABLE: &str = "PITH_CEREMONY";

/// More files than this are counted, not listed.
const MOST_FILES: usize = 2000;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// SHA-256 of the file that runs.
pub fn own_digest() -> Result<Digest, Failure> {
    let path = Path::new("/proc/self/exe");
    let path = match path.exists() {
        true => path.to_owned(),
        false => {
            std::env::current_exe().map_err(FileError::io("find", Path::new("this program")))?
        }
    };
    let (digest, _) = std::fs::File::open(&path)
        .and_then(Digest::of_reader)
        .map_err(FileError::io("read", &path))?;
    Ok(digest)
}

/// Whether and how a command is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It leaves an entry.
    Recorded,
    /// It leaves an entry, and can do so where the last line is torn.
    Repairs,
    /// It only looks.
    Looks,
}

/// The command line as it is written down.
pub struct CommandLine {
    /// The verb, such as `keyset sign`.
    pub verb: String,
    /// The arguments, without what may be secret.
    pub arguments: Vec<String>,
    /// What was left out.
    pub withheld: Withholding,
}

impl CommandLine {
    /// What was typed.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut verb = Vec::new();
        let mut matches = matches.subcommand();
        while let Some((name, below)) = matches {
            verb.push(name);
            matches = below.subcommand();
        }
        let verb = verb.join(" ");
        let typed: Vec<_> = std::env::args_os().skip(1).collect();
        let (arguments, withheld) = Withholding::of(&verb, &typed);
        CommandLine {
            verb,
            arguments,
            withheld,
        }
    }

    /// One that could not be understood.
    pub fn misunderstood() -> Self {
        CommandLine {
            verb: "(not understood)".to_owned(),
            arguments: Vec::new(),
            withheld: Withholding::default(),
        }
    }
}

/// The command that runs, and the ceremony that it is a part of.
pub struct Recording {
    folder: Folder,
    home: Option<PathBuf>,
    command: CommandLine,
    started_at: TimestampMicros,
    binary_sha256: Digest,
    remark: Mutex<Option<Remark>>,
    /// Set once the entry was made.
    recorded: Mutex<bool>,
}

/// The folder of the ceremony that is open here, if one is.
pub fn open_ceremony() -> Result<Option<Folder>, Failure> {
    match nearest_ceremony()? {
        Some(folder) if !is_closed(&folder)? => Ok(Some(folder)),
        _ => Ok(None),
    }
}

/// Only a chain that holds closes a ceremony: else one line that somebody added would end the
/// recording, and nobody may go on as if there were none.
fn is_closed(folder: &Folder) -> Result<bool, Failure> {
    match folder.tip() {
        Ok(tip) => Ok(tip.closed),
        Err(
            CeremonyError::Damaged { .. }
            | CeremonyError::Torn { .. }
            | CeremonyError::BehindClosing { .. },
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The folder of the ceremony that this is about, open or closed: the one that `PITH_CEREMONY` names;
/// or the nearest folder upward with an open one, or else with a closed one.
pub fn nearest_ceremony() -> Result<Option<Folder>, Failure> {
    if let Some(dir) = std::env::var_os(CEREMONY_VARIABLE).filter(|dir| !dir.is_empty()) {
        return Folder::open(Path::new(&dir)).map(Some).map_err(|error| {
            Failure::from(error).hint(format!(
                "{CEREMONY_VARIABLE} names the folder of a ceremony"
            ))
        });
    }
    let Ok(here) = std::env::current_dir() else {
        return Ok(None);
    };
    let mut closed = None;
    for dir in Folder::upward(&here) {
        let folder = Folder::open(dir)?;
        if !is_closed(&folder)? {
            return Ok(Some(folder));
        }
        closed.get_or_insert(folder);
    }
    Ok(closed)
}

impl Recording {
    /// Begins to write a command down, if a ceremony is open.
    ///
    /// # Errors
    /// [`Failure`] if nothing may be done here now: the clock is behind, the transcript is torn or was
    /// changed, or a time was fixed where this is no rehearsal.
    pub fn begin(
        command: CommandLine,
        manner: Manner,
        context: &Context,
    ) -> Result<Option<Self>, Failure> {
        if manner == Manner::Looks {
            return Ok(None);
        }
        let Some(folder) = open_ceremony()? else {
            if let Some(dir) = std::env::var_os(CEREMONY_VARIABLE).filter(|dir| !dir.is_empty()) {
                let dir = Path::new(&dir).display();
                context.warn(&format!(
                    "the ceremony in {dir} is closed, so nothing is recorded"
                ));
            }
            return Ok(None);
        };
        if let (Some((_, source)), false) = (context.fixed_now(), folder.opening.rehearsal) {
            let problem = format!(
                "{source} in {}, which is no rehearsal: there the clock's time counts",
                folder.dir().display()
            );
            return Err(Failure::new(Exit::Refused, problem).hint(
                "`pith ceremony plan KIND --rehearsal` makes a ceremony that may fix the time",
            ));
        }
        if manner == Manner::Recorded {
            folder.check_ready(|| context.now())?;
        }
        let home = context.home_dir().ok().map(|(dir, _)| dir);
        let recording = Recording {
            home: home.and_then(|dir| dir.canonicalize().ok()),
            command,
            started_at: context.now(),
            binary_sha256: own_digest()?,
            remark: Mutex::new(None),
            recorded: Mutex::new(false),
            folder,
        };
        watch::begin();
        output::keep_messages();
        Ok(Some(recording))
    }

    /// The ceremony.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The registry home, if there is one.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// What the entry says besides.
    pub fn remark(&self, remark: Remark) {
        *self.remark.lock().unwrap_or_else(PoisonError::into_inner) = Some(remark);
    }

    fn done(&self, exit: Exit, products: Option<Vec<Product>>) -> Result<Done, Failure> {
        let withheld = &self.command.withheld;
        let messages = output::kept_messages();
        let mut result: Vec<String> = messages.iter().map(|line| withheld.clean(line)).collect();
        let mut files = self.files(watch::end())?;
        if files.len() > MOST_FILES {
            let more = files.len() - MOST_FILES;
            files.truncate(MOST_FILES);
            result.push(format!(
                "{more} more files were opened; they are not listed"
            ));
        }
        let mut remark = self.remark.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Done {
            verb: self.command.verb.clone(),
            arguments: self.command.arguments.clone(),
            files,
            started_at: self.started_at,
            exit: exit as u8,
            result,
            remark: remark.take(),
            products,
            tool_version: VERSION.to_owned(),
            binary_sha256: self.binary_sha256,
        })
    }

    /// Closes the ceremony with this command.
    pub fn close(&self, products: Vec<Product>, context: &Context) -> Result<Entry, Failure> {
        let entry = self
            .folder
            .append(self.done(Exit::Done, Some(products))?, context.now())?;
        self.set_recorded();
        Ok(entry)
    }

    /// Puts a torn line aside with this command.
    pub fn repair(&self, context: &Context) -> Result<Entry, Failure> {
        let entry = self
            .folder
            .repair(self.done(Exit::Done, None)?, context.now())?;
        self.set_recorded();
        tell(&entry, &self.folder, context);
        Ok(entry)
    }

    fn set_recorded(&self) {
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Writes down how the command ended.
    pub fn end(self, exit: Exit, context: &Context) -> Exit {
        if *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) {
            return exit;
        }
        let appended = self
            .done(exit, None)
            .and_then(|done| Ok(self.folder.append(done, context.now())?));
        match appended {
            Ok(entry) => {
                tell(&entry, &self.folder, context);
                exit
            }
            Err(failure) => {
                output::message("error", "what this command did is not in the transcript:");
                failure.report().worst(exit)
            }
        }
    }

    fn files(&self, touched: Touched) -> Result<Vec<File>, Failure> {
        let here = std::env::current_dir().unwrap_or_default();
        let dir = self.folder.dir();
        let dir = dir.canonicalize().map_err(FileError::io("read", dir))?;
        let mut files = Vec::new();
        for ((path, access), content) in touched {
            let path = absolute(&here.join(&path));
            // The ceremony's own bookkeeping is no work of the command.
            if path == dir.join(OPENING_FILE) {
                continue;
            }
            let (kind, sha256) = match content {
                Content::Digest(digest) => (FileKind::Plain, Some(digest)),
                Content::AtEnd => (FileKind::Plain, digest_at_end(&path)?),
                Content::Private => (FileKind::Private, None),
                Content::Database => (FileKind::Database, None),
            };
            // It grew under this name and has another one now.
            if sha256.is_none() && kind == FileKind::Plain && access == Access::Written {
                continue;
            }
            let role = match access {
                Access::Read => FileRole::Read,
                Access::Written => FileRole::Written,
            };
            let place = place(&path, &dir, self.home.as_deref());
            // What stands in an argument that was left out does not stand here either.
            let place = Place {
                path: self.command.withheld.clean(&place.path),
                ..place
            };
            files.push(File {
                place,
                role,
                kind,
                sha256,
            });
        }
        Ok(files)
    }
}

fn digest_at_end(path: &Path) -> Result<Option<Digest>, Failure> {
    // A pipe or a device was read to its end, and has no content any more.
    if !path.is_file() {
        return Ok(None);
    }
    let digest = std::fs::File::open(path).and_then(Digest::of_reader);
    Ok(Some(digest.map_err(FileError::io("read", path))?.0))
}

/// The path without links in its folders; the file itself may be gone.
fn absolute(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => {
            let parts = path.components().filter(|part| *part != Component::CurDir);
            parts.collect()
        }
    }
}

fn place(path: &Path, dir: &Path, home: Option<&Path>) -> Place {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    if let Ok(inside) = path.strip_prefix(dir) {
        return Place {
            base: Base::Ceremony,
            path: text(inside),
        };
    }
    if let Some(Ok(inside)) = home.map(|home| path.strip_prefix(home)) {
        return Place {
            base: Base::Home,
            path: text(inside),
        };
    }
    Place {
        base: Base::Elsewhere,
        path: text(path),
    }
}

/// Says what is read aloud.
pub fn tell(entry: &Entry, folder: &Folder, context: &Context) {
    let rehearsal = if folder.opening.rehearsal {
        "REHEARSAL "
    } else {
        ""
    };
    let (seq, head) = (entry.seq, entry.entry_sha256);
    context.note(&format!("{rehearsal}ceremony entry {seq}, head {head}"));
}

/// The registry home that a ceremony's folder lies in.
pub fn home_of(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    Home::find_upward(&folder).map(Path::to_owned)
}
