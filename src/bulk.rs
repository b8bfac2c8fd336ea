//! Judging many bundles of one issuer: the reports of [`verify_document`], for much less than one by
//! one.
//!
//! What a registry mints under one key differs from paper to paper in some thirty values. So once a
//! bundle was judged by the types, the forms of its issuer are made as for minting, and the next
//! bundle is read by them: its values are taken out and read into their types, and the forms, filled
//! in with these, must give the text again, byte for byte. Then the text is what the types write for
//! these values, and whatever they find of it they would find of any bundle of these forms, but for
//! what is asked here: the four signatures, the title and the excerpt, the order of the times, and
//! trust. If anything of that does not hold, or the text is of no known form, the types judge it, and
//! say what is wrong. So a form can only ever agree with them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::bundle::{Bundle, Mirror};
use crate::digest::Digest;
use crate::event::Payload;
use crate::home::{KeysetSettings, Profile};
use crate::keys::{PublicKeyObject, REGISTRY};
use crate::mint::{Forms, Page, Values};
use crate::number::PithNumber;
use crate::time::Timestamp;
use crate::verify::{
    Check, DocumentKind, Policy, Report, Signed, Verdict, bundle_soundness, excerpt_agrees, judge,
    verify_document,
};

/// Of how many issuers the forms are kept.
const ISSUERS: usize = 16;

/// How many bundles of no known form are each taken for a new issuer's; after that only ever fewer of
/// them are, since making forms costs more than judging a bundle, and those that are not as they were
/// minted show none.
const TRIES: usize = 16;

/// How long a bundle may be, in bytes, whose issuer's forms are made. One that names a million mirrors
/// would take minutes.
const LONGEST: usize = 1 << 16;

/// Judges documents, and remembers the forms of those it has seen. Threads may share it.
#[derive(Default)]
pub struct Judge {
    known: RwLock<Vec<Arc<Known>>>,
    /// How many bundles no known form was found for.
    unknown: AtomicUsize,
    learning: Mutex<()>,
}

/// An issuer's forms.
struct Known {
    forms: Forms,
    registry_id: String,
    key: PublicKeyObject,
    /// What the types find of any sound bundle of these forms.
    checks: Vec<Check>,
    /// Memory for values that nobody uses now.
    spare: Mutex<Vec<Values>>,
}

impl Judge {
    /// One that knows no forms yet.
    pub fn new() -> Self {
        Judge::default()
    }

    /// The report that [`verify_document`] gives of a document.
    pub fn verify(&self, bytes: &[u8], policy: &Policy) -> Report {
        // Whoever asks for one number has one bundle.
        if policy.expect.is_some() {
            return verify_document(bytes, policy);
        }
        if let Some(text) = text_of(bytes)
            && let Some(report) = self.by_form(text, policy)
        {
            return report;
        }
        let report = verify_document(bytes, policy);
        let fit = report.kind == DocumentKind::Bundle && bytes.len() <= LONGEST;
        if fit && report.verdict() != Verdict::Failed {
            // A single bundle is judged sooner than its forms are made.
            let before = self.unknown.fetch_add(1, Ordering::Relaxed);
            if (1..=TRIES).contains(&before) || before.is_power_of_two() {
                self.learn(bytes, policy);
            }
        }
        report
    }

    /// Whether [`verify`](Self::verify) would find a document verified, as far as that can be told without
    /// a report: for who has to say something only of the others. If not, it may be so all the same.
    pub fn plainly_verified(&self, bytes: &[u8], policy: &Policy) -> bool {
        let text = text_of(bytes).filter(|_| policy.expect.is_none());
        text.is_some_and(|text| self.all().iter().any(|known| known.verifies(text, policy)))
    }

    /// Of how many issuers it has the forms.
    pub fn issuers(&self) -> usize {
        self.all().len()
    }

    fn all(&self) -> Vec<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    fn by_form(&self, text: &str, policy: &Policy) -> Option<Report> {
        let known = self.all();
        known.iter().find_map(|known| known.judge(text, policy))
    }

    /// Makes the forms of a sound bundle's issuer, if it is as it was minted.
    fn learn(&self, bytes: &[u8], policy: &Policy) {
        let _one_at_a_time = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = text_of(bytes) else {
            return;
        };
        if self.issuers() >= ISSUERS || self.by_form(text, policy).is_some() {
            return;
        }
        let learned = Bundle::from_slice(bytes).ok().and_then(|b| Known::of(&b));
        // What the form does not read, it would not read later.
        if let Some(known) = learned.filter(|known| known.judge(text, policy).is_some()) {
            let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
            all.push(Arc::new(known));
        }
    }
}

/// A document without the white space behind it, such as the end of its line.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    Some(text.trim_end_matches([' ', '\t', '\n', '\r']))
}

impl Known {
    /// The forms of the issuer of `bundle`, which is sound.
    fn of(bundle: &Bundle) -> Option<Self> {
        let [key] = bundle.public_keys.as_slice() else {
            return None;
        };
        let [created, _] = bundle.events.as_slice() else {
            return None;
        };
        let Payload::RecordCreated(payload) = &created.payload else {
            return None;
        };
        let page = format!("/pith/{}", bundle.pith_number.suffix());
        let mirrors = bundle.mirror_hints.iter().map(|hint| Mirror {
            name: hint.name.clone(),
            base_url: hint.base_url.clone(),
            status: hint.status.clone(),
        });
        let profile = Profile {
            registry_id: created.signer.signer_id.clone(),
            base_url: bundle.links.resolver.strip_suffix(&page)?.to_owned(),
            builder_version: payload.receipt.builder_version.clone(),
            ledger: PathBuf::new(),
            mirrors: mirrors.collect(),
            keyset: KeysetSettings::default(),
        };
        Some(Known {
            forms: Forms::of(&profile, key).ok()?,
            registry_id: profile.registry_id,
            key: key.clone(),
            checks: bundle_soundness(bundle).checks,
            spare: Mutex::default(),
        })
    }

    /// The report on a sound bundle of these forms; `None` if `text` is not one.
    fn judge(&self, text: &str, policy: &Policy) -> Option<Report> {
        let sound = self.sound(text)?;
        let mut report = Report {
            kind: DocumentKind::Bundle,
            pith_number: Some(sound.number),
            checks: self.checks.clone(),
        };
        self.judge_trust(&sound, policy, &mut report);
        Some(report)
    }

    /// Whether `text` is a sound bundle of these forms, by a key that is trusted.
    fn verifies(&self, text: &str, policy: &Policy) -> bool {
        self.sound(text).is_some_and(|sound| {
            let mut report = Report {
                kind: DocumentKind::Bundle,
                pith_number: Some(sound.number),
                checks: Vec::new(),
            };
            self.judge_trust(&sound, policy, &mut report);
            report.verdict() == Verdict::Verified
        })
    }

    /// Everything but trust.
    fn sound(&self, text: &str) -> Option<Sound> {
        let fresh = self.forms.read(text)?;
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let values = spare.pop().unwrap_or_default();
        drop(spare);
        let mut page = Page::on(&self.forms, values);
        let signatures = page.recompute(&fresh, Some(text.as_bytes()));
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(page.into_values());
        drop(spare);
        let signatures = signatures.ok()?;
        let seal = fresh.seal.as_ref()?;
        let created_at = fresh.origin.minted_at.seconds();
        let holds = excerpt_agrees(&fresh.compact.text.abstract_excerpt, &fresh.record)
            && created_at <= seal.built_at
            && seal.signed_at >= seal.built_at.into()
            && signatures
                .iter()
                .all(|(digest, signature)| self.key.key.verifies(digest, signature));
        let [_, (created, _), (snapshot, _)] = signatures.events;
        let (bundle, _) = signatures.bundle?;
        holds.then_some(Sound {
            number: fresh.number,
            signed: [
                ("bundle_signature", seal.built_at, bundle),
                ("events[0]", created_at, created),
                ("events[1]", created_at, snapshot),
            ],
        })
    }

    fn judge_trust(&self, sound: &Sound, policy: &Policy, report: &mut Report) {
        for (subject, time, covered) in &sound.signed {
            let signed = Signed {
                subject: (*subject).to_owned(),
                key: &self.key.key,
                key_id: &self.key.key_id,
                signer_id: &self.registry_id,
                signer_type: REGISTRY,
                time: Some(*time),
                covered: Some(covered),
                decides: true,
            };
            judge(report, policy, &signed);
        }
    }
}

/// What is asked of a sound bundle by whoever judges its keys: what was signed, when, and its digest.
struct Sound {
    number: PithNumber,
    signed: [(&'static str, Timestamp, Digest); 3],
}
