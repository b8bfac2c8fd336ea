//! What changes from one version to the next, in words and for programs.

use std::fmt;

use serde::Serialize;

use super::document::{Keyset, SigningKey};
use crate::digest::Digest;
use crate::keys::{Fingerprint, KeyId, KeyStatus};
use crate::time::Timestamp;

/// Something that a version changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It is the first version.
    First {
        /// Of this registry's keyset.
        registry_id: String,
    },
    /// Another number of custodians has to sign.
    Threshold {
        /// How many before.
        from: u32,
        /// How many now.
        to: u32,
        /// Of how many.
        of: usize,
    },
    /// A custodian comes in.
    CustodianAdded {
        /// The name.
        key_id: KeyId,
        /// The key.
        fingerprint: Fingerprint,
    },
    /// A custodian goes.
    CustodianRemoved {
        /// The name.
        key_id: KeyId,
        /// The key.
        fingerprint: Fingerprint,
    },
    /// A signing key comes in.
    KeyAdded {
        /// The name.
        key_id: KeyId,
        /// The key.
        fingerprint: Fingerprint,
        /// As what.
        status: KeyStatus,
    },
    /// What may be done with a signing key changes.
    Status {
        /// The name.
        key_id: KeyId,
        /// The key.
        fingerprint: Fingerprint,
        /// What it was.
        from: KeyStatus,
        /// What it is.
        to: KeyStatus,
        /// Why, if it is revoked.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// How many signatures it leaves behind, if it has ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        signed: Option<u64>,
        /// The Merkle root of those, by which everybody can tell that they mean the same ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        merkle_root: Option<Digest>,
    },
    /// A signing key is left out.
    KeyRemoved {
        /// The name.
        key_id: KeyId,
        /// The key.
        fingerprint: Fingerprint,
    },
    /// Keys are published longer or shorter before they sign.
    PublishSafety {
        /// Seconds before.
        from: u32,
        /// Seconds now.
        to: u32,
    },
    /// Keys stay longer or shorter after they have ended.
    RetireSafety {
        /// Seconds before.
        from: u32,
        /// Seconds now.
        to: u32,
    },
    /// No key is active.
    Emergency {
        /// Why.
        reason: String,
    },
    /// It counts until another time.
    Expiry {
        /// Until when.
        to: Timestamp,
    },
    /// It is a rehearsal.
    Rehearsal,
}

impl Keyset {
    /// What this version changes from `previous`, or all of it if it is the first.
    pub fn changes(&self, previous: Option<&Keyset>) -> Vec<Change> {
        let mut changes = Vec::new();
        if previous.is_none() {
            let registry_id = self.registry_id.clone();
            changes.push(Change::First { registry_id });
        }
        if self.rehearsal {
            changes.push(Change::Rehearsal);
        }
        if let Some(reason) = self.emergency.clone() {
            changes.push(Change::Emergency { reason });
        }
        self.custodian_changes(previous, &mut changes);
        self.key_changes(previous, &mut changes);
        let policy = |keyset: &Keyset| keyset.policy;
        let (from, to) = (previous.map(policy), self.policy);
        let publish = from.map_or(0, |policy| policy.publish_safety_seconds);
        if publish != to.publish_safety_seconds {
            let (from, to) = (publish, to.publish_safety_seconds);
            changes.push(Change::PublishSafety { from, to });
        }
        let retire = from.map_or(0, |policy| policy.retire_safety_seconds);
        if retire != to.retire_safety_seconds {
            let (from, to) = (retire, to.retire_safety_seconds);
            changes.push(Change::RetireSafety { from, to });
        }
        changes.push(Change::Expiry {
            to: self.expires_at,
        });
        changes
    }

    fn custodian_changes(&self, previous: Option<&Keyset>, changes: &mut Vec<Change>) {
        let before = previous.map_or(&[][..], |previous| &previous.custodians.keys);
        let after = &self.custodians.keys;
        for custodian in after.iter().filter(|custodian| !before.contains(custodian)) {
            changes.push(Change::CustodianAdded {
                key_id: custodian.key_id.clone(),
                fingerprint: custodian.key.fingerprint(),
            });
        }
        for custodian in before.iter().filter(|custodian| !after.contains(custodian)) {
            changes.push(Change::CustodianRemoved {
                key_id: custodian.key_id.clone(),
                fingerprint: custodian.key.fingerprint(),
            });
        }
        let from = previous.map_or(0, |previous| previous.custodians.threshold);
        let to = self.custodians.threshold;
        if from != to || before.len() != after.len() {
            let of = after.len();
            changes.push(Change::Threshold { from, to, of });
        }
    }

    fn key_changes(&self, previous: Option<&Keyset>, changes: &mut Vec<Change>) {
        let before = previous.map_or(&[][..], |previous| &previous.keys);
        let same = |a: &SigningKey, b: &SigningKey| a.key.key == b.key.key;
        for entry in &self.keys {
            let (key_id, fingerprint) = (entry.key.key_id.clone(), entry.key.key.fingerprint());
            match before.iter().find(|earlier| same(earlier, entry)) {
                None => changes.push(Change::KeyAdded {
                    key_id,
                    fingerprint,
                    status: entry.status,
                }),
                Some(earlier) if earlier.status != entry.status => changes.push(Change::Status {
                    key_id,
                    fingerprint,
                    from: earlier.status,
                    to: entry.status,
                    reason: entry.revocation.as_ref().map(|why| why.reason.clone()),
                    signed: entry.signed.map(|signed| signed.count),
                    merkle_root: entry.signed.map(|signed| signed.merkle_root),
                }),
                Some(_) => {}
            }
        }
        let gone = before
            .iter()
            .filter(|earlier| !self.keys.iter().any(|entry| same(earlier, entry)));
        changes.extend(gone.map(|earlier| Change::KeyRemoved {
            key_id: earlier.key.key_id.clone(),
            fingerprint: earlier.key.key.fingerprint(),
        }));
    }
}

/// A window as people say it: whole days, or seconds where it is none.
fn window(seconds: u32) -> String {
    const DAY: u32 = 24 * 60 * 60;
    match (seconds / DAY, seconds % DAY) {
        (1, 0) => "1 day".to_owned(),
        (days @ 1.., 0) => format!("{days} days"),
        _ => format!("{seconds} seconds"),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::First { registry_id } => {
                write!(f, "this is the first keyset of {registry_id}")
            }
            Change::Threshold { from: 0, to, of } => {
                write!(f, "{to} of the {of} custodians have to sign")
            }
            Change::Threshold { from, to, of } => {
                write!(
                    f,
                    "{to} of the {of} custodians have to sign (before: {from})"
                )
            }
            Change::CustodianAdded {
                key_id,
                fingerprint,
            } => write!(f, "custodian {key_id} ({fingerprint}) comes in"),
            Change::CustodianRemoved {
                key_id,
                fingerprint,
            } => write!(f, "custodian {key_id} ({fingerprint}) goes"),
            Change::KeyAdded {
                key_id,
                fingerprint,
                status,
            } => write!(
                f,
                "key {key_id} ({fingerprint}) comes in as {}",
                status.as_str()
            ),
            Change::Status {
                key_id,
                fingerprint,
                from,
                to,
                reason,
                signed,
                merkle_root,
            } => {
                let (from, to) = (from.as_str(), to.as_str());
                write!(f, "key {key_id} ({fingerprint}), {from} before, is {to}")?;
                if let Some(reason) = reason {
                    write!(f, ": {reason}")?;
                }
                match signed {
                    Some(1) => write!(f, "; it leaves 1 signature behind")?,
                    Some(count) => write!(f, "; it leaves {count} signatures behind")?,
                    None => {}
                }
                match merkle_root {
                    Some(root) => write!(f, ", with the Merkle root {root}"),
                    None => Ok(()),
                }
            }
            Change::KeyRemoved {
                key_id,
                fingerprint,
            } => write!(f, "key {key_id} ({fingerprint}) is left out"),
            Change::PublishSafety { to, .. } => {
                write!(f, "keys are published {} before they sign", window(*to))
            }
            Change::RetireSafety { to, .. } => {
                write!(
                    f,
                    "keys stay published {} after they have ended",
                    window(*to)
                )
            }
            Change::Emergency { reason } => write!(f, "EMERGENCY, no key is active: {reason}"),
            Change::Expiry { to } => write!(f, "it counts until {to}"),
            Change::Rehearsal => f.write_str("it is a REHEARSAL: nobody may rely on it"),
        }
    }
}
