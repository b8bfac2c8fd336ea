//! `pith verify`: judge documents from anywhere.

use std::io::Write as _;
use std::path::PathBuf;

use crate::keys::{Keyset, TrustedKey};
use crate::number::PithNumber;
use crate::time::Timestamp;
use crate::verify::{Code, Outcome, Policy, Report, Trust, Verdict, verify_document};
use clap::Args;
use serde::Serialize;

use super::context::{Context, JSON_SCHEMA, parse_time};
use super::documents::Documents;
use super::error::{Exit, Failure};
use super::output::{self, printable};
use crate::files;
use crate::home::read_public_key;

/// Verify bundles, events, receipts with records, and states
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
    let mut documents = Documents::open(&args.paths)?;
    let mut out = output::stdout();
    let mut count = Count::default();
    let mut exit = Exit::Done;
    // A document on its own is reported in full, so the first one waits for the second.
    let mut waiting = None;
    loop {
        let next = match documents.next() {
            Some(Ok(document)) => {
                let report = verify_document(&document.bytes, &policy);
                Some((document.place, report))
            }
            Some(Err(failure)) => {
                exit = exit.worst(failure.report());
                continue;
            }
            None => None,
        };
        let last = next.is_none();
        if let Some((place, report)) = std::mem::replace(&mut waiting, next) {
            let alone = last && count.documents == 0;
            exit = exit.worst(add(&mut count, &report));
            if context.json() {
                let verdict = report.verdict();
                let line = Line {
                    schema_version: JSON_SCHEMA,
                    document: &place,
                    verdict,
                    report: &report,
                };
                output::json_line(&mut out, &line)?;
            } else {
                let in_full = alone || args.verbose;
                let shown = in_full || count.failed + count.untrusted <= SHOWN;
                if in_full || (shown && report.verdict() != Verdict::Verified) {
                    print(&mut out, &place, &report, in_full)?;
                }
            }
        }
        if last {
            break;
        }
    }
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

fn add(count: &mut Count, report: &Report) -> Exit {
    count.documents += 1;
    match report.verdict() {
        Verdict::Verified => {
            count.verified += 1;
            Exit::Done
        }
        Verdict::Untrusted => {
            count.untrusted += 1;
            Exit::Untrusted
        }
        Verdict::Failed => {
            count.failed += 1;
            Exit::Refused
        }
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
