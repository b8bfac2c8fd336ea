//! The receipt: the registry's signature over a record's digest (SPEC 4).

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::keys::{Algorithm, Fingerprint, KeyId, SignatureBytes, Signer, SignerError};
use crate::record::CanonicalRecord;
use crate::text::constant;
use crate::time::TimestampMicros;

constant! {
    /// What a receipt calls itself.
    ReceiptKind = "pith_receipt"
}

constant! {
    /// What a receipt's signature covers.
    ReceiptMessage = "canonical_sha256_bytes"
}

constant! {
    /// The version of receipts.
    ReceiptVersion = "0.3"
}

constant! {
    /// `signature_status` of everything signed.
    SignatureStatus = "signed_v1"
}

/// A receipt; fields stand in wire order. Its signature covers `canonical_sha256` and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Always a receipt.
    pub kind: ReceiptKind,
    /// The label of the key that signed.
    pub key_id: KeyId,
    /// How it signed.
    pub algorithm: Algorithm,
    /// When it signed, by its own word.
    pub signed_at: TimestampMicros,
    /// The signature over the 32 raw bytes of `canonical_sha256`.
    pub signature_b64: SignatureBytes,
    /// What the signature covers.
    pub signed_message: ReceiptMessage,
    /// The version of the program that made the record.
    pub builder_version: String,
    /// The version of these rules.
    pub receipt_version: ReceiptVersion,
    /// The record's digest.
    pub canonical_sha256: Digest,
    /// When the latest receipt for the record was made.
    pub last_reissued_at: TimestampMicros,
    /// Always signed.
    pub signature_status: SignatureStatus,
    /// When the record was first made.
    pub first_computed_at: TimestampMicros,
    /// The fingerprint of the key that signed.
    pub public_key_fingerprint: Fingerprint,
}

impl Receipt {
    /// Signs the digest of `record`: its first receipt.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn issue(
        record: &CanonicalRecord,
        builder_version: &str,
        now: TimestampMicros,
        signer: &dyn Signer,
    ) -> Result<Receipt, SignerError> {
        let canonical_sha256 = record.digest();
        Ok(Receipt {
            kind: ReceiptKind,
            key_id: signer.key_id().clone(),
            algorithm: Algorithm,
            signed_at: now,
            signature_b64: signer.sign(&canonical_sha256)?,
            signed_message: ReceiptMessage,
            builder_version: builder_version.to_owned(),
            receipt_version: ReceiptVersion,
            canonical_sha256,
            last_reissued_at: now,
            signature_status: SignatureStatus,
            first_computed_at: now,
            public_key_fingerprint: signer.fingerprint(),
        })
    }

    /// Signs `record`, whose receipt this is, anew: by another key perhaps, and later.
    ///
    /// `first_computed_at` and `builder_version` stay: they are about the record, which stays too.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn reissue(
        &self,
        record: &CanonicalRecord,
        now: TimestampMicros,
        signer: &dyn Signer,
    ) -> Result<Receipt, SignerError> {
        let first = Receipt::issue(record, &self.builder_version, now, signer)?;
        Ok(Receipt {
            first_computed_at: self.first_computed_at,
            ..first
        })
    }
}
