//! `pith event sign`: an event out of a payload.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::parse_kind;
use crate::canonical::{self, Json, Numbers};
use crate::cli::context::Context;
use crate::cli::error::{Exit, Failure};
use crate::cli::key::open_signing_key;
use crate::cli::output;
use crate::cli::secrets::{SecretSources, UnlockArgs, Unlocker};
use crate::cli::show::look_up;
use crate::event::{Draft, Event, EventId, EventKind, Payload, Statement, unfilled};
use crate::files::{self, Existing};
use crate::keys::{
    ForeignSigner, KeyId, PublicKey, PublicKeyObject, REGISTRY, Signer as _, SoftwareKey,
    TrustedKeys, harden,
};
use crate::ledger::Ledger;
use crate::number::PithNumber;
use crate::state::{Candidate, KeyTable, Merging, merge};

/// Sign an event about a paper: as the registry, or as somebody else with a key of their own
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The type of event
    #[arg(value_name = "TYPE", value_parser = parse_kind)]
    kind: EventKind,

    /// The paper: its Pith Number, or any name by which the home's ledger knows it
    #[arg(long, value_name = "NUMBER")]
    subject: String,

    /// What the event says, filled in (`pith event new TYPE`); `-` for stdin
    #[arg(long, value_name = "FILE")]
    payload: PathBuf,

    /// What part of the paper: record, graph or claim:ID; only a correction has a choice
    #[arg(long)]
    target: Option<String>,

    /// The signer's event before this one on the same target
    #[arg(long, value_name = "ID")]
    prev: Option<EventId>,

    /// Events that this one takes the place of
    #[arg(long, value_name = "ID", num_args = 1..)]
    supersedes: Vec<EventId>,

    /// The key to sign with [default: the home's active key]; with --key-file the label of that key
    #[arg(long, value_name = "ID")]
    key: Option<KeyId>,

    /// Sign as somebody else than the registry, with this sealed private key
    #[arg(
        long,
        value_name = "FILE",
        requires_all = ["key", "signer_id", "signer_type"],
        help_heading = "Other signers"
    )]
    key_file: Option<PathBuf>,

    /// Who that is, such as orcid:0000-0002-1825-0097
    #[arg(
        long,
        value_name = "ID",
        requires = "key_file",
        help_heading = "Other signers"
    )]
    signer_id: Option<String>,

    /// What kind of signer: author, replicator, archive, mirror or another word
    #[arg(
        long,
        value_name = "TYPE",
        requires = "key_file",
        help_heading = "Other signers"
    )]
    signer_type: Option<String>,

    /// Write the public key, which the registry needs for `pith event add`, to FILE
    #[arg(
        long,
        value_name = "FILE",
        requires = "key_file",
        help_heading = "Other signers"
    )]
    public_key_out: Option<PathBuf>,

    /// Where to
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    out: PathBuf,

    /// Overwrite existing output
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    unlock: UnlockArgs,
}

/// Whom an event is signed as, and with what.
struct Signing {
    key: SoftwareKey,
    signer_id: String,
    signer_type: String,
}

pub fn run(args: SignArgs, context: &Context) -> Result<Exit, Failure> {
    if args.payload == Path::new("-") && args.unlock.passphrase.reads_stdin() {
        let problem = "the payload and the passphrase cannot both come from stdin";
        return Err(
            Failure::new(Exit::Usage, problem).hint("use --passphrase-fd with another descriptor")
        );
    }
    let target = target(&args)?;
    let home = match args.key_file {
        Some(_) => context.home_if_any()?,
        None => Some(context.home()?),
    };
    let inputs = [args.payload.clone()];
    let outputs = [Some(args.out.as_path()), args.public_key_out.as_deref()];
    context.check_outputs(home.as_ref(), &inputs, &outputs)?;
    let ledger = home.as_ref().and_then(|home| context.ledger(home).ok());
    let subject = subject(&args.subject, ledger.as_ref())?;
    let payload = payload(&args, &subject)?;
    context.warn_of_fixed_time();
    let signing = match &args.key_file {
        Some(path) => foreign(&args, path, home.as_ref())?,
        None => {
            let home = context.home()?;
            let (id, unlock) = (args.key.as_ref(), args.unlock.clone());
            Signing {
                key: open_signing_key(&home, id, unlock, context.now())?,
                signer_id: home.profile.registry_id,
                signer_type: REGISTRY.to_owned(),
            }
        }
    };
    let draft = Draft {
        event_type: args.kind.as_str().to_owned(),
        subject,
        target,
        payload: Payload::Open(payload),
        created_at: context.now().seconds(),
        supersedes: args.supersedes.clone(),
        prev_event: args.prev,
    };
    let event = draft
        .sign(
            &signing.signer_id,
            &signing.signer_type,
            context.now(),
            &signing.key,
        )
        .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    let wire = checked(&event, &signing)?;
    warn_of_edges(&event, ledger.as_ref(), context)?;
    if let Some(path) = &args.public_key_out {
        write(path, &canonical::pretty(signing.key.public()), args.force)?;
    }
    write(&args.out, &wire, args.force)?;
    Ok(Exit::Done)
}

/// What part of the paper the event is about.
fn target(args: &SignArgs) -> Result<String, Failure> {
    let target = match (&args.target, args.kind) {
        (Some(target), _) => target.clone(),
        (None, EventKind::Correction) => {
            let problem = "a correction needs a --target: record, graph or claim:ID";
            return Err(Failure::new(Exit::Usage, problem));
        }
        (None, _) => "record".to_owned(),
    };
    if args.kind.takes_target(&target) {
        return Ok(target);
    }
    let problem = format!("a {} cannot have the target `{target}`", args.kind);
    Err(Failure::new(Exit::Usage, problem).hint(match args.kind {
        EventKind::Correction => "it corrects `record`, `graph` or `claim:ID`",
        _ => "it is about `record`: leave --target out",
    }))
}

fn subject(text: &str, ledger: Option<&Ledger>) -> Result<PithNumber, Failure> {
    match (text.parse(), ledger) {
        (Ok(number), _) => Ok(number),
        (Err(_), Some(ledger)) => look_up(ledger, text),
        (Err(error), None) => Err(Failure::new(Exit::Usage, error.to_string())
            .hint("without a registry home only full Pith Numbers are known")),
    }
}

/// The payload, if it is filled in and of its form.
fn payload(args: &SignArgs, subject: &PithNumber) -> Result<Json, Failure> {
    let (bytes, place) = if args.payload == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new(Exit::Io, format!("cannot read stdin: {error}")))?;
        (bytes, "stdin".to_owned())
    } else {
        (
            files::read(&args.payload)?,
            args.payload.display().to_string(),
        )
    };
    let refused = |message: String| {
        let problem = format!("{place}: {message}");
        Failure::new(Exit::Refused, problem).hint(format!(
            "`pith event new {} --schema` says what belongs there",
            args.kind
        ))
    };
    let payload: Json = canonical::from_slice_with(&bytes, Numbers::Integers)
        .map_err(|error| refused(error.to_string()))?;
    let missing = unfilled(&payload);
    if !missing.is_empty() {
        return Err(refused(format!(
            "still to be filled in: {}",
            missing.join(", ")
        )));
    }
    match Statement::read(args.kind, &payload, subject) {
        Ok(_) => Ok(payload),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// A key of somebody else, and who that is.
fn foreign(
    args: &SignArgs,
    path: &Path,
    home: Option<&crate::home::Home>,
) -> Result<Signing, Failure> {
    let (Some(key_id), Some(signer_id), Some(signer_type)) =
        (&args.key, &args.signer_id, &args.signer_type)
    else {
        let problem = "--key-file needs --key, --signer-id and --signer-type";
        return Err(Failure::new(Exit::Usage, problem));
    };
    let registry = home.map(|home| home.profile.registry_id.as_str());
    let signer = ForeignSigner::new(signer_id, signer_type)
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    if registry == Some(signer_id) || TrustedKeys::built_in_knows(signer_id) {
        let problem = format!("{signer_id} is a registry, and signs with its own key only");
        return Err(Failure::new(Exit::Refused, problem).hint("leave --key-file out"));
    }
    if let Some(problem) = signer.passes_for_registry(registry) {
        return Err(Failure::new(Exit::Refused, problem)
            .hint("nobody could tell the two apart at a glance: sign under another name"));
    }
    harden()?;
    let mut unlocker = Unlocker::new(args.unlock.clone(), SecretSources::of_process());
    let private = unlocker.open(key_id.as_str(), path)?;
    let key = PublicKey::from(private.verifying_key());
    if let Some(home) = home
        && home.trusted_keys()?.find(&key).is_some()
    {
        let problem = format!(
            "{} is a key of the registry {}",
            path.display(),
            home.profile.registry_id
        );
        return Err(Failure::new(Exit::Refused, problem)
            .hint("one key speaks for one signer: make another key"));
    }
    let public = PublicKeyObject {
        key,
        key_id: key_id.clone(),
        rotates_at: None,
        url: String::new(),
        signer: Some(signer),
        notes: String::new(),
    };
    let key = SoftwareKey::new(private, public)
        .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    Ok(Signing {
        key,
        signer_id: signer_id.clone(),
        signer_type: signer_type.clone(),
    })
}

/// The event as it will be written, read back and judged as anybody's.
fn checked(event: &Event, signing: &Signing) -> Result<Vec<u8>, Failure> {
    let failed = |message: String| {
        Failure::new(
            Exit::Refused,
            format!("self-check of the event failed: {message}"),
        )
        .hint("nothing was written; check the machine's memory")
    };
    let mut wire = canonical::wire(event).map_err(|error| failed(error.to_string()))?;
    let read: Event = canonical::from_slice(&wire).map_err(|error| failed(error.to_string()))?;
    let public = signing.key.public();
    let keys = KeyTable::of_published([public], &signing.signer_id)
        .map_err(|error| failed(error.to_string()))?;
    let merged = merge(
        event.subject_pith_number,
        [Candidate::from(read)],
        [],
        &keys,
    );
    if let Some(invalid) = merged.state.invalid_events.first() {
        return Err(failed(invalid.reason.as_str().to_owned()));
    }
    debug_assert_eq!(signing.key.fingerprint(), public.key.fingerprint());
    wire.push(b'\n');
    Ok(wire)
}

/// Says which events the new one names without effect, as far as the ledger knows the paper.
fn warn_of_edges(event: &Event, ledger: Option<&Ledger>, context: &Context) -> Result<(), Failure> {
    let suffix = event.subject_pith_number.suffix();
    let Some(issued) = ledger
        .map(|ledger| ledger.get(suffix))
        .transpose()?
        .flatten()
    else {
        return Ok(());
    };
    let mut merging = Merging::new(event.subject_pith_number);
    for (_, held) in issued.events {
        merging.add_valid(held);
    }
    merging.add_valid(event.clone());
    let merged = merging.merged([]);
    for edge in merged
        .dangling
        .iter()
        .filter(|edge| edge.event_id == event.event_id)
    {
        let (member, names) = (edge.member, edge.names);
        context.warn(&format!(
            "{member} names {names}, which has no effect by what the ledger holds"
        ));
    }
    let groups = merged.state.equivocations.iter();
    if groups
        .flat_map(|group| &group.event_ids)
        .any(|id| *id == event.event_id)
    {
        context.warn("the event contradicts another of its signer after the same prev_event: neither will be applied");
    }
    Ok(())
}

fn write(path: &Path, text: &[u8], force: bool) -> Result<(), Failure> {
    if path == Path::new("-") {
        let mut out = output::stdout();
        out.write_all(text)?;
        return Ok(out.flush()?);
    }
    let existing = if force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    Ok(files::write(path, text, existing)?)
}
