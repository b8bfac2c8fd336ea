//! The second pass: whether the keys that signed are ones the verifier trusts (SPEC 9).

use std::path::PathBuf;

use super::Policy;
use super::code::Code;
use super::report::{Outcome, Report};
use super::trusted_keyset::{TrustedKeyset, Word};
use crate::digest::Digest;
use crate::event::Event;
use crate::keys::{KeyId, KeyStatus, PublicKey, REGISTRY, TrustedKey, TrustedKeys};
use crate::keyset::Chain;
use crate::time::Timestamp;
use crate::timestamps::{BlockHeader, BlockHeaders};

/// What a verifier believes from elsewhere: lists of keys, each with a name for reports, and headers of
/// blocks.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    sources: Vec<Source>,
    headers: BlockHeaders,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    keys: TrustedKeys,
    /// What gives the list, if it is a keyset.
    keyset: Option<TrustedKeyset>,
}

impl Trust {
    /// Trusts nothing yet.
    pub fn new() -> Self {
        Trust::default()
    }

    /// Also trusts `keys`; reports call them `name`.
    pub fn add(&mut self, name: impl Into<String>, keys: TrustedKeys) {
        self.sources.push(Source {
            name: name.into(),
            keys,
            keyset: None,
        });
    }

    /// Also trusts the latest version of a keyset. What its revoked keys have signed before is looked
    /// up in the folder `logs`, when it is first asked for.
    pub fn add_keyset(&mut self, name: impl Into<String>, chain: Chain, logs: PathBuf) {
        self.sources.push(Source {
            name: name.into(),
            keys: chain.latest().trusted_keys(),
            keyset: Some(TrustedKeyset::new(chain, logs)),
        });
    }

    /// Also believes that this is the header of Bitcoin's block at `height`; says whether it can be
    /// believed beside those that are there.
    pub fn add_block_header(&mut self, height: u64, header: BlockHeader) -> bool {
        self.headers.add(height, header)
    }

    /// The headers of blocks that it believes.
    pub(super) fn block_headers(&self) -> &BlockHeaders {
        &self.headers
    }

    /// Every entry for the raw key `key`, with the list that holds it.
    fn entries<'a>(
        &'a self,
        key: &'a PublicKey,
    ) -> impl Iterator<Item = (&'a Source, &'a TrustedKey)> {
        self.sources.iter().flat_map(move |source| {
            let entries = source.keys.keys.iter();
            entries
                .filter(move |entry| entry.key.key == *key)
                .map(move |entry| (source, entry))
        })
    }

    /// Every trusted key, for documents that carry none.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &TrustedKey> {
        self.sources.iter().flat_map(|source| &source.keys.keys)
    }

    /// The keysets among what is trusted, with their names.
    pub fn chains(&self) -> impl Iterator<Item = (&str, &Chain)> {
        self.sources.iter().filter_map(|source| {
            let keyset = source.keyset.as_ref()?;
            Some((source.name.as_str(), &keyset.chain))
        })
    }
}

/// A signature that was found sound, and what it covers.
pub(crate) struct Signed<'a> {
    /// Where it stands, such as `events[0]`.
    pub subject: String,
    pub key: &'a PublicKey,
    /// The label that the document gives the key; the keyset's must agree.
    pub key_id: &'a KeyId,
    pub signer_id: &'a str,
    pub signer_type: &'a str,
    /// A time that the signature covers; `None` where it covers none.
    pub time: Option<Timestamp>,
    /// The event id or bundle digest that it is a signature of; `None` where it is of a record.
    pub covered: Option<&'a Digest>,
    /// Whether the document stands or falls with it: another signer's event in a registry's
    /// bundle is that signer's matter.
    pub decides: bool,
}

/// Whether `entry` lets its key speak as it did. An entry that names no signer speaks for any but
/// those that the built-in keyset knows: nobody borrows their names.
fn speaks(entry: &TrustedKey, signed: &Signed) -> bool {
    entry.key.key_id == *signed.key_id
        && entry.speaks_for(signed.signer_id, signed.signer_type)
        && (entry.signer_id.is_some() || !TrustedKeys::built_in_knows(signed.signer_id))
}

/// Judges the sound signature that `key` made of a bare event.
pub(crate) fn judge_event(report: &mut Report, policy: &Policy, key: &PublicKey, event: &Event) {
    let signer = &event.signer;
    let signed = Signed {
        subject: "signature".to_owned(),
        key,
        key_id: &signer.key_id,
        signer_id: &signer.signer_id,
        signer_type: &signer.signer_type,
        time: Some(event.created_at),
        covered: Some(event.event_id.digest()),
        decides: true,
    };
    judge(report, policy, &signed);
}

/// Judges one sound signature and adds what it found to `report`.
pub(crate) fn judge(report: &mut Report, policy: &Policy, signed: &Signed) {
    let who = format!("{} ({})", signed.signer_id, signed.signer_type);
    let fingerprint = signed.key.fingerprint();
    let subject = signed.subject.as_str();
    let code = if signed.signer_type == REGISTRY {
        Code::KeyTrust
    } else {
        Code::KeyForeign
    };
    let otherwise = if signed.decides {
        Outcome::Untrusted
    } else {
        Outcome::Note
    };
    let entries: Vec<_> = policy.trust.entries(signed.key).collect();
    if entries.is_empty() {
        let message =
            format!("is signed for {who} by key {fingerprint}, which no keyset here holds");
        return report.add(code, otherwise, subject, message);
    }
    let speaking: Vec<_> = entries
        .iter()
        .filter(|(_, entry)| speaks(entry, signed))
        .collect();
    let Some((first, _)) = speaking.first() else {
        let key_id = signed.key_id;
        let message = format!(
            "is by key {fingerprint}, which is known, but not as {key_id} speaking for {who}"
        );
        return report.add(code, otherwise, subject, message);
    };
    if let Some(time) = signed.time {
        if policy.at.is_some_and(|at| time > at) {
            let message = format!("is dated {time}, after the time of judging");
            return report.add(Code::TimeFuture, otherwise, subject, message);
        }
        if policy.at.is_none() && time > policy.now {
            let message = format!("is dated {time}, which is yet to come by this clock");
            report.add(Code::TimeFuture, Outcome::Note, subject, message);
        }
        // Where several keysets hold the key, each may narrow what the others allow.
        if !speaking.iter().all(|(_, entry)| entry.counts_at(time)) {
            let message =
                format!("is by key {fingerprint} of {who}, which does not count at {time}");
            return report.add(Code::KeyWindow, otherwise, subject, message);
        }
    }
    // A key that is only announced has signed nothing yet, whatever the time and whatever it is called.
    if entries
        .iter()
        .any(|(_, entry)| entry.status == KeyStatus::Next)
    {
        let message = format!("is by key {fingerprint} of {who}, which does not sign yet");
        return report.add(Code::KeyWindow, otherwise, subject, message);
    }
    // It is the raw key that others have got hold of: its revocation counts under every label.
    let revoked = entries
        .iter()
        .filter(|(_, entry)| entry.status == KeyStatus::Revoked);
    let revocations = revoked.map(|(source, entry)| match &source.keyset {
        Some(keyset) => keyset.revoked(entry, signed.covered),
        None => {
            let message = format!("is by key {fingerprint} of {who}, which was revoked");
            Word::Refusal(Code::KeyRevoked, message)
        }
    });
    let keysets = speaking
        .iter()
        .filter_map(|(source, _)| source.keyset.as_ref());
    let of_keysets = keysets.flat_map(|keyset| keyset.words(signed.time, policy));
    for word in revocations.chain(of_keysets) {
        match word {
            Word::Refusal(code, message) => {
                return report.add(code, otherwise, subject, message);
            }
            Word::Note(code, message) => {
                report.add(code, Outcome::Note, subject, message);
            }
        }
    }
    let name = &first.name;
    let message = format!("is by key {} of {who}, trusted by {name}", signed.key_id);
    report.ok(code, subject, message);
}
