use std::io::Write as _;
use std::sync::Arc;

use pith::keys::{
    Identities, IdentityFile, IdentityFileError, Needs, NoPrompts, PrivateKeyError, SealedKey,
    SealedKeyError, Unlock, UnlockError,
};
use secrecy::ExposeSecret;

use super::{PASSPHRASE, age_file, cheap, cheaply_sealed, rfc_key, secret};

fn open(file: &[u8], passphrase: &str) -> Result<[u8; 32], UnlockError> {
    let key = SealedKey::parse(file)
        .unwrap()
        .open(&Unlock::Passphrase(&secret(passphrase)))?;
    Ok(key.public_bytes())
}

fn identities(text: &str) -> Result<Identities, IdentityFileError> {
    let mut identities = Identities::default();
    IdentityFile::parse(text.as_bytes())?.open(None, &mut identities)?;
    Ok(identities)
}

fn open_with(file: &[u8], identity: &age::x25519::Identity) -> Result<[u8; 32], UnlockError> {
    let identities = identities(identity.to_string().expose_secret()).unwrap();
    let unlock = Unlock::Identities(&identities, Arc::new(NoPrompts));
    Ok(SealedKey::parse(file)
        .unwrap()
        .open(&unlock)?
        .public_bytes())
}

fn armored(file: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer =
        age::armor::ArmoredWriter::wrap_output(&mut text, age::armor::Format::AsciiArmor).unwrap();
    writer.write_all(file).unwrap();
    writer.finish().unwrap();
    text
}

#[test]
fn binary_and_armored_files_open() {
    let file = cheaply_sealed();
    for bytes in [file.clone(), armored(&file)] {
        assert_eq!(SealedKey::parse(&bytes).unwrap().needs(), Needs::Passphrase);
        assert_eq!(open(&bytes, PASSPHRASE).unwrap(), rfc_key().public_bytes());
    }
}

#[test]
fn the_header_tells_what_is_needed() {
    let identity = age::x25519::Identity::generate();
    let file = age_file(
        &identity.to_public(),
        rfc_key().to_pkcs8_v1_pem().as_bytes(),
    );
    assert_eq!(SealedKey::parse(&file).unwrap().needs(), Needs::Identity);
    assert_eq!(
        open(&file, PASSPHRASE).unwrap_err(),
        UnlockError::NeedsIdentity
    );
    assert_eq!(
        open_with(&cheaply_sealed(), &identity).unwrap_err(),
        UnlockError::NeedsPassphrase
    );
}

#[test]
fn wrong_secret_and_damage_are_one_error() {
    let locked = UnlockError::Locked {
        needs: Needs::Passphrase,
    };
    let file = cheaply_sealed();
    assert_eq!(open(&file, "wrong horse battery").unwrap_err(), locked);
    assert_eq!(open(&file, "").unwrap_err(), locked);

    // The payload of another file sealed with the same passphrase.
    let other = cheaply_sealed();
    let payload = |file: &[u8]| file.windows(4).position(|part| part == b"\n---").unwrap() + 49;
    let swapped = [&file[..payload(&file)], &other[payload(&other)..]].concat();
    assert_eq!(open(&swapped, PASSPHRASE).unwrap_err(), locked);

    let cut = &file[..file.len() - 1];
    assert_eq!(open(cut, PASSPHRASE).unwrap_err(), locked);
    let longer = [&file[..], b"\n"].concat();
    assert_eq!(open(&longer, PASSPHRASE).unwrap_err(), locked);
}

#[test]
fn a_wrong_identity_does_not_open() {
    let file = age_file(&age::x25519::Identity::generate().to_public(), b"");
    let error = open_with(&file, &age::x25519::Identity::generate()).unwrap_err();
    assert_eq!(
        error,
        UnlockError::Locked {
            needs: Needs::Identity
        }
    );
}

/// Neither a cut nor a changed byte anywhere may open, or do worse than fail.
#[test]
fn no_damaged_file_opens() {
    let identity = age::x25519::Identity::generate();
    let file = age_file(
        &identity.to_public(),
        rfc_key().to_pkcs8_v1_pem().as_bytes(),
    );
    let identities = identities(identity.to_string().expose_secret()).unwrap();
    let opens = |bytes: &[u8]| {
        SealedKey::parse(bytes).is_ok_and(|sealed| {
            sealed
                .open(&Unlock::Identities(&identities, Arc::new(NoPrompts)))
                .is_ok()
        })
    };
    assert!(opens(&file));
    for length in 0..file.len() {
        assert!(!opens(&file[..length]), "cut to {length} bytes");
    }
    for position in 0..file.len() {
        let mut changed = file.clone();
        changed[position] ^= 1;
        assert!(!opens(&changed), "byte {position}");
    }
    let text = armored(&file);
    for length in 0..text.len() - 1 {
        assert!(!opens(&text[..length]), "armor cut to {length} bytes");
    }
}

#[test]
fn an_excessive_work_factor_is_refused_before_it_is_paid() {
    let file = cheaply_sealed();
    let end = file.windows(3).position(|part| part == b" 2\n").unwrap();
    let costly = [&file[..end], b" 23\n", &file[end + 3..]].concat();
    assert_eq!(
        open(&costly, PASSPHRASE).unwrap_err(),
        UnlockError::WorkFactor {
            required: 23,
            limit: 22
        }
    );
}

#[test]
fn what_is_no_sealed_key_is_named() {
    let parse = |bytes: &[u8]| SealedKey::parse(bytes).unwrap_err();
    let file = cheaply_sealed();
    assert_eq!(parse(b""), SealedKeyError::Truncated);
    assert_eq!(parse(&file[..10]), SealedKeyError::Truncated);
    assert_eq!(parse(&file[..60]), SealedKeyError::Truncated);
    assert_eq!(parse(&armored(&file)[..20]), SealedKeyError::Truncated);
    assert_eq!(parse(b"{}"), SealedKeyError::NotAge);
    assert_eq!(
        parse(rfc_key().to_pkcs8_v1_pem().as_bytes()),
        SealedKeyError::Unsealed
    );
    assert_eq!(parse(b"age-encryption.org/v2\n"), SealedKeyError::Version);
    assert_eq!(
        parse(b"age-encryption.org/v1\nhello\n"),
        SealedKeyError::Damaged
    );
    assert_eq!(
        parse(&[armored(&file), b"more".to_vec()].concat()),
        SealedKeyError::Damaged
    );
    let large = vec![b'a'; 300_000];
    assert!(matches!(
        parse(&large),
        SealedKeyError::TooLarge { found: 300_000, .. }
    ));
}

#[test]
fn what_opens_and_is_no_key_is_named() {
    let holding =
        |plaintext: &[u8]| open(&age_file(&cheap(PASSPHRASE), plaintext), PASSPHRASE).unwrap_err();
    assert_eq!(
        holding(b"hello"),
        UnlockError::NotAKey(PrivateKeyError::NotPem)
    );
    assert_eq!(
        holding(b"\xff"),
        UnlockError::NotAKey(PrivateKeyError::NotPem)
    );
    assert_eq!(
        holding(&[b'a'; 5000]),
        UnlockError::PlaintextTooLarge { limit: 4096 }
    );
    assert_eq!(
        holding(&[b'a'; 20_000]),
        UnlockError::PlaintextTooLarge { limit: 4096 }
    );
}

#[test]
fn identity_files_have_comments_and_several_identities() {
    let identity = age::x25519::Identity::generate();
    let other = age::x25519::Identity::generate().to_string();
    let text = format!(
        "# created: today\r\n\r\n{}\r\n{}\n",
        other.expose_secret(),
        identity.to_string().expose_secret()
    );
    let identities = identities(&text).unwrap();
    let file = age_file(
        &identity.to_public(),
        rfc_key().to_pkcs8_v1_pem().as_bytes(),
    );
    SealedKey::parse(&file)
        .unwrap()
        .open(&Unlock::Identities(&identities, Arc::new(NoPrompts)))
        .unwrap();
}

#[test]
fn a_bad_line_of_an_identity_file_is_numbered_and_not_shown() {
    let error = identities("# one\nAGE-SECRET-KEY-1OOPS\n").unwrap_err();
    assert!(
        matches!(error, IdentityFileError::Line { line: 2 }),
        "{error:?}"
    );
    assert!(!error.to_string().contains("OOPS"));
    assert!(matches!(
        identities("# nothing\n").unwrap_err(),
        IdentityFileError::Empty
    ));
}

#[test]
fn an_encrypted_identity_file_opens_with_its_passphrase() {
    let identity = age::x25519::Identity::generate().to_string();
    let sealed = age_file(&cheap(PASSPHRASE), identity.expose_secret().as_bytes());
    for bytes in [sealed.clone(), armored(&sealed)] {
        let file = IdentityFile::parse(&bytes).unwrap();
        assert!(file.needs_passphrase());
        let mut identities = Identities::default();
        file.open(Some(&secret(PASSPHRASE)), &mut identities)
            .unwrap();
        for (passphrase, expected) in [
            (
                Some(secret("wrong")),
                UnlockError::Locked {
                    needs: Needs::Passphrase,
                },
            ),
            (None, UnlockError::NeedsPassphrase),
        ] {
            let error = file.open(passphrase.as_ref(), &mut identities).unwrap_err();
            assert!(
                matches!(&error, IdentityFileError::Unlock(found) if *found == expected),
                "{error:?}"
            );
        }
    }
    let nested = age_file(&age::x25519::Identity::generate().to_public(), b"");
    assert!(matches!(
        IdentityFile::parse(&nested).unwrap_err(),
        IdentityFileError::Nested
    ));
}

#[test]
fn nothing_secret_is_in_debug_forms() {
    let identity = age::x25519::Identity::generate().to_string();
    let text = identity.expose_secret();
    let file = IdentityFile::parse(text.as_bytes()).unwrap();
    let identities = identities(text).unwrap();
    let passphrase = secret(PASSPHRASE);
    let shown = format!(
        "{file:?} {identities:?} {:?} {:?}",
        Unlock::Passphrase(&passphrase),
        Unlock::Identities(&identities, Arc::new(NoPrompts))
    );
    assert!(
        !shown.contains(PASSPHRASE) && !shown.contains("AGE-SECRET"),
        "{shown}"
    );
}

/// Reading takes the square of the lines, so that what is no key would keep a machine busy.
#[test]
fn headers_of_thousands_of_lines_are_refused() {
    let header = format!("age-encryption.org/v1\n{}", "-> a\n\n".repeat(8000));
    let error = SealedKey::parse(header.as_bytes()).unwrap_err();
    assert_eq!(error, SealedKeyError::HeaderTooLong { limit: 1000 });
}
