//! Folders of documents, and whether they are what their manifest lists.

use std::collections::btree_map::{BTreeMap, Entry};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead as _, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use super::error::{Exit, Failure};
use crate::digest::Digest;
use crate::files::FileError;
use crate::files::watch::{self, Access, Content};
use crate::manifest::{MANIFEST_FILE, ManifestLine};
use crate::number::PithNumber;
use serde::Deserialize;

/// The longest line of a manifest that is read.
const LONGEST_LINE: u64 = 1 << 16;

/// What is to be read of a folder, in order of names.
pub enum Part {
    /// A file of documents, and what the manifest says of it.
    File(PathBuf, Option<ManifestLine>),
    /// What is wrong with the folder at this place.
    Fault(Failure),
}

/// Everything in a folder that a document's name could belong to, beside its manifest.
pub fn parts_of(folder: &Path) -> Result<Vec<Part>, Failure> {
    let mut files = BTreeMap::new();
    let mut has_manifest = false;
    for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
        let path = entry.map_err(FileError::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == MANIFEST_FILE && !path.is_file() {
            return Err(refused(&path, "is not a file"));
        }
        let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
        if !path.is_file() {
            continue;
        } else if name == MANIFEST_FILE {
            has_manifest = true;
        } else if plain.ends_with(".json") || plain.ends_with(".jsonl") {
            files.insert(path.file_name().unwrap_or_default().to_owned(), path);
        }
    }
    if files.is_empty() && !has_manifest {
        return Err(Failure::new(
            Exit::Io,
            format!("{} holds no .json or .jsonl file", folder.display()),
        ));
    }
    let listed = match has_manifest.then(|| read_manifest(&folder.join(MANIFEST_FILE))) {
        Some(Ok(listed)) => listed,
        not_listed => {
            // Of a manifest that cannot be read nothing is known; the files are there all the same.
            let fault = not_listed.and_then(Result::err).map(Part::Fault);
            let files = files.into_values().map(|path| Part::File(path, None));
            return Ok(fault.into_iter().chain(files).collect());
        }
    };
    let mut parts: BTreeMap<OsString, Vec<Part>> = BTreeMap::new();
    for name in listed.keys() {
        if !files.contains_key(OsStr::new(name)) {
            let missing = format!("is listed in {MANIFEST_FILE} but not there");
            parts.insert(name.into(), vec![fault(&folder.join(name), &missing)]);
        }
    }
    for (name, path) in files {
        let line = name.to_str().and_then(|name| listed.get(name)).cloned();
        let here = parts.entry(name).or_default();
        if line.is_none() {
            here.push(fault(&path, &format!("is not listed in {MANIFEST_FILE}")));
        }
        here.push(Part::File(path, line));
    }
    Ok(parts.into_values().flatten().collect())
}

fn fault(path: &Path, problem: &str) -> Part {
    Part::Fault(refused(path, problem))
}

fn refused(path: &Path, problem: &str) -> Failure {
    Failure::new(Exit::Refused, format!("{} {problem}", path.display()))
}

/// The lines of a manifest by the shards that they list.
fn read_manifest(path: &Path) -> Result<BTreeMap<String, ManifestLine>, Failure> {
    let file = fs::File::open(path).map_err(FileError::io("read", path))?;
    watch::note(path, Access::Read, || Content::AtEnd);
    let mut reader = io::BufReader::new(file);
    let mut listed = BTreeMap::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let mut limited = reader.by_ref().take(LONGEST_LINE);
        let count = limited.read_until(b'\n', &mut bytes);
        if count.map_err(FileError::io("read", path))? == 0 {
            break;
        }
        let at_line = |problem: String| {
            let place = format!("{}:{number}", path.display());
            Failure::new(Exit::Refused, format!("{place}: {problem}"))
        };
        let line = ManifestLine::from_slice(&bytes)
            .map_err(|error| at_line(format!("is no line of a manifest: {error}")))?;
        match listed.entry(line.shard.clone()) {
            Entry::Vacant(slot) => slot.insert(line),
            Entry::Occupied(slot) => {
                return Err(at_line(format!("lists {} a second time", slot.key())));
            }
        };
    }
    Ok(listed)
}

/// Whether an open file has the length and the hash that the manifest lists; it is read from its
/// beginning again afterwards.
pub fn check_bytes(
    file: &mut fs::File,
    path: &Path,
    line: &ManifestLine,
) -> Result<Option<Failure>, FileError> {
    let measured = Digest::of_reader(&mut *file).and_then(|found| {
        file.rewind()?;
        Ok(found)
    });
    let (sha256, bytes) = measured.map_err(FileError::io("read", path))?;
    let differs = |member: &str, found: String, listed: String| {
        let problem = format!("has {member} {found}, but {MANIFEST_FILE} lists {listed}");
        Some(refused(path, &problem))
    };
    Ok(if bytes != line.bytes {
        differs("bytes", bytes.to_string(), line.bytes.to_string())
    } else if sha256 != line.sha256 {
        differs("sha256", sha256.to_string(), line.sha256.to_string())
    } else {
        None
    })
}

/// Whether a file that was read to its end holds as many documents as the manifest lists.
pub fn check_count(path: &Path, count: u64, line: &ManifestLine) -> Result<(), Failure> {
    if count == line.count {
        return Ok(());
    }
    let listed = line.count;
    let problem = format!("has count {count}, but {MANIFEST_FILE} lists {listed}");
    Err(refused(path, &problem))
}

/// Whether a bundle is the one that the manifest lists for its place in the file, if it lists one.
pub fn check_numbers(
    path: &Path,
    place: u64,
    bundle: &[u8],
    line: &ManifestLine,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Numbered {
        pith_number: PithNumber,
    }
    let places = [("first", 1, line.first), ("last", line.count, line.last)];
    for (member, _, listed) in places.into_iter().filter(|(_, at, _)| *at == place) {
        // What is no bundle is found to be none.
        let found = serde_json::from_slice(bundle).map(|bundle: Numbered| bundle.pith_number);
        if let Ok(found) = found
            && found != listed
        {
            let problem = format!("has {member} {found}, but {MANIFEST_FILE} lists {listed}");
            return Err(refused(path, &problem));
        }
    }
    Ok(())
}
