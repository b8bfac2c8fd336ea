//! The files of a record, made from its bundle.

use serde::Serialize;

use super::error::PublishError;
use super::page::Pages;
use super::search::Entry;
use crate::bundle::{Bundle, Links};
use crate::canonical;
use crate::digest::{Digest, Hasher};
use crate::event::Payload;
use crate::number::{PithNumber, Suffix};
use crate::receipt::Receipt;
use crate::record::CanonicalRecord;

/// Raised when the same bundle would give other files, templates aside.
const MADE_BY: &[u8] = b"pith mirror 1";

/// A file of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOf {
    /// The bundle.
    Bundle,
    /// The bundle again, at the address that readers can guess.
    WellKnown,
    /// The state in the bundle.
    State,
    /// The record with its number and its current receipt.
    Record,
    /// The page for people.
    Page,
}

impl FileOf {
    /// All of them, in the order in which they are written: what a page checks is there before the
    /// page.
    pub const ALL: [FileOf; 5] = [
        FileOf::Bundle,
        FileOf::WellKnown,
        FileOf::State,
        FileOf::Record,
        FileOf::Page,
    ];

    /// Where it stands in a mirror. The addresses in bundles lead there (SPEC 8).
    pub fn path(self, suffix: &Suffix) -> String {
        let links = Links::of_suffix("", suffix);
        let path = match self {
            FileOf::Bundle => links.bundle,
            FileOf::WellKnown => links.well_known_bundle,
            FileOf::State => links.state,
            FileOf::Record => format!("{}.json", links.resolver),
            FileOf::Page => format!("{}/index.html", links.resolver),
        };
        path.trim_start_matches('/').to_owned()
    }
}

/// The files of one record.
#[derive(Debug)]
pub struct Made {
    /// Whose they are.
    pub suffix: Suffix,
    /// See [`Maker::made_from`].
    pub made_from: Digest,
    /// What the record is found by.
    pub entry: Entry,
    files: [Vec<u8>; 4],
}

impl Made {
    /// The content of a file.
    pub fn content(&self, file: FileOf) -> &[u8] {
        match file {
            FileOf::Bundle | FileOf::WellKnown => &self.files[0],
            FileOf::State => &self.files[1],
            FileOf::Record => &self.files[2],
            FileOf::Page => &self.files[3],
        }
    }
}

/// `pith/SUFFIX.json`: a record with its receipt, as `pith verify` takes them.
#[derive(Serialize)]
struct RecordFile<'a> {
    pith_number: PithNumber,
    canonical_sha256: Digest,
    canonical_record: &'a CanonicalRecord,
    receipt: &'a Receipt,
}

/// Makes the files of records.
#[derive(Debug)]
pub struct Maker {
    pages: Pages,
    settings: Digest,
}

impl Maker {
    /// One that makes these pages.
    pub fn new(pages: Pages) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(MADE_BY);
        hasher.update(pages.digest().as_bytes());
        Maker {
            settings: hasher.digest(),
            pages,
        }
    }

    /// The pages that are not of one record.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// The digest of all that the files of the record with this bundle are made from.
    pub fn made_from(&self, bundle: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(self.settings.as_bytes());
        hasher.update(bundle);
        hasher.digest()
    }

    /// The files of the record with this bundle, which is sound.
    ///
    /// # Errors
    /// [`PublishError::Malformed`] if it is no bundle; [`PublishError::Template`].
    pub fn make(&self, wire: Vec<u8>) -> Result<Made, PublishError> {
        let malformed = |number: String, message: String| PublishError::Malformed {
            what: format!("the bundle of {number}"),
            message,
        };
        let bundle = Bundle::from_slice(&wire)
            .map_err(|error| malformed("a record".to_owned(), error.to_string()))?;
        let receipt = current_receipt(&bundle).ok_or_else(|| {
            let message = "no event that is applied creates its record".to_owned();
            malformed(bundle.pith_number.to_string(), message)
        })?;
        let page = self.pages.record(&bundle, receipt)?;
        let (state, record) = (state_of(&bundle), record_of(&bundle, receipt));
        Ok(Made {
            suffix: *bundle.pith_number.suffix(),
            made_from: self.made_from(&wire),
            entry: Entry {
                number: bundle.pith_number.suffix().to_string(),
                arxiv: bundle.canonical_record.source.arxiv_version(),
                title: super::page::title_of(&bundle).to_owned(),
            },
            files: [wire, state, record, page.into_bytes()],
        })
    }
}

fn state_of(bundle: &Bundle) -> Vec<u8> {
    canonical::wire(&bundle.state).expect("a state is JSON")
}

fn record_of(bundle: &Bundle, receipt: &Receipt) -> Vec<u8> {
    let record = RecordFile {
        pith_number: bundle.pith_number,
        canonical_sha256: bundle.canonical_sha256,
        canonical_record: &bundle.canonical_record,
        receipt,
    };
    canonical::wire(&record).expect("a record is JSON")
}

/// What a file that no template makes holds beside this bundle; `None` if that can't be said.
pub(super) fn part(wire: &[u8], file: FileOf) -> Option<Vec<u8>> {
    if file == FileOf::WellKnown {
        return Some(wire.to_vec());
    }
    let bundle = Bundle::from_slice(wire).ok()?;
    match file {
        FileOf::State => Some(state_of(&bundle)),
        FileOf::Record => Some(record_of(&bundle, current_receipt(&bundle)?)),
        FileOf::Bundle | FileOf::WellKnown | FileOf::Page => None,
    }
}

/// The receipt that the state shows.
fn current_receipt(bundle: &Bundle) -> Option<&Receipt> {
    let shown = bundle.state.current.record_created.as_ref()?;
    let mut events = bundle.events.iter();
    let event = events.find(|event| event.event_id == shown.event_id)?;
    match &event.payload {
        Payload::RecordCreated(payload) => Some(&payload.receipt),
        _ => None,
    }
}
