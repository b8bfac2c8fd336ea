//! `pith verify`: judge documents from anywhere.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::ceremony::{Expected, KnownWitness};
use crate::keys::{Keyset, TrustedKey};
use crate::number::PithNumber;
use crate::time::Timestamp;
use crate::verify::{Code, Outcome, Policy, Report, Trust, Verdict, verify_document};
use clap::Args;
use serde::Serialize;

use super::ceremony::{Source, judge, known_witnesses, of_path};
use super::context::{Context, JSON_SCHEMA, all_cores, parse_time};
use super::documents::{Document, Documents};
use super::error::{Exit, Failure};
use super::in_order::in_order;
use super::output::{self, printable};
use crate::files;
use crate::home::read_public_key;

/// Verify bundles, events, receipts with records, states, and transcripts of ceremonies
///
/// A single document is reported check by check; of many, those that fail, and a count.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Documents: one a file, JSON lines (also .gz, .zst), folders of them, or `-`
    #[arg(required_unless_present = "explain", value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Trust the keys in FILE instead of the built-in keyset and the home's
    #[arg(long, value_name = "FILE")]
    keyset: Option<PathBuf>,

    /// Also trust the registry key in this public key file
    #[arg(long, value_name = "PUBLIC_KEY_FILE")]
    trust: Vec<PathBuf>,

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
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Print every check of every document
    #[arg(short, long)]
    verbose: bool,
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
}

pub fn run(args: VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(code) = args.explain {
        return explain(code, context);
    }
    let trust = trust(&args, context)?;
    let policy = Policy {
        trust: &trust,
        expect: args.expect,
        at: args.at,
        now: context.now().seconds(),
    };
    let judging = Judging {
        policy: &policy,
        json: context.json(),
        verbose: args.verbose,
    };
    let mut first = true;
    let parts = parts(&args.paths, known_witnesses(&[])?)?
        .map(|next| next.map(|part| (std::mem::take(&mut first), part)));
    let mut tally = Tally::new(&args, context);
    in_order(
        parts,
        args.jobs.unwrap_or_else(all_cores),
        |next| {
            next.as_ref().map_or(0, |(_, part)| match part {
                Part::Document(document) => document.bytes.len(),
                Part::Transcript(..) => 0,
            })
        },
        |next| {
            next.map(|(first, part)| match part {
                Part::Document(document) => judging.judge(&document, first),
                Part::Transcript(place, report) => judging.word(&place, &report, first),
            })
        },
        |judged| tally.take(judged),
    )?;
    let Tally {
        mut out,
        count,
        exit,
        ..
    } = tally.end()?;
    if count.documents == 0 && exit == Exit::Done {
        return Err(Failure::new(
            Exit::Io,
            "there is no document in what was given",
        ));
    }
    finish(&mut out, &count, context)?;
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
            None => Either::Documents(Documents::open(std::slice::from_ref(path))?),
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
        let documents = documents.into_iter().flatten();
        transcript
            .into_iter()
            .chain(documents.map(|next| next.map(Part::Document)))
    }))
}

enum Either {
    Transcript(Source),
    Documents(Documents),
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

fn trust(args: &VerifyArgs, context: &Context) -> Result<Trust, Failure> {
    let mut trust = match &args.keyset {
        None => context.default_trust()?,
        Some(path) => {
            let bytes = files::read(path)?;
            let keyset = Keyset::from_slice(&bytes).map_err(|error| {
                Failure::new(
                    Exit::Io,
                    format!("{} is no keyset: {error}", path.display()),
                )
                .hint("a single public key is trusted with --trust")
            })?;
            let mut trust = Trust::new();
            trust.add(path.display().to_string(), keyset);
            trust
        }
    };
    for path in &args.trust {
        let key = read_public_key(path).map_err(|error| {
            let failure = Failure::from(error);
            let bytes = files::read(path).unwrap_or_default();
            match Keyset::from_slice(&bytes) {
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
            Keyset::new(vec![entry]),
        );
    }
    Ok(trust)
}

/// How every document is judged, whatever thread does it.
struct Judging<'a> {
    policy: &'a Policy<'a>,
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
}

impl Judging<'_> {
    fn judge(&self, document: &Document, first: bool) -> Judged {
        let report = verify_document(&document.bytes, self.policy);
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
        Judged {
            verdict,
            text,
            alone,
        }
    }
}

/// Takes verdicts in the order of the documents, counts them and prints what is to be shown.
struct Tally {
    out: output::Stdout,
    count: Count,
    exit: Exit,
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
            show_all: args.verbose || context.json(),
            waiting: None,
        }
    }

    fn take(&mut self, judged: Result<Judged, Failure>) -> Result<(), Failure> {
        match judged {
            Err(failure) => {
                self.exit = self.exit.worst(failure.report());
                Ok(())
            }
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
        if self.show_all || count.failed + count.untrusted <= SHOWN {
            self.out.write_all(text)?;
        }
        Ok(())
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

fn finish(out: &mut impl std::io::Write, count: &Count, context: &Context) -> Result<(), Failure> {
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
        } = count;
        writeln!(
            out,
            "{}: {verified} verified, {untrusted} untrusted, {failed} failed",
            output::counted(*documents, "document")
        )?;
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
        if count.untrusted > 0 {
            let hint = "if you know the key, name it: --trust PUBLIC_KEY_FILE, or --keyset FILE";
            output::message("hint", hint);
        }
        let hint = "`pith verify --explain CODE` says what a check means and what to do";
        output::message("hint", hint);
    }
    Ok(())
}
