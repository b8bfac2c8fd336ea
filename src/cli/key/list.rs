//! `pith key list`: the keys of a home.

use std::collections::BTreeMap;
use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::locate::KeyFiles;
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::files::{self, FileError};
use crate::home::Home;
use crate::keys::{Fingerprint, KeyId, PublicHalf, Role};

/// List the keys of the home: those of its keyset, then what else is in keys/
#[derive(Debug, Args)]
pub struct ListArgs {}

#[derive(Serialize)]
struct Listed {
    schema_version: &'static str,
    key_id: KeyId,
    status: &'static str,
    fingerprint_sha256_hex: Fingerprint,
    private_key: Option<String>,
    public_key: String,
    role: Role,
}

impl Listed {
    fn new(
        home: &Home,
        id: KeyId,
        status: &'static str,
        fingerprint: Fingerprint,
        role: Role,
    ) -> Self {
        let KeyFiles { private, public } = KeyFiles::in_home(home, &id);
        Listed {
            schema_version: JSON_SCHEMA,
            key_id: id,
            status,
            fingerprint_sha256_hex: fingerprint,
            private_key: private.is_file().then(|| private.display().to_string()),
            public_key: public.display().to_string(),
            role,
        }
    }
}

pub fn run(_: ListArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let keyset = home.trusted_keys()?;
    let mut out = output::stdout();
    let mut others = other_keys(&home)?;
    let mut lines = Vec::new();
    for entry in &keyset.keys {
        let object = &entry.key;
        others.remove(&object.key_id);
        let (id, status) = (object.key_id.clone(), entry.status.as_str());
        let fingerprint = object.key.fingerprint();
        lines.push(Listed::new(&home, id, status, fingerprint, Role::Signing));
    }
    for (id, half) in others {
        let status = match half.role() {
            Role::Signing => "unlisted",
            Role::Custodian => "custodian",
        };
        lines.push(Listed::new(
            &home,
            id,
            status,
            half.fingerprint(),
            half.role(),
        ));
    }
    for line in &lines {
        if context.json() {
            output::json_line(&mut out, line)?;
        } else {
            let private = line.private_key.as_deref().unwrap_or("no private key here");
            writeln!(
                out,
                "{}\t{}\t{}\t{private}",
                line.key_id, line.status, line.fingerprint_sha256_hex
            )?;
        }
    }
    out.flush()?;
    if lines.is_empty() {
        context.note("this home has no key; make one with `pith key generate --id ID`");
    }
    Ok(Exit::Done)
}

/// The public halves in the home's `keys/`, of whatever keys. What is not one is passed over: the
/// keyset is there too, and what people put beside it.
fn other_keys(home: &Home) -> Result<BTreeMap<KeyId, PublicHalf>, Failure> {
    let folder = home.dir().join("keys");
    let entries = std::fs::read_dir(&folder).map_err(FileError::io("read", &folder))?;
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(FileError::io("read", &folder))?.path();
        let half = (path.extension().is_some_and(|ending| ending == "json") && path.is_file())
            .then(|| files::read(&path).ok())
            .flatten()
            .and_then(|bytes| PublicHalf::from_slice(&bytes).ok());
        if let Some(half) = half
            && KeyFiles::in_home(home, half.key_id()).public == path
        {
            found.insert(half.key_id().clone(), half);
        }
    }
    Ok(found)
}
