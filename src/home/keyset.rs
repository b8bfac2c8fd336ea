//! The keyset of a registry home: its own list before a genesis ceremony, then one version after the
//! other, none of which is ever forgotten.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::draft::{lock_folder, read_keyset};
use super::waiting::first_publication;
use super::{Home, HomeError};
use crate::canonical;
use crate::canonical::pretty;
use crate::digest::Digest;
use crate::files::watch::{self, Access, Content};
use crate::files::{self, Existing, FileError};
use crate::keys::{KeyStatus, PublicKeyObject, TrustedKey, TrustedKeys};
use crate::keyset::{Chain, Fault, Faulty, Keyset, KeysetFile, Rule, SafetyPolicy};
use crate::ledger::{Ledger, LedgerError, SeenKeyset};
use crate::text::constant;
use crate::time::Timestamp;

/// What new keysets state: the table `[keyset]` of `registry.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysetSettings {
    /// How many days a key is published before it may be active.
    pub publish_safety_days: u16,
    /// How many days a key stays published after it has ended.
    pub retire_safety_days: u16,
    /// How many days a version counts.
    pub lifetime_days: u16,
}

impl Default for KeysetSettings {
    fn default() -> Self {
        KeysetSettings {
            publish_safety_days: 10,
            retire_safety_days: 30,
            lifetime_days: 365,
        }
    }
}

impl KeysetSettings {
    /// What is wrong with them, if anything is.
    pub(super) fn fault(&self) -> Option<String> {
        let all = [
            ("publish_safety_days", self.publish_safety_days),
            ("retire_safety_days", self.retire_safety_days),
            ("lifetime_days", self.lifetime_days),
        ];
        let most = SafetyPolicy::MOST_DAYS;
        let (name, days) = all.into_iter().find(|(_, days)| *days > most)?;
        Some(format!("keyset: {name} is {days}, and {most} is the most"))
    }

    /// As a first keyset states them.
    pub fn policy(&self) -> SafetyPolicy {
        SafetyPolicy {
            publish_safety_seconds: SafetyPolicy::seconds_of(self.publish_safety_days),
            retire_safety_seconds: SafetyPolicy::seconds_of(self.retire_safety_days),
        }
    }

    /// Until when a version counts that is made now.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        let lifetime = i64::from(SafetyPolicy::seconds_of(self.lifetime_days));
        Timestamp::from_unix(now.unix().saturating_add(lifetime)).unwrap_or(now)
    }
}

constant! {
    /// The version of the form of what a home remembers.
    SeenVersion = "1.0"
}

/// What a home remembers of the versions that it has published: `keys/history/published.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    schema_version: SeenVersion,
    versions: Vec<Published>,
}

/// What a home goes by.
#[derive(Debug, Clone, PartialEq)]
pub enum InForce {
    /// Its own list of keys: no genesis has taken place.
    Bootstrap(TrustedKeys),
    /// The versions of its keyset, which keep all rules.
    Chain(Chain),
}

/// A version that a home has published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Which.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
    /// When, by the home's clock.
    pub published_at: Timestamp,
}

impl Home {
    /// The file of the keyset in force.
    pub fn keyset_path(&self) -> PathBuf {
        self.dir.join("keys/keyset.json")
    }

    /// The file in which a version is kept for good.
    pub fn history_path(&self, version: u32) -> PathBuf {
        self.dir.join(format!("keys/history/keyset-{version}.json"))
    }

    /// The folder of what ended keys have signed.
    pub fn logs_dir(&self) -> PathBuf {
        self.dir.join("keys/logs")
    }

    /// The public form of the key that signs, as the registry publishes it.
    pub fn signing_key_path(&self) -> PathBuf {
        self.dir.join("keys/pith-signing-key.json")
    }

    fn seen_path(&self) -> PathBuf {
        self.dir.join("keys/history/published.json")
    }

    /// The keys that this home trusts.
    ///
    /// # Errors
    /// [`HomeError`] if the keyset cannot be read, is malformed or breaks its rules.
    pub fn trusted_keys(&self) -> Result<TrustedKeys, HomeError> {
        Ok(match self.in_force()? {
            InForce::Chain(chain) => chain.latest().trusted_keys(),
            InForce::Bootstrap(keys) => keys,
        })
    }

    /// Whether the keyset is the home's own list of keys, into which a new key may go: custodians
    /// decide over any other.
    ///
    /// # Errors
    /// As [`in_force`](Self::in_force).
    pub fn in_bootstrap(&self) -> Result<bool, HomeError> {
        Ok(self.chain()?.is_none())
    }

    /// The versions of the home's keyset, from the first to the one in force; `None` in bootstrap.
    ///
    /// # Errors
    /// As [`in_force`](Self::in_force).
    pub fn chain(&self) -> Result<Option<Chain>, HomeError> {
        Ok(match self.in_force()? {
            InForce::Chain(chain) => Some(chain),
            InForce::Bootstrap(_) => None,
        })
    }

    /// What this home goes by, of one reading of its keyset's file.
    ///
    /// # Errors
    /// As [`trusted_keys`](Self::trusted_keys); a home never goes back behind what it has published,
    /// nor behind what its ledger has seen.
    pub fn in_force(&self) -> Result<InForce, HomeError> {
        // A publication could have ended while its files were read one by one, and another one.
        for _ in 0..2 {
            match self.read_in_force() {
                Err(HomeError::Keyset { source, .. }) if source.breaks(Rule::History) => {}
                read => return read,
            }
        }
        self.read_in_force()
    }

    fn read_in_force(&self) -> Result<InForce, HomeError> {
        let seen = self.published()?;
        let ledger = self.seen_by_ledger()?;
        let path = self.keyset_path();
        let latest = match self.keyset_file()? {
            KeysetFile::Keyset(latest) => *latest,
            KeysetFile::Bootstrap(keys) => {
                let published = seen.last().map(Known::from);
                let highest = published
                    .into_iter()
                    .chain(ledger)
                    .max_by_key(|k| k.version);
                let Some(known) = highest else {
                    return Ok(InForce::Bootstrap(keys));
                };
                let fault = known.rolled_back("is the list that the home began with".to_owned());
                return Err(broken(path, 0, fault));
            }
        };
        let version = latest.version;
        if latest.registry_id != self.profile.registry_id {
            let (id, home) = (&latest.registry_id, &self.profile.registry_id);
            let fault = Fault::new(
                Rule::Registry,
                "the keyset",
                format!("is of {id}, in the home of {home}"),
            );
            return Err(broken(path, version, fault));
        }
        let mut versions = Vec::new();
        for earlier in 1..version {
            match read_keyset(&self.history_path(earlier))? {
                Some(keyset) => versions.push(keyset),
                None => {
                    let path = self.history_path(earlier);
                    let fault =
                        Fault::new(Rule::History, format!("version {earlier}"), "is missing");
                    return Err(broken(path, version, fault));
                }
            }
        }
        versions.push(latest);
        let chain = Chain::of(versions).expect("the version in force is one of them");
        let chain = chain.map_err(|source| HomeError::Keyset {
            path: path.clone(),
            source,
        })?;
        if chain.versions()[0].version != 1 {
            let fault = Fault::new(Rule::History, "the first version", "is missing");
            return Err(broken(path, version, fault));
        }
        let mut known = seen.iter().map(Known::from).chain(ledger);
        if let Some(fault) = known.find_map(|known| known.fault_of(&chain)) {
            return Err(broken(path, version, fault));
        }
        self.all_seen(&chain, &seen)?;
        Ok(InForce::Chain(chain))
    }

    /// The highest version that the ledger has seen. One that is lost, or cannot be read, has no memory:
    /// what needs a ledger says so itself.
    fn seen_by_ledger(&self) -> Result<Option<Known>, HomeError> {
        if !self.asks_ledger {
            return Ok(None);
        }
        let Ok(ledger) = Ledger::open_read_only(&self.ledger_path()) else {
            return Ok(None);
        };
        let seen = ledger.seen_keyset()?;
        Ok(seen.map(|SeenKeyset { version, digest }| Known {
            version,
            digest,
            by: "ledger has seen",
        }))
    }

    /// Has the ledger remember the version in force, so that an older copy of `keys/` is noticed.
    ///
    /// # Errors
    /// Those of the ledger; of [`in_force`](Self::in_force).
    pub fn tell_ledger(&self, ledger: &mut Ledger) -> Result<(), HomeError> {
        let Some(chain) = self.chain()? else {
            return Ok(());
        };
        let (version, digest) = (chain.latest().version, chain.latest().digest());
        Ok(ledger.see_keyset(&SeenKeyset { version, digest })?)
    }

    /// As [`tell_ledger`](Self::tell_ledger), of the home's own ledger, if it is not lost.
    fn tell_own_ledger(&self, version: u32, digest: Digest) -> Result<(), HomeError> {
        let path = self.ledger_path();
        let mut ledger = match Ledger::open(&path) {
            Err(LedgerError::Missing { .. }) => return Ok(()),
            opened => opened?,
        };
        watch::note(&path, Access::Written, || Content::Database);
        Ok(ledger.see_keyset(&SeenKeyset { version, digest })?)
    }

    /// Whether it is known of all versions when they were published: how long keys wait depends on it.
    /// Of the latest it is not yet known where its publication was cut off, and then its draft is there.
    fn all_seen(&self, chain: &Chain, seen: &[Published]) -> Result<(), HomeError> {
        let known = |version| seen.iter().any(|known| known.version == version);
        let latest = chain.latest().version;
        let missing = (1..=latest).find(|version| !known(*version));
        let Some(missing) = missing else {
            return Ok(());
        };
        let is_drafted = || {
            Ok::<_, HomeError>(
                self.draft()?.map(|draft| draft.digest()) == chain.digest_of(latest).copied(),
            )
        };
        if missing == latest && is_drafted()? {
            return Ok(());
        }
        let path = self.seen_path();
        let message = format!("does not stand in {}", path.display());
        let fault = Fault::new(Rule::History, format!("version {missing}"), message);
        Err(broken(path, latest, fault))
    }

    /// Whether the publication of the latest version was cut off: publishing again completes it.
    ///
    /// # Errors
    /// As [`published`](Self::published).
    pub fn is_cut_off(&self, chain: &Chain) -> Result<bool, HomeError> {
        let latest = chain.latest().version;
        Ok(self.published()?.iter().all(|seen| seen.version != latest))
    }

    /// The versions that this home has published, in their order.
    ///
    /// # Errors
    /// [`HomeError`] if the file is malformed or cannot be read.
    pub fn published(&self) -> Result<Vec<Published>, HomeError> {
        let path = self.seen_path();
        let Some(bytes) = read_if_there(&path)? else {
            return Ok(Vec::new());
        };
        let seen: Seen = canonical::from_slice(&bytes).map_err(malformed(path))?;
        Ok(seen.versions)
    }

    /// What `next` breaks as this home's next version at `now`, signatures aside.
    ///
    /// # Errors
    /// [`HomeError`] if what the home has breaks the rules itself.
    pub fn content_faults(
        &self,
        chain: Option<&Chain>,
        next: &Keyset,
        now: Timestamp,
    ) -> Result<Vec<Fault>, HomeError> {
        let mut faults = match chain {
            Some(chain) => chain.content_faults(next),
            None => next.content_faults(),
        };
        if chain.is_none() && next.version != 1 {
            let message = format!("is {}, and this home has no version yet", next.version);
            faults.push(Fault::new(Rule::Link, "version", message));
        }
        if next.registry_id != self.profile.registry_id {
            let (id, home) = (&next.registry_id, &self.profile.registry_id);
            let message = format!("is of {id}, in the home of {home}");
            faults.push(Fault::new(Rule::Registry, "the keyset", message));
        }
        if next.is_yet_to_come(now) || next.has_expired(now) {
            let (made, ends) = (next.created_at, next.expires_at);
            let message = format!("is made at {made} and expires at {ends}, and now it is {now}");
            faults.push(Fault::new(Rule::Dates, "the keyset", message));
        }
        if let Some(chain) = chain {
            let published = self.published()?;
            faults.extend(too_early(chain, next, &published, now));
        }
        Ok(faults)
    }

    /// Puts `next` in force: it has to keep all rules. A crash at any moment leaves the old version
    /// in force or the new one, and publishing again completes it.
    ///
    /// # Errors
    /// [`HomeError::Keyset`] with all that it breaks; those of files.
    pub fn publish(&self, next: &Keyset, now: Timestamp) -> Result<(), HomeError> {
        let _lock = self.lock_keys()?;
        let chain = self.chain()?;
        let digest = next.digest();
        let in_force = chain.as_ref().map(Chain::latest);
        if in_force.is_none_or(|latest| latest.digest() != digest) {
            let mut faults = self.content_faults(chain.as_ref(), next, now)?;
            faults.extend(next.signature_faults(in_force));
            if !faults.is_empty() {
                let (path, version) = (self.draft_path(), next.version);
                let source = Faulty { version, faults };
                return Err(HomeError::Keyset { path, source });
            }
            let history = self.dir.join("keys/history");
            fs::create_dir_all(&history).map_err(FileError::io("make the folder", &history))?;
            files::sync_folder(&self.dir.join("keys"))?;
            // Somebody may have removed or changed the copy of what is in force, and it is about to be the
            // only one.
            if let Some(latest) = in_force {
                let kept = self.history_path(latest.version);
                files::write(&kept, &pretty(latest), Existing::Replace)?;
            }
            let bytes = pretty(next);
            // What is in force is kept for good first: one that is kept and not in force does no harm.
            files::write(&self.history_path(next.version), &bytes, Existing::Replace)?;
            files::write(&self.keyset_path(), &bytes, Existing::Replace)?;
        }
        self.place_leaves(next)?;
        self.write_signing_key(next)?;
        self.remember(next.version, digest, now)?;
        self.tell_own_ledger(next.version, digest)?;
        // Somebody may have begun another one meanwhile.
        match self.draft()? {
            Some(draft) if draft.digest() == digest => remove_if_there(&self.draft_path()),
            _ => Ok(()),
        }
    }

    fn remember(&self, version: u32, digest: Digest, now: Timestamp) -> Result<(), HomeError> {
        let mut versions = self.published()?;
        if versions.last().is_some_and(|last| last.version >= version) {
            return Ok(());
        }
        versions.push(Published {
            version,
            digest,
            published_at: now,
        });
        let seen = Seen {
            schema_version: SeenVersion,
            versions,
        };
        Ok(files::write(
            &self.seen_path(),
            &pretty(&seen),
            Existing::Replace,
        )?)
    }

    /// In an emergency there is none to publish, and an ended one must not stay.
    fn write_signing_key(&self, keyset: &Keyset) -> Result<(), HomeError> {
        let path = self.signing_key_path();
        match keyset.active().next() {
            Some(entry) => Ok(files::write(&path, &pretty(&entry.key), Existing::Replace)?),
            None => remove_if_there(&path),
        }
    }

    fn keyset_file(&self) -> Result<KeysetFile, HomeError> {
        let path = self.keyset_path();
        let bytes = files::read_of_folder(&path)?;
        KeysetFile::from_slice(&bytes).map_err(malformed(path))
    }

    pub(super) fn write_own_keys(&self, keys: &TrustedKeys) -> Result<(), HomeError> {
        let bytes = pretty(keys);
        Ok(files::write(
            &self.keyset_path(),
            &bytes,
            Existing::Replace,
        )?)
    }

    /// Two commands at once must not lose a key of one of them, nor make two active, nor lose what one
    /// of them did to a draft.
    fn lock_keys(&self) -> Result<File, HomeError> {
        lock_folder(&self.dir.join("keys"))
    }

    /// Publishes a key of this registry in the home. In bootstrap the home trusts it from then on: as
    /// the active one, or as the next if there is an active one. Once there is a keyset, only its
    /// custodians say what is trusted, and the answer is `None`. The sealed private key must be
    /// written before, so that no key is ever trusted that nobody holds.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn add_key(&self, object: &PublicKeyObject) -> Result<Option<KeyStatus>, HomeError> {
        let _lock = self.lock_keys()?;
        let path = self.public_key_path(&object.key_id);
        let (mut keys, in_bootstrap) = match self.in_force()? {
            InForce::Bootstrap(keys) => (keys, true),
            InForce::Chain(chain) => (chain.latest().trusted_keys(), false),
        };
        let signer_id = Some(self.profile.registry_id.clone());
        let mut entry = TrustedKey::of_registry(object.clone(), signer_id);
        if keys.active().next().is_some() {
            entry.status = KeyStatus::Next;
        }
        let status = entry.status;
        if super::read_public_key(&path).ok().as_ref() != Some(object) {
            files::write(&path, &pretty(object), Existing::Keep)?;
        }
        if !in_bootstrap {
            return Ok(None);
        }
        keys.keys.push(entry);
        self.write_own_keys(&keys)?;
        Ok(Some(status))
    }
}

/// A version that a home is known to have gone by, and how it is known.
struct Known {
    version: u32,
    digest: Digest,
    by: &'static str,
}

impl From<&Published> for Known {
    fn from(published: &Published) -> Self {
        Known {
            version: published.version,
            digest: published.digest,
            by: "home has published",
        }
    }
}

impl Known {
    /// What `chain` breaks if it goes back behind this version, or holds another one of its number.
    fn fault_of(&self, chain: &Chain) -> Option<Fault> {
        let latest = chain.latest().version;
        match chain.digest_of(self.version) {
            Some(digest) if *digest == self.digest => None,
            Some(digest) => Some(Fault::new(
                Rule::Rollback,
                format!("version {}", self.version),
                format!(
                    "has the digest {digest}, and the {} it with the digest {}",
                    self.by, self.digest
                ),
            )),
            None => Some(self.rolled_back(format!("is version {latest}"))),
        }
    }

    fn rolled_back(&self, found: String) -> Fault {
        let (version, digest) = (self.version, self.digest);
        let message = format!(
            "{found}, and the {} version {version}, digest {digest}",
            self.by
        );
        Fault::new(Rule::Rollback, "the keyset", message)
    }
}

/// Keys that would be active too soon after the home has really published them: a draft may have been
/// made long before.
fn too_early(chain: &Chain, next: &Keyset, published: &[Published], now: Timestamp) -> Vec<Fault> {
    let latest = chain.latest();
    let begins = next.active().filter(|entry| {
        let before = latest.named(&entry.key.key_id);
        before.is_some_and(|before| before.status == KeyStatus::Next)
    });
    begins
        .filter_map(|entry| {
            let id = &entry.key.key_id;
            let seen = first_publication(published, chain, id);
            // What is not known to be published is published now at the earliest.
            let since = seen.map_or(now, |seen| seen.published_at);
            let safety = chain.publish_safety(next, entry.published_at);
            let due = since.unix().saturating_add(safety.into());
            (now.unix() < due).then(|| {
                let until = Timestamp::from_unix(due).map_or_else(
                    || format!("{safety} seconds from then"),
                    |due| format!("until {due}"),
                );
                let message = format!("was published at {since} only, and has to wait {until}");
                Fault::new(Rule::PublishSafety, format!("key {id}"), message)
            })
        })
        .collect()
}

fn broken(path: PathBuf, version: u32, fault: Fault) -> HomeError {
    let faults = vec![fault];
    let source = Faulty { version, faults };
    HomeError::Keyset { path, source }
}

pub(super) fn malformed(path: PathBuf) -> impl FnOnce(canonical::DecodeError) -> HomeError {
    move |error| HomeError::Malformed {
        path,
        message: error.to_string(),
    }
}

pub(super) fn read_if_there(path: &std::path::Path) -> Result<Option<Vec<u8>>, HomeError> {
    match files::read_of_folder(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn remove_if_there(path: &std::path::Path) -> Result<(), HomeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileError::io("remove", path)(error).into()),
        Ok(()) => Ok(files::sync_folder(files::folder_of(path))?),
    }
}
