//! What a JSON string cannot hold as it is.

use super::node::Node;
use super::read::{Numbers, read};

/// How many bytes at the start of `bytes` stand in a string as they are: up to the first quote,
/// backslash or control character.
///
/// Strings are most of a document, so this goes eight bytes at a time.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let in_tail = tail.iter().position(|byte| is_special(*byte));
    words.len() * 8 + in_tail.unwrap_or(tail.len())
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// Has the high bit of each byte set that is special, and of none below the first such byte; what
/// lies above it may be set too, by the carry of the subtraction.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (below(word, 0x20) | quote | backslash) & (ONES * 0x80)
}

/// Appends `text` as it stands inside a string (SPEC 1): only what must be escaped is, in the
/// short form where there is one.
pub(crate) fn escape_to(bytes: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, from_special) = rest.split_at(plain_prefix(rest));
        bytes.extend_from_slice(plain);
        let Some((special, after)) = from_special.split_first() else {
            return;
        };
        let short = match special {
            b'"' | b'\\' => *special,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            control => {
                let digits = *b"0123456789abcdef";
                bytes.extend_from_slice(b"\\u00");
                bytes.push(digits[usize::from(control >> 4)]);
                bytes.push(digits[usize::from(control & 0xf)]);
                rest = after;
                continue;
            }
        };
        bytes.extend_from_slice(&[b'\\', short]);
        rest = after;
    }
}

/// The text that stands as `escaped` inside a string; `None` if nothing does.
pub(crate) fn unescape(escaped: &str) -> Option<String> {
    if plain_prefix(escaped.as_bytes()) == escaped.len() {
        return Some(escaped.to_owned());
    }
    match read(format!("\"{escaped}\"").as_bytes(), Numbers::Integers) {
        Ok(Node::String(text)) => Some(text.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..=length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    // What follows must not count, be it special too or nearly so.
                    bytes[at..].iter_mut().step_by(2).for_each(|b| *b = 0x1f);
                    bytes[at..]
                        .iter_mut()
                        .skip(1)
                        .step_by(2)
                        .for_each(|b| *b = b' ');
                    if let Some(first) = bytes.get_mut(at) {
                        *first = byte;
                    }
                    let slowly = bytes.iter().position(|byte| is_special(*byte));
                    assert_eq!(plain_prefix(&bytes), slowly.unwrap_or(length), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn escapes_are_those_of_serde_json() {
        let all: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        for text in [
            "",
            "plain text, and more",
            "\"",
            "a\\b",
            "é\u{10ffff}",
            &all,
        ] {
            let mut bytes = vec![b'"'];
            escape_to(&mut bytes, text);
            bytes.push(b'"');
            assert_eq!(bytes, serde_json::to_vec(text).unwrap());
        }
    }

    #[test]
    fn unescaping_undoes_escaping() {
        let all: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        for text in ["", "plain", "\"", "a\\b", &all] {
            let mut bytes = Vec::new();
            escape_to(&mut bytes, text);
            let escaped = String::from_utf8(bytes).unwrap();
            assert_eq!(unescape(&escaped).as_deref(), Some(text));
        }
        for other in ["a\"b", "\\", "\\x", "\\u00", "\n"] {
            assert_eq!(unescape(other), None, "{other}");
        }
    }
}
