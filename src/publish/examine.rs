//! Checking a mirror: what is missing, stale or wrong.

use serde::Serialize;

use super::error::PublishError;
use super::made::{FileOf, Maker};
use super::tree::Tree;
use crate::bulk::Judge;
use crate::bundle::Bundle;
use crate::number::Suffix;
use crate::verify::{Policy, Report, Verdict, verify_document};

/// What is the matter with a file of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// It is not there.
    Missing,
    /// It is sound, and not what should be there now.
    Stale,
    /// It is sound, and signed by a key that is not trusted.
    Untrusted,
    /// It does not verify, or is another's.
    Wrong,
}

impl Finding {
    /// The finding as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Finding::Missing => "missing",
            Finding::Stale => "stale",
            Finding::Untrusted => "untrusted",
            Finding::Wrong => "wrong",
        }
    }
}

/// A file of a mirror with which something is the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Its path in the mirror.
    pub path: String,
    /// What it is.
    pub finding: Finding,
    /// In a sentence.
    pub message: String,
}

impl Remark {
    /// What is the matter with the file at `path`.
    pub fn new(path: impl Into<String>, finding: Finding, message: impl Into<String>) -> Self {
        Remark {
            path: path.into(),
            finding,
            message: message.into(),
        }
    }

    /// There is no file at `path`.
    pub fn missing(path: impl Into<String>) -> Self {
        Remark::new(path, Finding::Missing, "is not there")
    }
}

/// What a ledger holds of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Its bundle.
    Bundle(Vec<u8>),
    /// More than any bundle that was signed.
    Unsealed,
    /// Nothing is known: there is no ledger.
    Unknown,
}

/// Checks the records of a mirror; threads may share it.
pub struct Examiner<'a> {
    tree: &'a Tree,
    policy: Policy<'a>,
    judge: Judge,
    /// Makes what should be there, where the settings of the registry are known.
    maker: Option<&'a Maker>,
}

impl<'a> Examiner<'a> {
    /// One for the mirror `tree`, judging by `policy`, which must expect no number.
    pub fn new(tree: &'a Tree, policy: Policy<'a>, maker: Option<&'a Maker>) -> Self {
        Examiner {
            tree,
            policy,
            judge: Judge::new(),
            maker,
        }
    }

    /// Goes through all files of a record.
    ///
    /// # Errors
    /// Those of the system; whatever is wrong with the mirror is a remark.
    pub fn record(&self, suffix: &Suffix, held: &Held) -> Result<Vec<Remark>, PublishError> {
        let mut remarks = Vec::new();
        let path = FileOf::Bundle.path(suffix);
        let bundle = self.tree.get(&path)?;
        let sound = match &bundle {
            None => {
                remarks.push(Remark::missing(path.as_str()));
                None
            }
            Some(bytes) => {
                let remark = self.bundle(suffix, bytes, held);
                let sound = remark
                    .as_ref()
                    .is_none_or(|(finding, _)| *finding != Finding::Wrong);
                remarks.extend(remark.map(|(finding, text)| Remark::new(path, finding, text)));
                sound.then_some(bytes)
            }
        };
        for file in FileOf::ALL {
            if file != FileOf::Bundle {
                let path = file.path(suffix);
                match self.tree.get(&path)? {
                    None => remarks.push(Remark::missing(path)),
                    Some(found) => {
                        let remark = self.file(suffix, file, &found, sound.map(Vec::as_slice))?;
                        remarks.extend(remark.map(|(f, text)| Remark::new(path, f, text)));
                    }
                }
            }
        }
        Ok(remarks)
    }

    /// Judges the bundle of a record, and compares it with the ledger's.
    fn bundle(&self, suffix: &Suffix, found: &[u8], held: &Held) -> Option<(Finding, String)> {
        let report = self.judge.verify(found, &self.policy);
        if report.verdict() == Verdict::Failed {
            return Some((Finding::Wrong, reason(&report)));
        }
        if report.pith_number.map(|number| *number.suffix()) != Some(*suffix) {
            return Some((Finding::Wrong, of_another(&report)));
        }
        if report.verdict() == Verdict::Untrusted {
            return Some((Finding::Untrusted, reason(&report)));
        }
        match held {
            Held::Bundle(bytes) if bytes == found => None,
            Held::Unknown => None,
            Held::Bundle(_) => {
                let built = Bundle::from_slice(found).map(|bundle| bundle.built_at.to_string());
                let built = built.unwrap_or_default();
                let message = format!("is not the ledger's bundle, but one built at {built}");
                Some((Finding::Stale, message))
            }
            Held::Unsealed => {
                let message = "is older than what the ledger holds, of which no bundle is signed";
                Some((Finding::Stale, message.to_owned()))
            }
        }
    }

    /// Compares another file of a record with what the sound bundle beside it gives, or judges it
    /// alone.
    fn file(
        &self,
        suffix: &Suffix,
        file: FileOf,
        found: &[u8],
        bundle: Option<&[u8]>,
    ) -> Result<Option<(Finding, String)>, PublishError> {
        if file == FileOf::Page {
            let expected = match (self.maker, bundle) {
                (Some(maker), Some(bundle)) => maker.make(bundle.to_vec())?,
                // Others may use other templates.
                _ => return Ok(None),
            };
            let same = expected.content(FileOf::Page) == found;
            let message = "is not the page that this home makes of the bundle beside it";
            return Ok((!same).then(|| (Finding::Stale, message.to_owned())));
        }
        if let Some(bundle) = bundle
            && super::made::part(bundle, file).as_deref() == Some(found)
        {
            return Ok(None);
        }
        let report = verify_document(found, &self.policy);
        let number = report.pith_number.map(|number| *number.suffix());
        Ok(Some(if report.verdict() == Verdict::Failed {
            (Finding::Wrong, reason(&report))
        } else if number != Some(*suffix) {
            (Finding::Wrong, of_another(&report))
        } else if bundle.is_some() {
            let message = "does not agree with the bundle beside it";
            (Finding::Stale, message.to_owned())
        } else {
            // What is wrong is said of the bundle.
            return Ok(None);
        }))
    }
}

fn reason(report: &Report) -> String {
    report
        .decisive()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn of_another(report: &Report) -> String {
    match report.pith_number {
        Some(number) => format!("number.expected: it is {number}'s"),
        None => "number.expected: it is no record's".to_owned(),
    }
}
