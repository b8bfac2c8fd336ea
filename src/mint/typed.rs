//! Minting by typed values, where a snapshot holds more than the forms have blanks for.

use super::MintError;
use super::contents::Contents;
use super::issuer::Issuer;
use super::plan::Prepared;
use crate::event::{Draft, Event, RecordCreated};
use crate::keys::REGISTRY;
use crate::ledger::{Issued, NewRecord};
use crate::number::aliases_at;
use crate::receipt::Receipt;
use crate::snapshot::{GraphSnapshot, SnapshotContent};
use crate::time::TimestampMicros;

impl Issuer<'_> {
    /// Signs a record's receipt and its two events at `now`, and its bundle, which goes to `wire`, if
    /// that is wanted. All of it is read back and judged as anybody's.
    pub(super) fn mint_typed(
        &self,
        paper: &Prepared,
        content: &SnapshotContent,
        now: TimestampMicros,
        wire: Option<&mut Vec<u8>>,
    ) -> Result<NewRecord, MintError> {
        let Prepared { record, number, .. } = paper;
        let signer = self.signer().ok_or_else(|| MintError::NothingMayBeSigned {
            number: *number,
            arxiv: record.source.arxiv_version(),
        })?;
        let profile = self.profile();
        let (registry_id, builder) = (&profile.registry_id, &profile.builder_version);
        let sign = |draft: Draft| draft.sign(registry_id, REGISTRY, now, signer);
        let receipt = Receipt::issue(record, builder, now, signer)?;
        let created = RecordCreated::new(record.clone(), receipt);
        let mut shown = GraphSnapshot::from_parts(paper.text.clone(), record, builder);
        content.fill(&mut shown);
        let events: Vec<Event> = vec![
            sign(Draft::record_created(*number, created))?,
            sign(Draft::graph_snapshot(*number, shown, now.seconds()))?,
        ];
        let mut new = NewRecord {
            record: record.clone(),
            number: *number,
            aliases: aliases_at(record, number, now.seconds()),
            events,
            seal: None,
        };
        match wire {
            None => self.check_events(*number, &new.events, &new.aliases, record)?,
            Some(wire) => {
                let issued = Issued {
                    record: new.record.clone(),
                    number: new.number,
                    aliases: new.aliases.clone(),
                    events: (1..).zip(new.events.iter().cloned()).collect(),
                    bundle: None,
                };
                let (seal, bundle) = self.seal(&Contents::from(&issued), now)?;
                wire.extend_from_slice(&bundle);
                new.seal = Some(seal);
            }
        }
        Ok(new)
    }
}
