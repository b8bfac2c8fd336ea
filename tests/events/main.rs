//! What events say: payloads of every kind, their schemas, and the verbs that make them.

mod depth;
#[path = "../merge/world.rs"]
#[allow(dead_code, reason = "the merge uses more of it")]
mod world;

mod payloads;
mod proofs;
mod schemas;
