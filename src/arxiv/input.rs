//! The inputs an operator names, as one sequence of papers in their order (SPEC 2, sources).
//!
//! Formats are told by what a file begins with, never by its name: `{` begins JSON lines, `<` an
//! XML page. A UTF-8 byte order mark and blank lines before that are skipped, here and nowhere
//! else: metadata files are not hashed as bytes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::Archive;
use super::kaggle;
use super::lines::{Line, Lines};
use super::oai::{Pages, Record, Unit};
use super::open::{InputError, Source, cannot_open, expand, total_size};
use super::paper::{Paper, ReadOptions};
use super::progress::Progress;
use super::reject::{Fault, RejectCode, Rejection};
use super::stream::{self, Opened, Stream, buffered};
use crate::digest::Hasher;
use crate::files::watch::{self, Access, Content};

/// Bytes that one paper may take: a line, or the XML of a record.
const LIMIT: usize = 16 * 1024 * 1024;

/// Where in the inputs something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The input as it was named; for a folder the file in it, for an archive
    /// `archive.zip:file`; `-` is standard input.
    pub input: Arc<str>,
    /// The line, from 1 on; of an XML record the one where `<record>` stands.
    pub line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.input, self.line)
    }
}

/// What stands at one place of the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A paper.
    Paper {
        /// Where it stands.
        place: Place,
        /// Its metadata.
        paper: Box<Paper>,
    },
    /// Something that is refused.
    Rejected(Rejection),
    /// A record that the server lists as deleted; there is nothing to be done about it.
    Deleted {
        /// Where it stands.
        place: Place,
    },
}

/// What stands at one place, read but not yet parsed.
///
/// Owns its bytes, so it can be sent to another thread to be parsed there.
#[derive(Debug)]
pub struct Raw {
    place: Place,
    unit: RawUnit,
}

#[derive(Debug)]
enum RawUnit {
    KaggleLine(Vec<u8>),
    Record(Box<Record>),
    Deleted,
    Fault(Fault),
}

impl Raw {
    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its size in bytes, about.
    pub fn size(&self) -> usize {
        match &self.unit {
            RawUnit::KaggleLine(line) => line.len(),
            RawUnit::Record(record) => record.texts().map(str::len).sum(),
            RawUnit::Deleted | RawUnit::Fault(_) => 0,
        }
    }

    /// Adds what was read to a digest: a line with its newline; of an XML record its texts.
    pub fn add_to(&self, hasher: &mut Hasher) {
        match &self.unit {
            RawUnit::KaggleLine(line) => {
                hasher.update(line);
                hasher.update(b"\n");
            }
            RawUnit::Record(record) => {
                for text in record.texts() {
                    hasher.update(text.as_bytes());
                    hasher.update(b"\0");
                }
            }
            RawUnit::Deleted => hasher.update(b"deleted\n"),
            RawUnit::Fault(fault) => {
                hasher.update(fault.code.as_str().as_bytes());
                hasher.update(b"\n");
            }
        }
    }

    /// Parses it: a pure function of what was read and of `options`.
    pub fn parse(self, options: ReadOptions) -> Item {
        let place = self.place;
        let parsed = match self.unit {
            RawUnit::KaggleLine(line) => kaggle::parse(&line, options),
            RawUnit::Record(record) => record.parse(options),
            RawUnit::Deleted => return Item::Deleted { place },
            RawUnit::Fault(fault) => Err(fault),
        };
        match parsed {
            Ok(paper) => Item::Paper {
                place,
                paper: Box::new(paper),
            },
            Err(fault) => Item::Rejected(fault.at(&place.input, place.line)),
        }
    }
}

/// Reads the inputs, and parses each paper: an iterator in the order of the inputs.
///
/// Memory does not grow with the inputs, but for the list of the files' names. An `Err` is the
/// end of one file, not of the iteration: what follows it comes from the next file, and it is for
/// the caller to stop.
pub struct Reader {
    raw: RawReader,
    options: ReadOptions,
}

impl Reader {
    /// Prepares to read `inputs`: files, folders, and `-`, which stands for `stdin`.
    ///
    /// Files may be compressed with gzip or zstd; zip archives are read file by file. Folders are
    /// searched for files whose names end in `.json`, `.jsonl`, `.ndjson`, `.xml` (or one of
    /// these with `.gz` or `.zst`) or `.zip`, in the order of their paths; hidden ones are left
    /// out, and links to folders are not followed.
    ///
    /// # Errors
    /// [`InputError`] if an input is not there, a folder holds nothing to read, or `-` is named
    /// twice; all of that is found out here, before anything is read.
    pub fn open(
        inputs: &[PathBuf],
        stdin: Box<dyn Read + Send>,
        options: ReadOptions,
    ) -> Result<Self, InputError> {
        let raw = RawReader::open(inputs, stdin)?;
        Ok(Reader { raw, options })
    }

    /// How much has been read.
    pub fn progress(&self) -> Progress {
        self.raw.progress()
    }
}

impl Iterator for Reader {
    type Item = Result<Item, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.raw.next()?;
        Some(raw.map(|raw| raw.parse(self.options)))
    }
}

/// Reads the inputs as [`Reader`] does, and leaves the parsing to [`Raw::parse`].
pub struct RawReader {
    sources: VecDeque<Source>,
    progress: Progress,
    /// What [`Progress::read`] is to be at the end of the source that is being read.
    read_at_end: Option<u64>,
    archive: Option<Archive>,
    current: Option<Current>,
    limit: usize,
}

/// The file that is being read.
struct Current {
    name: Arc<str>,
    units: Units,
}

enum Units {
    Lines(Lines),
    Pages(Box<Pages<Stream>>),
    /// A file that is refused as a whole.
    Fault(Option<(u64, Fault)>),
}

impl RawReader {
    /// As [`Reader::open`].
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open(inputs: &[PathBuf], stdin: Box<dyn Read + Send>) -> Result<Self, InputError> {
        Self::with_limit(inputs, stdin, LIMIT)
    }

    fn with_limit(
        inputs: &[PathBuf],
        stdin: Box<dyn Read + Send>,
        limit: usize,
    ) -> Result<Self, InputError> {
        let sources = expand(inputs, stdin)?;
        Ok(RawReader {
            progress: Progress::new(total_size(&sources)),
            sources: sources.into(),
            read_at_end: None,
            archive: None,
            current: None,
            limit,
        })
    }

    /// How much has been read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Goes on to the next file; `None` after the last one.
    fn next_file(&mut self) -> Option<Result<(), InputError>> {
        if let Some(archive) = &mut self.archive {
            match archive.next_file() {
                Some((name, contents)) => {
                    let opened = contents.and_then(|contents| stream::open(contents, &name));
                    return Some(self.begin(name, opened));
                }
                None => self.archive = None,
            }
        }
        if let Some(read) = self.read_at_end.take() {
            self.progress.catch_up(read);
        }
        let (name, opened) = match self.sources.pop_front()? {
            Source::Stdin(stdin) => {
                let stdin = buffered(self.progress.counting(stdin));
                ("-".to_owned(), stream::open(stdin, "-"))
            }
            Source::File { path, size } => {
                self.read_at_end = size.map(|size| self.progress.read() + size);
                let name = path.display().to_string();
                watch::note(&path, Access::Read, || Content::AtEnd);
                let file = match File::open(&path) {
                    Ok(file) => buffered(self.progress.counting(file)),
                    Err(error) => return Some(Err(cannot_open(&path, error))),
                };
                match stream::open(file, &name) {
                    Ok(Opened::Zip) if size.is_some() => return Some(self.open_archive(&path)),
                    opened => (name, opened),
                }
            }
        };
        Some(self.begin(name, opened))
    }

    fn open_archive(&mut self, path: &Path) -> Result<(), InputError> {
        self.archive = Some(Archive::open(path, &self.progress)?);
        Ok(())
    }

    fn begin(&mut self, name: String, opened: io::Result<Opened>) -> Result<(), InputError> {
        let text = match opened {
            Ok(Opened::Text(text)) => Ok(text),
            Ok(Opened::Zip) => return Err(InputError::ZipStream { input: name }),
            Err(error) => Err(error),
        };
        match text.and_then(|text| recognise(text, self.limit)) {
            Ok(units) => {
                let units = match units {
                    Units::Fault(None) if is_page(&name) => Units::Fault(Some((1, empty_page()))),
                    units => units,
                };
                let name = Arc::from(name);
                self.current = Some(Current { name, units });
                Ok(())
            }
            Err(source) => Err(InputError::Read {
                input: name,
                line: 1,
                source,
            }),
        }
    }
}

impl Iterator for RawReader {
    type Item = Result<Raw, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(current) = &mut self.current else {
                match self.next_file()? {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                }
            };
            match current.units.next_unit() {
                Ok(Some((line, unit))) => {
                    let input = Arc::clone(&current.name);
                    let place = Place { input, line };
                    return Some(Ok(Raw { place, unit }));
                }
                Ok(None) => self.current = None,
                Err((line, source)) => {
                    let input = current.name.to_string();
                    self.current = None;
                    return Some(Err(InputError::Read {
                        input,
                        line,
                        source,
                    }));
                }
            }
        }
    }
}

impl Units {
    fn next_unit(&mut self) -> Result<Option<(u64, RawUnit)>, (u64, io::Error)> {
        match self {
            Units::Lines(lines) => {
                let line = lines
                    .next_line()
                    .map_err(|error| (lines.next_number(), error))?;
                Ok(line.map(|(number, line)| match line {
                    Line::Bytes(bytes) => (number, RawUnit::KaggleLine(bytes)),
                    Line::TooLong => {
                        let message =
                            "the line is longer than any paper's can be, and was not read";
                        let fault = Fault::new(RejectCode::LineTooLong, message);
                        (number, RawUnit::Fault(fault))
                    }
                }))
            }
            Units::Pages(pages) => {
                let unit = pages.next_unit().map_err(|error| (pages.line(), error))?;
                Ok(unit.map(|(line, unit)| {
                    let unit = match unit {
                        Unit::Record(record) => RawUnit::Record(record),
                        Unit::Deleted => RawUnit::Deleted,
                        Unit::Fault(fault) => RawUnit::Fault(fault),
                    };
                    (line, unit)
                }))
            }
            Units::Fault(fault) => Ok(fault
                .take()
                .map(|(line, fault)| (line, RawUnit::Fault(fault)))),
        }
    }
}

/// Whether a file is a page of a harvest by its name.
fn is_page(name: &str) -> bool {
    let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst"));
    plain.unwrap_or(name).ends_with(".xml")
}

/// Where a harvest finds nothing, its page says so; one without anything has lost what it held.
fn empty_page() -> Fault {
    let message = "the page is empty; fetch it again";
    Fault::new(RejectCode::XmlInvalid, message)
}

/// Finds out the format of `text` by its first byte that is not blank.
fn recognise(text: Stream, limit: usize) -> io::Result<Units> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let (head, mut text) = stream::peek(text, 6)?;
    if head.starts_with(BOM) {
        text.consume(BOM.len());
    }
    let (line, first) = skip_blank(&mut text)?;
    let fault = |code, message: &str| {
        let fault = Fault::new(code, message);
        Ok(Units::Fault(Some((line, fault))))
    };
    let unrecognised = |message| fault(RejectCode::InputUnrecognised, message);
    match first {
        None => Ok(Units::Fault(None)),
        Some(b'{') => Ok(Units::Lines(Lines::new(text, line, limit))),
        Some(b'<') => Ok(Units::Pages(Box::new(Pages::new(text, line, limit)))),
        Some(b'[') => unrecognised(
            "this is a JSON array; JSON lines are accepted, one paper a line as in the Kaggle \
             snapshot (`jq -c '.[]'` makes them out of an array)",
        ),
        Some(_) if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") => fault(
            RejectCode::TextEncoding,
            "this is UTF-16; UTF-8 is accepted, as arXiv and Kaggle give it out",
        ),
        Some(_) if head.starts_with(b"BZh") || head.starts_with(b"\xfd7zXZ\0") => unrecognised(
            "this is compressed with bzip2 or xz; gzip, zstd and zip are accepted, so decompress \
             it first",
        ),
        Some(_) => unrecognised(
            "this is neither JSON lines (a Kaggle snapshot) nor XML (OAI-PMH pages with arXivRaw \
             metadata)",
        ),
    }
}

/// The first byte that is not blank, which stays in `text`, and its line.
fn skip_blank(text: &mut Stream) -> io::Result<(u64, Option<u8>)> {
    let mut line = 1;
    loop {
        let buffer = match text.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok((line, None));
        }
        let blank = buffer
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())
            .unwrap_or(buffer.len());
        let first = buffer.get(blank).copied();
        line += buffer[..blank].iter().filter(|b| **b == b'\n').count() as u64;
        text.consume(blank);
        if first.is_some() {
            return Ok((line, first));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str, limit: usize) -> Vec<Raw> {
        let inputs = [PathBuf::from("-")];
        RawReader::with_limit(&inputs, Box::new(text.as_bytes()), limit)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }

    fn code(raw: Raw) -> RejectCode {
        match raw.parse(ReadOptions::default()) {
            Item::Rejected(rejection) => rejection.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let found = read("\n{\"a\":1}\n{\"a\":1234567890}\n{}\n", 8);
        let found: Vec<_> = found
            .into_iter()
            .map(|raw| (raw.place().line, code(raw)))
            .collect();
        use RejectCode::{LineTooLong, SourceNoVersions};
        assert_eq!(
            found,
            [
                (2, SourceNoVersions),
                (3, LineTooLong),
                (4, SourceNoVersions)
            ]
        );
    }

    #[test]
    fn what_is_read_can_be_parsed_elsewhere() {
        fn can_be_sent<T: Send>() {}
        can_be_sent::<Reader>();
        can_be_sent::<RawReader>();
        let found = read("{}\n", LIMIT);
        let parsed = std::thread::spawn(|| found.into_iter().map(code).collect::<Vec<_>>());
        assert_eq!(parsed.join().unwrap(), [RejectCode::SourceNoVersions]);
    }
}
