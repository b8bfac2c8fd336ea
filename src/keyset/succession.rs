//! The rules that a version keeps towards the one before it.

use std::collections::BTreeMap;

use super::document::{Keyset, SafetyPolicy, SigningKey};
use super::fault::Fault;
use super::rule::Rule;
use crate::keys::{KeyId, KeyStatus};
use crate::time::Timestamp;

impl Keyset {
    /// What this version breaks as the successor of the last of `versions`, signatures aside: what its
    /// makers can mend. What it breaks by itself is not repeated.
    pub(super) fn succession_faults(&self, versions: &[Keyset]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let previous = versions.last().expect("a chain has a first version");
        self.link(previous, &mut faults);
        let before: BTreeMap<&KeyId, &SigningKey> = previous.keys.iter().map(by_name).collect();
        for entry in &self.keys {
            match before.get(&entry.key.key_id) {
                Some(earlier) => self.kept(earlier, entry, versions, &mut faults),
                None => self.added(entry, &mut faults),
            }
        }
        let now: BTreeMap<&KeyId, &SigningKey> = self.keys.iter().map(by_name).collect();
        for earlier in &previous.keys {
            if !now.contains_key(&earlier.key.key_id) {
                self.removed(earlier, versions, &mut faults);
            }
        }
        faults
    }

    fn link(&self, previous: &Keyset, faults: &mut Vec<Fault>) {
        let mut fault = |rule, message| faults.push(Fault::new(rule, "version", message));
        if previous.version.checked_add(1) != Some(self.version) {
            let (version, before) = (self.version, previous.version);
            fault(Rule::Link, format!("is {version}, after {before}"));
        }
        if self.previous != Some(previous.digest()) {
            let message = format!("does not name version {} before it", previous.version);
            fault(Rule::Link, message);
        }
        if self.registry_id != previous.registry_id {
            let (id, before) = (&self.registry_id, &previous.registry_id);
            fault(Rule::Registry, format!("is of {id}, after one of {before}"));
        }
        if self.created_at <= previous.created_at {
            let (time, before) = (self.created_at, previous.created_at);
            fault(Rule::Dates, format!("is made at {time}, after {before}"));
        }
        if self.rehearsal != previous.rehearsal {
            let message = match self.rehearsal {
                true => "is a rehearsal, after a real one",
                false => "is real, after a rehearsal",
            };
            fault(Rule::Rehearsal, message.to_owned());
        }
    }

    /// A key that the version before did not hold.
    fn added(&self, entry: &SigningKey, faults: &mut Vec<Fault>) {
        let subject = format!("key {}", entry.key.key_id);
        if entry.status != KeyStatus::Next {
            let message = format!("comes in as {}, and not as next", entry.status.as_str());
            faults.push(Fault::new(Rule::PublishSafety, &subject, message));
        }
        if entry.published_at != self.created_at {
            let message = "is new, yet not dated as this version is";
            faults.push(Fault::new(Rule::Status, &subject, message));
        }
    }

    /// A key that the version before holds too.
    fn kept(
        &self,
        earlier: &SigningKey,
        entry: &SigningKey,
        versions: &[Keyset],
        faults: &mut Vec<Fault>,
    ) {
        let subject = format!("key {}", entry.key.key_id);
        let mut fault = |rule, message: String| faults.push(Fault::new(rule, &subject, message));
        let fixed = entry.key == earlier.key
            && entry.signer_id == earlier.signer_id
            && entry.signer_types == earlier.signer_types
            && entry.published_at == earlier.published_at
            && entry.possession_b64 == earlier.possession_b64;
        if !fixed {
            let message = "is not what the version before says it is";
            fault(Rule::Status, message.to_owned());
        }
        if rank(entry.status) < rank(earlier.status) {
            let (from, to) = (earlier.status.as_str(), entry.status.as_str());
            fault(Rule::Status, format!("goes back from {from} to {to}"));
        }
        let begins = earlier.status == KeyStatus::Next && entry.status == KeyStatus::Active;
        let starts = match begins {
            true => Some(self.created_at),
            false => earlier.valid_from,
        };
        let ends = match (earlier.valid_until, entry.status) {
            (Some(ended), _) => Some(ended),
            (None, KeyStatus::Retired | KeyStatus::Revoked) => Some(self.created_at),
            (None, _) => None,
        };
        if entry.valid_from != starts || entry.valid_until != ends {
            let message = "does not begin and end when it did, or with this version";
            fault(Rule::Status, message.to_owned());
        }
        if earlier.status == KeyStatus::Next && entry.status == KeyStatus::Retired {
            fault(Rule::Status, "is retired before it was active".to_owned());
        }
        if begins {
            let safety = self.publish_safety(versions, earlier.published_at);
            let due = after(earlier.published_at, safety);
            if self.created_at.unix() < due {
                let message = format!("may not be active before {}", time(due));
                fault(Rule::PublishSafety, message);
            }
        }
        let revoked_now = earlier.revocation.is_none() && entry.revocation.is_some();
        let at = entry.revocation.as_ref().map(|revocation| revocation.at);
        if revoked_now && at != Some(self.created_at)
            || earlier.revocation.is_some() && entry.revocation != earlier.revocation
        {
            let message = "is revoked at another time, or for another reason, than it was";
            fault(Rule::Revocation, message.to_owned());
        }
        if let (Some(before), Some(signed)) = (&earlier.signed, &entry.signed) {
            let counted_again = revoked_now && signed.count >= before.count;
            if signed != before && !counted_again {
                let message = "has signed something else than the version before says";
                fault(Rule::Signed, message.to_owned());
            }
        }
    }

    /// A key that this version no longer holds.
    fn removed(&self, earlier: &SigningKey, versions: &[Keyset], faults: &mut Vec<Fault>) {
        let subject = format!("key {}", earlier.key.key_id);
        let message = match earlier.valid_until {
            None => format!("is left out, though it is {}", earlier.status.as_str()),
            Some(ended) => {
                // Everybody has to hear of a revocation, however long ago the key was retired.
                let revoked = earlier.revocation.as_ref().map(|revocation| revocation.at);
                let since = revoked.map_or(ended, |at| at.max(ended));
                let safety = self.longest(versions, since, |policy| policy.retire_safety_seconds);
                let due = after(since, safety);
                if self.created_at.unix() >= due {
                    return;
                }
                format!("may not be left out before {}", time(due))
            }
        };
        faults.push(Fault::new(Rule::RetireSafety, subject, message));
    }

    /// How many seconds a key that was published at `since` has to wait before this version, which is to
    /// follow `versions`, may activate it.
    pub(super) fn publish_safety(&self, versions: &[Keyset], since: Timestamp) -> u32 {
        self.longest(versions, since, |policy| policy.publish_safety_seconds)
    }

    /// The longest window of this version, of the one before, and of all that were made since. A policy
    /// can't be shortened for what is decided together with it, nor for what is waiting already.
    fn longest(
        &self,
        versions: &[Keyset],
        since: Timestamp,
        window: impl Fn(&SafetyPolicy) -> u32,
    ) -> u32 {
        let meanwhile = versions
            .iter()
            .filter(|earlier| earlier.created_at >= since);
        let all = meanwhile.chain(versions.last()).chain([self]);
        all.map(|version| window(&version.policy))
            .max()
            .unwrap_or(0)
    }
}

/// When a window that began at `start` is over, in seconds since 1970.
fn after(start: Timestamp, window: u32) -> i64 {
    start.unix().saturating_add(window.into())
}

fn by_name(entry: &SigningKey) -> (&KeyId, &SigningKey) {
    (&entry.key.key_id, entry)
}

fn rank(status: KeyStatus) -> u8 {
    match status {
        KeyStatus::Next => 0,
        KeyStatus::Active => 1,
        KeyStatus::Retired => 2,
        KeyStatus::Revoked => 3,
    }
}

fn time(unix: i64) -> String {
    Timestamp::from_unix(unix).map_or_else(|| "the year 10000".to_owned(), |time| time.to_string())
}
