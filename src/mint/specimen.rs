//! Invented records that show a registry's forms.

use super::MintError;
use super::contents::{Contents, KeyBook};
use super::form::{Blank, Values};
use crate::arxiv::ArxivId;
use crate::bundle::Bundle;
use crate::canonical;
use crate::digest::Digest;
use crate::event;
use crate::home::Profile;
use crate::keys::{PublicKeyObject, SignatureBytes};
use crate::ledger::{BundleSeal, Compact, Fresh, Origin};
use crate::number::PithNumber;
use crate::record::{
    ArxivKind, CanonicalRecord, CrossCategories, RecordMetadata, RecordSource, SchemaVersion,
};
use crate::snapshot::PaperText;
use crate::time::Timestamp;

/// The primary category and the others of each specimen.
pub(super) const SPECIMENS: [(&str, [&str; 2]); 4] = [
    ("math.GT", ["hep-th", "math.AG"]),
    ("cs.DL", ["physics.hist-ph", "stat.ME"]),
    ("q-bio.PE", ["nlin.CD", "quant-ph"]),
    ("econ.TH", ["astro-ph.EP", "gr-qc"]),
];

/// An invented record under invented signatures, whose values stand out.
pub(super) struct Specimen {
    pub fresh: Fresh,
    seal: BundleSeal,
    bundle: Bundle,
}

impl Specimen {
    pub fn new(profile: &Profile, key: &PublicKeyObject, number: usize) -> Result<Self, MintError> {
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
    pub fn bare(profile: &Profile, key: &PublicKeyObject) -> Result<Self, MintError> {
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

    pub fn values(&self) -> Values {
        let (fresh, seal) = (&self.fresh, &self.seal);
        let mut values = Values::default();
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
    pub fn texts(&self) -> [Vec<u8>; 6] {
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
