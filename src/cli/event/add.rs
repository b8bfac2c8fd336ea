//! `pith event add`: events into the ledger.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::canonical;
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::documents::{Document, DocumentLimits, Documents, Filling};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::event::{Event, EventKind};
use crate::home::{Home, read_public_key};
use crate::keys::{Fingerprint, ForeignSigner, PublicKeyObject, REGISTRY, TrustedKey, TrustedKeys};
use crate::ledger::{Ledger, LedgerError, Transaction};
use crate::number::PithNumber;
use crate::state::{Added, Candidate, InvalidReason, KeyTable, Merging, TableKey};
use crate::time::Timestamp;
use crate::verify::{DocumentKind, Policy, Report, Trust, judge_event};

/// How many bytes of events of papers at hand are kept from one transaction to the next: a paper need
/// not be read anew for each, however many events it has.
const KEPT_BYTES: usize = 256 << 20;

/// Verify events and put them into the ledger, each with the key of its signer
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Events: one a file, JSON lines (also .gz, .zst), folders of them, or `-`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The public key of a signer that the ledger does not know yet; make sure whose it is
    #[arg(long, value_name = "PUBLIC_KEY_FILE")]
    key: Vec<PathBuf>,

    /// Let the keys given speak for signers that the ledger knows under other keys
    #[arg(long, requires = "key")]
    another_key: bool,

    #[command(flatten)]
    limits: DocumentLimits,
}

#[derive(Default, Serialize)]
struct Counts {
    schema_version: &'static str,
    added: u64,
    already_there: u64,
    refused: u64,
}

pub fn run(args: AddArgs, context: &Context) -> Result<Exit, Failure> {
    let home = context.home()?;
    let (mut ledger, _lock) = context.locked_ledger(&home)?;
    let signers = Signers::of(&args, &home, &ledger, context)?;
    let mut adding = Adding {
        signers,
        papers: BTreeMap::new(),
        kept_bytes: 0,
        latest: None,
        counts: Counts {
            schema_version: JSON_SCHEMA,
            ..Counts::default()
        },
    };
    let mut exit = Exit::Done;
    let mut documents = Documents::open(&args.files, args.limits)?.peekable();
    while documents.peek().is_some() {
        let (mut group, mut filling) = (Vec::new(), Filling::default());
        while !filling.is_full()
            && let Some(document) = documents.next()
        {
            match document {
                Ok(document) => {
                    filling.add(document.bytes.len());
                    group.push(document);
                }
                Err(failure) => exit = exit.worst(failure.report()),
            }
        }
        ledger.group::<_, LedgerError>(|transaction| {
            group
                .iter()
                .try_for_each(|document| adding.take(transaction, document))
        })?;
        adding.end_group(context);
    }
    adding.end(context);
    let counts = adding.counts;
    if counts.refused > 0 {
        exit = exit.worst(Exit::Refused);
    }
    if context.json() {
        output::json(&counts)?;
    } else {
        let Counts {
            added,
            already_there,
            refused,
            ..
        } = counts;
        context.note(&format!(
            "{added} added, {already_there} already there, {refused} refused"
        ));
    }
    Ok(exit)
}

/// The keys under which events are judged.
struct Signers {
    table: KeyTable,
    /// The published forms of those that are not the registry's.
    foreign: BTreeMap<Fingerprint, PublicKeyObject>,
    /// The registry's own, with their windows.
    own: TrustedKeys,
    /// What the home judges its own signatures by.
    trust: Trust,
    now: Timestamp,
}

impl Signers {
    fn of(
        args: &AddArgs,
        home: &Home,
        ledger: &Ledger,
        context: &Context,
    ) -> Result<Self, Failure> {
        let registry_id = &home.profile.registry_id;
        let own = home.trusted_keys()?;
        let mut foreign = BTreeMap::new();
        for object in ledger.keys()? {
            if object.signer.is_some() && own.find(&object.key).is_none() {
                foreign.insert(object.key.fingerprint(), object);
            }
        }
        for path in &args.key {
            let object = read_public_key(path)?;
            let refused = |problem: String, hint: &str| {
                let problem = format!("{}: {problem}", path.display());
                Err(Failure::new(Exit::Refused, problem).hint(hint))
            };
            let Some(signer) = object.signer.clone() else {
                return refused(
                    "this public key names no signer_id and signer_type".to_owned(),
                    "`pith event sign --public-key-out` writes one that does; keys of the registry are in its keyset",
                );
            };
            let (id, kind) = (&signer.signer_id, &signer.signer_type);
            if let Err(error) = ForeignSigner::new(id, kind) {
                return refused(error, "nobody but the registry speaks as one");
            }
            if id == registry_id
                || TrustedKeys::built_in_knows(id)
                || own.find(&object.key).is_some()
            {
                let problem = format!("{id} or this key is a registry's");
                return refused(problem, "nobody borrows a registry's name or key");
            }
            if let Some(problem) = signer.passes_for_registry(Some(registry_id)) {
                return refused(
                    problem,
                    "nobody could tell the two apart at a glance: ask the signer for another name",
                );
            }
            let known =
                |held: &PublicKeyObject| held.signer.as_ref().is_some_and(|s| s.signer_id == *id);
            let mut others = foreign.values().filter(|held| held.key != object.key);
            if let Some(other) = others.find(|held| known(held))
                && !args.another_key
            {
                let problem = format!("{id} is known under another key, {}", other.key_id);
                return refused(
                    problem,
                    "ask the signer by another way whether both are theirs; then --another-key takes it",
                );
            }
            let fingerprint = object.key.fingerprint();
            match foreign.get(&fingerprint) {
                Some(held) if *held != object => {
                    return refused(
                        format!(
                            "the ledger has this key with other details, as {}",
                            held.key_id
                        ),
                        "what the ledger has stays as it is: sign with that label, signer id and type",
                    );
                }
                _ => foreign.insert(fingerprint, object),
            };
        }
        let registry = own
            .keys
            .iter()
            .filter(|entry| entry.speaks_for(registry_id, REGISTRY))
            .map(|entry| TableKey {
                key: entry.key.key,
                key_id: entry.key.key_id.clone(),
                signer_id: registry_id.clone(),
                signer_type: REGISTRY.to_owned(),
            });
        let others = foreign.values().filter_map(|object| {
            let signer = object.signer.as_ref()?;
            Some(TableKey {
                key: object.key,
                key_id: object.key_id.clone(),
                signer_id: signer.signer_id.clone(),
                signer_type: signer.signer_type.clone(),
            })
        });
        let table = KeyTable::new(registry.chain(others)).map_err(|error| {
            Failure::new(Exit::Refused, error.to_string()).hint("one of the two has to be replaced")
        })?;
        Ok(Signers {
            table,
            foreign,
            own,
            trust: context.home_trust(home)?,
            now: context.now().seconds(),
        })
    }

    /// Why an event of the registry's key `entry` does not count, if `pith verify` would say so too. A
    /// thief has the key and picks the date: its window alone tells nothing.
    fn uncounted(&self, entry: &TrustedKey, event: &Event) -> Option<String> {
        let policy = Policy {
            trust: &self.trust,
            expect: None,
            at: None,
            now: self.now,
        };
        let mut report = Report::new(DocumentKind::Event);
        judge_event(&mut report, &policy, &entry.key.key, event);
        report.decisive().map(|check| check.message.clone())
    }
}

struct Adding {
    signers: Signers,
    /// Papers at hand, with their events: each is read from the ledger once, and grows with what is
    /// added.
    papers: BTreeMap<PithNumber, Option<Merging<'static>>>,
    /// What their events weigh together.
    kept_bytes: usize,
    /// The paper that an event was added to last.
    latest: Option<PithNumber>,
    counts: Counts,
}

impl Adding {
    /// Adds a document if it is an event that may be added.
    fn take(&mut self, ledger: &Transaction<'_>, document: &Document) -> Result<(), LedgerError> {
        match self.add(ledger, &document.bytes)? {
            Ok(true) => self.counts.added += 1,
            Ok(false) => self.counts.already_there += 1,
            Err(why) => {
                self.counts.refused += 1;
                output::message("refused", &format!("{}: {why}", document.place));
            }
        }
        Ok(())
    }

    /// Says whether the event was new, or why it is refused.
    fn add(
        &mut self,
        ledger: &Transaction<'_>,
        bytes: &[u8],
    ) -> Result<Result<bool, String>, LedgerError> {
        let event: Event = match canonical::from_slice(bytes) {
            Ok(event) => event,
            Err(error) => return Ok(Err(format!("is no event: {error}"))),
        };
        if EventKind::of(&event.event_type).is_some_and(EventKind::registry_only) {
            let kind = &event.event_type;
            return Ok(Err(format!(
                "a {kind} comes with `pith mint`, or with its bundle by `pith ledger rebuild`"
            )));
        }
        let number = event.subject_pith_number;
        self.latest = Some(number);
        self.kept_bytes = self.kept_bytes.saturating_add(bytes.len());
        let paper = match self.papers.entry(number) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let (paper, weight) = merging_of(ledger, number)?;
                self.kept_bytes = self.kept_bytes.saturating_add(weight);
                slot.insert(paper)
            }
        };
        let Some(merging) = paper else {
            return Ok(Err(format!("the ledger does not hold {number}")));
        };
        if let Some(entry) = self
            .signers
            .own
            .keys
            .iter()
            .find(|entry| is_by(entry, &event))
            && let Some(why) = self.signers.uncounted(entry, &event)
        {
            return Ok(Err(why));
        }
        match merging.add(Candidate::from(event.clone()), &self.signers.table) {
            Added::Known => Ok(Ok(false)),
            Added::Invalid(InvalidReason::UnknownKey) => Ok(Err(format!(
                "is signed by key {} ({}), which is not known here: name its file with --key",
                event.signer.key_id, event.signer.public_key_fingerprint
            ))),
            Added::Invalid(InvalidReason::Form) => Ok(Err(match event.statement() {
                Err(error) => format!("is not valid: {error}"),
                Ok(_) => "is not valid: form".to_owned(),
            })),
            Added::Invalid(reason) => Ok(Err(format!("is not valid: {}", reason.as_str()))),
            Added::New => {
                let fingerprint = &event.signer.public_key_fingerprint;
                if let Some(object) = self.signers.foreign.get(fingerprint) {
                    ledger.put_key(object)?;
                }
                Ok(Ok(ledger.add_event(&number, &event)?.is_some()))
            }
        }
    }

    /// Lets papers go if there are too many, but for the one at which the next event is likely to be.
    fn end_group(&mut self, context: &Context) {
        if self.kept_bytes <= KEPT_BYTES {
            return;
        }
        let latest = self
            .latest
            .and_then(|number| self.papers.remove_entry(&number));
        self.end(context);
        self.papers.extend(latest);
    }

    /// Says what of the papers does not hold together now, and forgets them.
    fn end(&mut self, context: &Context) {
        self.kept_bytes = 0;
        for (number, merging) in std::mem::take(&mut self.papers) {
            let Some(merging) = merging else { continue };
            let merged = merging.merged([]);
            let named: BTreeSet<_> = merged.dangling.iter().map(|edge| edge.event_id).collect();
            if !named.is_empty() {
                let count = output::counted(named.len() as u64, "event", "events");
                context.warn(&format!(
                    "{number}: {count} with a prev_event or supersedes that has no effect"
                ));
            }
            for group in &merged.state.equivocations {
                context.warn(&format!(
                    "{number}: {} contradicts itself on {}: {} events exclude each other",
                    group.signer_id,
                    group.target,
                    group.event_ids.len()
                ));
            }
        }
    }
}

/// A paper as the ledger holds it, if it does, and what its events weigh in bytes.
fn merging_of(
    ledger: &Transaction<'_>,
    number: PithNumber,
) -> Result<(Option<Merging<'static>>, usize), LedgerError> {
    let issued = ledger.get(number.suffix())?;
    let Some(issued) = issued.filter(|issued| issued.number == number) else {
        return Ok((None, 0));
    };
    let (mut merging, mut weight) = (Merging::new(number), 0);
    for (_, event) in issued.events {
        weight += canonical::to_vec(&event).map_or(0, |text| text.len());
        merging.add_valid(event);
    }
    Ok((Some(merging), weight))
}

fn is_by(entry: &TrustedKey, event: &Event) -> bool {
    entry.key.key.fingerprint() == event.signer.public_key_fingerprint
}
