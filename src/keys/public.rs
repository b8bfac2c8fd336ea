//! Public keys, their fingerprints and their published form (SPEC 9).

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use serde::{Deserialize, Serialize};

use super::trusted::{BUILT_IN_SIGNER, REGISTRY};
use crate::digest::{Digest, lower_hex};
use crate::text::{constant, nullable, present, string_form};
use crate::time::Timestamp;

#[cfg(test)]
mod vectors;

/// An Ed25519 public key that is canonically encoded and not of small order.
///
/// Its fingerprint is computed once: every signature in a document names it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    fingerprint: Fingerprint,
}

/// Why 32 bytes are no key to verify with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not the encoding of a point, or not its only one.
    #[error("these bytes are not the canonical encoding of an Ed25519 public key")]
    Encoding,
    /// A key under which almost anything verifies.
    #[error("this public key has small order: signatures under it prove nothing")]
    Weak,
}

impl PublicKey {
    /// The key whose raw encoding is `bytes`.
    ///
    /// # Errors
    /// [`PublicKeyError`]: weak and loosely encoded keys are refused when loaded (SPEC 9).
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        // Decoding takes a quarter of the time of verifying a signature, and bundles that are
        // verified one after the other mostly carry the same key.
        thread_local!(static LATEST: Cell<Option<PublicKey>> = const { Cell::new(None) });
        if let Some(key) = LATEST.get().filter(|key| key.as_bytes() == bytes) {
            return Ok(key);
        }
        let key = PublicKey::decode(bytes)?;
        LATEST.set(Some(key));
        Ok(key)
    }

    fn decode(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| PublicKeyError::Encoding)?;
        // Decompression accepts coordinates that are not reduced; compressing again shows them.
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(PublicKeyError::Encoding);
        }
        if key.is_weak() {
            return Err(PublicKeyError::Weak);
        }
        Ok(PublicKey::from(key))
    }

    /// The raw encoding.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The first 128 bits of the key's SHA-256, which documents name it by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The first 26 characters of the base32 form of the key's whole SHA-256: 130 bits.
    pub fn fingerprint_base32(&self) -> String {
        Digest::of(self.as_bytes()).base32_26()
    }

    /// Whether `signature` is this key's over the 32 raw bytes of `digest`, strictly: S reduced, R
    /// canonical and not of small order, no cofactor (SPEC 9).
    pub fn verifies(&self, digest: &Digest, signature: &SignatureBytes) -> bool {
        self.verifies_message(digest.as_bytes(), signature)
    }

    /// The key as other programs take it: PEM around a SubjectPublicKeyInfo (RFC 8410).
    pub fn to_spki_pem(&self) -> String {
        self.key
            .to_public_key_pem(LineEnding::LF)
            .expect("32 bytes always have this form")
    }

    pub(super) fn verifies_message(&self, message: &[u8], signature: &SignatureBytes) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl PublicKey {
    /// Whether all these signatures are this key's, each over its digest, checked at once: a third
    /// of the time that [`verifies`](Self::verifies) takes for each.
    ///
    /// For signatures made a moment ago. The equation that is checked is a random combination of
    /// all of theirs; a signature that its maker has crafted for it can pass here and not there, so
    /// documents from elsewhere are not to be judged by it.
    pub fn verifies_all(&self, signed: &[(Digest, SignatureBytes)]) -> bool {
        let messages: Vec<&[u8]> = signed
            .iter()
            .map(|(digest, _)| digest.as_bytes().as_slice())
            .collect();
        let signatures: Vec<_> = signed
            .iter()
            .map(|(_, signature)| ed25519_dalek::Signature::from_bytes(&signature.0))
            .collect();
        let keys = vec![self.key; signed.len()];
        ed25519_dalek::verify_batch(&messages, &signatures, &keys).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", hex::encode(self.as_bytes()))
    }
}

impl From<VerifyingKey> for PublicKey {
    /// For the public half of a private key, which is canonical and of full order by construction.
    fn from(key: VerifyingKey) -> Self {
        let digest = Digest::of(key.as_bytes());
        let first_half = digest.as_bytes()[..16].try_into();
        PublicKey {
            key,
            fingerprint: Fingerprint(first_half.expect("16 of 32 bytes")),
        }
    }
}

/// A key's fingerprint: 32 lower case hexadecimal digits (`fingerprint_sha256_hex`, SPEC 9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        hex::encode_to_slice(self.0, &mut text).expect("32 digits hold 16 bytes");
        formatter.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        lower_hex(text).map(Fingerprint).ok_or_else(|| {
            format!("a fingerprint is 32 lower case hexadecimal digits, not `{text}`")
        })
    }
}

string_form!(Fingerprint);

/// The label of a key, such as `pith-v1-2026-05`; a key's identity is its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = String;

    /// Labels name files too, so they hold nothing that a path could be made of.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=64).contains(&text.len())
            && text.bytes().all(plain)
            && text.as_bytes()[0].is_ascii_alphanumeric()
        {
            Ok(KeyId(text.to_owned()))
        } else {
            Err(format!(
                "a key id is 1 to 64 letters, digits, `-`, `_` or `.` and starts with a letter or \
                 digit, such as pith-v1-2026-05; `{text}` is not"
            ))
        }
    }
}

string_form!(KeyId);

/// The 64 bytes of an Ed25519 signature, written as padded standard base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignatureBytes([u8; 64]);

impl SignatureBytes {
    /// A signature from its raw bytes, R then S.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        SignatureBytes(bytes)
    }

    /// The raw bytes, R then S.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for SignatureBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 88];
        let count = BASE64.encode_slice(self.0, &mut text);
        let text = &text[..count.expect("64 bytes have 88 characters")];
        formatter.write_str(std::str::from_utf8(text).expect("base64 is ASCII"))
    }
}

impl fmt::Debug for SignatureBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for SignatureBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        decode_base64(text)
            .map(SignatureBytes)
            .ok_or_else(|| "a signature is 64 bytes in canonical, padded base64".to_owned())
    }
}

string_form!(SignatureBytes);

/// The engine refuses white space, missing padding and stray bits, so each value has one text.
pub(super) fn decode_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

constant! {
    /// The only signature algorithm (SPEC 4, 5, 8, 9).
    Algorithm = "ed25519"
}

constant! {
    /// The only key format: 32 bytes without a wrapper (SPEC 9).
    KeyFormat = "raw"
}

constant! {
    /// What the registry says beside its key (SPEC 9).
    KeyNotes = "Pith uses this Ed25519 key to sign canonical record SHA-256 digests. Verify with: ed25519_verify(public_key, message=canonical_sha256_bytes, signature=base64decode(signature_b64))."
}

/// A public key as registries publish it and bundles carry it (SPEC 9), in wire order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PublicKeyFields", into = "PublicKeyFields")]
pub struct PublicKeyObject {
    /// The key itself.
    pub key: PublicKey,
    /// Its label.
    pub key_id: KeyId,
    /// When the registry means to replace it.
    pub rotates_at: Option<Timestamp>,
    /// Where it is published.
    pub url: String,
    /// Whose key it is, where it is not the registry's own.
    pub signer: Option<ForeignSigner>,
    /// What its owner says about it.
    pub notes: String,
}

/// Whose a key in a bundle is that does not belong to the bundle's registry (SPEC 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignSigner {
    /// The signer that this key may speak for.
    pub signer_id: String,
    /// What kind of signer that is.
    pub signer_type: String,
}

impl ForeignSigner {
    /// A signer that is no registry.
    ///
    /// # Errors
    /// What is wrong with the id (1 to 253 ASCII characters without spaces) or the type (a lower
    /// case letter, then up to 63 letters, digits and `_`; not [`REGISTRY`]).
    pub fn new(signer_id: &str, signer_type: &str) -> Result<Self, String> {
        if !(1..=253).contains(&signer_id.len()) || !signer_id.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err("a signer id is 1 to 253 ASCII characters without spaces, such as orcid:0000-0002-1825-0097".to_owned());
        }
        let of_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let is_word = (1..=64).contains(&signer_type.len())
            && signer_type.as_bytes()[0].is_ascii_lowercase()
            && signer_type.bytes().all(of_word);
        match signer_type {
            REGISTRY => Err(format!("only a registry is a {REGISTRY}")),
            _ if is_word => Ok(ForeignSigner {
                signer_id: signer_id.to_owned(),
                signer_type: signer_type.to_owned(),
            }),
            _ => Err(format!(
                "`{signer_type}` is no type of signer: write a word such as author, replicator, archive or mirror"
            )),
        }
    }

    /// What of it a reader could take for a registry: its type, or its id beside that of the home's
    /// registry, `registry_id`, or of one that everybody knows. Documents are sound all the same; it is
    /// for whoever makes or takes in a key to look twice.
    pub fn passes_for_registry(&self, registry_id: Option<&str>) -> Option<String> {
        let kind = look(&self.signer_type).replace('-', "");
        if kind.contains(&look("registry")) {
            return Some(format!(
                "the type {} reads like a registry's",
                self.signer_type
            ));
        }
        let mut registries = registry_id.into_iter().chain([BUILT_IN_SIGNER]);
        let other = registries.find(|id| look(id) == look(&self.signer_id))?;
        Some(format!(
            "the signer id {} reads like {other}",
            self.signer_id
        ))
    }
}

/// What is left of a name for whoever reads it quickly: no letter case, no dot or slash at its end, and
/// one of the letters and digits that look alike. What is not ASCII is in no signer's id.
fn look(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| lower.strip_prefix(scheme))
        .unwrap_or(&lower);
    let same = |c| match c {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        '5' => 's',
        '_' => '-',
        other => other,
    };
    let looks: String = host.trim_matches(['.', '/']).chars().map(same).collect();
    looks.replace("rn", "m").replace("vv", "w")
}

impl PublicKeyObject {
    /// The published form of a registry's own key.
    pub fn of_registry(key: PublicKey, key_id: KeyId, base_url: &str) -> Self {
        PublicKeyObject {
            key,
            key_id,
            rotates_at: None,
            url: format!("{base_url}/pith-signing-key.json"),
            signer: None,
            notes: KeyNotes::VALUE.to_owned(),
        }
    }
}

/// The wire form; the key stands in it twice and its fingerprint twice, which must all agree.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKeyFields {
    key_id: KeyId,
    algorithm: Algorithm,
    format: KeyFormat,
    public_key_b64: String,
    public_key_hex: String,
    #[serde(rename = "fingerprint_sha256_b32_first128bits")]
    fingerprint_b32: String,
    fingerprint_sha256_hex: Fingerprint,
    #[serde(deserialize_with = "nullable")]
    rotates_at: Option<Timestamp>,
    url: String,
    notes: String,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    signer_id: Option<String>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    signer_type: Option<String>,
}

impl From<PublicKeyObject> for PublicKeyFields {
    fn from(object: PublicKeyObject) -> Self {
        let (signer_id, signer_type) = object
            .signer
            .map(|signer| (signer.signer_id, signer.signer_type))
            .unzip();
        PublicKeyFields {
            algorithm: Algorithm,
            format: KeyFormat,
            public_key_b64: BASE64.encode(object.key.as_bytes()),
            public_key_hex: hex::encode(object.key.as_bytes()),
            fingerprint_b32: object.key.fingerprint_base32(),
            fingerprint_sha256_hex: object.key.fingerprint(),
            key_id: object.key_id,
            rotates_at: object.rotates_at,
            url: object.url,
            notes: object.notes,
            signer_id,
            signer_type,
        }
    }
}

impl TryFrom<PublicKeyFields> for PublicKeyObject {
    type Error = String;

    fn try_from(fields: PublicKeyFields) -> Result<Self, String> {
        let raw = decode_base64(&fields.public_key_b64)
            .ok_or("public_key_b64 is not 32 bytes in canonical, padded base64")?;
        let key = PublicKey::from_bytes(&raw).map_err(|e| e.to_string())?;
        if lower_hex(&fields.public_key_hex) != Some(raw) {
            return Err("public_key_hex is not the key of public_key_b64".to_owned());
        }
        if fields.fingerprint_b32 != key.fingerprint_base32() {
            return Err(format!(
                "fingerprint_sha256_b32_first128bits is not this key's, {}",
                key.fingerprint_base32()
            ));
        }
        if fields.fingerprint_sha256_hex != key.fingerprint() {
            return Err(format!(
                "fingerprint_sha256_hex is not this key's, {}",
                key.fingerprint()
            ));
        }
        let signer = match (fields.signer_id, fields.signer_type) {
            (Some(signer_id), Some(signer_type)) => Some(ForeignSigner {
                signer_id,
                signer_type,
            }),
            (None, None) => None,
            _ => return Err("signer_id and signer_type go together".to_owned()),
        };
        Ok(PublicKeyObject {
            key,
            key_id: fields.key_id,
            rotates_at: fields.rotates_at,
            url: fields.url,
            signer,
            notes: fields.notes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_passes_for_a_registrys_is_noticed() {
        let of = |id: &str, kind: &str| {
            let signer = ForeignSigner::new(id, kind).unwrap();
            signer.passes_for_registry(Some("registry.invalid"))
        };
        for id in [
            "registry.invalid",
            "Registry.INVALID",
            "registry.invalid.",
            "https://registry.invalid/",
            "reg1stry.invalid",
            "registry.lnvalid",
            "pith.science",
            "Pith.Science.",
            "p1th.5cience",
        ] {
            assert!(of(id, "author").is_some(), "{id}");
        }
        for kind in [
            "registry",
            "pith_registry_2",
            "pithregistry",
            "the_reg1stry",
        ] {
            assert!(of("somebody", kind).is_some(), "{kind}");
        }
        for id in [
            "orcid:0000-0002-1825-0097",
            "archive.invalid",
            "registry.example",
            "science.pith",
        ] {
            assert_eq!(of(id, "author"), None);
        }
        // What is not ASCII, such as a Cyrillic letter, is in no id.
        assert!(ForeignSigner::new("r\u{435}gistry.invalid", "author").is_err());
        let nowhere = ForeignSigner::new("registry.invalid", "author").unwrap();
        assert_eq!(nowhere.passes_for_registry(None), None);
    }
}
