//! `pith keyset publish`: put a signed draft in force.

use crate::cli::context::{Context, JSON_SCHEMA, all_cores};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::home::Home;
use crate::keyset::{Chain, Fault, Keyset, Leaves, Rule, SignedLog, SigningKey};
use crate::ledger::Ledger;
use crate::mint::holds_other;
use clap::Args;
use serde::Serialize;

use super::next::home_draft;
use super::{refused, time_to_write};

/// Check every rule and put the draft in force
///
/// Writes keys/keyset.json, keys/pith-signing-key.json and keys/history/.
#[derive(Debug, Args)]
pub struct PublishArgs {}

#[derive(Serialize)]
struct Done<'a> {
    schema_version: &'static str,
    version: u32,
    digest: String,
    keyset: String,
    active_key: Option<&'a str>,
}

pub fn run(PublishArgs {}: PublishArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let draft = home_draft(&home)?;
    let now = time_to_write(context, draft.rehearsal)?;
    let chain = home.chain()?;
    let ending = ending(&draft, chain.as_ref().map(Chain::latest));
    // Nothing is signed with a key that ends while what it signed is compared.
    let _lock = if ending.is_empty() {
        None
    } else {
        let (ledger, lock) = context.locked_ledger(&home)?;
        let faults = signed_faults(&home, &ledger, &ending)?;
        if !faults.is_empty() {
            return Err(refused("the draft can't be published", &faults));
        }
        Some(lock)
    };
    home.publish(&draft, now)?;
    let digest = draft.digest();
    let active = draft.active().next().map(|entry| entry.key.key_id.as_str());
    context.note(&format!(
        "version {} of the keyset is in force, digest {digest}",
        draft.version
    ));
    let key = active.unwrap_or("none: this is an emergency");
    context.note(&format!("active key: {key}"));
    let ended = draft.keys.iter().any(|entry| entry.signed.is_some());
    if ended {
        context.note(&format!(
            "publish the keyset together with what ended keys have signed: {}",
            home.logs_dir().display()
        ));
    }
    if context.json() {
        output::json(&Done {
            schema_version: JSON_SCHEMA,
            version: draft.version,
            digest: digest.to_string(),
            keyset: home.keyset_path().display().to_string(),
            active_key: active,
        })?;
    }
    Ok(Exit::Done)
}

/// The keys that the draft ends, each with what it says of their signatures.
fn ending<'a>(draft: &'a Keyset, before: Option<&Keyset>) -> Vec<(&'a SigningKey, &'a SignedLog)> {
    let counted = |entry: &'a SigningKey| Some((entry, entry.signed.as_ref()?));
    let ended = draft.keys.iter().filter_map(counted);
    let is_new = |(entry, signed): &(&SigningKey, &SignedLog)| {
        let earlier = before.and_then(|before| before.named(&entry.key.key_id));
        earlier.and_then(|earlier| earlier.signed.as_ref()) != Some(*signed)
    };
    ended.filter(is_new).collect()
}

/// Whether the files of leaves are those that the draft speaks of, and the ledger knows of nothing else.
fn signed_faults(
    home: &Home,
    ledger: &Ledger,
    ending: &[(&SigningKey, &SignedLog)],
) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for (entry, signed) in ending {
        let id = &entry.key.key_id;
        let mut fault = |message| {
            faults.push(Fault::new(Rule::Signed, format!("key {id}"), message));
        };
        match Leaves::of_key(&home.logs_dir(), id, signed) {
            Err(error) => fault(format!("has no list of what it signed: {error}")),
            Ok(leaves) => {
                let key = entry.key.key.fingerprint();
                let known = |digest: &_| leaves.contains(digest);
                if holds_other(ledger, &home.profile, &key, all_cores(), known)? {
                    fault("has signed more since that was counted".to_owned());
                }
            }
        }
    }
    Ok(faults)
}
