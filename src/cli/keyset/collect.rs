//! `pith keyset collect`: the signatures of copies of the draft that were signed apart.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output::{self, counted};
use crate::home::edit_draft;
use crate::keys::KeyId;
use crate::keyset::{Chain, CollectError, KeysetSignature};
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
    /// What was there before.
    already: Vec<Added>,
    /// Whether enough have signed.
    enough: bool,
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
    let mut already = Vec::new();
    let mut unsigned = Vec::new();
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
            let file = path.display().to_string();
            if copy.signatures.is_empty() {
                unsigned.push(file.clone());
            }
            for KeysetSignature { key_id, .. } in copy.signatures {
                let list = match names.contains(&key_id) {
                    true => &mut added,
                    false => &mut already,
                };
                let file = file.clone();
                list.push(Added { key_id, file });
            }
        }
        Ok::<_, Failure>(draft)
    })?;
    for file in &unsigned {
        context.note(&format!("{file}: nobody has signed it"));
    }
    for Added { key_id, file } in &already {
        context.note(&format!("{file}: {key_id}'s signature is there already"));
    }
    let mut of = previous.into_iter().chain([&draft]);
    let enough = of.all(|keyset| draft.tally(keyset).is_met());
    let count = counted(added.len() as u64, "signature", "signatures");
    if context.json() {
        output::json(&Collected {
            schema_version: JSON_SCHEMA,
            version: draft.version,
            digest: draft.digest().to_string(),
            added,
            already,
            enough,
        })?;
    } else {
        let mut out = output::stdout();
        for Added { key_id, file } in &added {
            writeln!(out, "{key_id}\t{}", output::printable(file))?;
        }
        out.flush()?;
    }
    let next = match enough {
        true => "enough have signed: `pith keyset publish` puts it in force",
        false => "`pith keyset status` says whose are missing",
    };
    let version = draft.version;
    context.note(&format!(
        "{count} added to the draft of version {version}: {next}"
    ));
    Ok(Exit::Done)
}
