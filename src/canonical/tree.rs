//! Canonical text of a tree that was read, without the detour over a typed value.
//!
//! It is the text that [`to_vec`](super::to_vec) gives of the same tree, and of any value that was
//! read from it: reading loses nothing.

use std::fmt::Write as _;

use super::escape::escape_to;
use super::float::python_repr;
use super::node::Node;
use super::writer::Unescaped;
use crate::digest::Digest;

/// As [`digest_without`](super::digest_without), for a tree that was read.
pub fn tree_digest_without(node: &Node<'_>, omit: &[&str]) -> Digest {
    let mut bytes = Vec::with_capacity(1 << 14);
    write(&mut bytes, node, omit);
    Digest::of(&bytes)
}

/// The canonical text of `node`, less the members of the object itself that `omit` names.
pub(super) fn write(bytes: &mut Vec<u8>, node: &Node<'_>, omit: &[&str]) {
    match node {
        Node::Null => bytes.extend_from_slice(b"null"),
        Node::Bool(true) => bytes.extend_from_slice(b"true"),
        Node::Bool(false) => bytes.extend_from_slice(b"false"),
        Node::Int(value) => write!(Unescaped(bytes), "{value}").expect("memory takes it"),
        Node::UInt(value) => write!(Unescaped(bytes), "{value}").expect("memory takes it"),
        Node::Float(value) => bytes.extend_from_slice(python_repr(*value).as_bytes()),
        Node::String(text) => string(bytes, text),
        Node::Array(items) => {
            bytes.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                write(bytes, item, &[]);
            }
            bytes.push(b']');
        }
        Node::Object(members) => {
            let mut sorted: Vec<_> = members
                .iter()
                .filter(|(key, _)| !omit.contains(&key.as_ref()))
                .collect();
            sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            bytes.push(b'{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                string(bytes, key);
                bytes.push(b':');
                write(bytes, value, &[]);
            }
            bytes.push(b'}');
        }
    }
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'"');
    escape_to(bytes, text);
    bytes.push(b'"');
}
