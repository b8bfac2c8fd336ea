//! `correction`: something said of the paper is wrong, and what is right.

use serde::{Deserialize, Serialize};

use super::EventId;
use super::words::Line;
use crate::canonical::Json;
use crate::text::nullable;

/// The payload of a `correction`; the event's target says what part of the paper is corrected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// The event that says what is wrong; null if it is in no event.
    #[serde(deserialize_with = "nullable")]
    pub corrected_event_id: Option<EventId>,
    /// Which member of that event's payload, or of the target, such as `paper.title`.
    pub member: Line,
    /// Why.
    pub reason: Line,
    /// What should stand there; null if nothing should.
    pub replacement: Json,
}
