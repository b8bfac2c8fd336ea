//! Keys that are published and wait for their turn.

use super::{Home, HomeError};
use crate::keyset::{Chain, SigningKey};
use crate::time::Timestamp;

impl Home {
    /// From when on `entry` of the version in force, which is `next`, may be active, if the policy stays as it
    /// is. `None` if it is not known when it was published, or if that is later than any date.
    ///
    /// # Errors
    /// As [`published`](Self::published).
    pub fn may_be_active_from(
        &self,
        chain: &Chain,
        entry: &SigningKey,
    ) -> Result<Option<Timestamp>, HomeError> {
        let mut versions = chain.versions().iter();
        let first = versions.find(|version| version.named(&entry.key.key_id).is_some());
        let published = self.published()?;
        let seen = first.and_then(|first| published.iter().find(|p| p.version == first.version));
        // A draft may have been made long before it was published; the keyset's own date is the earliest.
        let since = seen.map(|seen| seen.published_at.max(entry.published_at));
        let safety = chain.publish_safety(chain.latest(), entry.published_at);
        Ok(since.and_then(|since| {
            let due = since.unix().saturating_add(safety.into());
            Timestamp::from_unix(due)
        }))
    }
}
