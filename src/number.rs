//! Pith Numbers, short numbers and the other names of a record (SPEC 3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::record::CanonicalRecord;
use crate::text::string_form;
use crate::time::Timestamp;

/// The last part of a Pith Number: 26 characters out of `A`–`Z` and `2`–`7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suffix([u8; Suffix::LEN]);

impl Suffix {
    /// How many characters a suffix has.
    pub const LEN: usize = 26;

    /// The suffix of the record with this digest.
    pub fn of(digest: &Digest) -> Self {
        let text = digest.base32_26();
        Suffix(text.as_bytes().try_into().expect("26 ASCII characters"))
    }

    /// The suffix as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base32 is ASCII")
    }
}

/// Whether `text` consists of base32 characters only.
pub(crate) fn is_base32(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
}

impl fmt::Display for Suffix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Suffix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Suffix {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        match text.as_bytes().try_into() {
            Ok(bytes) if is_base32(text) => Ok(Suffix(bytes)),
            _ => Err(NumberError(text.to_owned())),
        }
    }
}

/// A Pith Number, `pith:YYYY:` and a [`Suffix`]; YYYY is the year of the record's `submitted_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PithNumber {
    year: u16,
    suffix: Suffix,
}

impl PithNumber {
    /// The number of a record with this digest that was submitted in `year` (UTC).
    pub fn new(year: u16, digest: &Digest) -> Self {
        PithNumber {
            year,
            suffix: Suffix::of(digest),
        }
    }

    /// The number of `record`, whose digest the caller has.
    pub fn of(record: &CanonicalRecord, digest: &Digest) -> Self {
        PithNumber::new(record.metadata.submitted_at.year(), digest)
    }

    /// The year.
    pub fn year(&self) -> u16 {
        self.year
    }

    /// The last part.
    pub fn suffix(&self) -> &Suffix {
        &self.suffix
    }

    /// `pith:` and the first 8 characters of the suffix: 40 bits, so not unique among millions.
    pub fn short(&self) -> ShortPithNumber {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.suffix.0[..8]);
        ShortPithNumber(prefix)
    }
}

impl fmt::Display for PithNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "pith:{:04}:{}", self.year, self.suffix)
    }
}

impl FromStr for PithNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let error = || NumberError(text.to_owned());
        let rest = text.strip_prefix("pith:").ok_or_else(error)?;
        let (year, suffix) = rest.split_once(':').ok_or_else(error)?;
        if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) || year == "0000" {
            return Err(error());
        }
        Ok(PithNumber {
            year: year.parse().map_err(|_| error())?,
            suffix: suffix.parse().map_err(|_| error())?,
        })
    }
}

string_form!(PithNumber);

/// The text is not a Pith Number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a Pith Number is `pith:`, a year, `:` and 26 characters out of A-Z and 2-7, \
     such as pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2; `{0}` is not"
)]
pub struct NumberError(String);

/// `pith:` and the first 8 characters of a suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortPithNumber([u8; 8]);

impl fmt::Display for ShortPithNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = std::str::from_utf8(&self.0).expect("base32 is ASCII");
        write!(formatter, "pith:{prefix}")
    }
}

impl FromStr for ShortPithNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("pith:")
            .filter(|prefix| is_base32(prefix))
            .and_then(|prefix| prefix.as_bytes().try_into().ok())
            .map(ShortPithNumber)
            .ok_or_else(|| {
                format!("a short Pith Number is `pith:` and 8 characters out of A-Z and 2-7, not `{text}`")
            })
    }
}

string_form!(ShortPithNumber);

/// What kind of name an alias is; declared in the order of the kinds' texts, which is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasKind {
    /// The arXiv id without version.
    Arxiv,
    /// The arXiv id with version.
    ArxivVersion,
    /// The DOI that arXiv registers for the id.
    Doi,
    /// The first 12 characters of the suffix.
    #[serde(rename = "pith_short_12")]
    PithShort12,
    /// The first 16 characters of the suffix.
    #[serde(rename = "pith_short_16")]
    PithShort16,
    /// The first 8 characters of the suffix.
    #[serde(rename = "pith_short_8")]
    PithShort8,
}

impl AliasKind {
    /// The kind as documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            AliasKind::Arxiv => "arxiv",
            AliasKind::ArxivVersion => "arxiv_version",
            AliasKind::Doi => "doi",
            AliasKind::PithShort12 => "pith_short_12",
            AliasKind::PithShort16 => "pith_short_16",
            AliasKind::PithShort8 => "pith_short_8",
        }
    }
}

/// Another name of a record (SPEC 3), in wire order; they sort by kind, then by value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceAlias {
    /// What kind of name it is.
    pub alias_kind: AliasKind,
    /// The name.
    pub alias_value: String,
    /// When the registry gave it; no hash derives it, so it can differ from alias to alias.
    pub created_at: Timestamp,
}

/// The kinds and values of all names that a record has, sorted by kind (SPEC 3).
pub fn alias_values(record: &CanonicalRecord, number: &PithNumber) -> [(AliasKind, String); 6] {
    let id = &record.source.id;
    let suffix = number.suffix().as_str();
    [
        (AliasKind::Arxiv, id.to_string()),
        (AliasKind::ArxivVersion, record.source.arxiv_version()),
        (AliasKind::Doi, doi(id.as_str())),
        (AliasKind::PithShort12, suffix[..12].to_owned()),
        (AliasKind::PithShort16, suffix[..16].to_owned()),
        (AliasKind::PithShort8, suffix[..8].to_owned()),
    ]
}

/// The DOI that arXiv registers for `arxiv_id`, lower case, the slash of old ids kept.
pub fn doi(arxiv_id: &str) -> String {
    let mut doi = format!("10.48550/arxiv.{arxiv_id}");
    doi.make_ascii_lowercase();
    doi
}

/// All names that a record has, given at one time.
pub fn aliases_at(
    record: &CanonicalRecord,
    number: &PithNumber,
    created_at: Timestamp,
) -> Vec<SourceAlias> {
    alias_values(record, number)
        .into_iter()
        .map(|(alias_kind, alias_value)| SourceAlias {
            alias_kind,
            alias_value,
            created_at,
        })
        .collect()
}

/// Aliases sorted by kind and value, each once, at its earliest time (SPEC 7, rule 8).
pub fn earliest_aliases(aliases: impl IntoIterator<Item = SourceAlias>) -> Vec<SourceAlias> {
    let mut sorted: Vec<_> = aliases.into_iter().collect();
    // The time is the last field, so the earliest of several comes first.
    sorted.sort();
    sorted.dedup_by(|later, kept| {
        later.alias_kind == kept.alias_kind && later.alias_value == kept.alias_value
    });
    sorted
}
