//! Objects of which only some members are known.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde::ser::{Error as _, Serialize, Serializer};

use super::json::Json;
use super::node::Key;
use super::write::shorter_keys_first;

/// A typed object that may hold members this version does not know: they are kept and hashed.
///
/// On the wire its keys stand in the registry's database order, shorter ones first (SPEC 8); `T`
/// must declare its fields in that order.
#[derive(Debug, Clone, PartialEq)]
pub struct Open<T> {
    /// The members this version knows.
    pub known: T,
    /// The others.
    pub more: BTreeMap<String, Json>,
}

impl<T> From<T> for Open<T> {
    fn from(known: T) -> Self {
        Open {
            known,
            more: BTreeMap::new(),
        }
    }
}

impl<T> Deref for Open<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.known
    }
}

impl<T: Serialize> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.more.is_empty() {
            return self.known.serialize(serializer);
        }
        match Json::of(&self.known).map_err(S::Error::custom)? {
            Json::Object(mut members) => {
                members.extend(self.more.clone());
                shorter_keys_first(&Json::Object(members), serializer)
            }
            _ => Err(S::Error::custom("an open type must be an object")),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut more = BTreeMap::new();
        let known = T::deserialize(Sorting {
            inner: deserializer,
            more: &mut more,
        })?;
        Ok(Open { known, more })
    }
}

/// Hands a type the members that it declares and puts the others aside.
///
/// `#[serde(flatten)]` does the same by way of a copy of all members, at each level anew.
struct Sorting<'a, D> {
    inner: D,
    more: &'a mut BTreeMap<String, Json>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Sorting<'_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(SortingMembers {
            inner: visitor,
            fields,
            more: self.more,
        })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, D::Error> {
        Err(serde::de::Error::custom("an open type must be an object"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Both the visitor that meets the members and the members that the type sees.
struct SortingMembers<'a, I> {
    inner: I,
    fields: &'static [&'static str],
    more: &'a mut BTreeMap<String, Json>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for SortingMembers<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(formatter)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(SortingMembers {
            inner: map,
            fields: self.fields,
            more: self.more,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for SortingMembers<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.inner.next_key::<Key<'de>>()? {
            if self.fields.contains(&&*key.0) {
                let key: StrDeserializer<'_, A::Error> = key.0.as_ref().into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            self.more
                .insert(key.0.into_owned(), self.inner.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}
