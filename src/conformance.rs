//! A corpus of cases with the verdicts that every implementation of the protocol has to reach.
//!
//! A folder holds documents and `manifest.json`, which says of each what it shows, what a verifier has
//! beforehand, and what it finds. `tests/conformance/README.md` describes the form for those who write
//! another implementation.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::canonical::{self, DecodeError, Json, Node, Numbers, from_tree};
use crate::digest::Digest;
use crate::keys::PublicKeyObject;
use crate::keys::share::{Commitments, KeyShare};
use crate::number::{PithNumber, SourceAlias};
use crate::record::CanonicalRecord;
use crate::state::{Candidate, KeyTable, merge};
use crate::text::constant;
use crate::time::Timestamp;
use crate::verify::{Code, Outcome, Policy, Report, Verdict, verify_document};

/// The name of a corpus's list of cases.
pub const CORPUS_FILE: &str = "manifest.json";

constant! {
    /// What the list of a corpus calls itself.
    CorpusType = "pith_conformance_corpus"
}

constant! {
    /// The version of its form.
    CorpusVersion = "1.0"
}

/// The list of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// Always a corpus.
    pub corpus_type: CorpusType,
    /// The version of its form.
    pub schema_version: CorpusVersion,
    /// The time by the verifier's clock.
    pub now: Timestamp,
    /// The cases, sorted by path.
    pub cases: Vec<Case>,
}

impl Corpus {
    /// Reads the list strictly.
    ///
    /// # Errors
    /// [`DecodeError`], with the path of the first fault.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DecodeError> {
        canonical::from_slice(bytes)
    }
}

/// A document and what is to be found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The document, below the corpus's folder.
    pub path: String,
    /// What it is judged as.
    pub kind: CaseKind,
    /// What the case is there for.
    pub shows: String,
    /// What a verifier has beforehand.
    #[serde(default, skip_serializing_if = "Given::is_nothing")]
    pub given: Given,
    /// What a verifier finds.
    pub verdict: CaseVerdict,
    /// The checks that decide, sorted: those that fail, or else those for want of which it is untrusted.
    pub codes: BTreeSet<String>,
    /// What is noted of it, sorted; asked only where nothing fails.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub notes: BTreeSet<String>,
    /// What is computed from it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gives: BTreeMap<String, String>,
    /// A file with the state that the merge gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// What a verifier has before it meets a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// A file with what it trusts: a list of trusted keys, or a keyset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyset: Option<String>,
    /// Files of public keys that it trusts besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trust: Vec<String>,
    /// The time as of which it judges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The number that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<PithNumber>,
    /// Headers of Bitcoin blocks that it believes, as `HEIGHT:HEX`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub block_headers: Vec<String>,
    /// How many entries of a transcript were read aloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The head of a transcript that was read aloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Digest>,
    /// Whether the text is open content, where floats may stand.
    #[serde(skip_serializing_if = "is_false")]
    pub open_content: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Given {
    fn is_nothing(&self) -> bool {
        *self == Given::default()
    }
}

/// What the document of a case is judged as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// A JSON text, which is read strictly and written canonically.
    Json,
    /// A canonical record.
    Record,
    /// A published public key.
    PublicKey,
    /// A record with its receipt.
    Receipt,
    /// An event on its own.
    Event,
    /// A state on its own.
    State,
    /// A bundle.
    Bundle,
    /// A keyset.
    Keyset,
    /// Candidates to be merged, with the keys that are known.
    Merge,
    /// A share of a private key.
    Share,
    /// The list of a division's shares.
    ShareCommitments,
    /// The transcript of a ceremony, with the other files of its folder.
    Transcript,
}

/// What is found of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseVerdict {
    /// Everything holds, and the keys are trusted.
    Ok,
    /// It is sound, and not signed by a key that is trusted.
    Untrusted,
    /// Something does not hold.
    Bad,
}

impl CaseVerdict {
    /// The verdict as the list writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CaseVerdict::Ok => "ok",
            CaseVerdict::Untrusted => "untrusted",
            CaseVerdict::Bad => "bad",
        }
    }
}

/// What this toolkit found of a case's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it amounts to.
    pub verdict: CaseVerdict,
    /// The checks that decided.
    pub codes: BTreeSet<String>,
    /// What was noted.
    pub notes: BTreeSet<String>,
    /// What was computed.
    pub gives: BTreeMap<String, String>,
    /// The canonical text of the state that a merge gave.
    pub state: Option<Vec<u8>>,
}

impl Found {
    fn ok() -> Self {
        Found {
            verdict: CaseVerdict::Ok,
            codes: BTreeSet::new(),
            notes: BTreeSet::new(),
            gives: BTreeMap::new(),
            state: None,
        }
    }

    fn bad(code: Code) -> Self {
        Found {
            verdict: CaseVerdict::Bad,
            codes: BTreeSet::from([code.to_string()]),
            ..Found::ok()
        }
    }

    fn giving(mut self, name: &str, value: impl ToString) -> Self {
        self.gives.insert(name.to_owned(), value.to_string());
        self
    }
}

impl From<&Report> for Found {
    fn from(report: &Report) -> Self {
        let codes = |outcome| {
            let checks = report.checks.iter();
            let some = checks.filter(move |check| check.outcome == outcome);
            some.map(|check| check.code.to_string()).collect()
        };
        let (verdict, decisive) = match report.verdict() {
            Verdict::Verified => (CaseVerdict::Ok, BTreeSet::new()),
            Verdict::Untrusted => (CaseVerdict::Untrusted, codes(Outcome::Untrusted)),
            Verdict::Failed => (CaseVerdict::Bad, codes(Outcome::Failed)),
        };
        Found {
            verdict,
            codes: decisive,
            notes: codes(Outcome::Note),
            ..Found::ok()
        }
    }
}

/// What the document of a merge case holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeSet {
    subject: PithNumber,
    registry_id: String,
    public_keys: Vec<PublicKeyObject>,
    source_aliases: Vec<SourceAlias>,
    /// They are taken from the tree: any value may stand for an event.
    #[serde(rename = "events")]
    _events: Vec<IgnoredAny>,
}

/// Judges the document of a case. A part of a transcript is none: see [`crate::ceremony::check`].
pub fn judge(kind: CaseKind, bytes: &[u8], open_content: bool, policy: &Policy) -> Found {
    let judged = match kind {
        CaseKind::Json => judge_json(bytes, open_content),
        CaseKind::Record => judge_record(bytes),
        CaseKind::PublicKey => canonical::from_slice(bytes).map(|object: PublicKeyObject| {
            Found::ok().giving("fingerprint_sha256_hex", object.key.fingerprint())
        }),
        CaseKind::Merge => judge_merge(bytes),
        CaseKind::Share => {
            return match KeyShare::from_slice(bytes) {
                Ok(share) => Found::ok().giving("share_sha256", share.digest()),
                Err(_) => Found::bad(Code::DocumentShape),
            };
        }
        CaseKind::ShareCommitments => {
            Commitments::from_slice(bytes).map(|list| match list.verify() {
                Ok(()) => Found::ok(),
                Err(_) => Found::bad(Code::DocumentShape),
            })
        }
        CaseKind::Receipt
        | CaseKind::Event
        | CaseKind::State
        | CaseKind::Bundle
        | CaseKind::Keyset
        | CaseKind::Transcript => return Found::from(&verify_document(bytes, policy)),
    };
    judged.unwrap_or_else(|_| Found::bad(Code::DocumentShape))
}

fn judge_json(bytes: &[u8], open_content: bool) -> Result<Found, DecodeError> {
    let numbers = match open_content {
        true => Numbers::PythonFloats,
        false => Numbers::Integers,
    };
    let value = Json::from(canonical::read(bytes, numbers)?);
    Ok(match canonical::digest(&value) {
        Ok(digest) => Found::ok().giving("sha256", digest),
        Err(_) => Found::bad(Code::DocumentShape),
    })
}

fn judge_record(bytes: &[u8]) -> Result<Found, DecodeError> {
    let record: CanonicalRecord = canonical::from_slice(bytes)?;
    let digest: Digest = record.digest();
    Ok(Found::ok()
        .giving("canonical_sha256", digest)
        .giving("pith_number", PithNumber::of(&record, &digest)))
}

fn judge_merge(bytes: &[u8]) -> Result<Found, DecodeError> {
    let tree = canonical::read(bytes, Numbers::PythonFloats)?;
    let set: MergeSet = from_tree(&tree)?;
    let Ok(keys) = KeyTable::of_published(&set.public_keys, &set.registry_id) else {
        return Ok(Found::bad(Code::BundleKeys));
    };
    let events = match tree.get("events") {
        Some(Node::Array(events)) => events.as_slice(),
        _ => &[],
    };
    let candidates = events.iter().cloned().map(Candidate::read);
    let merged = merge(set.subject, candidates, set.source_aliases, &keys);
    let mut found = Found::ok();
    if !merged.dangling.is_empty() {
        found.notes.insert(Code::EventsDangling.to_string());
    }
    if !merged.state.equivocations.is_empty() {
        found.notes.insert(Code::EventsEquivocation.to_string());
    }
    found.state = canonical::to_vec(&merged.state).ok();
    Ok(found)
}

impl Case {
    /// How what was found differs from what is to be found; `state` is the file of the expected state.
    pub fn differences(&self, found: &Found, state: Option<&[u8]>) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: String, found: String| {
            if expected != found {
                differences.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        let verdicts = (self.verdict.as_str(), found.verdict.as_str());
        compare("verdict", verdicts.0.to_owned(), verdicts.1.to_owned());
        compare("codes", names(&self.codes), names(&found.codes));
        if self.verdict != CaseVerdict::Bad {
            compare("notes", names(&self.notes), names(&found.notes));
        }
        for (name, value) in &self.gives {
            let computed = found.gives.get(name);
            let computed = computed.map_or("nothing", String::as_str);
            compare(name, value.clone(), computed.to_owned());
        }
        if self.state.is_some() && state != found.state.as_deref() {
            let digest = |bytes: Option<&[u8]>| match bytes {
                Some(bytes) => format!("text of SHA-256 {}", Digest::of(bytes)),
                None => "nothing".to_owned(),
            };
            compare("state", digest(state), digest(found.state.as_deref()));
        }
        differences
    }
}

fn names(codes: &BTreeSet<String>) -> String {
    match codes.is_empty() {
        true => "none".to_owned(),
        false => codes
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
    }
}
