//! No secret is in anything that a registry's whole life prints or writes.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pith::keys::PrivateKey;
use secrecy::ExposeSecret as _;

use crate::common::write_private;
use crate::lived::Life;

/// One more ceremony, with passphrases, printed shares, and mistakes.
const MORE: &str = r#"
fails() { local expected=$1 code=0; shift; "$@" || code=$?; test "$code" = "$expected"; }
room=$PWD
umask 077
export PITH_NOW=2026-10-02T09:00:00Z
pith -C registry ceremony plan --rehearsal --name mistakes rotation --new-key key-4
cd registry/ceremonies/mistakes
pith key generate --id key-4 --new-passphrase-file "$room/first"
fails 6 pith key check key-4 --passphrase-file "$room/second"
pith key rewrap key-4 --passphrase-file "$room/first" --new-passphrase-fd 3 3<"$room/second"
pith --json key check key-4 --passphrase-file "$room/second"
pith key split key-4 --passphrase-file "$room/second" --shares 2 --threshold 2 --printable --out "$room/printed"
pith --json key combine "$room"/printed/*.share-* --out "$room/restored" --new-passphrase-file "$room/first"
pith --json key import "$room/seed" --id key-5 --recipient "$(age-keygen -y "$room/disks/registry/identity.txt")"
fails 2 pith key import "$(cat "$room/seed")" --id key-6 --new-passphrase-file "$room/first"
fails 2 pith key generate --id key-6 --recipient "$(grep AGE-SECRET "$room/disks/registry/identity.txt")"
fails 6 pith key check key-5 --identity "$room/disks/custodian-a/identity.txt"
pith --json keyset draft add key-4 --passphrase-file "$room/second"
pith --json keyset show --draft
pith ceremony log "a seed was typed in a wrong place"
pith ceremony close --witness "$room/disks/custodian-a/custodian-a.age" --identity "$room/disks/custodian-a/identity.txt"
pith ceremony show
pith ceremony verify
pith key list
pith doctor
"#;

/// A secret, in each form in which it could come out.
struct Secret {
    what: String,
    forms: Vec<String>,
}

/// Bytes as text of as many characters, which can be searched.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn plain(what: &str, text: &str) -> Secret {
    Secret {
        what: what.to_owned(),
        forms: vec![
            latin(text.as_bytes()),
            hex::encode(text),
            BASE64_STANDARD.encode(text),
        ],
    }
}

fn key(what: &str, key: &PrivateKey) -> Secret {
    let seed = key.seed();
    let pem = key.to_pkcs8_v1_pem();
    let body = pem.lines().nth(1).unwrap();
    Secret {
        what: what.to_owned(),
        forms: vec![
            latin(&*seed),
            hex::encode(*seed),
            hex::encode_upper(*seed),
            BASE64_STANDARD
                .encode(*seed)
                .trim_end_matches('=')
                .to_owned(),
            body.to_owned(),
        ],
    }
}

fn share(what: &str, share: &str) -> Secret {
    let share: serde_json::Value = serde_json::from_str(share).unwrap();
    let grouped = share["share"].as_str().unwrap();
    let bare: String = grouped
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    assert_eq!(bare.len(), 64, "{grouped}");
    Secret {
        what: what.to_owned(),
        forms: vec![grouped.to_owned(), bare.to_lowercase(), bare],
    }
}

impl Secret {
    fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }
}

/// The files that are there to hold secrets in the clear.
fn holds_secrets(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    let printed = path.parent().unwrap().ends_with("printed") && name.contains(".share-");
    printed || ["identity.txt", "first", "second", "seed"].contains(&name)
}

/// What the sealed files hold, opened by the identities that lie beside the registry.
fn sealed(life: &Life, secrets: &mut Vec<Secret>) {
    let identities: Vec<age::x25519::Identity> =
        ["registry", "custodian-a", "custodian-b", "custodian-c"]
            .iter()
            .map(|who| {
                let text =
                    fs::read_to_string(life.beside(&format!("disks/{who}/identity.txt"))).unwrap();
                text.lines().last().unwrap().parse().unwrap()
            })
            .collect();
    for path in life.files() {
        if path.extension().is_none_or(|ending| ending != "age") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut opened = identities
            .iter()
            .filter_map(|one| age::decrypt(one, &bytes).ok());
        let Some(opened) = opened.next() else {
            continue;
        };
        let opened = String::from_utf8(opened).unwrap();
        let what = path.display().to_string();
        secrets.push(match PrivateKey::from_pkcs8_pem(&opened) {
            Ok(private) => key(&what, &private),
            Err(_) => share(&what, &opened),
        });
    }
}

#[test]
fn no_secret_is_in_anything_that_was_printed_or_written() {
    let life = Life::lead();
    let (first, second) = ("slow brown badger", "quick grey heron");
    let imported = PrivateKey::from_seed(&[0xa7; 32]);
    write_private(&life.beside("first"), first.as_bytes());
    write_private(&life.beside("second"), second.as_bytes());
    write_private(
        &life.beside("seed"),
        hex::encode(*imported.seed()).as_bytes(),
    );
    fs::create_dir(life.beside("restored")).unwrap();
    let more = life.run(MORE).exits(0);

    let mut secrets = vec![
        plain("the first passphrase", first),
        plain("the second passphrase", second),
        key("the imported key", &imported),
    ];
    sealed(&life, &mut secrets);
    let sealed_ones = secrets.len() - 3;
    // Three signing keys in two homes or copies of them, one imported, three custodians, three sets of three shares.
    assert!(sealed_ones >= 3 + 1 + 3 + 9, "{sealed_ones}");
    for path in life.files().iter().filter(|path| holds_secrets(path)) {
        let (text, what) = (
            fs::read_to_string(path).unwrap(),
            path.display().to_string(),
        );
        if path.ends_with("identity.txt") {
            let identity: age::x25519::Identity = text.lines().last().unwrap().parse().unwrap();
            let text = identity.to_string();
            secrets.push(plain(&what, text.expose_secret()));
            secrets.push(plain(&what, &text.expose_secret().to_lowercase()));
        } else if what.contains(".share-") {
            secrets.push(share(&what, &text));
        }
    }

    // Whoever searches finds them where they are meant to be.
    for secret in &secrets {
        for form in &secret.forms {
            assert!(form.len() >= 16, "{}: {form:?}", secret.what);
            assert!(
                secret.is_in(&format!("before{form}after")),
                "{}",
                secret.what
            );
        }
    }
    let meant: Vec<String> = life
        .files()
        .iter()
        .filter(|path| holds_secrets(path))
        .map(|path| latin(&fs::read(path).unwrap()))
        .collect();
    let found = |what: &str| {
        let secret = secrets
            .iter()
            .find(|secret| secret.what.contains(what))
            .unwrap();
        meant.iter().any(|text| secret.is_in(text))
    };
    let known = [
        "first",
        "second",
        "imported",
        "disks/registry/identity.txt",
        "printed/key-4.share-1",
    ];
    assert!(known.into_iter().all(found));
    assert_eq!(
        meant.len(),
        4 + 3 + 2,
        "identities, what was typed, printed shares"
    );

    // And nowhere else.
    let mut searched = 0;
    let printed = [&life.ran, &more].into_iter().flat_map(|ran| {
        let stdout = ("stdout".to_owned(), latin(&ran.stdout));
        [stdout, ("stderr".to_owned(), latin(ran.stderr.as_bytes()))]
    });
    let files = life.files();
    let written = files
        .iter()
        .filter(|path| !holds_secrets(path))
        .map(|path| {
            let text = latin(&fs::read(path).unwrap());
            (path.display().to_string(), text)
        });
    for (place, text) in printed.chain(written) {
        searched += text.len();
        for secret in &secrets {
            assert!(!secret.is_in(&text), "{} is in {place}", secret.what);
            let what = &secret.what;
            let named = place.contains("transcript") && text.contains("AGE-SECRET-KEY");
            assert!(!named, "part of {what} is in {place}");
        }
    }
    assert!(searched > 500_000, "{searched}");
    for part in [
        "transcript.jsonl",
        "transcript.md",
        "keyset-draft.json",
        "ledger.db",
        ".leaves",
    ] {
        let there = files
            .iter()
            .any(|path| path.to_str().unwrap().ends_with(part));
        assert!(there, "{part}");
    }
}
