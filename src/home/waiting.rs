//! Keys that are published and wait for their turn.

use super::{Home, HomeError, Published};
use crate::keys::KeyId;
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
        let published = self.published()?;
        let seen = first_publication(&published, chain, &entry.key.key_id);
        // A draft may have been made long before it was published; the keyset's own date is the earliest.
        let since = seen.map(|seen| seen.published_at.max(entry.published_at));
        let safety = chain.publish_safety(chain.latest(), entry.published_at);
        Ok(since.and_then(|since| {
            let due = since.unix().saturating_add(safety.into());
            Timestamp::from_unix(due)
        }))
    }
}

/// The publication of the first version of `chain` that holds a key, if it is known.
pub(super) fn first_publication<'a>(
    published: &'a [Published],
    chain: &Chain,
    id: &KeyId,
) -> Option<&'a Published> {
    let mut versions = chain.versions().iter();
    let first = versions.find(|version| version.named(id).is_some())?;
    published.iter().find(|seen| seen.version == first.version)
}
