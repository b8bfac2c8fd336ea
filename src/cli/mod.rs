//! The command line: what needs a terminal, the environment, a clock or randomness.

pub mod secrets;
pub mod terminal;
