//! `pith demo`: a throw-away registry, from nothing to verified bundles.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::context::{Context, JSON_SCHEMA};
use super::error::{Exit, Failure};
use super::output;
use crate::arxiv::{Item, Paper, ReadOptions, Reader};
use crate::files::{self, Existing, FileError};
use crate::home::Home;
use crate::keys::{
    NoPrompts, PrivateKey, Protection, PublicKey, PublicKeyObject, SoftwareKey, TrustedKeys,
    harden, seal, write_key_file,
};
use crate::ledger::Ledger;
use crate::mint::{Group, Issuer, MintError, OnChange, SelfCheck, plan, record};
use crate::number::PithNumber;
use crate::time::Timestamp;
use crate::verify::{Policy, Trust, Verdict, verify_document};

/// Make a throw-away registry: key, sample papers, bundles, all verified
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// A folder that does not exist yet [default: a new one among the temporary files]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made {
    schema_version: &'static str,
    home: String,
    numbers: Vec<PithNumber>,
}

const PAPERS: &str = include_str!("../../templates/demo/papers.jsonl");
const PUBLISHED: &[u8] = include_bytes!("../../tests/vectors/bundle-1706.02379v3.json");

pub fn run(args: DemoArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = folder(args.dir)?;
    let now = context.now().seconds();
    // With --json only the object at the end is data.
    let mut out: Box<dyn std::io::Write> = if context.json() {
        Box::new(std::io::sink())
    } else {
        Box::new(output::stdout())
    };
    let home = Home::init(&dir, "demo.invalid", "https://demo.invalid")?;
    writeln!(out, "1. A registry home: {}", dir.display())?;

    harden()?;
    context.warn_of_fixed_time();
    let key = make_key(&home)?;
    writeln!(
        out,
        "2. A key, sealed for an age identity beside it (a real one belongs elsewhere):\n   {}",
        key.public().key.fingerprint()
    )?;

    let input = dir.join("papers.jsonl");
    files::write(&input, PAPERS.as_bytes(), Existing::Keep)?;
    let papers = read(&input)?;
    writeln!(
        out,
        "3. {} sample papers, invented: {}",
        papers.len(),
        input.display()
    )?;

    let (mut ledger, _lock) = context.locked_ledger(&home)?;
    let minted = mint(&home, &key, &mut ledger, &papers, context)?;
    writeln!(out, "4. Minted:")?;
    let mut trust = Trust::new();
    trust.add("the demo's keyset", home.trusted_keys()?);
    for (place, done) in minted.outcomes.iter().enumerate() {
        let wire = minted.bundles.get(place).unwrap_or_default();
        let file = dir.join(format!("bundles/{}.json", done.number.suffix()));
        files::write(&file, wire, Existing::Keep)?;
        verified(wire, &trust, now, &file.display().to_string())?;
        writeln!(out, "   {}  arXiv:{}", done.number, done.arxiv)?;
    }
    writeln!(
        out,
        "5. {} bundles written and verified: {}",
        minted.outcomes.len(),
        dir.join("bundles").display()
    )?;

    let published = dir.join("bundle-1706.02379v3.json");
    files::write(&published, PUBLISHED, Existing::Keep)?;
    let mut trust = Trust::new();
    trust.add("the built-in keyset", TrustedKeys::built_in());
    verified(PUBLISHED, &trust, now, "the published bundle")?;
    writeln!(
        out,
        "6. A bundle that pith.science published, verified with its built-in key: {}",
        published.display()
    )?;
    let dir = dir.display();
    writeln!(
        out,
        "\nTry:  pith verify {dir}/bundle-1706.02379v3.json\n      \
         pith -C {dir} show 2401.99001\n      pith -C {dir} verify {dir}/bundles\n\
         Remove it all:  rm -r {dir}"
    )?;
    out.flush()?;
    if context.json() {
        output::json(&Made {
            schema_version: JSON_SCHEMA,
            home: home.dir().display().to_string(),
            numbers: minted.outcomes.iter().map(|done| done.number).collect(),
        })?;
    }
    Ok(Exit::Done)
}

fn mint(
    home: &Home,
    key: &SoftwareKey,
    ledger: &mut Ledger,
    papers: &[Paper],
    context: &Context,
) -> Result<Group, Failure> {
    let keyset = home.trusted_keys()?;
    let issuer = Issuer::new(&home.profile, key, &keyset, ledger, SelfCheck::Strict)?;
    let papers = papers.iter().map(|paper| issuer.prepare(paper));
    let papers = papers.collect::<Result<_, _>>()?;
    Ok(ledger.group::<_, MintError>(|ledger| {
        let items = plan(ledger, papers, OnChange::Keep, true)?;
        let group = issuer.carry_out(items, context.now(), true)?;
        record(ledger, &group)?;
        Ok(group)
    })?)
}

fn folder(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    match named {
        Some(dir) => {
            std::fs::create_dir(&dir).map_err(FileError::io("make the folder", &dir))?;
            Ok(dir)
        }
        None => {
            let dir = tempfile::Builder::new().prefix("pith-demo-").tempdir();
            let dir = dir.map_err(FileError::io("make a folder in", &std::env::temp_dir()))?;
            Ok(dir.keep())
        }
    }
}

/// A key that opens without a passphrase: the identity lies beside it, as only a demo may do.
fn make_key(home: &Home) -> Result<SoftwareKey, Failure> {
    let identity = age::x25519::Identity::generate();
    let identity_path = home.dir().join("keys/demo-identity.txt");
    let text = identity.to_string();
    let recipient = identity
        .to_public()
        .to_string()
        .parse()
        .map_err(|_| Failure::new(Exit::Io, "the demo's recipient cannot be read"))?;
    write_key_file(
        &identity_path,
        format!("{}\n", text.expose_secret()).as_bytes(),
    )?;

    let id = "demo-key".parse().expect("a key id");
    let private = PrivateKey::generate(&mut rand::rng());
    let sealed = seal(
        &private,
        &Protection::Recipients(vec![recipient]),
        Arc::new(NoPrompts),
    )?;
    let path = home.private_key_path(&id);
    write_key_file(&path, &sealed)?;
    let key = PublicKey::from(private.verifying_key());
    let object = PublicKeyObject::of_registry(key, id, &home.profile.base_url);
    home.add_key(&object)?;
    SoftwareKey::new(private, object)
        .map_err(|error| Failure::new(Exit::Refused, error.to_string()))
}

fn read(input: &Path) -> Result<Vec<Paper>, Failure> {
    let reader = Reader::open(
        &[input.to_owned()],
        Box::new(std::io::empty()),
        ReadOptions::default(),
    )?;
    let mut papers = Vec::new();
    for item in reader {
        match item? {
            Item::Paper { paper, .. } => papers.push(*paper),
            Item::Rejected(rejection) => {
                return Err(Failure::new(
                    Exit::Io,
                    format!("a sample was rejected: {}", rejection.message),
                ));
            }
            _ => {}
        }
    }
    Ok(papers)
}

fn verified(bundle: &[u8], trust: &Trust, now: Timestamp, name: &str) -> Result<(), Failure> {
    let policy = Policy {
        trust,
        expect: None,
        at: None,
        now,
    };
    let report = verify_document(bundle, &policy);
    match report.verdict() {
        Verdict::Verified => Ok(()),
        _ => {
            let why = report
                .decisive()
                .map(ToString::to_string)
                .unwrap_or_default();
            Err(Failure::new(
                Exit::Refused,
                format!("{name} does not verify: {why}"),
            ))
        }
    }
}
