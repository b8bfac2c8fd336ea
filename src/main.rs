//! The `pith` binary: parses the command line, runs one verb, exits with its code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main().into()
}
