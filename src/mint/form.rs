//! The documents of a fresh mint as forms to fill in.
//!
//! What a registry mints under one key differs from paper to paper in a few dozen values; all the
//! rest of a bundle, nine tenths of it, is the same. So each document is written once as typed
//! values write it, for a specimen, and cut into a stencil (one a hashed text, one the bundle as
//! published). The rules stay where they are, in the types: here nothing is known of members or
//! their order.

use std::io::Write as _;

use super::MintError;
use super::contents::{Contents, KeyBook};
use crate::arxiv::ArxivId;
use crate::bundle::Bundle;
use crate::canonical::{self, Stencil, escape_to};
use crate::digest::Digest;
use crate::event;
use crate::home::Profile;
use crate::keys::{PublicKeyObject, SignatureBytes};
use crate::ledger::{BundleSeal, Compact, Fresh, Origin};
use crate::number::{PithNumber, doi};
use crate::record::{
    ArxivKind, CanonicalRecord, CrossCategories, RecordMetadata, RecordSource, SchemaVersion,
};
use crate::snapshot::PaperText;
use crate::time::{Timestamp, TimestampMicros};

/// What differs from one fresh mint to the next.
#[derive(Debug, Clone, Copy)]
enum Blank {
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
pub(super) struct Forms {
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
struct Values {
    texts: [Vec<u8>; BLANKS],
    minted_at: Option<TimestampMicros>,
}

impl Values {
    fn new() -> Self {
        Values {
            texts: std::array::from_fn(|_| Vec::new()),
            minted_at: None,
        }
    }

    fn text(&mut self, blank: Blank) -> &mut Vec<u8> {
        let text = &mut self.texts[blank as usize];
        text.clear();
        text
    }

    fn set(&mut self, blank: Blank, value: impl std::fmt::Display) {
        write!(self.text(blank), "{value}").expect("memory takes any text");
    }

    fn put(&mut self, blank: Blank, value: &str) {
        self.text(blank).extend_from_slice(value.as_bytes());
    }

    /// A text as it stands between the quotes of a JSON string.
    fn put_escaped(&mut self, blank: Blank, value: &str) {
        escape_to(self.text(blank), value);
    }

    fn set_record(&mut self, record: &CanonicalRecord, digest: &Digest, number: &PithNumber) {
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

    fn set_text(&mut self, text: &PaperText) {
        self.put_escaped(Blank::Title, &text.title);
        self.put_escaped(Blank::Authors, &text.authors_text);
        self.put_escaped(Blank::Excerpt, &text.abstract_excerpt);
    }

    fn set_minted_at(&mut self, time: TimestampMicros) {
        // A whole group is minted at one time.
        if self.minted_at.replace(time) != Some(time) {
            self.set(Blank::MintedAt, time);
            self.set(Blank::MintedAtSeconds, time.seconds());
        }
    }
}

/// The forms being filled in for one record after the other.
#[derive(Debug)]
pub(super) struct Page<'a> {
    forms: &'a Forms,
    values: Values,
    scratch: Vec<u8>,
}

impl<'a> Page<'a> {
    pub fn new(forms: &'a Forms) -> Self {
        Page {
            forms,
            values: Values::new(),
            scratch: Vec::new(),
        }
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
}

/// The primary category and the others of each specimen.
const SPECIMENS: [(&str, [&str; 2]); 4] = [
    ("math.GT", ["hep-th", "math.AG"]),
    ("cs.DL", ["physics.hist-ph", "stat.ME"]),
    ("q-bio.PE", ["nlin.CD", "quant-ph"]),
    ("econ.TH", ["astro-ph.EP", "gr-qc"]),
];

/// An invented record under invented signatures, whose values stand out.
struct Specimen {
    fresh: Fresh,
    seal: BundleSeal,
    bundle: Bundle,
}

impl Specimen {
    fn new(profile: &Profile, key: &PublicKeyObject, number: usize) -> Result<Self, MintError> {
        let (primary, others) = SPECIMENS[number];
        let text = PaperText {
            title: format!("title of specimen {number}"),
            authors_text: format!("authors of specimen {number}"),
            abstract_excerpt: format!("abstract of specimen {number}"),
        };
        let license = format!("licence of specimen {number}");
        Self::of(profile, key, number, primary, &others, license, text)
    }

    /// One that has nothing but what it must have, and that in need of escapes: none to be cut up,
    /// but one that forms have to give.
    fn bare(profile: &Profile, key: &PublicKeyObject) -> Result<Self, MintError> {
        let text = PaperText {
            title: "\"\\\u{1f}\u{e9}".to_owned(),
            authors_text: String::new(),
            abstract_excerpt: "\n".to_owned(),
        };
        let number = SPECIMENS.len();
        Self::of(profile, key, number, "cs.LG", &[], String::new(), text)
    }

    fn of(
        profile: &Profile,
        key: &PublicKeyObject,
        number: usize,
        primary: &str,
        others: &[&str],
        license: String,
        text: PaperText,
    ) -> Result<Self, MintError> {
        let small = u8::try_from(number).expect("there are few specimens");
        let time = |year: usize| {
            let text = format!("{}-05-{:02}T12:{number:02}:45Z", year + number, 13 + number);
            text.parse::<Timestamp>().expect("a time")
        };
        let signature = |n: u8| SignatureBytes::from_bytes([16 * n + small; 64]);
        let category = |text: &&str| text.parse().expect("a category");
        let id: ArxivId = format!("math/92050{number:02}").parse().expect("an id");
        let version = 4_123_456_700 + u32::from(small);
        let others = others.iter().map(category).collect::<Vec<_>>();
        let record = CanonicalRecord {
            source: RecordSource {
                id,
                kind: ArxivKind,
                version: version.try_into().expect("not 0"),
            },
            metadata: RecordMetadata {
                license,
                primary_cat: category(&primary),
                submitted_at: time(1911),
                cross_cats_sorted: CrossCategories::try_from(others).expect("they are sorted"),
                title_canon_sha256: Digest::of(&[small, 1]),
                abstract_canon_sha256: Digest::of(&[small, 2]),
            },
            schema_version: SchemaVersion,
        };
        let digest = record.digest();
        let seal = BundleSeal {
            built_at: time(1933),
            key_id: key.key_id.clone(),
            public_key_fingerprint: key.key.fingerprint(),
            signature_b64: signature(4),
            signed_at: time(1944).into(),
        };
        let fresh = Fresh {
            number: PithNumber::of(&record, &digest),
            record,
            digest,
            origin: Origin {
                signer_id: profile.registry_id.clone(),
                builder_version: profile.builder_version.clone(),
                key_id: key.key_id.clone(),
                fingerprint: key.key.fingerprint(),
                minted_at: time(1922).into(),
            },
            compact: Compact {
                text,
                receipt_sig: signature(1),
                created_sig: signature(2),
                snapshot_sig: signature(3),
            },
            seal: Some(seal.clone()),
        };
        let book = KeyBook::from_iter([key.clone()]);
        let parts = Contents::from(&fresh).parts(profile, &book, key, seal.built_at)?;
        let bundle = parts.with_signature(
            seal.key_id.clone(),
            seal.public_key_fingerprint,
            seal.signature_b64,
            seal.signed_at,
        );
        Ok(Specimen {
            fresh,
            seal,
            bundle,
        })
    }

    fn values(&self) -> Values {
        let (fresh, seal) = (&self.fresh, &self.seal);
        let mut values = Values::new();
        values.set_record(&fresh.record, &fresh.digest, &fresh.number);
        values.set_text(&fresh.compact.text);
        values.set_minted_at(fresh.origin.minted_at);
        values.set(Blank::BuiltAt, seal.built_at);
        values.set(Blank::SealedAt, seal.signed_at);
        values.set(Blank::ReceiptSignature, fresh.compact.receipt_sig);
        values.set(Blank::CreatedSignature, fresh.compact.created_sig);
        values.set(Blank::SnapshotSignature, fresh.compact.snapshot_sig);
        values.set(Blank::SealSignature, seal.signature_b64);
        let [created, snapshot] = [0, 1].map(|index| self.bundle.events[index].content_sha256);
        values.set(Blank::CreatedDigest, created);
        values.set(Blank::SnapshotDigest, snapshot);
        values.set(Blank::StateDigest, self.bundle.state.state_sha256);
        let digest = self.bundle.bundle_signature.bundle_sha256;
        values.set(Blank::BundleDigest, digest);
        values
    }

    /// What is hashed of the record, its two events, the state and the bundle; then the bundle as
    /// published.
    fn texts(&self) -> [Vec<u8>; 6] {
        let bundle = &self.bundle;
        [
            canonical::to_vec(&bundle.canonical_record).expect("a record is JSON"),
            event::content(&bundle.events[0]),
            event::content(&bundle.events[1]),
            bundle.state.content(),
            bundle.content(),
            bundle.to_wire(),
        ]
    }
}
