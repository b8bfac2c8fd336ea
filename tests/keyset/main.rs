//! Keysets: their rules by name, chains of versions, the home that keeps them, and a registry's life with
//! them on the command line.

#[path = "../common/mod.rs"]
mod common;

mod approval;
mod ceremonies;
mod chains;
#[path = "../common/changes.rs"]
mod changes;
mod homes;
mod interop;
mod leaves;
mod life;
mod mutation;
mod registry;
mod rules;
mod world;
