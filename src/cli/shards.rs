//! A folder of shards, with a manifest that says what each of them holds.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::{Exit, Failure};
use super::growing::{FilePlace, Growing, partial_of};
use super::sink::{Frame, SHARD, SinkPlace, growing_folder, remove};
use crate::digest::{Digest, Hasher};
use crate::files::watch::{self, Access, Content};
use crate::files::{self, FileError};
use crate::manifest::{MANIFEST_FILE, ManifestLine};
use crate::number::PithNumber;

/// A folder whose shards sort in the order in which they were written.
///
/// It grows as `FOLDER.partial`, in which each complete shard has its name already.
pub struct Shards {
    folder: PathBuf,
    /// Where the files are: the folder itself if it is there, and is compared.
    place: PathBuf,
    compares: bool,
    manifest: Growing,
    shard: Option<Shard>,
    bundles: u64,
}

/// The shard that grows.
struct Shard {
    file: Growing,
    name: String,
    count: u64,
    first: PithNumber,
    last: PithNumber,
    bytes: u64,
    hasher: Hasher,
}

fn shard_name(number: u64) -> String {
    format!("bundles-{number:06}.jsonl.zst")
}

impl Shards {
    /// Begins the folder; what an earlier attempt left is written anew.
    pub fn create(folder: &Path) -> Result<Self, Failure> {
        let place = growing_folder(folder);
        if folder.symlink_metadata().is_ok() {
            only_shards(folder)?;
        }
        if place.symlink_metadata().is_ok() {
            only_shards(&place)?;
            // Whoever writes there holds the manifest.
            Growing::create(&place.join(MANIFEST_FILE))?;
            fs::remove_dir_all(&place).map_err(FileError::io("remove", &place))?;
        }
        fs::create_dir_all(&place).map_err(FileError::io("make the folder", &place))?;
        files::sync_folder(files::folder_of(&place))?;
        let manifest = Growing::create(&place.join(MANIFEST_FILE))?;
        Ok(Shards {
            folder: folder.to_owned(),
            place,
            compares: false,
            manifest,
            shard: None,
            bundles: 0,
        })
    }

    /// Compares what comes with the folder that is there.
    pub fn compare(folder: &Path) -> Result<Self, Failure> {
        let manifest = folder.join(MANIFEST_FILE);
        if !folder.is_dir() || !manifest.exists() {
            let path = folder.to_owned();
            return Err(FileError::Exists { path }.into());
        }
        Ok(Shards {
            folder: folder.to_owned(),
            place: folder.to_owned(),
            compares: true,
            manifest: Growing::compare(&manifest)?,
            shard: None,
            bundles: 0,
        })
    }

    /// Whether the folder that grows still holds what it held at `place`.
    pub fn is_at(folder: &Path, place: &SinkPlace) -> bool {
        let partial = growing_folder(folder);
        let growing = place.bundles / SHARD;
        let is_at = |name: &str, place: &FilePlace| Growing::is_at(&partial.join(name), place);
        let manifest = place.manifest.as_ref();
        manifest.is_some_and(|manifest| is_at(MANIFEST_FILE, manifest))
            && (place.file.as_ref()).is_none_or(|file| is_at(&shard_name(growing), file))
            && are_as_listed(&partial, growing).unwrap_or(false)
    }

    /// Goes on from `place`; `None` if the folder is not the one whose place that is.
    pub fn resume(folder: &Path, place: &SinkPlace) -> Result<Option<Self>, Failure> {
        let partial = growing_folder(folder);
        let Some(manifest) = &place.manifest else {
            return Ok(None);
        };
        // Where all was complete but the folder's own name, the manifest grows again, as shards do.
        grow_again(&partial.join(MANIFEST_FILE))?;
        let Some(manifest) = Growing::resume(&partial.join(MANIFEST_FILE), manifest)? else {
            return Ok(None);
        };
        only_shards(&partial)?;
        let growing = place.bundles / SHARD;
        // What was begun after the place is not there yet, and a shard that was completed after it
        // grows again.
        for number in shards_in(&partial)?.into_iter().rev() {
            let complete = partial.join(shard_name(number));
            let is_later = number > growing || (number == growing && place.file.is_none());
            if is_later {
                remove(&complete)?;
                remove(&partial_of(&complete))?;
            } else if number == growing {
                grow_again(&complete)?;
            }
        }
        let whole = |number| partial.join(shard_name(number)).is_file();
        if !(0..growing).all(whole) {
            return Ok(None);
        }
        let mut shards = Shards {
            folder: folder.to_owned(),
            place: partial,
            compares: false,
            manifest,
            shard: None,
            bundles: place.bundles,
        };
        if let (Some(file), Some(first), Some(last)) = (&place.file, place.first, place.last) {
            let name = shard_name(growing);
            let path = shards.place.join(&name);
            let Some(growing) = Growing::resume(&path, file)? else {
                return Ok(None);
            };
            let partial = partial_of(&path);
            let hasher =
                hash_file(&partial, file.bytes).map_err(FileError::io("read", &partial))?;
            shards.shard = Some(Shard {
                file: growing,
                name,
                count: place.bundles % SHARD,
                first,
                last,
                bytes: file.bytes,
                hasher,
            });
        }
        Ok(Some(shards))
    }

    /// Writes a frame, no part of which belongs to another shard than the rest.
    pub fn write(&mut self, frame: &Frame) -> Result<(), Failure> {
        let mut shard = match self.shard.take() {
            Some(shard) => shard,
            None => self.begin(frame)?,
        };
        shard.file.append(&frame.bytes)?;
        shard.hasher.update(&frame.bytes);
        shard.bytes += frame.bytes.len() as u64;
        shard.count += frame.count;
        shard.last = frame.last;
        self.bundles += frame.count;
        if shard.count == SHARD {
            self.end(shard)?;
        } else {
            self.shard = Some(shard);
        }
        Ok(())
    }

    fn begin(&self, frame: &Frame) -> Result<Shard, FileError> {
        let name = shard_name(self.bundles / SHARD);
        let path = self.place.join(&name);
        let file = if !self.compares {
            Growing::create(&path)?
        } else if path.is_file() {
            Growing::compare(&path)?
        } else {
            let path = self.folder.clone();
            return Err(FileError::Differs { path });
        };
        Ok(Shard {
            file,
            name,
            count: 0,
            first: frame.first,
            last: frame.last,
            bytes: 0,
            hasher: Hasher::new(),
        })
    }

    /// A shard is complete: it gets its name, and a line in the manifest.
    fn end(&mut self, shard: Shard) -> Result<(), FileError> {
        shard.file.finish(false)?;
        self.manifest.append_json(&ManifestLine {
            shard: shard.name,
            count: shard.count,
            first: shard.first,
            last: shard.last,
            bytes: shard.bytes,
            sha256: shard.hasher.digest(),
        })
    }

    /// Makes all that was written reach the disk, and notes the place behind it.
    pub fn sync(&mut self, place: &mut SinkPlace) -> Result<(), FileError> {
        if let Some(shard) = &mut self.shard {
            place.file = Some(shard.file.sync()?);
            place.first = Some(shard.first);
            place.last = Some(shard.last);
        }
        place.manifest = Some(self.manifest.sync()?);
        // The names of new shards too.
        files::sync_folder(&self.place)
    }

    /// Completes the folder. One that is compared must hold no more than this; one that came to be
    /// meanwhile is replaced only by `force`.
    pub fn finish(self, force: bool) -> Result<(), Failure> {
        // The manifest stands for the shards: it has the hash of each.
        let manifest = self.folder.join(MANIFEST_FILE);
        let access = if self.compares {
            Access::Read
        } else {
            Access::Written
        };
        self.complete(force)?;
        watch::note(&manifest, access, || Content::AtEnd);
        Ok(())
    }

    fn complete(mut self, force: bool) -> Result<(), Failure> {
        if let Some(shard) = self.shard.take() {
            self.end(shard)?;
        }
        self.manifest.finish(false)?;
        let (folder, partial) = (&self.folder, &self.place);
        let exists = || FileError::Exists {
            path: folder.clone(),
        };
        if self.compares {
            let written = self.bundles.div_ceil(SHARD);
            only_shards(folder)?;
            return match shards_in(folder)?.last() {
                Some(last) if *last >= written => {
                    let path = folder.clone();
                    Err(FileError::Differs { path }.into())
                }
                _ => Ok(()),
            };
        }
        files::sync_folder(partial)?;
        let fails = FileError::io("write", folder);
        match fs::rename(partial, folder) {
            Ok(()) => {}
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                return Err(fails(error).into());
            }
            Err(_) if !force => return Err(exists().into()),
            Err(_) => {
                only_shards(folder)?;
                replace(folder, partial).map_err(FileError::io("replace", folder))?;
            }
        }
        Ok(files::sync_folder(files::folder_of(folder))?)
    }
}

/// Gives a file that was complete the name under which it grows, unless there is one of that name.
fn grow_again(complete: &Path) -> Result<(), FileError> {
    if !complete.exists() {
        return Ok(());
    }
    let partial = partial_of(complete);
    if partial.exists() {
        return remove(complete);
    }
    fs::rename(complete, partial).map_err(FileError::io("move", complete))
}

/// Whether the first `count` shards are what the manifest in `folder` lists, by length and digest.
fn are_as_listed(folder: &Path, count: u64) -> io::Result<bool> {
    let manifest = folder.join(MANIFEST_FILE);
    let file = File::open(partial_of(&manifest)).or_else(|_| File::open(manifest))?;
    let mut lines = BufReader::new(file).split(b'\n');
    for number in 0..count {
        let name = shard_name(number);
        let line = lines.next().transpose()?.unwrap_or_default();
        let listed = ManifestLine::from_slice(&line).ok();
        let Some(listed) = listed.filter(|listed| listed.shard == name) else {
            return Ok(false);
        };
        let shard = folder.join(name);
        if !shard.symlink_metadata()?.is_file()
            || Digest::of_reader(File::open(shard)?)? != (listed.sha256, listed.bytes)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts `new` in the place of `old` in one step, where the file system can; then removes `old`.
fn replace(old: &Path, new: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    if renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).is_ok() {
        return fs::remove_dir_all(new);
    }
    fs::remove_dir_all(old)?;
    fs::rename(new, old)
}

/// The numbers of the shards in a folder, complete or growing, in order.
fn shards_in(folder: &Path) -> Result<BTreeSet<u64>, FileError> {
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
        let name = entry.map_err(FileError::io("read", folder))?.file_name();
        numbers.extend(shard_number(&name.to_string_lossy()));
    }
    Ok(numbers)
}

/// The number in the name of a shard, or of one that grows.
fn shard_number(name: &str) -> Option<u64> {
    let digits = name
        .trim_end_matches(".partial")
        .strip_prefix("bundles-")?
        .strip_suffix(".jsonl.zst")?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

fn hash_file(path: &Path, bytes: u64) -> io::Result<Hasher> {
    let mut hasher = Hasher::new();
    io::copy(&mut File::open(path)?.take(bytes), &mut hasher)?;
    Ok(hasher)
}

/// Refuses a folder that holds anything but shards: only what this program wrote is removed.
fn only_shards(folder: &Path) -> Result<(), Failure> {
    let is_ours = |name: &str| {
        name.trim_end_matches(".partial") == MANIFEST_FILE || shard_number(name).is_some()
    };
    for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
        let name = entry.map_err(FileError::io("read", folder))?.file_name();
        if !is_ours(&name.to_string_lossy()) {
            let problem = format!(
                "{} holds {}, which is no shard of bundles, so the folder is not replaced",
                folder.display(),
                name.to_string_lossy()
            );
            return Err(Failure::new(Exit::Io, problem).hint("name another folder"));
        }
    }
    Ok(())
}
