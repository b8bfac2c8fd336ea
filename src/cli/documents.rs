//! Files of documents: one to a file, or one to a line, plain or compressed, or folders of them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::files::FileError;
use crate::files::watch::{self, Access, Content};
use crate::manifest::ManifestLine;

use super::error::{Exit, Failure};
use super::listed::{Part, check_bytes, check_count, check_numbers, parts_of};

/// The largest document that is read unless another limit is given, in bytes.
pub const LARGEST: u64 = 128 << 20;

/// The variable that gives another limit.
pub const MAX_BYTES_VARIABLE: &str = "PITH_MAX_BYTES";

/// How large documents may be.
#[derive(Debug, Clone, Copy, Args)]
pub struct DocumentLimits {
    /// Refuse documents of more than BYTES bytes, decompressed [default: 134217728]
    #[arg(
        long,
        value_name = "BYTES",
        env = MAX_BYTES_VARIABLE,
        hide_env_values = true,
        hide_default_value = true,
        default_value_t = LARGEST,
        value_parser = parse_limit
    )]
    pub max_bytes: u64,
}

/// A number of bytes; an empty variable is none.
fn parse_limit(text: &str) -> Result<u64, String> {
    match text {
        "" => Ok(LARGEST),
        _ => text
            .parse()
            .map_err(|_| format!("`{text}` is not a number of bytes, such as {LARGEST}")),
    }
}

/// How many documents go into one transaction at most,
const GROUP: usize = 256;

/// and how many bytes of them it takes to close it: they wait in memory for it.
const GROUP_BYTES: usize = 16 << 20;

/// How full a transaction is.
#[derive(Debug, Default)]
pub struct Filling {
    documents: usize,
    bytes: usize,
}

impl Filling {
    /// One more document, of so many bytes, joins it.
    pub fn add(&mut self, bytes: usize) {
        self.documents += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether no other is to join.
    pub fn is_full(&self) -> bool {
        self.documents >= GROUP || self.bytes >= GROUP_BYTES
    }
}

/// A document and where it stands.
pub struct Document {
    /// `FILE` or `FILE:LINE`.
    pub place: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The documents in files, one after the other.
pub struct Documents {
    parts: std::vec::IntoIter<Part>,
    open: Option<OpenFile>,
    limits: DocumentLimits,
}

impl Documents {
    /// The documents in these files and folders; `-` is stdin.
    pub fn open(paths: &[PathBuf], limits: DocumentLimits) -> Result<Self, Failure> {
        let mut parts = Vec::new();
        for path in paths {
            if path != Path::new("-") && path.is_dir() {
                parts.append(&mut parts_of(path)?);
            } else {
                if path != Path::new("-") {
                    fs::metadata(path).map_err(FileError::io("read", path))?;
                }
                parts.push(Part::File(path.clone(), None));
            }
        }
        Ok(Documents {
            parts: parts.into_iter(),
            open: None,
            limits,
        })
    }
}

impl Iterator for Documents {
    /// A failure stands where the documents would that it hides; others may follow.
    type Item = Result<Document, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(fault) = open.fault.take() {
                    return Some(Err(fault));
                }
                match open.next() {
                    Ok(Some(document)) => return Some(Ok(document)),
                    Ok(None) => self.open = None,
                    Err(failure) => {
                        self.open = None;
                        return Some(Err(failure));
                    }
                }
            }
            let fault = match self.parts.next()? {
                Part::Fault(failure) => Some(failure),
                Part::File(path, listed) => match OpenFile::open(path, listed, self.limits) {
                    Ok((file, fault)) => {
                        self.open = Some(file);
                        fault
                    }
                    Err(failure) => Some(failure),
                },
            };
            if let Some(failure) = fault {
                return Some(Err(failure));
            }
        }
    }
}

struct OpenFile {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    documents: u64,
    /// What the manifest of its folder says of it.
    listed: Option<ManifestLine>,
    /// That it is not so, to be told behind the document that shows it.
    fault: Option<Failure>,
    /// Whether having nothing in it is no fault: a compressed file says itself whether it is whole, while
    /// a plain one may have lost what it held.
    may_be_empty: bool,
    /// Whether each line is a document; `None` until the first one was read.
    by_line: Option<bool>,
    limits: DocumentLimits,
}

impl OpenFile {
    /// Opens a file, and says at once if it is not the one that is listed.
    fn open(
        path: PathBuf,
        listed: Option<ManifestLine>,
        limits: DocumentLimits,
    ) -> Result<(Self, Option<Failure>), Failure> {
        let mut fault = None;
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            let mut file = File::open(&path).map_err(FileError::io("read", &path))?;
            watch::note(&path, Access::Read, || Content::AtEnd);
            if let Some(line) = &listed {
                fault = check_bytes(&mut file, &path, line)?;
            }
            Box::new(file)
        };
        let name = path.to_string_lossy();
        let may_be_empty = name.ends_with(".gz") || name.ends_with(".zst");
        let reader: Box<dyn BufRead + Send> = if name.ends_with(".gz") {
            Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(raw)))
        } else if name.ends_with(".zst") {
            let decoder = zstd::Decoder::new(raw).map_err(FileError::io("decompress", &path))?;
            Box::new(BufReader::with_capacity(1 << 17, decoder))
        } else {
            Box::new(BufReader::with_capacity(1 << 17, raw))
        };
        let file = OpenFile {
            path,
            reader,
            line: 0,
            documents: 0,
            listed,
            fault: None,
            may_be_empty,
            by_line: None,
            limits,
        };
        Ok((file, fault))
    }

    fn next(&mut self) -> Result<Option<Document>, Failure> {
        loop {
            let mut bytes = Vec::new();
            // One byte more than may be there: then it is known that there is more.
            let most = self.limits.max_bytes.saturating_add(1);
            let limited = self.reader.by_ref().take(most);
            let count = { limited }
                .read_until(b'\n', &mut bytes)
                .map_err(FileError::io("read", &self.path))?;
            if count == 0 {
                if self.by_line.is_none() && !self.may_be_empty {
                    return Err(self.nothing());
                }
                if let Some(line) = &self.listed {
                    check_count(&self.path, self.documents, line)?;
                }
                return Ok(None);
            }
            self.line += 1;
            self.refuse_huge(&bytes)?;
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            // JSON lines begin with a complete object; a document over several lines does not.
            let by_line = *self.by_line.get_or_insert_with(|| {
                let object = bytes.trim_ascii_start().starts_with(b"{");
                match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
                    Ok(_) => true,
                    Err(error) => object && !error.is_eof(),
                }
            });
            if !by_line {
                let rest = most - bytes.len() as u64;
                self.reader
                    .by_ref()
                    .take(rest)
                    .read_to_end(&mut bytes)
                    .map_err(FileError::io("read", &self.path))?;
                self.refuse_huge(&bytes)?;
            }
            self.documents += 1;
            if let Some(line) = &self.listed {
                let checked = check_numbers(&self.path, self.documents, &bytes, line);
                self.fault = checked.err();
            }
            return Ok(Some(self.document(bytes, by_line)));
        }
    }

    fn nothing(&self) -> Failure {
        let problem = format!("{} holds no document", self.path.display());
        let failure = Failure::new(Exit::Io, problem);
        if self.path == Path::new("-") {
            return failure;
        }
        failure.hint("an output of `pith mint` that may have no bundle should be X.jsonl.zst or a folder, which can be told from one that lost what it held")
    }

    fn refuse_huge(&self, bytes: &[u8]) -> Result<(), Failure> {
        let limit = self.limits.max_bytes;
        if bytes.len() as u64 <= limit {
            return Ok(());
        }
        let message = format!(
            "{}:{}: a document of more than {limit} bytes",
            self.path.display(),
            self.line
        );
        let hint = format!(
            "to read it all the same, give a larger --max-bytes or {MAX_BYTES_VARIABLE}, and some twenty times \
             as much memory"
        );
        Err(Failure::new(Exit::Refused, message).hint(hint))
    }

    fn document(&self, bytes: Vec<u8>, by_line: bool) -> Document {
        let path = self.path.display();
        let place = if by_line {
            format!("{path}:{}", self.line)
        } else {
            path.to_string()
        };
        Document { place, bytes }
    }
}
