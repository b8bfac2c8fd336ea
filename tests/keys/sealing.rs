use std::sync::Arc;

use pith::keys::{
    Identities, IdentityFile, NewPassphrase, NoPrompts, Protection, Recipient, RecipientError,
    SealError, SealedKey, Unlock, WeakPassphrase, seal,
};
use secrecy::ExposeSecret;

use super::{PASSPHRASE, rfc_key, secret};

/// The recipients of the age crate's own tests.
const TAG: &str = "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e";

fn recipients(texts: &[&str]) -> Protection {
    Protection::Recipients(texts.iter().map(|text| text.parse().unwrap()).collect())
}

#[test]
fn a_passphrase_seals_with_work_factor_18_and_opens() {
    let passphrase = NewPassphrase::new(secret(PASSPHRASE)).unwrap();
    let sealed = seal(
        &rfc_key(),
        &Protection::Passphrase(passphrase),
        Arc::new(NoPrompts),
    )
    .unwrap();

    let header = String::from_utf8_lossy(&sealed);
    let stanza = header.lines().nth(1).unwrap();
    assert!(
        stanza.starts_with("-> scrypt ") && stanza.ends_with(" 18"),
        "{stanza}"
    );

    let opened = SealedKey::parse(&sealed)
        .unwrap()
        .open(&Unlock::Passphrase(&secret(PASSPHRASE)))
        .unwrap();
    assert_eq!(opened.public_bytes(), rfc_key().public_bytes());
}

#[test]
fn each_recipient_opens_with_its_identity() {
    let identities = [
        age::x25519::Identity::generate(),
        age::x25519::Identity::generate(),
    ];
    let public: Vec<_> = identities
        .iter()
        .map(|identity| identity.to_public().to_string())
        .collect();
    let sealed = seal(
        &rfc_key(),
        &recipients(&[&public[0], &public[1]]),
        Arc::new(NoPrompts),
    )
    .unwrap();
    let sealed = SealedKey::parse(&sealed).unwrap();
    for identity in &identities {
        let mut usable = Identities::default();
        let file = IdentityFile::parse(identity.to_string().expose_secret().as_bytes()).unwrap();
        file.open(None, &mut usable).unwrap();
        let opened = sealed
            .open(&Unlock::Identities(&usable, Arc::new(NoPrompts)))
            .unwrap();
        assert_eq!(opened.public_bytes(), rfc_key().public_bytes());
    }
}

#[test]
fn sealing_twice_gives_different_files() {
    let public = age::x25519::Identity::generate().to_public().to_string();
    let once = || seal(&rfc_key(), &recipients(&[&public]), Arc::new(NoPrompts)).unwrap();
    assert_ne!(once(), once());
}

#[test]
fn hardware_recipients_are_sealed_for_without_a_plugin() {
    let sealed = seal(&rfc_key(), &recipients(&[TAG]), Arc::new(NoPrompts)).unwrap();
    assert!(String::from_utf8_lossy(&sealed).contains("\n-> p256tag "));
}

#[test]
fn a_key_is_not_sealed_for_nobody() {
    let error = seal(&rfc_key(), &recipients(&[]), Arc::new(NoPrompts)).unwrap_err();
    assert!(matches!(error, SealError::NoRecipients), "{error:?}");
}

#[test]
fn no_file_is_made_that_could_not_be_read() {
    let public = age::x25519::Identity::generate().to_public().to_string();
    seal(
        &rfc_key(),
        &recipients(&[&*public; 200]),
        Arc::new(NoPrompts),
    )
    .unwrap();
    let error = seal(
        &rfc_key(),
        &recipients(&[&*public; 600]),
        Arc::new(NoPrompts),
    )
    .unwrap_err();
    assert!(
        matches!(error, SealError::TooManyRecipients { count: 600 }),
        "{error:?}"
    );
}

#[test]
fn a_missing_plugin_is_named() {
    // A recipient of `age-plugin-pithtest`, with nothing in it.
    let recipient = bech32_of("age1pithtest");
    let error = seal(&rfc_key(), &recipients(&[&recipient]), Arc::new(NoPrompts)).unwrap_err();
    assert!(
        matches!(&error, SealError::PluginMissing { binary } if binary == "age-plugin-pithtest"),
        "{error:?}"
    );
}

#[test]
fn recipients_are_printed_as_they_were_read() {
    let public = age::x25519::Identity::generate().to_public().to_string();
    for text in [public.as_str(), TAG, &bech32_of("age1pithtest")] {
        assert_eq!(text.parse::<Recipient>().unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_recipient_is_refused() {
    let public = age::x25519::Identity::generate().to_public().to_string();
    let swapped = public.replacen(
        &public[10..11],
        if &public[10..11] == "q" { "p" } else { "q" },
        1,
    );
    for text in [
        "",
        "age1",
        "bob@example.org",
        &swapped,
        &public[..20],
        &format!("{public} "),
    ] {
        let error = text.parse::<Recipient>().unwrap_err();
        assert_eq!(error, RecipientError::Invalid(text.to_owned()));
    }
    let error = "ssh-ed25519 AAAA".parse::<Recipient>().unwrap_err();
    assert!(matches!(error, RecipientError::Ssh(_)), "{error:?}");
}

#[test]
fn an_identity_given_as_recipient_is_not_repeated() {
    let identity = age::x25519::Identity::generate().to_string();
    let identity = identity.expose_secret();
    for text in [
        identity.to_owned(),
        identity.to_lowercase(),
        format!(" {identity}"),
    ] {
        let error = text.parse::<Recipient>().unwrap_err();
        assert_eq!(error, RecipientError::Identity);
        assert!(!format!("{error} {error:?} {}", error.hint()).contains(&text[20..40]));
    }
}

#[test]
fn short_passphrases_are_refused() {
    assert_eq!(
        NewPassphrase::new(secret("")).unwrap_err(),
        WeakPassphrase::Empty
    );
    // Seven characters, though 14 bytes.
    let error = NewPassphrase::new(secret("äöüäöüä")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the new passphrase has 7 characters; a key takes 8 or more"
    );
    let accepted = NewPassphrase::new(secret("12345678")).unwrap();
    assert!(!format!("{accepted:?}").contains("1234"));
}

/// The Bech32 form of no data under the prefix `hrp`.
fn bech32_of(hrp: &str) -> String {
    const CHARS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let step = |sum: u32, value: u8| {
        let top = sum >> 25;
        let rest = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        let generators = [
            0x3b6a_57b2,
            0x2650_8e6d,
            0x1ea1_19fa,
            0x3d42_33dd,
            0x2a14_62b3,
        ];
        (0..5).fold(rest, |sum, bit| {
            if top >> bit & 1 == 1 {
                sum ^ generators[bit]
            } else {
                sum
            }
        })
    };
    let values = hrp
        .bytes()
        .map(|b| b >> 5)
        .chain([0])
        .chain(hrp.bytes().map(|b| b & 31))
        .chain([0; 6]);
    let sum = values.fold(1, step) ^ 1;
    let digits = (0..6).map(|i| char::from(CHARS[(sum >> (5 * (5 - i)) & 31) as usize]));
    format!("{hrp}1{}", digits.collect::<String>())
}
