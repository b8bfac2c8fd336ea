//! The rules that a version keeps by itself, whatever came before it.

use std::collections::BTreeSet;

use super::document::{Keyset, PossessionStatement, SigningKey};
use super::fault::Fault;
use super::rule::Rule;
use crate::keys::{KeyStatus, Purpose, REGISTRY};

impl Keyset {
    /// What this version breaks by itself, signatures aside: what its makers can mend.
    pub fn content_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.numbering(&mut faults);
        faults.extend(self.custodians.threshold_fault());
        self.uniqueness(&mut faults);
        self.one_active(&mut faults);
        for entry in &self.keys {
            self.signing_key(entry, &mut faults);
        }
        faults
    }

    /// What this version breaks by itself, signatures included: nothing if it can be taken as it is by
    /// somebody who knows its digest.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.content_faults();
        faults.extend(self.signature_faults(None));
        faults
    }

    fn numbering(&self, faults: &mut Vec<Fault>) {
        let mut fault = |rule, message: &str| faults.push(Fault::new(rule, "version", message));
        match (self.version, self.previous) {
            (0, _) => fault(Rule::Version, "is 0, and versions count from 1"),
            (1, Some(_)) => fault(Rule::Version, "is 1, yet names a version before it"),
            (2.., None) => fault(Rule::Version, "is not the first, yet names none before it"),
            (1, None) | (2.., Some(_)) => {}
        }
        if self.expires_at <= self.created_at {
            fault(Rule::Dates, "expires before it is made");
        }
    }

    fn uniqueness(&self, faults: &mut Vec<Fault>) {
        let custodians = self.custodians.keys.iter();
        let custodians = custodians.map(|custodian| (&custodian.key_id, &custodian.key));
        let signing = self.keys.iter();
        let signing = signing.map(|entry| (&entry.key.key_id, &entry.key.key));
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for (name, key) in custodians.chain(signing) {
            if !names.insert(name) {
                let message = "is the name of two keys";
                faults.push(Fault::new(Rule::DuplicateName, name.as_str(), message));
            }
            if !keys.insert(key.as_bytes()) {
                let message = format!("is a key ({}) that stands twice", key.fingerprint());
                faults.push(Fault::new(Rule::DuplicateKey, name.as_str(), message));
            }
        }
    }

    fn one_active(&self, faults: &mut Vec<Fault>) {
        let active: Vec<_> = self.active().map(|key| key.key.key_id.as_str()).collect();
        let message = match (&active[..], &self.emergency) {
            ([_], None) => return,
            ([], Some(reason)) if reason.chars().any(char::is_alphanumeric) => return,
            ([], Some(_)) => "has no active key, and says no reason for the emergency".to_owned(),
            ([], None) => "has no active key, and states no emergency".to_owned(),
            ([one], Some(_)) => format!("states an emergency, though {one} is active"),
            _ => format!("has several active keys: {}", active.join(", ")),
        };
        faults.push(Fault::new(Rule::OneActive, "the keyset", message));
    }

    fn signing_key(&self, entry: &SigningKey, faults: &mut Vec<Fault>) {
        let subject = format!("key {}", entry.key.key_id);
        let mut fault = |rule, message: String| faults.push(Fault::new(rule, &subject, message));
        if entry.signer_id != self.registry_id
            || entry.signer_types != [REGISTRY]
            || entry.key.signer.is_some()
        {
            let message = format!(
                "does not speak for {} as {REGISTRY} alone",
                self.registry_id
            );
            fault(Rule::Registry, message);
        }
        let key = &entry.key.key;
        let statement = PossessionStatement::of(&self.registry_id, &entry.key.key_id, key);
        if !key.verifies_for(Purpose::Possession, &statement, &entry.possession_b64) {
            let message = "has not signed that somebody holds it, for this registry and name";
            fault(Rule::Possession, message.to_owned());
        }
        let ended = matches!(entry.status, KeyStatus::Retired | KeyStatus::Revoked);
        let status = entry.status.as_str();
        if entry.valid_until.is_some() != ended {
            let word = if ended { "without" } else { "with" };
            fault(Rule::Status, format!("is {status}, {word} an end"));
        }
        if entry.status == KeyStatus::Next && entry.valid_from.is_some() {
            fault(Rule::Status, "is next, yet has begun".to_owned());
        }
        if self.version == 1 && entry.published_at != self.created_at {
            let message = "is in the first version, yet not dated as it is";
            fault(Rule::Status, message.to_owned());
        }
        let begins = entry.valid_from.unwrap_or(entry.published_at);
        let ends = entry.valid_until.unwrap_or(self.created_at);
        if begins < entry.published_at || ends < begins || self.created_at < ends {
            let message = "is published, begins, ends and stands here in no possible order";
            fault(Rule::Status, message.to_owned());
        }
        if entry.revocation.is_some() != (entry.status == KeyStatus::Revoked) {
            let message = match entry.revocation {
                Some(_) => format!("is {status}, with a reason for its revocation"),
                None => "is revoked without a reason".to_owned(),
            };
            fault(Rule::Revocation, message);
        }
        if let Some(revocation) = &entry.revocation
            && (revocation.at > self.created_at || revocation.reason.trim().is_empty())
        {
            let message = "is revoked without a word, or later than this version is made";
            fault(Rule::Revocation, message.to_owned());
        }
        if entry.signed.is_some() != ended {
            let message = match entry.signed {
                Some(_) => format!("is {status}, yet what it signed is counted"),
                None => format!("is {status}, without a count of what it signed"),
            };
            fault(Rule::Signed, message);
        }
    }
}
