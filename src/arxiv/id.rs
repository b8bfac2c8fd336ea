//! arXiv identifiers, of both schemes, with and without a version (SPEC 2, 3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::shown;

/// The archives that ids of the old scheme can name; the list closed in March 2007.
#[rustfmt::skip]
const ARCHIVES: [&str; 34] = [
    "acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an", "chao-dyn",
    "chem-ph", "cmp-lg", "comp-gas", "cond-mat", "cs", "dg-ga", "funct-an", "gr-qc", "hep-ex",
    "hep-lat", "hep-ph", "hep-th", "math", "math-ph", "mtrl-th", "nlin", "nucl-ex", "nucl-th",
    "patt-sol", "physics", "plasm-ph", "q-alg", "q-bio", "quant-ph", "solv-int", "supr-con",
];

/// The id of a paper, without a version (SPEC 2): `1706.02379` or `hep-lat/0305021`.
///
/// Of the old scheme, `archive/YYMMNNN`, or of the new one, `YYMM.NNNN` from April 2007 to
/// December 2014 and `YYMM.NNNNN` since. There is one text for each id, so it is kept as given:
/// a subject class (`math.GT/0309136`), a prefix or a version is refused, not dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArxivId(String);

impl ArxivId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One version of a paper: `1706.02379v3` (SPEC 3, the alias `arxiv_version`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArxivVersion {
    id: ArxivId,
    version: u32,
}

impl ArxivVersion {
    /// Version `version` of the paper `id`.
    ///
    /// # Errors
    /// [`IdError::Version`] if `version` is 0: versions count from 1.
    pub fn new(id: ArxivId, version: u32) -> Result<Self, IdError> {
        if version == 0 {
            return Err(IdError::Version {
                text: format!("{id}v0"),
            });
        }
        Ok(ArxivVersion { id, version })
    }

    /// The paper.
    pub fn id(&self) -> &ArxivId {
        &self.id
    }

    /// The number of the version, 1 or more.
    pub fn version(&self) -> u32 {
        self.version
    }
}

/// Why a text is not an arXiv id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// It is neither of the old scheme nor of the new one.
    #[error(
        "an arXiv id has the form `1706.02379` or `hep-lat/0305021`, which `{}` has not",
        shown(text)
    )]
    Form {
        /// The text found.
        text: String,
    },
    /// It names a subject class, which is not part of the id.
    #[error(
        "an arXiv id of the old scheme names no subject class: write `{canonical}`, not `{text}`"
    )]
    SubjectClass {
        /// The text found.
        text: String,
        /// The same id as it is written.
        canonical: String,
    },
    /// It has a version at its end, where an id without one is expected.
    #[error("the id of the paper is expected here, without a version: `{id}`, not `{text}`")]
    Versioned {
        /// The text found.
        text: String,
        /// The id in it.
        id: String,
    },
    /// It begins with an archive that no id names.
    #[error(
        "`{}` begins with `{}`, which is no archive of arXiv's old scheme",
        shown(text),
        shown(archive)
    )]
    Archive {
        /// The text found.
        text: String,
        /// What stands before its slash.
        archive: String,
    },
    /// Its digits name no month in which ids of that form were given.
    #[error(
        "`{text}` names a month that does not fit: ids begin with the year and month they were \
         given in, such as 1706, and have four digits after the dot from 0704 to 1412, five since"
    )]
    Month {
        /// The text found.
        text: String,
    },
    /// It does not end in a version.
    #[error(
        "a version of a paper has the form `1706.02379v3`, with versions from 1 on, which `{}` has \
         not",
        shown(text)
    )]
    Version {
        /// The text found.
        text: String,
    },
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether `text` is of one of the two schemes, of which it names `shape` digits.
fn check(text: &str) -> Result<(), IdError> {
    let form = || IdError::Form {
        text: text.to_owned(),
    };
    let month_fits = |yymm: &str, months: &dyn Fn(&str) -> bool| {
        if ("01"..="12").contains(&&yymm[2..]) && months(yymm) {
            Ok(())
        } else {
            Err(IdError::Month {
                text: text.to_owned(),
            })
        }
    };
    if let Some((archive, number)) = text.split_once('/') {
        if number.len() != 7 || !all_digits(number) {
            return Err(form());
        }
        if !ARCHIVES.contains(&archive) {
            return Err(match archive.split_once('.') {
                Some((archive, _)) if ARCHIVES.contains(&archive) => IdError::SubjectClass {
                    text: shown(text),
                    canonical: format!("{archive}/{number}"),
                },
                _ => IdError::Archive {
                    text: text.to_owned(),
                    archive: archive.to_owned(),
                },
            });
        }
        return month_fits(&number[..4], &|_| true);
    }
    let (yymm, number) = text.split_once('.').ok_or_else(form)?;
    if yymm.len() != 4 || !all_digits(yymm) || !all_digits(number) {
        return Err(form());
    }
    match number.len() {
        4 => month_fits(yymm, &|yymm| ("0704"..="1412").contains(&yymm)),
        5 => month_fits(yymm, &|yymm| yymm >= "1501"),
        _ => Err(form()),
    }
}

/// `text` without the version at its end, if it has one.
fn split_version(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('v')
        .filter(|(_, version)| !version.is_empty() && all_digits(version))
}

impl FromStr for ArxivId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match check(text) {
            Ok(()) => Ok(ArxivId(text.to_owned())),
            Err(error) => Err(match split_version(text) {
                Some((id, _)) if check(id).is_ok() => IdError::Versioned {
                    text: shown(text),
                    id: id.to_owned(),
                },
                _ => error,
            }),
        }
    }
}

impl FromStr for ArxivVersion {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let form = || IdError::Version {
            text: text.to_owned(),
        };
        let (id, version) = split_version(text).ok_or_else(form)?;
        let id = id.parse()?;
        if version.starts_with('0') {
            return Err(form());
        }
        ArxivVersion::new(id, version.parse().map_err(|_| form())?)
    }
}

impl fmt::Display for ArxivId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for ArxivVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}v{}", self.id, self.version)
    }
}

macro_rules! text_form {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parse(deserializer)
            }
        }
    };
}

text_form!(ArxivId);
text_form!(ArxivVersion);

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<ArxivId, IdError> {
        text.parse()
    }

    #[test]
    fn ids_of_both_schemes_are_kept_as_given() {
        for text in [
            "hep-lat/0305021",
            "math/0309136",
            "alg-geom/9202001",
            "physics/0703001",
            "0704.0001",
            "1412.9999",
            "1501.00001",
            "2605.12345",
        ] {
            assert_eq!(id(text).unwrap().to_string(), text);
            assert_eq!(id(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "/",
            ".",
            "1706",
            "1706.",
            "1706.023",
            "1706.023790",
            "1706-02379",
            " 1706.02379",
            "1706.02379\n",
            "arXiv:1706.02379",
            "https://arxiv.org/abs/1706.02379",
            "704.0001",
            "10704.0001",
            "hep-lat/030502",
            "hep-lat/03050211",
            "hep-lat/03O5021",
            "hep-lat/",
            "hep-lat/0305021/1",
            "17é6.02379",
            "+706.02379",
            "hep-th/990é01",
        ] {
            assert!(matches!(id(text), Err(IdError::Form { .. })), "{text:?}");
        }
    }

    #[test]
    fn months_must_fit_the_form() {
        for text in [
            "0703.0001",
            "0713.0001",
            "0800.0001",
            "1412.00001",
            "1501.0001",
            "1613.00001",
            "9108.0001",
            "hep-lat/0300021",
            "hep-lat/0313021",
        ] {
            assert!(matches!(id(text), Err(IdError::Month { .. })), "{text}");
        }
    }

    #[test]
    fn errors_name_the_way_out() {
        let message = |text| id(text).unwrap_err().to_string();
        assert!(message("math.GT/0309136").contains("write `math/0309136`"));
        assert!(message("1706.02379v3").contains("`1706.02379`, not"));
        assert!(message("solv-int/9901001v2").contains("`solv-int/9901001`, not"));
        assert!(message("maths/0309136").contains("`maths`, which is no archive"));
        assert!(message("maths.GT/0309136").contains("no archive"));
        assert!(message("Math/0309136").contains("no archive"));
        assert!(message("17\u{1b}6.02379").contains("\\u{1b}"));
    }

    #[test]
    fn versions() {
        let version: ArxivVersion = "1706.02379v3".parse().unwrap();
        assert_eq!(
            (version.id().as_str(), version.version()),
            ("1706.02379", 3)
        );
        assert_eq!(version.to_string(), "1706.02379v3");
        let old: ArxivVersion = "solv-int/9901001v12".parse().unwrap();
        assert_eq!((old.id().as_str(), old.version()), ("solv-int/9901001", 12));
        for text in [
            "1706.02379",
            "1706.02379v",
            "1706.02379v0",
            "1706.02379v03",
            "1706.02379v+3",
            "1706.02379V3",
            "1706.02379v3 ",
            "1706.02379v4294967296",
            "solv-int/9901001",
        ] {
            let error = text.parse::<ArxivVersion>().unwrap_err();
            assert!(matches!(error, IdError::Version { .. }), "{text}");
        }
        assert!("1713.02379v1".parse::<ArxivVersion>().is_err());
        assert!(ArxivVersion::new("1706.02379".parse().unwrap(), 0).is_err());
    }

    #[test]
    fn ids_are_strings_in_documents() {
        let id: ArxivId = crate::canonical::from_slice(b"\"1706.02379\"").unwrap();
        assert_eq!(crate::canonical::to_vec(&id).unwrap(), b"\"1706.02379\"");
        assert!(crate::canonical::from_slice::<ArxivId>(b"\"1706.02379v3\"").is_err());
    }
}
