use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes, PublicKeyBytes};
use pith::keys::{PrivateKey, PrivateKeyError};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{PUBLIC, SEED, rfc_key};

/// `printf 302e020100300506032b657004220420SEED | xxd -r -p | openssl pkey -inform DER`
const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7
-----END PRIVATE KEY-----
";

fn version_2(public: [u8; 32]) -> String {
    let keypair = KeypairBytes {
        secret_key: *rfc_key().seed(),
        public_key: Some(PublicKeyBytes(public)),
    };
    keypair.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
}

#[test]
fn signs_as_rfc_8032_does() {
    let key = rfc_key();
    assert_eq!(hex::encode(key.public_bytes()), PUBLIC);
    assert_eq!(
        hex::encode(key.sign(&[0x72])),
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    );
}

#[test]
fn a_generated_key_is_what_the_generator_gives() {
    let mut first = StdRng::seed_from_u64(1);
    let key = PrivateKey::generate(&mut first);
    assert_eq!(
        key.public_bytes(),
        PrivateKey::generate(&mut StdRng::seed_from_u64(1)).public_bytes()
    );
    assert_ne!(
        key.public_bytes(),
        PrivateKey::generate(&mut first).public_bytes()
    );
}

#[test]
fn debug_shows_the_public_half_only() {
    let text = format!("{:?}", rfc_key());
    assert!(text.contains(PUBLIC), "{text}");
    assert!(!text.contains(SEED), "{text}");
}

#[test]
fn version_1_is_written_and_read() {
    let key = rfc_key();
    assert_eq!(key.to_pkcs8_v1_pem().as_str(), PEM);
    for text in [PEM, PEM.trim_end(), &PEM.replace('\n', "\r\n")] {
        assert_eq!(
            PrivateKey::from_pkcs8_pem(text).unwrap().public_bytes(),
            key.public_bytes()
        );
    }
}

#[test]
fn version_2_is_read_if_its_halves_agree() {
    let key = PrivateKey::from_pkcs8_pem(&version_2(rfc_key().public_bytes())).unwrap();
    assert_eq!(hex::encode(key.public_bytes()), PUBLIC);

    let other = PrivateKey::generate(&mut StdRng::seed_from_u64(7)).public_bytes();
    for public in [other, [0xff; 32]] {
        let error = PrivateKey::from_pkcs8_pem(&version_2(public)).unwrap_err();
        assert_eq!(error, PrivateKeyError::PublicHalfDiffers);
    }
}

#[test]
fn nothing_may_stand_around_the_pem_block() {
    for text in [
        format!("{PEM}\n"),
        format!("{PEM} "),
        format!("{PEM}{PEM}"),
        format!("{PEM}# my key\n"),
        format!("\n{PEM}"),
        format!("my key\n{PEM}"),
        PEM.replace("BEGIN PRIVATE", "BEGIN  PRIVATE"),
        PEM[..PEM.len() - 12].to_owned(),
        PEM[..40].to_owned(),
        String::new(),
    ] {
        let error = PrivateKey::from_pkcs8_pem(&text).map(|_| ()).unwrap_err();
        assert!(
            matches!(
                error,
                PrivateKeyError::NotPem | PrivateKeyError::WrongLabel { .. }
            ),
            "{text:?}: {error:?}"
        );
    }
}

#[test]
fn damaged_structure_is_refused() {
    // A byte after the structure, a seed of 31 bytes, version 1 with a public half.
    for der in [
        format!("302e020100300506032b657004220420{SEED}00"),
        format!("302d020100300506032b65700421041f{}", &SEED[2..]),
        format!("3051020100300506032b657004220420{SEED}812100{PUBLIC}"),
        format!("3051020101300506032b657004220420{SEED}812101{PUBLIC}"),
    ] {
        let base64 = base64::Engine::encode(
            &base64::prelude::BASE64_STANDARD,
            hex::decode(&der).unwrap(),
        );
        let lines: Vec<_> = base64
            .as_bytes()
            .chunks(64)
            .map(|line| str::from_utf8(line).unwrap())
            .collect();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        let error = PrivateKey::from_pkcs8_pem(&pem).map(|_| ()).unwrap_err();
        assert_eq!(error, PrivateKeyError::Malformed, "{der}");
    }
}

#[test]
fn keys_of_other_kinds_are_named() {
    // `openssl genpkey -algorithm x25519`
    let x25519 = PEM.replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu");
    let error = PrivateKey::from_pkcs8_pem(&x25519).unwrap_err();
    assert_eq!(
        error,
        PrivateKeyError::WrongAlgorithm {
            oid: "1.3.101.110".to_owned()
        }
    );
    for label in ["ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "PUBLIC KEY"] {
        let error = PrivateKey::from_pkcs8_pem(&PEM.replace("PRIVATE KEY", label)).unwrap_err();
        assert_eq!(
            error,
            PrivateKeyError::WrongLabel {
                label: label.to_owned()
            }
        );
    }
}
