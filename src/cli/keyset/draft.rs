//! `pith keyset draft`: make the next version, edit by edit.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use crate::cli::context::{Context, all_cores, parse_time};
use crate::cli::error::{Exit, Failure};
use crate::cli::key::locate::read_custodian;
use crate::cli::output;
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::files::FileError;
use crate::home::Home;
use crate::keys::{KeyId, PublicKeyObject, Purpose, harden};
use crate::keyset::{
    Chain, Custodians, Edit, Keyset, Leaves, LeavesWriter, MerkleTree, PossessionStatement,
    SafetyPolicy, SignaturesLost, SignedLog, draft_leaves_path, leaves_path,
};
use crate::ledger::LedgerLock;
use crate::mint::{MintError, each_signed};
use crate::time::Timestamp;
use clap::builder::RangedI64ValueParser;
use clap::{Args, Subcommand};

use super::next::Shown;
use super::{diff, refused, time_to_write};

/// Make the next version, edit by edit; prints what it changes from the one in force
#[derive(Debug, Args)]
pub struct DraftArgs {
    #[command(subcommand)]
    verb: DraftVerb,

    /// No key will be active, for this reason
    #[arg(long, global = true, value_name = "REASON")]
    emergency: Option<String>,

    /// Until when the version counts [default: as many days as registry.toml says]
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
enum DraftVerb {
    New(NewArgs),
    Add(AddArgs),
    /// Have a key that was published long enough sign from now on
    Activate(IdArgs),
    /// Have a key sign no more; what it signed stays good
    Retire(IdArgs),
    Revoke(RevokeArgs),
    Custodians(CustodiansArgs),
    Policy(PolicyArgs),
}

/// Begin a draft: of the first version, or of the one after the one in force
///
/// The first version takes over the home's active key, which has to be opened.
#[derive(Debug, Args)]
struct NewArgs {
    /// Practise: times may be set by hand, and nobody may rely on what comes of it
    #[arg(long)]
    rehearsal: bool,

    /// Throw the draft away that there is
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    unlock: UnlockArgs,
}

/// Add a key of the home, as `next`; opens it, to show that somebody holds it
#[derive(Debug, Args)]
struct AddArgs {
    /// The key's label
    #[arg(value_name = "KEY")]
    key: KeyId,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Debug, Args)]
struct IdArgs {
    /// The key's label
    #[arg(value_name = "ID")]
    id: KeyId,
}

/// Have a key count no more, but for what the ledger knows it to have signed before
#[derive(Debug, Args)]
struct RevokeArgs {
    /// The key's label
    #[arg(value_name = "ID")]
    id: KeyId,

    /// Why, for everybody to read
    #[arg(long, value_name = "REASON")]
    reason: String,
}

/// Name those who approve keysets from then on, all of them
#[derive(Debug, Args)]
struct CustodiansArgs {
    /// How many of them have to sign
    #[arg(long, value_name = "M")]
    threshold: u32,

    /// Their public key files
    #[arg(required = true, value_name = "KEY_FILE")]
    files: Vec<PathBuf>,
}

/// Change for how long keys are published before and after they sign
///
/// What waits already waits for the longest that any version since has said.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct PolicyArgs {
    /// How many days a key is published before it may be active
    #[arg(long, value_name = "DAYS", value_parser = days())]
    publish_safety: Option<u16>,

    /// How many days a key stays published after it was retired or revoked
    #[arg(long, value_name = "DAYS", value_parser = days())]
    retire_safety: Option<u16>,
}

fn days() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(..=i64::from(SafetyPolicy::MOST_DAYS))
}

pub fn run(args: DraftArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let chain = home.chain()?;
    if let Some(chain) = &chain
        && home.is_cut_off(chain)?
    {
        let version = chain.latest().version;
        let problem = format!("the publication of version {version} was cut off");
        return Err(
            Failure::new(Exit::Refused, problem).hint("complete it first: `pith keyset publish`")
        );
    }
    let mut drafting = match &args.verb {
        DraftVerb::New(new) => Drafting::begin(new, &home, chain.as_ref(), context)?,
        _ => Drafting::resume(&home, chain.as_ref(), context)?,
    };
    match args.verb {
        DraftVerb::New(new) => drafting.take_over_active_key(new.unlock)?,
        DraftVerb::Add(add) => drafting.add(&add.key, add.unlock)?,
        DraftVerb::Activate(IdArgs { id }) => drafting.edit(Edit::Activate(id))?,
        DraftVerb::Retire(IdArgs { id }) => {
            drafting.end(&id, context, |signed| Edit::Retire(id.clone(), signed))?;
        }
        DraftVerb::Revoke(RevokeArgs { id, reason }) => drafting.end(&id, context, |signed| {
            Edit::Revoke(id.clone(), reason.clone(), signed)
        })?,
        DraftVerb::Custodians(custodians) => drafting.custodians(&custodians)?,
        DraftVerb::Policy(policy) => drafting.policy(&policy)?,
    }
    if let Some(reason) = args.emergency {
        drafting.edit(Edit::Emergency(reason))?;
    }
    if let Some(time) = args.expires {
        drafting.edit(Edit::Expiry(time))?;
    }
    home.replace_draft(drafting.before.as_ref(), &drafting.draft)?;
    if drafting.lost.0 > 0 {
        context.warn(&format!(
            "{} of the draft lost: it is another one now, to be signed anew",
            output::counted(drafting.lost.0 as u64, "signature", "signatures")
        ));
    }
    let Drafting {
        draft,
        now,
        lock: _lock,
        ..
    } = drafting;
    for fault in home.content_faults(chain.as_ref(), &draft, now)? {
        context.note(&format!("not yet fit to be signed: {fault}"));
    }
    let shown = Shown::of(&draft, chain.as_ref().map(Chain::latest));
    diff::print(shown, context)?;
    Ok(Exit::Done)
}

/// A draft being edited.
struct Drafting<'a> {
    home: &'a Home,
    draft: Keyset,
    /// The one that there was.
    before: Option<Keyset>,
    now: Timestamp,
    lost: SignaturesLost,
    /// Whether it was begun by this command.
    is_new: bool,
    /// Held while a key ends.
    lock: Option<LedgerLock>,
}

impl<'a> Drafting<'a> {
    fn begin(
        args: &NewArgs,
        home: &'a Home,
        chain: Option<&Chain>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let before = home.draft()?;
        if before.is_some() && !args.force {
            let problem = format!("{} is a draft already", home.draft_path().display());
            return Err(Failure::new(Exit::Refused, problem)
                .hint("go on with it; or throw it away: --force"));
        }
        let settings = &home.profile.keyset;
        let (draft, now) = match chain {
            Some(chain) => {
                let latest = chain.latest();
                if args.rehearsal && !latest.rehearsal {
                    let problem = "keyset.rehearsal: the keyset in force is a real one";
                    return Err(
                        Failure::new(Exit::Refused, problem).hint("rehearse in a home of its own")
                    );
                }
                let now = time_to_write(context, latest.rehearsal)?;
                let draft = latest.successor(now, settings.expires_at(now));
                (draft?, now)
            }
            None => {
                let now = time_to_write(context, args.rehearsal)?;
                let id = home.profile.registry_id.clone();
                let (policy, end) = (settings.policy(), settings.expires_at(now));
                (Keyset::first(id, policy, args.rehearsal, now, end), now)
            }
        };
        Ok(Drafting {
            home,
            draft,
            before,
            now,
            lost: SignaturesLost(0),
            is_new: true,
            lock: None,
        })
    }

    /// The draft that there is, or one of the version after the one in force.
    fn resume(home: &'a Home, chain: Option<&Chain>, context: &Context) -> Result<Self, Failure> {
        let Some(draft) = home.draft()? else {
            if chain.is_none() {
                let problem = "this home has neither a keyset nor a draft of one";
                return Err(
                    Failure::new(Exit::Usage, problem).hint("begin with `pith keyset draft new`")
                );
            }
            let new = NewArgs {
                rehearsal: false,
                force: false,
                unlock: UnlockArgs::default(),
            };
            return Drafting::begin(&new, home, chain, context);
        };
        let now = time_to_write(context, draft.rehearsal)?;
        Ok(Drafting {
            home,
            before: Some(draft.clone()),
            draft,
            now,
            lost: SignaturesLost(0),
            is_new: false,
            lock: None,
        })
    }

    fn edit(&mut self, edit: Edit) -> Result<(), Failure> {
        let lost = self.draft.edit(edit, self.now)?;
        self.lost.0 += lost.0;
        Ok(())
    }

    /// The registry goes on with the key that it has.
    fn take_over_active_key(&mut self, unlock: UnlockArgs) -> Result<(), Failure> {
        if !self.is_new || self.draft.version != 1 {
            return Ok(());
        }
        let keys = self.home.trusted_keys()?;
        let mut active = keys.active();
        match (active.next(), active.next()) {
            (Some(entry), None) => self.add(&entry.key.key_id, unlock),
            (None, _) => Ok(()),
            (Some(_), Some(_)) => Err(Failure::new(
                Exit::Refused,
                "this home has several active keys, and a keyset has one",
            )
            .hint("make all but one of them `next` in keys/keyset.json")),
        }
    }

    /// Adds a key, which signs that somebody holds it.
    fn add(&mut self, id: &KeyId, unlock: UnlockArgs) -> Result<(), Failure> {
        let key: PublicKeyObject = self.home.public_key(id)?;
        harden()?;
        let path = self.home.private_key_path(id);
        let private =
            Unlocker::new(unlock, SecretSources::of_process()).open(id.as_str(), &path)?;
        if private.public_bytes() != *key.key.as_bytes() {
            let public = self.home.public_key_path(id);
            let problem = format!(
                "{} is not the private key of {}",
                path.display(),
                public.display()
            );
            return Err(Failure::new(Exit::Refused, problem)
                .hint("restore both files from the same backup"));
        }
        let statement = PossessionStatement::of(&self.draft.registry_id, id, &key.key);
        let possession = private
            .sign_for(Purpose::Possession, &statement)
            .expect("texts have a canonical form");
        let key = Box::new(key);
        self.edit(Edit::Add { key, possession })
    }

    fn custodians(&mut self, args: &CustodiansArgs) -> Result<(), Failure> {
        let keys = args.files.iter().map(|path| read_custodian(path));
        let keys = keys.collect::<Result<_, _>>()?;
        let threshold = args.threshold;
        let custodians = Custodians { threshold, keys };
        if let Some(fault) = custodians.threshold_fault() {
            return Err(refused("the draft stays as it is", &[fault]));
        }
        self.edit(Edit::Custodians(custodians))
    }

    fn policy(&mut self, args: &PolicyArgs) -> Result<(), Failure> {
        let mut policy = self.draft.policy;
        if let Some(days) = args.publish_safety {
            policy.publish_safety_seconds = SafetyPolicy::seconds_of(days);
        }
        if let Some(days) = args.retire_safety {
            policy.retire_safety_seconds = SafetyPolicy::seconds_of(days);
        }
        self.edit(Edit::Policy(policy))
    }

    /// Ends a key, and writes down what it has signed as the ledger knows it. The ledger is held until the
    /// draft is written; from then on the key signs nothing.
    fn end(
        &mut self,
        id: &KeyId,
        context: &Context,
        edit: impl Fn(SignedLog) -> Edit,
    ) -> Result<(), Failure> {
        // Nothing is counted for an edit that makes no sense.
        let trial = edit(SignedLog::of(&MerkleTree::new()));
        self.draft.clone().edit(trial, self.now)?;
        let entry = self.draft.named(id).expect("the trial found it");
        let (ledger, lock) = context.locked_ledger(self.home)?;
        let logs = self.home.logs_dir();
        fs::create_dir_all(&logs).map_err(FileError::io("make the folder", &logs))?;
        let path = draft_leaves_path(&logs, id);
        let mut leaves = LeavesWriter::create(&path)?;
        let key = entry.key.key.fingerprint();
        // What was counted when the key retired stays counted: bundles that were sealed anew since are
        // in the ledger under the new seal alone.
        let mut counted = HashSet::new();
        if let Some(signed) = &entry.signed {
            let before = leaves_path(&logs, id);
            let digests = Leaves::in_order(&before, signed).map_err(|error| {
                Failure::new(
                    Exit::Io,
                    format!("what {id} had signed is not known: {error}"),
                )
                .hint("restore keys/logs/ from a backup, or take the file that was published")
            })?;
            for digest in digests {
                leaves.push(&digest)?;
                counted.insert(digest);
            }
        }
        let count =
            each_signed(
                &ledger,
                &self.home.profile,
                &key,
                all_cores(),
                |digest| match counted.contains(digest) {
                    true => Ok(()),
                    false => leaves.push(digest).map_err(CountError::File),
                },
            )?;
        let signed = leaves.finish()?;
        context.note(&format!(
            "key {id} has signed {} events and bundles that the ledger knows of: {}",
            signed.count,
            path.display()
        ));
        if count.lost_seals > 0 {
            context.warn(&format!(
                "{} bundles are not among them, since registry.toml has changed since they were sealed",
                count.lost_seals
            ));
        }
        self.lock = Some(lock);
        self.edit(edit(signed))
    }
}

/// Counting what a key has signed failed.
enum CountError {
    Mint(MintError),
    File(FileError),
}

impl From<MintError> for CountError {
    fn from(error: MintError) -> Self {
        CountError::Mint(error)
    }
}

impl From<CountError> for Failure {
    fn from(error: CountError) -> Self {
        match error {
            CountError::Mint(error) => error.into(),
            CountError::File(error) => error.into(),
        }
    }
}
