//! The documents of a fresh mint as forms to fill in.
//!
//! What a registry mints under one key differs from paper to paper in a few dozen values; all the
//! rest of a bundle, nine tenths of it, is the same. So each document is written once as typed
//! values write it, for a specimen, and cut into a stencil (one a hashed text, one the bundle as
//! published). The rules stay where they are, in the types: here nothing is known of members or
//! their order.

use std::io::Write as _;

use super::MintError;
use super::specimen::{SPECIMENS, Specimen};
use crate::arxiv::text;
use crate::canonical::{self, Stencil, escape_to};
use crate::digest::Digest;
use crate::home::Profile;
use crate::keys::{PublicKeyObject, SignatureBytes};
use crate::ledger::{BundleSeal, Compact, Fresh, Origin};
use crate::number::{PithNumber, doi};
use crate::record::{ArxivKind, CanonicalRecord, RecordMetadata, RecordSource, SchemaVersion};
use crate::snapshot::PaperText;
use crate::time::{Timestamp, TimestampMicros};

/// What differs from one fresh mint to the next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blank {
    Id,
    Version,
    Doi,
    License,
    PrimaryCategory,
    CrossCategories,
    SubmittedAt,
    TitleDigest,
    AbstractDigest,
    RecordDigest,
    Number,
    Suffix,
    Short16,
    Short12,
    Short8,
    Title,
    Authors,
    Excerpt,
    MintedAt,
    MintedAtSeconds,
    BuiltAt,
    SealedAt,
    ReceiptSignature,
    CreatedSignature,
    SnapshotSignature,
    SealSignature,
    CreatedDigest,
    SnapshotDigest,
    StateDigest,
    BundleDigest,
}

const BLANKS: usize = Blank::BundleDigest as usize + 1;

/// The forms of one registry and key.
#[derive(Debug)]
pub(crate) struct Forms {
    issuer: Origin,
    record: Stencil,
    created: Stencil,
    snapshot: Stencil,
    state: Stencil,
    bundle: Stencil,
    wire: Stencil,
}

impl Forms {
    /// The forms of what `key` issues for the registry of `profile`.
    ///
    /// # Errors
    /// [`MintError::Forms`] if texts of the profile cannot be told from those of any specimen.
    pub fn of(profile: &Profile, key: &PublicKeyObject) -> Result<Self, MintError> {
        // A specimen's values must stand nowhere in what is common to all. Should they do so by
        // accident, others show it, which share no value with it: then another one is cut up.
        for number in 0..SPECIMENS.len() {
            let forms = Forms::cut(profile, key, number)?;
            let mut hold = true;
            for other in (0..SPECIMENS.len()).filter(|other| *other != number) {
                hold &= forms.give(&Specimen::new(profile, key, other)?);
            }
            hold &= forms.give(&Specimen::bare(profile, key)?);
            if hold {
                return Ok(forms);
            }
        }
        Err(MintError::Forms)
    }

    fn cut(profile: &Profile, key: &PublicKeyObject, number: usize) -> Result<Self, MintError> {
        let specimen = Specimen::new(profile, key, number)?;
        let values = specimen.values();
        let text_of = |value| str::from_utf8(value).expect("a specimen's values are text");
        let values: Vec<&str> = values.texts.iter().map(|text| text_of(text)).collect();
        let cut = |text: Vec<u8>| {
            let text = String::from_utf8(text).expect("JSON text is UTF-8");
            Stencil::cut(&text, &values)
        };
        let [record, created, snapshot, state, bundle, wire] = specimen.texts().map(cut);
        Ok(Forms {
            issuer: specimen.fresh.origin,
            record,
            created,
            snapshot,
            state,
            bundle,
            wire,
        })
    }

    /// Whether the forms give the texts that typed values give for `specimen`.
    fn give(&self, specimen: &Specimen) -> bool {
        let stencils = [
            &self.record,
            &self.created,
            &self.snapshot,
            &self.state,
            &self.bundle,
            &self.wire,
        ];
        let values = specimen.values();
        stencils
            .into_iter()
            .zip(specimen.texts())
            .all(|(stencil, text)| stencil.matches(&values.texts, &text))
    }

    /// Whether these are the forms of what `fresh` holds.
    pub fn are_of(&self, fresh: &Fresh) -> bool {
        self.issuer.same_issuer(&fresh.origin)
    }

    /// The values in a bundle as published, read into their types; `None` if it plainly is not of
    /// these forms. Whether it is, [`Page::recompute`] tells.
    pub fn read(&self, wire: &str) -> Option<Fresh> {
        let values = self.wire.read(wire)?;
        let text = |blank: Blank| values.get(blank as usize).copied().unwrap_or_default();
        let unescaped = |blank| canonical::unescape(text(blank));
        Some(Fresh {
            record: CanonicalRecord {
                source: RecordSource {
                    id: text(Blank::Id).parse().ok()?,
                    kind: ArxivKind,
                    version: text(Blank::Version).parse().ok()?,
                },
                metadata: RecordMetadata {
                    license: unescaped(Blank::License)?,
                    primary_cat: text(Blank::PrimaryCategory).parse().ok()?,
                    submitted_at: text(Blank::SubmittedAt).parse().ok()?,
                    cross_cats_sorted: canonical::from_slice(
                        text(Blank::CrossCategories).as_bytes(),
                    )
                    .ok()?,
                    title_canon_sha256: text(Blank::TitleDigest).parse().ok()?,
                    abstract_canon_sha256: text(Blank::AbstractDigest).parse().ok()?,
                },
                schema_version: SchemaVersion,
            },
            digest: text(Blank::RecordDigest).parse().ok()?,
            number: text(Blank::Number).parse().ok()?,
            origin: self.origin(text(Blank::MintedAt).parse().ok()?),
            compact: Compact {
                text: PaperText {
                    title: unescaped(Blank::Title)?,
                    authors_text: unescaped(Blank::Authors)?,
                    abstract_excerpt: unescaped(Blank::Excerpt)?,
                },
                receipt_sig: text(Blank::ReceiptSignature).parse().ok()?,
                created_sig: text(Blank::CreatedSignature).parse().ok()?,
                snapshot_sig: text(Blank::SnapshotSignature).parse().ok()?,
            },
            seal: Some(BundleSeal {
                built_at: text(Blank::BuiltAt).parse().ok()?,
                key_id: self.issuer.key_id.clone(),
                public_key_fingerprint: self.issuer.fingerprint,
                signature_b64: text(Blank::SealSignature).parse().ok()?,
                signed_at: text(Blank::SealedAt).parse().ok()?,
            }),
        })
    }

    /// Who issues on these forms, at `now`.
    pub fn origin(&self, now: TimestampMicros) -> Origin {
        Origin {
            minted_at: now,
            ..self.issuer.clone()
        }
    }
}

/// The texts in the blanks, kept from one record to the next for their memory.
#[derive(Debug)]
pub(crate) struct Values {
    pub(super) texts: [Vec<u8>; BLANKS],
    minted_at: Option<TimestampMicros>,
}

impl Default for Values {
    fn default() -> Self {
        Values {
            texts: std::array::from_fn(|_| Vec::new()),
            minted_at: None,
        }
    }
}

impl Values {
    fn text(&mut self, blank: Blank) -> &mut Vec<u8> {
        let text = &mut self.texts[blank as usize];
        text.clear();
        text
    }

    pub(super) fn set(&mut self, blank: Blank, value: impl std::fmt::Display) {
        write!(self.text(blank), "{value}").expect("memory takes any text");
    }

    fn put(&mut self, blank: Blank, value: &str) {
        self.text(blank).extend_from_slice(value.as_bytes());
    }

    /// A text as it stands between the quotes of a JSON string.
    fn put_escaped(&mut self, blank: Blank, value: &str) {
        escape_to(self.text(blank), value);
    }

    pub(super) fn set_record(
        &mut self,
        record: &CanonicalRecord,
        digest: &Digest,
        number: &PithNumber,
    ) {
        let metadata = &record.metadata;
        self.put(Blank::Id, record.source.id.as_str());
        self.set(Blank::Version, record.source.version);
        self.put(Blank::Doi, &doi(record.source.id.as_str()));
        self.put_escaped(Blank::License, &metadata.license);
        self.put(Blank::PrimaryCategory, metadata.primary_cat.as_str());
        let list = self.text(Blank::CrossCategories);
        list.push(b'[');
        for (index, category) in metadata.cross_cats_sorted.as_slice().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(list, "{comma}\"{category}\"").expect("memory takes any text");
        }
        list.push(b']');
        self.set(Blank::SubmittedAt, metadata.submitted_at);
        self.set(Blank::TitleDigest, metadata.title_canon_sha256);
        self.set(Blank::AbstractDigest, metadata.abstract_canon_sha256);
        self.set(Blank::RecordDigest, digest);
        self.set(Blank::Number, number);
        let suffix = number.suffix().as_str();
        self.put(Blank::Suffix, suffix);
        self.put(Blank::Short16, &suffix[..16]);
        self.put(Blank::Short12, &suffix[..12]);
        self.put(Blank::Short8, &suffix[..8]);
    }

    pub(super) fn set_text(&mut self, text: &PaperText) {
        self.put_escaped(Blank::Title, &text.title);
        self.put_escaped(Blank::Authors, &text.authors_text);
        self.put_escaped(Blank::Excerpt, &text.abstract_excerpt);
    }

    pub(super) fn set_minted_at(&mut self, time: TimestampMicros) {
        // A whole group is minted at one time.
        if self.minted_at.replace(time) != Some(time) {
            self.set(Blank::MintedAt, time);
            self.set(Blank::MintedAtSeconds, time.seconds());
        }
    }
}

/// As many bytes as most bundles have.
pub(super) const LIKELY: usize = 14 << 10;

/// The forms being filled in for one record after the other.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    forms: &'a Forms,
    values: Values,
    scratch: Vec<u8>,
}

impl<'a> Page<'a> {
    /// With memory of its own.
    pub fn new(forms: &'a Forms) -> Self {
        Page::on(forms, Values::default())
    }

    /// With memory that held the values of another record.
    pub fn on(forms: &'a Forms, values: Values) -> Self {
        Page {
            forms,
            values,
            scratch: Vec::with_capacity(LIKELY),
        }
    }

    /// The memory, to be used again.
    pub fn into_values(self) -> Values {
        self.values
    }

    /// Begins a record. Digests and signatures follow in the order of these functions.
    pub fn begin(
        &mut self,
        record: &CanonicalRecord,
        digest: &Digest,
        number: &PithNumber,
        text: &PaperText,
        minted_at: TimestampMicros,
    ) {
        self.values.set_record(record, digest, number);
        self.values.set_text(text);
        self.values.set_minted_at(minted_at);
    }

    fn digest(&mut self, stencil: &Stencil) -> Digest {
        self.scratch.clear();
        stencil.fill(&self.values.texts, &mut self.scratch);
        Digest::of(&self.scratch)
    }

    /// The record's digest, by which it must have been begun.
    pub fn record(&mut self) -> Digest {
        self.digest(&self.forms.record)
    }

    /// With the receipt's signature: the digest of record_created.
    pub fn created(&mut self, receipt: &SignatureBytes) -> Digest {
        self.values.set(Blank::ReceiptSignature, receipt);
        let digest = self.digest(&self.forms.created);
        self.values.set(Blank::CreatedDigest, digest);
        digest
    }

    /// The digest of graph_snapshot.
    pub fn snapshot(&mut self) -> Digest {
        let digest = self.digest(&self.forms.snapshot);
        self.values.set(Blank::SnapshotDigest, digest);
        digest
    }

    /// With the signatures of both events: the digest of the bundle built at this time.
    pub fn bundle(
        &mut self,
        created: &SignatureBytes,
        snapshot: &SignatureBytes,
        built_at: Timestamp,
    ) -> Digest {
        self.values.set(Blank::CreatedSignature, created);
        self.values.set(Blank::SnapshotSignature, snapshot);
        self.values.set(Blank::BuiltAt, built_at);
        let state = self.digest(&self.forms.state);
        self.values.set(Blank::StateDigest, state);
        let digest = self.digest(&self.forms.bundle);
        self.values.set(Blank::BundleDigest, digest);
        digest
    }

    /// With the bundle's signature, nothing is blank any more.
    pub fn seal(&mut self, signature: &SignatureBytes, signed_at: TimestampMicros) {
        self.values.set(Blank::SealSignature, signature);
        self.values.set(Blank::SealedAt, signed_at);
    }

    /// Appends the bundle as published.
    pub fn write_wire(&self, text: &mut Vec<u8>) {
        self.forms.wire.fill(&self.values.texts, text);
    }

    /// Whether `text` is the bundle as published.
    pub fn is_wire(&self, text: &[u8]) -> bool {
        self.forms.wire.matches(&self.values.texts, text)
    }

    /// Fills the forms of a record and its events in; says what they hash to.
    pub(super) fn fill(&mut self, fresh: &Fresh) -> Digests {
        let minted_at = fresh.origin.minted_at;
        let text = &fresh.compact.text;
        self.begin(&fresh.record, &fresh.digest, &fresh.number, text, minted_at);
        Digests {
            record: self.record(),
            created: self.created(&fresh.compact.receipt_sig),
            snapshot: self.snapshot(),
        }
    }

    /// Fills the forms of `key` in as they were when `fresh` was sealed: what record_created,
    /// graph_snapshot and the bundle hash to, if it is of these forms and the seal holds.
    pub(super) fn refill(
        &mut self,
        fresh: &Fresh,
        seal: &BundleSeal,
        key: &PublicKeyObject,
    ) -> Option<[Digest; 3]> {
        if !self.forms.are_of(fresh) || seal.key_id != key.key_id {
            return None;
        }
        let Digests {
            record,
            created,
            snapshot,
        } = self.fill(fresh);
        let compact = &fresh.compact;
        let bundle = self.bundle(&compact.created_sig, &compact.snapshot_sig, seal.built_at);
        self.seal(&seal.signature_b64, seal.signed_at);
        let holds = record == fresh.digest && key.key.verifies(&bundle, &seal.signature_b64);
        holds.then_some([created, snapshot, bundle])
    }

    /// The signatures of `fresh`, over digests computed anew from what it holds; and, if it is
    /// sealed, that of its bundle, which must be just `wire`.
    ///
    /// # Errors
    /// What contradicts what.
    pub fn recompute(
        &mut self,
        fresh: &Fresh,
        wire: Option<&[u8]>,
    ) -> Result<Signatures, &'static str> {
        let digests = self.fill(fresh);
        if digests.record != fresh.digest
            || PithNumber::of(&fresh.record, &digests.record) != fresh.number
        {
            return Err("the number is not the record's");
        }
        let compact = &fresh.compact;
        let title = Digest::of(text::canonical(&compact.text.title).as_bytes());
        if title != fresh.record.metadata.title_canon_sha256 {
            return Err("the title shown is not the record's");
        }
        let bundle = match &fresh.seal {
            None => None,
            Some(seal) => {
                let digest =
                    self.bundle(&compact.created_sig, &compact.snapshot_sig, seal.built_at);
                self.seal(&seal.signature_b64, seal.signed_at);
                if !wire.is_some_and(|wire| self.is_wire(wire)) {
                    return Err("the bundle is not the one that was signed");
                }
                Some((digest, seal.signature_b64))
            }
        };
        Ok(Signatures {
            events: [
                (digests.record, compact.receipt_sig),
                (digests.created, compact.created_sig),
                (digests.snapshot, compact.snapshot_sig),
            ],
            bundle,
        })
    }
}

/// What the receipt and the two events of a record sign, computed from its forms.
pub(super) struct Digests {
    pub record: Digest,
    created: Digest,
    snapshot: Digest,
}

/// The signatures of a fresh mint, each with the digest that it has to cover.
pub(crate) struct Signatures {
    /// The receipt's, record_created's and graph_snapshot's.
    pub events: [(Digest, SignatureBytes); 3],
    /// The bundle's.
    pub bundle: Option<(Digest, SignatureBytes)>,
}

impl Signatures {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(Digest, SignatureBytes)> {
        self.events.iter().chain(&self.bundle)
    }
}
