//! `pith conformance`: a corpus of cases, judged and compared with what it says is to be found.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::ceremony::known_witnesses;
use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::output::{self, counted, printable};
use super::verify::{parse_header, trust_file, trust_keys};
use crate::ceremony::{Expected, check};
use crate::conformance::{CORPUS_FILE, Case, CaseKind, Corpus, Found, judge};
use crate::files;
use crate::time::Timestamp;
use crate::verify::{Policy, Trust};

/// Run a corpus of cases with expected verdicts, such as tests/conformance of this program's source
///
/// Each case is judged with what its manifest gives, whatever this home trusts. What comes out otherwise
/// than expected is printed, then a count.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// The folder that holds manifest.json
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// What to read when a corpus cannot be run.
const FORM: &str =
    "tests/conformance/README.md in the source of this program describes what a corpus holds";

#[derive(Serialize)]
struct Line<'a> {
    schema_version: &'static str,
    path: &'a str,
    verdict: &'static str,
    codes: Vec<&'a str>,
    notes: Vec<&'a str>,
    differences: &'a [String],
}

#[derive(Serialize)]
struct Summary {
    schema_version: &'static str,
    summary: Count,
}

/// How many cases came out how.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Count {
    cases: u64,
    as_expected: u64,
    otherwise: u64,
}

pub fn run(args: ConformanceArgs, context: &Context) -> Result<Exit, Failure> {
    let list = args.dir.join(CORPUS_FILE);
    let text = files::read(&list).map_err(|error| Failure::from(error).hint(FORM))?;
    let corpus = Corpus::from_slice(&text).map_err(|error| {
        let problem = format!("{}: {error}", list.display());
        Failure::new(Exit::Io, problem).hint(FORM)
    })?;
    if corpus.cases.is_empty() {
        let problem = format!("{} lists no case", list.display());
        return Err(Failure::new(Exit::Io, problem).hint(FORM));
    }
    let mut out = output::stdout();
    let mut count = Count::default();
    for case in &corpus.cases {
        let (found, differences) = compare(case, &args.dir, corpus.now)?;
        count.cases += 1;
        match differences.is_empty() {
            true => count.as_expected += 1,
            false => count.otherwise += 1,
        }
        if context.json() {
            let line = Line {
                schema_version: JSON_SCHEMA,
                path: &case.path,
                verdict: found.verdict.as_str(),
                codes: found.codes.iter().map(String::as_str).collect(),
                notes: found.notes.iter().map(String::as_str).collect(),
                differences: &differences,
            };
            output::json_line(&mut out, &line)?;
        } else if !differences.is_empty() {
            let (path, shows) = (printable(&case.path), printable(&case.shows));
            writeln!(out, "{path}: {shows}")?;
            for difference in &differences {
                writeln!(out, "    {}", printable(difference))?;
            }
        }
    }
    if context.json() {
        let summary = Summary {
            schema_version: JSON_SCHEMA,
            summary: count,
        };
        output::json_line(&mut out, &summary)?;
    } else {
        let cases = counted(count.cases, "case", "cases");
        let (right, wrong) = (count.as_expected, count.otherwise);
        writeln!(out, "{cases}: {right} as expected, {wrong} otherwise")?;
    }
    out.flush()?;
    Ok(match count.otherwise {
        0 => Exit::Done,
        _ => Exit::Refused,
    })
}

/// Judges a case; says how that differs from what is expected.
fn compare(case: &Case, dir: &Path, now: Timestamp) -> Result<(Found, Vec<String>), Failure> {
    let at = |file: &str| below(dir, file).map_err(|problem| unfit(dir, case, &problem));
    let document = at(&case.path)?;
    let files = case.given.trust.iter().map(|file| at(file));
    let keys: Vec<PathBuf> = files.collect::<Result<_, _>>()?;
    let found = match case.kind {
        CaseKind::Transcript => {
            let expected = Expected {
                count: case.given.count,
                head: case.given.head,
            };
            let known = known_witnesses(&keys, &Trust::new())?;
            Found::from(&check(&document, expected, &known, None))
        }
        kind => {
            let keyset = case.given.keyset.as_deref().map(at).transpose()?;
            let trust = trust_given(case, dir, keyset.as_deref(), &keys)?;
            let policy = Policy {
                trust: &trust,
                expect: case.given.expect,
                at: case.given.at,
                now,
            };
            let bytes = files::read(&document)?;
            judge(kind, &bytes, case.given.open_content, &policy)
        }
    };
    let state = match &case.state {
        Some(file) => Some(files::read(&at(file)?)?),
        None => None,
    };
    let differences = case.differences(&found, state.as_deref());
    Ok((found, differences))
}

/// What the verifier of a case trusts, and nothing else.
fn trust_given(
    case: &Case,
    dir: &Path,
    keyset: Option<&Path>,
    keys: &[PathBuf],
) -> Result<Trust, Failure> {
    let mut trust = Trust::new();
    if let Some(keyset) = keyset {
        trust_file(&mut trust, keyset)?;
    }
    trust_keys(&mut trust, keys)?;
    for text in &case.given.block_headers {
        let (height, header) = parse_header(text).map_err(|problem| unfit(dir, case, &problem))?;
        if !trust.add_block_header(height, header) {
            let problem = format!("two headers are given for block {height}");
            return Err(unfit(dir, case, &problem));
        }
    }
    Ok(trust)
}

/// A file of a corpus: a corpus from elsewhere has no business outside of its folder.
fn below(dir: &Path, file: &str) -> Result<PathBuf, String> {
    let plain = |part: Component| matches!(part, Component::Normal(_));
    match Path::new(file).components().all(plain) && !file.is_empty() {
        true => Ok(dir.join(file)),
        false => Err(format!("`{file}` is no file below the corpus's folder")),
    }
}

fn unfit(dir: &Path, case: &Case, problem: &str) -> Failure {
    let list = dir.join(CORPUS_FILE);
    let problem = format!("{}: case {}: {problem}", list.display(), case.path);
    Failure::new(Exit::Io, problem).hint(FORM)
}
