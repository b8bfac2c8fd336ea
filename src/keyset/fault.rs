//! What a keyset breaks, and how that is told.

use std::fmt;

use super::rule::Rule;

/// A rule that a keyset breaks, where, and how.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The rule.
    pub rule: Rule,
    /// What breaks it, such as `key pith-v1-2026-05`.
    pub subject: String,
    /// What is wrong with that.
    pub message: String,
}

impl Fault {
    /// A fault of `subject`.
    pub fn new(rule: Rule, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Fault {
            rule,
            subject: subject.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {} {}",
            self.rule, self.subject, self.message
        )
    }
}

/// A version of a keyset breaks its rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {version} of the keyset breaks {}", told(faults))]
pub struct Faulty {
    /// The version.
    pub version: u32,
    /// All that was found; at least one.
    pub faults: Vec<Fault>,
}

impl Faulty {
    /// Whether it breaks this rule.
    pub fn breaks(&self, rule: Rule) -> bool {
        self.faults.iter().any(|fault| fault.rule == rule)
    }

    /// `Err` if there are faults.
    pub(super) fn unless_none(version: u32, faults: Vec<Fault>) -> Result<(), Faulty> {
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Faulty { version, faults })
        }
    }

    /// The rules that are broken.
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        self.faults.iter().map(|fault| fault.rule)
    }

    /// What to do about the first fault.
    pub fn hint(&self) -> &'static str {
        self.faults.first().map_or("", |fault| fault.rule.remedy())
    }
}

fn told(faults: &[Fault]) -> String {
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
