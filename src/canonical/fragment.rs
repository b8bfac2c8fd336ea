//! Canonical text computed once and spliced wherever the same value stands again.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::node::Node;
use super::write::{WriteError, to_vec};

/// A JSON value as its canonical text; it has sorted keys on the wire too (SPEC 7).
#[derive(Debug, Clone)]
pub struct Fragment(Box<RawValue>);

impl Fragment {
    /// The canonical text of `value`.
    ///
    /// # Errors
    /// As [`to_vec`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Fragment, WriteError> {
        let text = String::from_utf8(to_vec(value)?).expect("JSON text is UTF-8");
        Ok(Fragment(RawValue::from_string(text)?))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Fragment {
    fn eq(&self, other: &Fragment) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Fragment {}

impl Serialize for Fragment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fragment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fragment::of(&Node::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
