//! A registry that mints as a library does it.

use pith::arxiv::{Metadata, Paper, ReadOptions, VersionEntry};
use pith::home::Home;
use pith::keys::{
    PrivateKey, PublicKey, PublicKeyObject, Signer, SoftwareKey, TrustedKey, TrustedKeys,
};
use pith::ledger::Ledger;
use pith::mint::{Group, Issuer, MintError, OnChange, SelfCheck, plan, record};
use pith::time::TimestampMicros;
use pith::verify::Trust;
use tempfile::TempDir;

pub fn now() -> TimestampMicros {
    "2026-05-18T00:30:44.452550Z".parse().unwrap()
}

pub struct Registry {
    pub home: Home,
    pub key: SoftwareKey,
    pub keyset: TrustedKeys,
    _folder: TempDir,
}

impl Registry {
    pub fn new(id: &str, url: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let home = Home::init(folder.path(), id, url).unwrap();
        let private = PrivateKey::from_seed(&[7; 32]);
        let public = PublicKey::from(private.verifying_key());
        let object = PublicKeyObject::of_registry(public, "test-key".parse().unwrap(), url);
        let entry = TrustedKey::of_registry(object.clone(), Some(id.to_owned()));
        Registry {
            home,
            key: SoftwareKey::new(private, object).unwrap(),
            keyset: TrustedKeys::new(vec![entry]),
            _folder: folder,
        }
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::open(&self.home.ledger_path()).unwrap()
    }

    /// Trusts this registry alone.
    pub fn trust(&self) -> Trust {
        let mut trust = Trust::new();
        trust.add("the home's", self.keyset.clone());
        trust
    }

    pub fn mint(
        &self,
        ledger: &mut Ledger,
        signer: &dyn Signer,
        papers: &[Paper],
        self_check: SelfCheck,
    ) -> Result<Group, MintError> {
        let profile = &self.home.profile;
        let issuer = Issuer::new(profile, signer, &self.keyset, ledger, self_check)?;
        let prepared = papers.iter().map(|paper| issuer.prepare(paper));
        let prepared = prepared.collect::<Result<_, _>>()?;
        ledger.group(|ledger| {
            let items = plan(ledger, prepared, OnChange::Keep, true)?;
            let group = issuer.carry_out(items, now(), true)?;
            record(ledger, &group)?;
            Ok(group)
        })
    }
}

pub fn example() -> Registry {
    Registry::new("registry.invalid", "https://registry.invalid")
}

/// A paper with these texts.
pub fn paper(id: &str, title: &str, authors: &str, abstract_text: &str, categories: &str) -> Paper {
    let metadata = Metadata {
        id: Some(id),
        versions: vec![VersionEntry {
            version: "v1",
            date: Some("Thu, 1 Feb 2024 12:00:01 GMT"),
        }],
        title: Some(title),
        abstract_text: Some(abstract_text),
        authors: Some(authors),
        categories: Some(categories),
        license: None,
    };
    let options = ReadOptions {
        allow_non_ascii: true,
    };
    Paper::new(&metadata, options).unwrap()
}

pub fn numbered(n: usize) -> Paper {
    let id = format!("2402.{n:05}");
    paper(&id, "On a thing", "A. Placeholder", &id, "math.GT cs.DL")
}
