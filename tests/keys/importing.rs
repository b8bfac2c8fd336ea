use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pith::keys::{ImportError, PrivateKey, PrivateKeyError};

use super::{PUBLIC, SEED, rfc_key};

fn import(bytes: &[u8]) -> Result<String, ImportError> {
    PrivateKey::import(bytes).map(|key| hex::encode(key.public_bytes()))
}

#[test]
fn keys_in_any_known_form_are_imported() {
    let raw = hex::decode(SEED).unwrap();
    let base64 = BASE64_STANDARD.encode(&raw);
    for bytes in [
        rfc_key().to_pkcs8_v1_pem().as_bytes(),
        SEED.as_bytes(),
        format!("{SEED}\n").as_bytes(),
        base64.as_bytes(),
        format!("{base64}\n").as_bytes(),
        &raw,
    ] {
        assert_eq!(import(bytes).as_deref(), Ok(PUBLIC));
    }
}

#[test]
fn what_is_not_quite_a_key_is_refused() {
    let base64 = BASE64_STANDARD.encode(hex::decode(SEED).unwrap());
    let upper = SEED.to_uppercase();
    let stray = base64.replace("pvs=", "pvt=");
    let cases: [(&[u8], ImportError); 9] = [
        (b"", ImportError::Unknown { found: 0 }),
        (upper.as_bytes(), ImportError::Hex),
        (&SEED.as_bytes()[..32], ImportError::Text),
        (&SEED.as_bytes()[..63], ImportError::Unknown { found: 63 }),
        (&[7; 31], ImportError::Unknown { found: 31 }),
        (&[7; 33], ImportError::Unknown { found: 33 }),
        (stray.as_bytes(), ImportError::Base64),
        (b"ssh-ed25519 AAAA", ImportError::Unknown { found: 16 }),
        (
            b"-----BEGIN nothing",
            ImportError::Pem(PrivateKeyError::NotPem),
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(import(bytes), Err(expected));
    }
    let two_lines = format!("{SEED}\n\n");
    assert_eq!(
        import(two_lines.as_bytes()),
        Err(ImportError::Unknown { found: 65 })
    );
    assert_ne!(stray, base64, "the case is one");
}
