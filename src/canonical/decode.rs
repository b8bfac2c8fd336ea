//! From a [`Node`] tree to typed values, through serde.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::node::Node;
use super::read::{Numbers, ReadError, read};

/// Reads one strict JSON document into a `T`; floats are let through to fields that hold open
/// content, and to no others.
///
/// # Errors
/// [`DecodeError`], which names the path of the first fault.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    from_slice_with(bytes, Numbers::PythonFloats)
}

/// As [`from_slice`], with a choice of which numbers the text may hold.
///
/// # Errors
/// As [`from_slice`].
pub fn from_slice_with<T: DeserializeOwned>(
    bytes: &[u8],
    numbers: Numbers,
) -> Result<T, DecodeError> {
    from_node(read(bytes, numbers)?)
}

/// Turns a tree that was read into a `T`.
///
/// # Errors
/// [`DecodeError::Shape`] if a field is missing, unknown, of another type, or not of its form.
pub fn from_node<T: DeserializeOwned>(node: Node<'_>) -> Result<T, DecodeError> {
    from_tree(&node)
}

/// As [`from_node`], for a tree that is needed further.
///
/// # Errors
/// As [`from_node`].
pub fn from_tree<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, DecodeError> {
    // Keeping track of the path takes as long as all the rest, so that is done only when there is
    // a fault to name the path of.
    T::deserialize(node).or_else(|_| with_path(node))
}

fn with_path<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(node).map_err(|error| DecodeError::Shape {
        path: match error.path().to_string() {
            root if root == "." => "top level".to_owned(),
            path => path,
        },
        message: error.into_inner().0,
    })
}

/// Why bytes are not the document that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not strict JSON.
    #[error("not strict JSON: {0}")]
    Read(#[from] ReadError),
    /// They are, but not of the document's shape.
    #[error("at {path}: {message}")]
    Shape {
        /// Where, such as `events[0].payload`.
        path: String,
        /// What is wrong there.
        message: String,
    },
}

/// A fault that a field's own type reports; the path is added on the way out.
#[derive(Debug)]
pub struct ShapeError(String);

impl fmt::Display for ShapeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ShapeError(message.to_string())
    }
}

impl<'de> IntoDeserializer<'de, ShapeError> for &'de Node<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Node<'_> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Int(value) => visitor.visit_i64(*value),
            Node::UInt(value) => visitor.visit_u64(*value),
            Node::Float(value) => visitor.visit_f64(*value),
            Node::String(text) => visitor.visit_borrowed_str(text),
            Node::Array(items) => {
                let mut seq = SeqDeserializer::new(items.iter());
                let value = visitor.visit_seq(&mut seq)?;
                seq.end()?;
                Ok(value)
            }
            Node::Object(members) => {
                let entries = members.iter().map(|(key, value)| (Key(key), value));
                let mut map = MapDeserializer::new(entries);
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
        }
    }

    /// Derived types would take an array of values for an object too: two texts of one document.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self {
            Node::Object(_) => self.deserialize_any(visitor),
            other => Err(de::Error::invalid_type(other.unexpected(), &"an object")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self {
            Node::Null => visitor.visit_none(),
            node => visitor.visit_some(node),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match self {
            // The only kind of enum that documents hold: a word for each variant.
            Node::String(word) => visitor.visit_enum(BorrowedStrDeserializer::new(word)),
            other => Err(de::Error::invalid_type(other.unexpected(), &"a string")),
        }
    }

    /// What nobody looks at need not be walked through: it was read strictly already.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct identifier
    }
}

impl Node<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Node::Null => Unexpected::Unit,
            Node::Bool(value) => Unexpected::Bool(*value),
            Node::Int(value) => Unexpected::Signed(*value),
            Node::UInt(value) => Unexpected::Unsigned(*value),
            Node::Float(value) => Unexpected::Float(*value),
            Node::String(text) => Unexpected::Str(text),
            Node::Array(_) => Unexpected::Seq,
            Node::Object(_) => Unexpected::Map,
        }
    }
}

/// A member's key on its way to a field identifier.
struct Key<'de>(&'de str);

impl<'de> IntoDeserializer<'de, ShapeError> for Key<'de> {
    type Deserializer = BorrowedStrDeserializer<'de, ShapeError>;

    fn into_deserializer(self) -> Self::Deserializer {
        BorrowedStrDeserializer::new(self.0)
    }
}
