//! Objects of which only some members are known.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::Deserialize;
use serde::ser::{Error as _, Serialize, Serializer};

use super::json::Json;
use super::write::shorter_keys_first;

/// A typed object that may hold members this version does not know: they are kept and hashed.
///
/// On the wire its keys stand in the registry's database order, shorter ones first (SPEC 8); `T`
/// must declare its fields in that order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Open<T> {
    /// The members this version knows.
    #[serde(flatten)]
    pub known: T,
    /// The others.
    #[serde(flatten)]
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
