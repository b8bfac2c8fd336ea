//! Texts with blanks: documents that differ in a few values only.

use super::escape::plain_prefix;

/// A text with numbered blanks, cut out of a specimen in which each blank holds a value that
/// stands nowhere else. Filling it costs no more than copying the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stencil {
    fixed: String,
    /// Each blank with the end of the fixed text before it.
    blanks: Vec<(usize, usize)>,
}

impl Stencil {
    /// Cuts `specimen` wherever one of `values` stands, the longest where several begin. An empty
    /// value stands nowhere.
    pub fn cut(specimen: &str, values: &[&str]) -> Self {
        let mut longest_first: Vec<(usize, &str)> = values.iter().copied().enumerate().collect();
        longest_first.retain(|(_, value)| !value.is_empty());
        longest_first.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let mut stencil = Stencil {
            fixed: String::with_capacity(specimen.len()),
            blanks: Vec::new(),
        };
        let mut rest = specimen;
        while let Some(c) = rest.chars().next() {
            let found = longest_first
                .iter()
                .find(|(_, value)| rest.starts_with(value));
            match found {
                Some((blank, value)) => {
                    stencil.blanks.push((stencil.fixed.len(), *blank));
                    rest = &rest[value.len()..];
                }
                None => {
                    stencil.fixed.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        stencil
    }

    /// Appends the text with these values in its blanks.
    ///
    /// # Panics
    /// If there are fewer values than it was cut with.
    pub fn fill<V: AsRef<[u8]>>(&self, values: &[V], text: &mut Vec<u8>) {
        let mut from = 0;
        for (to, blank) in &self.blanks {
            text.extend_from_slice(&self.fixed.as_bytes()[from..*to]);
            text.extend_from_slice(values[*blank].as_ref());
            from = *to;
        }
        text.extend_from_slice(&self.fixed.as_bytes()[from..]);
    }

    /// The values with which [`fill`](Self::fill) could give `text`, which is JSON: by their
    /// numbers, empty for those that stand nowhere. `None` if it plainly is no such text.
    ///
    /// A value is taken to end where the fixed text behind it begins, which need not be so: whoever
    /// takes values out fills them in again and compares.
    pub fn read<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let values = self.blanks.iter().map(|(_, blank)| blank + 1);
        let mut found: Vec<Option<&str>> = vec![None; values.max().unwrap_or_default()];
        let (mut from, mut rest) = (0, text);
        for (to, blank) in &self.blanks {
            rest = rest.strip_prefix(&self.fixed[from..*to])?;
            from = *to;
            match found[*blank] {
                Some(value) => rest = rest.strip_prefix(value)?,
                None => {
                    let (value, after) = rest.split_at(value_end(rest, &self.fixed[from..])?);
                    found[*blank] = Some(value);
                    rest = after;
                }
            }
        }
        (*rest == self.fixed[from..])
            .then(|| found.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Whether `text` is just what [`fill`](Self::fill) gives for these values.
    ///
    /// # Panics
    /// As there.
    pub fn matches<V: AsRef<[u8]>>(&self, values: &[V], text: &[u8]) -> bool {
        let mut from = 0;
        let mut rest = text;
        let mut next = |part: &[u8]| match rest.strip_prefix(part) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        };
        for (to, blank) in &self.blanks {
            let fixed = &self.fixed.as_bytes()[from..*to];
            if !next(fixed) || !next(values[*blank].as_ref()) {
                return false;
            }
            from = *to;
        }
        next(&self.fixed.as_bytes()[from..]) && rest.is_empty()
    }
}

/// Where the value ends with which `text` begins, and behind which `fixed` stands.
fn value_end(text: &str, fixed: &str) -> Option<usize> {
    // Inside of a string, brackets are text.
    let stop = *fixed.as_bytes().first()?;
    if stop != b'"' {
        return match text.as_bytes().first()? {
            b'[' => text.find(']').map(|end| end + 1),
            _ => text.bytes().position(|byte| byte == stop),
        };
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += plain_prefix(&bytes[at..]);
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => return None,
        }
        // An escape that the text breaks off in.
        if at > bytes.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_wherever_their_values_stood() {
        let stencil = Stencil::cut("<ABCD|AB|é|ABC>", &["AB", "ABCD", ""]);
        let mut text = Vec::new();
        stencil.fill(&["1", "22", "unused"], &mut text);
        assert_eq!(text, "<22|1|é|1C>".as_bytes());
        assert!(stencil.matches(&["1", "22", "3"], &text));
        for other in [
            "<22|1|é|1C",
            "<22|1|é|1C>>",
            "<22|1|e|1C>",
            "<23|1|é|1C>",
            "",
        ] {
            assert!(
                !stencil.matches(&["1", "22", "3"], other.as_bytes()),
                "{other}"
            );
        }
    }

    #[test]
    fn values_are_taken_out_again() {
        let specimen = r#"{"a":"TEXT","n":NUMBER,"l":LIST,"u":"x/TEXT/y"}"#;
        let stencil = Stencil::cut(specimen, &["TEXT", "unused", "NUMBER", "LIST"]);
        let values = [r#"a\"b\\"#, "", "12", r#"["p","q"]"#];
        let mut text = Vec::new();
        for bracketed in ["[", "[1] An aside", "]", "[]"] {
            let values = [bracketed, "", "12", r#"["p","q"]"#];
            text.clear();
            stencil.fill(&values, &mut text);
            assert_eq!(
                stencil.read(str::from_utf8(&text).unwrap()).unwrap(),
                values
            );
        }
        text.clear();
        stencil.fill(&values, &mut text);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(stencil.read(&text).unwrap(), values);
        for cut in 0..text.len() {
            assert_eq!(stencil.read(&text[..cut]), None, "{}", &text[..cut]);
        }
        assert_eq!(stencil.read(&text.replace("/y", "/z")), None);
        assert_eq!(stencil.read(&text.replacen("b", "c", 1)), None);
        assert_eq!(stencil.read(&format!("{text} ")), None);
    }
}
