//! From a [`Node`] tree to typed values, through serde.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, EnumAccess, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
};
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

impl<'de> IntoDeserializer<'de, ShapeError> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(value),
            Node::Int(value) => visitor.visit_i64(value),
            Node::UInt(value) => visitor.visit_u64(value),
            Node::Float(value) => visitor.visit_f64(value),
            Node::String(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Node::String(Cow::Owned(text)) => visitor.visit_string(text),
            Node::Array(items) => {
                let mut seq = SeqDeserializer::new(items.into_iter());
                let value = visitor.visit_seq(&mut seq)?;
                seq.end()?;
                Ok(value)
            }
            Node::Object(members) => {
                let entries = members.into_iter().map(|(key, value)| (Key(key), value));
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
            Node::String(word) => visitor.visit_enum(Word(word)),
            other => Err(de::Error::invalid_type(other.unexpected(), &"a string")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct identifier ignored_any
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
struct Key<'de>(Cow<'de, str>);

impl<'de> IntoDeserializer<'de, ShapeError> for Key<'de> {
    type Deserializer = Node<'de>;

    fn into_deserializer(self) -> Node<'de> {
        Node::String(self.0)
    }
}

/// A string that names a variant without content, the only kind of enum documents hold.
struct Word<'de>(Cow<'de, str>);

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = ShapeError;
    type Variant = NoContent;

    fn variant_seed<S: de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, NoContent), ShapeError> {
        let word: StrDeserializer<'_, ShapeError> = (&*self.0).into_deserializer();
        Ok((seed.deserialize(WordStr(word))?, NoContent))
    }
}

/// Lets a short-lived word stand where a seed wants a deserializer of any lifetime.
struct WordStr<'a>(StrDeserializer<'a, ShapeError>);

impl<'de> Deserializer<'de> for WordStr<'_> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

struct NoContent;

impl<'de> VariantAccess<'de> for NoContent {
    type Error = ShapeError;

    fn unit_variant(self) -> Result<(), ShapeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(
        self,
        _seed: T,
    ) -> Result<T::Value, ShapeError> {
        Err(de::Error::custom("this variant holds no value"))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        _visitor: V,
    ) -> Result<V::Value, ShapeError> {
        Err(de::Error::custom("this variant holds no value"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ShapeError> {
        Err(de::Error::custom("this variant holds no value"))
    }
}
