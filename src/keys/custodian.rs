//! Custodian keys: those that approve keysets, and sign nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::public::{Algorithm, Fingerprint, KeyFormat, KeyId, PublicKey, decode_base64};
use crate::text::constant;

constant! {
    /// What the public half of a custodian's key calls itself.
    CustodianKind = "pith_custodian_key"
}

constant! {
    /// The version of its form.
    CustodianVersion = "1.0"
}

/// The public half of a custodian's key, as its file and keysets hold it.
///
/// It is no [`PublicKeyObject`](super::PublicKeyObject), so neither can be read as the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CustodianFields", into = "CustodianFields")]
pub struct CustodianKey {
    /// Its label, which names the custodian.
    pub key_id: KeyId,
    /// The key itself.
    pub key: PublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustodianFields {
    kind: CustodianKind,
    schema_version: CustodianVersion,
    key_id: KeyId,
    algorithm: Algorithm,
    format: KeyFormat,
    public_key_b64: String,
    fingerprint_sha256_hex: Fingerprint,
}

impl From<CustodianKey> for CustodianFields {
    fn from(custodian: CustodianKey) -> Self {
        CustodianFields {
            kind: CustodianKind,
            schema_version: CustodianVersion,
            key_id: custodian.key_id,
            algorithm: Algorithm,
            format: KeyFormat,
            public_key_b64: BASE64.encode(custodian.key.as_bytes()),
            fingerprint_sha256_hex: custodian.key.fingerprint(),
        }
    }
}

impl TryFrom<CustodianFields> for CustodianKey {
    type Error = String;

    fn try_from(fields: CustodianFields) -> Result<Self, String> {
        let raw = decode_base64(&fields.public_key_b64)
            .ok_or("public_key_b64 is not 32 bytes in canonical, padded base64")?;
        let key = PublicKey::from_bytes(&raw).map_err(|error| error.to_string())?;
        if fields.fingerprint_sha256_hex != key.fingerprint() {
            let is = key.fingerprint();
            return Err(format!("fingerprint_sha256_hex is not this key's, {is}"));
        }
        let key_id = fields.key_id;
        Ok(CustodianKey { key_id, key })
    }
}
