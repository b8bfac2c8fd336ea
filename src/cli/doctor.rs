//! `pith doctor`: whether this registry is fit for work, and what to do where it is not.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::output::{self, counted, printable};
use super::recording::{VERSION, own_digest};
use crate::ceremony::{CeremonyError, Folder, PRODUCTS_FOLDER};
use crate::doctor::{
    DraftHealth, Finding, KeysetHealth, Status, judge_clock, judge_disk, judge_keyset, judge_mode,
};
use crate::home::{Home, HomeError, InForce, PROFILE_FILE};
use crate::keys::{KeyStatus, TrustedKeys};
use crate::ledger::{Brief, LedgerLock};
use crate::time::TimestampMicros;

/// Look at permissions, clock, keys, ledger, disk and leftovers, and say what to do
#[derive(Debug, Args)]
pub struct DoctorArgs {}

#[derive(Serialize)]
struct Report<'a> {
    schema_version: &'static str,
    status: Status,
    findings: &'a [Finding],
}

pub fn run(DoctorArgs {}: DoctorArgs, context: &Context) -> Result<Exit, Failure> {
    let mut findings = vec![version()?];
    let mut seen = Vec::new();
    let mut rehearsal = false;
    match context.home_dir() {
        Ok(_) => {
            let registry = context.home()?;
            if let Some(chain) = registry.chain().ok().flatten() {
                let keyset = chain.latest();
                rehearsal = keyset.rehearsal;
                let what = format!("version {} of the keyset", keyset.version);
                seen.push((what, keyset.created_at.into()));
            }
            home(&registry, context, &mut findings, &mut seen);
        }
        Err(_) => findings.push(Finding::warn(
            "home",
            "there is no registry home here",
            "go into it, or name it with -C DIR or PITH_HOME",
        )),
    }
    findings.insert(1, judge_clock(context.now(), &seen, rehearsal));
    if let Some(variable) = context.now_variable() {
        findings.insert(2, time_variable(variable, context));
    }
    print(&findings, context)
}

fn print(findings: &[Finding], context: &Context) -> Result<Exit, Failure> {
    let status = findings.iter().map(|finding| finding.status).max();
    let status = status.unwrap_or(Status::Ok);
    if context.json() {
        output::json(&Report {
            schema_version: JSON_SCHEMA,
            status,
            findings,
        })?;
    } else {
        let mut out = output::stdout();
        for finding in findings {
            let (word, subject) = (finding.status.as_str(), finding.subject);
            writeln!(out, "{word:<4}  {subject}: {}", printable(&finding.message))?;
            if let Some(remedy) = &finding.remedy {
                writeln!(out, "      {}", printable(remedy))?;
            }
        }
        let count = |status| findings.iter().filter(|f| f.status == status).count() as u64;
        let warnings = counted(count(Status::Warn), "warning", "warnings");
        let failures = counted(count(Status::Fail), "failure", "failures");
        writeln!(out, "{}: {warnings}, {failures}", status.as_str())?;
        out.flush()?;
    }
    Ok(match status {
        Status::Fail => Exit::Refused,
        Status::Ok | Status::Warn => Exit::Done,
    })
}

/// A time that a rehearsal has left in the environment dates what is signed next.
fn time_variable(variable: &str, context: &Context) -> Finding {
    let is_real = |home: Home| {
        let chain = home.chain().ok().flatten()?;
        Some(!chain.latest().rehearsal)
    };
    let message = format!("{variable} is set, so whatever is signed has its time, not the clock's");
    let remedy = format!("`unset {variable}`, unless this is a rehearsal");
    match context.home().ok().and_then(is_real) {
        Some(true) => Finding::fail("clock", message, remedy),
        _ => Finding::warn("clock", message, remedy),
    }
}

fn version() -> Result<Finding, Failure> {
    let digest = own_digest()?;
    Ok(Finding::ok(
        "version",
        format!("pith {VERSION}, SHA-256 {digest}"),
    ))
}

/// Looks at everything in a home. What cannot be read is a finding like others: the rest is looked at all
/// the same.
fn home(
    home: &Home,
    context: &Context,
    findings: &mut Vec<Finding>,
    seen: &mut Vec<(String, TimestampMicros)>,
) {
    let registry = &home.profile.registry_id;
    let dir = home.dir().display();
    findings.push(Finding::ok("home", format!("{registry} in {dir}")));
    permissions(home, findings);
    keys(home, context, findings);
    let mut ledger_bytes = 0;
    match brief(home, context) {
        Ok(brief) => {
            ledger_bytes = brief.bytes;
            let times = [
                ("the last run", brief.last_run_at),
                ("the last record", brief.last_minted_at),
            ];
            let times = times.into_iter();
            seen.extend(times.filter_map(|(what, time)| Some((what.to_owned(), time?))));
            findings.push(ledger(&brief));
        }
        Err(message) => findings.push(Finding::fail(
            "ledger",
            message,
            "restore it from a backup, or `pith ledger rebuild BUNDLES`",
        )),
    }
    findings.extend(lock(home));
    findings.push(disk(home, ledger_bytes));
    leftovers(home, findings);
    ceremonies(home, findings, seen);
}

fn brief(home: &Home, context: &Context) -> Result<Brief, String> {
    let brief = context.ledger(home).and_then(|ledger| Ok(ledger.brief()?));
    brief.map_err(|failure| failure.problem().to_owned())
}

fn ledger(brief: &Brief) -> Finding {
    let records = counted(brief.records, "record", "records");
    let message = format!("{records}, tables of version {}", brief.schema);
    if let Some(problem) = brief.problems.first() {
        let count = brief.problems.len();
        let message = format!("{message}; the file is damaged: {problem} ({count} in all)");
        return Finding::fail(
            "ledger",
            message,
            "restore it from a backup, and `pith ledger check` that",
        );
    }
    if let Some(output) = brief.unfinished.first() {
        let message = format!("{message}; the run that writes {output} has not come to its end");
        return Finding::warn("ledger", message, "the same command goes on where it was");
    }
    Finding::ok("ledger", message)
}

fn lock(home: &Home) -> Option<Finding> {
    match LedgerLock::holder(&home.ledger_path()) {
        Ok(None) => None,
        Ok(Some(holder)) => Some(Finding::ok(
            "lock",
            format!("the ledger is in use: {holder}"),
        )),
        Err(error) => Some(Finding::fail(
            "lock",
            error.to_string(),
            "see who owns the file, and whether you may read it",
        )),
    }
}

fn disk(home: &Home, ledger: u64) -> Finding {
    match rustix::fs::statvfs(home.dir()) {
        Ok(disk) => judge_disk(disk.f_bavail.saturating_mul(disk.f_frsize), ledger),
        Err(error) => Finding::warn(
            "disk",
            format!("the free room cannot be told: {error}"),
            "look with `df`",
        ),
    }
}

/// The folders of a home whose contents decide what it signs and trusts, and what its people do.
const GUARDED: [&str; 5] = [
    "keys",
    "keys/history",
    "keys/logs",
    "ceremonies",
    "templates",
];

/// Whether a file holds a key or a part of one, sealed or not.
fn is_private(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".age") || name.contains(".share-")
}

/// Who can change the home, and who can read private keys.
fn permissions(home: &Home, findings: &mut Vec<Finding>) {
    let before = findings.len();
    let mut paths = vec![
        home.dir().to_owned(),
        home.dir().join(PROFILE_FILE),
        home.ledger_path(),
    ];
    for folder in GUARDED.map(|folder| home.dir().join(folder)) {
        paths.extend(names(&folder));
        paths.push(folder);
    }
    // Folders in a folder stand there twice.
    paths.sort();
    paths.dedup();
    for path in paths {
        let Ok(metadata) = path.symlink_metadata() else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o7777;
        let name = path.display();
        if metadata.is_symlink() {
            // The home itself may be reached through one.
            if path != home.dir() {
                findings.push(Finding::fail(
                    "permissions",
                    format!("{name} is a symbolic link: what it leads to can be exchanged"),
                    format!("put the file itself in the place of {name}"),
                ));
            }
        } else if metadata.is_file() && is_private(&path) && mode & 0o077 != 0 {
            findings.push(Finding::fail(
                "permissions",
                format!("{name} can be read by others (mode {mode:03o})"),
                format!("`chmod 600 {name}`, and ask who could have read it"),
            ));
        } else {
            findings.extend(judge_mode(&path, mode));
        }
    }
    if findings.len() == before {
        let folders = GUARDED.join(", ");
        let message = format!(
            "nobody but the owner can change the home's folder, {PROFILE_FILE}, the ledger, or {folders} and \
             what stands directly in them, nor read the keys and shares there"
        );
        findings.push(Finding::ok("permissions", message));
    }
}

/// What stands in a folder, in order; nothing of one that cannot be read.
fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    paths
}

fn keys(home: &Home, context: &Context, findings: &mut Vec<Finding>) {
    let (health, keys) = match keyset_health(home) {
        Ok(read) => read,
        Err(error) => {
            let remedy = "restore keys/ from a backup";
            return findings.push(Finding::fail("keyset", error.to_string(), remedy));
        }
    };
    findings.extend(judge_keyset(&health, context.now()));
    for entry in keys.active() {
        let id = &entry.key.key_id;
        if !home.private_key_path(id).is_file() {
            findings.push(Finding::warn(
                "keys",
                format!("the private key {id} is not in this home"),
                "that is right if another host signs; otherwise restore it from a backup",
            ));
        }
        match home.public_key(id) {
            Ok(public) if public == entry.key => {}
            _ => findings.push(Finding::fail(
                "keys",
                format!(
                    "{} is not the key of the keyset",
                    home.public_key_path(id).display()
                ),
                "restore keys/ from a backup",
            )),
        }
    }
}

/// The keyset in force and the draft of the next one, as they are judged; and the keys that it trusts.
fn keyset_health(home: &Home) -> Result<(KeysetHealth, TrustedKeys), HomeError> {
    let (mut health, keys) = match home.in_force()? {
        InForce::Chain(chain) => {
            let keyset = chain.latest();
            let mut health = KeysetHealth::from(keyset);
            for key in &mut health.keys {
                if let Some(entry) = keyset
                    .named(&key.id)
                    .filter(|_| key.status == KeyStatus::Next)
                {
                    key.due = home.may_be_active_from(&chain, entry)?;
                }
            }
            (health, keyset.trusted_keys())
        }
        InForce::Bootstrap(keys) => (KeysetHealth::from(&keys), keys),
    };
    health.draft = home.draft()?.as_ref().map(DraftHealth::from);
    Ok((health, keys))
}

/// What runs that were cut off have left.
fn leftovers(home: &Home, findings: &mut Vec<Finding>) {
    let ceremonies = names(&home.dir().join("ceremonies"));
    let of_ceremonies = ceremonies
        .iter()
        .flat_map(|dir| [dir.clone(), dir.join(PRODUCTS_FOLDER)]);
    let folders = [
        "",
        "keys",
        "keys/history",
        "keys/logs",
        "bundles",
        "ceremonies",
    ]
    .map(|folder| home.dir().join(folder));
    let left: Vec<PathBuf> = folders
        .into_iter()
        .chain(of_ceremonies)
        .flat_map(|folder| names(&folder))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".partial")
                || name.starts_with(".pith-")
                || name.starts_with(".ledger-backup-")
        })
        .collect();
    if left.is_empty() {
        return findings.push(Finding::ok("leftovers", "none"));
    }
    for path in left {
        let path = path.display();
        let remedy = if path.to_string().ends_with(".partial") {
            "the same command goes on with it; remove it if that is not wanted"
        } else {
            "a command was killed while it wrote: remove this if none is running, and run that one again"
        };
        findings.push(Finding::warn("leftovers", path.to_string(), remedy));
    }
}

/// Ceremonies that are open, and transcripts that are not what was written.
fn ceremonies(home: &Home, findings: &mut Vec<Finding>, seen: &mut Vec<(String, TimestampMicros)>) {
    for dir in names(&home.dir().join("ceremonies")) {
        let hidden = dir
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !dir.is_dir() || hidden {
            continue;
        }
        let name = dir.display();
        let opened = Folder::open(&dir);
        match opened.and_then(|folder| Ok((folder.tip()?, folder))) {
            Ok((tip, folder)) => {
                // A rehearsal plays at times of its own.
                if !folder.opening.rehearsal {
                    seen.push((format!("the last entry of {name}"), tip.last_time));
                }
                if !tip.closed {
                    let message = format!("{name} is open, with {} entries", tip.count);
                    let remedy = "go on with its runbook, or `pith ceremony close` there";
                    findings.push(Finding::warn("ceremony", message, remedy));
                }
            }
            Err(CeremonyError::NotACeremony { .. }) => {}
            Err(error) => {
                let remedy = error.hint().unwrap_or("look at what is in the folder");
                findings.push(Finding::fail("ceremony", error.to_string(), remedy));
            }
        }
    }
}
