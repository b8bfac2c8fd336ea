//! OAI-PMH pages that hold `arXivRaw` metadata, read as a stream (SPEC 2, sources).

mod bounded;
mod record;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use self::bounded::Bounded;
use self::record::Field;
pub(super) use self::record::Record;
use super::reject::{Fault, RejectCode, form, named};
use super::text::{shown, shown_to};

/// What a page holds, one after the other.
pub(super) enum Unit {
    /// A record, to be parsed.
    Record(Box<Record>),
    /// The server says that this record is deleted.
    Deleted,
    /// Something else is wrong; if it is with the page, nothing follows.
    Fault(Fault),
}

/// The records of a page, or of several that were joined into one file.
pub(super) struct Pages<R> {
    xml: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    /// The elements that are open, outermost first.
    open: Vec<Element>,
    /// What was read of the innermost element that holds text.
    text: String,
    record: Box<Record>,
    record_line: u64,
    error_code: String,
    done: bool,
}

/// What an open element is to us; elements are told apart by their name without its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    /// `<OAI-PMH>`
    Page,
    /// `<ListRecords>` or `<GetRecord>`
    List,
    Record,
    Header,
    Identifier,
    Metadata,
    ArxivRaw,
    Field(Field),
    Version,
    Date,
    /// `<error>`
    Error,
    /// Nothing that is used, and so is everything in it.
    Other,
}

impl Element {
    fn holds_text(self) -> bool {
        use Element::{Date, Error, Field, Identifier};
        matches!(self, Identifier | Field(_) | Date | Error)
    }
}

/// How deep elements may nest; arXiv's go 6 deep.
const MAX_DEPTH: usize = 64;

/// Why a page is not read further.
enum Stop {
    Io(io::Error),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

impl<R: BufRead> Pages<R> {
    /// Reads from `input`, which stands at line `line`; a record may take up to `limit` bytes.
    pub(super) fn new(input: R, line: u64, limit: usize) -> Self {
        Pages {
            xml: Reader::from_reader(Bounded::new(input, line, limit)),
            buffer: Vec::new(),
            open: Vec::new(),
            text: String::new(),
            record: Box::default(),
            record_line: line,
            error_code: String::new(),
            done: false,
        }
    }

    /// The line that was read last.
    pub(super) fn line(&self) -> u64 {
        self.xml.get_ref().line()
    }

    /// The next unit with its line; for a record that is the one where `<record>` stands.
    ///
    /// # Errors
    /// Reading fails; nothing follows then.
    pub(super) fn next_unit(&mut self) -> io::Result<Option<(u64, Unit)>> {
        if self.done {
            return Ok(None);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = self.read_unit(&mut buffer);
        self.buffer = buffer;
        match outcome {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => {
                self.done = true;
                Ok(None)
            }
            Err(Stop::Io(error)) => {
                self.done = true;
                Err(error)
            }
            Err(Stop::Fault(fault)) => {
                self.done = true;
                if self.open.contains(&Element::Record) {
                    let fault = fault.of_paper(self.record.any_id());
                    Ok(Some((self.record_line, Unit::Fault(fault))))
                } else {
                    Ok(Some((self.line(), Unit::Fault(fault))))
                }
            }
        }
    }

    fn read_unit(&mut self, buffer: &mut Vec<u8>) -> Result<Option<(u64, Unit)>, Stop> {
        loop {
            buffer.clear();
            // Texts end where markup begins, so this is the line of the `<` that comes next.
            let line = self.line();
            let event = self
                .xml
                .read_event_into(buffer)
                .map_err(|error| self.explain(error))?;
            let unit = match event {
                Event::Start(tag) => {
                    self.start(&tag, line)?;
                    None
                }
                Event::Empty(tag) => {
                    self.start(&tag, line)?;
                    self.end(line)
                }
                Event::End(_) => self.end(line),
                Event::Text(text) => {
                    self.add(&text.xml10_content())?;
                    None
                }
                Event::CData(text) => {
                    self.add(&text.xml10_content())?;
                    None
                }
                Event::GeneralRef(reference) => {
                    self.add_reference(&reference)?;
                    None
                }
                Event::Decl(declaration) => {
                    self.check_declaration(&declaration)?;
                    None
                }
                Event::DocType(_) => {
                    let message = "it has a document type declaration, which OAI-PMH pages never \
                                   have; is it an HTML page, such as an error message?";
                    return Err(self.invalid(message).into());
                }
                Event::Comment(_) | Event::PI(_) => None,
                Event::Eof if self.open.is_empty() => return Ok(None),
                Event::Eof => {
                    return Err(self
                        .invalid("the page is cut off: elements are open")
                        .into());
                }
            };
            if unit.is_some() {
                return Ok(unit);
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, line: u64) -> Result<(), Stop> {
        if self.open.len() == MAX_DEPTH {
            let message = format!("elements are nested deeper than {MAX_DEPTH}");
            return Err(self.invalid(message).into());
        }
        let name = tag.local_name();
        let name = name.as_ref();
        let element = match self.open.last() {
            None => root(name)?,
            Some(Element::Page) => child_of_page(name)?,
            Some(Element::List) if name == "record" => Element::Record,
            Some(Element::Record) => match name {
                "header" => Element::Header,
                "metadata" => Element::Metadata,
                _ => Element::Other,
            },
            Some(Element::Header) if name == "identifier" => Element::Identifier,
            Some(Element::Metadata) => self.metadata(name),
            Some(Element::ArxivRaw) => match Field::from_name(name) {
                Some(field) => Element::Field(field),
                None if name == "version" => Element::Version,
                None => Element::Other,
            },
            Some(Element::Version) if name == "date" => Element::Date,
            Some(parent) => {
                if parent.holds_text() {
                    let message = format!("an element {} stands inside a text", named(name));
                    let fault = match parent {
                        Element::Field(field) => form(field.name(), message),
                        _ => Fault::new(RejectCode::FieldForm, message),
                    };
                    self.record.fail(fault);
                }
                Element::Other
            }
        };
        match element {
            Element::Record => {
                self.xml.get_mut().refill();
                *self.record = Record::default();
                self.record_line = line;
            }
            Element::Header => {
                let status = self.attribute(tag, "status")?;
                self.record.deleted = status.as_deref() == Some("deleted");
            }
            Element::Version => match self.attribute(tag, "version")? {
                Some(name) => self.record.add_version(name),
                None => self.record.fail(form(
                    "versions",
                    "a <version> has no attribute `version` that says which one it is",
                )),
            },
            Element::Error => {
                self.error_code = self.attribute(tag, "code")?.unwrap_or_default();
            }
            _ => {}
        }
        if element.holds_text() {
            self.text.clear();
        }
        self.open.push(element);
        Ok(())
    }

    /// The root of the metadata, which says in what format they are.
    fn metadata(&mut self, name: &str) -> Element {
        if name != "arXivRaw" {
            let message = format!(
                "the metadata are in the format {}, not arXivRaw; only arXivRaw (and the Kaggle \
                 snapshot) says when v1 was submitted, so harvest with metadataPrefix=arXivRaw",
                named(name)
            );
            self.record
                .fail(Fault::new(RejectCode::SourceOaiFormat, message));
        } else if self.record.has_metadata {
            let message = "<arXivRaw> stands more than once in one record";
            self.record
                .fail(Fault::new(RejectCode::FieldRepeated, message));
        } else {
            self.record.has_metadata = true;
            return Element::ArxivRaw;
        }
        Element::Other
    }

    fn end(&mut self, line: u64) -> Option<(u64, Unit)> {
        match self.open.pop()? {
            Element::Field(field) => {
                let text = std::mem::take(&mut self.text);
                self.record.set(field, text);
            }
            Element::Date => {
                let text = std::mem::take(&mut self.text);
                self.record.set_date(text);
            }
            Element::Identifier => {
                self.record.identifier = Some(std::mem::take(&mut self.text));
            }
            Element::Error if self.error_code != "noRecordsMatch" => {
                let message = format!(
                    "the server answered with the error `{}`: {}",
                    shown(&self.error_code),
                    shown_to(200, self.text.trim())
                );
                let fault = Fault::new(RejectCode::SourceOaiError, message);
                return Some((line, Unit::Fault(fault)));
            }
            Element::Record => {
                self.xml.get_mut().refill();
                let record = std::mem::take(&mut self.record);
                let unit = if record.deleted {
                    Unit::Deleted
                } else {
                    Unit::Record(record)
                };
                return Some((self.record_line, unit));
            }
            _ => {}
        }
        None
    }

    fn add(&mut self, text: &str) -> Result<(), Fault> {
        match self.open.last() {
            None if !text.trim().is_empty() => {
                Err(self.invalid("there is text outside of all elements"))
            }
            Some(element) if element.holds_text() => {
                self.text.push_str(text);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Fault> {
        let Some(&element) = self.open.last() else {
            return Err(self.invalid("there is text outside of all elements"));
        };
        if !element.holds_text() {
            return Ok(());
        }
        let character = match &**reference {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        match character {
            Some(character) => self.text.push(character),
            None => {
                let message = format!("`&{};` stands for no character in XML", shown(reference));
                let mut fault = Fault::new(RejectCode::XmlInvalid, message);
                if let Element::Field(field) = element {
                    fault.field = Some(field.name());
                }
                self.record.fail(fault);
            }
        }
        Ok(())
    }

    fn attribute(&self, tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| self.invalid(error.to_string()))?;
            if attribute.key.local_name().as_ref() == name {
                let value = attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .map_err(|error| self.invalid(error.to_string()))?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }

    fn check_declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), Fault> {
        if !self.open.is_empty() {
            let message = "the page is cut off: another one begins before its end";
            return Err(self.invalid(message));
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name))
                if ["utf-8", "utf8", "us-ascii"]
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(&name)) =>
            {
                Ok(())
            }
            Some(Ok(name)) => {
                let message = format!("the page says it is in {}, not UTF-8", named(&name));
                Err(Fault::new(RejectCode::TextEncoding, message))
            }
            Some(Err(error)) => Err(self.invalid(error.to_string())),
        }
    }

    fn invalid(&self, why: impl AsRef<str>) -> Fault {
        let message = format!("not well-formed at line {}: {}", self.line(), why.as_ref());
        Fault::new(RejectCode::XmlInvalid, message)
    }

    fn explain(&self, error: quick_xml::Error) -> Stop {
        let bounded = self.xml.get_ref();
        match error {
            quick_xml::Error::Io(_) if bounded.is_exhausted() => {
                let message = format!(
                    "there are more than {} bytes without the end of a record",
                    bounded.limit()
                );
                Fault::new(RejectCode::RecordTooLong, message).into()
            }
            quick_xml::Error::Io(error) => {
                Stop::Io(io::Error::new(error.kind(), error.to_string()))
            }
            quick_xml::Error::Encoding(_) => {
                let message = format!("the text is not UTF-8, at or before line {}", self.line());
                Fault::new(RejectCode::TextEncoding, message).into()
            }
            other => self.invalid(shown_to(200, &other.to_string())).into(),
        }
    }
}

fn root(name: &str) -> Result<Element, Fault> {
    match name {
        "OAI-PMH" => Ok(Element::Page),
        // Harvesters keep these without the envelope.
        "ListRecords" | "GetRecord" => Ok(Element::List),
        "record" => Ok(Element::Record),
        "feed" | "entry" => Err(Fault::new(
            RejectCode::SourceAtom,
            "this is an Atom feed from arXiv's API, which has no licences and has turned TeX into \
             Unicode, so hashes would differ from the registry's; use OAI-PMH arXivRaw or the \
             Kaggle snapshot",
        )),
        other => Err(Fault::new(
            RejectCode::InputUnrecognised,
            format!(
                "this is XML, but its outermost element is {}, not `OAI-PMH`; OAI-PMH pages with \
                 arXivRaw metadata are accepted",
                named(other)
            ),
        )),
    }
}

fn child_of_page(name: &str) -> Result<Element, Fault> {
    match name {
        "ListRecords" | "GetRecord" => Ok(Element::List),
        "error" => Ok(Element::Error),
        "Identify" | "ListIdentifiers" | "ListMetadataFormats" | "ListSets" => Err(Fault::new(
            RejectCode::InputUnrecognised,
            format!(
                "this is an OAI-PMH answer to {name}, which holds no metadata of papers; harvest \
                 with verb=ListRecords and metadataPrefix=arXivRaw"
            ),
        )),
        _ => Ok(Element::Other),
    }
}
