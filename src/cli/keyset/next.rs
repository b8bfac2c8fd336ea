//! The next version and what it follows, from a home or from files that were carried somewhere else.

use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::files;
use crate::home::Home;
use crate::keyset::{Chain, Change, Fault, Keyset, KeysetFile};
use crate::time::Timestamp;
use crate::words;
use clap::Args;
use serde::Serialize;

/// Which version is meant: by default the draft of the home.
#[derive(Debug, Args)]
pub struct NextArgs {
    /// The draft [default: the home's]
    #[arg(value_name = "DRAFT")]
    draft: Option<PathBuf>,

    /// The keyset that the draft follows [default: the one in force in the home]
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
}

/// The next version and what it follows.
pub struct Next {
    pub keyset: Keyset,
    pub chain: Option<Chain>,
    pub path: PathBuf,
}

/// Reads a keyset's file.
pub fn read_keyset(path: &Path) -> Result<Keyset, Failure> {
    let bytes = files::read(path)?;
    Keyset::from_slice(&bytes).map_err(|error| {
        let problem = format!("{} is no keyset: {error}", path.display());
        let failure = Failure::new(Exit::Io, problem);
        match KeysetFile::from_slice(&bytes) {
            Ok(KeysetFile::Bootstrap(_)) => failure.hint(
                "this is the list of keys of a home in bootstrap, and the first keyset follows none: leave it out",
            ),
            _ => failure.hint("a keyset's `keyset_type` is `pith_keyset`"),
        }
    })
}

/// A chain that begins with the version in a file.
pub fn begin_chain(path: &Path) -> Result<Chain, Failure> {
    Chain::begin(read_keyset(path)?).map_err(|faulty| {
        let problem = format!("{}: {faulty}", path.display());
        Failure::new(Exit::Refused, problem).hint(faulty.hint())
    })
}

impl Next {
    /// The version that `args` mean. With both files named no home is needed.
    pub fn read(args: &NextArgs, context: &Context) -> Result<Self, Failure> {
        let home = match (&args.draft, &args.previous) {
            (Some(_), _) => context.home_if_any()?,
            (None, _) => Some(context.home()?),
        };
        let (keyset, path) = match (&args.draft, &home) {
            (Some(path), _) => (read_keyset(path)?, path.clone()),
            (None, Some(home)) => (home_draft(home)?, home.draft_path()),
            (None, None) => unreachable!("without a draft there is a home, or it was an error"),
        };
        let chain = match (&args.previous, &home) {
            (Some(path), _) => Some(begin_chain(path)?),
            (None, Some(home)) => home.chain()?,
            (None, None) => None,
        };
        if chain.is_none() && keyset.version > 1 {
            let before = keyset.version - 1;
            let problem = format!("the draft follows version {before}, which is not known here");
            return Err(Failure::new(Exit::Usage, problem)
                .hint("name the keyset in force: --previous FILE; or work in the home: -C DIR"));
        }
        Ok(Next {
            keyset,
            chain,
            path,
        })
    }

    /// The version in force.
    pub fn previous(&self) -> Option<&Keyset> {
        self.chain.as_ref().map(Chain::latest)
    }

    /// What the draft breaks that its makers have to mend before anybody signs it.
    pub fn content_faults(&self) -> Vec<Fault> {
        match &self.chain {
            Some(chain) => chain.content_faults(&self.keyset),
            None => self.keyset.content_faults(),
        }
    }

    /// What the draft changes, and what identifies it.
    pub fn shown(&self) -> Shown {
        Shown::of(&self.keyset, self.previous())
    }
}

/// The home's draft.
pub fn home_draft(home: &Home) -> Result<Keyset, Failure> {
    home.draft()?.ok_or_else(|| {
        Failure::new(Exit::Usage, "there is no draft of a next keyset")
            .hint("begin one: `pith keyset draft new`")
    })
}

/// A version as it is shown before it is signed.
#[derive(Debug, Serialize)]
pub struct Shown {
    version: u32,
    created_at: Timestamp,
    digest: String,
    digest_words: Vec<String>,
    changes: Vec<ShownChange>,
}

#[derive(Debug, Serialize)]
struct ShownChange {
    #[serde(flatten)]
    change: Change,
    text: String,
}

impl Shown {
    /// What `keyset` changes from `previous`.
    pub fn of(keyset: &Keyset, previous: Option<&Keyset>) -> Self {
        let digest = keyset.digest();
        let changes = keyset.changes(previous).into_iter().map(|change| {
            let text = change.to_string();
            ShownChange { change, text }
        });
        Shown {
            version: keyset.version,
            created_at: keyset.created_at,
            digest: digest.to_string(),
            digest_words: words::lines(&digest),
            changes: changes.collect(),
        }
    }

    /// In words, for people.
    pub fn text(&self) -> String {
        let mut text = format!("version {}, made {}:\n", self.version, self.created_at);
        for change in &self.changes {
            let change = crate::cli::output::printable(&change.text);
            text.push_str(&format!("  {change}\n"));
        }
        text.push_str(&format!("digest {}\n", self.digest));
        for line in &self.digest_words {
            text.push_str(&format!("  {line}\n"));
        }
        text
    }
}
