//! Where bundles go: a file of lines, a folder of shards, or stdout; whole, or under another name.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::{Exit, Failure};
use super::growing::{FilePlace, Growing, partial_of};
use super::output;
use super::shards::Shards;
use crate::files::FileError;
use crate::mint::BundleLines;
use crate::number::PithNumber;
use serde::{Deserialize, Serialize};

/// How many bundles a shard of a folder holds.
pub const SHARD: u64 = 10_000;

/// zstd at this level keeps up with signing; higher ones make files a few per cent smaller.
const LEVEL: i32 = 1;

/// The form in which bundles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line each, to stdout.
    Stdout,
    /// A line each, in one file.
    Lines,
    /// The same, compressed with zstd.
    Zstd,
    /// A folder of compressed files.
    Folder,
}

/// Bundles in their form, to be written as one.
pub struct Frame {
    /// What is written. Compressed frames can be read one by one, or one after the other.
    pub bytes: Vec<u8>,
    /// How many bundles that is.
    pub count: u64,
    /// The number of the first one.
    pub first: PithNumber,
    /// The number of the last one.
    pub last: PithNumber,
}

impl Format {
    /// The form that the name of `path` stands for.
    ///
    /// # Errors
    /// [`Failure`] if it stands for none.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let name = path.to_string_lossy();
        let refused = |problem: String, hint: &str| {
            Err(Failure::new(Exit::Usage, problem).hint(hint.to_owned()))
        };
        const KINDS: &str = "name X.jsonl, X.jsonl.zst, a folder (without an ending), or -";
        let is_folder = path.is_dir();
        let of_file = |format| match is_folder {
            false => Ok(format),
            true => refused(
                format!("{name} is a folder, and a file is written under such a name"),
                "name another file, or a folder without an ending",
            ),
        };
        if path == Path::new("-") {
            Ok(Format::Stdout)
        } else if name.ends_with(".jsonl") {
            of_file(Format::Lines)
        } else if name.ends_with(".jsonl.zst") {
            of_file(Format::Zstd)
        } else if name.ends_with(".json") && !is_folder {
            refused(
                format!("{name} holds one bundle, and several may be written here"),
                KINDS,
            )
        } else if path.extension().is_some() && !is_folder {
            refused(format!("{name}: no such kind of output"), KINDS)
        } else if without_slash(path).is_symlink() || path.exists() && !is_folder {
            refused(
                format!("{name} is no folder, and one is written under such a name"),
                KINDS,
            )
        } else {
            Ok(Format::Folder)
        }
    }

    /// Brings bundles into this form, of which `before` come before them; `numbers` are theirs.
    ///
    /// # Errors
    /// Those of the compression.
    pub fn frames(
        self,
        before: u64,
        bundles: BundleLines,
        numbers: &[PithNumber],
    ) -> io::Result<Vec<Frame>> {
        let count = numbers.len() as u64;
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
            return Ok(Vec::new());
        };
        match self {
            Format::Stdout | Format::Lines => Ok(vec![Frame {
                bytes: bundles.into_text(),
                count,
                first: *first,
                last: *last,
            }]),
            Format::Zstd | Format::Folder => {
                let mut frames = Vec::new();
                let (mut from, mut taken) = (0, 0);
                while taken < numbers.len() {
                    // A frame ends where its shard does.
                    let room = match self {
                        Format::Folder => SHARD - (before + taken as u64) % SHARD,
                        _ => count,
                    };
                    let room = usize::try_from(room).unwrap_or(usize::MAX);
                    let next = numbers.len().min(taken.saturating_add(room));
                    let to = bundles.ends()[next - 1];
                    frames.push(Frame {
                        bytes: zstd::bulk::compress(&bundles.text()[from..to], LEVEL)?,
                        count: (next - taken) as u64,
                        first: numbers[taken],
                        last: numbers[next - 1],
                    });
                    (from, taken) = (to, next);
                }
                Ok(frames)
            }
        }
    }
}

/// The place in an output up to which it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkPlace {
    /// How many bundles are before it.
    pub bundles: u64,
    /// The place in the file, or in the shard that grows.
    pub file: Option<FilePlace>,
    /// The place in a folder's manifest.
    pub manifest: Option<FilePlace>,
    /// The first number in the shard that grows.
    pub first: Option<PithNumber>,
    /// The last number.
    pub last: Option<PithNumber>,
}

/// Where bundles go; complete or under another name.
pub struct BundleSink {
    format: Format,
    target: Target,
    bundles: u64,
}

enum Target {
    Stdout(output::Stdout),
    File(Growing),
    Folder(Box<Shards>),
}

/// What there is at the name of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or it is to be replaced.
    Open,
    /// A complete output, which can only be compared.
    Complete,
}

impl Standing {
    /// What there is at `path`, given whether it may be replaced.
    pub fn at(path: &Path, force: bool) -> Self {
        let complete = path != Path::new("-") && path.symlink_metadata().is_ok() && !force;
        if complete {
            Standing::Complete
        } else {
            Standing::Open
        }
    }
}

impl BundleSink {
    /// Begins the output at `path`, whose ending says what it is; or a comparison with it.
    ///
    /// # Errors
    /// [`Failure`] if there can be no such output.
    pub fn create(path: &Path, standing: Standing) -> Result<Self, Failure> {
        let path = without_slash(path);
        let format = Format::of(path)?;
        let target = match (format, standing) {
            (Format::Stdout, _) => Target::Stdout(output::stdout()),
            (Format::Folder, Standing::Open) => Target::Folder(Box::new(Shards::create(path)?)),
            (Format::Folder, Standing::Complete) => {
                Target::Folder(Box::new(Shards::compare(path)?))
            }
            (_, Standing::Open) => Target::File(Growing::create(path)?),
            (_, Standing::Complete) => Target::File(Growing::compare(path)?),
        };
        Ok(BundleSink {
            format,
            target,
            bundles: 0,
        })
    }

    /// Whether the output at `path` still holds what it held at `place`. It reads all of it.
    pub fn is_at(path: &Path, place: &SinkPlace) -> bool {
        let path = without_slash(path);
        match Format::of(path) {
            Ok(Format::Folder) => Shards::is_at(path, place),
            _ => (place.file.as_ref()).is_some_and(|file| Growing::is_at(path, file)),
        }
    }

    /// Goes on with the output at `path` from `place`; `None` if it is not the one whose place that
    /// is.
    ///
    /// # Errors
    /// Those of the system.
    pub fn resume(path: &Path, place: &SinkPlace) -> Result<Option<Self>, Failure> {
        let path = without_slash(path);
        let format = Format::of(path)?;
        let target = match (format, &place.file) {
            (Format::Folder, _) => {
                Shards::resume(path, place)?.map(|shards| Target::Folder(Box::new(shards)))
            }
            (Format::Lines | Format::Zstd, Some(file)) => {
                Growing::resume(path, file)?.map(Target::File)
            }
            _ => None,
        };
        Ok(target.map(|target| BundleSink {
            format,
            target,
            bundles: place.bundles,
        }))
    }

    /// The form in which bundles are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How many bundles were written.
    pub fn bundles(&self) -> u64 {
        self.bundles
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// Those of the system; [`FileError::Differs`] if a complete output has others.
    pub fn write(&mut self, frame: &Frame) -> Result<(), Failure> {
        match &mut self.target {
            Target::Stdout(out) => {
                out.write_all(&frame.bytes)?;
                if out.closed() {
                    return Err(Failure::silent(Exit::Io));
                }
            }
            Target::File(file) => file.append(&frame.bytes)?,
            Target::Folder(shards) => shards.write(frame)?,
        }
        self.bundles += frame.count;
        Ok(())
    }

    /// Writes bundles with these numbers.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_all(
        &mut self,
        bundles: BundleLines,
        numbers: &[PithNumber],
    ) -> Result<(), Failure> {
        let frames = self.format.frames(self.bundles, bundles, numbers)?;
        frames.iter().try_for_each(|frame| self.write(frame))
    }

    /// Gives what was printed to whoever reads it.
    ///
    /// # Errors
    /// Those of stdout.
    pub fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.target {
            Target::Stdout(out) => Ok(out.flush()?),
            _ => Ok(()),
        }
    }

    /// Makes all that was written reach the disk; returns the place behind it. `None` for stdout,
    /// which has none.
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync(&mut self) -> Result<Option<SinkPlace>, FileError> {
        let mut place = SinkPlace {
            bundles: self.bundles,
            file: None,
            manifest: None,
            first: None,
            last: None,
        };
        match &mut self.target {
            Target::Stdout(_) => return Ok(None),
            Target::File(file) => place.file = Some(file.sync()?),
            Target::Folder(shards) => shards.sync(&mut place)?,
        }
        Ok(Some(place))
    }

    /// Completes the output.
    ///
    /// # Errors
    /// Those of the system; [`FileError::Differs`] if a complete output holds more.
    pub fn finish(self, force: bool) -> Result<(), Failure> {
        match self.target {
            Target::Stdout(mut out) => Ok(out.flush()?),
            Target::File(mut file) => {
                // An empty file could as well have lost what it held; a frame that is empty is whole.
                if self.format == Format::Zstd && self.bundles == 0 {
                    file.append(&zstd::bulk::compress(&[], LEVEL)?)?;
                }
                Ok(file.finish(force)?)
            }
            Target::Folder(shards) => shards.finish(force),
        }
    }
}

/// A slash at the end would put what grows inside.
fn without_slash(path: &Path) -> &Path {
    path.components().as_path()
}

/// The folder in which a folder of shards grows.
pub fn growing_folder(path: &Path) -> PathBuf {
    partial_of(without_slash(path))
}

/// Removes a file if it is there.
///
/// # Errors
/// Those of the system.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
