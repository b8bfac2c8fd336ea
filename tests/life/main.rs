//! The life of a registry, from its first key to its third: the script in `docs/CEREMONIES.md` as it
//! stands there, what it leaves behind, and custodians at a terminal.
//!
//! `bash`, and Debian's packages `age` and `bsdutils` (`script`), must be there.

#[path = "../common/mod.rs"]
mod common;

mod document;
mod lived;
mod secrets;
mod terminal;
