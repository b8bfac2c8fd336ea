//! Metadata that was refused: what is wrong, where, and what to do about it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::text::shown;

/// One line of a rejects file: a paper, a line or a whole input that was refused.
///
/// As JSON it has exactly these members, in this order, `null` where a thing is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// The input as it was named, with the file in it for a folder or an archive; `-` is
    /// standard input.
    pub input: String,
    /// The line, from 1 on; of an XML record the one where `<record>` stands.
    pub line: u64,
    /// The paper's id as the metadata gives it, whether it is a sound one or not.
    pub arxiv_id: Option<String>,
    /// The field at fault: `id`, `versions`, `title`, `abstract`, `authors`, `categories` or
    /// `license`, whatever the format calls it; `metadata` where an XML record has none at all.
    pub field: Option<&'static str>,
    /// The kind of fault, for scripts.
    pub code: RejectCode,
    /// The fault in words.
    pub message: String,
}

/// What is wrong with one paper's metadata, before it is known where that stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// As in [`Rejection`].
    pub arxiv_id: Option<String>,
    /// As in [`Rejection`].
    pub field: Option<&'static str>,
    /// As in [`Rejection`].
    pub code: RejectCode,
    /// As in [`Rejection`].
    pub message: String,
}

impl Fault {
    pub(super) fn new(code: RejectCode, message: impl Into<String>) -> Self {
        Fault {
            arxiv_id: None,
            field: None,
            code,
            message: message.into(),
        }
    }

    pub(super) fn in_field(
        field: &'static str,
        code: RejectCode,
        message: impl Into<String>,
    ) -> Self {
        Fault {
            field: Some(field),
            ..Fault::new(code, message)
        }
    }

    /// Says which paper this is about; what claims to be an id may be of any length.
    pub(super) fn of_paper(mut self, id: Option<&str>) -> Self {
        const LONGEST: usize = 100;
        if let Some(id) = id {
            self.arxiv_id = Some(id.chars().take(LONGEST).collect());
        }
        self
    }

    /// The line of a rejects file, once the place is known.
    pub fn at(self, input: &str, line: u64) -> Rejection {
        Rejection {
            input: input.to_owned(),
            line,
            arxiv_id: self.arxiv_id,
            field: self.field,
            code: self.code,
            message: self.message,
        }
    }
}

/// A value is not of the form that its field has.
pub(super) fn form(field: &'static str, why: impl fmt::Display) -> Fault {
    Fault::in_field(field, RejectCode::FieldForm, why.to_string())
}

/// A field that should have been there.
pub(super) fn missing(field: &'static str) -> Fault {
    let message = format!("`{field}` is missing or empty");
    Fault::in_field(field, RejectCode::FieldMissing, message)
}

/// A name found in a document, for a message.
pub(super) fn named(name: &str) -> String {
    format!("`{}`", shown(name))
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $remedy:literal;)*) => {
        /// The kinds of fault; their texts are stable, so that scripts may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RejectCode {
            $($(#[$doc])* #[doc = concat!("\n\n`", $text, "`: ", $remedy)] $name,)*
        }

        impl RejectCode {
            /// Every code there is.
            pub const ALL: &'static [RejectCode] = &[$(RejectCode::$name,)*];

            /// The code as rejects files have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(RejectCode::$name => $text,)*
                }
            }

            /// What an operator can do about it.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(RejectCode::$name => $remedy,)*
                }
            }
        }
    };
}

codes! {
    /// A line is not one JSON object, or not strict JSON: a key that stands twice, a broken
    /// escape, text after the object.
    JsonInvalid = "json.invalid",
        "the line was damaged or not made by Kaggle; download the snapshot again and compare";
    /// A page is not well-formed XML; what follows in that file was not read.
    XmlInvalid = "xml.invalid",
        "the page was cut off or damaged; harvest it again";
    /// The text is not UTF-8.
    TextEncoding = "text.encoding",
        "harvest or download it again; do not re-encode it by guess, for that changes the hash";
    /// A title or abstract holds something beyond ASCII (SPEC 2).
    TextNonAscii = "text.non-ascii",
        "take the paper from the Kaggle snapshot or from OAI-PMH arXivRaw, whose text is ASCII \
         TeX; if it is so even there, --allow-non-ascii mints it as it is";
    /// A title or abstract holds U+0000.
    TextNul = "text.nul",
        "the text was damaged on its way; harvest or download it again";
    /// A line is longer than 16 MiB.
    LineTooLong = "line.too-long",
        "the file is not JSON lines, or damaged; a paper takes a few kilobytes";
    /// A page has more than 16 MiB without the end of a record; the rest was not read.
    RecordTooLong = "record.too-long",
        "the page is damaged or not arXiv's; harvest it again";
    /// An input is neither JSON lines nor an OAI-PMH page.
    InputUnrecognised = "input.unrecognised",
        "give a Kaggle snapshot (one JSON object a line) or OAI-PMH arXivRaw pages (XML)";
    /// A field that every paper must have is missing or empty.
    FieldMissing = "field.missing",
        "look the paper up at arxiv.org; if the field is there, harvest it again as arXivRaw";
    /// A field holds another type than a text, or a list of versions.
    FieldType = "field.type",
        "the metadata was changed after arXiv gave it out; take it from its source";
    /// A field holds a text that is not of the field's form.
    FieldForm = "field.form",
        "the metadata was changed after arXiv gave it out; take it from its source";
    /// A field stands more than once in one record.
    FieldRepeated = "field.repeated",
        "the metadata was changed after arXiv gave it out; take it from its source";
    /// The input is an Atom feed from arXiv's API, which has no licence and no TeX.
    SourceAtom = "source.atom",
        "harvest the papers by OAI-PMH with metadataPrefix=arXivRaw, or use the Kaggle snapshot";
    /// The record was harvested in a format that has dates without a time of day.
    SourceOaiFormat = "source.oai-format",
        "harvest again with metadataPrefix=arXivRaw";
    /// The page is the server's answer to a request that failed.
    SourceOaiError = "source.oai-error",
        "harvest that page again, without a resumption token that has expired";
    /// A line has no list of versions, so the date of the first one is not known.
    SourceNoVersions = "source.no-versions",
        "use the Kaggle snapshot itself, or OAI-PMH arXivRaw; other sources do not say when v1 \
         was submitted";
}

impl fmt::Display for RejectCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for RejectCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_rejects_file() {
        let fault = missing("title").of_paper(Some("1706.02379"));
        assert_eq!(
            crate::canonical::wire(&fault.at("a.jsonl", 7)).unwrap(),
            br#"{"input":"a.jsonl","line":7,"arxiv_id":"1706.02379","field":"title","code":"field.missing","message":"`title` is missing or empty"}"#
        );
        let fault = Fault::new(RejectCode::JsonInvalid, "no");
        assert_eq!(
            crate::canonical::wire(&fault.at("-", 1)).unwrap(),
            br#"{"input":"-","line":1,"arxiv_id":null,"field":null,"code":"json.invalid","message":"no"}"#
        );
    }

    #[test]
    fn junk_for_an_id_is_cut() {
        let fault = missing("title").of_paper(Some(&"é".repeat(5000)));
        assert_eq!(fault.arxiv_id.unwrap().chars().count(), 100);
    }

    #[test]
    fn codes_differ() {
        let texts: std::collections::BTreeSet<_> =
            RejectCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), RejectCode::ALL.len());
    }
}
