//! Open content: JSON whose meaning this toolkit does not know but must keep and hash.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error as _, Serialize, Serializer};

use super::node::Node;
use super::read::{Numbers, read};
use super::write::{WriteError, to_vec};

/// Any JSON value that canonical form can hold (SPEC 1); members are sorted by code point.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits `i64`.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// A finite float, found in somebody else's document.
    Float(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// The tree of any value that canonical JSON can hold.
    ///
    /// # Errors
    /// As [`to_vec`], and if `value` nests deeper than a document may: a state made from a bundle
    /// nests deeper than the bundle.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Json, WriteError> {
        let bytes = to_vec(value)?;
        let node = read(&bytes, Numbers::PythonFloats).map_err(serde_json::Error::custom)?;
        Ok(node.into())
    }

    /// The member `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// As [`Node::nests_deeper_than`].
    pub fn nests_deeper_than(&self, limit: usize) -> bool {
        let below = limit.checked_sub(1);
        match self {
            Json::Array(items) => {
                below.is_none_or(|below| items.iter().any(|item| item.nests_deeper_than(below)))
            }
            Json::Object(members) => below
                .is_none_or(|below| members.values().any(|value| value.nests_deeper_than(below))),
            _ => false,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Int(_) | Json::UInt(_) => "an integer",
            Json::Float(_) => "a float",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Int(value) => serializer.serialize_i64(*value),
            Json::UInt(value) => serializer.serialize_u64(*value),
            Json::Float(value) => serializer.serialize_f64(*value),
            Json::String(value) => serializer.serialize_str(value),
            Json::Array(items) => serializer.collect_seq(items),
            Json::Object(members) => serializer.collect_map(members),
        }
    }
}

impl From<Node<'_>> for Json {
    fn from(node: Node<'_>) -> Json {
        match node {
            Node::Null => Json::Null,
            Node::Bool(value) => Json::Bool(value),
            Node::Int(value) => Json::Int(value),
            Node::UInt(value) => Json::UInt(value),
            Node::Float(value) => Json::Float(value),
            Node::String(text) => Json::String(text.into_owned()),
            Node::Array(items) => Json::Array(items.into_iter().map(Json::from).collect()),
            Node::Object(members) => Json::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (key.into_owned(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(Json::from)
    }
}
