//! Versions one after the other, each approved by the custodians of the one before.

use std::collections::BTreeMap;

use super::document::Keyset;
use super::fault::{Fault, Faulty};
use super::rule::Rule;
use crate::digest::Digest;
use crate::keys::KeyId;
use crate::time::Timestamp;

/// Versions of a keyset that keep all rules: the first is taken as it is given, and every other one
/// follows from the one before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    versions: Vec<Keyset>,
    digests: Vec<Digest>,
    keys: KeyHistory,
}

/// What every raw key was, and every name of a signing key, from the first version on.
#[derive(Debug, Clone, Default, PartialEq)]
struct KeyHistory {
    keys: BTreeMap<[u8; 32], Former>,
    names: BTreeMap<KeyId, [u8; 32]>,
}

#[derive(Debug, Clone, PartialEq)]
enum Former {
    Custodian,
    Signing(KeyId),
}

impl Chain {
    /// A chain that begins with `first`, which is taken as it is: whoever calls this trusts it.
    ///
    /// # Errors
    /// [`Faulty`] if it does not keep the rules by itself, its own custodians' signatures included.
    pub fn begin(first: Keyset) -> Result<Self, Faulty> {
        Faulty::unless_none(first.version, first.faults())?;
        let mut keys = KeyHistory::default();
        keys.add(&first);
        Ok(Chain {
            digests: vec![first.digest()],
            versions: vec![first],
            keys,
        })
    }

    /// The chain of all these versions.
    ///
    /// # Errors
    /// [`Faulty`]: of the first version that breaks a rule. `None` if there is no version.
    pub fn of(versions: impl IntoIterator<Item = Keyset>) -> Option<Result<Self, Faulty>> {
        let mut versions = versions.into_iter();
        let first = versions.next()?;
        let chain = Chain::begin(first).and_then(|mut chain| {
            versions.try_for_each(|next| chain.push(next))?;
            Ok(chain)
        });
        Some(chain)
    }

    /// Adds the next version.
    ///
    /// # Errors
    /// [`Faulty`]; then the chain is what it was.
    pub fn push(&mut self, next: Keyset) -> Result<(), Faulty> {
        let mut faults = self.content_faults(&next);
        faults.extend(next.signature_faults(Some(self.latest())));
        Faulty::unless_none(next.version, faults)?;
        self.keys.add(&next);
        self.digests.push(next.digest());
        self.versions.push(next);
        Ok(())
    }

    /// What `next` breaks as the next version, signatures aside.
    pub fn content_faults(&self, next: &Keyset) -> Vec<Fault> {
        let mut faults = next.content_faults();
        faults.extend(next.succession_faults(&self.versions));
        faults.extend(self.keys.faults(next, self.latest()));
        faults
    }

    /// How many seconds a key that was published at `since` has to wait before `next` may activate it.
    pub fn publish_safety(&self, next: &Keyset, since: Timestamp) -> u32 {
        next.publish_safety(&self.versions, since)
    }

    /// The version in force.
    pub fn latest(&self) -> &Keyset {
        self.versions.last().expect("a chain has a first version")
    }

    /// All of them, in their order.
    pub fn versions(&self) -> &[Keyset] {
        &self.versions
    }

    /// The digest of a version, if it is one of these.
    pub fn digest_of(&self, version: u32) -> Option<&Digest> {
        let first = self.versions[0].version;
        let place = usize::try_from(version.checked_sub(first)?).ok()?;
        self.digests.get(place)
    }
}

impl KeyHistory {
    fn add(&mut self, keyset: &Keyset) {
        for custodian in &keyset.custodians.keys {
            self.keys
                .insert(*custodian.key.as_bytes(), Former::Custodian);
        }
        for entry in &keyset.keys {
            let (name, raw) = (entry.key.key_id.clone(), *entry.key.key.as_bytes());
            self.names.insert(name.clone(), raw);
            self.keys.insert(raw, Former::Signing(name));
        }
    }

    /// Keys that were something else before, in whichever version.
    fn faults<'a>(
        &'a self,
        next: &'a Keyset,
        latest: &'a Keyset,
    ) -> impl Iterator<Item = Fault> + 'a {
        let fault = |rule, name: &KeyId, message: &str| Fault::new(rule, name.as_str(), message);
        let taken = move |name: &KeyId, raw: &[u8; 32]| {
            let other = self.names.get(name).is_some_and(|other| other != raw);
            let message = "was another key's name before";
            other.then(|| fault(Rule::DuplicateName, name, message))
        };
        let custodians = next.custodians.keys.iter().filter_map(move |custodian| {
            let (name, raw) = (&custodian.key_id, custodian.key.as_bytes());
            match self.keys.get(raw) {
                Some(Former::Signing(_)) => {
                    let message = "is a custodian, though its key signed records before";
                    Some(fault(Rule::DuplicateKey, name, message))
                }
                _ => taken(name, raw),
            }
        });
        let signing = next.keys.iter().filter_map(move |entry| {
            let (name, raw) = (&entry.key.key_id, entry.key.key.as_bytes());
            match self.keys.get(raw) {
                Some(Former::Custodian) => {
                    let message = "is a signing key, though a custodian had it before";
                    Some(fault(Rule::DuplicateKey, name, message))
                }
                Some(Former::Signing(before)) if before != name => {
                    let message = format!("is a key that was called {before} before");
                    Some(fault(Rule::DuplicateKey, name, &message))
                }
                Some(Former::Signing(_)) if latest.named(name).is_none() => {
                    let message = "was left out before, and no key comes back";
                    Some(fault(Rule::DuplicateKey, name, message))
                }
                _ => taken(name, raw),
            }
        });
        custodians.chain(signing)
    }
}
