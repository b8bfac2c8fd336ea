//! `pith keyset verify`: every version, and that each follows from the one before.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::keyset::Chain;
use clap::Args;
use serde::Serialize;

use super::next::{begin_chain, read_keyset};

/// Verify every version of the keyset, and that each follows from the one before
///
/// The first one is taken as it is: compare its digest with one that you got by another way.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Keysets, one a file, in the order of their versions [default: those of the home]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Line {
    schema_version: &'static str,
    version: u32,
    digest: String,
    created_at: String,
    expires_at: String,
    rehearsal: bool,
}

pub fn run(args: VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let chain = match args.files.split_first() {
        Some((first, rest)) => {
            let mut chain = begin_chain(first)?;
            for path in rest {
                let next = read_keyset(path)?;
                chain.push(next).map_err(|faulty| {
                    let problem = format!("{}: {faulty}", path.display());
                    Failure::new(Exit::Refused, problem).hint(faulty.hint())
                })?;
            }
            chain
        }
        None => context.home()?.chain()?.ok_or_else(|| {
            Failure::new(
                Exit::Refused,
                "this home has no keyset yet: it is in bootstrap",
            )
            .hint("a genesis gives it one; begin with `pith keyset draft new`")
        })?,
    };
    print(&chain, context)?;
    let count = output::counted(chain.versions().len() as u64, "version", "versions");
    context.note(&format!("verified: {count}"));
    let latest = chain.latest();
    let now = context.now().seconds();
    if latest.has_expired(now) {
        context.warn(&format!(
            "version {} expired at {}",
            latest.version, latest.expires_at
        ));
    }
    if latest.rehearsal {
        context.warn("this is a rehearsal: it means nothing outside of it");
    }
    Ok(Exit::Done)
}

fn print(chain: &Chain, context: &Context) -> Result<(), Failure> {
    let mut out = output::stdout();
    for keyset in chain.versions() {
        let line = Line {
            schema_version: JSON_SCHEMA,
            version: keyset.version,
            digest: keyset.digest().to_string(),
            created_at: keyset.created_at.to_string(),
            expires_at: keyset.expires_at.to_string(),
            rehearsal: keyset.rehearsal,
        };
        if context.json() {
            output::json_line(&mut out, &line)?;
        } else {
            writeln!(
                out,
                "version {}\t{}\tmade {}, counts until {}",
                line.version, line.digest, line.created_at, line.expires_at
            )?;
        }
    }
    Ok(out.flush()?)
}
