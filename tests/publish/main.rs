//! `pith publish` and `pith verify --mirror`, and the pages of a mirror in a browser.

#[path = "../common/mod.rs"]
mod common;
mod examining;
mod mirror;
mod pages;
mod publishing;
