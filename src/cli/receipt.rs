//! `pith receipt`: receipts of what the ledger holds.

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::event::{EventId, Payload};
use crate::keys::{KeyId, Signer as _};
use crate::ledger::{Ledger, LedgerError};
use crate::mint::{Issuer, Reissue, SelfCheck, current_receipt};
use crate::number::PithNumber;
use crate::time::TimestampMicros;

use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::key::open_signing_key;
use super::output;
use super::secrets::UnlockArgs;
use super::show::look_up;

/// How many receipts reach the ledger as one.
const AT_ONCE: usize = 256;

/// Re-issue receipts
#[derive(Debug, Args)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    verb: ReceiptVerb,
}

#[derive(Debug, Subcommand)]
enum ReceiptVerb {
    Reissue(ReissueArgs),
}

/// Sign receipts anew, such as under the key that came after a rotation
///
/// Each goes into the ledger in a record_created that supersedes the one before; `last_reissued_at` is
/// new, `first_computed_at` and the number stay. The old receipt stays good. Afterwards `pith bundle`
/// signs a bundle with both. Running this again re-issues again; with --stale it goes on where an
/// interrupted run stopped.
#[derive(Debug, Args)]
struct ReissueArgs {
    /// Numbers, aliases or arXiv ids
    #[arg(
        required_unless_present = "all",
        conflicts_with = "all",
        value_name = "NUMBER"
    )]
    numbers: Vec<String>,

    /// All records
    #[arg(long)]
    all: bool,

    /// Leave receipts alone that the signing key has signed already
    #[arg(long)]
    stale: bool,

    /// The key to sign with [default: the home's active key]
    #[arg(long, value_name = "ID")]
    key: Option<KeyId>,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Reissued<'a> {
    schema_version: &'static str,
    pith_number: PithNumber,
    event_id: EventId,
    supersedes: &'a [EventId],
    key_id: &'a KeyId,
    first_computed_at: TimestampMicros,
    last_reissued_at: TimestampMicros,
}

pub fn run(args: ReceiptArgs, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        ReceiptVerb::Reissue(args) => reissue(args, context),
    }
}

fn reissue(args: ReissueArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    context.warn_of_fixed_time();
    let (mut ledger, _lock) = context.locked_ledger(&home)?;
    let mut numbers = Vec::new();
    for name in &args.numbers {
        let number = look_up(&ledger, name)?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if args.all {
        numbers = ledger.numbers().collect::<Result<_, _>>()?;
    }
    let key = open_signing_key(&home, args.key.as_ref(), args.unlock.clone(), context.now())?;
    let keyset = home.trusted_keys()?;
    let issuer = Issuer::new(&home.profile, &key, &keyset, &mut ledger, SelfCheck::Strict)?
        .judging_by(context.home_trust(&home)?);
    context.catch_interrupts()?;
    let (mut done, mut left, mut stopped) = (0, 0, false);
    for group in numbers.chunks(AT_ONCE) {
        stopped = context.interrupted();
        if stopped {
            break;
        }
        let mut made = Vec::new();
        for number in group {
            let issued = held(&ledger, number)?;
            let fresh = current_receipt(&issued)
                .is_some_and(|receipt| receipt.public_key_fingerprint == key.fingerprint());
            if args.stale && fresh {
                left += 1;
            } else {
                made.push(issuer.reissue(&issued, context.now())?);
            }
        }
        ledger.group::<_, LedgerError>(|group| {
            made.iter().try_for_each(|Reissue { event, .. }| {
                group
                    .add_event(&event.subject_pith_number, event)
                    .map(|_| ())
            })
        })?;
        done += made.len() as u64;
        print(&made, context)?;
    }
    let left = match left {
        0 => String::new(),
        left => format!("; {left} had one by {} already", key.key_id()),
    };
    let count = output::counted(done, "receipt", "receipts");
    context.note(&format!("re-issued {count} under {}{left}", key.key_id()));
    if stopped {
        let problem = "interrupted; what was printed is in the ledger";
        return Err(Failure::new(Exit::Interrupted, problem)
            .hint("the same command with --stale does the rest"));
    }
    Ok(Exit::Done)
}

fn held(ledger: &Ledger, number: &PithNumber) -> Result<crate::ledger::Issued, Failure> {
    let gone = || Failure::new(Exit::Io, format!("{number} is no longer in the ledger"));
    ledger.get(number.suffix())?.ok_or_else(gone)
}

/// Says what is in the ledger now.
fn print(made: &[Reissue], context: &Context) -> Result<(), Failure> {
    let mut out = output::stdout();
    for Reissue { event, replaced } in made {
        let Payload::RecordCreated(payload) = &event.payload else {
            continue;
        };
        let (receipt, number) = (&payload.receipt, event.subject_pith_number);
        if context.json() {
            let line = Reissued {
                schema_version: JSON_SCHEMA,
                pith_number: number,
                event_id: event.event_id,
                supersedes: &event.supersedes,
                key_id: &receipt.key_id,
                first_computed_at: receipt.first_computed_at,
                last_reissued_at: receipt.last_reissued_at,
            };
            output::json_line(&mut out, &line)?;
        } else {
            let (at, id) = (receipt.last_reissued_at, event.event_id);
            writeln!(out, "{number}\t{at} (was {replaced})\t{id}")?;
        }
    }
    Ok(out.flush()?)
}
