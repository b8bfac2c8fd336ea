//! Canonical text computed once and spliced wherever the same value stands again.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::node::Node;
use super::tree::{self, ObjectText};
use super::write::{WriteError, to_vec};

/// A JSON value as its canonical text; it has sorted keys on the wire too (SPEC 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment(Box<str>);

impl Fragment {
    /// The canonical text of `value`.
    ///
    /// # Errors
    /// As [`to_vec`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Fragment, WriteError> {
        let text = String::from_utf8(to_vec(value)?).expect("JSON text is UTF-8");
        Ok(Fragment(text.into()))
    }

    /// The canonical text of a tree that was read.
    pub fn of_tree(node: &Node<'_>) -> Fragment {
        Fragment(tree::text(node).into())
    }

    /// A part of an object's canonical text: the member `key`, if there is one.
    pub fn of_member(object: &ObjectText<'_>, key: &str) -> Option<Fragment> {
        object.member(key).map(|text| Fragment(text.into()))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name by which serde_json's `RawValue` tells its serializer to write text as it is. The
/// canonical writer heeds it too. A `RawValue` itself could be made only by parsing the text again.
pub(super) const RAW_VALUE: &str = "$serde_json::private::RawValue";

impl Serialize for Fragment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW_VALUE, 1)?;
        raw.serialize_field(RAW_VALUE, &self.0)?;
        raw.end()
    }
}

impl<'de> Deserialize<'de> for Fragment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(|node| Fragment::of_tree(&node))
    }
}
