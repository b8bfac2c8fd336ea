//! `pith merge`: the state of any mix of events and bundles.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::documents::{Document, DocumentLimits, Documents};
use super::error::{Exit, Failure};
use super::output;
use super::verify::trusted;
use crate::bundle::Bundle;
use crate::canonical::{self, Node, Numbers};
use crate::event::Event;
use crate::keys::{Fingerprint, PublicKeyObject, REGISTRY, TrustedKeys};
use crate::number::{PithNumber, SourceAlias};
use crate::state::{Candidate, KeyTable, Merged, TableKey, merge};
use crate::verify::{Policy, Trust, Verdict, verify_document};

/// Merge events and bundles into states, one a line for each paper
///
/// Events are judged under the keys that are trusted and those that the bundles carry. The result
/// depends on what is given, not on its order; a state is unsigned, and only as good as its keys.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Events and bundles: one a file, JSON lines (also .gz, .zst), folders of them, or `-`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Trust the keys in FILE instead of the built-in keyset and the home's
    #[arg(long, value_name = "FILE")]
    keyset: Option<PathBuf>,

    /// Also trust the key in this public key file, a registry's or another signer's
    #[arg(long, value_name = "PUBLIC_KEY_FILE")]
    trust: Vec<PathBuf>,

    #[command(flatten)]
    limits: DocumentLimits,
}

pub fn run(args: MergeArgs, context: &Context) -> Result<Exit, Failure> {
    let trust = trusted(args.keyset.as_deref(), &args.trust, context)?;
    let mut given = Given::default();
    let mut exit = Exit::Done;
    for document in Documents::open(&args.files, args.limits)? {
        let taken = document.and_then(|document| given.take(document, &trust, context));
        if let Err(failure) = taken {
            exit = exit.worst(failure.report());
        }
    }
    if given.papers.is_empty() && exit == Exit::Done {
        let problem = "there is no event and no bundle in what was given";
        return Err(Failure::new(Exit::Io, problem));
    }
    let keys = Keys::of(&given, &trust, context);
    let table = KeyTable::new(keys.table.into_values())
        .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    let mut out = output::stdout();
    for (number, paper) in given.papers {
        let candidates = paper.events.into_iter().map(Candidate::from);
        let merged = merge(
            number,
            candidates.chain(paper.broken),
            paper.aliases,
            &table,
        );
        exit = exit.worst(tell(&number, &merged, &keys.vouched, context));
        let mut line =
            canonical::wire(&merged.state).expect("a state holds nothing that JSON cannot");
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()?;
    Ok(exit)
}

/// What was given of one paper.
#[derive(Default)]
struct Paper {
    events: Vec<Event>,
    /// What claims to be an event of it and has not the shape of one.
    broken: Vec<Candidate<'static>>,
    aliases: Vec<SourceAlias>,
}

#[derive(Default)]
struct Given {
    papers: BTreeMap<PithNumber, Paper>,
    /// The keys that bundles carry, each with the registry of its bundle.
    carried: Vec<(String, PublicKeyObject)>,
}

impl Given {
    fn take(
        &mut self,
        document: Document,
        trust: &Trust,
        context: &Context,
    ) -> Result<(), Failure> {
        let refused =
            |why: String| Failure::new(Exit::Refused, format!("{}: {why}", document.place));
        let node = canonical::read(&document.bytes, Numbers::PythonFloats)
            .map_err(|error| refused(format!("not strict JSON: {error}")))?;
        if node.get("bundle_type").is_some() {
            let policy = Policy {
                trust,
                expect: None,
                at: None,
                now: context.now().seconds(),
            };
            let report = verify_document(&document.bytes, &policy);
            if report.verdict() == Verdict::Failed {
                let check = report.decisive().map(ToString::to_string);
                return Err(
                    refused(format!("does not verify: {}", check.unwrap_or_default()))
                        .hint("`pith verify` says more"),
                );
            }
            let bundle = Bundle::from_slice(&document.bytes).map_err(|e| refused(e.to_string()))?;
            let registry_id = bundle.registry_id().to_owned();
            let keys = bundle.public_keys.into_iter();
            self.carried
                .extend(keys.map(|key| (registry_id.clone(), key)));
            let paper = self.papers.entry(bundle.pith_number).or_default();
            paper.events.extend(bundle.events);
            paper.aliases.extend(bundle.source_aliases);
            return Ok(());
        }
        if node.get("event_type").is_none() {
            return Err(refused("is neither an event nor a bundle".to_owned()));
        }
        match canonical::from_tree::<Event>(&node) {
            Ok(event) => {
                let paper = self.papers.entry(event.subject_pith_number).or_default();
                paper.events.push(event);
                Ok(())
            }
            Err(error) => {
                let subject = node.get("subject_pith_number").and_then(Node::as_str);
                let number = subject.and_then(|text| text.parse().ok());
                let number = number.ok_or_else(|| refused(format!("is no event: {error}")))?;
                context.warn(&format!(
                    "{}: has not the shape of an event: {error}",
                    document.place
                ));
                let paper: &mut Paper = self.papers.entry(number).or_default();
                paper.broken.push(Candidate::read(node));
                Ok(())
            }
        }
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.papers.values().flat_map(|paper| &paper.events)
    }
}

/// The keys to merge under.
struct Keys {
    table: BTreeMap<Fingerprint, TableKey>,
    /// Those of them that the verifier trusts.
    vouched: BTreeSet<Fingerprint>,
}

impl Keys {
    /// First the keys that are trusted, then what bundles carry besides, unless it would speak for
    /// somebody who is known by a trusted key: nobody borrows another's name.
    fn of(given: &Given, trust: &Trust, context: &Context) -> Self {
        let mut table: BTreeMap<Fingerprint, TableKey> = BTreeMap::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        for entry in trust.keys() {
            known.extend(entry.signer_id.clone());
            let fingerprint = entry.key.key.fingerprint();
            // A keyset may let a key speak for several; it speaks for the first whom events name.
            let claims = given
                .events()
                .map(|event| &event.signer)
                .filter(|signer| signer.public_key_fingerprint == fingerprint)
                .map(|signer| (&signer.signer_id, &signer.signer_type))
                .filter(|(id, kind)| {
                    let borrowed = entry.signer_id.is_none() && TrustedKeys::built_in_knows(id);
                    entry.speaks_for(id, kind) && !borrowed
                })
                .min();
            let (signer_id, signer_type) = match claims {
                Some((id, kind)) => (id.clone(), kind.clone()),
                None => (
                    entry.signer_id.clone().unwrap_or_default(),
                    entry.signer_types.first().cloned().unwrap_or_default(),
                ),
            };
            table.entry(fingerprint).or_insert(TableKey {
                key: entry.key.key,
                key_id: entry.key.key_id.clone(),
                signer_id,
                signer_type,
            });
        }
        let vouched = table.keys().copied().collect();
        let mut carried: Vec<_> = given
            .carried
            .iter()
            .map(|(id, object)| carried(id, object))
            .collect();
        carried.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
        for key in carried {
            let fingerprint = key.key.fingerprint();
            let differs = table.get(&fingerprint).is_some_and(|held| *held != key);
            let borrows = !table.contains_key(&fingerprint)
                && (known.contains(&key.signer_id) || TrustedKeys::built_in_knows(&key.signer_id));
            if differs || borrows {
                context.warn(&format!(
                    "key {} ({fingerprint}) in a bundle is not taken to speak for {}",
                    key.key_id, key.signer_id
                ));
            } else {
                table.insert(fingerprint, key);
            }
        }
        Keys { table, vouched }
    }
}

fn carried(registry_id: &str, object: &PublicKeyObject) -> TableKey {
    let (signer_id, signer_type) = match &object.signer {
        Some(signer) => (signer.signer_id.as_str(), signer.signer_type.as_str()),
        None => (registry_id, REGISTRY),
    };
    TableKey {
        key: object.key,
        key_id: object.key_id.clone(),
        signer_id: signer_id.to_owned(),
        signer_type: signer_type.to_owned(),
    }
}

/// An order of keys that does not depend on which bundle came first.
fn place_of(key: &TableKey) -> (Fingerprint, &str, &str, &str) {
    let id = key.key_id.as_str();
    (key.key.fingerprint(), id, &key.signer_id, &key.signer_type)
}

/// Says what of a paper does not hold, and what its state is worth.
fn tell(
    number: &PithNumber,
    merged: &Merged,
    vouched: &BTreeSet<Fingerprint>,
    context: &Context,
) -> Exit {
    for edge in &merged.dangling {
        let (event, member, names) = (edge.event_id, edge.member, edge.names);
        context.note(&format!(
            "{number}: {event}: {member} names {names}, which has no effect"
        ));
    }
    for group in &merged.state.equivocations {
        let (who, target, count) = (&group.signer_id, &group.target, group.event_ids.len());
        context.note(&format!(
            "{number}: {who} contradicts itself on {target}: {count} events exclude each other"
        ));
    }
    let mut exit = Exit::Done;
    for invalid in &merged.state.invalid_events {
        let id = invalid
            .event_id
            .map(|id| id.to_string())
            .unwrap_or_default();
        context.warn(&format!(
            "{number}: {id} is not valid: {}",
            invalid.reason.as_str()
        ));
        exit = Exit::Refused;
    }
    let mut untrusted = merged.events.iter().filter(|event| {
        let signer = &event.signer;
        signer.signer_type == REGISTRY && !vouched.contains(&signer.public_key_fingerprint)
    });
    if let Some(event) = untrusted.next() {
        let signer = &event.signer;
        context.warn(&format!(
            "{number}: events of {} are by key {}, which is not trusted here",
            signer.signer_id, signer.key_id
        ));
        exit = exit.worst(Exit::Untrusted);
    }
    exit
}
