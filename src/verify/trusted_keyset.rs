//! What stands behind trusted keys that a keyset gives: until when it counts, and what keys signed that
//! have been revoked since.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::Policy;
use super::code::Code;
use crate::digest::Digest;
use crate::keys::{KeyId, TrustedKey};
use crate::keyset::{Chain, Keyset, Leaves, SignedLog};
use crate::time::Timestamp;

/// A keyset that a verifier trusts, and where the leaves of its ended keys are.
#[derive(Debug, Clone)]
pub(super) struct TrustedKeyset {
    pub chain: Chain,
    logs: PathBuf,
    /// Read when they are first asked for: a long-lived registry's fill hundreds of megabytes.
    leaves: BTreeMap<KeyId, Arc<OnceLock<Result<Leaves, String>>>>,
}

/// What a keyset says of a signature beyond its key's window.
pub(super) enum Word {
    /// It counts, and this is worth knowing.
    Note(Code, String),
    /// It does not count.
    Refusal(Code, String),
}

impl TrustedKeyset {
    pub fn new(chain: Chain, logs: PathBuf) -> Self {
        let ended = chain
            .latest()
            .keys
            .iter()
            .filter(|key| key.signed.is_some());
        let leaves = ended
            .map(|entry| (entry.key.key_id.clone(), Arc::default()))
            .collect();
        TrustedKeyset {
            chain,
            logs,
            leaves,
        }
    }

    pub fn keyset(&self) -> &Keyset {
        self.chain.latest()
    }

    /// What the keyset says of a signature that a key of it made at `time`, its revocation aside.
    pub fn words(&self, time: Option<Timestamp>, policy: &Policy) -> Vec<Word> {
        let mut words = Vec::new();
        words.extend(self.yet_to_come(policy));
        words.extend(self.expired(time, policy));
        let keyset = self.keyset();
        if keyset.rehearsal {
            let message = format!(
                "is trusted by version {} of a rehearsal, which means nothing outside of it",
                keyset.version
            );
            words.push(Word::Note(Code::KeysetRehearsal, message));
        }
        words
    }

    fn yet_to_come(&self, policy: &Policy) -> Option<Word> {
        let (keyset, at) = (self.keyset(), policy.at.unwrap_or(policy.now));
        keyset.is_yet_to_come(at).then(|| {
            let (version, made) = (keyset.version, keyset.created_at);
            let message = format!(
                "version {version} of the keyset is made at {made}, which is yet to come at {at}"
            );
            Word::Refusal(Code::TimeFuture, message)
        })
    }

    fn expired(&self, time: Option<Timestamp>, policy: &Policy) -> Option<Word> {
        let keyset = self.keyset();
        let (version, end) = (keyset.version, keyset.expires_at);
        let word =
            |text: String| format!("version {version} of the keyset expired at {end}; {text}");
        match time {
            Some(time) if keyset.has_expired(time) => {
                let message = word(format!("this is dated {time}, after that"));
                Some(Word::Refusal(Code::KeysetExpired, message))
            }
            _ if !keyset.has_expired(policy.at.unwrap_or(policy.now)) => None,
            Some(time) => {
                let message = word(format!("this is dated {time}, before that"));
                Some(Word::Note(Code::KeysetExpired, message))
            }
            None => {
                let message = word("this is under no date that a signature covers".to_owned());
                Some(Word::Refusal(Code::KeysetExpired, message))
            }
        }
    }

    /// What the keyset says of the signature of `covered` by a key that it revokes.
    pub fn revoked(&self, entry: &TrustedKey, covered: Option<&Digest>) -> Word {
        let id = &entry.key.key_id;
        let refusal = |text: String| {
            Word::Refusal(
                Code::KeyRevoked,
                format!("is by key {id}, which was revoked: {text}"),
            )
        };
        let Some(covered) = covered else {
            let message = "only events and bundles can be told to be from before";
            return refusal(message.to_owned());
        };
        match self.leaves(id) {
            Ok((leaves, signed)) if leaves.contains(covered) => Word::Note(
                Code::KeyRevoked,
                format!(
                    "is by key {id}, which was revoked; {covered} is one of the {} signatures that \
                     version {} of the keyset knows to be from before",
                    signed.count,
                    self.keyset().version
                ),
            ),
            Ok((_, signed)) => refusal(format!(
                "{covered} is not one of the {} signatures that the keyset knows to be from before",
                signed.count
            )),
            Err(message) => refusal(message),
        }
    }

    fn leaves(&self, id: &KeyId) -> Result<(&Leaves, &SignedLog), String> {
        let signed = self.keyset().named(id).and_then(|key| key.signed.as_ref());
        let (Some(signed), Some(leaves)) = (signed, self.leaves.get(id)) else {
            return Err("the keyset does not say what it signed".to_owned());
        };
        let read = || {
            Leaves::of_key(&self.logs, id, signed).map_err(|error| {
                let cause = std::error::Error::source(&error);
                let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                format!("what it signed before can't be told, since {error}{cause}")
            })
        };
        match leaves.get_or_init(read) {
            Ok(leaves) => Ok((leaves, signed)),
            Err(message) => Err(message.clone()),
        }
    }
}
