//! A paper's metadata, checked once and valid from then on (SPEC 2).

use std::collections::BTreeMap;

use super::category::Category;
use super::date;
use super::id::ArxivId;
use super::reject::{Fault, RejectCode, form, missing};
use super::text::{is_blank, shown};
use crate::time::Timestamp;

/// What is let through beyond the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Take titles and abstracts that are not ASCII (SPEC 2, Non-ASCII).
    pub allow_non_ascii: bool,
}

/// What a source says about a paper, not yet checked; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// The id, without a version.
    pub id: Option<&'a str>,
    /// The versions, in any order.
    pub versions: Vec<VersionEntry<'a>>,
    /// The title of the latest version.
    pub title: Option<&'a str>,
    /// The abstract of the latest version.
    pub abstract_text: Option<&'a str>,
    /// The authors, as one text.
    pub authors: Option<&'a str>,
    /// The categories, with white space between them, the primary one first.
    pub categories: Option<&'a str>,
    /// The URL of the licence.
    pub license: Option<&'a str>,
}

/// A version as a source lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionEntry<'a> {
    /// Its name, such as `v1`.
    pub version: &'a str,
    /// Its date, as RFC 2822 has it.
    pub date: Option<&'a str>,
}

/// The metadata of one paper: whatever a record and a snapshot are made from (SPEC 2, 6).
///
/// It describes the latest version, except for the date, which is that of the first. All of it
/// has been checked, so that nothing made from it can fail later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    id: ArxivId,
    version: u32,
    submitted_at: Timestamp,
    title: String,
    abstract_text: String,
    authors: String,
    categories: Vec<Category>,
    license: String,
}

impl Paper {
    /// Checks `metadata` by the rules of SPEC 2.
    ///
    /// # Errors
    /// A [`Fault`] that names the first field at fault, and the paper if the metadata has an id.
    pub fn new(metadata: &Metadata<'_>, options: ReadOptions) -> Result<Self, Fault> {
        Self::check(metadata, options).map_err(|fault| fault.of_paper(metadata.id))
    }

    fn check(metadata: &Metadata<'_>, options: ReadOptions) -> Result<Self, Fault> {
        let id = metadata
            .id
            .ok_or_else(|| missing("id"))?
            .parse()
            .map_err(|error| form("id", error))?;
        let (version, submitted_at) = versions(&metadata.versions)?;
        let title = hashed_text("title", metadata.title, options)?;
        let abstract_text = hashed_text("abstract", metadata.abstract_text, options)?;
        let categories = metadata
            .categories
            .filter(|list| !is_blank(list))
            .ok_or_else(|| missing("categories"))?;
        let categories =
            Category::parse_list(categories).map_err(|error| form("categories", error))?;
        let license = metadata.license.unwrap_or_default();
        if !license.bytes().all(|b| b.is_ascii_graphic()) {
            let message = format!(
                "a licence is a URL in ASCII without white space, which `{}` is not",
                shown(license)
            );
            return Err(form("license", message));
        }
        Ok(Paper {
            id,
            version,
            submitted_at,
            title,
            abstract_text,
            authors: metadata.authors.unwrap_or_default().to_owned(),
            categories,
            license: license.to_owned(),
        })
    }

    /// The id, without a version.
    pub fn id(&self) -> &ArxivId {
        &self.id
    }

    /// The latest version, whose title and abstract these are; 1 or more.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// When v1 was submitted, also if [`version`](Self::version) is a later one.
    pub fn submitted_at(&self) -> Timestamp {
        self.submitted_at
    }

    /// The title as the source has it, neither collapsed nor in lower case.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The abstract as the source has it, neither collapsed nor in lower case.
    pub fn abstract_text(&self) -> &str {
        &self.abstract_text
    }

    /// The authors as the source has them, in one text; empty where it names none.
    pub fn authors(&self) -> &str {
        &self.authors
    }

    /// The categories in the source's order, at least one; the first is the primary one.
    ///
    /// A source may name a category twice; dropping the second is up to the record.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The URL of the licence as arXiv gives it; empty where arXiv has none.
    pub fn license(&self) -> &str {
        &self.license
    }
}

/// A title or an abstract: what the record has a hash of.
fn hashed_text(
    field: &'static str,
    text: Option<&str>,
    options: ReadOptions,
) -> Result<String, Fault> {
    let text = text
        .filter(|text| !is_blank(text))
        .ok_or_else(|| missing(field))?;
    // Nearly every text is plain ASCII, which shows at once; only for a message is a place sought.
    if text.as_bytes().contains(&0)
        && let Some(at) = text.chars().position(|c| c == '\0')
    {
        let message = format!("the {field} holds U+0000, its character {}", at + 1);
        return Err(Fault::in_field(field, RejectCode::TextNul, message));
    }
    if !options.allow_non_ascii
        && !text.is_ascii()
        && let Some((at, c)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii())
    {
        let message = format!(
            "the {field} is not ASCII (U+{:04X} is its character {}): arXiv's raw metadata is \
             ASCII TeX, but since November 2025 its API turns TeX into Unicode, so this comes from \
             the wrong source and its hash would differ from the registry's; take the paper from \
             the Kaggle snapshot or OAI-PMH arXivRaw, or mint it as it is with --allow-non-ascii",
            u32::from(c),
            at + 1,
        );
        return Err(Fault::in_field(field, RejectCode::TextNonAscii, message));
    }
    Ok(text.to_owned())
}

/// The latest version's number and the first version's date.
///
/// Dates of other versions are used for nothing, so they are not looked at.
fn versions(entries: &[VersionEntry<'_>]) -> Result<(u32, Timestamp), Fault> {
    let mut dates = BTreeMap::new();
    for entry in entries {
        let number = version_number(entry.version).ok_or_else(|| {
            let message = format!(
                "versions are called `v1`, `v2` and so on, not `{}`",
                shown(entry.version)
            );
            form("versions", message)
        })?;
        if dates.insert(number, entry.date).is_some() {
            let message = format!("version v{number} is listed twice");
            return Err(Fault::in_field(
                "versions",
                RejectCode::FieldRepeated,
                message,
            ));
        }
    }
    let gap = |message: &str| {
        Fault::in_field(
            "versions",
            RejectCode::FieldMissing,
            format!("{message}, so it is not known when the paper was submitted"),
        )
    };
    let (latest, first) = match (dates.last_key_value(), dates.get(&1)) {
        (None, _) => return Err(gap("no version is listed")),
        (_, None) => return Err(gap("v1 is not among the versions")),
        (_, Some(None)) => return Err(gap("v1 has no date")),
        (Some((latest, _)), Some(Some(first))) => (*latest, *first),
    };
    let submitted_at = date::parse(first).map_err(|error| form("versions", error))?;
    Ok((latest, submitted_at))
}

fn version_number(text: &str) -> Option<u32> {
    text.strip_prefix('v')
        .filter(|digits| !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: VersionEntry<'static> = entry("v1", "Wed, 7 Jun 2017 21:01:15 GMT");

    const fn entry(version: &'static str, date: &'static str) -> VersionEntry<'static> {
        VersionEntry {
            version,
            date: Some(date),
        }
    }

    fn sample() -> Metadata<'static> {
        Metadata {
            id: Some("1706.02379"),
            versions: vec![V1],
            title: Some("On a\n  thing"),
            abstract_text: Some("  We study a thing.\n"),
            authors: Some("A. Author"),
            categories: Some("math.GT hep-th"),
            license: Some("http://example.org/by/4.0/"),
        }
    }

    fn fault(metadata: &Metadata<'_>) -> Fault {
        Paper::new(metadata, ReadOptions::default()).unwrap_err()
    }

    #[track_caller]
    fn assert_fault(metadata: Metadata<'_>, field: &str, code: RejectCode) {
        let fault = fault(&metadata);
        assert_eq!((fault.field, fault.code), (Some(field), code), "{fault}");
        assert_eq!(fault.arxiv_id.as_deref(), metadata.id);
    }

    #[test]
    fn a_paper_keeps_what_the_source_says() {
        let paper = Paper::new(&sample(), ReadOptions::default()).unwrap();
        assert_eq!(paper.id().as_str(), "1706.02379");
        assert_eq!(paper.version(), 1);
        assert_eq!(paper.submitted_at().to_string(), "2017-06-07T21:01:15Z");
        assert_eq!(paper.title(), "On a\n  thing");
        assert_eq!(paper.abstract_text(), "  We study a thing.\n");
        assert_eq!(paper.authors(), "A. Author");
        assert_eq!(paper.categories().len(), 2);
        assert_eq!(paper.categories()[0].as_str(), "math.GT");
        assert_eq!(paper.license(), "http://example.org/by/4.0/");
    }

    #[test]
    fn authors_and_licence_may_be_missing() {
        let metadata = Metadata {
            authors: None,
            license: None,
            ..sample()
        };
        let paper = Paper::new(&metadata, ReadOptions::default()).unwrap();
        assert_eq!((paper.authors(), paper.license()), ("", ""));
    }

    #[test]
    fn what_must_be_there() {
        use RejectCode::FieldMissing;
        let nothing = [None, Some(""), Some(" \n")];
        assert_fault(
            Metadata {
                id: None,
                ..sample()
            },
            "id",
            FieldMissing,
        );
        for title in nothing {
            assert_fault(Metadata { title, ..sample() }, "title", FieldMissing);
        }
        for abstract_text in nothing {
            let metadata = Metadata {
                abstract_text,
                ..sample()
            };
            assert_fault(metadata, "abstract", FieldMissing);
        }
        for categories in nothing {
            let metadata = Metadata {
                categories,
                ..sample()
            };
            assert_fault(metadata, "categories", FieldMissing);
        }
    }

    #[test]
    fn forms() {
        use RejectCode::FieldForm;
        for id in ["", "1706.02379v3", "math.GT/0309136"] {
            let metadata = Metadata {
                id: Some(id),
                ..sample()
            };
            assert_fault(metadata, "id", FieldForm);
        }
        for categories in ["math.GT; hep-th", "math."] {
            let metadata = Metadata {
                categories: Some(categories),
                ..sample()
            };
            assert_fault(metadata, "categories", FieldForm);
        }
        for license in [
            " ",
            "http://example.org/ ",
            "http://example.org/é",
            "a\u{7f}",
        ] {
            let metadata = Metadata {
                license: Some(license),
                ..sample()
            };
            assert_fault(metadata, "license", FieldForm);
        }
    }

    #[test]
    fn non_ascii_text_is_refused_with_the_reason() {
        let metadata = Metadata {
            title: Some("Gödel"),
            ..sample()
        };
        assert_fault(metadata.clone(), "title", RejectCode::TextNonAscii);
        let message = fault(&metadata).message;
        for part in [
            "U+00F6",
            "character 2",
            "API",
            "arXivRaw",
            "--allow-non-ascii",
        ] {
            assert!(message.contains(part), "{message}");
        }
        let metadata = Metadata {
            abstract_text: Some("A\u{a0}b"),
            ..metadata
        };
        let options = ReadOptions {
            allow_non_ascii: true,
        };
        assert_eq!(Paper::new(&metadata, options).unwrap().title(), "Gödel");
        assert_fault(
            Metadata {
                title: Some("x"),
                ..metadata
            },
            "abstract",
            RejectCode::TextNonAscii,
        );
        let metadata = Metadata {
            authors: Some("K. Gödel"),
            ..sample()
        };
        assert!(Paper::new(&metadata, ReadOptions::default()).is_ok());
    }

    #[test]
    fn nul_is_refused_even_where_non_ascii_is_not() {
        let metadata = Metadata {
            title: Some("a\0b"),
            ..sample()
        };
        assert_fault(metadata.clone(), "title", RejectCode::TextNul);
        let options = ReadOptions {
            allow_non_ascii: true,
        };
        assert!(Paper::new(&metadata, options).is_err());
    }

    #[test]
    fn the_latest_version_counts_and_the_first_ones_date() {
        let metadata = Metadata {
            versions: vec![entry("v10", "junk"), V1, entry("v9", "")],
            ..sample()
        };
        let paper = Paper::new(&metadata, ReadOptions::default()).unwrap();
        assert_eq!(paper.version(), 10);
        assert_eq!(paper.submitted_at().to_string(), "2017-06-07T21:01:15Z");
    }

    #[test]
    fn lists_of_versions_are_checked() {
        use RejectCode::{FieldForm, FieldMissing, FieldRepeated};
        let undated = VersionEntry {
            version: "v1",
            date: None,
        };
        for (versions, code) in [
            (vec![], FieldMissing),
            (
                vec![entry("v2", "Wed, 7 Jun 2017 21:01:15 GMT")],
                FieldMissing,
            ),
            (vec![undated], FieldMissing),
            (vec![V1, V1], FieldRepeated),
            (vec![V1, entry("v2", ""), entry("v2", "")], FieldRepeated),
            (vec![entry("v1", "Thu, 7 Jun 2017 21:01:15 GMT")], FieldForm),
            (vec![entry("v1", "2017-06-07")], FieldForm),
            (vec![V1, entry("2", "")], FieldForm),
            (vec![V1, entry("v02", "")], FieldForm),
            (vec![V1, entry("v0", "")], FieldForm),
            (vec![V1, entry("v", "")], FieldForm),
            (vec![V1, entry("V2", "")], FieldForm),
            (vec![V1, entry("v2 ", "")], FieldForm),
            (vec![V1, entry("v+2", "")], FieldForm),
            (vec![V1, entry("v4294967296", "")], FieldForm),
        ] {
            assert_fault(
                Metadata {
                    versions,
                    ..sample()
                },
                "versions",
                code,
            );
        }
    }
}
