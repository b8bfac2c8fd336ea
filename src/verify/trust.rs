//! The second pass: whether the keys that signed are ones the verifier trusts (SPEC 9).

use super::code::Code;
use super::report::{Outcome, Report};
use crate::keys::{KeyId, Keyset, PublicKey, REGISTRY, TrustedKey};
use crate::time::Timestamp;

/// The keysets that a verifier trusts, each with a name for reports.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    sources: Vec<(String, Keyset)>,
}

impl Trust {
    /// Trusts nothing yet.
    pub fn new() -> Self {
        Trust::default()
    }

    /// Also trusts `keyset`; reports call it `name`.
    pub fn add(&mut self, name: impl Into<String>, keyset: Keyset) {
        self.sources.push((name.into(), keyset));
    }

    /// Every entry for the raw key `key`, with the name of its keyset.
    fn entries<'a>(
        &'a self,
        key: &'a PublicKey,
    ) -> impl Iterator<Item = (&'a str, &'a TrustedKey)> {
        self.sources.iter().flat_map(move |(name, keyset)| {
            keyset
                .keys
                .iter()
                .filter(move |entry| entry.key.key == *key)
                .map(move |entry| (name.as_str(), entry))
        })
    }

    /// Every trusted key, for documents that carry none.
    pub(super) fn keys(&self) -> impl Iterator<Item = &TrustedKey> {
        self.sources.iter().flat_map(|(_, keyset)| &keyset.keys)
    }
}

/// A signature that was found sound, and what it covers.
pub(super) struct Signed<'a> {
    /// Where it stands, such as `events[0]`.
    pub subject: String,
    pub key: &'a PublicKey,
    /// The label that the document gives the key; the keyset's must agree.
    pub key_id: &'a KeyId,
    pub signer_id: &'a str,
    pub signer_type: &'a str,
    /// A time that the signature covers; `None` where it covers none.
    pub time: Option<Timestamp>,
}

/// Judges one sound signature and adds what it found to `report`.
pub(super) fn judge(report: &mut Report, trust: &Trust, at: Option<Timestamp>, signed: &Signed) {
    let who = format!("{} ({})", signed.signer_id, signed.signer_type);
    let fingerprint = signed.key.fingerprint();
    // Another signer's key is that signer's matter: it never decides over the bundle.
    let (code, otherwise) = if signed.signer_type == REGISTRY {
        (Code::KeyTrust, Outcome::Untrusted)
    } else {
        (Code::KeyForeign, Outcome::Note)
    };
    let mut entries = trust.entries(signed.key).peekable();
    if entries.peek().is_none() {
        let message = format!("signed for {who} by key {fingerprint}, which no keyset here holds");
        return report.add(code, otherwise, &signed.subject, message);
    }
    let mut entries = entries
        .filter(|(_, entry)| {
            entry.key.key_id == *signed.key_id
                && entry.speaks_for(signed.signer_id, signed.signer_type)
        })
        .peekable();
    if entries.peek().is_none() {
        let key_id = signed.key_id;
        let message = format!("key {fingerprint} is known, but not as {key_id} speaking for {who}");
        return report.add(code, otherwise, &signed.subject, message);
    }
    if let (Some(at), Some(time)) = (at, signed.time)
        && time > at
    {
        let message = format!("dated {time}, which is after {at}");
        return report.add(Code::TimeFuture, otherwise, &signed.subject, message);
    }
    let in_window = |entry: &TrustedKey| signed.time.is_none_or(|time| entry.counts_at(time));
    match entries.find(|(_, entry)| in_window(entry)) {
        Some((name, entry)) => {
            let message = format!("key {} of {who}, trusted by {name}", entry.key.key_id);
            report.ok(code, &signed.subject, message);
        }
        None => {
            let time = signed.time.map(|t| t.to_string()).unwrap_or_default();
            let message = format!("key {fingerprint} of {who} does not count at {time}");
            report.add(Code::KeyWindow, otherwise, &signed.subject, message);
        }
    }
}
