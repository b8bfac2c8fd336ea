//! Canonical JSON: the one byte sequence that stands for a value (SPEC 1).
//!
//! First room of the house: everything that is hashed, signed or verified passes through here.
//!
//! - [`read`] turns bytes into a [`Node`] tree and refuses whatever could be read in two ways.
//! - [`from_slice`] goes on from there to a typed value, naming the path of the first fault.
//! - [`to_vec`] and [`digest`] write any [`Serialize`](serde::Serialize) type as canonical bytes;
//!   [`wire`] writes it as published, in the order its fields are declared.
//! - [`Json`], [`Fragment`] and [`Open`] hold open content: what others wrote and we keep without
//!   knowing its meaning.
//! - [`Stencil`] writes many texts that differ in a few values only.

mod decode;
mod escape;
mod float;
mod fragment;
mod json;
mod node;
mod open;
mod read;
mod stencil;
mod tree;
mod write;
mod writer;

pub use decode::{DecodeError, ShapeError, from_node, from_slice, from_slice_with, from_tree};
pub(crate) use escape::{escape_to, unescape};
pub use fragment::Fragment;
pub use json::Json;
pub use node::Node;
pub use open::Open;
pub use read::{MAX_DEPTH, MAX_VALUES, Numbers, OBJECT_VALUES, ReadError, read};
pub use stencil::Stencil;
pub use tree::{ObjectText, tree_digest_without};
pub(crate) use write::pretty;
pub use write::{
    WriteError, digest, digest_without, list_shorter_keys_first, shorter_keys_first, to_vec,
    to_vec_without, wire, wire_to,
};
