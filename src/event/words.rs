//! Texts with a form that payloads are made of (SPEC 5).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::text::string_form;
use crate::timestamps::{MAX_PROOF, Proof, ProofError};

/// Defines a type for text that passes a check.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr, $form:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let check: fn(&str) -> bool = $check;
                match check(text) {
                    true => Ok($name(text.to_owned())),
                    false => Err(format!("`{}` is not {}", shortened(text), $form)),
                }
            }
        }

        string_form!($name);
    };
}

checked_text! {
    /// A line of text for people: 1 to 1000 code points, none of which is a control character.
    Line, is_line, "1 to 1000 characters without line breaks or other control characters"
}

checked_text! {
    /// A name for programs: a lower case letter, then up to 63 letters, digits and `_`.
    Word, is_word, "a lower case letter and up to 63 lower case letters, digits and `_`"
}

checked_text! {
    /// The id of a claim, such as `C1`: 1 to 64 letters, digits, `.`, `_` and `-`.
    ClaimId, is_claim_id, "1 to 64 letters, digits, `.`, `_` and `-`, such as C1"
}

checked_text! {
    /// An address on the web: `http` or `https`, a host, at most 2000 characters, none of which
    /// would have to be escaped.
    WebAddress, is_web_address, "an address such as https://archive.example/copy, of at most 2000 ASCII characters"
}

checked_text! {
    /// An address to which paths are appended: `https`, no query, no slash at the end.
    BaseAddress, is_base_address, "an address such as https://mirror.example, without a slash at the end"
}

checked_text! {
    /// A researcher's ORCID iD, whose last character is a check digit (ISO 7064, mod 11-2).
    Orcid, is_orcid, "an ORCID iD such as 0000-0002-1825-0097 with a check digit that fits"
}

/// So much of a text as a message may quote.
fn shortened(text: &str) -> &str {
    match text.char_indices().nth(80) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 1000 && !text.chars().any(char::is_control)
}

fn is_word(text: &str) -> bool {
    let of_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(of_word)
}

fn is_claim_id(text: &str) -> bool {
    let of_id = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(of_id)
}

fn is_web_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    text.len() <= 2000 && rest.is_some_and(is_host_and_path)
}

fn is_base_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://");
    text.len() <= 2000
        && rest.is_some_and(is_host_and_path)
        && !text.ends_with('/')
        && !text.contains(['?', '#'])
}

/// What may stand in an address as it is (RFC 3986), the host first. A name before it could look like
/// the host, as in `https://known.example@elsewhere.example`.
fn is_host_and_path(rest: &str) -> bool {
    let begins = |b: u8| b.is_ascii_alphanumeric() || b == b'[';
    let plain = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    rest.bytes().next().is_some_and(begins) && rest.bytes().all(plain) && !host.contains('@')
}

fn is_orcid(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 19 || [4, 9, 14].iter().any(|at| bytes[*at] != b'-') {
        return false;
    }
    let mut digits = Vec::with_capacity(16);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'-' if [4, 9, 14].contains(&at) => {}
            b'0'..=b'9' => digits.push(u32::from(byte - b'0')),
            b'X' if at == 18 => digits.push(10),
            _ => return false,
        }
    }
    // ISO 7064, mod 11-2: the check digit makes the whole come out as one.
    let (check, body) = digits.split_last().expect("16 digits were read");
    let sum = body.iter().fold(0, |sum, digit| (sum + digit) * 2 % 11);
    (12 - sum) % 11 == *check
}

/// An OpenTimestamps proof as documents hold it: base64 of at most 64 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofBytes(Vec<u8>);

impl ProofBytes {
    /// The bytes of an `.ots` file.
    ///
    /// # Errors
    /// [`ProofError::TooLong`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, ProofError> {
        if bytes.len() > MAX_PROOF {
            return Err(ProofError::TooLong {
                what: "the proof",
                limit: MAX_PROOF,
            });
        }
        Ok(ProofBytes(bytes))
    }

    /// Carries the proof out.
    ///
    /// # Errors
    /// As [`Proof::read`].
    pub fn read(&self) -> Result<Proof, ProofError> {
        Proof::read(&self.0)
    }
}

impl fmt::Display for ProofBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for ProofBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0.len())
    }
}

impl FromStr for ProofBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = BASE64
            .decode(text)
            .map_err(|_| "a proof is given in canonical, padded base64".to_owned())?;
        ProofBytes::new(bytes).map_err(|error| error.to_string())
    }
}

string_form!(ProofBytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orcids_have_a_check_digit() {
        for good in [
            "0000-0002-1825-0097",
            "0000-0002-1694-233X",
            "0000-0000-0000-0001",
        ] {
            assert_eq!(good.parse::<Orcid>().unwrap().as_str(), good);
        }
        for bad in [
            "0000-0002-1825-0096",
            "0000-0002-1825-009X",
            "0000-0002-1694-2330",
            "0000-0002-1694-233x",
            "0000-0002-1694-23X3",
            "0000000218250097",
            "0000-0002-1825-0097 ",
            "0000-0002-18250-097",
            "000X-0002-1825-0097",
            "https://orcid.org/0000-0002-1825-0097",
            "",
        ] {
            assert!(bad.parse::<Orcid>().is_err(), "{bad}");
        }
    }

    /// Each digit of an ORCID counts: no single wrong one goes unnoticed.
    #[test]
    fn any_one_wrong_digit_is_noticed() {
        let sound = "0000-0002-1825-0097";
        for at in (0..19).filter(|at| ![4, 9, 14].contains(at)) {
            for digit in '0'..='9' {
                let mut changed = sound.to_owned();
                changed.replace_range(at..=at, &digit.to_string());
                assert_eq!(
                    changed.parse::<Orcid>().is_ok(),
                    changed == sound,
                    "{changed}"
                );
            }
        }
    }

    #[test]
    fn addresses_have_no_room_for_surprises() {
        for good in [
            "https://a",
            "http://[::1]:8080/x?y#z",
            "https://web.archive.example/web/2024/https://x",
            "https://a/@b",
            "https://a?b@c",
        ] {
            assert!(good.parse::<WebAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://",
            "https:///x",
            "ftp://a",
            "https://a b",
            "https://a\n",
            "https://é",
            "https://a\"",
            "javascript:x",
            "https://a@b",
            "http://a:b@c/d",
        ] {
            assert!(bad.parse::<WebAddress>().is_err(), "{bad}");
        }
        for (text, good) in [
            ("https://a/b", true),
            ("https://a/", false),
            ("http://a", false),
            ("https://a?b", false),
            ("https://a#b", false),
            ("https://a@b", false),
            ("https://a/@b", true),
        ] {
            assert_eq!(text.parse::<BaseAddress>().is_ok(), good, "{text}");
        }
    }
}
