//! The canonical record of a paper: what a Pith Number is the digest of (SPEC 2).

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::arxiv::{ArxivId, Category, Paper, text};
use crate::canonical;
use crate::digest::Digest;
use crate::text::constant;
use crate::time::Timestamp;

constant! {
    /// `schema_version` of records and events.
    SchemaVersion = "1.0"
}

constant! {
    /// The only kind of source there is.
    ArxivKind = "arxiv"
}

/// A canonical record; fields stand in wire order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanonicalRecord {
    /// Which paper, in which version.
    pub source: RecordSource,
    /// What the paper is identified by.
    pub metadata: RecordMetadata,
    /// The version of these rules.
    pub schema_version: SchemaVersion,
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSource {
    /// The arXiv id, without version.
    pub id: ArxivId,
    /// Always arXiv.
    pub kind: ArxivKind,
    /// The version whose title and abstract were hashed.
    pub version: NonZeroU32,
}

impl RecordSource {
    /// The arXiv id with version, such as `1706.02379v3`.
    pub fn arxiv_version(&self) -> String {
        format!("{}v{}", self.id, self.version)
    }
}

/// The metadata that a record holds; authors, DOI, journal and comments are not among it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordMetadata {
    /// The licence's URL as arXiv gives it; empty where it has none.
    pub license: String,
    /// The first of the paper's categories.
    pub primary_cat: Category,
    /// When version 1 was submitted.
    pub submitted_at: Timestamp,
    /// The other categories.
    pub cross_cats_sorted: CrossCategories,
    /// SHA-256 of the canonical title.
    pub title_canon_sha256: Digest,
    /// SHA-256 of the canonical abstract.
    pub abstract_canon_sha256: Digest,
}

/// Categories beside the primary one, sorted by code point, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Category>")]
pub struct CrossCategories(Vec<Category>);

impl CrossCategories {
    /// The cross-lists of a paper with these `categories`, of which the first is primary.
    pub fn of(categories: &[Category]) -> Self {
        let Some((primary, others)) = categories.split_first() else {
            return CrossCategories::default();
        };
        let mut sorted: Vec<_> = others.iter().filter(|c| *c != primary).cloned().collect();
        sorted.sort();
        sorted.dedup();
        CrossCategories(sorted)
    }

    /// The categories in order.
    pub fn as_slice(&self) -> &[Category] {
        &self.0
    }
}

impl TryFrom<Vec<Category>> for CrossCategories {
    type Error = &'static str;

    fn try_from(categories: Vec<Category>) -> Result<Self, Self::Error> {
        if categories.is_sorted_by(|a, b| a < b) {
            Ok(CrossCategories(categories))
        } else {
            Err("cross-lists must be sorted by code point, each once")
        }
    }
}

impl CanonicalRecord {
    /// The record of `paper`.
    pub fn of(paper: &Paper) -> Self {
        let collapsed = |text| text::collapse(text);
        Self::of_collapsed(
            paper,
            collapsed(paper.title()),
            collapsed(paper.abstract_text()),
        )
    }

    /// The record of `paper`, whose title and abstract the caller has collapsed.
    pub(crate) fn of_collapsed(paper: &Paper, title: String, abstract_text: String) -> Self {
        let hash = |collapsed| Digest::of(text::lower(collapsed).as_bytes());
        CanonicalRecord {
            source: RecordSource {
                id: paper.id().clone(),
                kind: ArxivKind,
                version: NonZeroU32::new(paper.version()).expect("versions count from 1"),
            },
            metadata: RecordMetadata {
                license: paper.license().to_owned(),
                primary_cat: paper.categories()[0].clone(),
                submitted_at: paper.submitted_at(),
                cross_cats_sorted: CrossCategories::of(paper.categories()),
                title_canon_sha256: hash(title),
                abstract_canon_sha256: hash(abstract_text),
            },
            schema_version: SchemaVersion,
        }
    }

    /// `canonical_sha256`: the digest of the record's canonical bytes.
    pub fn digest(&self) -> Digest {
        canonical::digest(self).expect("a record holds nothing that JSON cannot")
    }
}
