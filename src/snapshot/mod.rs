//! The graph snapshot: what the registry shows of a paper beside its record (SPEC 6).

mod content;

use serde::{Deserialize, Serialize};

pub use content::{ContentError, References, SnapshotContent};

use crate::arxiv::{Category, Paper, text};
use crate::canonical::{self, Json, Open};
use crate::digest::Digest;
use crate::record::{ArxivKind, CanonicalRecord, CrossCategories, RecordSource};
use crate::text::nullable;
use crate::time::Timestamp;

/// A snapshot: sections this version knows, and any others.
pub type GraphSnapshot = Open<Sections>;

/// The known sections, in wire order: shorter keys first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sections {
    /// The paper as shown.
    pub paper: Open<PaperSection>,
    /// What it claims.
    pub claims: Open<ClaimsSection>,
    /// Where it comes from.
    pub source: Open<RecordSource>,
    /// What a reviewer, usually a model, made of it.
    pub verdict: Open<VerdictSection>,
    /// What it cites.
    pub references: Open<ReferencesSection>,
    /// Formal statements of it.
    pub formal_canon: Open<FormalCanonSection>,
    /// Who says to have written it.
    pub author_claims: Open<AuthorClaimsSection>,
    /// The version of the program that made the snapshot.
    pub builder_version: String,
}

/// The paper as shown; the record's fields stand here in readable form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaperSection {
    /// The title, white space collapsed, case kept.
    pub title: String,
    /// As in the record.
    pub license: String,
    /// A one-line summary; empty without a verdict.
    pub headline: String,
    /// As `cross_cats_sorted` in the record.
    pub cross_cats: CrossCategories,
    /// As in the record.
    pub primary_cat: Category,
    /// The authors, sorted by code point.
    pub authors_text: String,
    /// As in the record.
    pub submitted_at: Timestamp,
    /// The first 600 code points of the abstract, white space collapsed.
    pub abstract_excerpt: String,
}

/// What the paper claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimsSection {
    /// How many claims there are.
    pub count: u64,
    /// The claims.
    #[serde(serialize_with = "canonical::list_shorter_keys_first")]
    pub items: Vec<Json>,
    /// Hash of the full list, see [`snapshot_sha256`].
    pub snapshot_sha256: Digest,
}

/// What a reviewer made of the paper; empty without one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictSection {
    /// The verdict's id.
    #[serde(deserialize_with = "nullable")]
    pub id: Option<String>,
    /// The models that took part.
    #[serde(serialize_with = "canonical::shorter_keys_first")]
    pub model_set: Json,
    /// When it was made.
    #[serde(deserialize_with = "nullable")]
    pub created_at: Option<String>,
    /// The paper's strongest claim.
    pub strongest_claim: String,
    /// The paper in a line.
    pub one_line_summary: String,
    /// The version of the pipeline that made the verdict.
    #[serde(deserialize_with = "nullable")]
    pub pipeline_version: Option<String>,
    /// The assumption that is easiest to doubt.
    pub weakest_assumption: String,
    /// A headline.
    pub pith_extraction_headline: String,
}

/// What the paper cites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferencesSection {
    /// How many references there are.
    pub count: u64,
    /// Some of them.
    #[serde(serialize_with = "canonical::list_shorter_keys_first")]
    pub sample: Vec<Json>,
    /// How many were resolved to a work.
    pub resolved_work: u64,
    /// Hash of the full list, see [`snapshot_sha256`].
    pub snapshot_sha256: Digest,
    /// How many point into this registry.
    pub internal_anchors: u64,
}

/// Formal statements of the paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormalCanonSection {
    /// How many there are.
    pub evidence_count: u64,
    /// Hash of the full list, see [`snapshot_sha256`].
    pub snapshot_sha256: Digest,
}

/// Who says to have written the paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorClaimsSection {
    /// How many claims of authorship there are.
    pub count: u64,
    /// How many of them are strong.
    pub strong_count: u64,
    /// Hash of the full list, see [`snapshot_sha256`].
    pub snapshot_sha256: Digest,
}

/// The hash of a section's full list: of canonical `{"payload": list}` (SPEC 6).
pub fn snapshot_sha256(list: &[Json]) -> Digest {
    #[derive(Serialize)]
    struct Wrapped<'a> {
        payload: &'a [Json],
    }
    canonical::digest(&Wrapped { payload: list }).expect("open content is JSON")
}

/// [`snapshot_sha256`] of an empty list, a constant in every empty section.
pub const EMPTY_SNAPSHOT: Digest = Digest::from_bytes([
    0x25, 0x81, 0x53, 0x15, 0x8e, 0x38, 0xe3, 0x29, 0x1e, 0x3d, 0x48, 0x16, 0x22, 0x25, 0xfc, 0xdb,
    0x2d, 0x5a, 0x3e, 0xd6, 0x5a, 0x07, 0xba, 0xac, 0x61, 0x4a, 0xb9, 0x14, 0x32, 0xfd, 0x4f, 0x57,
]);

impl GraphSnapshot {
    /// The snapshot of a paper nobody has judged yet; `record` must be the paper's.
    pub fn unreviewed(paper: &Paper, record: &CanonicalRecord, builder_version: &str) -> Self {
        Self::from_parts(PaperText::of(paper), record, builder_version)
    }

    /// The snapshot of an unreviewed paper whose text was prepared before.
    pub fn from_parts(text: PaperText, record: &CanonicalRecord, builder_version: &str) -> Self {
        let metadata = &record.metadata;
        Open::from(Sections {
            paper: Open::from(PaperSection {
                title: text.title,
                license: metadata.license.clone(),
                headline: String::new(),
                cross_cats: metadata.cross_cats_sorted.clone(),
                primary_cat: metadata.primary_cat.clone(),
                authors_text: text.authors_text,
                submitted_at: metadata.submitted_at,
                abstract_excerpt: text.abstract_excerpt,
            }),
            claims: Open::from(ClaimsSection {
                count: 0,
                items: Vec::new(),
                snapshot_sha256: EMPTY_SNAPSHOT,
            }),
            source: Open::from(RecordSource {
                id: record.source.id.clone(),
                kind: ArxivKind,
                version: record.source.version,
            }),
            verdict: Open::from(VerdictSection {
                id: None,
                model_set: Json::Object(Default::default()),
                created_at: None,
                strongest_claim: String::new(),
                one_line_summary: String::new(),
                pipeline_version: None,
                weakest_assumption: String::new(),
                pith_extraction_headline: String::new(),
            }),
            references: Open::from(ReferencesSection {
                count: 0,
                sample: Vec::new(),
                resolved_work: 0,
                snapshot_sha256: EMPTY_SNAPSHOT,
                internal_anchors: 0,
            }),
            formal_canon: Open::from(FormalCanonSection {
                evidence_count: 0,
                snapshot_sha256: EMPTY_SNAPSHOT,
            }),
            author_claims: Open::from(AuthorClaimsSection {
                count: 0,
                strong_count: 0,
                snapshot_sha256: EMPTY_SNAPSHOT,
            }),
            builder_version: builder_version.to_owned(),
        })
    }
}

/// The parts of a snapshot that come from the paper and not from its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperText {
    /// The collapsed title.
    pub title: String,
    /// The sorted authors.
    pub authors_text: String,
    /// The start of the collapsed abstract.
    pub abstract_excerpt: String,
}

impl PaperText {
    /// What a snapshot shows of `paper`.
    pub fn of(paper: &Paper) -> Self {
        let abstract_text = text::collapse(paper.abstract_text());
        Self::of_collapsed(paper, text::collapse(paper.title()), &abstract_text)
    }

    /// What a snapshot shows of `paper`, whose title and abstract the caller has collapsed.
    pub(crate) fn of_collapsed(paper: &Paper, title: String, abstract_text: &str) -> Self {
        PaperText {
            title,
            authors_text: authors_text(paper.authors()),
            abstract_excerpt: excerpt(abstract_text),
        }
    }
}

/// The authors of arXiv's author line, sorted by code point and joined with `, ` (SPEC 6).
///
/// The line is split at every `,` and ` and `, inside parentheses too: naive, but the registry's.
pub fn authors_text(authors: &str) -> String {
    let line = text::collapse(authors);
    let mut names: Vec<&str> = line
        .split(',')
        .flat_map(|part| part.split(" and "))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.join(", ")
}

/// How many code points an excerpt has at most (SPEC 6).
pub const EXCERPT_CHARS: usize = 600;

/// The first 600 code points of the collapsed abstract, not trimmed after the cut (SPEC 6).
pub fn abstract_excerpt(abstract_text: &str) -> String {
    excerpt(&text::collapse(abstract_text))
}

fn excerpt(collapsed: &str) -> String {
    if collapsed.len() <= EXCERPT_CHARS {
        return collapsed.to_owned();
    }
    // As long as all of them are ASCII, code points need not be counted.
    if let Some(start) = collapsed.get(..EXCERPT_CHARS)
        && start.is_ascii()
    {
        return start.to_owned();
    }
    match collapsed.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => collapsed[..end].to_owned(),
        None => collapsed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lists_have_the_published_hash() {
        assert_eq!(snapshot_sha256(&[]), EMPTY_SNAPSHOT);
        assert_eq!(
            EMPTY_SNAPSHOT.to_string(),
            "258153158e38e3291e3d48162225fcdb2d5a3ed65a07baac614ab91432fd4f57"
        );
    }

    #[test]
    fn authors_are_split_naively_and_sorted() {
        for (line, expected) in [
            (
                "Hao Li, Soham De, Zheng Xu,\n  Christoph Studer and Tom Goldstein",
                "Christoph Studer, Hao Li, Soham De, Tom Goldstein, Zheng Xu",
            ),
            ("B. One, and A. Two", "A. Two, B. One"),
            ("One (Here, There and Beyond)", "Beyond), One (Here, There"),
            ("Anders Sand", "Anders Sand"),
            (" , and ,", ""),
            ("", ""),
        ] {
            assert_eq!(authors_text(line), expected);
        }
    }

    #[test]
    fn excerpts_count_code_points() {
        let long = "é".repeat(700);
        assert_eq!(abstract_excerpt(&long).chars().count(), 600);
        let ends_in_space = format!("{} tail", "x".repeat(599));
        assert_eq!(abstract_excerpt(&ends_in_space).len(), 600);
    }
}
