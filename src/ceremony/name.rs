//! What ceremonies are called.

use std::fmt;
use std::str::FromStr;

use crate::text::string_form;

/// The name of a ceremony, such as `2026-05-18-rotation`, which is that of its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CeremonyName(String);

impl CeremonyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CeremonyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for CeremonyName {
    type Err = String;

    /// It names a folder, so it holds nothing that a path could be made of.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=100).contains(&text.len())
            && text.bytes().all(plain)
            && text.as_bytes()[0].is_ascii_alphanumeric()
        {
            return Ok(CeremonyName(text.to_owned()));
        }
        Err(format!(
            "a ceremony's name is 1 to 100 letters, digits, `-`, `_` or `.` and starts with a letter or \
             digit, such as 2026-05-18-rotation; `{text}` is not"
        ))
    }
}

string_form!(CeremonyName);
