//! Pith Numbers for arXiv papers: canonical records, receipts, events, states and bundles.

pub mod arxiv;
pub mod canonical;
pub mod digest;
pub(crate) mod text;
pub mod time;
