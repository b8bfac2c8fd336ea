//! Where a new key goes: its two files, and in a home in bootstrap its keyset.

use std::path::Path;

use serde::Serialize;

use super::locate::{KeyFiles, halves_differ, read_public_half};
use crate::canonical::pretty;
use crate::cli::context::{Context, JSON_SCHEMA};
use crate::cli::error::{Exit, Failure};
use crate::cli::output;
use crate::files::{self, Existing};
use crate::home::Home;
use crate::keys::{
    CustodianKey, KeyId, KeyStatus, PrivateKey, PublicHalf, PublicKey, PublicKeyObject, Role,
    write_key_file,
};

/// The place of a key that is yet to be written: found to be free before anybody is asked for a
/// passphrase.
#[derive(Debug)]
pub struct Place {
    id: KeyId,
    role: Role,
    files: KeyFiles,
    /// The home, if there is one: a signing key needs its address.
    home: Option<Home>,
    /// Whether the files are the home's own.
    in_home: bool,
    /// The public half that stands there already, if that is allowed.
    known: Option<PublicHalf>,
}

/// Whether a public file may be there before its private one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The key is new, so neither file may be there.
    Nothing,
    /// The key is restored: its public file may be there, and is then the one to match.
    PublicHalf,
}

/// What became of a new key.
#[derive(Serialize)]
struct Stored<'a> {
    schema_version: &'static str,
    key_id: &'a KeyId,
    status: &'static str,
    fingerprint_sha256_hex: String,
    private_key: String,
    public_key: String,
    role: Role,
}

impl Place {
    /// The place of the key `id`: the folder `out`, or the home's `keys/`.
    pub fn find(
        context: &Context,
        id: &KeyId,
        role: Role,
        out: Option<&Path>,
        known: Known,
    ) -> Result<Self, Failure> {
        let home = match (role, out) {
            (_, None) => Some(context.home()?),
            (Role::Signing, Some(_)) => context.home_if_any()?,
            (Role::Custodian, Some(_)) => None,
        };
        let files = match (out, &home) {
            (None, Some(home)) => KeyFiles::in_home(home, id),
            (folder, _) => KeyFiles::in_folder(folder.unwrap_or(Path::new("")), id),
        };
        let in_home = out.is_none();
        if let Some(folder) = out.filter(|folder| !folder.is_dir()) {
            let problem = format!("there is no folder {}", folder.display());
            return Err(Failure::new(Exit::Io, problem)
                .hint(format!("make it first: mkdir -m 700 {}", folder.display())));
        }
        let mut place = Place {
            id: id.clone(),
            role,
            files,
            home,
            in_home,
            known: None,
        };
        place.refuse_what_is_there(known)?;
        Ok(place)
    }

    fn refuse_what_is_there(&mut self, known: Known) -> Result<(), Failure> {
        let id = &self.id;
        let exists = || {
            Failure::new(Exit::Refused, format!("the key {id} exists already")).hint(match known {
                Known::Nothing => "a key is never overwritten; choose another --id",
                Known::PublicHalf => {
                    "a key is never overwritten; move its .age file away, or name another folder with --out"
                }
            })
        };
        if let Some(home) = self.home.as_ref().filter(|_| self.in_home) {
            let taken = [
                home.keyset_path(),
                home.draft_path(),
                home.signing_key_path(),
            ];
            if taken.contains(&self.files.public) || id.as_str().ends_with(".commitments") {
                let problem = format!("{id}.json is the name of another file of the home");
                return Err(Failure::new(Exit::Usage, problem).hint("choose another --id"));
            }
            if known == Known::Nothing
                && home.in_bootstrap()?
                && home.trusted_keys()?.named(id).is_some()
            {
                return Err(exists());
            }
        }
        let private = &self.files.private;
        let public = self.files.public.symlink_metadata().is_ok();
        if private.symlink_metadata().is_ok() {
            if public {
                return Err(exists());
            }
            let private = private.display();
            let problem = format!("{private} is there, but there is no public half of a key {id}");
            return Err(Failure::new(Exit::Refused, problem).hint(
                "if an earlier attempt was cut off, nothing was signed with it: move the file \
                 away, and run this again",
            ));
        }
        match known {
            Known::Nothing if public => Err(exists()),
            Known::PublicHalf if public => {
                let half = read_public_half(&self.files.public)?;
                if half.key_id() != id || half.role() != self.role {
                    let path = self.files.public.display();
                    let problem = format!(
                        "{path} is not the public half of the {} key {id}",
                        self.role
                    );
                    return Err(Failure::new(Exit::Refused, problem)
                        .hint("move it away, or choose another folder with --out"));
                }
                self.known = Some(half);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The public half of `key` as it will be written, or as it stands there.
    pub fn public_half(&self, key: &PrivateKey) -> Result<PublicHalf, Failure> {
        let key = PublicKey::from(key.verifying_key());
        if let Some(half) = &self.known {
            if *half.key() == key {
                return Ok(half.clone());
            }
            let problem = format!(
                "the key's fingerprint is {}, but {} is the public half of {}",
                key.fingerprint(),
                self.files.public.display(),
                half.fingerprint()
            );
            return Err(
                Failure::new(Exit::Refused, problem).hint("find out which key is the wanted one")
            );
        }
        let key_id = self.id.clone();
        let home = match self.role {
            Role::Custodian => return Ok(PublicHalf::Custodian(CustodianKey { key_id, key })),
            Role::Signing => self.home.as_ref(),
        };
        let base_url = &home.ok_or_else(|| self.needs_home())?.profile.base_url;
        let object = PublicKeyObject::of_registry(key, key_id, base_url);
        Ok(PublicHalf::Signing(object))
    }

    fn needs_home(&self) -> Failure {
        let problem = format!(
            "the public file of signing key {} has the registry's address in it, and there is no registry home here",
            self.id
        );
        Failure::new(Exit::Usage, problem).hint(format!(
            "name the home with -C DIR, or put the key's public file in its place first: {}",
            self.files.public.display()
        ))
    }

    /// Writes the sealed private half, then the public one, so that none is published that nobody
    /// holds; says where, and what happens next.
    pub fn write(
        &self,
        context: &Context,
        public: &PublicHalf,
        sealed: &[u8],
        made: &str,
    ) -> Result<(), Failure> {
        write_key_file(&self.files.private, sealed)?;
        let status = self.publish(public)?;
        let (id, fingerprint) = (&self.id, public.fingerprint());
        let shown = status.map_or(self.role.as_str(), KeyStatus::as_str);
        context.note(&format!(
            "{made} key {id}, fingerprint {fingerprint}, {shown}"
        ));
        context.note(&format!(
            "private key: {} (back it up now{})",
            self.files.private.display(),
            match made {
                "restored" => "",
                _ => "; nobody can restore it",
            }
        ));
        context.note(&format!("public key: {}", self.files.public.display()));
        match (self.role, status) {
            (Role::Signing, Some(KeyStatus::Next)) => context
                .note("another key is active and goes on signing; this one signs nothing yet"),
            (Role::Signing, Some(KeyStatus::Retired | KeyStatus::Revoked)) => {
                context.warn("the keyset has this key as ended: it signs nothing any more");
            }
            (Role::Signing, None) => context.note(
                "no keyset holds this key yet, so it signs nothing: `pith keyset draft add` proposes it to the custodians",
            ),
            _ => {}
        }
        if context.json() {
            output::json(&Stored {
                schema_version: JSON_SCHEMA,
                key_id: id,
                status: status.map_or("unlisted", KeyStatus::as_str),
                fingerprint_sha256_hex: fingerprint.to_string(),
                private_key: self.files.private.display().to_string(),
                public_key: self.files.public.display().to_string(),
                role: self.role,
            })?;
        }
        Ok(())
    }

    /// Puts the public half in its place, and into the keyset of a home in bootstrap. After a
    /// genesis only custodians change the keyset.
    fn publish(&self, public: &PublicHalf) -> Result<Option<KeyStatus>, Failure> {
        if let (PublicHalf::Signing(object), Some(home), true) = (public, &self.home, self.in_home)
            && home.in_bootstrap()?
        {
            return match home.trusted_keys()?.named(&self.id) {
                Some(entry) if entry.key.key == object.key => Ok(Some(entry.status)),
                Some(_) => Err(halves_differ(&self.files)),
                None => Ok(home.add_key(object)?),
            };
        }
        if self.known.is_none() {
            files::write(&self.files.public, &pretty(public), Existing::Keep)?;
        }
        // A restored key is what it was. One that is put elsewhere does not need the home to be sound.
        let trusted = match &self.home {
            Some(home) if self.in_home => Some(home.trusted_keys()?),
            Some(home) => home.trusted_keys().ok(),
            None => None,
        };
        let entry = trusted.and_then(|keys| keys.find(public.key()).cloned());
        Ok(entry.map(|entry| entry.status))
    }
}
