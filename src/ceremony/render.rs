//! A transcript for people: `transcript.md`.

use minijinja::{Value, context};

use super::closing::Closing;
use super::entry::{Entry, FileKind, FileRole, RemarkKind};
use super::error::CeremonyError;
use super::opening::Opening;
use super::templates::Templates;
use super::transcript::Transcript;
use crate::words::spoken_head;

/// The file that a transcript is rendered into.
pub const RENDERED_FILE: &str = "transcript.md";

/// A transcript as Markdown.
///
/// # Errors
/// [`CeremonyError::Template`] if it cannot be rendered; those of the system.
pub fn render(
    opening: &Opening,
    transcript: &Transcript,
    closing: Option<&Closing>,
    templates: &Templates,
) -> Result<String, CeremonyError> {
    let head = transcript.head(opening);
    let entries: Vec<Value> = transcript.entries.iter().map(entry).collect();
    let last = transcript.entries.last();
    let products = last.and_then(|entry| entry.products.as_ref());
    let products: Vec<Value> = products
        .into_iter()
        .flatten()
        .map(|product| {
            let sha256 = product.sha256.to_string();
            context! { place => product.place.to_string(), sha256 => sha256 }
        })
        .collect();
    let witnesses: Vec<Value> = closing
        .map(|closing| closing.witnesses.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|witness| {
            context! {
                key_id => witness.key.key_id.as_str(),
                fingerprint => witness.key.key.fingerprint().to_string(),
                signature => witness.signature_b64.to_string(),
            }
        })
        .collect();
    let values = context! {
        name => opening.name.as_str(),
        kind => opening.kind.as_str(),
        registry_id => opening.registry_id.as_str(),
        opened_at => opening.opened_at.to_string(),
        rehearsal => opening.rehearsal,
        count => transcript.count(),
        head => head.to_string(),
        head_words => spoken_head(&head),
        closed => transcript.is_closed(),
        entries => entries,
        products => products,
        witnesses => witnesses,
    };
    templates.render("transcript.md", values)
}

fn entry(entry: &Entry) -> Value {
    let files: Vec<Value> = entry
        .files
        .iter()
        .map(|file| {
            let role = match file.role {
                FileRole::Read => "read",
                FileRole::Written => "written",
            };
            let sha256 = match (file.sha256, file.kind) {
                (Some(digest), _) => format!("`{digest}`"),
                (None, FileKind::Private) => "private: by name only".to_owned(),
                (None, FileKind::Database) => "database: by name only".to_owned(),
                (None, FileKind::Plain) => "gone when the command ended".to_owned(),
            };
            context! { place => file.place.to_string(), role => role, sha256 => sha256 }
        })
        .collect();
    let remark = entry.remark.as_ref();
    let kind = remark.map(|remark| match remark.kind {
        RemarkKind::Remark => "remark",
        RemarkKind::Witness => "present",
        RemarkKind::Repair => "repair",
    });
    context! {
        seq => entry.seq,
        verb => format!("pith {}", entry.verb),
        command => command_line(&entry.arguments),
        time => entry.time.to_string(),
        exit => entry.exit,
        entry_sha256 => entry.entry_sha256.to_string(),
        result => entry.result.clone(),
        remark => remark.map(|remark| one_line(&remark.text)),
        remark_kind => kind,
        files => files,
    }
}

/// The arguments as they would be typed, nearly: enough for a reader, on one line.
fn command_line(arguments: &[String]) -> String {
    if arguments.is_empty() {
        return String::new();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    let quoted = arguments.iter().map(|argument| {
        if !argument.is_empty() && argument.chars().all(plain) {
            argument.clone()
        } else {
            format!("'{}'", one_line(argument))
        }
    });
    let line: Vec<String> = quoted.collect();
    format!("pith {}", line.join(" "))
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
