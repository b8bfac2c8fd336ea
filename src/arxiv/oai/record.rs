//! The texts of one `<record>`, collected, and what they say about a paper.

use crate::arxiv::paper::{Metadata, Paper, ReadOptions, VersionEntry};
use crate::arxiv::reject::{Fault, RejectCode, missing};

/// A child of `<arXivRaw>` that holds one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Title,
    Authors,
    Categories,
    License,
    Abstract,
}

impl Field {
    const ALL: [Field; 6] = [
        Field::Id,
        Field::Title,
        Field::Authors,
        Field::Categories,
        Field::License,
        Field::Abstract,
    ];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Title => "title",
            Field::Authors => "authors",
            Field::Categories => "categories",
            Field::License => "license",
            Field::Abstract => "abstract",
        }
    }
}

/// What was read between `<record>` and `</record>`, decoded but not yet judged.
///
/// Owns its texts, so that it can be parsed on another thread than the one that reads.
#[derive(Debug, Default)]
pub(in crate::arxiv) struct Record {
    /// From the header, for messages about records whose metadata cannot be used.
    pub(super) identifier: Option<String>,
    pub(super) deleted: bool,
    pub(super) has_metadata: bool,
    fields: [Option<String>; Field::ALL.len()],
    versions: Vec<(String, Option<String>)>,
    /// The first thing that was wrong with the record as XML of its kind.
    fault: Option<Fault>,
}

impl Record {
    pub(super) fn set(&mut self, field: Field, text: String) {
        if self.fields[field as usize].replace(text).is_some() {
            self.fail(repeated(field.name(), field.name()));
        }
    }

    pub(super) fn add_version(&mut self, name: String) {
        self.versions.push((name, None));
    }

    pub(super) fn set_date(&mut self, text: String) {
        if let Some((_, date)) = self.versions.last_mut()
            && date.replace(text).is_some()
        {
            self.fail(repeated("versions", "date"));
        }
    }

    /// Notes a fault; the first one counts.
    pub(super) fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// All its texts, in one order; one that is not there is empty.
    pub(in crate::arxiv) fn texts(&self) -> impl Iterator<Item = &str> {
        let versions = self
            .versions
            .iter()
            .flat_map(|(name, date)| [Some(name), date.as_ref()]);
        std::iter::once(self.identifier.as_ref())
            .chain(self.fields.iter().map(Option::as_ref))
            .chain(versions)
            .map(|text| text.map_or("", String::as_str))
    }

    /// The id in the metadata, or else the one in the header.
    pub(super) fn any_id(&self) -> Option<&str> {
        let header = || {
            self.identifier
                .as_deref()
                .map(str::trim)
                .map(|text| text.strip_prefix("oai:arXiv.org:").unwrap_or(text))
        };
        self.field(Field::Id).map(str::trim).or_else(header)
    }

    fn field(&self, field: Field) -> Option<&str> {
        self.fields[field as usize].as_deref()
    }

    /// The paper that the record describes.
    ///
    /// # Errors
    /// A [`Fault`] that names the field and, if the record has an id anywhere, the paper.
    pub(in crate::arxiv) fn parse(&self, options: ReadOptions) -> Result<Paper, Fault> {
        self.check(options)
            .map_err(|fault| fault.of_paper(self.any_id()))
    }

    fn check(&self, options: ReadOptions) -> Result<Paper, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if !self.has_metadata {
            return Err(missing("metadata"));
        }
        let trimmed = |field| self.field(field).map(str::trim);
        let versions = self.versions.iter().map(|(name, date)| VersionEntry {
            version: name,
            date: date.as_deref(),
        });
        let metadata = Metadata {
            id: trimmed(Field::Id),
            versions: versions.collect(),
            title: self.field(Field::Title),
            abstract_text: self.field(Field::Abstract),
            authors: self.field(Field::Authors),
            categories: trimmed(Field::Categories),
            license: trimmed(Field::License),
        };
        Paper::new(&metadata, options)
    }
}

fn repeated(field: &'static str, element: &str) -> Fault {
    let message = format!("<{element}> stands more than once");
    Fault::in_field(field, RejectCode::FieldRepeated, message)
}
