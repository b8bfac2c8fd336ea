//! Private keys: their plaintext form, sealing and opening, dividing, their files, and where secrets come
//! from.

mod files;
mod importing;
mod opening;
mod plaintext;
mod sealing;
mod secrets;
mod shares;
mod typist;

use std::io::Write as _;
use std::iter;

use pith::keys::PrivateKey;
use secrecy::SecretString;

/// The key of RFC 8032, section 7.1, test 2.
const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

const PASSPHRASE: &str = "correct horse battery";

fn rfc_key() -> PrivateKey {
    let mut seed = [0; 32];
    hex::decode_to_slice(SEED, &mut seed).unwrap();
    PrivateKey::from_seed(&seed)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// An age file around `plaintext`, made by the age crate alone.
fn age_file(recipient: &dyn age::Recipient, plaintext: &[u8]) -> Vec<u8> {
    let encryptor = age::Encryptor::with_recipients(iter::once(recipient)).unwrap();
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).unwrap();
    writer.write_all(plaintext).unwrap();
    writer.finish().unwrap();
    file
}

/// A passphrase recipient that costs next to nothing, unlike the toolkit's own.
fn cheap(passphrase: &str) -> age::scrypt::Recipient {
    let mut recipient = age::scrypt::Recipient::new(secret(passphrase));
    recipient.set_work_factor(2);
    recipient
}

/// The RFC key sealed with [`PASSPHRASE`].
fn cheaply_sealed() -> Vec<u8> {
    age_file(&cheap(PASSPHRASE), rfc_key().to_pkcs8_v1_pem().as_bytes())
}
