//! Finding records by any of their names (SPEC 3).

use super::error::LedgerError;
use super::rows::{Db, number};
use crate::arxiv::{ArxivId, ArxivVersion};
use crate::number::{PithNumber, Suffix, is_base32};

/// The shortest part of a suffix that is looked up: the shortest alias.
const SHORTEST_PREFIX: usize = 8;

/// What a text could be the name of.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    Number(PithNumber),
    /// The beginning of a suffix, or all of it.
    Prefix(String),
    Paper(ArxivId),
    Version(ArxivVersion),
}

impl Name {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            return Some(Name::Number(number));
        }
        let upper = text
            .strip_prefix("pith:")
            .unwrap_or(text)
            .to_ascii_uppercase();
        if (SHORTEST_PREFIX..=Suffix::LEN).contains(&upper.len()) && is_base32(&upper) {
            return Some(Name::Prefix(upper));
        }
        let without_scheme = [
            "https://doi.org/",
            "http://doi.org/",
            "https://dx.doi.org/",
            "doi:",
        ]
        .into_iter()
        .find_map(|scheme| strip_prefix(text, scheme))
        .unwrap_or(text);
        // The registered DOI is in lower case, and so are the archives of all arXiv ids.
        if let Some(id) = strip_prefix(without_scheme, "10.48550/arxiv.") {
            return id.to_ascii_lowercase().parse().ok().map(Name::Paper);
        }
        let text = strip_prefix(text, "arxiv:").unwrap_or(text);
        match text.parse() {
            Ok(id) => Some(Name::Paper(id)),
            Err(_) => text.parse().ok().map(Name::Version),
        }
    }
}

/// `text` without `prefix`, which may be in any letter case.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

impl Db<'_> {
    /// All records that `text` is a name of.
    pub fn find(self, text: &str) -> Result<Vec<PithNumber>, LedgerError> {
        match Name::read(text) {
            None => Ok(Vec::new()),
            Some(Name::Number(number)) => Ok(self
                .prefixed(number.suffix().as_str())?
                .into_iter()
                .filter(|found| *found == number)
                .collect()),
            Some(Name::Prefix(prefix)) => self.prefixed(&prefix),
            Some(Name::Paper(id)) => self.by_arxiv(&id, None),
            Some(Name::Version(version)) => self.by_arxiv(version.id(), Some(version.version())),
        }
    }

    /// The versions of a paper, by version, then in sequence order.
    pub fn by_arxiv(
        self,
        id: &ArxivId,
        version: Option<u32>,
    ) -> Result<Vec<PithNumber>, LedgerError> {
        self.numbers_where(
            "arxiv_id = ?1 AND version BETWEEN ?2 AND ?3 ORDER BY version, seq",
            (
                id.as_str(),
                version.unwrap_or(0),
                version.unwrap_or(u32::MAX),
            ),
        )
    }

    /// A range of the suffixes' index; `~` comes after every character of base32.
    fn prefixed(self, prefix: &str) -> Result<Vec<PithNumber>, LedgerError> {
        self.numbers_where(
            "suffix >= ?1 AND suffix < ?1 || '~' ORDER BY suffix",
            [prefix],
        )
    }

    fn numbers_where(
        self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<PithNumber>, LedgerError> {
        let fails = |error| self.fails(error);
        let sql = format!("SELECT seq, suffix, submitted_at FROM records WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).map_err(fails)?;
        let mut rows = statement.query(values).map_err(fails)?;
        let mut numbers = Vec::new();
        while let Some(row) = rows.next().map_err(fails)? {
            let seq: i64 = row.get(0).map_err(fails)?;
            numbers.push(self.number_of(seq, row)?);
        }
        Ok(numbers)
    }

    /// The number in a row of `seq, suffix, submitted_at`.
    pub fn number_of(self, seq: i64, row: &rusqlite::Row<'_>) -> Result<PithNumber, LedgerError> {
        let suffix: String = row.get(1).map_err(|error| self.fails(error))?;
        let submitted_at: i64 = row.get(2).map_err(|error| self.fails(error))?;
        number(&suffix, submitted_at).map_err(|fault| self.damaged_record(seq, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(text: &str) -> Option<Name> {
        Some(Name::Paper(text.parse().unwrap()))
    }

    #[test]
    fn names_are_told_apart() {
        let number = "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2";
        assert_eq!(
            Name::read(number),
            Some(Name::Number(number.parse().unwrap()))
        );
        for prefix in ["pith:ED4F53GC", "ED4F53GC", "ed4f53gc", " ED4F53GC\n"] {
            assert_eq!(
                Name::read(prefix),
                Some(Name::Prefix("ED4F53GC".to_owned()))
            );
        }
        for text in [
            "1706.02379",
            "arXiv:1706.02379",
            "ARXIV:1706.02379",
            "10.48550/arxiv.1706.02379",
            "10.48550/arXiv.1706.02379",
            "https://doi.org/10.48550/ARXIV.1706.02379",
            "doi:10.48550/arXiv.1706.02379",
        ] {
            assert_eq!(Name::read(text), paper("1706.02379"), "{text}");
        }
        for text in ["hep-lat/0305021", "10.48550/ARXIV.HEP-LAT/0305021"] {
            assert_eq!(Name::read(text), paper("hep-lat/0305021"), "{text}");
        }
        for text in ["1706.02379v3", "arXiv:1706.02379v3"] {
            let version = "1706.02379v3".parse().unwrap();
            assert_eq!(Name::read(text), Some(Name::Version(version)), "{text}");
        }
        for text in [
            "",
            "pith:",
            "ED4F53G",
            "ED4F53G1",
            "ED4F53GCRLOJRJHSWFUN2OGZG2A",
            "pith:17:ED4F53GCRLOJRJHSWFUN2OGZG2",
            "10.48550/arxiv.",
            "10.1000/1706.02379",
            "arXiv:",
            "é",
            "arxivé",
        ] {
            assert_eq!(Name::read(text), None, "{text}");
        }
    }
}
