//! `pith bundle`: write bundles of what the ledger holds.

use std::cell::OnceCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::keys::KeyId;
use crate::mint::BundleLines;
use crate::number::PithNumber;
use crate::time::Timestamp;
use clap::Args;

use super::bundler::{Bundler, Sealing};
use super::context::{Context, parse_time};
use super::error::{Exit, Failure};
use super::output;
use super::secrets::UnlockArgs;
use super::show::look_up;
use super::sink::{BundleSink, Standing};

/// How many bundles are written at once.
const AT_ONCE: usize = 256;

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

pub fn run(args: BundleArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    context.check_outputs(Some(&home), &[], &[Some(&args.out)])?;
    let ledger = context.ledger(&home)?;
    let key = OnceCell::new();
    let signing = Sealing {
        key: args.key.as_ref(),
        unlock: &args.unlock,
    };
    let mut bundler = Bundler::new(signing, context, &home, &ledger, &key)?;
    if let [name] = &args.numbers[..]
        && is_single(&args.out)
    {
        let wire = bundler.bundle(look_up(&ledger, name)?)?;
        bundler.keep_seals()?;
        return write_one(&args, &wire, context);
    }
    let names = args.numbers.iter();
    let named: Vec<PithNumber> = names
        .map(|name| look_up(&ledger, name))
        .collect::<Result<_, _>>()?;
    if named.len() > 1 && args.out.extension().is_some_and(|ending| ending == "json") {
        let (shown, count) = (args.out.display(), named.len());
        let problem = format!("{shown} holds one bundle; these are {count}");
        return Err(Failure::new(Exit::Usage, problem)
            .hint("name X.jsonl, X.jsonl.zst, a folder (without an ending), or -"));
    }
    let standing = Standing::at(&args.out, args.force);
    let mut sink = BundleSink::create(&args.out, standing)?;
    let (mut bundles, mut numbers) = (BundleLines::default(), Vec::new());
    let mut write = |number: Option<PithNumber>| -> Result<(), Failure> {
        if let Some(number) = number {
            bundles.push(&bundler.bundle(number)?);
            numbers.push(number);
        }
        if number.is_none() || numbers.len() == AT_ONCE {
            // A bundle that was printed is in the ledger.
            bundler.keep_seals()?;
            sink.write_all(std::mem::take(&mut bundles), &numbers)?;
            numbers.clear();
        }
        Ok(())
    };
    for number in named {
        write(Some(number))?;
    }
    if args.all {
        match args.since {
            None => {
                for number in ledger.numbers() {
                    write(Some(number?))?;
                }
            }
            Some(since) => {
                for issued in ledger.issued(Some(since.into())) {
                    write(Some(issued?.number))?;
                }
            }
        }
    }
    write(None)?;
    let count = sink.bundles();
    sink.finish(args.force)?;
    if args.out != Path::new("-") {
        let count = output::counted(count, "bundle", "bundles");
        context.note(&format!("{count}: {}", args.out.display()));
    }
    Ok(Exit::Done)
}

/// Whether OUT is for one bundle in its wire form.
fn is_single(path: &Path) -> bool {
    path == Path::new("-") || path.extension().is_some_and(|ending| ending == "json")
}

/// One bundle has its wire form: no newline at the end (SPEC 8).
fn write_one(args: &BundleArgs, wire: &[u8], context: &Context) -> Result<Exit, Failure> {
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
        match files::write(&args.out, wire, existing) {
            // What would be written stands there already.
            Err(FileError::Exists { path }) if std::fs::read(&path).is_ok_and(|b| b == wire) => {}
            written => written?,
        }
        context.note(&format!("1 bundle: {}", args.out.display()));
    }
    Ok(Exit::Done)
}
