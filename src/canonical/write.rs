//! Writing: any [`Serialize`] type straight to canonical bytes, their digest, or wire bytes.

use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::Formatter;

use super::float::python_repr;
use super::json::Json;
use super::writer::Writer;
use crate::digest::Digest;

/// A value that JSON cannot hold, such as a map whose keys are not strings.
#[derive(Debug, thiserror::Error)]
#[error("cannot be written as canonical JSON: {0}")]
pub struct WriteError(#[from] serde_json::Error);

/// The canonical bytes of `value` (SPEC 1): keys sorted by code point, no white space, UTF-8.
///
/// # Errors
/// [`WriteError`] if `value` has duplicate keys or is none that JSON can hold.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, WriteError> {
    to_vec_without(value, &[])
}

/// SHA-256 of the canonical bytes of `value` (SPEC 1).
///
/// # Errors
/// As [`to_vec`].
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Result<Digest, WriteError> {
    digest_without(value, &[])
}

/// SHA-256 of the canonical bytes of `value` less the top-level members named in `omit`: how a
/// document is hashed that carries its own hash or signature (SPEC 5, 7, 8).
///
/// # Errors
/// As [`to_vec`].
pub fn digest_without<T: Serialize + ?Sized>(
    value: &T,
    omit: &[&str],
) -> Result<Digest, WriteError> {
    Ok(Digest::of(&to_vec_without(value, omit)?))
}

/// The bytes that [`digest_without`] hashes.
///
/// # Errors
/// As [`to_vec`].
pub fn to_vec_without<T: Serialize + ?Sized>(
    value: &T,
    omit: &[&str],
) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::without(omit);
    value.serialize(&mut writer)?;
    Ok(writer.bytes)
}

/// The bytes of `value` as published: compact JSON, members in the order the type declares.
///
/// # Errors
/// [`WriteError`] if `value` is none that JSON can hold.
pub fn wire<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    wire_to(&mut bytes, value)?;
    Ok(bytes)
}

/// As [`wire`], to a writer.
///
/// # Errors
/// As [`wire`], and those of the writer.
pub fn wire_to<T: Serialize + ?Sized>(writer: impl io::Write, value: &T) -> Result<(), WriteError> {
    value.serialize(&mut serde_json::Serializer::with_formatter(writer, Wire))?;
    Ok(())
}

/// A document of this program's own as people read and edit it: indented, with a newline at the end.
pub(crate) fn pretty<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("a document is JSON");
    bytes.push(b'\n');
    bytes
}

/// Open content with shorter keys first, then by bytes, at every level: the order in which the
/// registry's database keeps objects (SPEC 8).
struct ShorterKeysFirst<'a>(&'a Json);

impl Serialize for ShorterKeysFirst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Array(items) => serializer.collect_seq(items.iter().map(ShorterKeysFirst)),
            Json::Object(members) => {
                let mut entries: Vec<_> = members.iter().collect();
                entries.sort_by_key(|(key, _)| (key.len(), key.as_bytes()));
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &ShorterKeysFirst(value))?;
                }
                map.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// For `#[serde(serialize_with)]`: writes open content in the database's order (SPEC 8).
///
/// # Errors
/// Those of the serializer.
pub fn shorter_keys_first<S: Serializer>(value: &Json, serializer: S) -> Result<S::Ok, S::Error> {
    ShorterKeysFirst(value).serialize(serializer)
}

/// As [`shorter_keys_first`], for a list of open content.
///
/// # Errors
/// Those of the serializer.
pub fn list_shorter_keys_first<S: Serializer>(
    items: &[Json],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(ShorterKeysFirst))
}

/// Compact JSON in declared order, floats as Python spells them.
struct Wire;

impl Formatter for Wire {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_repr(value).as_bytes())
    }
}
