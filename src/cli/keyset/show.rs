//! `pith keyset show`: a version in words.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::output::{self, counted, printable};
use crate::keyset::Keyset;
use crate::words;
use clap::Args;

use super::next::{home_draft, read_keyset};

/// Show a keyset: by default the one in force
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The keyset's file
    #[arg(value_name = "FILE", conflicts_with = "draft")]
    file: Option<PathBuf>,

    /// Show the draft
    #[arg(long)]
    draft: bool,
}

pub fn run(args: ShowArgs, context: &Context) -> Result<Exit, Failure> {
    let keyset = match &args.file {
        Some(path) => read_keyset(path)?,
        None => {
            let home = context.home()?;
            if args.draft {
                home_draft(&home)?
            } else {
                read_keyset(&home.keyset_path()).and_then(|keyset| {
                    // What is in force is shown only if it keeps its rules.
                    home.chain()?;
                    Ok(keyset)
                })?
            }
        }
    };
    if context.json() {
        output::json(&keyset)?;
        return Ok(Exit::Done);
    }
    let mut out = output::stdout();
    out.write_all(text(&keyset).as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

fn text(keyset: &Keyset) -> String {
    let digest = keyset.digest();
    let mut text = format!(
        "version {} of the keyset of {}{}\nmade {}, counts until {}\ndigest {digest}\n",
        keyset.version,
        printable(&keyset.registry_id),
        if keyset.rehearsal {
            ", a REHEARSAL"
        } else {
            ""
        },
        keyset.created_at,
        keyset.expires_at,
    );
    for line in words::lines(&digest) {
        text.push_str(&format!("  {line}\n"));
    }
    if let Some(reason) = &keyset.emergency {
        text.push_str(&format!("EMERGENCY: {}\n", printable(reason)));
    }
    let custodians = &keyset.custodians;
    text.push_str(&format!(
        "custodians, of whom {} have to sign:\n",
        custodians.threshold
    ));
    for custodian in &custodians.keys {
        let signed = keyset
            .signatures
            .iter()
            .any(|signature| signature.public_key_fingerprint == custodian.key.fingerprint());
        let signed = if signed { ", has signed" } else { "" };
        let (name, fingerprint) = (&custodian.key_id, custodian.key.fingerprint());
        text.push_str(&format!("  {name}\t{fingerprint}{signed}\n"));
    }
    text.push_str("keys:\n");
    for entry in &keyset.keys {
        text.push_str(&format!(
            "  {}\t{}\t{}\tpublished {}",
            entry.key.key_id,
            entry.key.key.fingerprint(),
            entry.status.as_str(),
            entry.published_at
        ));
        if let Some(from) = entry.valid_from {
            text.push_str(&format!(", from {from}"));
        }
        if let Some(until) = entry.valid_until {
            text.push_str(&format!(", until {until}"));
        }
        if let Some(signed) = &entry.signed {
            let count = counted(signed.count, "signature", "signatures");
            let root = signed.merkle_root;
            text.push_str(&format!(", {count} with the Merkle root {root}"));
        }
        if let Some(revocation) = &entry.revocation {
            text.push_str(&format!(": {}", printable(&revocation.reason)));
        }
        text.push('\n');
    }
    text
}
