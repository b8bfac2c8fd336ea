//! Files of documents: one to a file, or one to a line, plain or compressed, or folders of them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::files::FileError;

use super::error::{Exit, Failure};

/// The largest document that is read. As a tree it may take sixteen times as much.
const LARGEST: u64 = 128 << 20;

/// A document and where it stands.
pub struct Document {
    /// `FILE` or `FILE:LINE`.
    pub place: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The documents in files, one after the other.
pub struct Documents {
    files: std::vec::IntoIter<PathBuf>,
    open: Option<OpenFile>,
}

impl Documents {
    /// The documents in these files and folders; `-` is stdin.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in paths {
            if path != Path::new("-") && path.is_dir() {
                add_folder(path, &mut files)?;
            } else {
                if path != Path::new("-") {
                    fs::metadata(path).map_err(FileError::io("read", path))?;
                }
                files.push(path.clone());
            }
        }
        Ok(Documents {
            files: files.into_iter(),
            open: None,
        })
    }
}

/// Everything in a folder that a document's name could belong to, in order of names.
fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
        let path = entry.map_err(FileError::io("read", folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
        if path.is_file() && (plain.ends_with(".json") || plain.ends_with(".jsonl")) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Failure::new(
            Exit::Io,
            format!("{} holds no .json or .jsonl file", folder.display()),
        ));
    }
    found.sort();
    files.append(&mut found);
    Ok(())
}

impl Iterator for Documents {
    type Item = Result<Document, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(open) = &mut self.open {
                match open.next() {
                    Ok(Some(document)) => return Some(Ok(document)),
                    Ok(None) => self.open = None,
                    Err(failure) => {
                        self.open = None;
                        return Some(Err(failure));
                    }
                }
            }
            match OpenFile::open(self.files.next()?) {
                Ok(file) => self.open = Some(file),
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

struct OpenFile {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: u64,
    /// Whether each line is a document; `None` until the first one was read.
    by_line: Option<bool>,
}

impl OpenFile {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        let raw: Box<dyn Read> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(&path).map_err(FileError::io("read", &path))?)
        };
        let name = path.to_string_lossy();
        let reader: Box<dyn BufRead> = if name.ends_with(".gz") {
            Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(raw)))
        } else if name.ends_with(".zst") {
            let decoder = zstd::Decoder::new(raw).map_err(FileError::io("decompress", &path))?;
            Box::new(BufReader::new(decoder))
        } else {
            Box::new(BufReader::with_capacity(1 << 16, raw))
        };
        Ok(OpenFile {
            path,
            reader,
            line: 0,
            by_line: None,
        })
    }

    fn next(&mut self) -> Result<Option<Document>, Failure> {
        loop {
            let mut bytes = Vec::new();
            let limited = self.reader.by_ref().take(LARGEST + 1);
            let count = { limited }
                .read_until(b'\n', &mut bytes)
                .map_err(FileError::io("read", &self.path))?;
            if count == 0 {
                if self.by_line.is_none() {
                    let problem = format!("{} holds no document", self.path.display());
                    return Err(Failure::new(Exit::Io, problem));
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
                let rest = LARGEST + 1 - bytes.len() as u64;
                self.reader
                    .by_ref()
                    .take(rest)
                    .read_to_end(&mut bytes)
                    .map_err(FileError::io("read", &self.path))?;
                self.refuse_huge(&bytes)?;
            }
            return Ok(Some(self.document(bytes, by_line)));
        }
    }

    fn refuse_huge(&self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() as u64 <= LARGEST {
            return Ok(());
        }
        let message = format!(
            "{}: a document of more than {LARGEST} bytes",
            self.path.display()
        );
        Err(Failure::new(Exit::Refused, message))
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
