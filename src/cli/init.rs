//! `pith init`: make a registry home.

use std::path::PathBuf;

use crate::home::Home;
use clap::Args;
use serde::Serialize;

use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::output;

/// Make a registry home
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; made if it is not there
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// The registry's name, under which it signs, such as a domain name
    #[arg(
        long,
        value_name = "ID",
        env = "PITH_REGISTRY_ID",
        hide_env_values = true
    )]
    registry_id: String,

    /// Where the registry publishes, such as https://registry.example
    #[arg(
        long,
        value_name = "URL",
        env = "PITH_BASE_URL",
        hide_env_values = true
    )]
    base_url: String,
}

#[derive(Serialize)]
struct Made<'a> {
    schema_version: &'static str,
    home: String,
    registry_id: &'a str,
    base_url: &'a str,
}

pub fn run(args: InitArgs, context: &Context) -> Result<Exit, Failure> {
    let home = Home::init(&args.dir, &args.registry_id, &args.base_url)?;
    let dir = home.dir().display();
    context.note(&format!(
        "made the registry home {dir}, in bootstrap: it trusts its own keys only"
    ));
    context.note(&format!("next: pith -C {dir} key generate --id KEY_ID"));
    if context.json() {
        output::json(&Made {
            schema_version: JSON_SCHEMA,
            home: dir.to_string(),
            registry_id: &home.profile.registry_id,
            base_url: &home.profile.base_url,
        })?;
    }
    Ok(Exit::Done)
}
