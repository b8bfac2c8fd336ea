//! `pith env`: the settings that were found, and where.

use std::io::Write as _;

use crate::keys::TrustedKeys;
use clap::Args;
use serde::Serialize;

use super::context::{Context, JSON_SCHEMA};
use super::documents::{LARGEST, MAX_BYTES_VARIABLE};
use super::error::{Exit, Failure};
use super::output;
use super::recording::{self, CEREMONY_VARIABLE};
use super::secrets::PASSPHRASE_FILE_VARIABLE;

/// Print the settings that were found, and where
#[derive(Debug, Args)]
pub struct EnvArgs {}

#[derive(Serialize)]
struct Settings {
    schema_version: &'static str,
    settings: Vec<Setting>,
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    value: Option<String>,
    source: String,
}

pub fn run(EnvArgs {}: EnvArgs, context: &Context) -> Result<Exit, Failure> {
    let mut settings = Vec::new();
    let mut add = |name, value: Option<String>, source: &str| {
        settings.push(Setting {
            name,
            value,
            source: source.to_owned(),
        });
    };
    add(
        "version",
        Some(env!("CARGO_PKG_VERSION").to_owned()),
        "this program",
    );
    match context.home_dir() {
        Ok((dir, source)) => {
            add("home", Some(dir.display().to_string()), source);
            let home = match context.home() {
                Ok(home) => home,
                Err(failure) => {
                    failure.report();
                    add("registry_id", None, "the home cannot be used");
                    return print(settings, context);
                }
            };
            let profile = home
                .dir()
                .join(crate::home::PROFILE_FILE)
                .display()
                .to_string();
            let from_profile = |value: &str| Some(value.to_owned());
            add(
                "registry_id",
                from_profile(&home.profile.registry_id),
                &profile,
            );
            add("base_url", from_profile(&home.profile.base_url), &profile);
            add(
                "builder_version",
                from_profile(&home.profile.builder_version),
                &profile,
            );
            add(
                "ledger",
                Some(home.ledger_path().display().to_string()),
                &profile,
            );
            let keyset = home.trusted_keys().unwrap_or_else(|error| {
                Failure::from(error).report();
                TrustedKeys::new(Vec::new())
            });
            let active: Vec<_> = keyset
                .active()
                .map(|entry| entry.key.key_id.to_string())
                .collect();
            let source = home.keyset_path().display().to_string();
            add("active_keys", Some(active.join(" ")), &source);
        }
        Err(_) => add(
            "home",
            None,
            "not found: no -C, no PITH_HOME, no registry.toml upward",
        ),
    }
    match context.fixed_now() {
        Some((now, source)) => add("now", Some(now.to_string()), source),
        None => add("now", Some(context.now().to_string()), "the clock"),
    }
    match recording::open_ceremony() {
        Ok(Some(folder)) => {
            let source = match std::env::var_os(CEREMONY_VARIABLE).filter(|dir| !dir.is_empty()) {
                Some(_) => CEREMONY_VARIABLE,
                None => "the nearest folder upward",
            };
            add("ceremony", Some(folder.dir().display().to_string()), source);
        }
        Ok(None) => add("ceremony", None, "none is open here"),
        Err(failure) => {
            failure.report();
            add("ceremony", None, "it cannot be used");
        }
    }
    let limit = std::env::var_os(MAX_BYTES_VARIABLE).filter(|value| !value.is_empty());
    let source = if limit.is_some() {
        MAX_BYTES_VARIABLE
    } else {
        "the default"
    };
    let limit = limit.map_or_else(
        || LARGEST.to_string(),
        |limit| limit.to_string_lossy().into_owned(),
    );
    add("max_bytes", Some(limit), source);
    let file = std::env::var_os(PASSPHRASE_FILE_VARIABLE).filter(|value| !value.is_empty());
    let source = if file.is_some() {
        PASSPHRASE_FILE_VARIABLE
    } else {
        "not set"
    };
    add(
        "passphrase_file",
        file.map(|file| file.to_string_lossy().into_owned()),
        source,
    );

    print(settings, context)
}

fn print(settings: Vec<Setting>, context: &Context) -> Result<Exit, Failure> {
    if context.json() {
        output::json(&Settings {
            schema_version: JSON_SCHEMA,
            settings,
        })?;
        return Ok(Exit::Done);
    }
    let mut out = output::stdout();
    for Setting {
        name,
        value,
        source,
    } in settings
    {
        writeln!(
            out,
            "{name}\t{}\t({source})",
            value.as_deref().unwrap_or("-")
        )?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
