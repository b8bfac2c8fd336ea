//! `pith key check`: that a key opens, is the one its public file is of, and signs.

use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::locate::{KeyName, open_key};
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::cli::secrets::UnlockArgs;
use crate::keys::{KeyCheck, Purpose, Role, SignatureBytes};

/// Open a key, compare it with its public file, and sign and verify a test statement
///
/// What is signed begins with `pith-key-check-v1`, so it can serve nothing else.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The key: its id in the home, or its file ID.age
    #[arg(value_name = "ID|FILE")]
    key: KeyName,

    #[command(flatten)]
    unlock: UnlockArgs,
}

#[derive(Serialize)]
struct Checked {
    schema_version: &'static str,
    role: Role,
    #[serde(flatten)]
    statement: KeyCheck,
    signature_b64: SignatureBytes,
}

pub fn run(args: CheckArgs, context: &Context) -> Result<Exit, Failure> {
    context.warn_of_fixed_time();
    let key = open_key(context, &args.key, args.unlock)?;
    let statement = KeyCheck {
        key_id: key.public.key_id().clone(),
        fingerprint_sha256_hex: key.public.fingerprint(),
        checked_at: context.now().seconds(),
    };
    let signature = key
        .private
        .sign_for(Purpose::KeyCheck, &statement)
        .expect("labels, fingerprints and times are JSON");
    let verifies = key
        .public
        .key()
        .verifies_for(Purpose::KeyCheck, &statement, &signature);
    if !verifies {
        let problem = format!(
            "what {} signs does not verify under {}",
            key.files.private.display(),
            key.files.public.display()
        );
        return Err(Failure::new(Exit::Refused, problem)
            .hint("sign nothing with this machine before its memory was tested"));
    }
    if context.json() {
        output::json(&Checked {
            schema_version: JSON_SCHEMA,
            role: key.public.role(),
            statement,
            signature_b64: signature,
        })?;
    } else {
        let mut out = output::stdout();
        writeln!(
            out,
            "{}: opens, is the {} key {}, and signs",
            statement.key_id,
            key.public.role(),
            statement.fingerprint_sha256_hex
        )?;
        out.flush()?;
    }
    Ok(Exit::Done)
}
