//! An open private key: what signs, and its plaintext form inside a sealed file.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::{ErrorKind, pem::LineEnding};
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes, PrivateKeyInfoRef, SecretDocument};
use ed25519_dalek::pkcs8::{Error as Pkcs8Error, spki};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::stack;

/// An Ed25519 private key, open in memory.
///
/// It is wiped when dropped, can't be cloned, and its `Debug` form shows only the public half.
///
/// It stays in one place in memory: a value that is moved leaves its bytes behind, and nobody wipes them.
/// What has its bytes in its hands wipes the stack after it.
pub struct PrivateKey(Box<SigningKey>);

/// Text that is not a private key of the kind that this toolkit signs with.
///
/// No variant carries any part of the text, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// The text is no PEM file with the label `PRIVATE KEY`, or holds more than that.
    #[error(
        "this is not a PKCS#8 private key in PEM form, or there is something before or after it"
    )]
    NotPem,
    /// A PEM file of another kind, such as `OPENSSH PRIVATE KEY` or `PUBLIC KEY`.
    #[error("this PEM file holds `{label}`, where `PRIVATE KEY` is expected")]
    WrongLabel {
        /// What stands between `-----BEGIN ` and the next hyphens.
        label: String,
    },
    /// A PKCS#8 key of another algorithm.
    #[error("this key is for the algorithm {oid}, not for Ed25519 (1.3.101.112)")]
    WrongAlgorithm {
        /// The algorithm's object identifier, in dotted decimal.
        oid: String,
    },
    /// The PEM envelope is right and what is inside is not an Ed25519 key.
    #[error("the PKCS#8 structure of this private key is damaged")]
    Malformed,
    /// A version 2 file names a public key that its private half does not have.
    #[error("the public half stored with this private key belongs to another private key")]
    PublicHalfDiffers,
}

impl PrivateKeyError {
    /// What an operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            PrivateKeyError::WrongLabel { label } if label == "ENCRYPTED PRIVATE KEY" => Some(
                "decrypt it first: `openssl pkey -in FILE` asks for its passphrase and prints it in the form expected here",
            ),
            PrivateKeyError::WrongLabel { label } if label == "PUBLIC KEY" => {
                Some("this is the public half; the private key is another file")
            }
            PrivateKeyError::PublicHalfDiffers => {
                Some("do not sign with it; find out which of its two halves is the wanted key")
            }
            PrivateKeyError::WrongAlgorithm { .. } => Some(
                "make one with `pith key generate`, or with `openssl genpkey -algorithm ed25519`",
            ),
            _ => None,
        }
    }
}

const PEM_LABEL: &str = "PRIVATE KEY";

impl PrivateKey {
    /// A new key, from 32 bytes of `rng`.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        stack::apart(|| {
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(seed.as_mut());
            Self::from_seed(&seed)
        })
    }

    /// The key whose RFC 8032 private key (the seed, before hashing) is `seed`.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        stack::apart(|| PrivateKey(Box::new(SigningKey::from_bytes(seed))))
    }

    /// The 32 secret bytes that [`from_seed`](Self::from_seed) takes, for dividing a key into shares.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying_key()
    }

    /// The public half as its 32 raw bytes, the form that public key objects carry (SPEC 9).
    pub fn public_bytes(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The 64-byte Ed25519 signature (RFC 8032, pure) of `message`.
    ///
    /// The protocol has no domain separation (SPEC 9): a signed digest is valid as whatever
    /// document has it. Callers compute `message` from a document they hold, and never take a
    /// digest from outside.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// PKCS#8 version 1 in PEM form: the private half alone, lines of 64 and `\n`.
    ///
    /// Version 2 would carry the public half too, and OpenSSL 3.0 refuses to read that.
    pub fn to_pkcs8_v1_pem(&self) -> Zeroizing<String> {
        stack::apart(|| {
            let keypair = KeypairBytes {
                secret_key: self.0.to_bytes(),
                public_key: None,
            };
            keypair
                .to_pkcs8_pem(LineEnding::LF)
                .expect("32 bytes always have a PKCS#8 form")
        })
    }

    /// Reads PKCS#8 version 1 or 2 in PEM form.
    ///
    /// The PEM block is the whole text, but for one line ending after it.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError`] if the text is anything else, if the key is not an Ed25519 key, or if
    /// a version 2 file's public half is not that of its private half.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, PrivateKeyError> {
        stack::apart(|| Self::read_pkcs8_pem(pem))
    }

    fn read_pkcs8_pem(pem: &str) -> Result<Self, PrivateKeyError> {
        // The PEM reader would skip any text before the first `-----BEGIN`.
        let label = pem
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.split_once("-----"))
            .map(|(label, _)| label)
            .filter(|label| {
                label.len() <= 64 && label.bytes().all(|b| b == b' ' || b.is_ascii_uppercase())
            })
            .ok_or(PrivateKeyError::NotPem)?;
        if label != PEM_LABEL {
            return Err(PrivateKeyError::WrongLabel {
                label: label.to_owned(),
            });
        }
        let (_, document) = SecretDocument::from_pem(pem).map_err(|error| match error.kind() {
            ErrorKind::Pem(_) => PrivateKeyError::NotPem,
            _ => PrivateKeyError::Malformed,
        })?;
        let info = PrivateKeyInfoRef::try_from(document.as_bytes())
            .map_err(PrivateKeyError::from_pkcs8)?;
        let public = info.public_key;
        let keypair = KeypairBytes::try_from(info).map_err(PrivateKeyError::from_pkcs8)?;
        let key = Self::from_seed(&keypair.secret_key);
        match (public, &keypair.public_key) {
            (None, None) => Ok(key),
            (Some(_), Some(public)) if *public.as_ref() == key.public_bytes() => Ok(key),
            (Some(_), Some(_)) => Err(PrivateKeyError::PublicHalfDiffers),
            // A public half of an odd number of bits, which the conversion takes for none.
            _ => Err(PrivateKeyError::Malformed),
        }
    }
}

impl PrivateKeyError {
    fn from_pkcs8(error: Pkcs8Error) -> Self {
        match error {
            Pkcs8Error::PublicKey(spki::Error::OidUnknown { oid }) => {
                PrivateKeyError::WrongAlgorithm {
                    oid: oid.to_string(),
                }
            }
            _ => PrivateKeyError::Malformed,
        }
    }
}

impl Drop for PrivateKey {
    /// The key wipes itself; this wipes what its signatures left on the stack.
    fn drop(&mut self) {
        stack::wipe_below();
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PrivateKey")
            .field("public", &hex::encode(self.public_bytes()))
            .finish_non_exhaustive()
    }
}
