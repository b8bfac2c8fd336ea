//! `pith bundle`: write bundles of what the ledger holds.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::home::Home;
use crate::keys::{Fingerprint, KeyId};
use crate::ledger::{Issued, Ledger, LedgerError, LedgerLock};
use crate::mint::{Issuer, KeyBook, sealed_bundle};
use crate::number::PithNumber;
use crate::time::Timestamp;
use clap::Args;

use super::context::{Context, parse_time};
use super::error::{Exit, Failure};
use super::key::SoftwareKey;
use super::output::{self, Growing, partial_of};
use super::secrets::UnlockArgs;
use super::show::look_up;

/// Write bundles of what the ledger holds; signs only what changed since it was sealed
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// Numbers, aliases or arXiv ids
    #[arg(
        required_unless_present = "all",
        conflicts_with = "all",
        value_name = "NUMBER"
    )]
    numbers: Vec<String>,

    /// All records
    #[arg(long)]
    all: bool,

    /// With --all: only records minted at or after this time
    #[arg(long, value_name = "TIME", requires = "all", value_parser = parse_time)]
    since: Option<Timestamp>,

    /// Where to: X.json for one bundle, X.jsonl, X.jsonl.zst, a folder, or `-`
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    out: PathBuf,

    /// The key to sign with [default: the home's active key]
    #[arg(long, value_name = "ID")]
    key: Option<KeyId>,

    /// Overwrite existing output
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    unlock: UnlockArgs,
}

/// How many bundles a shard of a folder holds.
const SHARD: u64 = 10_000;

/// Where bundles go, one a line; complete or under another name.
pub enum BundleSink {
    /// Standard output.
    Stdout(io::BufWriter<io::StdoutLock<'static>>),
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
            if partial.exists() {
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
                Ok(out.write_all(b"\n")?)
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
        if folder.symlink_metadata().is_ok() {
            if !force {
                if !same_folders(folder, partial)? {
                    return Err(FileError::Exists {
                        path: folder.clone(),
                    }
                    .into());
                }
                return Ok(fs::remove_dir_all(partial).map_err(FileError::io("remove", partial))?);
            }
            fs::remove_dir_all(folder).map_err(FileError::io("remove", folder))?;
        }
        fs::rename(partial, folder).map_err(FileError::io("write", folder))?;
        Ok(files::sync_folder(files::folder_of(folder))?)
    }
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

pub fn run(args: BundleArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let ledger = context.ledger(&home)?;
    let mut bundler = Bundler::new(&args, context, &home, &ledger)?;
    if let [name] = &args.numbers[..]
        && !is_lines(&args.out)
    {
        let wire = bundler.bundle(look_up(&ledger, name)?)?;
        return write_one(&args, &wire);
    }
    let names = args.numbers.iter();
    let named: Vec<PithNumber> = names
        .map(|name| look_up(&ledger, name))
        .collect::<Result<_, _>>()?;
    let mut sink = BundleSink::create(&args.out)?;
    for number in named {
        sink.write(&bundler.bundle(number)?)?;
    }
    if args.all {
        match args.since {
            None => {
                for number in ledger.numbers() {
                    sink.write(&bundler.bundle(number?)?)?;
                }
            }
            Some(since) => {
                for issued in ledger.issued(Some(since.into())) {
                    sink.write(&bundler.bundle(issued?.number)?)?;
                }
            }
        }
    }
    sink.finish(args.force)?;
    Ok(Exit::Done)
}

fn is_lines(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".jsonl") || name.ends_with(".jsonl.zst") || path.is_dir()
}

/// One bundle has its wire form: no newline at the end (SPEC 8).
fn write_one(args: &BundleArgs, wire: &[u8]) -> Result<Exit, Failure> {
    if args.out == Path::new("-") {
        let mut out = output::stdout();
        out.write_all(wire)?;
        out.flush()?;
    } else {
        let existing = if args.force {
            files::Existing::Replace
        } else {
            files::Existing::Keep
        };
        files::write(&args.out, wire, existing)?;
    }
    Ok(Exit::Done)
}

/// Gives the bundles of records. Only when one has to be signed is the key opened and the ledger
/// held: bundles can be written while another process mints.
struct Bundler<'a> {
    args: &'a BundleArgs,
    context: &'a Context,
    home: &'a Home,
    ledger: &'a Ledger,
    book: KeyBook,
    /// The key that bundles should be sealed with, if the home has one.
    active: Option<Fingerprint>,
    signing: Option<Signing>,
}

struct Signing {
    key: SoftwareKey,
    ledger: Ledger,
    _lock: LedgerLock,
}

impl<'a> Bundler<'a> {
    fn new(
        args: &'a BundleArgs,
        context: &'a Context,
        home: &'a Home,
        ledger: &'a Ledger,
    ) -> Result<Self, Failure> {
        let keyset = home.keyset()?;
        let active = match &args.key {
            Some(id) => keyset.named(id),
            None => keyset.active().next(),
        };
        Ok(Bundler {
            args,
            context,
            home,
            ledger,
            book: KeyBook::of(ledger)?,
            active: active.map(|entry| entry.key.key.fingerprint()),
            signing: None,
        })
    }

    fn bundle(&mut self, number: PithNumber) -> Result<Vec<u8>, Failure> {
        let gone = || Failure::new(Exit::Io, format!("{number} is no longer in the ledger"));
        let issued = self.ledger.get(number.suffix())?.ok_or_else(gone)?;
        if self.sealed_by_active(&issued)
            && let Some(wire) = sealed_bundle(&self.home.profile, &self.book, &issued)?
        {
            return Ok(wire);
        }
        if self.signing.is_none() {
            self.signing = Some(self.open_signing()?);
        }
        let Signing { key, ledger, .. } = self.signing.as_mut().expect("opened above");
        let issuer = Issuer::new(&self.home.profile, key, key.public.clone(), ledger)?;
        let (wire, seal) = issuer.bundle(&issued, self.context.now())?;
        if let Some(seal) = seal {
            ledger.group::<_, LedgerError>(|group| group.set_seal(&number, &seal))?;
        }
        Ok(wire)
    }

    fn open_signing(&self) -> Result<Signing, Failure> {
        self.context.warn_of_fixed_time();
        let (ledger, lock) = self.context.locked_ledger(self.home)?;
        let id = self.args.key.as_ref();
        Ok(Signing {
            key: SoftwareKey::open(self.home, id, self.args.unlock.clone())?,
            ledger,
            _lock: lock,
        })
    }

    /// After a rotation bundles are sealed anew; a home without an active key shows what it has.
    fn sealed_by_active(&self, issued: &Issued) -> bool {
        match (&issued.bundle, &self.active) {
            (Some(seal), Some(active)) => seal.public_key_fingerprint == *active,
            (seal, None) => seal.is_some(),
            (None, Some(_)) => false,
        }
    }
}
