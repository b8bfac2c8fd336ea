//! What `pith mint` is told to do.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::keys::KeyId;
use crate::mint::{OnChange, SelfCheck};
use clap::{Args, ValueEnum};

use crate::cli::InputArgs;
use crate::cli::context::parse_jobs;
use crate::cli::secrets::UnlockArgs;

/// Issue records for papers: receipts and events into the ledger, bundles to a file or folder
#[derive(Debug, Args)]
pub struct MintArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,

    /// Write the bundle of every paper of the input to OUT: X.jsonl, X.jsonl.zst, a folder, or `-`
    #[arg(long, value_name = "OUT")]
    pub(super) bundles: Option<PathBuf>,

    /// The key to sign with [default: the home's active key]
    #[arg(long, value_name = "ID")]
    pub(super) key: Option<KeyId>,

    /// What to do when an input is rejected
    #[arg(long, value_enum, default_value_t = OnError::Skip)]
    pub(super) on_error: OnError,

    /// What to do when a paper's licence or categories changed without a new version
    #[arg(long, value_enum, default_value_t = OnChangeArg::Keep)]
    pub(super) on_change: OnChangeArg,

    /// How many threads sign and check [default: one a core]
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// How signatures are checked before they are written: a group's at once, or each document read
    /// back and verified on its own
    #[arg(long, value_enum, default_value_t = SelfCheckArg::Batch)]
    pub(super) self_check: SelfCheckArg,

    /// What the snapshots of papers show besides their metadata: JSON lines by arXiv id
    #[arg(long, value_name = "FILE")]
    pub(super) snapshots: Option<PathBuf>,

    /// Stop after N papers
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Overwrite existing output and rejects files
    #[arg(long)]
    pub(super) force: bool,

    #[command(flatten)]
    pub(super) unlock: UnlockArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Go on with the next one
    Skip,
    /// Stop; what was minted before stays minted
    Stop,
}

impl OnError {
    /// As it is given.
    pub fn name(self) -> &'static str {
        match self {
            OnError::Skip => "skip",
            OnError::Stop => "stop",
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SelfCheckArg {
    /// Verify a group's signatures together
    Batch,
    /// Verify each signature on its own
    Strict,
}

impl From<SelfCheckArg> for SelfCheck {
    fn from(arg: SelfCheckArg) -> Self {
        match arg {
            SelfCheckArg::Batch => SelfCheck::Batch,
            SelfCheckArg::Strict => SelfCheck::Strict,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum OnChangeArg {
    /// It keeps its number
    Keep,
    /// It gets a second number
    Mint,
}

impl OnChangeArg {
    /// As it is given.
    pub fn name(self) -> &'static str {
        match self {
            OnChangeArg::Keep => "keep",
            OnChangeArg::Mint => "mint",
        }
    }
}

impl From<OnChangeArg> for OnChange {
    fn from(arg: OnChangeArg) -> Self {
        match arg {
            OnChangeArg::Keep => OnChange::Keep,
            OnChangeArg::Mint => OnChange::Mint,
        }
    }
}
