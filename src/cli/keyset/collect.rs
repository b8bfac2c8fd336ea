//! `pith keyset collect`: the signatures of copies of the draft that were signed apart.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output::{self, counted};
use crate::home::edit_draft;
use crate::keys::KeyId;
use crate::keyset::{Chain, CollectError};
use clap::Args;
use serde::Serialize;

use super::next::{home_draft, read_keyset};

/// Add to the home's draft the signatures of copies of it that were signed elsewhere
///
/// Each copy has to be of the same digest, and each of its signatures a custodian's: otherwise nothing is
/// added of any of them. What was collected before is not added again.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// The copies, as `pith keyset sign` left them
    #[arg(required = true, value_name = "FILE")]
    copies: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Collected {
    schema_version: &'static str,
    version: u32,
    digest: String,
    added: Vec<Added>,
}

#[derive(Serialize)]
struct Added {
    key_id: KeyId,
    file: String,
}

pub fn run(args: CollectArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let chain = home.chain()?;
    let previous = chain.as_ref().map(Chain::latest);
    let mut added = Vec::new();
    let draft = edit_draft(&home.draft_path(), |there| {
        let mut draft = there.map_or_else(|| home_draft(&home), Ok)?;
        for path in &args.copies {
            let copy = read_keyset(path)?;
            let names = draft.collect(previous, &copy).map_err(|error| {
                let hint = match &error {
                    CollectError::OtherDraft { .. } => {
                        "it was made of a draft that was edited since, or of another one: ask its \
                         custodian to look at this one and sign it"
                    }
                    _ => "ask its custodian for the file as `pith keyset sign` left it",
                };
                let problem = format!("{}: {error}: nothing is added", path.display());
                Failure::new(Exit::Refused, problem).hint(hint)
            })?;
            added.extend(names.into_iter().map(|key_id| Added {
                key_id,
                file: path.display().to_string(),
            }));
        }
        Ok::<_, Failure>(draft)
    })?;
    let count = counted(added.len() as u64, "signature", "signatures");
    if context.json() {
        output::json(&Collected {
            schema_version: JSON_SCHEMA,
            version: draft.version,
            digest: draft.digest().to_string(),
            added,
        })?;
    } else {
        let mut out = output::stdout();
        for Added { key_id, file } in &added {
            writeln!(out, "{key_id}\t{}", output::printable(file))?;
        }
        out.flush()?;
    }
    context.note(&format!(
        "{count} added to the draft of version {}: `pith keyset status` says whose are missing",
        draft.version
    ));
    Ok(Exit::Done)
}
