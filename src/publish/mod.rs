//! The mirror tree: what a registry publishes for a plain web server, and checking such a tree.
//!
//! It stands above the ledger and the rules of documents, and below the command line. Nothing here
//! signs: bundles come as they were assembled, and every other file of a record follows from its
//! bundle, so that an unchanged record gives the same bytes again.
//!
//! - [`Maker`] makes the files of a record, and [`RootFiles`] those of the registry.
//! - [`Folder`] writes files that are whole or not there, and leaves alone what has not changed.
//! - [`Memory`] knows what was published, in the tree itself.
//! - [`search`] makes the shards that the start page looks records up in.
//! - [`Tree`] reads a mirror, and [`Examiner`] says what is missing, stale or wrong in it.

mod error;
mod examine;
mod folder;
mod made;
mod memory;
mod page;
mod root;
pub mod search;
mod tree;

pub use error::PublishError;
pub use examine::{Examiner, Finding, Held, Remark};
pub use folder::{Folder, Put};
pub use made::{FileOf, Made, Maker};
pub use memory::{MEMORY_FILE, Memory};
pub use page::Pages;
pub use root::RootFiles;
pub use tree::Tree;
