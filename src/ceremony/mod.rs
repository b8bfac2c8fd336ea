//! Ceremonies: what is done with a registry's keys, by a runbook, before witnesses, and written down.
//!
//! A ceremony is a folder: [`Opening`] (`ceremony.json`) says what it is, the runbook what is to be
//! done, and the transcript what was. Each [`Entry`] of the transcript holds the hash of the one
//! before, the first one that of the opening; so whoever has written down the count of entries and
//! the last hash, the *head*, notices whatever is changed, dropped, added, reordered or cut off
//! afterwards. Witnesses sign them when the ceremony is closed ([`Closing`]).
//!
//! `docs/CEREMONIES.md` says how ceremonies are run and holds the format.

mod check;
mod closing;
mod entry;
mod error;
mod folder;
mod name;
mod opening;
mod plan;
mod products;
mod render;
mod templates;
mod transcript;

pub use check::{Expected, KnownWitness, check};
pub use closing::{Closing, ClosingType, Statement, WitnessSignature};
pub use entry::{
    Base, Done, Entry, EntryType, File, FileKind, FileRole, Place, Remark, RemarkKind,
};
pub use error::CeremonyError;
pub use folder::{CLOSING_FILE, Folder, OPENING_FILE, RUNBOOK_FILE, TRANSCRIPT_FILE, Tip};
pub use name::CeremonyName;
pub use opening::{Kind, Opening, OpeningType, SchemaVersion};
pub use plan::Plan;
pub use products::{PRODUCTS_FOLDER, Product};
pub use render::{RENDERED_FILE, render};
pub use templates::Templates;
pub use transcript::{Fault, Torn, Transcript};
