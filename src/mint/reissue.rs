//! Re-issuing receipts: a new signature of a record that was minted before (SPEC 7).

use super::MintError;
use super::contents::Contents;
use super::issuer::Issuer;
use crate::canonical;
use crate::digest::Digest;
use crate::event::{Draft, Event, EventId, Payload, RecordCreated};
use crate::keys::{Fingerprint, REGISTRY};
use crate::ledger::Issued;
use crate::receipt::Receipt;
use crate::state::{Candidate, KeyTable, merge};
use crate::time::TimestampMicros;

/// A receipt that was signed anew: the record_created that holds it, to be added to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Reissue {
    /// The event. It supersedes the one that held the old receipt.
    pub event: Event,
    /// The time of the old receipt.
    pub replaced: TimestampMicros,
}

/// The record_created events of `issued` that none of the others supersedes, by id.
fn current(issued: &Issued) -> Vec<(&Event, &RecordCreated)> {
    let created = || {
        issued
            .events
            .iter()
            .filter_map(|(_, event)| match &event.payload {
                Payload::RecordCreated(payload) => Some((event, &**payload)),
                _ => None,
            })
    };
    let superseded: Vec<EventId> = created()
        .flat_map(|(event, _)| event.supersedes.iter().copied())
        .collect();
    let mut current: Vec<_> = created()
        .filter(|(event, _)| !superseded.contains(&event.event_id))
        .collect();
    current.sort_by_key(|(event, _)| event.event_id);
    current
}

/// The receipt of `issued` that counts: when it was made, and under which key.
pub fn current_receipt(issued: &Issued) -> Option<&Receipt> {
    current(issued).first().map(|(_, payload)| &payload.receipt)
}

impl Issuer<'_> {
    /// Signs the record of `issued` anew at `now`: a receipt with a new `last_reissued_at` and the old
    /// `first_computed_at`, in a record_created that supersedes whatever created the record before.
    ///
    /// What comes back was read again from its bytes, and merges with the record's other events into a
    /// state in which it, and no other, creates the record.
    ///
    /// # Errors
    /// [`MintError::ClockBehind`] if `now` is before the receipt there is; [`MintError::SelfCheck`]; those
    /// of the signer.
    pub fn reissue(&self, issued: &Issued, now: TimestampMicros) -> Result<Reissue, MintError> {
        let contents = Contents::from(issued);
        let Some(signer) = self.signer else {
            return Err(contents.must_be_signed());
        };
        let current = current(issued);
        let Some((_, payload)) = current.first() else {
            return Err(contents.failed("no event creates the record".to_owned()));
        };
        let latest = current
            .iter()
            .map(|(_, payload)| payload.receipt.last_reissued_at);
        let latest = latest.max().unwrap_or(now);
        if now <= latest {
            return Err(MintError::ClockBehind {
                number: issued.number,
                now,
                latest,
            });
        }
        let receipt = payload.receipt.reissue(&issued.record, now, signer)?;
        let payload = RecordCreated::new(issued.record.clone(), receipt);
        let mut draft = Draft::record_created(issued.number, payload);
        draft.supersedes = current.iter().map(|(event, _)| event.event_id).collect();
        let event = draft.sign(&self.profile.registry_id, REGISTRY, now, signer)?;
        self.check_reissued(issued, &event)?;
        Ok(Reissue {
            event,
            replaced: latest,
        })
    }

    /// Judges the event as anybody would who has it with the record's other events.
    fn check_reissued(&self, issued: &Issued, event: &Event) -> Result<(), MintError> {
        let contents = Contents::from(issued);
        let fail = |message: String| contents.failed(message);
        let wire = canonical::wire(event).map_err(|error| fail(error.to_string()))?;
        let event: Event = canonical::from_slice(&wire).map_err(|error| fail(error.to_string()))?;
        let (id, digest) = (event.event_id, issued.record.digest());
        if !signed_by(&event, &digest, self.key.key.fingerprint()) {
            return Err(fail(
                "the new receipt is not the published key's".to_owned(),
            ));
        }
        let mut keys = contents.keys(&self.book)?;
        keys.retain(|key| key.key != self.key.key);
        keys.push(self.key.clone());
        let table = KeyTable::of_published(&keys, &self.profile.registry_id)
            .map_err(|error| fail(error.to_string()))?;
        let events = issued
            .events
            .iter()
            .map(|(_, event)| Candidate::from(event.clone()));
        let candidates = events.chain([Candidate::from(event)]);
        let state = merge(issued.number, candidates, issued.aliases.clone(), &table).state;
        if let Some(invalid) = state.invalid_events.first() {
            return Err(fail(format!("not valid: {}", invalid.reason.as_str())));
        }
        let creates = state.current.record_created.as_ref();
        let doubled = state
            .equivocations
            .iter()
            .any(|group| group.event_ids.contains(&id));
        if doubled || creates.is_none_or(|entry| entry.event_id != id) {
            return Err(fail(
                "the new event does not supersede the old one".to_owned(),
            ));
        }
        Ok(())
    }
}

fn signed_by(event: &Event, digest: &Digest, key: Fingerprint) -> bool {
    matches!(&event.payload, Payload::RecordCreated(payload)
        if payload.receipt.public_key_fingerprint == key
            && payload.receipt.canonical_sha256 == *digest)
}
