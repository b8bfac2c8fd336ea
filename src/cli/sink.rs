//! Where bundles go: a file of lines, a folder of shards, or stdout; whole, or under another name.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::{Exit, Failure};
use super::output::{self, Growing, partial_of};
use crate::files::{self, FileError};

/// How many bundles a shard of a folder holds.
const SHARD: u64 = 10_000;

/// Where bundles go, one a line; complete or under another name.
pub enum BundleSink {
    /// Standard output.
    Stdout(output::Stdout),
    /// A file of lines.
    Lines(Growing),
    /// The same, compressed.
    Zstd(Box<zstd::Encoder<'static, Growing>>),
    /// A folder of compressed shards.
    Folder(Box<Shards>),
}

/// A folder whose shards sort in the order in which they were written.
pub struct Shards {
    folder: PathBuf,
    partial: PathBuf,
    shard: Option<zstd::Encoder<'static, Growing>>,
    written: u64,
}

impl BundleSink {
    /// Begins the output at `path`, whose ending says what it is.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        // A slash at the end would put the partial folder inside.
        let path = path.components().as_path();
        if path == Path::new("-") {
            return Ok(BundleSink::Stdout(output::stdout()));
        }
        let name = path.to_string_lossy();
        if name.ends_with(".jsonl") {
            Ok(BundleSink::Lines(Growing::create(path)?))
        } else if name.ends_with(".jsonl.zst") {
            Ok(BundleSink::Zstd(Box::new(compressed(path)?)))
        } else if path.extension().is_some() && !path.is_dir() {
            Err(
                Failure::new(Exit::Usage, format!("{name}: no such kind of output"))
                    .hint("name X.jsonl, X.jsonl.zst, a folder (without an ending), or -"),
            )
        } else {
            let partial = partial_of(path);
            if partial.symlink_metadata().is_ok() {
                only_shards(&partial)?;
                fs::remove_dir_all(&partial).map_err(FileError::io("remove", &partial))?;
            }
            fs::create_dir_all(&partial).map_err(FileError::io("make the folder", &partial))?;
            Ok(BundleSink::Folder(Box::new(Shards {
                folder: path.to_owned(),
                partial,
                shard: None,
                written: 0,
            })))
        }
    }

    /// Writes one bundle.
    pub fn write(&mut self, bundle: &[u8]) -> Result<(), Failure> {
        match self {
            BundleSink::Stdout(out) => {
                out.write_all(bundle)?;
                out.write_all(b"\n")?;
                if out.closed() {
                    return Err(Failure::silent(Exit::Io));
                }
                Ok(())
            }
            BundleSink::Lines(file) => line(file, bundle),
            BundleSink::Zstd(file) => line(file, bundle),
            BundleSink::Folder(shards) => shards.write(bundle),
        }
    }

    /// Completes the output. If it exists it must be equal already, or `force` be given.
    pub fn finish(self, force: bool) -> Result<(), Failure> {
        match self {
            BundleSink::Stdout(mut out) => Ok(out.flush()?),
            BundleSink::Lines(file) => Ok(file.finish(force)?),
            BundleSink::Zstd(file) => Ok(end(*file)?.finish(force)?),
            BundleSink::Folder(shards) => shards.finish(force),
        }
    }
}

fn line(out: &mut impl Write, bundle: &[u8]) -> Result<(), Failure> {
    out.write_all(bundle)
        .and_then(|()| out.write_all(b"\n"))
        .map_err(|error| FileError::io("write", Path::new("the bundles"))(error).into())
}

fn compressed(path: &Path) -> Result<zstd::Encoder<'static, Growing>, Failure> {
    let file = Growing::create(path)?;
    Ok(zstd::Encoder::new(file, 3).map_err(FileError::io("compress", path))?)
}

fn end(encoder: zstd::Encoder<'static, Growing>) -> Result<Growing, FileError> {
    encoder
        .finish()
        .map_err(FileError::io("write", Path::new("the bundles")))
}

impl Shards {
    fn write(&mut self, bundle: &[u8]) -> Result<(), Failure> {
        if self.written.is_multiple_of(SHARD) {
            self.end_shard()?;
            let name = format!("bundles-{:06}.jsonl.zst", self.written / SHARD);
            self.shard = Some(compressed(&self.partial.join(name))?);
        }
        self.written += 1;
        line(self.shard.as_mut().expect("begun above"), bundle)
    }

    fn end_shard(&mut self) -> Result<(), Failure> {
        match self.shard.take() {
            Some(shard) => Ok(end(shard)?.finish(false)?),
            None => Ok(()),
        }
    }

    fn finish(mut self, force: bool) -> Result<(), Failure> {
        self.end_shard()?;
        let (folder, partial) = (&self.folder, &self.partial);
        let io = |action: &'static str| FileError::io(action, folder);
        if folder.symlink_metadata().is_err() {
            fs::rename(partial, folder).map_err(io("write"))?;
        } else if !force {
            if !same_folders(folder, partial)? {
                let path = folder.clone();
                return Err(FileError::Exists { path }.into());
            }
            fs::remove_dir_all(partial).map_err(FileError::io("remove", partial))?;
        } else {
            only_shards(folder)?;
            // The old one goes last: a crash on the way leaves the one or the other.
            let mut old = folder.as_os_str().to_owned();
            old.push(".old");
            fs::rename(folder, &old).map_err(io("move"))?;
            fs::rename(partial, folder).map_err(io("write"))?;
            files::sync_folder(files::folder_of(folder))?;
            fs::remove_dir_all(&old).map_err(FileError::io("remove", Path::new(&old)))?;
        }
        Ok(files::sync_folder(files::folder_of(folder))?)
    }
}

/// Refuses a folder that holds anything but shards: only what this program wrote is removed.
fn only_shards(folder: &Path) -> Result<(), Failure> {
    let is_shard = |name: &str| {
        name.strip_prefix("bundles-").is_some_and(|rest| {
            let rest = rest.trim_end_matches(".partial");
            let number = rest.strip_suffix(".jsonl.zst").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
        let name = entry.map_err(FileError::io("read", folder))?.file_name();
        if !is_shard(&name.to_string_lossy()) {
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

fn same_folders(a: &Path, b: &Path) -> Result<bool, FileError> {
    let names = |folder: &Path| -> Result<Vec<_>, FileError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
            names.push(entry.map_err(FileError::io("read", folder))?.file_name());
        }
        names.sort();
        Ok(names)
    };
    let (in_a, in_b) = (names(a)?, names(b)?);
    if in_a != in_b {
        return Ok(false);
    }
    for name in in_a {
        if !output::same_bytes(&a.join(&name), &b.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}
