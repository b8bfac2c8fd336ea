//! stub to be replaced
use clap::Args;
use super::context::Context;
use super::error::{Exit, Failure};
/// Look
#[derive(Debug, Args)]
pub struct DoctorArgs {}
pub fn run(_: DoctorArgs, _: &Context) -> Result<Exit, Failure> { Ok(Exit::Done) }
