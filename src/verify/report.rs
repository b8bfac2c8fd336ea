//! What a verification found.

use std::fmt;

use serde::Serialize;

use super::code::Code;
use super::document::DocumentKind;
use crate::number::PithNumber;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Ok,
    /// Worth knowing, but not decisive.
    Note,
    /// Sound, but signed by a key that is not trusted.
    Untrusted,
    /// It does not hold.
    Failed,
}

/// One check and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which check.
    pub code: Code,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was about, such as `events[1]`.
    pub subject: String,
    /// What was found, in a sentence.
    pub message: String,
    /// What should have been there, where there is something to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {} {}",
            self.code, self.subject, self.message
        )
    }
}

/// What a verification amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything holds and the keys are trusted.
    Verified,
    /// Sound in itself, but signed by a key that is not trusted.
    Untrusted,
    /// Something does not hold.
    Failed,
}

/// What a verification of one document found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What kind of document it was taken for.
    pub kind: DocumentKind,
    /// The record it is about, as far as it could be read.
    pub pith_number: Option<PithNumber>,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(kind: DocumentKind) -> Self {
        Report {
            kind,
            pith_number: None,
            checks: Vec::new(),
        }
    }

    /// What the checks amount to: the worst of them decides.
    pub fn verdict(&self) -> Verdict {
        let has = |outcome| self.checks.iter().any(|check| check.outcome == outcome);
        if has(Outcome::Failed) {
            Verdict::Failed
        } else if has(Outcome::Untrusted) {
            Verdict::Untrusted
        } else {
            Verdict::Verified
        }
    }

    /// The first check that decided against the document, the worst kind first.
    pub fn decisive(&self) -> Option<&Check> {
        let first = |outcome| self.checks.iter().find(|check| check.outcome == outcome);
        first(Outcome::Failed).or_else(|| first(Outcome::Untrusted))
    }

    pub(crate) fn add(
        &mut self,
        code: Code,
        outcome: Outcome,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.checks.push(Check {
            code,
            outcome,
            subject: subject.into(),
            message: message.into(),
            expected: None,
            found: None,
        });
    }

    pub(crate) fn ok(&mut self, code: Code, subject: &str, message: impl Into<String>) {
        self.add(code, Outcome::Ok, subject, message);
    }

    pub(crate) fn fail(&mut self, code: Code, subject: &str, message: impl Into<String>) {
        self.add(code, Outcome::Failed, subject, message);
    }

    /// Compares what is there with what should be; says nothing more than that when they differ.
    pub(crate) fn compare<T: PartialEq + ToString>(
        &mut self,
        code: Code,
        subject: &str,
        found: &T,
        expected: &T,
        holds: &str,
    ) {
        if found == expected {
            self.ok(code, subject, holds);
        } else {
            self.checks.push(Check {
                code,
                outcome: Outcome::Failed,
                subject: subject.to_owned(),
                message: match code {
                    Code::NumberExpected => "is not the number asked for",
                    Code::TranscriptProducts => "is not what the transcript says was written there",
                    _ => "differs from what the rest of the document gives",
                }
                .to_owned(),
                expected: Some(expected.to_string()),
                found: Some(found.to_string()),
            });
        }
    }
}
