//! What a snapshot shows beyond the metadata: claims, a verdict, references, formal statements and
//! claims of authorship, as somebody has worked them out.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    AuthorClaimsSection, ClaimsSection, FormalCanonSection, GraphSnapshot, ReferencesSection,
    VerdictSection, snapshot_sha256,
};
use crate::canonical::{self, DecodeError, Json, Numbers, Open};

/// How many references a snapshot shows where the content does not choose.
const SAMPLE: usize = 10;

/// How deep the content may nest, so that it fits into an event's payload.
const MAX_CONTENT_DEPTH: usize = 64;

/// The content of one paper's snapshot; what is left out stays empty.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotContent {
    /// The paper: an arXiv id, with a version or for whichever version is minted.
    pub arxiv_id: String,
    /// All claims, each with a `claim_id` of its own.
    #[serde(default)]
    pub claims: Vec<Json>,
    /// What a reviewer made of the paper, with all members that the section has.
    #[serde(default)]
    pub verdict: Option<Open<VerdictSection>>,
    /// What the paper cites.
    #[serde(default)]
    pub references: References,
    /// All formal statements.
    #[serde(default)]
    pub formal_canon: Vec<Json>,
    /// All claims of authorship; those whose `strength` is `strong` are counted.
    #[serde(default)]
    pub author_claims: Vec<Json>,
}

/// What a paper cites.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct References {
    /// All references.
    pub items: Vec<Json>,
    /// Those that are shown; the first ten if it is left out.
    #[serde(default)]
    pub sample: Option<Vec<Json>>,
    /// How many were resolved to a work.
    pub resolved_work: u64,
    /// How many point into this registry.
    pub internal_anchors: u64,
}

/// A line is no content for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It contradicts itself, or what a snapshot can hold.
    #[error("at {path}: {message}")]
    Unfit {
        /// Where, such as `claims[1]`.
        path: String,
        /// What is wrong there.
        message: String,
    },
}

impl SnapshotContent {
    /// Reads the content of one paper, a JSON object without floats.
    ///
    /// # Errors
    /// [`ContentError`], with the place of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ContentError> {
        let node = canonical::read(bytes, Numbers::Integers).map_err(DecodeError::from)?;
        if node.nests_deeper_than(MAX_CONTENT_DEPTH) {
            let message = format!("nests deeper than {MAX_CONTENT_DEPTH} levels");
            return Err(unfit("top level", message));
        }
        let content: SnapshotContent = canonical::from_tree(&node)?;
        content.check().map(|()| content)
    }

    fn check(&self) -> Result<(), ContentError> {
        let mut ids = BTreeSet::new();
        for (index, claim) in self.claims.iter().enumerate() {
            let id = claim.get("claim_id").and_then(Json::as_str);
            let id = id.filter(|id| !id.is_empty());
            if !id.is_some_and(|id| ids.insert(id)) {
                let path = format!("claims[{index}]");
                return Err(unfit(&path, "a claim has a claim_id that no other has"));
            }
        }
        let References {
            items,
            sample,
            resolved_work,
            internal_anchors,
        } = &self.references;
        let shown = sample.as_ref().map_or(0, Vec::len) as u64;
        for (member, count) in [
            ("sample", shown),
            ("resolved_work", *resolved_work),
            ("internal_anchors", *internal_anchors),
        ] {
            if count > items.len() as u64 {
                let message = format!("there are {} references in items", items.len());
                return Err(unfit(&format!("references.{member}"), message));
            }
        }
        Ok(())
    }

    /// Fills the sections of `snapshot`, each with the hash of its full list (SPEC 6).
    pub fn fill(&self, snapshot: &mut GraphSnapshot) {
        let sections = &mut snapshot.known;
        let count = |list: &[Json]| list.len() as u64;
        sections.claims = Open::from(ClaimsSection {
            count: count(&self.claims),
            items: self.claims.clone(),
            snapshot_sha256: snapshot_sha256(&self.claims),
        });
        if let Some(verdict) = &self.verdict {
            sections.paper.known.headline = verdict.pith_extraction_headline.clone();
            sections.verdict = verdict.clone();
        }
        let items = &self.references.items;
        let sample = self.references.sample.clone();
        sections.references = Open::from(ReferencesSection {
            count: count(items),
            sample: sample.unwrap_or_else(|| items.iter().take(SAMPLE).cloned().collect()),
            resolved_work: self.references.resolved_work,
            snapshot_sha256: snapshot_sha256(items),
            internal_anchors: self.references.internal_anchors,
        });
        sections.formal_canon = Open::from(FormalCanonSection {
            evidence_count: count(&self.formal_canon),
            snapshot_sha256: snapshot_sha256(&self.formal_canon),
        });
        let strong = |claim: &&Json| claim.get("strength").and_then(Json::as_str) == Some("strong");
        sections.author_claims = Open::from(AuthorClaimsSection {
            count: count(&self.author_claims),
            strong_count: self.author_claims.iter().filter(strong).count() as u64,
            snapshot_sha256: snapshot_sha256(&self.author_claims),
        });
    }
}

fn unfit(path: &str, message: impl Into<String>) -> ContentError {
    ContentError::Unfit {
        path: path.to_owned(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let read = SnapshotContent::from_slice(text.as_bytes());
        read.unwrap_err().to_string()
    }

    #[test]
    fn faults_name_their_place() {
        for (text, place) in [
            ("{}", "arxiv_id"),
            (r#"{"arxiv_id":"1","more":1}"#, "more"),
            (
                r#"{"arxiv_id":"1","claims":[{"claim_id":"C1"},{"claim_id":"C1"}]}"#,
                "claims[1]",
            ),
            (r#"{"arxiv_id":"1","claims":["C1"]}"#, "claims[0]"),
            (
                r#"{"arxiv_id":"1","claims":[{"claim_id":"C1","weight":0.5}]}"#,
                "claims[0].weight",
            ),
            (r#"{"arxiv_id":"1","verdict":{"id":"v"}}"#, "verdict"),
            (
                r#"{"arxiv_id":"1","references":{"items":[],"resolved_work":1,"internal_anchors":0}}"#,
                "references.resolved_work",
            ),
            (
                r#"{"arxiv_id":"1","references":{"items":[],"sample":[1],"resolved_work":0,"internal_anchors":0}}"#,
                "references.sample",
            ),
            (
                &format!(
                    r#"{{"arxiv_id":"1","formal_canon":{}{}}}"#,
                    "[".repeat(64),
                    "]".repeat(64)
                ),
                "64 levels",
            ),
        ] {
            let error = error(text);
            assert!(error.contains(place), "{text}: {error}");
        }
        assert!(SnapshotContent::from_slice(br#"{"arxiv_id":"1"}"#).is_ok());
    }
}
