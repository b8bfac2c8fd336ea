//! Texts with blanks: documents that differ in a few values only.

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
}
