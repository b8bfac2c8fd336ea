//! `pith bundle`: write bundles of what the ledger holds.

use std::cell::OnceCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::home::Home;
use crate::keys::{Fingerprint, KeyId, SoftwareKey};
use crate::ledger::{BundleSeal, Ledger, LedgerError, LedgerLock};
use crate::mint::{BundleLines, Issuer, MintError, SelfCheck};
use crate::number::PithNumber;
use crate::time::Timestamp;
use clap::Args;

use super::context::{Context, parse_time};
use super::error::{Exit, Failure};
use super::key::open_signing_key;
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
    let mut bundler = Bundler::new(&args, context, &home, &ledger, &key)?;
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

/// Gives the bundles of records. Only when one has to be signed is the key opened and the ledger
/// held: bundles can be written while another process mints.
struct Bundler<'a> {
    args: &'a BundleArgs,
    context: &'a Context,
    home: &'a Home,
    ledger: &'a Ledger,
    /// The key that bundles should be sealed with, if the home has one.
    active: Option<Fingerprint>,
    /// Writes what is sealed.
    sealed: Option<Issuer<'a>>,
    /// Where the private key is, once it was opened.
    key: &'a OnceCell<SoftwareKey>,
    signing: Option<Signing<'a>>,
}

struct Signing<'a> {
    issuer: Issuer<'a>,
    /// Seals that the ledger does not have yet.
    seals: Vec<(PithNumber, BundleSeal)>,
    ledger: Ledger,
    _lock: LedgerLock,
}

impl<'a> Bundler<'a> {
    fn new(
        args: &'a BundleArgs,
        context: &'a Context,
        home: &'a Home,
        ledger: &'a Ledger,
        key: &'a OnceCell<SoftwareKey>,
    ) -> Result<Self, Failure> {
        let keyset = home.trusted_keys()?;
        let active = match &args.key {
            Some(id) => keyset.named(id),
            None => keyset.active().next(),
        };
        let sealing = active.or(keyset.keys.first());
        let sealed = sealing
            .map(|entry| Issuer::unsigning(&home.profile, &entry.key, &keyset, ledger))
            .transpose()?;
        Ok(Bundler {
            args,
            context,
            home,
            ledger,
            active: active.map(|entry| entry.key.key.fingerprint()),
            sealed,
            key,
            signing: None,
        })
    }

    fn bundle(&mut self, number: PithNumber) -> Result<Vec<u8>, Failure> {
        let gone = || Failure::new(Exit::Io, format!("{number} is no longer in the ledger"));
        let held = self.ledger.held(number.suffix())?.ok_or_else(gone)?;
        if self.sealed_by_active(held.seal())
            && let Some(sealed) = &self.sealed
        {
            match sealed.bundle(&held, self.context.now()) {
                Ok((wire, _)) => return Ok(wire),
                // What it covers has changed since.
                Err(MintError::NothingMayBeSigned { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.signing.is_none() {
            self.signing = Some(self.open_signing()?);
        }
        let signing = self.signing.as_mut().expect("opened above");
        let (wire, seal) = signing.issuer.bundle(&held, self.context.now())?;
        signing.seals.extend(seal.map(|seal| (number, seal)));
        Ok(wire)
    }

    /// Writes the seals of the bundles that were signed since the last time, as one.
    fn keep_seals(&mut self) -> Result<(), Failure> {
        let Some(Signing { seals, ledger, .. }) = &mut self.signing else {
            return Ok(());
        };
        ledger.group::<_, LedgerError>(|group| {
            let mut seals = seals.iter();
            seals.try_for_each(|(number, seal)| group.set_seal(number, seal))
        })?;
        seals.clear();
        Ok(())
    }

    fn open_signing(&self) -> Result<Signing<'a>, Failure> {
        self.context.warn_of_fixed_time();
        let (mut ledger, lock) = self.context.locked_ledger(self.home)?;
        let id = self.args.key.as_ref();
        let opened = open_signing_key(self.home, id, self.args.unlock.clone(), self.context.now())?;
        let key: &'a SoftwareKey = self.key.get_or_init(|| opened);
        let (profile, keyset) = (&self.home.profile, self.home.trusted_keys()?);
        Ok(Signing {
            issuer: Issuer::new(profile, key, &keyset, &mut ledger, SelfCheck::Strict)?
                .judging_by(self.context.home_trust(self.home)?),
            seals: Vec::new(),
            ledger,
            _lock: lock,
        })
    }

    /// After a rotation bundles are sealed anew; a home without an active key shows what it has.
    fn sealed_by_active(&self, seal: Option<&BundleSeal>) -> bool {
        match (seal, &self.active) {
            (Some(seal), Some(active)) => seal.public_key_fingerprint == *active,
            (seal, None) => seal.is_some(),
            (None, Some(_)) => false,
        }
    }
}
