//! Pith Numbers for arXiv papers: canonical records, receipts, events, states and bundles.

pub mod canonical;
pub mod cli;
pub mod digest;
pub mod keys;
pub(crate) mod text;
pub mod time;
