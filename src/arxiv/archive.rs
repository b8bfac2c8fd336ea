//! Zip archives, as Kaggle gives its snapshot out: the files in them, one after the other.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};
use std::vec;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::open::{InputError, cannot_open};
use super::progress::{Counting, Progress};
use super::stream::{Stream, buffered};

/// The files of an archive that are still to be read, in the order of their names.
pub(super) struct Archive {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    entries: vec::IntoIter<Entry>,
    progress: Progress,
}

struct Entry {
    name: String,
    index: usize,
}

impl Archive {
    /// Reads the directory of the archive at `path`.
    ///
    /// Hidden files are left out, and what macOS adds to archives.
    pub(super) fn open(path: &Path, progress: &Progress) -> Result<Self, InputError> {
        let cannot = |source| cannot_open(path, source);
        let file = File::open(path).map_err(cannot)?;
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|error| cannot_open(path, io::Error::from(error)))?;
        if archive.has_duplicate_names() {
            let message = "two files in it have the same name; unpack it, and give the folder";
            return Err(cannot(unsupported(message.into())));
        }
        let mut entries: Vec<Entry> = archive
            .file_names_raw()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .enumerate()
            .map(|(index, name)| Entry { name, index })
            .filter(|entry| is_visible_file(&entry.name))
            .collect();
        if entries.is_empty() {
            return Err(InputError::EmptyArchive {
                path: path.to_owned(),
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Archive {
            path: path.to_owned(),
            archive,
            entries: entries.into_iter(),
            progress: progress.clone(),
        })
    }

    /// The next file: what to call it in messages, and its contents.
    pub(super) fn next_file(&mut self) -> Option<(String, io::Result<Stream>)> {
        let entry = self.entries.next()?;
        let stream = self.contents(entry.index);
        let name = format!("{}:{}", self.path.display(), entry.name);
        Some((name, stream))
    }

    /// The contents of a file, as a stream of its own.
    ///
    /// The zip crate's own reader borrows the archive; here it only says where the data lies.
    fn contents(&mut self, index: usize) -> io::Result<Stream> {
        let entry = self.archive.by_index_raw(index)?;
        if entry.encrypted() {
            return Err(unsupported("the file is encrypted in the archive".into()));
        }
        let start = entry
            .data_start()
            .ok_or_else(|| unsupported("the archive does not say where the file lies".into()))?;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        let data = self.progress.counting(file).take(entry.compressed_size());
        let data = match entry.compression() {
            CompressionMethod::Stored => Data::Stored(data),
            CompressionMethod::Deflated => Data::Deflated(DeflateDecoder::new(data)),
            other => {
                let message = format!(
                    "the file is compressed as {other}; only deflate can be read, so unpack the \
                     archive first"
                );
                return Err(unsupported(message));
            }
        };
        Ok(buffered(Checked {
            data,
            found: Crc::new(),
            size: 0,
            expected_crc: entry.crc32(),
            expected_size: entry.size(),
        }))
    }
}

fn unsupported(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, message)
}

fn is_visible_file(name: &str) -> bool {
    let hidden = |part: &str| part.starts_with('.') || part == "__MACOSX";
    !name.ends_with('/') && !name.split('/').any(hidden)
}

enum Data {
    Stored(Take<Counting<File>>),
    Deflated(DeflateDecoder<Take<Counting<File>>>),
}

/// Contents that are compared with their checksum and size when they end.
struct Checked {
    data: Data,
    found: Crc,
    size: u64,
    expected_crc: u32,
    expected_size: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.data {
            Data::Stored(data) => data.read(buffer)?,
            Data::Deflated(data) => data.read(buffer)?,
        };
        self.found.update(&buffer[..count]);
        self.size += count as u64;
        let ended = count == 0 && !buffer.is_empty();
        if ended && (self.found.sum(), self.size) != (self.expected_crc, self.expected_size) {
            let message = "the file does not match its checksum in the archive";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in files {
            let method = if text.len() > 20 {
                CompressionMethod::Deflated
            } else {
                CompressionMethod::Stored
            };
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, io::Result<String>)>, InputError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        std::fs::write(&path, bytes).unwrap();
        let mut archive = Archive::open(&path, &Progress::new(None))?;
        let mut files = Vec::new();
        while let Some((name, stream)) = archive.next_file() {
            let text = stream.and_then(|mut stream| {
                let mut text = String::new();
                stream.read_to_string(&mut text).map(|_| text)
            });
            let (_, name) = name.split_once(".zip:").unwrap();
            files.push((name.to_owned(), text));
        }
        Ok(files)
    }

    #[test]
    fn files_come_in_the_order_of_their_names() {
        let long = "long enough ".repeat(100);
        let bytes = archive(&[
            ("b.json", &long),
            ("a/2.json", "short"),
            ("__MACOSX/a.json", ""),
            (".DS_Store", ""),
            ("a/1.json", ""),
        ]);
        let files = read(&bytes).unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_deref().unwrap()))
            .collect();
        let expected = [("a/1.json", ""), ("a/2.json", "short"), ("b.json", &*long)];
        assert_eq!(files, expected);
    }

    #[test]
    fn damage_is_found() {
        let bytes = archive(&[("a.json", "short"), ("b.json", "other")]);
        let at = bytes.windows(5).position(|part| part == b"short").unwrap();
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let files = read(&damaged).unwrap();
        assert!(
            files[0]
                .1
                .as_ref()
                .unwrap_err()
                .to_string()
                .contains("checksum")
        );
        assert_eq!(files[1].1.as_deref().unwrap(), "other");
        let cut = read(&bytes[..bytes.len() - 30]);
        assert!(matches!(cut, Err(InputError::Open { .. })));
    }

    /// The crate reads one of them only.
    #[test]
    fn an_archive_with_a_name_twice_is_refused() {
        let mut bytes = archive(&[("a.json", "first"), ("b.json", "second")]);
        let names: Vec<usize> = (0..bytes.len() - 6)
            .filter(|at| &bytes[*at..at + 6] == b"b.json")
            .collect();
        assert_eq!(names.len(), 2, "beside the file and in the directory");
        for at in names {
            bytes[at] = b'a';
        }
        let error = read(&bytes).unwrap_err();
        assert!(
            std::error::Error::source(&error)
                .unwrap()
                .to_string()
                .contains("same name")
        );
    }

    #[test]
    fn an_archive_without_files() {
        let bytes = archive(&[(".hidden.json", "x")]);
        assert!(matches!(read(&bytes), Err(InputError::EmptyArchive { .. })));
    }
}
