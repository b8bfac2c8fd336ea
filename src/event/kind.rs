//! The types of events that this version knows (SPEC 5).

use std::fmt;

use super::{GRAPH_SNAPSHOT, RECORD_CREATED};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        /// A type of event that this version knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// All of them.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$name,)*];

            /// The type as events write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(EventKind::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// The registry has made a record.
    RecordCreated = RECORD_CREATED;
    /// The registry shows a paper.
    GraphSnapshot = GRAPH_SNAPSHOT;
    /// Somebody says to have written the paper.
    AuthorAttestation = "author_attestation";
    /// The record existed at a time.
    TimestampAnchor = "timestamp_anchor";
    /// An archive has a copy.
    StorageAttestation = "storage_attestation";
    /// What a citation means.
    CitationSignature = "citation_signature";
    /// Somebody has tried the paper's claims.
    ReplicationRecord = "replication_record";
    /// Something said of the paper is wrong.
    Correction = "correction";
    /// Somebody else publishes the bundle too.
    MirrorHint = "mirror_hint";
}

impl EventKind {
    /// The kind of events of this type; `None` for types unknown here, which are kept all the same.
    pub fn of(event_type: &str) -> Option<Self> {
        EventKind::ALL
            .iter()
            .find(|kind| kind.as_str() == event_type)
            .copied()
    }

    /// Whether nobody but the registry may sign it.
    pub fn registry_only(self) -> bool {
        matches!(self, EventKind::RecordCreated | EventKind::GraphSnapshot)
    }

    /// Whether an event of this kind may be about this part of a paper.
    pub fn takes_target(self, target: &str) -> bool {
        match self {
            EventKind::GraphSnapshot => target == "graph",
            EventKind::Correction => {
                let claim = target.strip_prefix("claim:");
                matches!(target, "record" | "graph") || claim.is_some_and(|id| !id.is_empty())
            }
            _ => target == "record",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
