//! The canonical writer: serde's calls to canonical bytes (SPEC 1).

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::ops::Range;

use serde::ser::{self, Error as _, Serialize, Serializer};

use super::escape::escape_to;
use super::float::python_repr;
use super::fragment::RAW_VALUE;

type Error = serde_json::Error;

/// What has been written, and where the members of open objects lie in it.
///
/// Members are written where they come, then put in order when their object closes; an object
/// whose type declares its fields in order costs no move at all.
#[derive(Default)]
pub(super) struct Writer<'a> {
    pub bytes: Vec<u8>,
    members: Vec<Member>,
    /// Members of the top-level object to leave out.
    omit: &'a [&'a str],
    /// Whether the string that comes next is text to be written as it is.
    raw: bool,
    scratch: Vec<u8>,
}

/// A member as offsets: its text, without the comma before it, and the key inside its quotes.
#[derive(Clone)]
struct Member {
    text: Range<usize>,
    key: Range<usize>,
    /// Whether something in the key is escaped, so that it does not sort as it is written.
    escaped: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn without(omit: &'a [&'a str]) -> Self {
        Writer {
            omit,
            ..Writer::default()
        }
    }

    /// The key of a member as it sorts, which is unescaped.
    fn key(&self, member: &Member) -> Cow<'_, [u8]> {
        if !member.escaped {
            return Cow::Borrowed(&self.bytes[member.key.clone()]);
        }
        let quoted = &self.bytes[member.key.start - 1..=member.key.end];
        let key: String = serde_json::from_slice(quoted).expect("what was escaped can be read");
        Cow::Owned(key.into_bytes())
    }

    /// Puts the members from `first` on, which were just written, in order.
    fn sort(&mut self, first: usize) -> Result<(), Error> {
        let mut all = std::mem::take(&mut self.members);
        let members = &mut all[first..];
        let from = members[0].text.start;
        members.sort_by(|a, b| self.key(a).cmp(&self.key(b)));
        let mut pairs = members.windows(2);
        if let Some(pair) = pairs.find(|pair| self.key(&pair[0]) == self.key(&pair[1])) {
            let key = String::from_utf8_lossy(&self.key(&pair[0])).into_owned();
            return Err(Error::custom(format!("key `{key}` stands twice")));
        }
        self.scratch.clear();
        for member in members {
            if !self.scratch.is_empty() {
                self.scratch.push(b',');
            }
            let text = &self.bytes[member.text.clone()];
            self.scratch.extend_from_slice(text);
        }
        self.bytes.truncate(from);
        self.bytes.extend_from_slice(&self.scratch);
        self.members = all;
        Ok(())
    }

    fn display(&mut self, value: impl Display) {
        write!(Unescaped(&mut self.bytes), "{value}").expect("memory takes it");
    }
}

/// For text that needs no escaping.
pub(super) struct Unescaped<'a>(pub &'a mut Vec<u8>);

impl fmt::Write for Unescaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// For text inside a string.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape_to(self.0, text);
        Ok(())
    }
}

macro_rules! written_as_displayed {
    ($($method:ident $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.display(value);
            Ok(())
        })*
    };
}

macro_rules! refused {
    ($($method:ident $type:ty, $why:literal;)*) => {
        $(fn $method(self, _: $type) -> Result<(), Error> {
            Err(Error::custom($why))
        })*
    };
}

impl<'w, 'a> Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Array<'w, 'a>;
    type SerializeTuple = Array<'w, 'a>;
    type SerializeTupleStruct = Array<'w, 'a>;
    type SerializeTupleVariant = ser::Impossible<(), Error>;
    type SerializeMap = Object<'w, 'a>;
    type SerializeStruct = Struct<'w, 'a>;
    type SerializeStructVariant = ser::Impossible<(), Error>;

    written_as_displayed! {
        serialize_bool bool
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64
    }

    refused! {
        serialize_i128 i128, "integers beyond 64 bits are not allowed";
        serialize_u128 u128, "integers beyond 64 bits are not allowed";
        serialize_f32 f32, "single-precision floats are not allowed";
        serialize_bytes &[u8], "JSON holds no bytes";
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Error::custom("a float must be finite"));
        }
        self.display(python_repr(value));
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if std::mem::take(&mut self.raw) {
            self.bytes.extend_from_slice(value.as_bytes());
            return Ok(());
        }
        self.bytes.push(b'"');
        escape_to(&mut self.bytes, value);
        self.bytes.push(b'"');
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.bytes.push(b'"');
        write!(Escaped(&mut self.bytes), "{value}").map_err(Error::custom)?;
        self.bytes.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.bytes.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = self.serialize_map(Some(1))?;
        ser::SerializeMap::serialize_entry(&mut object, variant, value)?;
        ser::SerializeMap::end(object)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Array<'w, 'a>, Error> {
        self.bytes.push(b'[');
        Ok(Array {
            from: self.bytes.len(),
            writer: self,
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Array<'w, 'a>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Array<'w, 'a>, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error::custom("a variant of a document holds one value"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Object<'w, 'a>, Error> {
        // The document itself is the object, and not an array of such.
        let omit = if self.bytes.is_empty() {
            self.omit
        } else {
            &[]
        };
        self.bytes.push(b'{');
        Ok(Object {
            first: self.members.len(),
            in_order: true,
            omit,
            omitting: false,
            writer: self,
        })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Struct<'w, 'a>, Error> {
        if name == RAW_VALUE {
            Ok(Struct::Raw(self))
        } else {
            self.serialize_map(Some(len)).map(Struct::Object)
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(Error::custom("a variant of a document holds one value"))
    }
}

/// An array that is being written.
pub(super) struct Array<'w, 'a> {
    writer: &'w mut Writer<'a>,
    from: usize,
}

impl Array<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.writer.bytes.len() > self.from {
            self.writer.bytes.push(b',');
        }
        value.serialize(&mut *self.writer)
    }

    fn close(self) {
        self.writer.bytes.push(b']');
    }
}

macro_rules! array {
    ($($trait:ident $method:ident)*) => {
        $(impl ser::$trait for Array<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        })*
    };
}

array! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
}

/// An object that is being written.
pub(super) struct Object<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// How many members of other objects stand before its own.
    first: usize,
    /// Whether its members came sorted so far, each once.
    in_order: bool,
    omit: &'a [&'a str],
    /// Whether the value that comes next is one to leave out.
    omitting: bool,
}

impl Object<'_, '_> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let before = self.writer.bytes.len();
        if self.writer.members.len() > self.first {
            self.writer.bytes.push(b',');
        }
        let from = self.writer.bytes.len();
        key.serialize(&mut *self.writer)?;
        let to = self.writer.bytes.len();
        if self.writer.bytes.get(from) != Some(&b'"') {
            return Err(Error::custom("a key must be a string"));
        }
        self.writer.bytes.push(b':');
        let member = Member {
            text: from..to,
            key: from + 1..to - 1,
            escaped: self.writer.bytes[from..to].contains(&b'\\'),
        };
        let key = self.writer.key(&member);
        if self.omit.iter().any(|omitted| omitted.as_bytes() == &*key) {
            self.writer.bytes.truncate(before);
            self.omitting = true;
            return Ok(());
        }
        if let Some(last) = self.writer.members[self.first..].last() {
            self.in_order &= self.writer.key(last) < key;
        }
        self.writer.members.push(member);
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if std::mem::take(&mut self.omitting) {
            return Ok(());
        }
        value.serialize(&mut *self.writer)?;
        let to = self.writer.bytes.len();
        let member = self.writer.members.last_mut();
        member.expect("a value has a key").text.end = to;
        Ok(())
    }

    fn close(self) -> Result<(), Error> {
        if !self.in_order {
            self.writer.sort(self.first)?;
        }
        self.writer.members.truncate(self.first);
        self.writer.bytes.push(b'}');
        Ok(())
    }
}

impl ser::SerializeMap for Object<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

/// What a type calls a struct: an object, or text that is canonical already.
pub(super) enum Struct<'w, 'a> {
    Object(Object<'w, 'a>),
    Raw(&'w mut Writer<'a>),
}

impl ser::SerializeStruct for Struct<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match self {
            Struct::Object(object) => {
                object.key(key)?;
                object.value(value)
            }
            Struct::Raw(writer) => {
                writer.raw = true;
                value.serialize(&mut **writer)
            }
        }
    }

    fn end(self) -> Result<(), Error> {
        match self {
            Struct::Object(object) => object.close(),
            Struct::Raw(_) => Ok(()),
        }
    }
}
