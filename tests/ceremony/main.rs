//! Ceremonies as people run them: with the program, in their folder.

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod doctor;
mod fixture;
mod recording;
mod runbooks;
mod tampering;
