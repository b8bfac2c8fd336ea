//! The `pith` binary: parses the command line, runs one verb, exits with its code.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is given back: the libraries that keys and passphrases go through leave
/// copies of them in buffers that they free.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// The program.
pub fn main() -> ExitCode {
    pith::cli::main().into()
}
