//! Bundles: everything about a paper that a reader needs to verify it offline (SPEC 8).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::arxiv::ArxivId;
use crate::canonical::{self, DecodeError, Json, ObjectText};
use crate::digest::Digest;
use crate::event::{Event, EventId, MirrorType, Statement, TimestampAnchor};
use crate::keys::{
    Algorithm, Fingerprint, KeyId, PublicKeyObject, SignatureBytes, Signer, SignerError,
};
use crate::number::{PithNumber, ShortPithNumber, SourceAlias, Suffix};
use crate::receipt::SignatureStatus;
use crate::record::{ArxivKind, CanonicalRecord, RecordSource};
use crate::state::{Entry, MergeVersion, State};
use crate::text::constant;
use crate::time::{Timestamp, TimestampMicros};

constant! {
    /// What a bundle calls itself.
    BundleType = "pith_open_graph_bundle"
}

constant! {
    /// The version of bundles.
    BundleVersion = "1.0"
}

constant! {
    /// What a bundle's signature covers.
    BundleMessage = "bundle_sha256_bytes"
}

/// The member of a bundle that its hash leaves out.
const UNHASHED: [&str; 1] = ["bundle_signature"];

/// A bundle; fields stand in wire order. `S` is what its state is read into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle<S = State> {
    /// Always a bundle.
    pub bundle_type: BundleType,
    /// The version of its form.
    pub bundle_version: BundleVersion,
    /// The record it is about.
    pub pith_number: PithNumber,
    /// The number's short form.
    pub short_pith_number: ShortPithNumber,
    /// The record.
    pub canonical_record: CanonicalRecord,
    /// Its digest.
    pub canonical_sha256: Digest,
    /// Its source.
    pub source: BundleSource,
    /// Its other names.
    pub source_aliases: Vec<SourceAlias>,
    /// The applied events in order, then the rest by id.
    pub events: Vec<Event>,
    /// Timestamp proofs.
    pub timestamp_proofs: Vec<Json>,
    /// Where the bundle can be had.
    pub mirror_hints: Vec<MirrorHint>,
    /// The key of the bundle's signature, then every other key used in it by id.
    pub public_keys: Vec<PublicKeyObject>,
    /// The rules that made the state.
    pub merge_version: MergeVersion,
    /// When the bundle was put together.
    pub built_at: Timestamp,
    /// Where its parts are published.
    pub links: Links,
    /// The state of its events.
    pub state: S,
    /// The registry's signature.
    pub bundle_signature: BundleSignature,
}

/// A record's source as bundles write it, in an order of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleSource {
    /// Always arXiv.
    pub kind: ArxivKind,
    /// The arXiv id.
    pub id: ArxivId,
    /// The version.
    pub version: std::num::NonZeroU32,
}

impl From<&RecordSource> for BundleSource {
    fn from(source: &RecordSource) -> Self {
        BundleSource {
            kind: ArxivKind,
            id: source.id.clone(),
            version: source.version,
        }
    }
}

/// Where a bundle can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorHint {
    /// Always https.
    pub mirror_type: MirrorType,
    /// The mirror's name.
    pub name: String,
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// The bundle there.
    pub bundle_url: String,
    /// The state there.
    pub state_url: String,
    /// The bundle there, at the address that readers can guess.
    pub well_known_bundle_url: String,
    /// Such as `primary`.
    pub status: String,
}

/// The status of mirrors that others than the registry name.
const HINTED: &str = "secondary";

/// The mirrors that the `mirror_hint` events of a state name, each address once.
fn hinted_mirrors<'a>(events: impl IntoIterator<Item = &'a Event>, state: &State) -> Vec<Mirror> {
    let mut mirrors: Vec<Mirror> = Vec::new();
    let mut known = BTreeSet::new();
    for (_, statement) in shown(events, &state.current.mirror_hints) {
        if let Statement::MirrorHint(hint) = statement
            && known.insert(hint.base_url.to_string())
        {
            mirrors.push(Mirror {
                name: hint.name.to_string(),
                base_url: hint.base_url.to_string(),
                status: HINTED.to_owned(),
            });
        }
    }
    mirrors
}

/// The `timestamp_proofs` of a bundle: what the anchors of its state say, each under its event's id
/// (SPEC 8).
pub fn timestamp_proofs<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    state: &State,
) -> Vec<Json> {
    #[derive(Serialize)]
    struct Named<'a> {
        event_id: EventId,
        #[serde(flatten)]
        anchor: &'a TimestampAnchor,
    }
    shown(events, &state.current.timestamp_anchors)
        .into_iter()
        .filter_map(|(event_id, statement)| match statement {
            Statement::TimestampAnchor(anchor) => {
                let anchor = &anchor.known;
                Some(Json::of(&Named { event_id, anchor }).expect("an anchor is JSON"))
            }
            _ => None,
        })
        .collect()
}

/// What the events say that a state shows in one of its arrays, in its order.
fn shown<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    entries: &[Entry],
) -> Vec<(EventId, Statement)> {
    if entries.is_empty() {
        return Vec::new();
    }
    let by_id: BTreeMap<EventId, &Event> = events
        .into_iter()
        .map(|event| (event.event_id, event))
        .collect();
    entries
        .iter()
        .filter_map(|entry| {
            let statement = by_id.get(&entry.event_id)?.statement();
            Some((entry.event_id, statement.ok()??))
        })
        .collect()
}

/// Where a bundle and its parts are published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// The record's page.
    pub resolver: String,
    /// The bundle.
    pub bundle: String,
    /// The state.
    pub state: String,
    /// The bundle, at the address that readers can guess.
    pub well_known_bundle: String,
}

impl Links {
    /// The addresses of `number` below `base_url`.
    pub fn below(base_url: &str, number: &PithNumber) -> Self {
        Links::of_suffix(base_url, number.suffix())
    }

    /// As [`below`](Self::below), for the number with this suffix.
    pub fn of_suffix(base_url: &str, suffix: &Suffix) -> Self {
        let resolver = format!("{base_url}/pith/{suffix}");
        Links {
            bundle: format!("{resolver}/bundle.json"),
            state: format!("{resolver}/state.json"),
            well_known_bundle: format!("{base_url}/.well-known/pith/{suffix}/bundle.json"),
            resolver,
        }
    }
}

impl MirrorHint {
    /// The addresses of `number` at `mirror`.
    pub fn at(mirror: &Mirror, number: &PithNumber) -> Self {
        let links = Links::below(&mirror.base_url, number);
        MirrorHint {
            mirror_type: MirrorType,
            name: mirror.name.clone(),
            base_url: mirror.base_url.clone(),
            bundle_url: links.bundle,
            state_url: links.state,
            well_known_bundle_url: links.well_known_bundle,
            status: mirror.status.clone(),
        }
    }
}

/// A mirror of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// Its name.
    pub name: String,
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// Such as `primary`.
    pub status: String,
}

/// The signature of a bundle. No hash covers it, so its `signed_at` is not authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleSignature {
    /// Always signed.
    pub signature_status: SignatureStatus,
    /// How.
    pub algorithm: Algorithm,
    /// The label of the key.
    pub key_id: KeyId,
    /// The fingerprint of the key.
    pub public_key_fingerprint: Fingerprint,
    /// The signature over the 32 raw bytes of `bundle_sha256`.
    pub signature_b64: SignatureBytes,
    /// What it covers.
    pub signed_message: BundleMessage,
    /// When it was made, by the signer's word; not before the bundle's `built_at`.
    pub signed_at: TimestampMicros,
    /// See [`Bundle::digest`].
    pub bundle_sha256: Digest,
}

/// What a bundle is assembled from; the rest of it follows.
#[derive(Debug, Clone)]
pub struct BundleParts<'a> {
    /// The record.
    pub record: CanonicalRecord,
    /// Its events and their state.
    pub merged: crate::state::Merged,
    /// Its other names, sorted.
    pub aliases: Vec<SourceAlias>,
    /// Timestamp proofs: see [`timestamp_proofs`].
    pub timestamp_proofs: Vec<Json>,
    /// The registry's mirrors, before those that events name.
    pub mirrors: &'a [Mirror],
    /// The registry's address.
    pub base_url: &'a str,
    /// The key of the bundle's signature, then every other key used in it by id.
    pub public_keys: Vec<PublicKeyObject>,
    /// When the bundle is put together.
    pub built_at: Timestamp,
}

impl BundleParts<'_> {
    /// The bundle that these parts make under a signature made before.
    pub fn with_signature(
        self,
        key_id: KeyId,
        public_key_fingerprint: Fingerprint,
        signature_b64: SignatureBytes,
        signed_at: TimestampMicros,
    ) -> Bundle {
        let canonical_sha256 = self.record.digest();
        let number = PithNumber::of(&self.record, &canonical_sha256);
        let mut hinted = hinted_mirrors(&self.merged.events, &self.merged.state);
        let own = |mirror: &Mirror| {
            self.mirrors
                .iter()
                .any(|own| own.base_url == mirror.base_url)
        };
        hinted.retain(|mirror| !own(mirror));
        let mut bundle = Bundle {
            bundle_type: BundleType,
            bundle_version: BundleVersion,
            pith_number: number,
            short_pith_number: number.short(),
            canonical_sha256,
            source: BundleSource::from(&self.record.source),
            canonical_record: self.record,
            source_aliases: self.aliases,
            events: self.merged.events,
            timestamp_proofs: self.timestamp_proofs,
            mirror_hints: self
                .mirrors
                .iter()
                .chain(&hinted)
                .map(|mirror| MirrorHint::at(mirror, &number))
                .collect(),
            public_keys: self.public_keys,
            merge_version: MergeVersion,
            built_at: self.built_at,
            links: Links::below(self.base_url, &number),
            state: self.merged.state,
            bundle_signature: BundleSignature {
                signature_status: SignatureStatus,
                algorithm: Algorithm,
                key_id,
                public_key_fingerprint,
                signature_b64,
                signed_message: BundleMessage,
                signed_at,
                bundle_sha256: Digest::from_bytes([0; 32]),
            },
        };
        bundle.bundle_signature.bundle_sha256 = bundle.digest();
        bundle
    }

    /// Assembles the bundle and signs it.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn sign(
        self,
        signed_at: TimestampMicros,
        signer: &dyn Signer,
    ) -> Result<Bundle, SignerError> {
        let mut bundle = self.with_signature(
            signer.key_id().clone(),
            signer.fingerprint(),
            SignatureBytes::from_bytes([0; 64]),
            signed_at,
        );
        let digest = bundle.bundle_signature.bundle_sha256;
        bundle.bundle_signature.signature_b64 = signer.sign(&digest)?;
        Ok(bundle)
    }
}

impl<S> Bundle<S> {
    /// The registry that the bundle's own keys speak for: the signer of the first event under a key
    /// that the bundle carries without a signer (SPEC 8). If another such event names another
    /// registry, it is invalid, so a sound bundle has one.
    pub fn registry_id(&self) -> &str {
        let keys = self.public_keys.iter();
        let own_keys: BTreeSet<Fingerprint> = keys
            .filter(|object| object.signer.is_none())
            .map(|object| object.key.fingerprint())
            .collect();
        self.events
            .iter()
            .map(|event| &event.signer)
            .find(|signer| own_keys.contains(&signer.public_key_fingerprint))
            .map_or("", |signer| signer.signer_id.as_str())
    }
}

impl Bundle {
    /// Reads a bundle strictly.
    ///
    /// # Errors
    /// [`DecodeError`], which names the path of the first fault. What it means that a bundle can
    /// be read is little: see [`crate::verify`].
    pub fn from_slice(bytes: &[u8]) -> Result<Bundle, DecodeError> {
        canonical::from_slice(bytes)
    }

    /// `bundle_sha256`: the hash of the bundle without its signature.
    pub fn digest(&self) -> Digest {
        canonical::digest_without(self, &UNHASHED).expect("a bundle holds nothing that JSON cannot")
    }

    /// The canonical text that [`digest`](Self::digest) hashes.
    pub(crate) fn content(&self) -> Vec<u8> {
        canonical::to_vec_without(self, &UNHASHED).expect("a bundle holds nothing that JSON cannot")
    }

    /// [`Bundle::digest`] of a bundle whose text was written from what was read.
    pub(crate) fn digest_of_text(bundle: &ObjectText<'_>) -> Digest {
        bundle.digest_without(&UNHASHED)
    }

    /// The bundle as published: compact JSON, no newline at the end (SPEC 8).
    pub fn to_wire(&self) -> Vec<u8> {
        canonical::wire(self).expect("a bundle holds nothing that JSON cannot")
    }
}
