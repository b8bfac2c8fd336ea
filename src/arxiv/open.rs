//! Which files to read: the inputs an operator names, made into a list of files.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The endings by which files in a folder are known to be inputs; those before the last one may
/// be followed by `.gz` or `.zst`.
const ENDINGS: [&str; 5] = ["json", "jsonl", "ndjson", "xml", "zip"];

/// Why inputs cannot be read: a fault of a file or the machine, not of a paper's metadata.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A file or folder is missing, or may not be read.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder holds nothing that could be an input.
    #[error(
        "the folder {} holds no input: no file in it or below ends in .json, .jsonl, .ndjson, \
         .xml (or one of these with .gz or .zst) or .zip",
        path.display()
    )]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// An archive holds no file.
    #[error("the archive {} holds no file", path.display())]
    EmptyArchive {
        /// The archive.
        path: PathBuf,
    },
    /// Standard input, `-`, is named more than once, but it can be read only once.
    #[error("standard input (`-`) is named more than once")]
    StdinTwice,
    /// A zip archive that cannot be read from where it is.
    #[error(
        "{input} is a zip archive, which can be read only from a file on disk, not through a pipe \
         or from inside another file; unpack it first, or name the file"
    )]
    ZipStream {
        /// The input.
        input: String,
    },
    /// Reading failed, or compressed data is cut off or damaged.
    #[error("cannot read {input} further, at line {line}: {source}")]
    Read {
        /// The input, as in [`Place`](super::Place).
        input: String,
        /// The line that was being read, from 1 on; all before it were given out.
        line: u64,
        /// The reason.
        source: io::Error,
    },
}

/// A file to read.
pub(super) enum Source {
    Stdin(Box<dyn Read + Send>),
    File {
        path: PathBuf,
        /// In bytes; `None` for what is not a plain file.
        size: Option<u64>,
    },
}

/// The files that `inputs` name, in their order; folders become what is in them, sorted by path.
///
/// # Errors
/// An [`InputError`] for the first input that is not there, so that a typing error is reported
/// before any work is done.
pub(super) fn expand(
    inputs: &[PathBuf],
    stdin: Box<dyn Read + Send>,
) -> Result<Vec<Source>, InputError> {
    let mut stdin = Some(stdin);
    let mut sources = Vec::new();
    for input in inputs {
        if input.as_os_str() == "-" {
            let stdin = stdin.take().ok_or(InputError::StdinTwice)?;
            sources.push(Source::Stdin(stdin));
            continue;
        }
        let metadata = metadata(input)?;
        if metadata.is_dir() {
            let before = sources.len();
            walk(input, &mut sources)?;
            if sources.len() == before {
                return Err(InputError::EmptyFolder {
                    path: input.clone(),
                });
            }
        } else {
            sources.push(file(input.clone(), &metadata));
        }
    }
    Ok(sources)
}

/// The bytes of all `sources` together, if that is known.
pub(super) fn total_size(sources: &[Source]) -> Option<u64> {
    sources
        .iter()
        .map(|source| match source {
            Source::Stdin(_) => None,
            Source::File { size, .. } => *size,
        })
        .sum()
}

fn metadata(path: &Path) -> Result<fs::Metadata, InputError> {
    fs::metadata(path).map_err(|source| cannot_open(path, source))
}

pub(super) fn cannot_open(path: &Path, source: io::Error) -> InputError {
    InputError::Open {
        path: path.to_owned(),
        source,
    }
}

fn file(path: PathBuf, metadata: &fs::Metadata) -> Source {
    Source::File {
        path,
        size: metadata.is_file().then_some(metadata.len()),
    }
}

/// Adds the inputs in `folder` and below.
///
/// Symbolic links to files are followed, links to folders are not: so there are no loops.
fn walk(folder: &Path, sources: &mut Vec<Source>) -> Result<(), InputError> {
    let entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(|source| cannot_open(folder, source))?;
    let mut entries: Vec<_> = entries
        .into_iter()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry
            .file_type()
            .map_err(|source| cannot_open(&path, source))?;
        if kind.is_dir() {
            walk(&path, sources)?;
        } else if is_input_name(&entry.file_name()) {
            let metadata = metadata(&path)?;
            if metadata.is_file() {
                sources.push(file(path, &metadata));
            }
        }
    }
    Ok(())
}

fn is_input_name(name: &OsStr) -> bool {
    let name = Path::new(name);
    let is = |name: &Path, endings: &[&str]| {
        endings.iter().any(|ending| {
            name.extension()
                .is_some_and(|found| found.eq_ignore_ascii_case(ending))
        })
    };
    if is(name, &["gz", "zst"]) {
        name.file_stem()
            .is_some_and(|stem| is(Path::new(stem), &ENDINGS[..4]))
    } else {
        is(name, &ENDINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(inputs: &[&Path]) -> Result<Vec<PathBuf>, InputError> {
        let inputs: Vec<PathBuf> = inputs.iter().map(|path| path.to_path_buf()).collect();
        let sources = expand(&inputs, Box::new(io::empty()))?;
        let name = |source| match source {
            Source::Stdin(_) => PathBuf::from("-"),
            Source::File { path, .. } => path,
        };
        Ok(sources.into_iter().map(name).collect())
    }

    #[test]
    fn names_of_inputs() {
        for good in [
            "a.json",
            "a.jsonl",
            "a.ndjson",
            "a.XML",
            "a.b.json.gz",
            "a.xml.zst",
            "a.zip",
        ] {
            assert!(is_input_name(OsStr::new(good)), "{good}");
        }
        for other in [
            "a",
            "json",
            "a.gz",
            "a.txt",
            "a.zip.gz",
            "a.json.bz2",
            "a.json~",
            "xml.zst",
        ] {
            assert!(!is_input_name(OsStr::new(other)), "{other}");
        }
    }

    #[test]
    fn folders_are_sorted_and_searched_below() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/deep")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join("x.json")).unwrap();
        for name in [
            "c.xml",
            "a.jsonl",
            "b.json",
            "b/deep/z.xml.gz",
            "b/a.zip",
            "README.md",
            ".hidden.json",
            ".git/x.json",
            "x.json/1.xml",
        ] {
            fs::write(root.join(name), "12345").unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root, root.join("b/loop.json")).unwrap();
            std::os::unix::fs::symlink(root.join("README.md"), root.join("d.xml")).unwrap();
        }
        let expected = ["a.jsonl", "b/a.zip", "b/deep/z.xml.gz", "b.json", "c.xml"]
            .into_iter()
            .chain(cfg!(unix).then_some("d.xml"))
            .chain(["x.json/1.xml"])
            .map(|name| root.join(name))
            .collect::<Vec<_>>();
        assert_eq!(expanded(&[root]).unwrap(), expected);

        let sources = expand(&[root.to_owned()], Box::new(io::empty())).unwrap();
        assert_eq!(total_size(&sources), Some(5 * expected.len() as u64));
    }

    #[test]
    fn inputs_are_checked_before_anything_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let typo = folder.path().join("typo.jsonl");
        let empty = expanded(&[folder.path()]).unwrap_err();
        assert!(matches!(empty, InputError::EmptyFolder { .. }), "{empty}");
        let missing = expanded(&[Path::new("-"), &typo]).unwrap_err();
        assert!(matches!(&missing, InputError::Open { path, .. } if *path == typo));
        let twice = expanded(&[Path::new("-"), Path::new("-")]).unwrap_err();
        assert!(matches!(twice, InputError::StdinTwice));
        assert_eq!(expanded(&[Path::new("-")]).unwrap(), [PathBuf::from("-")]);
    }
}
