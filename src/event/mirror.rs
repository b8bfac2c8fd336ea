//! `mirror_hint`: somebody else publishes the bundle too.

use serde::{Deserialize, Serialize};

use super::words::{BaseAddress, Line};
use crate::text::constant;

constant! {
    /// The only type of mirror.
    MirrorType = "https"
}

/// The payload of a `mirror_hint`. Where the bundle is follows from the base address and the number,
/// as for the registry's own mirrors (SPEC 8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MirrorHintPayload {
    /// The mirror's address.
    pub base_url: BaseAddress,
    /// Always https.
    pub mirror_type: MirrorType,
    /// The mirror's name.
    pub name: Line,
}
