//! Minting: from papers to signed records in the ledger, and the bundles that show them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::thread;

use crate::arxiv::{ArxivId, Paper};
use crate::bundle::{Bundle, BundleParts};
use crate::canonical;
use crate::digest::Digest;
use crate::event::{Draft, Event, Payload, RecordCreated};
use crate::home::Profile;
use crate::keys::{
    Fingerprint, KeyId, Keyset, PublicKeyObject, REGISTRY, Signer, SignerError, TrustedKey,
};
use crate::ledger::{BundleSeal, Issued, Ledger, LedgerError, NewRecord};
use crate::number::{PithNumber, SourceAlias, Suffix, aliases_at};
use crate::receipt::Receipt;
use crate::record::CanonicalRecord;
use crate::snapshot::GraphSnapshot;
use crate::state::{Candidate, KeyTable, merge, merge_valid};
use crate::time::{Timestamp, TimestampMicros};
use crate::verify::{Outcome, Policy, Report, Trust, Verdict, verify_bundle};

/// What to do with a paper whose metadata changed without a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// It keeps its number.
    Keep,
    /// It gets a second one.
    Mint,
}

/// What became of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was minted.
    Minted,
    /// The ledger held it.
    AlreadyMinted,
    /// The ledger holds this version with other metadata; it keeps its number.
    MetadataChanged,
}

/// A paper's fate, its number, and its bundle where one was asked for.
#[derive(Debug)]
pub struct Done {
    /// What became of it.
    pub fate: Fate,
    /// Its number.
    pub number: PithNumber,
    /// Its bundle's wire bytes.
    pub bundle: Option<Vec<u8>>,
}

/// Minting stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The key failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What was signed does not verify: nothing of its group was written.
    #[error("self-check of {number} (arXiv:{arxiv}) failed: {message}")]
    SelfCheck {
        /// The number.
        number: PithNumber,
        /// The paper.
        arxiv: String,
        /// The first check that failed.
        message: String,
    },
    /// A bundle carries a key of which the ledger holds no published form.
    #[error("{number} was signed by key {key_id}, whose public form is not in the ledger")]
    UnknownKey {
        /// The number.
        number: PithNumber,
        /// The key.
        key_id: KeyId,
    },
    /// Something would have to be signed, where nothing may be.
    #[error("{number} (arXiv:{arxiv}) is not yet issued as it stands in the input")]
    NothingMayBeSigned {
        /// The number.
        number: PithNumber,
        /// The paper.
        arxiv: String,
    },
}

/// The published forms of the keys that signed what a ledger holds.
#[derive(Debug, Clone, Default)]
pub struct KeyBook(HashMap<Fingerprint, PublicKeyObject>);

impl KeyBook {
    /// The keys of `ledger`.
    ///
    /// # Errors
    /// Those of the ledger.
    pub fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        Ok(ledger.keys()?.into_iter().collect())
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
struct Contents<'a> {
    record: &'a CanonicalRecord,
    number: PithNumber,
    aliases: &'a [SourceAlias],
    events: Vec<&'a Event>,
}

impl<'a> From<&'a Issued> for Contents<'a> {
    fn from(issued: &'a Issued) -> Self {
        Contents {
            record: &issued.record,
            number: issued.number,
            aliases: &issued.aliases,
            events: issued.events.iter().map(|(_, event)| event).collect(),
        }
    }
}

impl<'a> From<&'a NewRecord> for Contents<'a> {
    fn from(new: &'a NewRecord) -> Self {
        Contents {
            record: &new.record,
            number: new.number,
            aliases: &new.aliases,
            events: new.events.iter().collect(),
        }
    }
}

impl Contents<'_> {
    /// The keys that signed the events, by id.
    fn keys(&self, book: &KeyBook) -> Result<Vec<PublicKeyObject>, MintError> {
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

    /// What a bundle under `sealing_key` is assembled from.
    fn parts<'p>(
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
        let events = self.events.iter().map(|event| (*event).clone());
        let merged = merge_valid(self.number, events, self.aliases.iter().cloned());
        Ok(BundleParts {
            record: self.record.clone(),
            merged,
            aliases: self.aliases.to_vec(),
            timestamp_proofs: Vec::new(),
            mirrors: &profile.mirrors,
            base_url: &profile.base_url,
            public_keys,
            built_at,
        })
    }

    fn failed(&self, message: String) -> MintError {
        MintError::SelfCheck {
            number: self.number,
            arxiv: self.record.source.arxiv_version(),
            message,
        }
    }
}

/// The bundle of `issued` under the seal that the ledger holds: the same bytes as when it was made.
///
/// `None` if there is no seal, or if what it covers has changed since: an event, the profile, the
/// published form of a key.
///
/// # Errors
/// [`MintError::UnknownKey`] if the book lacks a key that signed an event.
pub fn sealed_bundle(
    profile: &Profile,
    book: &KeyBook,
    issued: &Issued,
) -> Result<Option<Vec<u8>>, MintError> {
    let Some(seal) = &issued.bundle else {
        return Ok(None);
    };
    let Some(key) = book.0.get(&seal.public_key_fingerprint) else {
        return Ok(None);
    };
    let parts = Contents::from(issued).parts(profile, book, key, seal.built_at)?;
    let bundle = parts.with_signature(
        seal.key_id.clone(),
        seal.public_key_fingerprint,
        seal.signature_b64,
        seal.signed_at,
    );
    let digest = &bundle.bundle_signature.bundle_sha256;
    let holds = key.key_id == seal.key_id && key.key.verifies(digest, &seal.signature_b64);
    Ok(holds.then(|| bundle.to_wire()))
}

/// Issues records and bundles for one registry under one key.
pub struct Issuer<'a> {
    profile: &'a Profile,
    signer: &'a dyn Signer,
    key: PublicKeyObject,
    book: KeyBook,
    trust: Trust,
}

impl<'a> Issuer<'a> {
    /// An issuer whose signatures must verify under `key`, the published form of the signer's key.
    ///
    /// # Errors
    /// Those of the ledger, in which the key is noted.
    pub fn new(
        profile: &'a Profile,
        signer: &'a dyn Signer,
        key: PublicKeyObject,
        ledger: &mut Ledger,
    ) -> Result<Self, LedgerError> {
        ledger.put_key(&key)?;
        let entry = TrustedKey::of_registry(key.clone(), Some(profile.registry_id.clone()));
        let mut trust = Trust::new();
        trust.add("the issuing key", Keyset::new(vec![entry]));
        Ok(Issuer {
            profile,
            signer,
            key,
            book: KeyBook::of(ledger)?,
            trust,
        })
    }

    /// Makes and signs a record's receipt and its first two events (SPEC 4, 5), all at `now`; the
    /// caller has yet to check the signatures as they will be written.
    fn issue(
        &self,
        paper: &Paper,
        named: &Named,
        now: TimestampMicros,
    ) -> Result<NewRecord, MintError> {
        let profile = self.profile;
        let (record, number) = (&named.record, named.number);
        let snapshot = GraphSnapshot::unreviewed(paper, record, &profile.builder_version);
        let receipt = Receipt::issue(named.digest, &profile.builder_version, now, self.signer)?;
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

    /// Signs a bundle and checks the bytes that will be written.
    fn seal(
        &self,
        contents: &Contents,
        now: TimestampMicros,
    ) -> Result<(BundleSeal, Vec<u8>), MintError> {
        let parts = contents.parts(self.profile, &self.book, &self.key, now.seconds())?;
        let bundle = parts.sign(now, self.signer)?;
        let wire = bundle.to_wire();
        self.check_bundle(&wire, contents)?;
        let signature = bundle.bundle_signature;
        let seal = BundleSeal {
            built_at: bundle.built_at,
            key_id: signature.key_id,
            public_key_fingerprint: signature.public_key_fingerprint,
            signature_b64: signature.signature_b64,
            signed_at: signature.signed_at,
        };
        Ok((seal, wire))
    }

    /// Reads the final bytes back and verifies everything in them under the published key, so that
    /// a bit that flipped at any moment, before signing too, shows.
    fn check_bundle(&self, wire: &[u8], contents: &Contents) -> Result<(), MintError> {
        let policy = Policy {
            trust: &self.trust,
            expect: Some(contents.number),
            at: None,
        };
        let bundle = Bundle::from_slice(wire).map_err(|e| contents.failed(e.to_string()))?;
        let report = verify_bundle(&bundle, &policy);
        let own_key = bundle.public_keys.first().map(|key| key.key) == Some(self.key.key);
        // A bundle may hold events by older keys: they are sound, though this key is not theirs.
        match report.verdict() {
            Verdict::Failed => Err(contents.failed(first_fault(&report))),
            _ if !own_key => Err(contents.failed("sealed by another key".to_owned())),
            _ => Ok(()),
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
    fn check_events(&self, new: &NewRecord) -> Result<(), MintError> {
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

fn first_fault(report: &Report) -> String {
    report
        .checks
        .iter()
        .find(|check| check.outcome == Outcome::Failed)
        .map(|check| format!("{}: {} {}", check.code, check.subject, check.message))
        .unwrap_or_default()
}

/// What a run of minting is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct MintOptions {
    /// What to do with papers whose metadata changed.
    pub on_change: OnChange,
    /// Whether bundles are wanted.
    pub bundles: bool,
    /// How many threads sign and check.
    pub jobs: NonZeroUsize,
}

/// A paper's record and number.
struct Named {
    record: CanonicalRecord,
    digest: Digest,
    number: PithNumber,
}

impl Named {
    fn of(paper: &Paper) -> Self {
        let record = CanonicalRecord::of(paper);
        let digest = record.digest();
        Named {
            number: PithNumber::of(&record, &digest),
            record,
            digest,
        }
    }
}

/// What has to be done for each paper of a group, and what became of it.
struct Plan {
    /// The papers to mint: their places in the group.
    new: Vec<(usize, Named)>,
    /// For each paper its fate and the number it has.
    fates: Vec<(Fate, PithNumber)>,
}

/// Says what minting `papers` would do, without doing it.
///
/// # Errors
/// Those of the ledger.
pub fn dry_run(
    ledger: &Ledger,
    papers: &[Paper],
    on_change: OnChange,
) -> Result<Vec<(Fate, PithNumber)>, LedgerError> {
    Ok(plan(ledger, papers, on_change)?.fates)
}

fn plan(ledger: &Ledger, papers: &[Paper], on_change: OnChange) -> Result<Plan, LedgerError> {
    let mut plan = Plan {
        new: Vec::new(),
        fates: Vec::new(),
    };
    // A paper may come twice in one group, before the ledger knows it.
    let mut numbers: HashMap<Suffix, ()> = HashMap::new();
    let mut versions: HashMap<(ArxivId, u32), PithNumber> = HashMap::new();
    for (place, paper) in papers.iter().enumerate() {
        let named = Named::of(paper);
        let suffix = *named.number.suffix();
        if numbers.contains_key(&suffix) || ledger.contains(&suffix)? {
            plan.fates.push((Fate::AlreadyMinted, named.number));
            continue;
        }
        let version = (paper.id().clone(), paper.version());
        let other = match versions.get(&version) {
            Some(number) => Some(*number),
            None => ledger
                .by_arxiv(paper.id(), Some(paper.version()))?
                .first()
                .copied(),
        };
        match other {
            Some(number) if on_change == OnChange::Keep => {
                plan.fates.push((Fate::MetadataChanged, number));
            }
            _ => {
                numbers.insert(suffix, ());
                versions.entry(version).or_insert(named.number);
                plan.fates.push((Fate::Minted, named.number));
                plan.new.push((place, named));
            }
        }
    }
    Ok(plan)
}

/// Mints a group of papers in one transaction: all of them are in the ledger when it returns, or
/// none is.
///
/// # Errors
/// [`MintError`]; then nothing of the group was written.
pub fn mint_group(
    issuer: &Issuer,
    ledger: &mut Ledger,
    papers: &[Paper],
    now: TimestampMicros,
    options: MintOptions,
) -> Result<Vec<Done>, MintError> {
    let plan = plan(ledger, papers, options.on_change)?;
    let made = in_parallel(&plan.new, options.jobs, |(place, named)| {
        let mut new = issuer.issue(&papers[*place], named, now)?;
        let mut bundle = None;
        if options.bundles {
            let (seal, wire) = issuer.seal(&Contents::from(&new), now)?;
            new.seal = Some(seal);
            bundle = Some(wire);
        } else {
            issuer.check_events(&new)?;
        }
        Ok((new, bundle))
    })?;
    let mut bundles: HashMap<PithNumber, Vec<u8>> = HashMap::new();
    let mut new_records = Vec::new();
    for (new, bundle) in made {
        bundles.extend(bundle.map(|wire| (new.number, wire)));
        new_records.push(new);
    }
    let mut seals = Vec::new();
    if options.bundles {
        let mut old = Vec::new();
        for (_, number) in plan.fates.iter().filter(|(fate, _)| *fate != Fate::Minted) {
            if !bundles.contains_key(number)
                && let Some(issued) = ledger.get(number.suffix())?
            {
                old.push(issued);
            }
        }
        let rebuilt = in_parallel(&old, options.jobs, |issued| issuer.bundle(issued, now))?;
        for (issued, (wire, seal)) in old.iter().zip(rebuilt) {
            seals.extend(seal.map(|seal| (issued.number, seal)));
            bundles.insert(issued.number, wire);
        }
    }
    ledger.group::<_, LedgerError>(|group| {
        for new in &new_records {
            group.insert(new)?;
        }
        for (number, seal) in &seals {
            group.set_seal(number, seal)?;
        }
        Ok(())
    })?;
    Ok(plan
        .fates
        .into_iter()
        .map(|(fate, number)| Done {
            fate,
            number,
            bundle: bundles.get(&number).cloned(),
        })
        .collect())
}

/// The bundles of papers that are issued already, in their order, signing nothing.
///
/// # Errors
/// [`MintError::NothingMayBeSigned`] at the first paper that is not in the ledger, or whose seal
/// no longer holds.
pub fn bundles_as_issued(
    profile: &Profile,
    book: &KeyBook,
    ledger: &Ledger,
    papers: &[Paper],
    on_change: OnChange,
) -> Result<Vec<Done>, MintError> {
    let plan = plan(ledger, papers, on_change)?;
    let mut done = Vec::new();
    for (paper, (fate, number)) in papers.iter().zip(plan.fates) {
        let missing = || MintError::NothingMayBeSigned {
            number,
            arxiv: paper.id().to_string(),
        };
        let issued = ledger.get(number.suffix())?.ok_or_else(missing)?;
        let bundle = sealed_bundle(profile, book, &issued)?.ok_or_else(missing)?;
        done.push(Done {
            fate,
            number,
            bundle: Some(bundle),
        });
    }
    Ok(done)
}

/// Applies `work` to each item on up to `jobs` threads; results come in the items' order.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    jobs: NonZeroUsize,
    work: impl Fn(&T) -> Result<R, MintError> + Sync,
) -> Result<Vec<R>, MintError> {
    let share = items.len().div_ceil(jobs.get()).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut results = Vec::with_capacity(items.len());
        for thread in threads {
            results.extend(thread.join().expect("minting does not panic")?);
        }
        Ok(results)
    })
}
