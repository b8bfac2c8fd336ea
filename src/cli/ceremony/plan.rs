//! `pith ceremony plan`: a folder with a runbook for this registry.

use std::fs;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::ceremony::{CeremonyName, Folder, Kind, Plan, RUNBOOK_FILE, Templates};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::recording::{VERSION, own_digest};
use crate::digest::Digest;
use crate::files::FileError;
use crate::home::Home;
use crate::keys::{KeyId, KeyStatus};
use crate::keyset::{Chain, EditError, Keyset};
use crate::time::Timestamp;

/// Make a ceremony's folder in the home, with its runbook and an empty transcript
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What kind of ceremony
    #[arg(value_enum)]
    kind: KindArg,

    /// The ceremony's name and that of its folder [default: the date and the kind]
    #[arg(long, value_name = "NAME")]
    name: Option<CeremonyName>,

    /// A rehearsal: every product says so, and --now may be used
    #[arg(long)]
    rehearsal: bool,

    /// A custodian who takes part, by the label of their key (repeatable) [default: those of the keyset
    /// in force]
    #[arg(long, value_name = "ID")]
    custodian: Vec<KeyId>,

    /// How many custodians have to sign [default: as the keyset in force says, or more than half]
    #[arg(long, value_name = "M")]
    threshold: Option<u32>,

    /// The signing key that it is about [default: the home's active key]
    #[arg(long, value_name = "ID")]
    key: Option<KeyId>,

    /// The signing key that takes over: for a rotation and a compromise
    #[arg(long, value_name = "ID")]
    new_key: Option<KeyId>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArg {
    /// The first keyset, with its custodians
    Genesis,
    /// A new signing key takes over from one that is sound
    Rotation,
    /// A signing key may be in other hands
    Compromise,
    /// A lost key is put together from its shares
    Recovery,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Genesis => Kind::Genesis,
            KindArg::Rotation => Kind::Rotation,
            KindArg::Compromise => Kind::Compromise,
            KindArg::Recovery => Kind::Recovery,
        }
    }
}

#[derive(Serialize)]
struct Planned<'a> {
    schema_version: &'static str,
    ceremony: &'a CeremonyName,
    kind: Kind,
    rehearsal: bool,
    dir: String,
    runbook: String,
    head: Digest,
}

pub fn run(args: PlanArgs, context: &Context) -> Result<Exit, Failure> {
    let kind = Kind::from(args.kind);
    if let (Some((_, source)), false) = (context.fixed_now(), args.rehearsal) {
        let problem = format!("{source} without --rehearsal: a ceremony takes the clock's time");
        return Err(
            Failure::new(Exit::Usage, problem).hint("add --rehearsal, or leave the time out")
        );
    }
    let home = context.home()?;
    let chain = home.chain()?;
    let in_force = chain.as_ref().map(Chain::latest);
    let now = context.now();
    check_can_succeed(kind, args.rehearsal, in_force)?;
    check_clock(in_force, now.seconds())?;
    let (custodians, threshold) = custodians(&args, in_force)?;
    let parent = home.dir().join("ceremonies");
    fs::create_dir_all(&parent).map_err(FileError::io("make the folder", &parent))?;
    let name = match args.name.clone() {
        Some(name) => name,
        None => free_name(&parent, kind, &now.to_string()[..10])?,
    };
    let plan = Plan {
        name,
        kind,
        registry_id: home.profile.registry_id.clone(),
        base_url: home.profile.base_url.clone(),
        opened_at: now,
        rehearsal: args.rehearsal,
        threshold,
        key: key(&args, &home)?,
        new_key: new_key(&args, kind)?,
        new_key_due: match (&args.new_key, &chain) {
            (Some(id), Some(chain)) => due(id, chain, &home)?,
            _ => None,
        },
        custodians,
        policy: match &in_force {
            Some(keyset) => keyset.policy,
            None => home.profile.keyset.policy(),
        },
        tool_version: VERSION.to_owned(),
        binary_sha256: own_digest()?,
    };
    if plan.new_key.as_ref() == Some(&plan.key) {
        let problem = format!("{} cannot take over from itself", plan.key);
        return Err(Failure::new(Exit::Usage, problem).hint("choose another --new-key"));
    }
    match (plan.new_key_due, &plan.new_key, in_force) {
        (Some(due), Some(id), _) => context.note(&format!(
            "{id} is published as `next` already, and may become active from {due} on: the runbook goes on from there"
        )),
        (None, Some(_), Some(keyset)) => {
            for entry in keyset.keys.iter().filter(|entry| entry.status == KeyStatus::Next) {
                let id = &entry.key.key_id;
                context.note(&format!(
                    "{id} is published as `next` already: `--new-key {id}` lets it take over, and saves the wait"
                ));
            }
        }
        _ => {}
    }
    let (opening, runbook) = plan.render(&Templates::of_home(home.dir()))?;
    let folder = Folder::create(&parent, opening, &runbook)?;
    let dir = folder.dir().display();
    if folder.opening.rehearsal {
        context.warn("this is a REHEARSAL: nothing that comes of it counts");
    }
    context.note(&format!("planned the {kind} in {dir}"));
    context.note(&format!(
        "next: print {dir}/{RUNBOOK_FILE}, then `cd {dir}`: what `pith` does there is recorded"
    ));
    if context.json() {
        output::json(&Planned {
            schema_version: JSON_SCHEMA,
            ceremony: &folder.opening.name,
            kind,
            rehearsal: folder.opening.rehearsal,
            dir: dir.to_string(),
            runbook: folder.dir().join(RUNBOOK_FILE).display().to_string(),
            head: folder.opening.digest(),
        })?;
    }
    Ok(Exit::Done)
}

/// Refuses what its last step would refuse only when everybody sits in the room.
fn check_can_succeed(
    kind: Kind,
    rehearsal: bool,
    in_force: Option<&Keyset>,
) -> Result<(), Failure> {
    let Some(keyset) = in_force else {
        return Ok(());
    };
    let (problem, hint) = match (rehearsal, keyset.rehearsal, kind) {
        (true, false, _) => (
            "this home has a real keyset, which no rehearsal can change".to_owned(),
            "rehearse in a home made for it: `pith init DIR`, and its genesis with --rehearsal",
        ),
        (false, true, _) => (
            "the keyset in force is a rehearsal, and nothing real can follow from it".to_owned(),
            "add --rehearsal, or name the registry's real home with -C DIR",
        ),
        (_, _, Kind::Genesis) => (
            format!(
                "version {} of the keyset is in force, and there is one genesis only",
                keyset.version
            ),
            "a new signing key takes a rotation: `pith ceremony plan rotation --new-key ID`",
        ),
        _ => return Ok(()),
    };
    Err(Failure::new(Exit::Refused, problem).hint(hint))
}

/// No version follows one that is yet to come.
fn check_clock(in_force: Option<&Keyset>, now: Timestamp) -> Result<(), Failure> {
    match in_force {
        Some(keyset) if keyset.is_yet_to_come(now) => Err(Failure::from(EditError::Clock {
            created_at: keyset.created_at,
            now,
            rehearsal: keyset.rehearsal,
        })),
        _ => Ok(()),
    }
}

/// When the key that takes over may become active, if it is published as `next`.
fn due(id: &KeyId, chain: &Chain, home: &Home) -> Result<Option<Timestamp>, Failure> {
    let Some(entry) = chain.latest().named(id) else {
        return Ok(None);
    };
    let (problem, hint) = match entry.status {
        // The message about a key that takes over from itself says more.
        KeyStatus::Active => return Ok(None),
        KeyStatus::Next => match home.may_be_active_from(chain, entry)? {
            Some(due) => return Ok(Some(due)),
            None => (
                format!(
                    "it is not known when {id} was published, so neither when it may become active"
                ),
                "complete its publication first: `pith keyset publish`",
            ),
        },
        KeyStatus::Retired | KeyStatus::Revoked => (
            format!("{id} is {}, and no key comes back", entry.status.as_str()),
            "choose another --new-key",
        ),
    };
    Err(Failure::new(Exit::Refused, problem).hint(hint))
}

/// The date and the kind, with a number if there was such a ceremony today.
fn free_name(parent: &std::path::Path, kind: Kind, date: &str) -> Result<CeremonyName, Failure> {
    let plain = format!("{date}-{kind}");
    let numbered = (2..1000).map(|n| format!("{plain}-{n}"));
    std::iter::once(plain.clone())
        .chain(numbered)
        .find(|name| parent.join(name).symlink_metadata().is_err())
        .and_then(|name| name.parse().ok())
        .ok_or_else(|| {
            Failure::new(
                Exit::Refused,
                format!("{plain} was planned a thousand times"),
            )
            .hint("choose a name: --name NAME")
        })
}

/// Who takes part, and how many of them have to sign.
fn custodians(args: &PlanArgs, in_force: Option<&Keyset>) -> Result<(Vec<KeyId>, u32), Failure> {
    let (named, default) = match (&args.custodian[..], in_force) {
        ([], None) => {
            let problem = "there is no keyset yet whose custodians could take part";
            return Err(Failure::new(Exit::Usage, problem)
                .hint("name each by the label of their key: `pith ceremony plan genesis --custodian A --custodian B --custodian C --threshold 2 --key ID`"));
        }
        ([], Some(keyset)) => {
            let keys = keyset.custodians.keys.iter();
            let ids = keys.map(|custodian| custodian.key_id.clone()).collect();
            (ids, Some(keyset.custodians.threshold))
        }
        (named, _) => (named.to_vec(), None),
    };
    let mut distinct: Vec<KeyId> = named.clone();
    distinct.sort();
    distinct.dedup();
    if distinct.len() < named.len() {
        return Err(Failure::new(Exit::Usage, "a custodian is named twice")
            .hint("each counts once, under one label"));
    }
    let all = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
    let threshold = args.threshold.or(default).unwrap_or(all / 2 + 1);
    if (1..=all).contains(&threshold) {
        return Ok((named, threshold));
    }
    let problem =
        format!("--threshold {threshold}: of {all} custodians 1 to {all} can have to sign");
    Err(Failure::new(Exit::Usage, problem).hint("name as many custodians as have to sign, or more"))
}

fn key(args: &PlanArgs, home: &Home) -> Result<KeyId, Failure> {
    if let Some(key) = &args.key {
        return Ok(key.clone());
    }
    let keyset = home.trusted_keys()?;
    let mut active = keyset.active();
    match (active.next(), active.next()) {
        (Some(entry), None) => Ok(entry.key.key_id.clone()),
        (None, _) => Err(
            Failure::new(Exit::Usage, "this home has no active key").hint(
                "say which key it is about, in a genesis also one that is yet to be made: --key ID",
            ),
        ),
        (Some(_), Some(_)) => Err(
            Failure::new(Exit::Usage, "this home has several active keys")
                .hint("say which key it is about: --key ID"),
        ),
    }
}

fn new_key(args: &PlanArgs, kind: Kind) -> Result<Option<KeyId>, Failure> {
    let takes = matches!(kind, Kind::Rotation | Kind::Compromise);
    match (takes, &args.new_key) {
        (true, None) => Err(Failure::new(
            Exit::Usage,
            format!("a {kind} needs a key that takes over"),
        )
        .hint("say what it is to be called: --new-key ID")),
        (false, Some(_)) => Err(Failure::new(
            Exit::Usage,
            format!("no key takes over in a {kind}"),
        )
        .hint("leave --new-key out; --key names the key that it is about")),
        (_, key) => Ok(key.clone()),
    }
}
