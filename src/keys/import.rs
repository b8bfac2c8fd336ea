//! Private keys as other programs keep them, nothing protecting them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::private::{PrivateKey, PrivateKeyError};
use super::stack;

/// Bytes that are no private key in any form that is known here. No variant carries any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A PEM file that holds no usable key.
    #[error(transparent)]
    Pem(#[from] PrivateKeyError),
    /// A text as long as a seed in hexadecimal digits, that is something else.
    #[error("it has 64 characters, but they are not all lower case hexadecimal digits")]
    Hex,
    /// A text as long as a seed in base64, that is something else.
    #[error("it has 44 characters, but they are not 32 bytes in canonical, padded base64")]
    Base64,
    /// 32 bytes that somebody could have typed.
    #[error("it has 32 bytes, but they are text and not a raw seed")]
    Text,
    /// Nothing that is known.
    #[error("it has {found} bytes, and is neither PEM nor a seed of 32 bytes (raw, hex or base64)")]
    Unknown {
        /// Its size in bytes, without the one newline that may end it.
        found: usize,
    },
}

impl ImportError {
    /// What an operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ImportError::Pem(error) => error.hint(),
            _ => Some(
                "known are PKCS#8 PEM, 64 lower case hex digits, 44 characters of base64, 32 raw bytes, \
                 and age files around any of them",
            ),
        }
    }
}

impl PrivateKey {
    /// Reads a private key in any of these forms: PKCS#8 PEM; the seed as 64 lower case hexadecimal
    /// digits or as padded base64, with or without a newline after it; the seed's 32 raw bytes.
    ///
    /// # Errors
    /// [`ImportError`]. Thirty-two printable characters are refused: a raw seed looks like that once in
    /// 10^13 times, and half a seed in hexadecimal digits always does.
    pub fn import(bytes: &[u8]) -> Result<Self, ImportError> {
        stack::apart(|| Self::read(bytes))
    }

    fn read(bytes: &[u8]) -> Result<Self, ImportError> {
        if bytes.starts_with(b"-----BEGIN ") {
            let text = std::str::from_utf8(bytes).map_err(|_| PrivateKeyError::NotPem)?;
            return Ok(PrivateKey::from_pkcs8_pem(text)?);
        }
        let mut seed = Zeroizing::new([0; 32]);
        if bytes.len() == 32 {
            if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                return Err(ImportError::Text);
            }
            seed.copy_from_slice(bytes);
            return Ok(PrivateKey::from_seed(&seed));
        }
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        match line.len() {
            64 => {
                let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                if !line.iter().all(lower) {
                    return Err(ImportError::Hex);
                }
                hex::decode_to_slice(line, seed.as_mut()).map_err(|_| ImportError::Hex)?;
            }
            44 => {
                // The engine wants room for what 44 characters can hold, which is a byte more.
                let mut room = Zeroizing::new([0; 33]);
                let decoded = BASE64.decode_slice(line, room.as_mut());
                if decoded != Ok(32) {
                    return Err(ImportError::Base64);
                }
                seed.copy_from_slice(&room[..32]);
            }
            found => return Err(ImportError::Unknown { found }),
        }
        Ok(PrivateKey::from_seed(&seed))
    }
}
