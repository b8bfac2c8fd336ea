//! Opening the key that signs.

use super::locate::read_public_half;
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::home::{Home, InForce};
use crate::keys::{KeyId, KeyStatus, PublicHalf, SoftwareKey, TrustedKey, TrustedKeys, harden};
use crate::keyset::Keyset;
use crate::time::TimestampMicros;

/// Opens the key `id` of the home, or its one active key.
pub fn open_signing_key(
    home: &Home,
    id: Option<&KeyId>,
    unlock: UnlockArgs,
    now: TimestampMicros,
) -> Result<SoftwareKey, Failure> {
    let keyset = match home.in_force()? {
        InForce::Chain(chain) => {
            may_sign_by(chain.latest(), now)?;
            chain.latest().trusted_keys()
        }
        InForce::Bootstrap(keys) => keys,
    };
    let entry = match id {
        Some(id) => match keyset.named(id) {
            Some(entry) => entry,
            None => return Err(not_in_keyset(home, id)),
        },
        None => only_active(&keyset)?,
    };
    let id = &entry.key.key_id;
    if entry.status != KeyStatus::Active {
        let status = entry.status.as_str();
        return Err(Failure::new(
            Exit::Refused,
            format!("key {id} is {status}, so it signs nothing"),
        )
        .hint("`pith key list` shows which key is active"));
    }
    refuse_ending(home, id)?;
    let public = home.public_key(id)?;
    if public != entry.key {
        let path = home.public_key_path(id);
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "{} is not the key that the keyset calls {id}",
                path.display()
            ),
        )
        .hint("restore keys/ from a backup"));
    }
    if !entry.counts_at(now.seconds()) {
        return Err(Failure::new(
            Exit::Refused,
            format!("key {id} is not valid at {now}, so it signs nothing"),
        )
        .hint("the home's keyset says from when to when it is"));
    }
    harden()?;
    let path = home.private_key_path(id);
    let private = Unlocker::new(unlock, SecretSources::of_process()).open(id.as_str(), &path)?;
    SoftwareKey::new(private, public).map_err(|error| {
        let problem = format!("{}: {error}", path.display());
        Failure::new(Exit::Refused, problem).hint("restore both files from the same backup")
    })
}

fn not_in_keyset(home: &Home, id: &KeyId) -> Failure {
    if let Ok(PublicHalf::Custodian(_)) = read_public_half(&home.public_key_path(id)) {
        let problem = format!("{id} is a custodian's key, which signs no records");
        return Failure::new(Exit::Refused, problem).hint("name a signing key");
    }
    Failure::new(Exit::Usage, format!("the home's keyset has no key {id}"))
        .hint("`pith key list` shows the keys there are")
}

/// Whether anything may be signed by what the keyset in force says.
fn may_sign_by(keyset: &Keyset, now: TimestampMicros) -> Result<(), Failure> {
    let (version, end) = (keyset.version, keyset.expires_at);
    if keyset.is_yet_to_come(now.seconds()) {
        let made = keyset.created_at;
        let problem = format!(
            "the clock says {now}, before version {version} of the keyset was made at {made}, so nothing \
             is signed"
        );
        return Err(Failure::new(Exit::Refused, problem)
            .hint("set the clock right; or leave out --now, and `unset PITH_NOW`"));
    }
    if keyset.has_expired(now.seconds()) {
        let problem =
            format!("version {version} of the keyset expired at {end}, so nothing is signed");
        return Err(Failure::new(Exit::Refused, problem)
            .hint("make the next version: `pith keyset draft new`, then `sign` and `publish`"));
    }
    if keyset.rehearsal {
        let text = "the keyset is a rehearsal: what is signed now means nothing outside of it";
        output::message("warning", text);
    }
    Ok(())
}

/// What a key has signed is counted when a draft ends it, so it signs nothing from then on.
fn refuse_ending(home: &Home, id: &KeyId) -> Result<(), Failure> {
    let draft = home.draft()?;
    let entry = draft.as_ref().and_then(|draft| draft.named(id));
    match entry {
        Some(entry) if entry.signed.is_some() => {
            let status = entry.status.as_str();
            let problem = format!(
                "the draft of the next keyset has key {id} as {status} and has counted what it \
                 signed, so it signs no more"
            );
            Err(Failure::new(Exit::Refused, problem).hint(
                "`pith keyset status` says what is missing before the draft can be published; \
                 `pith keyset draft new --force` begins it anew",
            ))
        }
        _ => Ok(()),
    }
}

fn only_active(keyset: &TrustedKeys) -> Result<&TrustedKey, Failure> {
    let mut active = keyset.active();
    match (active.next(), active.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => Err(
            Failure::new(Exit::Usage, "this home has no active key to sign with").hint(
                if keyset.keys.is_empty() {
                    "make one with `pith key generate --id ID`"
                } else {
                    "`pith key list` shows the keys there are, and `pith keyset show` what they may do"
                },
            ),
        ),
        (Some(_), Some(_)) => Err(
            Failure::new(Exit::Usage, "this home has several active keys")
                .hint("say which one signs: --key ID"),
        ),
    }
}
