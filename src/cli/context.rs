//! What every verb works with: global flags, settings, the clock and the registry home.

use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::doctor::judge_mode;
use crate::files::watch::{self, Access, Content};
use crate::home::{Home, InForce};
use crate::keys::TrustedKeys;
use crate::ledger::{Ledger, LedgerLock};
use crate::time::{Timestamp, TimestampMicros};
use crate::verify::Trust;
use chrono::{DateTime, Utc};
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::error::{Exit, Failure};
use super::growing::partial_of;
use super::output;
use super::recording::{CommandLine, Manner, Recording};

/// `schema_version` of everything printed with `--json`.
pub const JSON_SCHEMA: &str = "1.0";

/// The variable that fixes the time as `--now` does.
const NOW_VARIABLE: &str = "PITH_NOW";

/// Flags that every verb takes.
#[derive(Debug, Default, Args)]
pub struct Global {
    /// The registry home [env: PITH_HOME] [default: the nearest folder upward that holds
    /// registry.toml]
    #[arg(
        short = 'C',
        long = "home",
        global = true,
        help_heading = "Global options",
        value_name = "DIR"
    )]
    pub home: Option<PathBuf>,

    /// Print JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,

    /// Print nothing on stderr but warnings and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,

    /// Show no progress bar
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_progress: bool,

    /// Write this time everywhere instead of the clock's, such as 2026-05-18T00:30:44Z
    /// [env: PITH_NOW]
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        value_name = "RFC3339"
    )]
    pub now: Option<DateTime<Utc>>,
}

/// Where settings came from.
struct Sources {
    home: &'static str,
    now: &'static str,
}

/// Global flags, settings and the process's surroundings.
pub struct Context {
    global: Global,
    sources: Sources,
    interrupted: Arc<AtomicBool>,
    recording: Option<Recording>,
}

impl Context {
    /// Takes over the flags, and the environment where a flag is not given; an empty variable is
    /// none.
    pub fn new(mut global: Global) -> Result<Self, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let sources = Sources {
            home: if global.home.is_some() {
                "-C"
            } else {
                "PITH_HOME"
            },
            now: if global.now.is_some() {
                "--now"
            } else {
                NOW_VARIABLE
            },
        };
        global.home = global
            .home
            .or_else(|| variable("PITH_HOME").map(PathBuf::from));
        if let (None, Some(value)) = (global.now, variable(NOW_VARIABLE)) {
            let parsed = value.to_str().and_then(|text| text.parse().ok());
            let problem = "PITH_NOW is not a time such as 2026-05-18T00:30:44Z";
            global.now = Some(parsed.ok_or_else(|| Failure::new(Exit::Usage, problem))?);
        }
        if let Some(now) = global.now
            && TimestampMicros::new(now).is_none()
        {
            return Err(Failure::new(
                Exit::Usage,
                "--now: the year must be 1 to 9999, and no leap second",
            ));
        }
        Ok(Context {
            global,
            sources,
            interrupted: Arc::new(AtomicBool::new(false)),
            recording: None,
        })
    }

    /// Writes this command down, if a ceremony is open.
    ///
    /// # Errors
    /// As [`Recording::begin`].
    pub fn record(&mut self, command: CommandLine, manner: Manner) -> Result<(), Failure> {
        self.recording = Recording::begin(command, manner, self)?;
        Ok(())
    }

    /// The ceremony in which this command is written down, if one is open.
    pub fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// Writes down how the command ended.
    pub fn end_recording(mut self, exit: Exit) -> Exit {
        match self.recording.take() {
            Some(recording) => recording.end(exit, &self),
            None => exit,
        }
    }

    /// Whether JSON is wanted.
    pub fn json(&self) -> bool {
        self.global.json
    }

    /// Whether a progress bar may be shown.
    pub fn progress(&self) -> bool {
        !self.global.quiet && !self.global.no_progress
    }

    /// Prints a line about the run on stderr, unless `--quiet` is given.
    pub fn note(&self, text: &str) {
        if !self.global.quiet {
            output::message("note", text);
        }
    }

    /// Prints a warning on stderr.
    pub fn warn(&self, text: &str) {
        output::message("warning", text);
    }

    /// The time to write: the clock's, or `--now`.
    pub fn now(&self) -> TimestampMicros {
        let now = self.global.now.unwrap_or_else(Utc::now);
        TimestampMicros::new(now).expect("--now was checked; the clock's year has four digits")
    }

    /// The time that was fixed, and by what.
    pub fn fixed_now(&self) -> Option<(TimestampMicros, &'static str)> {
        let now = self.global.now.and_then(TimestampMicros::new)?;
        Some((now, self.sources.now))
    }

    /// The variable that fixes the time, if it is set: whoever set it may have forgotten that.
    pub fn now_variable(&self) -> Option<&'static str> {
        let value = std::env::var_os(NOW_VARIABLE)?;
        (!value.is_empty()).then_some(NOW_VARIABLE)
    }

    /// Warns if others can change the folder of the home's keys, where there is a home: who can do that
    /// can exchange what is trusted.
    pub fn warn_of_open_keys(&self) {
        let Ok((dir, _)) = self.home_dir() else {
            return;
        };
        let keys = dir.join("keys");
        let mode = keys
            .metadata()
            .map(|folder| folder.permissions().mode() & 0o7777);
        if let Some(found) = mode.ok().and_then(|mode| judge_mode(&keys, mode)) {
            let remedy = found.remedy.unwrap_or_default();
            self.warn(&format!("{}: {remedy}", found.message));
        }
    }

    /// Says that signatures will carry a time that is not the clock's.
    pub fn warn_of_fixed_time(&self) {
        if let Some((now, source)) = self.fixed_now() {
            self.warn(&format!(
                "{source}: everything signed is dated {now}, not by the clock"
            ));
        }
    }

    /// Where the registry home was looked for, and why there.
    pub fn home_dir(&self) -> Result<(PathBuf, &'static str), Failure> {
        if let Some(dir) = &self.global.home {
            return Ok((dir.clone(), self.sources.home));
        }
        let here = std::env::current_dir().map_err(|error| {
            Failure::new(Exit::Io, format!("cannot tell the current folder: {error}"))
        })?;
        match Home::find_upward(&here) {
            Some(dir) => Ok((dir.to_owned(), "the nearest folder upward")),
            None => Err(Failure::new(
                Exit::Usage,
                "no registry home: neither this folder nor one above it holds registry.toml",
            )
            .hint("name one with -C DIR or PITH_HOME, or make one with `pith init`")),
        }
    }

    /// The registry home.
    pub fn home(&self) -> Result<Home, Failure> {
        Ok(Home::open(&self.home_dir()?.0)?)
    }

    /// The registry home if one was named or is found; verbs that only verify do without.
    pub fn home_if_any(&self) -> Result<Option<Home>, Failure> {
        if self.global.home.is_some() {
            return self.home().map(Some);
        }
        let Ok((dir, _)) = self.home_dir() else {
            return Ok(None);
        };
        let opened = Home::open(&dir).map(Home::without_ledger);
        let opened = opened.and_then(|home| home.trusted_keys().map(|_| home));
        if let Err(error) = &opened {
            self.warn(&format!(
                "the home found in {} is not asked: {error}",
                dir.display()
            ));
        }
        Ok(opened.ok())
    }

    /// The home's ledger for reading.
    pub fn ledger(&self, home: &Home) -> Result<Ledger, Failure> {
        let path = home.ledger_path();
        watch::note(&path, Access::Read, || Content::Database);
        Ok(Ledger::open_read_only(&path)?)
    }

    /// The home's ledger for writing, held so that no other process mints into it meanwhile. It is told
    /// which keyset is in force: whatever is signed is signed by one that it remembers.
    pub fn locked_ledger(&self, home: &Home) -> Result<(Ledger, LedgerLock), Failure> {
        let path = home.ledger_path();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let since = TimestampMicros::new(Utc::now()).map(|now| now.seconds().to_string());
        let holder = format!(
            "pid {} on {} since {}",
            std::process::id(),
            if host.is_empty() {
                "this host"
            } else {
                host.trim()
            },
            since.unwrap_or_default()
        );
        let lock = LedgerLock::acquire(&path, &holder)?;
        watch::note(&path, Access::Written, || Content::Database);
        let mut ledger = Ledger::open(&path)?;
        home.tell_ledger(&mut ledger)?;
        Ok((ledger, lock))
    }

    /// The home's ledger for rebuilding: made if it is lost.
    pub fn locked_ledger_or_new(&self, home: &Home) -> Result<(Ledger, LedgerLock), Failure> {
        let ledger = home.ledger_path().symlink_metadata();
        if ledger.map_or(true, |metadata| metadata.len() == 0) {
            Ledger::create(&home.ledger_path())?;
        }
        self.locked_ledger(home)
    }

    /// The built-in keyset and the home's.
    pub fn default_trust(&self) -> Result<Trust, Failure> {
        let mut trust = Trust::new();
        trust.add("the built-in keyset", TrustedKeys::built_in());
        if let Some(home) = self.home_if_any()? {
            // A folder that was merely found may have come with the document: it vouches for the
            // registry that it is, and for none that is known otherwise.
            let id = &home.profile.registry_id;
            let known = TrustedKeys::built_in().keys.into_iter();
            let impostor = self.global.home.is_none()
                && known
                    .filter_map(|entry| entry.signer_id)
                    .any(|known| known == *id);
            if impostor {
                self.warn(&format!(
                    "{} calls itself {id} and is not asked; name it with -C if it is that registry",
                    home.dir().display()
                ));
            } else {
                add_home(&mut trust, &home)?;
            }
        }
        Ok(trust)
    }

    /// Whether there is a home with keys that only it vouches for: no ceremony has taken place.
    pub fn in_bootstrap(&self) -> Result<bool, Failure> {
        let home = self.home_if_any()?;
        let Some(home) = home else { return Ok(false) };
        Ok(match home.in_force()? {
            InForce::Bootstrap(keys) => !keys.keys.is_empty(),
            InForce::Chain(_) => false,
        })
    }

    /// What a home itself trusts: what it judges by what it issues.
    pub fn home_trust(&self, home: &Home) -> Result<Trust, Failure> {
        let mut trust = Trust::new();
        add_home(&mut trust, home)?;
        Ok(trust)
    }

    /// Refuses outputs that would overwrite an input, each other, or what the home lives by.
    pub fn check_outputs(
        &self,
        home: Option<&Home>,
        inputs: &[PathBuf],
        outputs: &[Option<&Path>],
    ) -> Result<(), Failure> {
        let real = |path: &Path| {
            let path = path.components().as_path();
            let folder = crate::files::folder_of(path).canonicalize().ok();
            let joined = folder
                .zip(path.file_name())
                .map(|(folder, name)| folder.join(name));
            path.canonicalize()
                .ok()
                .or(joined)
                .unwrap_or_else(|| path.to_owned())
        };
        let mut taken: Vec<PathBuf> = inputs.iter().map(|input| real(input)).collect();
        let stdout = Path::new("-");
        let mut outside: Vec<PathBuf> = Vec::new();
        for output in outputs.iter().flatten().filter(|output| **output != stdout) {
            let path = real(output);
            let of_home = home.is_some_and(|home| {
                let dir = real(home.dir());
                let ledger = real(&home.ledger_path());
                let beside_ledger = path.as_os_str().as_encoded_bytes();
                path.starts_with(dir.join("keys"))
                    || dir.starts_with(&path)
                    || path == dir.join(crate::home::PROFILE_FILE)
                    || beside_ledger.starts_with(ledger.as_os_str().as_encoded_bytes())
            });
            // It grows under another name, which is its own too.
            let partial = partial_of(&path);
            let names = [&path, &partial];
            let is_taken = taken.iter().any(|other| names.contains(&other));
            let read_again = inputs.iter().any(|input| {
                let input = real(input);
                input.is_dir() && path.starts_with(&input)
                    || names.iter().any(|name| input.starts_with(name))
            });
            let nested = outside
                .iter()
                .any(|other| path.starts_with(other) || other.starts_with(&path));
            let what = if of_home {
                "belongs to the registry home"
            } else if is_taken {
                "is named twice"
            } else if read_again {
                "lies in a folder of the input, or the input in it"
            } else if nested {
                "lies in another output, or that in it"
            } else {
                outside.push(path.clone());
                taken.extend([path, partial]);
                continue;
            };
            let problem = format!("{} {what}, so nothing is written there", output.display());
            return Err(Failure::new(Exit::Usage, problem).hint("name another file"));
        }
        Ok(())
    }

    /// From now on an interrupt ends the run at the next safe moment instead of at once.
    pub fn catch_interrupts(&self) -> Result<(), Failure> {
        let code = Exit::Interrupted as i32;
        for signal in [SIGINT, SIGTERM] {
            let flag = || Arc::clone(&self.interrupted);
            // A second one ends the run at once.
            signal_hook::flag::register_conditional_shutdown(signal, code, flag())
                .and_then(|_| signal_hook::flag::register(signal, flag()))
                .map_err(|error| {
                    Failure::new(Exit::Io, format!("cannot watch for interrupts: {error}"))
                })?;
        }
        Ok(())
    }

    /// Set once an interrupt comes.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Whether an interrupt came.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// Trusts what a home does, for the registry that it is.
fn add_home(trust: &mut Trust, home: &Home) -> Result<(), Failure> {
    let (dir, id) = (home.dir().display(), &home.profile.registry_id);
    match home.in_force()? {
        InForce::Chain(chain) => {
            let version = chain.latest().version;
            let name = format!("version {version} of {id}'s keyset ({dir})");
            trust.add_keyset(name, chain, home.logs_dir());
        }
        InForce::Bootstrap(mut keys) => {
            keys.keys
                .retain(|entry| entry.signer_id.as_ref() == Some(id));
            trust.add(format!("this home alone (bootstrap, {dir})"), keys);
        }
    }
    Ok(())
}

/// A time given on the command line, to the second.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse::<DateTime<Utc>>()
        .ok()
        .and_then(Timestamp::new)
        .ok_or_else(|| format!("`{text}` is not a time such as 2026-05-18T00:30:44Z"))
}

/// More threads than any machine has cores for; each has memory of its own.
const MOST_JOBS: usize = 1024;

/// How many threads somebody asks for.
///
/// # Errors
/// A message, unless it is 1 to [`MOST_JOBS`].
pub fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text
        .parse()
        .ok()
        .filter(|jobs: &NonZeroUsize| jobs.get() <= MOST_JOBS);
    jobs.ok_or_else(|| format!("it is a number of threads, 1 to {MOST_JOBS}"))
}

/// As many threads as the machine has cores for this process.
pub fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
