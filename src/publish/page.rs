//! The pages for people: one for each record, and the start page.
//!
//! Whatever a page shows may have been written by anybody, so all of it is escaped, addresses are
//! links only where they are of the web, and the page's policy allows no script but the mirror's own
//! files.

use std::collections::BTreeSet;
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::error::PublishError;
use crate::bundle::{Bundle, Mirror};
use crate::canonical;
use crate::digest::{Digest, Hasher};
use crate::event::{Event, EventId, EventKind, Payload};
use crate::files::{self, FileError};
use crate::receipt::Receipt;
use crate::snapshot::{EXCERPT_CHARS, PaperSection};

/// What a page may load: scripts, style and data of its own mirror. Nothing in it may make a script of
/// text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// The files that pages load, with their paths in a mirror.
pub(super) const ASSETS: &[(&str, &str)] = &[
    (
        "pith-page/page.css",
        include_str!("../../templates/pages/page.css"),
    ),
    (
        "pith-page/how.html",
        include_str!("../../templates/pages/how.html"),
    ),
    (
        "pith-page/verify.js",
        include_str!("../../templates/pages/verify.js"),
    ),
    (
        "pith-page/search.js",
        include_str!("../../templates/pages/search.js"),
    ),
];

const RECORD: &str = "record.html";
const INDEX: &str = "index.html";

/// The templates by name; a file of the same name in a home's `templates/pages/` takes the place of one.
const BUILT_IN: [(&str, &str); 2] = [
    (RECORD, include_str!("../../templates/pages/record.html")),
    (INDEX, include_str!("../../templates/pages/index.html")),
];

/// Renders pages.
#[derive(Debug)]
pub struct Pages {
    environment: Environment<'static>,
    registry_id: String,
    digest: Digest,
}

impl Pages {
    /// Pages of the registry `registry_id`, by the built-in templates but for those in the folder
    /// `overrides`.
    ///
    /// # Errors
    /// [`PublishError::Template`] if one is malformed; those of the system.
    pub fn new(registry_id: &str, overrides: Option<&Path>) -> Result<Self, PublishError> {
        let mut environment = Environment::new();
        // In a name that is not known a page would have a hole.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut hasher = Hasher::new();
        hasher.update(POLICY.as_bytes());
        hasher.update(registry_id.as_bytes());
        for (name, built_in) in BUILT_IN {
            let text = match overrides.map(|dir| overriding(&dir.join(name))) {
                Some(found) => found?.unwrap_or_else(|| built_in.to_owned()),
                None => built_in.to_owned(),
            };
            if name == RECORD {
                hasher.update(text.as_bytes());
            }
            // Names that end in `.html` have everything escaped that is put in.
            environment
                .add_template_owned(name, text)
                .map_err(|error| template_error(name, &error))?;
        }
        Ok(Pages {
            environment,
            registry_id: registry_id.to_owned(),
            digest: hasher.digest(),
        })
    }

    /// The digest of all that a record's page depends on beside its bundle.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The start page of a mirror of `count` records.
    ///
    /// # Errors
    /// [`PublishError::Template`].
    pub fn index(&self, count: u64, mirrors: &[Mirror]) -> Result<String, PublishError> {
        let mirrors: Vec<Value> = mirrors
            .iter()
            .map(|mirror| shown_mirror(&mirror.name, &mirror.base_url, &mirror.status, ""))
            .collect();
        let registry_id = &self.registry_id;
        self.render(
            INDEX,
            context! { policy => POLICY, registry_id, count, mirrors },
        )
    }

    /// The page of a record, whose current receipt is `receipt`.
    ///
    /// # Errors
    /// [`PublishError::Template`].
    pub fn record(&self, bundle: &Bundle, receipt: &Receipt) -> Result<String, PublishError> {
        let record = &bundle.canonical_record;
        let metadata = &record.metadata;
        let paper = paper_of(bundle);
        let title = title_of(bundle);
        let authors = paper.map(|paper| paper.authors_text.as_str());
        let excerpt = paper.map(|paper| paper.abstract_excerpt.as_str());
        let excerpt = excerpt.unwrap_or_default();
        let aliases: Vec<Value> = bundle
            .source_aliases
            .iter()
            .map(|alias| context! { kind => alias.alias_kind.as_str(), value => alias.alias_value.as_str() })
            .collect();
        let mirrors: Vec<Value> = bundle
            .mirror_hints
            .iter()
            .map(|hint| shown_mirror(&hint.name, &hint.base_url, &hint.status, &hint.bundle_url))
            .collect();
        let cross_cats = metadata.cross_cats_sorted.as_slice();
        let cross_cats: Vec<Value> = cross_cats.iter().map(|c| c.as_str().into()).collect();
        let signature = &bundle.bundle_signature;
        let values = context! {
            policy => POLICY,
            registry_id => bundle.registry_id(),
            title,
            number => bundle.pith_number.to_string(),
            suffix => bundle.pith_number.suffix().as_str(),
            authors => authors.unwrap_or_default(),
            excerpt,
            excerpt_cut => excerpt.chars().count() >= EXCERPT_CHARS,
            arxiv_version => record.source.arxiv_version(),
            submitted_at => metadata.submitted_at.to_string(),
            primary_cat => metadata.primary_cat.as_str(),
            cross_cats,
            license => context! { text => metadata.license.as_str(), link => is_web(&metadata.license) },
            canonical_sha256 => bundle.canonical_sha256.to_string(),
            title_sha256 => metadata.title_canon_sha256.to_string(),
            abstract_sha256 => metadata.abstract_canon_sha256.to_string(),
            aliases,
            receipt => context! {
                first => receipt.first_computed_at.to_string(),
                last => receipt.last_reissued_at.to_string(),
                builder => receipt.builder_version.as_str(),
                key_id => receipt.key_id.as_str(),
                fingerprint => receipt.public_key_fingerprint.to_string(),
                signature => receipt.signature_b64.to_string(),
            },
            equivocations => bundle.state.equivocation_count > 0,
            events => shown_events(bundle),
            mirrors,
            links => context! { bundle => bundle.links.bundle.as_str(), resolver => bundle.links.resolver.as_str() },
            key => context! {
                id => signature.key_id.as_str(),
                fingerprint => signature.public_key_fingerprint.to_string(),
            },
            citation => citation(bundle, authors, title),
            bibtex => bibtex(bundle, authors, title),
            built_at => bundle.built_at.to_string(),
        };
        self.render(RECORD, values)
    }

    fn render(&self, name: &str, values: Value) -> Result<String, PublishError> {
        let template = self.environment.get_template(name);
        let mut text = template
            .and_then(|template| template.render(values))
            .map_err(|error| template_error(name, &error))?;
        // The one at the end of a template is not part of it.
        text.push('\n');
        Ok(text)
    }
}

fn template_error(name: &str, error: &minijinja::Error) -> PublishError {
    PublishError::Template {
        name: name.to_owned(),
        message: error.to_string(),
    }
}

fn overriding(path: &Path) -> Result<Option<String>, PublishError> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = String::from_utf8(files::read(path)?);
    text.map(Some).map_err(|error| {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        FileError::io("read as UTF-8 text", path)(source).into()
    })
}

/// The paper as the latest snapshot of the state shows it.
fn paper_of(bundle: &Bundle) -> Option<&PaperSection> {
    let shown = bundle.state.current.graph_snapshots.last()?;
    let mut events = bundle.events.iter();
    let event = events.find(|event| event.event_id == shown.event_id)?;
    match &event.payload {
        Payload::GraphSnapshot(payload) => Some(&payload.graph_snapshot.paper),
        _ => None,
    }
}

/// What a paper is called where there is room for a line.
pub(super) fn title_of(bundle: &Bundle) -> &str {
    match paper_of(bundle) {
        Some(paper) if !paper.title.is_empty() => &paper.title,
        _ => bundle.canonical_record.source.id.as_str(),
    }
}

/// Whether a text may stand in a link: nothing but the web, so no script.
fn is_web(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

fn shown_mirror(name: &str, base_url: &str, status: &str, bundle_url: &str) -> Value {
    context! { name, base_url, status, bundle_url, link => is_web(base_url) }
}

/// The events in the order of the bundle, which is that in which they were applied.
fn shown_events(bundle: &Bundle) -> Vec<Value> {
    let state = &bundle.state;
    let applied: BTreeSet<EventId> = state.applied_event_ids.iter().copied().collect();
    let current: BTreeSet<EventId> = state
        .current
        .entries()
        .map(|entry| entry.event_id)
        .collect();
    let shown = |event: &Event| {
        let kind = EventKind::of(&event.event_type);
        let counts = applied.contains(&event.event_id);
        let signer = &event.signer;
        context! {
            id => event.event_id.to_string(),
            what => in_words(event, kind),
            target => event.target.as_str(),
            created_at => event.created_at.to_string(),
            signer_id => signer.signer_id.as_str(),
            signer_type => signer.signer_type.as_str(),
            key_id => signer.key_id.as_str(),
            counts,
            superseded => counts && kind.is_some() && !current.contains(&event.event_id),
            says => says(event),
        }
    };
    bundle.events.iter().map(shown).collect()
}

fn in_words(event: &Event, kind: Option<EventKind>) -> &str {
    match kind {
        Some(EventKind::RecordCreated) => "Record created",
        Some(EventKind::GraphSnapshot) => "Snapshot of what is known of the paper",
        Some(EventKind::AuthorAttestation) => "Statement of authorship",
        Some(EventKind::TimestampAnchor) => "Timestamp of the record",
        Some(EventKind::StorageAttestation) => "Copy in an archive",
        Some(EventKind::CitationSignature) => "Signed citation",
        Some(EventKind::ReplicationRecord) => "Replication",
        Some(EventKind::Correction) => "Correction",
        Some(EventKind::MirrorHint) => "Another mirror",
        None => &event.event_type,
    }
}

/// What an event says beside what the page shows anyway.
fn says(event: &Event) -> String {
    match &event.payload {
        Payload::RecordCreated(_) => String::new(),
        Payload::GraphSnapshot(payload) => payload.graph_snapshot.verdict.one_line_summary.clone(),
        Payload::Open(payload) => {
            let text = canonical::pretty(payload);
            String::from_utf8_lossy(text.trim_ascii_end()).into_owned()
        }
    }
}

fn citation(bundle: &Bundle, authors: Option<&str>, title: &str) -> String {
    let source = bundle.canonical_record.source.arxiv_version();
    let (number, address) = (&bundle.pith_number, &bundle.links.resolver);
    let authors = authors.filter(|authors| !authors.is_empty());
    let authors = authors.map_or_else(String::new, |authors| format!("{authors}. "));
    let year = number.year();
    format!("{authors}{title}. arXiv:{source} ({year}). {number}, {address}")
}

fn bibtex(bundle: &Bundle, authors: Option<&str>, title: &str) -> String {
    let source = &bundle.canonical_record.source;
    let number = &bundle.pith_number;
    let authors = authors.unwrap_or_default().replace(", ", " and ");
    let class = &bundle.canonical_record.metadata.primary_cat;
    format!(
        "@misc{{pith-{},\n  title = {{{}}},\n  author = {{{}}},\n  year = {{{}}},\n  \
         eprint = {{{}}},\n  archiveprefix = {{arXiv}},\n  primaryclass = {{{}}},\n  \
         note = {{{number}}},\n  url = {{{}}}\n}}",
        number.suffix(),
        balanced(title),
        balanced(&authors),
        number.year(),
        source.arxiv_version(),
        class.as_str(),
        bundle.links.resolver,
    )
}

/// A text that may stand between braces: one whose own don't match would end the field.
fn balanced(text: &str) -> String {
    let mut depth = 0_i32;
    let matches = text.chars().all(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth >= 0
    });
    match matches && depth == 0 {
        true => text.to_owned(),
        false => text.replace(['{', '}'], ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_do_not_match_are_left_out() {
        for (text, kept) in [
            ("{\\OE}uvres", "{\\OE}uvres"),
            ("a } b { c", "a  b  c"),
            ("a {{b}", "a b"),
        ] {
            assert_eq!(balanced(text), kept);
        }
    }

    #[test]
    fn only_addresses_of_the_web_are_links() {
        assert!(is_web(
            "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
        ));
        for text in [
            "javascript:alert(1)",
            "",
            "//elsewhere.invalid",
            "data:text/html,x",
        ] {
            assert!(!is_web(text), "{text}");
        }
    }
}
