//! What a run needs before it can begin, and what is left to do when it is over.

use crate::home::Home;
use crate::keys::{PublicKeyObject, TrustedKeys};
use crate::ledger::{LedgerError, Unfinished};
use crate::mint::{Issuer, Snapshots};

use super::args::MintArgs;
use super::feed::Feed;
use super::minter::{Minter, Setting};
use super::place::{Resumable, output_of};
use super::resume::{Resuming, resume};
use super::run::{Ended, close, close_before_it_began, mint_all, open_feed, setting};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::input::Rejects;
use crate::cli::key::open_signing_key;
use crate::cli::output::counted;
use crate::cli::sink::{BundleSink, Standing, growing_folder};

/// Says what would be done.
pub fn preview(
    args: &MintArgs,
    context: &Context,
    home: &Home,
    feed: Feed,
) -> Result<Exit, Failure> {
    let ledger = context.ledger(home)?;
    let mut minter = Minter::new(Setting {
        writes: false,
        // Nothing is written: rejections are told, and counted.
        rejects: Rejects::new(None, context),
        ..setting(args, context, &ledger, &feed)
    });
    let ended = mint_all(args, feed, None, &mut minter)?;
    close(args, context, minter, ended)
}

/// Does it.
pub fn carry_out(
    args: &MintArgs,
    context: &Context,
    home: &Home,
    mut feed: Feed,
    snapshots: &Snapshots,
) -> Result<Exit, Failure> {
    let (mut ledger, _lock) = context.locked_ledger(home)?;
    let started_at = context.now();
    let standing = match &args.bundles {
        Some(out) => Standing::at(out, args.force),
        None => Standing::Open,
    };
    let keyset = home.trusted_keys()?;
    // A complete OUT is left alone: then nothing may be signed, only compared.
    let key = match standing {
        Standing::Complete => None,
        Standing::Open => {
            context.warn_of_fixed_time();
            let (id, unlock) = (args.key.as_ref(), args.unlock.clone());
            Some(open_signing_key(home, id, unlock, context.now())?)
        }
    };
    // From here on files are looked at and changed; a prompt for a passphrase ends at once.
    context.catch_interrupts()?;
    let issuer = match &key {
        Some(key) => Issuer::new(
            &home.profile,
            key,
            &keyset,
            &mut ledger,
            args.self_check.into(),
        )?,
        None => {
            let key = public_key(args, &keyset)?;
            Issuer::unsigning(&home.profile, &key, &keyset, &ledger)?
        }
    }
    .judging_by(context.home_trust(home)?);
    let output = output_of(args);
    let resumable = key
        .as_ref()
        .and_then(|key| Resumable::of(args, &home.profile, key.public(), snapshots.sha256()));
    let kept = ledger.unfinished(&output)?;
    if standing == Standing::Open && !args.force {
        refuse_to_lose(args, kept.as_ref(), resumable.as_ref())?;
    }
    let place = match (&resumable, &kept) {
        (Some(resumable), Some(kept)) => resumable.place_of(kept),
        _ => None,
    };
    let mut resumed = None;
    if let Some(place) = place {
        match resume(args, context, place, feed)? {
            Resuming::There(at, there) => (feed, resumed) = (*at, Some(there)),
            Resuming::Changed => feed = open_feed(args, context)?,
            Resuming::Interrupted => return close_before_it_began(context),
        }
    }
    if resumed.is_none() && standing == Standing::Open {
        // What stands there under the partial names is about to be written over.
        ledger.group::<_, LedgerError>(|group| group.remove_unfinished(&output))?;
    }
    let mut setting = setting(args, context, &ledger, &feed);
    match resumed {
        Some(resumed) => {
            (setting.sink, setting.rejects) = (resumed.sink, resumed.rejects);
            setting.read = resumed.place.read;
            setting.summary.resume(resumed.place.counts);
            let done = counted(setting.summary.resumed_after, "paper", "papers");
            context.note(&format!(
                "an earlier run had done {done}; going on from there"
            ));
        }
        None => {
            let sink = args.bundles.as_deref();
            setting.sink = sink
                .map(|out| BundleSink::create(out, standing))
                .transpose()?;
        }
    }
    setting.resumable = resumable;
    setting.signing = key
        .as_ref()
        .map(|key| (key.public().key_id.clone(), started_at));
    let mut minter = Minter::new(setting);
    let ended = mint_all(args, feed, Some((&issuer, snapshots)), &mut minter)?;
    minter.commit()?;
    if let Some(path) = &args.snapshots {
        let (filled, all) = (minter.filled, snapshots.len() as u64);
        context.note(&format!(
            "{} filled; {} of {} not used, of papers that this run has not minted",
            counted(filled, "snapshot", "snapshots"),
            counted(all.saturating_sub(filled), "line", "lines"),
            path.display()
        ));
    }
    if ended == Ended::Complete
        && let Some(sink) = minter.setting.sink.take()
    {
        sink.finish(args.force)?;
    }
    let over = ended == Ended::Complete;
    let group = ledger.begin()?;
    // A comparison leaves alone what grows beside the output.
    if over && standing == Standing::Open {
        group.remove_unfinished(&output)?;
    }
    minter.record_run(&group, over)?;
    group.commit()?;
    close(args, context, minter, ended)
}

/// What another command has begun at OUT may be hours of work, and a slip of the hand would end it.
fn refuse_to_lose(
    args: &MintArgs,
    kept: Option<&Unfinished>,
    resumable: Option<&Resumable>,
) -> Result<(), Failure> {
    let (Some(out), Some(kept)) = (&args.bundles, kept) else {
        return Ok(());
    };
    let partial = growing_folder(out);
    let asks_the_same = resumable.is_some_and(|resumable| resumable.asks_the_same(kept));
    if asks_the_same || partial.symlink_metadata().is_err() {
        return Ok(());
    }
    let problem = format!(
        "{} is the unfinished output of another command",
        partial.display()
    );
    Err(Failure::new(Exit::Io, problem).hint(
        "run that command again to finish it, with the same inputs and options; or begin anew with --force",
    ))
}

/// The key under which a complete OUT was most likely written.
fn public_key(args: &MintArgs, keyset: &TrustedKeys) -> Result<PublicKeyObject, Failure> {
    let entry = match &args.key {
        Some(id) => keyset.named(id),
        None => keyset.active().next().or(keyset.keys.first()),
    };
    entry.map(|entry| entry.key.clone()).ok_or_else(|| {
        Failure::new(Exit::Usage, "this home has no key")
            .hint("make one with `pith key generate --id ID`")
    })
}
