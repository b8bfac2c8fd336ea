//! Types that are a string in documents: one way to read them all.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// Reads a string and parses it; the parse error becomes the document's error at that path.
pub(crate) fn parse<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(ParseVisitor(PhantomData))
}

struct ParseVisitor<T>(PhantomData<T>);

impl<T> Visitor<'_> for ParseVisitor<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// For `#[serde(deserialize_with)]` on a field that may be null but must be there.
pub(crate) fn nullable<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: Deserializer<'de>,
{
    serde::Deserialize::deserialize(deserializer)
}

/// For `#[serde(deserialize_with)]` on a field that may be missing but not null: a document that
/// could say the same in both ways would have two hashes.
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Gives a type with `Display` and `FromStr` its string form in documents.
macro_rules! string_form {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parse(deserializer)
            }
        }
    };
}

/// Defines a type whose only value is one fixed string, such as a document's version.
///
/// Reading anything else is an error that names what was expected; so a typed document cannot
/// claim a version, kind or algorithm that its rules do not belong to.
macro_rules! constant {
    ($(#[$doc:meta])* $name:ident = $value:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name;

        impl $name {
            /// The one text that this stands for.
            pub const VALUE: &'static str = $value;
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                if text == $value {
                    Ok($name)
                } else {
                    Err(format!("expected `{}`, found `{text}`", $value))
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($value)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parse(deserializer)
            }
        }
    };
}

/// Defines a list of rules or checks: each has a name that does not change, what it means, and what to
/// do when it does not hold. Documentation and `--explain` print these very texts.
macro_rules! catalogue {
    ($(#[$doc:meta])* $type:ident: $($name:ident = $text:literal, $meaning:literal, $remedy:literal;)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $(#[doc = $meaning] $name,)*
        }

        impl $type {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [$type] = &[$($type::$name,)*];

            /// The name that reports and scripts use.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$name => $text,)* }
            }

            /// What it establishes.
            pub const fn meaning(self) -> &'static str {
                match self { $($type::$name => $meaning,)* }
            }

            /// What to do when it fails.
            pub const fn remedy(self) -> &'static str {
                match self { $($type::$name => $remedy,)* }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use {catalogue, constant, string_form};
