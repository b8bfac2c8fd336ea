//! Making the next version: a whole keyset that is yet to be signed.

use serde::Serialize;

use super::document::{
    Custodians, Keyset, KeysetSchema, KeysetType, Revocation, SafetyPolicy, SignedLog, SigningKey,
};
use crate::keys::{CustodianKey, KeyId, KeyStatus, PublicKeyObject, REGISTRY, SignatureBytes};
use crate::time::Timestamp;

/// An edit of a draft.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Adds a key, as `next`; in the first version, as active if no other key is.
    Add {
        /// The key.
        key: Box<PublicKeyObject>,
        /// Its signature of the [`PossessionStatement`](super::PossessionStatement).
        possession: SignatureBytes,
    },
    /// The key signs from now on, which ends an emergency.
    Activate(KeyId),
    /// The key signs no more, and what it signed stays good.
    Retire(KeyId, SignedLog),
    /// The key signs no more, and only what is known to be its own stays good.
    Revoke(KeyId, String, SignedLog),
    /// Others approve keysets.
    Custodians(Custodians),
    /// How long keys are published before and after they sign.
    Policy(SafetyPolicy),
    /// No key is active, for this reason.
    Emergency(String),
    /// Until when the version counts.
    Expiry(Timestamp),
}

/// An edit makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no such key.
    #[error("the draft has no key {key_id}")]
    NoKey {
        /// The key.
        key_id: KeyId,
    },
    /// There is one already.
    #[error("the draft has the key {key_id} already")]
    Exists {
        /// The key.
        key_id: KeyId,
    },
    /// The key is at a point of its life from which this does not follow.
    #[error("key {key_id} is {}, so it can't be made {}", .is.as_str(), .wanted.as_str())]
    Status {
        /// The key.
        key_id: KeyId,
        /// What it is.
        is: KeyStatus,
        /// What it was to become.
        wanted: KeyStatus,
    },
    /// Versions and edits are made one after the other.
    #[error("what this is to follow was made at {created_at}, and now it is {now}")]
    Clock {
        /// When the draft was last edited, or the version before it made.
        created_at: Timestamp,
        /// The time of this edit.
        now: Timestamp,
        /// Whether it is a rehearsal, whose times are set by hand.
        rehearsal: bool,
    },
}

impl EditError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            EditError::NoKey { .. } => "`pith keyset show --draft` lists the keys it has",
            EditError::Exists { .. } => "nothing has to be done; or give the new key another name",
            EditError::Status { .. } => {
                "a key goes from next to active, to retired, to revoked, and never back"
            }
            EditError::Clock {
                rehearsal: true, ..
            } => {
                "a rehearsal's times follow one another: set PITH_NOW, or --now, to a later one than the first \
                 of these"
            }
            EditError::Clock { .. } => "put the clock right, or wait a second",
        }
    }
}

/// How many signatures of a draft an edit has made worthless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SignaturesLost(pub usize);

impl Keyset {
    /// The first version of a registry's keyset, still without custodians and keys.
    pub fn first(
        registry_id: String,
        policy: SafetyPolicy,
        rehearsal: bool,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Keyset {
        Keyset {
            keyset_type: KeysetType,
            schema_version: KeysetSchema,
            registry_id,
            version: 1,
            previous: None,
            created_at,
            expires_at,
            rehearsal,
            emergency: None,
            policy,
            custodians: Custodians {
                threshold: 0,
                keys: Vec::<CustodianKey>::new(),
            },
            keys: Vec::new(),
            signatures: Vec::new(),
        }
    }

    /// A draft of the version after this one, in which nothing has changed yet.
    ///
    /// # Errors
    /// [`EditError::Clock`] if this one is not older.
    pub fn successor(
        &self,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Keyset, EditError> {
        if created_at <= self.created_at {
            return Err(EditError::Clock {
                created_at: self.created_at,
                now: created_at,
                rehearsal: self.rehearsal,
            });
        }
        Ok(Keyset {
            version: self.version.saturating_add(1),
            previous: Some(self.digest()),
            created_at,
            expires_at,
            emergency: None,
            signatures: Vec::new(),
            ..self.clone()
        })
    }

    /// Edits a draft: what it says of this version is dated anew, and signatures that it has are lost,
    /// since they are not over what it is now.
    ///
    /// # Errors
    /// [`EditError`]; then the draft is what it was.
    pub fn edit(&mut self, edit: Edit, now: Timestamp) -> Result<SignaturesLost, EditError> {
        let mut edited = self.clone();
        edited.date(now)?;
        match edit {
            Edit::Add { key, possession } => edited.add(*key, possession)?,
            Edit::Activate(id) => {
                let entry = edited.key_to_be(&id, KeyStatus::Active)?;
                entry.valid_from = Some(now);
                edited.emergency = None;
            }
            Edit::Retire(id, signed) => {
                let entry = edited.key_to_be(&id, KeyStatus::Retired)?;
                entry.valid_until = Some(now);
                entry.signed = Some(signed);
            }
            Edit::Revoke(id, reason, signed) => {
                let entry = edited.key_to_be(&id, KeyStatus::Revoked)?;
                entry.valid_until.get_or_insert(now);
                entry.signed = Some(signed);
                entry.revocation = Some(Revocation { reason, at: now });
            }
            Edit::Custodians(custodians) => edited.custodians = custodians,
            Edit::Policy(policy) => edited.policy = policy,
            Edit::Emergency(reason) => edited.emergency = Some(reason),
            Edit::Expiry(time) => edited.expires_at = time,
        }
        let lost = SignaturesLost(edited.signatures.len());
        edited.signatures.clear();
        *self = edited;
        Ok(lost)
    }

    /// Whatever was dated as this version was is dated `now`, and it lasts as long as it did. Versions
    /// are made one after the other, so no other date is the same.
    fn date(&mut self, now: Timestamp) -> Result<(), EditError> {
        let before = self.created_at;
        if now < before {
            return Err(EditError::Clock {
                created_at: before,
                now,
                rehearsal: self.rehearsal,
            });
        }
        let lasts = self.expires_at.unix() - before.unix();
        let expires_at = Timestamp::from_unix(now.unix().saturating_add(lasts));
        self.expires_at = expires_at.unwrap_or(self.expires_at);
        self.created_at = now;
        let date = |time: &mut Timestamp| {
            if *time == before {
                *time = now;
            }
        };
        for entry in &mut self.keys {
            date(&mut entry.published_at);
            entry.valid_from.iter_mut().for_each(date);
            entry.valid_until.iter_mut().for_each(date);
            if let Some(revocation) = &mut entry.revocation {
                date(&mut revocation.at);
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        key: PublicKeyObject,
        possession_b64: SignatureBytes,
    ) -> Result<(), EditError> {
        if self.named(&key.key_id).is_some() {
            return Err(EditError::Exists { key_id: key.key_id });
        }
        // Nobody could sign for the whole of the first window otherwise.
        let status = if self.version == 1 && self.active().next().is_none() {
            KeyStatus::Active
        } else {
            KeyStatus::Next
        };
        self.keys.push(SigningKey {
            key,
            signer_id: self.registry_id.clone(),
            signer_types: vec![REGISTRY.to_owned()],
            status,
            published_at: self.created_at,
            valid_from: None,
            valid_until: None,
            possession_b64,
            revocation: None,
            signed: None,
        });
        Ok(())
    }

    /// The entry, with its new status.
    fn key_to_be(&mut self, id: &KeyId, wanted: KeyStatus) -> Result<&mut SigningKey, EditError> {
        let no_key = || EditError::NoKey { key_id: id.clone() };
        let entry = self.keys.iter_mut().find(|entry| entry.key.key_id == *id);
        let entry = entry.ok_or_else(no_key)?;
        let follows = match wanted {
            KeyStatus::Next => false,
            KeyStatus::Active => entry.status == KeyStatus::Next,
            KeyStatus::Retired => entry.status == KeyStatus::Active,
            KeyStatus::Revoked => entry.status != KeyStatus::Revoked,
        };
        if !follows {
            return Err(EditError::Status {
                key_id: id.clone(),
                is: entry.status,
                wanted,
            });
        }
        entry.status = wanted;
        Ok(entry)
    }
}
