//! What a bundle shows, and writing it again under the seal that the ledger holds.

use std::borrow::Cow;
use std::collections::HashMap;

use super::MintError;
use crate::bundle::{Bundle, BundleParts, timestamp_proofs};
use crate::digest::Digest;
use crate::event::{Event, Payload};
use crate::home::Profile;
use crate::keys::{Fingerprint, KeyId, PublicKeyObject};
use crate::ledger::{BundleSeal, Fresh, Held, Issued, Ledger, LedgerError};
use crate::number::{PithNumber, SourceAlias};
use crate::record::CanonicalRecord;
use crate::state::merge_valid;
use crate::time::Timestamp;

/// The published forms of the keys that signed what a ledger holds.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyBook(HashMap<Fingerprint, PublicKeyObject>);

impl KeyBook {
    /// The keys of `ledger`.
    ///
    /// # Errors
    /// Those of the ledger.
    pub fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        Ok(ledger.keys()?.into_iter().collect())
    }

    /// The key with this fingerprint.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&PublicKeyObject> {
        self.0.get(fingerprint)
    }
}

impl FromIterator<PublicKeyObject> for KeyBook {
    fn from_iter<I: IntoIterator<Item = PublicKeyObject>>(keys: I) -> Self {
        KeyBook(
            keys.into_iter()
                .map(|key| (key.key.fingerprint(), key))
                .collect(),
        )
    }
}

/// What a bundle shows: a record, its names and its events.
pub(super) struct Contents<'a> {
    record: &'a CanonicalRecord,
    pub number: PithNumber,
    aliases: Cow<'a, [SourceAlias]>,
    events: Vec<Cow<'a, Event>>,
}

impl<'a> From<&'a Issued> for Contents<'a> {
    fn from(issued: &'a Issued) -> Self {
        Contents {
            record: &issued.record,
            number: issued.number,
            aliases: Cow::Borrowed(&issued.aliases),
            events: issued
                .events
                .iter()
                .map(|(_, event)| Cow::Borrowed(event))
                .collect(),
        }
    }
}

impl<'a> From<&'a Fresh> for Contents<'a> {
    fn from(fresh: &'a Fresh) -> Self {
        Contents {
            record: &fresh.record,
            number: fresh.number,
            aliases: Cow::Owned(fresh.aliases()),
            events: fresh.events().into_iter().map(Cow::Owned).collect(),
        }
    }
}

impl<'a> From<&'a Held> for Contents<'a> {
    fn from(held: &'a Held) -> Self {
        match held {
            Held::Fresh(fresh) => Contents::from(&**fresh),
            Held::Issued(issued) => Contents::from(&**issued),
        }
    }
}

impl Contents<'_> {
    /// The keys that signed the events, by id.
    pub fn keys(&self, book: &KeyBook) -> Result<Vec<PublicKeyObject>, MintError> {
        let mut named: Vec<(&KeyId, Fingerprint)> = Vec::new();
        for event in &self.events {
            named.push((&event.signer.key_id, event.signer.public_key_fingerprint));
            if let Payload::RecordCreated(payload) = &event.payload {
                let receipt = &payload.receipt;
                named.push((&receipt.key_id, receipt.public_key_fingerprint));
            }
        }
        named.sort();
        named.dedup();
        named
            .into_iter()
            .map(|(key_id, fingerprint)| {
                let object = book.0.get(&fingerprint).filter(|key| key.key_id == *key_id);
                object.cloned().ok_or_else(|| MintError::UnknownKey {
                    number: self.number,
                    key_id: key_id.clone(),
                })
            })
            .collect()
    }

    /// The ids of the events that the key has signed.
    pub fn events_by(&self, key: &Fingerprint) -> impl Iterator<Item = &Digest> {
        let events = self.events.iter();
        events
            .filter(move |event| event.signature.public_key_fingerprint == *key)
            .map(|event| event.event_id.digest())
    }

    /// What a bundle under `sealing_key` is assembled from.
    pub fn parts<'p>(
        &self,
        profile: &'p Profile,
        book: &KeyBook,
        sealing_key: &PublicKeyObject,
        built_at: Timestamp,
    ) -> Result<BundleParts<'p>, MintError> {
        let mut public_keys = self.keys(book)?;
        public_keys.retain(|key| key.key != sealing_key.key);
        public_keys.insert(0, sealing_key.clone());
        // Nothing is judged here: whoever seals a bundle verifies all of it afterwards, and whoever
        // has a seal checks that it covers just these bytes.
        let events = self.events.iter().map(|event| event.clone().into_owned());
        let merged = merge_valid(self.number, events, self.aliases.iter().cloned());
        Ok(BundleParts {
            record: self.record.clone(),
            aliases: self.aliases.to_vec(),
            timestamp_proofs: timestamp_proofs(&merged.events, &merged.state),
            merged,
            mirrors: &profile.mirrors,
            base_url: &profile.base_url,
            public_keys,
            built_at,
        })
    }

    /// The bundle under a seal made before, if the seal covers it.
    pub fn under_seal(
        &self,
        profile: &Profile,
        book: &KeyBook,
        seal: &BundleSeal,
    ) -> Result<Option<Vec<u8>>, MintError> {
        let bundle = self.sealed(profile, book, seal)?;
        Ok(bundle.map(|bundle| bundle.to_wire()))
    }

    /// As [`under_seal`](Self::under_seal), as a value.
    pub fn sealed(
        &self,
        profile: &Profile,
        book: &KeyBook,
        seal: &BundleSeal,
    ) -> Result<Option<Bundle>, MintError> {
        let Some(key) = book.0.get(&seal.public_key_fingerprint) else {
            return Ok(None);
        };
        let parts = self.parts(profile, book, key, seal.built_at)?;
        let bundle = parts.with_signature(
            seal.key_id.clone(),
            seal.public_key_fingerprint,
            seal.signature_b64,
            seal.signed_at,
        );
        let digest = &bundle.bundle_signature.bundle_sha256;
        let holds = key.key_id == seal.key_id && key.key.verifies(digest, &seal.signature_b64);
        Ok(holds.then_some(bundle))
    }

    /// The error where a bundle of this would have to be signed, and may not be.
    pub fn must_be_signed(&self) -> MintError {
        MintError::NothingMayBeSigned {
            number: self.number,
            arxiv: self.record.source.arxiv_version(),
        }
    }

    pub fn failed(&self, message: String) -> MintError {
        MintError::SelfCheck {
            number: self.number,
            arxiv: self.record.source.arxiv_version(),
            message,
        }
    }
}
