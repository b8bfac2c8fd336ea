//! Issuing under one key: signing, and checking what was signed as it will be written.

use super::contents::{Contents, KeyBook, sealed_bundle};
use super::{MintError, Named};
use crate::arxiv::Paper;
use crate::bundle::Bundle;
use crate::canonical;
use crate::event::{Draft, Event, Payload, RecordCreated};
use crate::home::Profile;
use crate::keys::{Keyset, PublicKeyObject, REGISTRY, Signer};
use crate::ledger::{BundleSeal, Issued, Ledger, NewRecord};
use crate::number::{PithNumber, aliases_at};
use crate::receipt::Receipt;
use crate::record::CanonicalRecord;
use crate::snapshot::GraphSnapshot;
use crate::state::{Candidate, KeyTable, merge};
use crate::time::TimestampMicros;
use crate::verify::{Policy, Trust, Verdict, verify_bundle};

/// Issues records and bundles for one registry under one key.
pub struct Issuer<'a> {
    profile: &'a Profile,
    signer: &'a dyn Signer,
    key: PublicKeyObject,
    book: KeyBook,
    trust: Trust,
}

impl<'a> Issuer<'a> {
    /// An issuer whose signatures must verify under `keyset`, the home's: so the self-check judges
    /// by what others will judge by, and not by the signer or the profile that it checks.
    ///
    /// # Errors
    /// [`MintError::ForeignKey`] if the keyset does not hold the signer's key for this registry;
    /// those of the ledger, in which the key is noted.
    pub fn new(
        profile: &'a Profile,
        signer: &'a dyn Signer,
        keyset: &Keyset,
        ledger: &mut Ledger,
    ) -> Result<Self, MintError> {
        let entry = keyset
            .find(signer.public_key())
            .filter(|entry| entry.key.key_id == *signer.key_id())
            .filter(|entry| entry.speaks_for(&profile.registry_id, REGISTRY));
        let Some(entry) = entry else {
            return Err(MintError::ForeignKey {
                key_id: signer.key_id().clone(),
                registry_id: profile.registry_id.clone(),
            });
        };
        ledger.put_key(&entry.key)?;
        let mut trust = Trust::new();
        trust.add("the home's keyset", keyset.clone());
        Ok(Issuer {
            profile,
            signer,
            key: entry.key.clone(),
            book: KeyBook::of(ledger)?,
            trust,
        })
    }

    /// Makes and signs a record's receipt and its first two events (SPEC 4, 5), all at `now`; the
    /// caller has yet to check the signatures as they will be written.
    pub(super) fn issue(
        &self,
        paper: &Paper,
        named: &Named,
        now: TimestampMicros,
    ) -> Result<NewRecord, MintError> {
        let profile = self.profile;
        let (record, number) = (&named.record, named.number);
        let snapshot = GraphSnapshot::unreviewed(paper, record, &profile.builder_version);
        let receipt = Receipt::issue(record, &profile.builder_version, now, self.signer)?;
        let created = RecordCreated::new(record.clone(), receipt);
        let sign = |draft: Draft| draft.sign(&profile.registry_id, REGISTRY, now, self.signer);
        let new = NewRecord {
            aliases: aliases_at(record, &number, now.seconds()),
            events: vec![
                sign(Draft::record_created(number, created))?,
                sign(Draft::graph_snapshot(number, snapshot, now.seconds()))?,
            ],
            record: record.clone(),
            number,
            seal: None,
        };
        self.check_paper(&new, paper)?;
        Ok(new)
    }

    /// Seals a new record's bundle: gives its bytes, and the seal to the record.
    pub(super) fn seal_new(
        &self,
        new: &mut NewRecord,
        now: TimestampMicros,
    ) -> Result<Vec<u8>, MintError> {
        let (seal, wire) = self.seal(&Contents::from(&*new), now)?;
        new.seal = Some(seal);
        Ok(wire)
    }

    /// Signs a bundle and checks the bytes that will be written.
    fn seal(
        &self,
        contents: &Contents,
        now: TimestampMicros,
    ) -> Result<(BundleSeal, Vec<u8>), MintError> {
        let parts = contents.parts(self.profile, &self.book, &self.key, now.seconds())?;
        let bundle = parts.sign(now, self.signer)?;
        let wire = bundle.to_wire();
        self.check_bundle(&wire, contents, now)?;
        Ok((BundleSeal::from(&bundle), wire))
    }

    /// Reads the final bytes back and verifies everything in them under the published key, so that
    /// a bit that flipped at any moment, before signing too, shows.
    fn check_bundle(
        &self,
        wire: &[u8],
        contents: &Contents,
        now: TimestampMicros,
    ) -> Result<(), MintError> {
        let policy = Policy {
            trust: &self.trust,
            expect: Some(contents.number),
            at: None,
            now: now.seconds(),
        };
        let bundle = Bundle::from_slice(wire).map_err(|e| contents.failed(e.to_string()))?;
        let report = verify_bundle(&bundle, &policy);
        match report.verdict() {
            Verdict::Verified => Ok(()),
            _ => Err(contents.failed(
                report
                    .decisive()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            )),
        }
    }

    /// Makes record and snapshot again from the paper: what was signed must be just these.
    fn check_paper(&self, new: &NewRecord, paper: &Paper) -> Result<(), MintError> {
        let fail = |message: &str| Contents::from(new).failed(message.to_owned());
        let record = CanonicalRecord::of(paper);
        if PithNumber::of(&record, &record.digest()) != new.number {
            return Err(fail("the record is not the paper's"));
        }
        let snapshot = GraphSnapshot::unreviewed(paper, &record, &self.profile.builder_version);
        let shown = new.events.iter().filter_map(|event| match &event.payload {
            Payload::GraphSnapshot(payload) => Some(&payload.graph_snapshot),
            _ => None,
        });
        if !shown.eq([&snapshot]) {
            return Err(fail("the snapshot is not the paper's"));
        }
        Ok(())
    }

    /// As [`Issuer::check_bundle`], for events that go to the ledger without a bundle.
    pub(super) fn check_events(&self, new: &NewRecord) -> Result<(), MintError> {
        let fail = |message: &str| Contents::from(new).failed(message.to_owned());
        let mut candidates = Vec::new();
        for event in &new.events {
            let wire = canonical::wire(event).map_err(|e| fail(&e.to_string()))?;
            let event: Event = canonical::from_slice(&wire).map_err(|e| fail(&e.to_string()))?;
            candidates.push(Candidate::from(event));
        }
        let keys = KeyTable::of_published([&self.key], &self.profile.registry_id)
            .map_err(|e| fail(&e.to_string()))?;
        let state = merge(new.number, candidates, new.aliases.iter().cloned(), &keys).state;
        match state.invalid_events.first() {
            Some(invalid) => Err(fail(&format!("not valid: {}", invalid.reason.as_str()))),
            None if state.applied_event_ids.len() == new.events.len() => Ok(()),
            None => Err(fail("an event is missing")),
        }
    }

    /// The bundle of `issued`: the one sealed before if it still holds, else a new one, with its
    /// seal.
    ///
    /// # Errors
    /// [`MintError`] if the key fails or the self-check does.
    pub fn bundle(
        &self,
        issued: &Issued,
        now: TimestampMicros,
    ) -> Result<(Vec<u8>, Option<BundleSeal>), MintError> {
        let same_key =
            |seal: &BundleSeal| seal.public_key_fingerprint == self.key.key.fingerprint();
        if issued.bundle.as_ref().is_some_and(same_key)
            && let Some(wire) = sealed_bundle(self.profile, &self.book, issued)?
        {
            return Ok((wire, None));
        }
        let (seal, wire) = self.seal(&Contents::from(issued), now)?;
        Ok((wire, Some(seal)))
    }
}
