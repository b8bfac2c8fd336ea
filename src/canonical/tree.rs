//! Canonical text of a tree that was read, without the detour over a typed value.
//!
//! It is the text that [`to_vec`](super::to_vec) gives of the same tree, and of any value that was
//! read from it: reading loses nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::escape::escape_to;
use super::float::python_repr;
use super::node::Node;
use super::writer::Unescaped;
use crate::digest::Digest;

/// As [`digest_without`](super::digest_without), for a tree that was read.
pub fn tree_digest_without(node: &Node<'_>, omit: &[&str]) -> Digest {
    match ObjectText::of(node) {
        Some(object) => object.digest_without(omit),
        None => Digest::of(text(node).as_bytes()),
    }
}

/// The canonical text of an object that was read, in which its members can be found again: one
/// writing gives what is hashed of a document and the texts of its parts.
pub struct ObjectText<'t> {
    text: String,
    /// In canonical order.
    members: Vec<Member<'t>>,
}

/// Where a member stands: its key from `from`, its value from `value` to `to`.
struct Member<'t> {
    key: &'t str,
    from: usize,
    value: usize,
    to: usize,
}

impl<'t> ObjectText<'t> {
    /// The text of `node`; `None` if that is no object.
    pub fn of(node: &'t Node<'_>) -> Option<Self> {
        ObjectText::with(node, &[])
    }

    /// As [`of`](Self::of), copying the texts of those members that are in `known`.
    pub fn with(node: &'t Node<'_>, known: &[(&str, &str)]) -> Option<Self> {
        let Node::Object(members) = node else {
            return None;
        };
        let mut bytes = Vec::with_capacity(LIKELY);
        let mut places = Vec::with_capacity(members.len());
        bytes.push(b'{');
        for (key, value) in in_order(members) {
            if !places.is_empty() {
                bytes.push(b',');
            }
            let from = bytes.len();
            string(&mut bytes, key);
            bytes.push(b':');
            let value_from = bytes.len();
            match known.iter().find(|(known, _)| known == key) {
                Some((_, text)) => bytes.extend_from_slice(text.as_bytes()),
                None => write(&mut bytes, value),
            }
            places.push(Member {
                key,
                from,
                value: value_from,
                to: bytes.len(),
            });
        }
        bytes.push(b'}');
        // There may be thousands of texts at a time, most of them short.
        bytes.shrink_to_fit();
        Some(ObjectText {
            text: String::from_utf8(bytes).expect("JSON text is UTF-8"),
            members: places,
        })
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text of the member `key`, if there is one.
    pub fn member(&self, key: &str) -> Option<&str> {
        let member = self.members.iter().find(|member| member.key == key)?;
        Some(&self.text[member.value..member.to])
    }

    /// The text of the object less the members that `omit` names.
    pub fn without(&self, omit: &[&str]) -> String {
        let mut text = String::with_capacity(self.text.len());
        text.push('{');
        for member in &self.members {
            if omit.contains(&member.key) {
                continue;
            }
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&self.text[member.from..member.to]);
        }
        text.push('}');
        text
    }

    /// As [`digest_without`](super::digest_without).
    pub fn digest_without(&self, omit: &[&str]) -> Digest {
        Digest::of(self.without(omit).as_bytes())
    }
}

/// As many bytes as most texts fit in.
const LIKELY: usize = 1 << 14;

/// The canonical text of a tree that was read.
pub(super) fn text(node: &Node<'_>) -> String {
    let mut bytes = Vec::with_capacity(LIKELY);
    write(&mut bytes, node);
    String::from_utf8(bytes).expect("JSON text is UTF-8")
}

fn write(bytes: &mut Vec<u8>, node: &Node<'_>) {
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
                write(bytes, item);
            }
            bytes.push(b']');
        }
        Node::Object(members) => {
            bytes.push(b'{');
            for (index, (key, value)) in in_order(members).into_iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                string(bytes, key);
                bytes.push(b':');
                write(bytes, value);
            }
            bytes.push(b'}');
        }
    }
}

type Members<'a> = [(Cow<'a, str>, Node<'a>)];

/// The members sorted by key.
fn in_order<'t, 'a>(members: &'t Members<'a>) -> Vec<&'t (Cow<'a, str>, Node<'a>)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    sorted
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'"');
    escape_to(bytes, text);
    bytes.push(b'"');
}
