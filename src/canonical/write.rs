//! The canonical writer and the wire writer: any [`Serialize`] type straight to bytes.

use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use super::float::python_repr;
use super::json::Json;
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
    let mut output = Output {
        omit,
        ..Output::default()
    };
    let formatter = Canonical(&mut output);
    value.serialize(&mut serde_json::Serializer::with_formatter(
        io::sink(),
        formatter,
    ))?;
    Ok(output.bytes)
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

/// What the canonical formatter has written, and where the members of open objects lie in it.
///
/// Members are written where they come, then put in order when their object closes; an object
/// whose type declares its fields in order costs no move at all.
#[derive(Default)]
struct Output<'a> {
    bytes: Vec<u8>,
    /// Keys of the members below, unescaped, one after the other.
    keys: Vec<u8>,
    members: Vec<Member>,
    /// For each open object, how many members stood before it.
    open: Vec<usize>,
    /// Whether what is being written is a key.
    in_key: bool,
    /// Members of the top-level object to leave out.
    omit: &'a [&'a str],
    scratch: Vec<u8>,
}

/// A member as offsets: its key in `keys`, its text in `bytes` (without the comma before it).
#[derive(Clone, Copy)]
struct Member {
    key_from: usize,
    key_to: usize,
    from: usize,
    to: usize,
}

impl Output<'_> {
    fn key(&self, member: Member) -> &[u8] {
        &self.keys[member.key_from..member.key_to]
    }

    fn first_member(&self) -> usize {
        *self.open.last().expect("a member stands in an object")
    }

    fn begin_member(&mut self) {
        if self.members.len() > self.first_member() {
            self.bytes.push(b',');
        }
        self.in_key = true;
        self.members.push(Member {
            key_from: self.keys.len(),
            key_to: self.keys.len(),
            from: self.bytes.len(),
            to: self.bytes.len(),
        });
    }

    fn end_key(&mut self) {
        self.in_key = false;
        let key_to = self.keys.len();
        self.last_member().key_to = key_to;
    }

    fn end_member(&mut self) {
        let to = self.bytes.len();
        self.last_member().to = to;
        // The document itself is the object, and not an array of such.
        if self.open.len() == 1 && !self.omit.is_empty() && self.bytes[0] == b'{' {
            self.drop_omitted_member();
        }
    }

    fn last_member(&mut self) -> &mut Member {
        self.members
            .last_mut()
            .expect("a member that ends has begun")
    }

    fn drop_omitted_member(&mut self) {
        let member = *self.last_member();
        if !self
            .omit
            .iter()
            .any(|key| key.as_bytes() == self.key(member))
        {
            return;
        }
        self.members.pop();
        let comma = usize::from(!self.members.is_empty());
        self.bytes.truncate(member.from - comma);
        self.keys.truncate(member.key_from);
    }

    fn end_object(&mut self) -> io::Result<()> {
        let first = self.open.pop().expect("an object that ends has begun");
        let mut members = self.members.split_off(first);
        if !members.is_sorted_by(|a, b| self.key(*a) < self.key(*b)) {
            let from = members[0].from;
            members.sort_by(|a, b| self.key(*a).cmp(self.key(*b)));
            if let Some(pair) = members
                .windows(2)
                .find(|pair| self.key(pair[0]) == self.key(pair[1]))
            {
                let key = String::from_utf8_lossy(self.key(pair[0])).into_owned();
                return Err(io::Error::other(format!("key `{key}` stands twice")));
            }
            self.scratch.clear();
            for member in &members {
                if !self.scratch.is_empty() {
                    self.scratch.push(b',');
                }
                self.scratch
                    .extend_from_slice(&self.bytes[member.from..member.to]);
            }
            self.bytes.truncate(from);
            self.bytes.extend_from_slice(&self.scratch);
        }
        if let Some(member) = members.iter().min_by_key(|member| member.key_from) {
            self.keys.truncate(member.key_from);
        }
        self.bytes.push(b'}');
        Ok(())
    }
}

/// The formatter ignores the writer serde_json hands it: members must stay movable until their
/// object closes.
struct Canonical<'a, 'b>(&'a mut Output<'b>);

impl Formatter for Canonical<'_, '_> {
    fn write_null<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        CompactFormatter.write_null(&mut self.0.bytes)
    }

    fn write_bool<W: ?Sized + io::Write>(&mut self, _: &mut W, value: bool) -> io::Result<()> {
        CompactFormatter.write_bool(&mut self.0.bytes, value)
    }

    fn write_i64<W: ?Sized + io::Write>(&mut self, _: &mut W, value: i64) -> io::Result<()> {
        CompactFormatter.write_i64(&mut self.0.bytes, value)
    }

    fn write_u64<W: ?Sized + io::Write>(&mut self, _: &mut W, value: u64) -> io::Result<()> {
        CompactFormatter.write_u64(&mut self.0.bytes, value)
    }

    // Typed documents hold 64-bit fields at most; the narrow ones come through here.
    fn write_i32<W: ?Sized + io::Write>(&mut self, w: &mut W, value: i32) -> io::Result<()> {
        self.write_i64(w, value.into())
    }

    fn write_i16<W: ?Sized + io::Write>(&mut self, w: &mut W, value: i16) -> io::Result<()> {
        self.write_i64(w, value.into())
    }

    fn write_i8<W: ?Sized + io::Write>(&mut self, w: &mut W, value: i8) -> io::Result<()> {
        self.write_i64(w, value.into())
    }

    fn write_u32<W: ?Sized + io::Write>(&mut self, w: &mut W, value: u32) -> io::Result<()> {
        self.write_u64(w, value.into())
    }

    fn write_u16<W: ?Sized + io::Write>(&mut self, w: &mut W, value: u16) -> io::Result<()> {
        self.write_u64(w, value.into())
    }

    fn write_u8<W: ?Sized + io::Write>(&mut self, w: &mut W, value: u8) -> io::Result<()> {
        self.write_u64(w, value.into())
    }

    fn write_i128<W: ?Sized + io::Write>(&mut self, _: &mut W, _: i128) -> io::Result<()> {
        Err(io::Error::other("integers beyond 64 bits are not allowed"))
    }

    fn write_u128<W: ?Sized + io::Write>(&mut self, _: &mut W, _: u128) -> io::Result<()> {
        Err(io::Error::other("integers beyond 64 bits are not allowed"))
    }

    fn write_f32<W: ?Sized + io::Write>(&mut self, _: &mut W, _: f32) -> io::Result<()> {
        Err(io::Error::other("single-precision floats are not allowed"))
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, _: &mut W, value: f64) -> io::Result<()> {
        self.0
            .bytes
            .extend_from_slice(python_repr(value).as_bytes());
        Ok(())
    }

    fn begin_string<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.bytes.push(b'"');
        Ok(())
    }

    fn end_string<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.bytes.push(b'"');
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        _: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if self.0.in_key {
            self.0.keys.extend_from_slice(fragment.as_bytes());
        }
        self.0.bytes.extend_from_slice(fragment.as_bytes());
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        _: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        if self.0.in_key {
            self.0.keys.push(match escape {
                CharEscape::Quote => b'"',
                CharEscape::ReverseSolidus => b'\\',
                CharEscape::Solidus => b'/',
                CharEscape::Backspace => 0x08,
                CharEscape::FormFeed => 0x0c,
                CharEscape::LineFeed => b'\n',
                CharEscape::CarriageReturn => b'\r',
                CharEscape::Tab => b'\t',
                CharEscape::AsciiControl(byte) => byte,
            });
        }
        CompactFormatter.write_char_escape(&mut self.0.bytes, escape)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.bytes.push(b'[');
        Ok(())
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.bytes.push(b']');
        Ok(())
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        _: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            self.0.bytes.push(b',');
        }
        Ok(())
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.bytes.push(b'{');
        self.0.open.push(self.0.members.len());
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.end_object()
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        self.0.begin_member();
        Ok(())
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.end_key();
        Ok(())
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.bytes.push(b':');
        Ok(())
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.end_member();
        Ok(())
    }

    fn write_raw_fragment<W: ?Sized + io::Write>(
        &mut self,
        _: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.0.bytes.extend_from_slice(fragment.as_bytes());
        Ok(())
    }
}
