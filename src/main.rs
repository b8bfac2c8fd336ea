//! The `pith` binary: parses the command line, runs one verb, exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    pith::cli::main().into()
}
