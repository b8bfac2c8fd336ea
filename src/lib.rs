//! Pith Numbers for arXiv papers: canonical records, receipts, events, states and bundles.

pub mod arxiv;
pub mod bundle;
pub mod canonical;
pub mod digest;
pub mod event;
pub mod keys;
pub mod ledger;
pub mod number;
pub mod receipt;
pub mod record;
pub mod snapshot;
pub mod state;
pub(crate) mod text;
pub mod time;
