//! stub to be replaced
use super::context::Context;
use super::error::{Exit, Failure};
use clap::Args;
/// Look
#[derive(Debug, Args)]
pub struct DoctorArgs {}
pub fn run(_: DoctorArgs, _: &Context) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
