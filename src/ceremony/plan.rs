//! Planning a ceremony: its folder, with a runbook for this registry, these people and these dates.

use minijinja::{Value, context};

use super::error::CeremonyError;
use super::name::CeremonyName;
use super::opening::{Kind, Opening, OpeningType, SchemaVersion};
use super::templates::Templates;
use crate::digest::Digest;
use crate::keys::KeyId;
use crate::keyset::SafetyPolicy;
use crate::time::{Timestamp, TimestampMicros};
use crate::words::spoken_head;

/// In seconds.
const DAY: u32 = 24 * 60 * 60;

/// What a ceremony is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: CeremonyName,
    /// Its kind.
    pub kind: Kind,
    /// The registry.
    pub registry_id: String,
    /// Where the registry publishes.
    pub base_url: String,
    /// When it is planned.
    pub opened_at: TimestampMicros,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
    /// Who takes part, by the labels of their keys.
    pub custodians: Vec<KeyId>,
    /// How many of them have to sign.
    pub threshold: u32,
    /// The signing key that it is about: the first, the old, the compromised, the lost one.
    pub key: KeyId,
    /// The key that takes over, where one does.
    pub new_key: Option<KeyId>,
    /// When that key may become active, if it is published as `next` already.
    pub new_key_due: Option<Timestamp>,
    /// How long keys are published before and after.
    pub policy: SafetyPolicy,
    /// The version of the program.
    pub tool_version: String,
    /// SHA-256 of the program.
    pub binary_sha256: Digest,
}

impl Plan {
    /// The runbook, and the opening that names its digest.
    ///
    /// # Errors
    /// [`CeremonyError::Template`] if the runbook cannot be rendered; those of the system.
    pub fn render(self, templates: &Templates) -> Result<(Opening, String), CeremonyError> {
        let runbook = templates.render(&format!("{}.md", self.kind), self.values())?;
        let opening = Opening {
            ceremony_type: OpeningType,
            schema_version: SchemaVersion,
            name: self.name,
            kind: self.kind,
            registry_id: self.registry_id,
            opened_at: self.opened_at,
            rehearsal: self.rehearsal,
            custodians: self.custodians,
            threshold: self.threshold,
            runbook_sha256: Digest::of(runbook.as_bytes()),
            tool_version: self.tool_version,
            binary_sha256: self.binary_sha256,
        };
        Ok((opening, runbook))
    }

    fn publish_days(&self) -> u32 {
        self.policy.publish_safety_seconds.div_ceil(DAY)
    }

    fn retire_days(&self) -> u32 {
        self.policy.retire_safety_seconds.div_ceil(DAY)
    }

    fn values(&self) -> Value {
        let text = |id: &KeyId| id.to_string();
        let custodians: Vec<String> = self.custodians.iter().map(text).collect();
        // The first whole second in which something can be done.
        let start = self.opened_at.seconds().unix() + 1;
        let activation = match self.new_key_due {
            Some(due) => due.unix().max(start),
            // The first part is held within a day of planning; if it is not, the runbook has a box for it.
            None => start + days(self.publish_days() + 1),
        };
        let removal = activation + days(self.retire_days());
        context! {
            name => self.name.as_str(),
            kind => self.kind.as_str(),
            registry_id => self.registry_id.as_str(),
            base_url => self.base_url.as_str(),
            opened_at => self.opened_at.seconds().to_string(),
            rehearsal => self.rehearsal,
            custodians => custodians,
            threshold => self.threshold,
            // Of a key that one share brings back every share is a copy.
            share_threshold => self.threshold.max(2),
            key => self.key.as_str(),
            new_key => self.new_key.as_ref().map(text).unwrap_or_default(),
            publish_days => self.publish_days(),
            retire_days => self.retire_days(),
            published => self.new_key_due.is_some(),
            ready => self.new_key_due.is_some_and(|due| due.unix() <= start),
            start => time(start),
            activation => time(activation),
            removal => time(removal),
            rehearsal_flag => if self.rehearsal { " --rehearsal" } else { "" },
            tool_version => self.tool_version.as_str(),
            binary_sha256 => self.binary_sha256.to_string(),
            binary_words => spoken_head(&self.binary_sha256),
        }
    }
}

/// So many days, in seconds.
fn days(count: u32) -> i64 {
    i64::from(count) * i64::from(DAY)
}

fn time(unix: i64) -> String {
    Timestamp::from_unix(unix).map_or_else(|| "the year 10000".to_owned(), |time| time.to_string())
}
