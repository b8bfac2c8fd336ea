//! arXiv metadata: from the files that arXiv and Kaggle give out to valid [`Paper`]s (SPEC 2).
//!
//! Second room of the house: it reads what others wrote, so everything is checked here, and what
//! leaves it is valid by construction. Records and snapshots are made from a [`Paper`] without
//! another check.
//!
//! - [`Reader`] goes through files, folders and standard input, finds out their format, and gives
//!   an [`Item`] for each paper: the [`Paper`], or a [`Rejection`] that says what is wrong with it
//!   and where. Faults of the machine rather than of a paper are an [`InputError`].
//! - [`RawReader`] does the reading only; [`Raw::parse`] is a pure function, so that papers can be
//!   parsed on other threads than the one that reads.
//! - [`kaggle`] reads a line of the Kaggle snapshot by itself; [`text`] holds the rules by which
//!   titles and abstracts are collapsed and hashed.

mod archive;
mod category;
mod date;
mod id;
mod input;
mod lines;
mod oai;
mod open;
mod paper;
mod progress;
mod reject;
mod stream;

pub mod kaggle;
pub mod text;

pub use category::{Category, CategoryError};
pub use id::{ArxivId, ArxivVersion, IdError};
pub use input::{Item, Place, Raw, RawReader, Reader};
pub use open::InputError;
pub use paper::{Metadata, Paper, ReadOptions, VersionEntry};
pub use progress::Progress;
pub use reject::{Fault, RejectCode, Rejection};
