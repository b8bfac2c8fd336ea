//! Subject categories, such as `math.GT` (SPEC 2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::shown;

/// An arXiv category: `archive` or `archive.CLASS`, ordered by code point (SPEC 2).
///
/// Both parts are letters, digits and hyphens and begin with a letter. Which categories exist is
/// not checked: arXiv adds some now and then, and retired ones (`alg-geom`) stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(String);

impl Category {
    /// The category as arXiv writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a list of categories with white space between them; the primary one comes first.
    ///
    /// # Errors
    /// [`CategoryError`] if the list is empty or one of its words is not a category.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, CategoryError> {
        let categories: Vec<Self> = text
            .split_ascii_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if categories.is_empty() {
            return Err(CategoryError::NoCategory);
        }
        Ok(categories)
    }
}

/// Why a text is not a category, or not a list of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CategoryError {
    /// The list is empty.
    #[error("a paper has at least one category, and here is none")]
    NoCategory,
    /// The text does not look like one.
    #[error(
        "a category looks like `math.GT` or `hep-th`, which `{}` does not",
        shown(text)
    )]
    Form {
        /// The text found.
        text: String,
    },
}

fn is_part(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl FromStr for Category {
    type Err = CategoryError;

    fn from_str(text: &str) -> Result<Self, CategoryError> {
        let sound = match text.split_once('.') {
            Some((archive, class)) => is_part(archive) && is_part(class),
            None => is_part(text),
        };
        if sound {
            Ok(Category(text.to_owned()))
        } else {
            Err(CategoryError::Form {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parse(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for good in [
            "math.GT",
            "hep-th",
            "alg-geom",
            "physics.acc-ph",
            "q-bio.BM",
            "cs.CL2",
        ] {
            assert_eq!(good.parse::<Category>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "math.",
            ".GT",
            "math.GT.x",
            "math GT",
            "math,GT",
            "1math",
            "-math",
            "math.1",
            "mäth",
            "math/GT",
            "math.GT\n",
        ] {
            assert!(bad.parse::<Category>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lists() {
        let list = Category::parse_list(" math.GT  math-ph\nhep-th ").unwrap();
        let texts: Vec<&str> = list.iter().map(Category::as_str).collect();
        assert_eq!(texts, ["math.GT", "math-ph", "hep-th"]);
        assert_eq!(Category::parse_list(" "), Err(CategoryError::NoCategory));
        assert!(Category::parse_list("math.GT; hep-th").is_err());
    }

    #[test]
    fn order_is_by_code_point() {
        let [a, b]: [Category; 2] = ["math-ph", "math.DS"].map(|text| text.parse().unwrap());
        assert!(a < b);
    }
}
