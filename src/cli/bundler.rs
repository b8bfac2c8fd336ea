//! The bundles of records in the ledger, sealed anew where that is needed.

use std::cell::OnceCell;

use super::context::Context;
use super::error::{Exit, Failure};
use super::key::open_signing_key;
use super::secrets::UnlockArgs;
use crate::home::Home;
use crate::keys::{Fingerprint, KeyId, SoftwareKey};
use crate::ledger::{BundleSeal, Held, Ledger, LedgerError, LedgerLock};
use crate::mint::{Issuer, MintError, SelfCheck};
use crate::number::PithNumber;

/// With what bundles are sealed, if any has to be.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// The key, if not the home's active one.
    pub key: Option<&'a KeyId>,
    /// How it is opened.
    pub unlock: &'a UnlockArgs,
}

/// Gives the bundles of records. Only when one has to be signed is the key opened and the ledger
/// held: bundles can be written while another process mints.
pub struct Bundler<'a> {
    by: Sealing<'a>,
    context: &'a Context,
    home: &'a Home,
    ledger: &'a Ledger,
    /// The key that bundles should be sealed with, if the home has one.
    active: Option<Fingerprint>,
    /// Writes what is sealed.
    sealed: Option<Issuer<'a>>,
    /// Where the private key is, once it was opened.
    key: &'a OnceCell<SoftwareKey>,
    signing: Option<Signing<'a>>,
}

struct Signing<'a> {
    issuer: Issuer<'a>,
    /// Seals that the ledger does not have yet.
    seals: Vec<(PithNumber, BundleSeal)>,
    ledger: Ledger,
    _lock: LedgerLock,
}

impl<'a> Bundler<'a> {
    /// Gives the bundles of what `ledger` holds, and keeps the private key in `key` once it was opened.
    pub fn new(
        by: Sealing<'a>,
        context: &'a Context,
        home: &'a Home,
        ledger: &'a Ledger,
        key: &'a OnceCell<SoftwareKey>,
    ) -> Result<Self, Failure> {
        let keyset = home.trusted_keys()?;
        let active = match by.key {
            Some(id) => keyset.named(id),
            None => keyset.active().next(),
        };
        let sealing = active.or(keyset.keys.first());
        let sealed = sealing
            .map(|entry| Issuer::unsigning(&home.profile, &entry.key, &keyset, ledger))
            .transpose()?;
        Ok(Bundler {
            by,
            context,
            home,
            ledger,
            active: active.map(|entry| entry.key.key.fingerprint()),
            sealed,
            key,
            signing: None,
        })
    }

    /// The bundle of a record, sealed anew if it must be.
    pub fn bundle(&mut self, number: PithNumber) -> Result<Vec<u8>, Failure> {
        let held = self.held(number)?;
        if let Some(wire) = self.as_sealed(&held)? {
            return Ok(wire);
        }
        if self.signing.is_none() {
            self.signing = Some(self.open_signing()?);
        }
        let signing = self.signing.as_mut().expect("opened above");
        let (wire, seal) = signing.issuer.bundle(&held, self.context.now())?;
        signing.seals.extend(seal.map(|seal| (number, seal)));
        Ok(wire)
    }

    /// The bundle of a record if it was signed before; `None` if it would have to be signed.
    pub fn sealed_bundle(&self, number: PithNumber) -> Result<Option<Vec<u8>>, Failure> {
        self.as_sealed(&self.held(number)?)
    }

    fn held(&self, number: PithNumber) -> Result<Held, Failure> {
        let gone = || Failure::new(Exit::Io, format!("{number} is no longer in the ledger"));
        self.ledger.held(number.suffix())?.ok_or_else(gone)
    }

    fn as_sealed(&self, held: &Held) -> Result<Option<Vec<u8>>, Failure> {
        let Some(sealed) = self
            .sealed
            .as_ref()
            .filter(|_| self.sealed_by_active(held.seal()))
        else {
            return Ok(None);
        };
        match sealed.bundle(held, self.context.now()) {
            Ok((wire, _)) => Ok(Some(wire)),
            // What it covers has changed since.
            Err(MintError::NothingMayBeSigned { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the seals of the bundles that were signed since the last time, as one.
    pub fn keep_seals(&mut self) -> Result<(), Failure> {
        let Some(Signing { seals, ledger, .. }) = &mut self.signing else {
            return Ok(());
        };
        ledger.group::<_, LedgerError>(|group| {
            let mut seals = seals.iter();
            seals.try_for_each(|(number, seal)| group.set_seal(number, seal))
        })?;
        seals.clear();
        Ok(())
    }

    fn open_signing(&self) -> Result<Signing<'a>, Failure> {
        self.context.warn_of_fixed_time();
        let (mut ledger, lock) = self.context.locked_ledger(self.home)?;
        let id = self.by.key;
        let opened = open_signing_key(self.home, id, self.by.unlock.clone(), self.context.now())?;
        let key: &'a SoftwareKey = self.key.get_or_init(|| opened);
        let (profile, keyset) = (&self.home.profile, self.home.trusted_keys()?);
        Ok(Signing {
            issuer: Issuer::new(profile, key, &keyset, &mut ledger, SelfCheck::Strict)?
                .judging_by(self.context.home_trust(self.home)?),
            seals: Vec::new(),
            ledger,
            _lock: lock,
        })
    }

    /// After a rotation bundles are sealed anew; a home without an active key shows what it has.
    fn sealed_by_active(&self, seal: Option<&BundleSeal>) -> bool {
        match (seal, &self.active) {
            (Some(seal), Some(active)) => seal.public_key_fingerprint == *active,
            (seal, None) => seal.is_some(),
            (None, Some(_)) => false,
        }
    }
}
