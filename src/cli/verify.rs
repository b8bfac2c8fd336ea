//! `pith verify`: judge documents from anywhere.

use std::convert::Infallible;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::ceremony::{Expected, KnownWitness};
use crate::keys::{TrustedKey, TrustedKeys};
use crate::keyset::{Chain, KeysetFile};
use crate::number::PithNumber;
use crate::time::Timestamp;
use crate::timestamps::{BlockHeader, HeaderError};
use crate::verify::{Check, Code, Outcome, Policy, Report, Trust, Verdict};
use clap::Args;
use serde::Serialize;

use super::ceremony::{Source, judge, known_witnesses, of_path};
use super::context::{Context, JSON_SCHEMA, all_cores, parse_jobs, parse_time};
use super::documents::{Document, DocumentLimits, Documents};
use super::error::{Exit, Failure};
use super::mirror;
use super::output::{self, printable};
use crate::bulk;
use crate::files;
use crate::home::read_public_key;
use crate::pipeline::{self, Pack, Planned, PlannedBy, Steps};

/// Verify bundles, events, receipts with records, states, keysets, and transcripts of ceremonies
///
/// A single document is reported check by check; of many, those that fail, and a count.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Documents: one a file, JSON lines (also .gz, .zst), folders of them, or `-`
    #[arg(required_unless_present_any = ["explain", "mirror"], value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Check the mirror at this address or in this folder: against the home's ledger, or by keys alone
    /// with --keyset or without a home
    #[arg(long, value_name = "URL|DIR", conflicts_with = "paths")]
    mirror: Option<String>,

    /// Trust the keys in FILE instead of the built-in keyset and the home's
    #[arg(long, value_name = "FILE")]
    keyset: Option<PathBuf>,

    /// Also trust the registry key in this public key file
    #[arg(long, value_name = "PUBLIC_KEY_FILE")]
    trust: Vec<PathBuf>,

    /// Believe that block HEIGHT of Bitcoin has this header of 80 bytes, and check timestamps against it
    #[arg(long, value_name = "HEIGHT:HEX", value_parser = parse_header)]
    block_header: Vec<(u64, BlockHeader)>,

    /// Every document must be about this number
    #[arg(long, value_name = "NUMBER")]
    expect: Option<PithNumber>,

    /// Judge as of this time: what is dated later does not count
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,

    /// Say what a check means and what to do when it fails
    #[arg(long, value_name = "CODE", conflicts_with = "paths")]
    explain: Option<Code>,

    /// How many threads check [default: one a core]
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<NonZeroUsize>,

    /// Print every check of every document
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    limits: DocumentLimits,
}

/// How many failing documents are shown in full where there are many.
const SHOWN: u64 = 20;

#[derive(Serialize)]
struct Line<'a> {
    schema_version: &'static str,
    document: &'a str,
    verdict: Verdict,
    #[serde(flatten)]
    report: &'a Report,
}

#[derive(Serialize)]
struct Explained {
    schema_version: &'static str,
    code: Code,
    meaning: &'static str,
    remedy: &'static str,
}

/// How many documents ended how.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    documents: u64,
    verified: u64,
    untrusted: u64,
    failed: u64,
    /// Files and folders that could not be read, or are not what their manifest lists.
    faults: u64,
}

pub fn run(args: VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(code) = args.explain {
        return explain(code, context);
    }
    let mut trust = trusted(args.keyset.as_deref(), &args.trust, context)?;
    for (height, header) in &args.block_header {
        if !trust.add_block_header(*height, header.clone()) {
            let problem = format!("--block-header gives two headers for block {height}");
            return Err(
                Failure::new(Exit::Usage, problem).hint("ask a node of your own which it is")
            );
        }
    }
    let policy = Policy {
        trust: &trust,
        expect: args.expect,
        at: args.at,
        now: context.now().seconds(),
    };
    if let Some(place) = &args.mirror {
        let asked = mirror::Asked {
            by_keys_alone: args.keyset.is_some(),
            jobs: args.jobs,
            verbose: args.verbose,
        };
        return mirror::run(place, &policy, asked, context);
    }
    let judging = Judging {
        policy: &policy,
        bulk: bulk::Judge::new(),
        json: context.json(),
        verbose: args.verbose,
    };
    let mut first = true;
    let parts = parts(&args.paths, args.limits, known_witnesses(&[], &trust)?)?
        .map(move |next| next.map(|part| (std::mem::take(&mut first), part)));
    let weight = |next: &Result<(bool, Part), Failure>| match next {
        Ok((_, Part::Document(document))) => document.bytes.len(),
        Ok((_, Part::Transcript(..))) | Err(_) => 0,
    };
    let mut tally = Tally::new(&args, context);
    pipeline::run(
        args.jobs.unwrap_or_else(all_cores),
        Pack::new(parts, weight),
        |chunk| {
            let judge = |(first, part)| match part {
                Part::Document(document) => judging.judge(&document, first),
                Part::Transcript(place, report) => judging.word(&place, &report, first),
            };
            chunk.into_iter().map(|next| next.map(judge)).collect()
        },
        |never: Infallible| match never {},
        &mut tally,
    )?;
    let Tally {
        mut out,
        count,
        exit,
        unknown_key,
        ..
    } = tally.end()?;
    if count.documents == 0 && exit == Exit::Done {
        let problem = "there is no document in what was given";
        if args.expect.is_some() {
            return Err(Failure::new(Exit::Io, problem));
        }
        context.note(problem);
    }
    finish(&mut out, &count, unknown_key, context)?;
    // Of a single document its report says so.
    let rehearsals = (trust.chains()).filter(|(_, chain)| chain.latest().rehearsal);
    for (name, _) in rehearsals.filter(|_| count.documents > 1 && count.verified > 0) {
        context.note(&format!(
            "{name} is the keyset of a rehearsal: what it vouches for means nothing outside of it"
        ));
    }
    if count.verified > 0 && args.keyset.is_none() && context.in_bootstrap()? {
        context.note("this home is in bootstrap: its own keys are trusted here and nowhere else");
    }
    Ok(exit)
}

/// What is judged, in the order in which it was named.
enum Part {
    /// A document, which is judged on any thread.
    Document(Document),
    /// A transcript, by the place where it stands. It is judged as it is found, with its folder.
    Transcript(String, Report),
}

/// Ceremonies are judged whole; everything else document by document.
fn parts(
    paths: &[PathBuf],
    limits: DocumentLimits,
    known: Vec<KnownWitness>,
) -> Result<impl Iterator<Item = Result<Part, Failure>> + use<>, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        let ceremony = match path == Path::new("-") {
            true => None,
            false => of_path(path)?,
        };
        sources.push(match ceremony {
            Some(source) => Either::Transcript(source),
            None => {
                let documents = Documents::open(std::slice::from_ref(path), limits)?;
                Either::Documents(Box::new(documents))
            }
        });
    }
    Ok(sources.into_iter().flat_map(move |source| {
        let (transcript, documents) = match source {
            Either::Transcript(source) => {
                let report = judge(&source, Expected::default(), &known);
                let place = source.transcript.display().to_string();
                (Some(Ok(Part::Transcript(place, report))), None)
            }
            Either::Documents(documents) => (None, Some(documents)),
        };
        let documents = documents.into_iter().flat_map(|documents| *documents);
        transcript
            .into_iter()
            .chain(documents.map(|next| next.map(Part::Document)))
    }))
}

enum Either {
    Transcript(Source),
    Documents(Box<Documents>),
}

/// Prints the report of one document in full, and says what it amounts to.
pub fn report_one(place: &str, report: &Report, context: &Context) -> Result<Exit, Failure> {
    let verdict = report.verdict();
    let mut out = output::stdout();
    if context.json() {
        let line = Line {
            schema_version: JSON_SCHEMA,
            document: place,
            verdict,
            report,
        };
        output::json_line(&mut out, &line)?;
    } else {
        print(&mut out, place, report, true)?;
    }
    out.flush()?;
    if verdict != Verdict::Verified && !context.json() {
        let hint = "`pith verify --explain CODE` says what a check means and what to do";
        output::message("hint", hint);
    }
    Ok(exit_of(verdict))
}

fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Verified => Exit::Done,
        Verdict::Untrusted => Exit::Untrusted,
        Verdict::Failed => Exit::Refused,
    }
}

fn explain(code: Code, context: &Context) -> Result<Exit, Failure> {
    if context.json() {
        output::json(&Explained {
            schema_version: JSON_SCHEMA,
            code,
            meaning: code.meaning(),
            remedy: code.remedy(),
        })?;
        return Ok(Exit::Done);
    }
    let mut out = output::stdout();
    writeln!(
        out,
        "{code}\n  {}\n  When it fails: {}",
        code.meaning(),
        code.remedy()
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

/// A block's height and its header.
pub fn parse_header(text: &str) -> Result<(u64, BlockHeader), String> {
    let form = "give the height, `:` and 160 hexadecimal digits";
    let (height, header) = text.split_once(':').ok_or(form)?;
    let height = height.parse().map_err(|_| form)?;
    let header = header
        .parse()
        .map_err(|error: HeaderError| error.to_string())?;
    Ok((height, header))
}

/// What the flags `--keyset` and `--trust` say to trust.
pub fn trusted(
    keyset: Option<&Path>,
    keys: &[PathBuf],
    context: &Context,
) -> Result<Trust, Failure> {
    let mut trust = match keyset {
        None => context.default_trust()?,
        Some(path) => {
            let mut trust = Trust::new();
            trust_file(&mut trust, path)?;
            trust
        }
    };
    trust_keys(&mut trust, keys)?;
    Ok(trust)
}

/// Trusts public keys, each for the signer that its file names, or for a registry's.
pub fn trust_keys(trust: &mut Trust, files: &[PathBuf]) -> Result<(), Failure> {
    for path in files {
        let key = read_public_key(path).map_err(|error| {
            let failure = Failure::from(error);
            let bytes = files::read(path).unwrap_or_default();
            match KeysetFile::from_slice(&bytes) {
                Ok(_) => failure.hint("this is a keyset: name it with --keyset"),
                Err(_) => failure.hint("a public key file is what the registry publishes of its key, such as keys/ID.json"),
            }
        })?;
        let entry = match key.signer.clone() {
            None => TrustedKey::of_registry(key, None),
            Some(signer) => TrustedKey {
                signer_id: Some(signer.signer_id),
                signer_types: vec![signer.signer_type],
                ..TrustedKey::of_registry(key, None)
            },
        };
        trust.add(
            format!("--trust {}", path.display()),
            TrustedKeys::new(vec![entry]),
        );
    }
    Ok(())
}

/// Trusts what a keyset's file says, for the reason that it was named.
pub fn trust_file(trust: &mut Trust, path: &Path) -> Result<(), Failure> {
    let bytes = files::read(path)?;
    let file = KeysetFile::from_slice(&bytes).map_err(|error| {
        let problem = format!("{} is no keyset: {error}", path.display());
        Failure::new(Exit::Io, problem).hint("a single public key is trusted with --trust")
    })?;
    let name = path.display().to_string();
    match file {
        KeysetFile::Bootstrap(keys) => trust.add(name, keys),
        KeysetFile::Keyset(keyset) => {
            let chain = Chain::begin(*keyset).map_err(|faulty| {
                let problem = format!("{}: {faulty}", path.display());
                Failure::new(Exit::Refused, problem).hint(faulty.hint())
            })?;
            trust.add_keyset(name, chain, files::folder_of(path).join("logs"));
        }
    }
    Ok(())
}

/// How every document is judged, whatever thread does it.
struct Judging<'a> {
    policy: &'a Policy<'a>,
    bulk: bulk::Judge,
    json: bool,
    verbose: bool,
}

/// A verdict and its words.
struct Judged {
    verdict: Verdict,
    /// What is printed of one document among many.
    text: Vec<u8>,
    /// What is printed of the first document if no other follows.
    alone: Option<Vec<u8>>,
    /// Whether it is a key that is known nowhere here for which it is not trusted.
    unknown_key: bool,
}

impl Judged {
    /// Nothing is printed of it.
    fn verified() -> Self {
        Judged {
            verdict: Verdict::Verified,
            text: Vec::new(),
            alone: None,
            unknown_key: false,
        }
    }
}

impl Judging<'_> {
    fn judge(&self, document: &Document, first: bool) -> Judged {
        let in_short = !self.json && !self.verbose && !first;
        if in_short && self.bulk.plainly_verified(&document.bytes, self.policy) {
            return Judged::verified();
        }
        let report = self.bulk.verify(&document.bytes, self.policy);
        self.word(&document.place, &report, first)
    }

    /// Puts a report into words.
    fn word(&self, place: &str, report: &Report, first: bool) -> Judged {
        let verdict = report.verdict();
        let (mut text, mut alone) = (Vec::new(), None);
        if self.json {
            let line = Line {
                schema_version: JSON_SCHEMA,
                document: place,
                verdict,
                report,
            };
            output::json_line(&mut text, &line).expect("a report is JSON, and memory takes it");
        } else {
            let in_full = || {
                let mut text = Vec::new();
                print(&mut text, place, report, true).expect("memory takes it");
                text
            };
            if self.verbose {
                text = in_full();
            } else if verdict != Verdict::Verified {
                print(&mut text, place, report, false).expect("memory takes it");
            }
            alone = first.then(in_full);
        }
        let unknown = |check: &Check| {
            matches!(check.code, Code::KeyTrust | Code::KeyForeign)
                && check.outcome == Outcome::Untrusted
        };
        Judged {
            verdict,
            text,
            alone,
            unknown_key: report.checks.iter().any(unknown),
        }
    }
}

/// Takes verdicts in the order of the documents, counts them and prints what is to be shown.
struct Tally {
    out: output::Stdout,
    count: Count,
    exit: Exit,
    /// Whether trust in a key would change a verdict.
    unknown_key: bool,
    show_all: bool,
    /// A document on its own is reported in full, so the first one waits for the second.
    waiting: Option<Judged>,
}

impl Tally {
    fn new(args: &VerifyArgs, context: &Context) -> Self {
        Tally {
            out: output::stdout(),
            count: Count::default(),
            exit: Exit::Done,
            unknown_key: false,
            show_all: args.verbose || context.json(),
            waiting: None,
        }
    }

    fn take(&mut self, judged: Result<Judged, Failure>) -> Result<(), Failure> {
        match judged {
            Err(failure) => {
                self.count.faults += 1;
                self.exit = self.exit.worst(failure.report());
                Ok(())
            }
            Ok(judged) if self.show_all => self.add(&judged, &judged.text),
            Ok(judged) => match self.waiting.replace(judged) {
                Some(before) => self.add(&before, &before.text),
                None => Ok(()),
            },
        }
    }

    fn end(mut self) -> Result<Self, Failure> {
        if let Some(last) = self.waiting.take() {
            self.add(&last, last.alone.as_ref().unwrap_or(&last.text))?;
        }
        Ok(self)
    }

    fn add(&mut self, judged: &Judged, text: &[u8]) -> Result<(), Failure> {
        let count = &mut self.count;
        count.documents += 1;
        let counted = match judged.verdict {
            Verdict::Verified => &mut count.verified,
            Verdict::Untrusted => &mut count.untrusted,
            Verdict::Failed => &mut count.failed,
        };
        *counted += 1;
        self.exit = self.exit.worst(exit_of(judged.verdict));
        self.unknown_key |= judged.unknown_key;
        if self.show_all || count.failed + count.untrusted <= SHOWN {
            self.out.write_all(text)?;
        }
        Ok(())
    }
}

/// Judging a document leaves nothing to perform.
impl Steps for Tally {
    type Prepared = Vec<Result<Judged, Failure>>;
    type Planned = Infallible;
    type Performed = Self::Prepared;
    type Error = Failure;

    fn plan(
        &mut self,
        chunk: Self::Prepared,
        _under_way: usize,
    ) -> Result<PlannedBy<Self>, Failure> {
        Ok(Planned::Done(chunk))
    }

    fn finish(&mut self, chunk: Self::Performed) -> Result<(), Failure> {
        chunk.into_iter().try_for_each(|judged| self.take(judged))
    }

    /// Shows what there is while input keeps one waiting; if it cannot be written, there is no use in
    /// waiting.
    fn idle(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    fn stopped(&self) -> bool {
        false
    }
}

fn print(
    out: &mut impl std::io::Write,
    place: &str,
    report: &Report,
    in_full: bool,
) -> std::io::Result<()> {
    let number = report
        .pith_number
        .map(|n| format!(" {n}"))
        .unwrap_or_default();
    let verdict = match report.verdict() {
        Verdict::Verified => "verified",
        Verdict::Untrusted => "sound, but not trusted",
        Verdict::Failed => "DOES NOT VERIFY",
    };
    let place = printable(place);
    writeln!(out, "{place}: {}{number}: {verdict}", report.kind.as_str())?;
    for check in &report.checks {
        let word = match check.outcome {
            Outcome::Ok if !in_full => continue,
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Untrusted => "UNTRUSTED",
            Outcome::Failed => "FAILED",
        };
        writeln!(out, "  {word:<9} {}", printable(&check.to_string()))?;
        if let (Some(expected), Some(found)) = (&check.expected, &check.found) {
            writeln!(out, "            expected {}", printable(expected))?;
            writeln!(out, "            found    {}", printable(found))?;
        }
    }
    Ok(())
}

fn finish(
    out: &mut impl std::io::Write,
    count: &Count,
    unknown_key: bool,
    context: &Context,
) -> Result<(), Failure> {
    if context.json() {
        #[derive(Serialize)]
        struct Summary {
            schema_version: &'static str,
            summary: Count,
        }
        output::json_line(
            out,
            &Summary {
                schema_version: JSON_SCHEMA,
                summary: *count,
            },
        )?;
    } else {
        let Count {
            documents,
            verified,
            untrusted,
            failed,
            faults,
        } = count;
        write!(
            out,
            "{}: {verified} verified, {untrusted} untrusted, {failed} failed",
            output::counted(*documents, "document", "documents")
        )?;
        match faults {
            0 => writeln!(out)?,
            _ => writeln!(
                out,
                "; {} of files or folders, see above",
                output::counted(*faults, "fault", "faults")
            )?,
        }
    }
    out.flush()?;
    if !context.json() && count.failed + count.untrusted > 0 {
        if count.documents > SHOWN + 1 && count.failed + count.untrusted > SHOWN {
            let more = count.failed + count.untrusted - SHOWN;
            output::message(
                "hint",
                &format!("{more} more are not shown; --verbose shows all"),
            );
        }
        // Of a key that was revoked nobody is to be talked into trust.
        if unknown_key {
            let hint = "if you know the key, name it: --trust PUBLIC_KEY_FILE, or --keyset FILE";
            output::message("hint", hint);
        }
        let hint = "`pith verify --explain CODE` says what a check means and what to do";
        output::message("hint", hint);
    }
    Ok(())
}
