//! Issuing under one key: signing, and checking what was signed as it will be written.

use super::contents::{Contents, KeyBook};
use super::form::{Forms, LIKELY, Page};
use super::plan::{Item, Outcome, Prepared, Work};
use super::{MintError, SelfCheck};
use crate::arxiv::Paper;
use crate::bundle::Bundle;
use crate::canonical;
use crate::digest::Digest;
use crate::event::Event;
use crate::home::Profile;
use crate::keys::{PublicKeyObject, REGISTRY, SignatureBytes, Signer, TrustedKeys};
use crate::ledger::{BundleSeal, Compact, Fresh, Held, Issued, Ledger, NewRecord};
use crate::number::{PithNumber, SourceAlias};
use crate::record::CanonicalRecord;
use crate::state::{Candidate, KeyTable, merge};
use crate::time::TimestampMicros;
use crate::verify::{Policy, Trust, Verdict, verify_bundle};

/// Issues records and bundles for one registry under one key.
pub struct Issuer<'a> {
    pub(super) profile: &'a Profile,
    /// `None` where nothing may be signed.
    pub(super) signer: Option<&'a dyn Signer>,
    pub(super) key: PublicKeyObject,
    forms: Forms,
    pub(super) book: KeyBook,
    trust: Trust,
    self_check: SelfCheck,
}

/// A group of papers, carried out but not yet written anywhere.
#[derive(Debug, Default)]
pub struct Group {
    /// What became of each paper, in their order.
    pub outcomes: Vec<Outcome>,
    /// The records to be inserted into the ledger.
    pub fresh: Vec<Fresh>,
    /// Those of them that have more in their snapshots than forms hold, each with the number of
    /// records in `fresh` that come before it.
    pub typed: Vec<(usize, NewRecord)>,
    /// New seals for records that the ledger holds.
    pub seals: Vec<(PithNumber, BundleSeal)>,
    /// The papers' bundles, in their order, if they were asked for.
    pub bundles: BundleLines,
}

/// Bundles as published, one after the other, each with a newline after it.
#[derive(Debug, Default)]
pub struct BundleLines {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Group {
    /// A group of which nothing is carried out.
    pub fn of_outcomes(items: Vec<Item>) -> Self {
        Group {
            outcomes: items.into_iter().map(|item| item.outcome).collect(),
            ..Group::default()
        }
    }
}

impl BundleLines {
    /// Adds a bundle.
    pub fn push(&mut self, bundle: &[u8]) {
        self.text.extend_from_slice(bundle);
        self.end_line();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, as their own.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// All of them.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where each ends in [`text`](Self::text), after its newline.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// The one at `place`, without its newline.
    pub fn get(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)?;
        self.text.get(self.start(place)..end - 1)
    }

    fn start(&self, place: usize) -> usize {
        place.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// Where the next one begins.
    fn next(&self) -> usize {
        self.start(self.ends.len())
    }

    fn end_line(&mut self) {
        self.text.push(b'\n');
        self.ends.push(self.text.len());
    }

    fn repeat(&mut self, place: usize) {
        let (from, to) = (self.start(place), self.ends[place]);
        self.text.extend_from_within(from..to);
        self.ends.push(self.text.len());
    }
}

/// Signatures that are yet to be checked, each with the place of its paper.
#[derive(Default)]
struct Unchecked {
    signed: Vec<(Digest, SignatureBytes)>,
    places: Vec<usize>,
}

impl<'a> Issuer<'a> {
    /// An issuer whose signatures must verify under `keyset`, the home's: so the self-check judges
    /// by what others will judge by, and not by the signer or the profile that it checks.
    ///
    /// # Errors
    /// [`MintError::ForeignKey`] if the keyset does not hold the signer's key for this registry;
    /// [`MintError::Forms`]; those of the ledger, in which the key is noted.
    pub fn new(
        profile: &'a Profile,
        signer: &'a dyn Signer,
        keyset: &TrustedKeys,
        ledger: &mut Ledger,
        self_check: SelfCheck,
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
        let issuer = Issuer::unsigning(profile, &entry.key, keyset, ledger)?;
        Ok(Issuer {
            signer: Some(signer),
            self_check,
            ..issuer
        })
    }

    /// An issuer that writes what was signed before, under `key` for the most part, and signs
    /// nothing.
    ///
    /// # Errors
    /// [`MintError::Forms`]; those of the ledger.
    pub fn unsigning(
        profile: &'a Profile,
        key: &PublicKeyObject,
        keyset: &TrustedKeys,
        ledger: &Ledger,
    ) -> Result<Self, MintError> {
        let mut trust = Trust::new();
        trust.add("the home's keyset", keyset.clone());
        Ok(Issuer {
            profile,
            signer: None,
            key: key.clone(),
            forms: Forms::of(profile, key)?,
            book: KeyBook::of(ledger)?,
            trust,
            self_check: SelfCheck::Strict,
        })
    }

    /// Judges what it signs by `trust` instead of the keys alone: a bundle may hold signatures of keys
    /// that were revoked since, of which a list of keys can't tell which ones count.
    pub fn judging_by(self, trust: Trust) -> Self {
        Issuer { trust, ..self }
    }

    /// Makes what minting needs of a paper; under a strict self-check twice, and compares.
    ///
    /// # Errors
    /// [`MintError::SelfCheck`].
    pub fn prepare(&self, paper: &Paper) -> Result<Prepared, MintError> {
        let prepared = Prepared::of(paper);
        if self.self_check == SelfCheck::Strict && Prepared::of(paper) != prepared {
            return Err(MintError::SelfCheck {
                number: prepared.number,
                arxiv: prepared.record.source.arxiv_version(),
                message: "its record came out differently the second time".to_owned(),
            });
        }
        Ok(prepared)
    }

    /// Signs what has to be signed at `now`, and checks all of it; makes the bundles if they are
    /// asked for.
    ///
    /// # Errors
    /// [`MintError`]; then nothing of the group is fit to be written.
    pub fn carry_out(
        &self,
        items: Vec<Item>,
        now: TimestampMicros,
        bundles: bool,
    ) -> Result<Group, MintError> {
        let mut group = Group::default();
        if bundles {
            // Bundles that outgrow it cost a copy of all before them.
            group.bundles.text.reserve(items.len() * LIKELY);
        }
        let mut unchecked = Unchecked::default();
        let mut page = Page::new(&self.forms);
        let mut check = Page::new(&self.forms);
        for (place, Item { outcome, work }) in items.into_iter().enumerate() {
            match work {
                Work::Nothing => {}
                Work::Again(earlier) => group.bundles.repeat(earlier),
                Work::Bundle(held) => {
                    let seal = self.bundle_of(&held, now, &mut page, &mut group.bundles.text)?;
                    group.seals.extend(seal.map(|seal| (held.number(), seal)));
                    group.bundles.end_line();
                }
                Work::Mint(paper) if paper.content.is_some() => {
                    let content = paper.content.as_deref().expect("it is there");
                    let wire = bundles.then_some(&mut group.bundles.text);
                    let new = self.mint_typed(&paper, content, now, wire)?;
                    group.typed.push((group.fresh.len(), new));
                    if bundles {
                        group.bundles.end_line();
                    }
                }
                Work::Mint(paper) => {
                    let from = group.bundles.next();
                    let fresh = self.mint(*paper, now, bundles, &mut page)?;
                    if bundles {
                        page.write_wire(&mut group.bundles.text);
                    }
                    let wire = bundles.then(|| &group.bundles.text[from..]);
                    unchecked.add(place, &fresh, wire, &mut check)?;
                    // The first of each group is judged by the types too, not by the forms alone.
                    if self.self_check == SelfCheck::Strict || group.fresh.is_empty() {
                        self.check_strictly(&fresh, wire, now)?;
                    }
                    if bundles {
                        group.bundles.end_line();
                    }
                    group.fresh.push(fresh);
                }
            }
            group.outcomes.push(outcome);
        }
        match unchecked.first_false(&self.key) {
            None => Ok(group),
            Some(place) => {
                let Outcome { number, arxiv, .. } = group.outcomes.swap_remove(place);
                Err(MintError::SelfCheck {
                    number,
                    arxiv,
                    message: "a signature does not verify under the published key".to_owned(),
                })
            }
        }
    }

    pub(super) fn signer(&self) -> Option<&'a dyn Signer> {
        self.signer
    }

    pub(super) fn profile(&self) -> &'a Profile {
        self.profile
    }

    fn sign(
        &self,
        digest: &Digest,
        what: impl FnOnce() -> (PithNumber, String),
    ) -> Result<SignatureBytes, MintError> {
        match self.signer {
            Some(signer) => Ok(signer.sign(digest)?),
            None => {
                let (number, arxiv) = what();
                Err(MintError::NothingMayBeSigned { number, arxiv })
            }
        }
    }

    /// Signs a record's receipt and its two events (SPEC 4, 5), and its bundle if one is wanted,
    /// all at `now`.
    fn mint(
        &self,
        paper: Prepared,
        now: TimestampMicros,
        bundle: bool,
        page: &mut Page<'_>,
    ) -> Result<Fresh, MintError> {
        let Prepared {
            record,
            digest,
            number,
            text,
            ..
        } = paper;
        let what = || (number, record.source.arxiv_version());
        page.begin(&record, &digest, &number, &text, now);
        let receipt_sig = self.sign(&digest, what)?;
        let created_sig = self.sign(&page.created(&receipt_sig), what)?;
        let snapshot_sig = self.sign(&page.snapshot(), what)?;
        let mut fresh = Fresh {
            record,
            digest,
            number,
            origin: self.forms.origin(now),
            compact: Compact {
                text,
                receipt_sig,
                created_sig,
                snapshot_sig,
            },
            seal: None,
        };
        if bundle {
            fresh.seal = Some(self.seal_fresh(&fresh, now, page)?);
        }
        Ok(fresh)
    }

    /// Seals the bundle of the record that stands on `page`, events and all.
    fn seal_fresh(
        &self,
        fresh: &Fresh,
        now: TimestampMicros,
        page: &mut Page<'_>,
    ) -> Result<BundleSeal, MintError> {
        let Compact {
            created_sig,
            snapshot_sig,
            ..
        } = &fresh.compact;
        let built_at = now.seconds();
        let digest = page.bundle(created_sig, snapshot_sig, built_at);
        let signature_b64 = self.sign(&digest, || {
            (fresh.number, fresh.record.source.arxiv_version())
        })?;
        page.seal(&signature_b64, now);
        Ok(BundleSeal {
            built_at,
            key_id: self.key.key_id.clone(),
            public_key_fingerprint: self.key.key.fingerprint(),
            signature_b64,
            signed_at: now,
        })
    }

    /// Appends the bundle of what the ledger holds: the one sealed before if it still holds, else a
    /// new one, whose seal is returned.
    fn bundle_of(
        &self,
        held: &Held,
        now: TimestampMicros,
        page: &mut Page<'_>,
        wire: &mut Vec<u8>,
    ) -> Result<Option<BundleSeal>, MintError> {
        // Once there is a new key, bundles are sealed anew under it.
        let seal = held.seal().filter(|seal| {
            self.signer.is_none() || seal.public_key_fingerprint == self.key.key.fingerprint()
        });
        if let Some(seal) = seal {
            if let Held::Fresh(fresh) = held
                && page.refill(fresh, seal, &self.key).is_some()
            {
                page.write_wire(wire);
                return Ok(None);
            }
            let sealed = Contents::from(held).under_seal(self.profile, &self.book, seal)?;
            if let Some(bundle) = sealed {
                wire.extend_from_slice(&bundle);
                return Ok(None);
            }
        }
        let (seal, bundle) = self.seal(&Contents::from(held), now)?;
        wire.extend_from_slice(&bundle);
        Ok(Some(seal))
    }

    /// Signs a bundle of any contents and checks the bytes that will be written.
    pub(super) fn seal(
        &self,
        contents: &Contents,
        now: TimestampMicros,
    ) -> Result<(BundleSeal, Vec<u8>), MintError> {
        let Some(signer) = self.signer else {
            return Err(contents.must_be_signed());
        };
        let parts = contents.parts(self.profile, &self.book, &self.key, now.seconds())?;
        let bundle = parts.sign(now, signer)?;
        let wire = bundle.to_wire();
        self.check_bundle(&wire, contents, now)?;
        Ok((BundleSeal::from(&bundle), wire))
    }

    /// The self-check, one signature at a time and by the rules that judge anybody's documents.
    fn check_strictly(
        &self,
        fresh: &Fresh,
        wire: Option<&[u8]>,
        now: TimestampMicros,
    ) -> Result<(), MintError> {
        match wire {
            Some(wire) => self.check_bundle(wire, &Contents::from(fresh), now),
            None => {
                let (events, aliases) = (fresh.events(), fresh.aliases());
                self.check_events(fresh.number, &events, &aliases, &fresh.record)
            }
        }
    }

    /// Reads the final bytes back and verifies everything in them under the published key.
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

    /// As [`Issuer::check_bundle`], for events that go to the ledger without a bundle.
    pub(super) fn check_events(
        &self,
        number: PithNumber,
        events: &[Event],
        aliases: &[SourceAlias],
        record: &CanonicalRecord,
    ) -> Result<(), MintError> {
        let fail = |message: &str| MintError::SelfCheck {
            number,
            arxiv: record.source.arxiv_version(),
            message: message.to_owned(),
        };
        let mut candidates = Vec::new();
        for event in events {
            let wire = canonical::wire(event).map_err(|e| fail(&e.to_string()))?;
            let event: Event = canonical::from_slice(&wire).map_err(|e| fail(&e.to_string()))?;
            candidates.push(Candidate::from(event));
        }
        let keys = KeyTable::of_published([&self.key], &self.profile.registry_id)
            .map_err(|e| fail(&e.to_string()))?;
        let state = merge(number, candidates, aliases.iter().cloned(), &keys).state;
        match state.invalid_events.first() {
            Some(invalid) => Err(fail(&format!("not valid: {}", invalid.reason.as_str()))),
            None if state.applied_event_ids.len() == 2 => Ok(()),
            None => Err(fail("an event is missing")),
        }
    }

    /// Whether the seal of `issued` is that of its bundle as it would be written now.
    pub fn seal_holds(&self, issued: &Issued) -> bool {
        issued.bundle.as_ref().is_some_and(|seal| {
            let bundle = Contents::from(issued).under_seal(self.profile, &self.book, seal);
            matches!(bundle, Ok(Some(_)))
        })
    }

    /// The bundle of `held`: the one sealed before if it still holds, else a new one, with its
    /// seal.
    ///
    /// # Errors
    /// [`MintError`] if the key fails or the self-check does.
    pub fn bundle(
        &self,
        held: &Held,
        now: TimestampMicros,
    ) -> Result<(Vec<u8>, Option<BundleSeal>), MintError> {
        let mut wire = Vec::new();
        let seal = self.bundle_of(held, now, &mut Page::new(&self.forms), &mut wire)?;
        Ok((wire, seal))
    }
}

impl Unchecked {
    /// Adds the signatures of a record, over digests recomputed from what will be written: from
    /// `fresh`, as the ledger will hold it, and from `wire`, whose bytes must follow from it.
    fn add(
        &mut self,
        place: usize,
        fresh: &Fresh,
        wire: Option<&[u8]>,
        page: &mut Page<'_>,
    ) -> Result<(), MintError> {
        let signatures = page
            .recompute(fresh, wire)
            .map_err(|message| MintError::SelfCheck {
                number: fresh.number,
                arxiv: fresh.record.source.arxiv_version(),
                message: message.to_owned(),
            })?;
        self.signed.extend(signatures.iter());
        self.places.resize(self.signed.len(), place);
        Ok(())
    }

    /// The place of the first paper that has a false signature.
    fn first_false(&self, key: &PublicKeyObject) -> Option<usize> {
        if self.signed.is_empty() || key.key.verifies_all(&self.signed) {
            return None;
        }
        let strictly =
            |(digest, signature): &(Digest, SignatureBytes)| key.key.verifies(digest, signature);
        let first = self.signed.iter().position(|signed| !strictly(signed));
        // What fails together and not one by one is not to be trusted either.
        Some(self.places[first.unwrap_or_default()])
    }
}
