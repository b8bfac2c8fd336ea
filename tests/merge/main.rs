//! The merge (SPEC 7): its rules one by one, its laws on generated events, and its agreement with a
//! plain second implementation.

mod bundles;
#[path = "../common/changes.rs"]
mod changes;
mod laws;
mod mutation;
mod reference;
mod rules;
mod validity;
mod world;
