//! Titles, abstracts and author lists as text: white space and letter case (SPEC 2, 6).

/// What Python's `str.split()` takes for white space: Unicode's White_Space and U+001C–U+001F.
fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{1c}'..='\u{1f}' | ' ') || (!c.is_ascii() && c.is_whitespace())
}

/// Python's `" ".join(text.split())`: every run of white space becomes one space, none stands
/// before or after (SPEC 2, 6).
pub fn collapse(text: &str) -> String {
    if text.is_ascii() {
        return collapse_ascii(text);
    }
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        push_word(&mut collapsed, word);
    }
    collapsed
}

/// As [`collapse`]: nearly all texts are ASCII, and need not be decoded; words with single spaces
/// between them are copied as one.
fn collapse_ascii(text: &str) -> String {
    let bytes = text.as_bytes();
    let space_at = |at: usize| bytes[at] <= b' ' && is_space(char::from(bytes[at]));
    let mut collapsed = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        if space_at(at) {
            at += 1;
            continue;
        }
        let from = at;
        while at < bytes.len() {
            let single = bytes[at] == b' ' && at + 1 < bytes.len() && !space_at(at + 1);
            if space_at(at) && !single {
                break;
            }
            at += 1;
        }
        push_word(&mut collapsed, &text[from..at]);
    }
    collapsed
}

fn push_word(collapsed: &mut String, word: &str) {
    if !collapsed.is_empty() {
        collapsed.push(' ');
    }
    collapsed.push_str(word);
}

/// The text that `title_canon_sha256` and `abstract_canon_sha256` are the hashes of: collapsed,
/// then in Unicode's default lower case, without any normalization (SPEC 2).
pub fn canonical(text: &str) -> String {
    lower(collapse(text))
}

/// The second half of [`canonical`], for a text that is collapsed already.
pub fn lower(mut collapsed: String) -> String {
    if collapsed.is_ascii() {
        collapsed.make_ascii_lowercase();
        collapsed
    } else {
        collapsed.to_lowercase()
    }
}

/// Whether nothing is left of `text` once it is collapsed.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// A value for a message: one line, cut after 60 characters, with nothing in it that a terminal
/// would act on.
pub(super) fn shown(text: &str) -> String {
    shown_to(60, text)
}

/// As [`shown`], cut after `longest` characters.
pub(super) fn shown_to(longest: usize, text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == longest {
            shown.push('…');
            break;
        }
        // TeX is full of these three, and none of them does harm.
        if matches!(c, '\\' | '\'' | '"') {
            shown.push(c);
        } else {
            shown.extend(c.escape_debug());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn ascii_is_collapsed_as_other_texts_are(text in "[ -~\\x00-\\x20]{0,60}( {1,2}[a-z]{0,3}){0,9}") {
            let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
            proptest::prop_assert_eq!(collapse(&text), words.join(" "));
        }
    }

    #[test]
    fn white_space_is_pythons() {
        // python3 -c 'print([hex(c) for c in range(0x110000) if chr(c).isspace()])'
        let python: Vec<char> = [0x9..=0xd, 0x1c..=0x20, 0x85..=0x85, 0xa0..=0xa0]
            .into_iter()
            .chain([0x1680..=0x1680, 0x2000..=0x200a, 0x2028..=0x2029])
            .chain([0x202f..=0x202f, 0x205f..=0x205f, 0x3000..=0x3000])
            .flatten()
            .filter_map(char::from_u32)
            .collect();
        let ours: Vec<char> = ('\0'..=char::MAX).filter(|c| is_space(*c)).collect();
        assert_eq!(ours, python);
    }

    #[test]
    fn collapsing() {
        for (text, collapsed) in [
            ("", ""),
            (" \n\t ", ""),
            ("one", "one"),
            (
                "  A study of\n  two\r\n\r\n things \n",
                "A study of two things",
            ),
            ("a\u{a0}b\u{2003}\u{1c}c\u{3000}", "a b c"),
            ("a\u{200b}b\u{180e}c", "a\u{200b}b\u{180e}c"),
        ] {
            assert_eq!(collapse(text), collapsed, "{text:?}");
            assert_eq!(is_blank(text), collapsed.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn canonical_text_is_lower_case_and_keeps_tex() {
        for (text, canon) in [
            (" The {\\OE}uvre of\n $L^2$ ", "the {\\oe}uvre of $l^2$"),
            ("G\\\"Odel &amp; <B>", "g\\\"odel &amp; <b>"),
            ("ΟΔΟΣ ΣΟΦΟΣ", "οδος σοφος"),
            ("İ", "i\u{307}"),
            ("É", "é"),
            ("E\u{301}", "e\u{301}"),
        ] {
            assert_eq!(canonical(text), canon);
        }
    }

    #[test]
    fn messages_are_short_and_harmless() {
        assert_eq!(shown("a \\\"o\u{1b}[31m\n"), "a \\\"o\\u{1b}[31m\\n");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 61);
    }
}
