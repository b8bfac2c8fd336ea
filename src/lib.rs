//! Pith Numbers for arXiv papers: canonical records, receipts, events, states and bundles.
//!
//! Data flows one way, and a module uses only those before it in this list: [`canonical`],
//! [`arxiv`], [`record`], [`number`], [`receipt`], [`snapshot`], [`event`], [`state`], [`bundle`],
//! with [`keys`], [`keyset`] and [`timestamps`] beside them; above them [`home`], [`ledger`],
//! [`manifest`], [`verify`], [`mint`], [`bulk`], [`conformance`], [`publish`], [`ceremony`] and [`doctor`]; on top [`cli`]. `docs/SPEC.md` is the protocol, `docs/DESIGN.md` the map of the
//! house.
//!
//! ```
//! use pith::verify::{Policy, Trust, Verdict, verify_document};
//!
//! let mut trust = Trust::new();
//! trust.add("the built-in keyset", pith::keys::TrustedKeys::built_in());
//! let now = "2026-12-01T00:00:00Z".parse()?;
//! let policy = Policy { trust: &trust, expect: None, at: None, now };
//! let bundle = std::fs::read("tests/vectors/bundle-1706.02379v3.json")?;
//! assert_eq!(verify_document(&bundle, &policy).verdict(), Verdict::Verified);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod arxiv;
pub mod bulk;
pub mod bundle;
pub mod canonical;
pub mod ceremony;
pub mod cli;
pub mod conformance;
pub mod digest;
pub mod doctor;
pub mod event;
pub mod files;
pub mod home;
pub mod keys;
pub mod keyset;
pub mod ledger;
pub mod manifest;
pub mod mint;
pub mod number;
pub mod pipeline;
pub mod publish;
pub mod receipt;
pub mod record;
pub mod snapshot;
pub mod state;
pub(crate) mod text;
pub mod time;
pub mod timestamps;
pub mod verify;
pub mod words;
