//! Whether a transcript is what was written, and who vouches for it.

use std::path::Path;

use super::closing::{Closing, Statement};
use super::folder::{CLOSING_FILE, Folder, RUNBOOK_FILE, read_transcript};
use super::opening::Opening;
use super::products::{PRODUCTS_FOLDER, Product, digest_inside, digest_of, last_written};
use super::transcript::{Fault, Transcript};
use super::{Base, Place};
use crate::digest::Digest;
use crate::files::folder_of;
use crate::keys::{CustodianKey, PublicKey};
use crate::verify::{Code, DocumentKind, Outcome, Report};

/// What somebody wrote down when it was read aloud.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected {
    /// How many entries there were.
    pub count: Option<u64>,
    /// The head.
    pub head: Option<Digest>,
}

/// A custodian whom the verifier knows, and from where.
#[derive(Debug, Clone)]
pub struct KnownWitness {
    /// What names the key: a keyset, or a file.
    pub source: String,
    /// The key.
    pub key: CustodianKey,
    /// The registry for which its signature counts; null for any.
    pub registry_id: Option<String>,
}

impl KnownWitness {
    /// Whether this is the witness with this key, in what they sign.
    fn is(&self, key: &PublicKey, statement: &Statement) -> bool {
        let elsewhere = |id: &String| *id != statement.registry_id;
        self.key.key == *key && !self.registry_id.as_ref().is_some_and(elsewhere)
    }
}

/// Judges the transcript at `path`, in the folder of its ceremony; `home` is the registry home that
/// it belongs to, if that is here.
///
/// It is sound if nothing was changed, dropped, added, reordered or, as far as a closing or what was
/// read aloud tells, cut off. It is trusted if a known witness signed it, or if it ends with the head
/// that was read aloud.
pub fn check(
    path: &Path,
    expected: Expected,
    known: &[KnownWitness],
    home: Option<&Path>,
) -> Report {
    let mut report = Report::new(DocumentKind::Transcript);
    let folder = match Folder::open(folder_of(path)) {
        Ok(folder) => folder,
        Err(error) => {
            report.fail(Code::TranscriptOpening, "ceremony.json", with_cause(&error));
            return report;
        }
    };
    let opening = &folder.opening;
    let what = format!("is of the {} {}", opening.kind, opening.name);
    report.ok(Code::TranscriptOpening, "ceremony.json", what);
    if opening.rehearsal {
        let message = "is a REHEARSAL: nothing that came of it counts";
        report.add(
            Code::TranscriptRehearsal,
            Outcome::Note,
            "ceremony",
            message,
        );
    }
    let read = read_transcript(path).map_err(|error| with_cause(&error));
    let parsed =
        read.and_then(|bytes| Transcript::parse(&bytes).map_err(|fault| fault.to_string()));
    let transcript = match parsed {
        Ok(transcript) => transcript,
        Err(message) => {
            report.fail(Code::TranscriptEntry, "transcript", message);
            return report;
        }
    };
    if let Some(torn) = &transcript.torn {
        let message = format!("ends in {} bytes that are no whole line", torn.bytes.len());
        report.fail(Code::TranscriptTorn, "transcript", message);
    }
    chain(&mut report, &transcript, opening);
    let at_end = head(&mut report, &transcript, opening, expected);
    let closing = closing(&mut report, &folder, &transcript);
    let witnessed = closing
        .as_ref()
        .is_some_and(|closing| witnesses(&mut report, closing, known, opening.threshold));
    if !witnessed && !at_end {
        let message = if transcript.is_closed() {
            "is signed by no witness who is known here"
        } else {
            "is not closed, so nobody has signed it yet"
        };
        report.add(
            Code::TranscriptTrust,
            Outcome::Untrusted,
            "transcript",
            message,
        );
    }
    runbook(&mut report, &folder);
    products(&mut report, &folder, &transcript, home);
    report
}

/// An error, and why the system refused, if it did.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn chain(report: &mut Report, transcript: &Transcript, opening: &Opening) {
    let Err(fault) = transcript.check_chain(opening) else {
        let count = transcript.count();
        let message = format!("{count}, each with the hash of the one before, no time going back");
        return report.ok(Code::TranscriptChain, "entries", message);
    };
    let code = match fault {
        Fault::Hash { .. } => Code::TranscriptEntry,
        Fault::Time { .. } => Code::TranscriptTimes,
        Fault::Rehearsal { .. } => Code::TranscriptRehearsal,
        _ => Code::TranscriptChain,
    };
    report.fail(code, "transcript", format!("fails: {fault}"));
}

/// Whether the transcript ends with the head that was expected.
fn head(
    report: &mut Report,
    transcript: &Transcript,
    opening: &Opening,
    expected: Expected,
) -> bool {
    let count = transcript.count();
    // Entries may have followed since it was read aloud.
    let hash_at = |seq: u64| match seq.checked_sub(1) {
        None => Some(opening.digest()),
        Some(place) => {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            transcript
                .entries
                .get(place)
                .map(|entry| entry.entry_sha256)
        }
    };
    let found = match (expected.count, expected.head) {
        (None, None) => return false,
        (Some(seq), _) if hash_at(seq).is_none() => {
            let message =
                format!("has {count} entries where there were {seq}: its tail was cut off");
            report.fail(Code::TranscriptHead, "transcript", message);
            return false;
        }
        (Some(seq), None) => {
            let message = format!("has the {seq} entries that there were, {count} in all");
            report.ok(Code::TranscriptHead, "transcript", message);
            return false;
        }
        (Some(seq), Some(head)) => (hash_at(seq) == Some(head)).then_some(seq),
        (None, Some(head)) => (0..=count).rev().find(|seq| hash_at(*seq) == Some(head)),
    };
    match found {
        Some(seq) => {
            let message = format!("has the head that was read aloud at entry {seq} of {count}");
            report.ok(Code::TranscriptHead, "transcript", message);
            seq == count
        }
        None => {
            let message = "does not have the head that was read aloud: it was changed or cut off";
            report.fail(Code::TranscriptHead, "transcript", message);
            false
        }
    }
}

/// The closing, if there is one and it is of this transcript.
fn closing(report: &mut Report, folder: &Folder, transcript: &Transcript) -> Option<Closing> {
    let closing = match folder.closing() {
        Ok(Some(closing)) => closing,
        Ok(None) => {
            if transcript.is_closed() {
                let message = "is missing, though the last entry closes the ceremony";
                report.add(
                    Code::TranscriptClosing,
                    Outcome::Note,
                    CLOSING_FILE,
                    message,
                );
            }
            return None;
        }
        Err(error) => {
            report.fail(Code::TranscriptClosing, CLOSING_FILE, with_cause(&error));
            return None;
        }
    };
    let signed = &closing.statement;
    let found = Statement::of(&folder.opening, transcript);
    if found.count < signed.count {
        let message = format!(
            "speaks of {} entries, and there are {}: the tail was cut off",
            signed.count, found.count
        );
        report.fail(Code::TranscriptClosing, CLOSING_FILE, message);
        return None;
    }
    if found != *signed || !transcript.is_closed() {
        let message = "is not of this transcript: one of them was changed";
        report.fail(Code::TranscriptClosing, CLOSING_FILE, message);
        return None;
    }
    let message = format!("has the count and the head of all {} entries", found.count);
    report.ok(Code::TranscriptClosing, CLOSING_FILE, message);
    Some(closing)
}

/// Whether somebody known has signed; a signature that does not hold is fatal, whoever's it is.
fn witnesses(
    report: &mut Report,
    closing: &Closing,
    known: &[KnownWitness],
    threshold: u32,
) -> bool {
    let mut witnessed = 0;
    let mut seen = Vec::new();
    for witness in &closing.witnesses {
        let (id, key) = (&witness.key.key_id, &witness.key.key);
        let subject = format!("witness {id}");
        if seen.contains(&key) {
            report.fail(
                Code::TranscriptWitness,
                &subject,
                "stands there a second time",
            );
            continue;
        }
        seen.push(key);
        if !witness.holds(&closing.statement) {
            report.fail(
                Code::TranscriptWitness,
                &subject,
                "has not signed this head",
            );
            continue;
        }
        // Who is known under two names may have signed under either.
        let is = |known: &&KnownWitness| known.is(key, &closing.statement);
        let named = |known: &&KnownWitness| is(known) && known.key.key_id == *id;
        let found = known.iter().find(named);
        match found.or_else(|| known.iter().find(is)) {
            Some(known) if known.key.key_id == *id => {
                let message = format!("has signed the head, known from {}", known.source);
                report.ok(Code::TranscriptWitness, &subject, message);
                witnessed += 1;
            }
            Some(known) => {
                let (name, source) = (&known.key.key_id, &known.source);
                let message = format!("has signed the head, but is {name} in {source}");
                report.add(Code::TranscriptWitness, Outcome::Note, subject, message);
            }
            None => {
                let fingerprint = key.fingerprint();
                let message =
                    format!("has signed the head; the key {fingerprint} is not known here");
                report.add(Code::TranscriptWitness, Outcome::Note, subject, message);
            }
        }
    }
    if !closing.witnesses.is_empty() {
        let message = format!(
            "known here are {witnessed} of those who have signed the head; the opening asks for {threshold}"
        );
        let subject = "witnesses";
        report.add(Code::TranscriptWitness, Outcome::Note, subject, message);
    }
    witnessed > 0
}

/// Boxes may be ticked in the file; then it is no longer what was rendered, and that is said.
fn runbook(report: &mut Report, folder: &Folder) {
    let found = digest_inside(folder.dir(), Path::new(RUNBOOK_FILE));
    let found = found.ok().flatten();
    let message = match found {
        Some(digest) if digest == folder.opening.runbook_sha256 => {
            return report.ok(
                Code::TranscriptRunbook,
                RUNBOOK_FILE,
                "is as it was rendered",
            );
        }
        Some(_) => "was changed since it was rendered, if only by ticking boxes",
        None => "is not there",
    };
    report.add(
        Code::TranscriptRunbook,
        Outcome::Note,
        RUNBOOK_FILE,
        message,
    );
}

fn products(report: &mut Report, folder: &Folder, transcript: &Transcript, home: Option<&Path>) {
    let closing = transcript
        .entries
        .last()
        .and_then(|entry| entry.products.as_ref());
    match closing {
        Some(products) => {
            for product in products {
                closed_product(report, folder, product, home);
            }
        }
        None => {
            for (place, sha256) in last_written(&transcript.entries) {
                open_product(report, folder, place, sha256, home);
            }
        }
    }
}

/// While a ceremony is open, what it wrote is as it was written last, or gone again.
fn open_product(
    report: &mut Report,
    folder: &Folder,
    place: &Place,
    sha256: Digest,
    home: Option<&Path>,
) {
    let subject = place.to_string();
    match found(place, folder, home) {
        Found::NotHere => note(report, &subject, "is not looked at: it is not in this home"),
        Found::Nothing => note(report, &subject, "was written and is no longer there"),
        Found::Digest(digest) => compare(report, &subject, digest, sha256),
    }
}

/// Of a closed ceremony the copies count: the home goes on, in later ceremonies.
fn closed_product(report: &mut Report, folder: &Folder, product: &Product, home: Option<&Path>) {
    let subject = product.place.to_string();
    let here = found(&product.place, folder, home);
    let Some(copy) = &product.copy else {
        return match here {
            Found::NotHere => note(report, &subject, "is not looked at: it is not in this home"),
            Found::Nothing => {
                let message = "came of the ceremony and is not there";
                report.fail(Code::TranscriptProducts, &subject, message);
            }
            Found::Digest(digest) => compare(report, &subject, digest, product.sha256),
        };
    };
    let in_products = Place {
        base: Base::Ceremony,
        path: format!("{PRODUCTS_FOLDER}/{copy}"),
    };
    match found(&in_products, folder, home) {
        Found::Digest(digest) => {
            compare(report, &in_products.to_string(), digest, product.sha256);
        }
        Found::Nothing | Found::NotHere => {
            let message = "is the copy of what came of the ceremony, and is not there";
            report.fail(Code::TranscriptProducts, &in_products.to_string(), message);
        }
    }
    match here {
        Found::Digest(digest) if digest != product.sha256 => {
            note(
                report,
                &subject,
                "has changed since the ceremony was closed",
            );
        }
        Found::Nothing => note(report, &subject, "is gone since the ceremony was closed"),
        _ => {}
    }
}

enum Found {
    /// It cannot be told where it would be, or it is outside the home.
    NotHere,
    /// There is no such file.
    Nothing,
    Digest(Digest),
}

/// Paths outside are not followed: a transcript may come from anywhere.
fn found(place: &Place, folder: &Folder, home: Option<&Path>) -> Found {
    if place.base == Base::Elsewhere {
        return Found::NotHere;
    }
    match digest_of(place, folder.dir(), home) {
        None => Found::NotHere,
        Some(Ok(Some(digest))) => Found::Digest(digest),
        Some(_) => Found::Nothing,
    }
}

fn note(report: &mut Report, subject: &str, message: &str) {
    report.add(Code::TranscriptProducts, Outcome::Note, subject, message);
}

fn compare(report: &mut Report, subject: &str, found: Digest, expected: Digest) {
    let holds = "is as it was written";
    report.compare(Code::TranscriptProducts, subject, &found, &expected, holds);
}
