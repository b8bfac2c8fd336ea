//! The strict reader: JSON text to a [`Node`] tree (SPEC 1).

use std::borrow::Cow;
use std::collections::HashSet;

use super::escape::plain_prefix;
use super::float::python_repr;
use super::node::Node;

/// How deep containers may nest; the top-level one is at depth 1 (SPEC 1).
pub const MAX_DEPTH: usize = 128;

/// How many values a text may hold, containers and what is in them. A tree takes up to fifty bytes a
/// value, and a value may be written in two: without a limit a text of 80 MB takes gigabytes.
///
/// An object counts as [`OBJECT_VALUES`] of them.
pub const MAX_VALUES: usize = 1 << 24;

/// How many values an object counts as: where its content is open it becomes a map, which takes that
/// much more memory than what stands in it, however little that is.
pub const OBJECT_VALUES: usize = 12;

/// Which numbers besides 64-bit integers the reader lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Integers within `i64` or `u64` only: for everything this toolkit mints or signs.
    Integers,
    /// Also floats spelled exactly as Python's `repr` spells them: for documents from elsewhere,
    /// whose open content may hold them.
    PythonFloats,
    /// Every number JSON knows, rounded to `f64` where need be: for formats that are not ours and
    /// of which only some fields are used. Never for what is hashed.
    Any,
}

/// Why a text is not strict JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {}, byte {offset}: {message}", self.path())]
pub struct ReadError {
    /// Segments from the innermost outward, as unwinding finds them.
    segments: Vec<Segment>,
    /// Offset of the fault in bytes from the start of the text.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
}

impl ReadError {
    /// The place of the fault, such as `events[0].payload`; `top level` at the root.
    pub fn path(&self) -> String {
        if self.segments.is_empty() {
            return "top level".to_owned();
        }
        let mut path = String::new();
        for segment in self.segments.iter().rev() {
            match segment {
                Segment::Key(key) if path.is_empty() => path.push_str(key),
                Segment::Key(key) => {
                    path.push('.');
                    path.push_str(key);
                }
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    fn within(mut self, segment: impl FnOnce() -> Segment) -> Self {
        self.segments.push(segment());
        self
    }
}

/// Reads one JSON value that must fill `bytes` up to white space.
///
/// # Errors
/// Anything that RFC 8259 does not allow, and what SPEC 1 refuses besides: a byte order mark,
/// invalid UTF-8, duplicate keys, lone surrogates, numbers beyond `numbers`, `-0`, nesting deeper
/// than [`MAX_DEPTH`], more than [`MAX_VALUES`] values, bytes after the value.
pub fn read(bytes: &[u8], numbers: Numbers) -> Result<Node<'_>, ReadError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(fault(0, "a byte order mark stands before the text"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| fault(e.valid_up_to(), "the text is not valid UTF-8"))?;
    let mut reader = Reader {
        text,
        at: 0,
        numbers,
        values: 0,
        items: Vec::new(),
        members: Vec::new(),
    };
    reader.skip_space();
    let node = reader.value(1)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.error("there is more text after the value"));
    }
    Ok(node)
}

fn fault(offset: usize, message: impl Into<String>) -> ReadError {
    ReadError {
        segments: Vec::new(),
        offset,
        message: message.into(),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    numbers: Numbers,
    /// How many values have begun.
    values: usize,
    /// The items of the arrays that are open, those of inner ones after those of outer ones: how
    /// many an array has is known when it closes, so that it grows here and then takes no more
    /// memory than it needs.
    items: Vec<Node<'a>>,
    /// The same of the members of objects.
    members: Vec<(Cow<'a, str>, Node<'a>)>,
}

impl<'a> Reader<'a> {
    fn error(&self, message: impl Into<String>) -> ReadError {
        fault(self.at, message)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads the value at `self.at`; a container there is at `depth`.
    fn value(&mut self, depth: usize) -> Result<Node<'a>, ReadError> {
        let next = self.peek();
        self.values += match next {
            Some(b'{') => OBJECT_VALUES,
            _ => 1,
        };
        if self.values > MAX_VALUES {
            return Err(self.error(format!(
                "there are more than {MAX_VALUES} values, of which an object counts as {OBJECT_VALUES}"
            )));
        }
        match next {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Node::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Node::Bool(true)),
            Some(b'f') => self.literal("false", Node::Bool(false)),
            Some(b'n') => self.literal("null", Node::Null),
            Some(_) => Err(self.error("expected a value")),
            None => Err(self.error("the text ends where a value should stand")),
        }
    }

    fn literal(&mut self, word: &str, node: Node<'a>) -> Result<Node<'a>, ReadError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(node)
    }

    fn open(&mut self, depth: usize) -> Result<(), ReadError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// After an element: `true` if a comma announces another, `false` if `close` ended the list.
    fn another(&mut self, close: u8) -> Result<bool, ReadError> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) => Err(self.error(format!("expected `,` or `{}`", close as char))),
            None => Err(self.error(format!("the text ends before `{}`", close as char))),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node<'a>, ReadError> {
        self.open(depth)?;
        let first = self.items.len();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node::Array(Vec::new()));
        }
        for index in 0.. {
            let item = self
                .value(depth + 1)
                .map_err(|e| e.within(|| Segment::Index(index)))?;
            self.items.push(item);
            if !self.another(b']')? {
                break;
            }
        }
        Ok(Node::Array(self.items.drain(first..).collect()))
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, ReadError> {
        self.open(depth)?;
        let first = self.members.len();
        let mut seen = SeenKeys::default();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node::Object(Vec::new()));
        }
        loop {
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?;
            if seen.holds(&self.members[first..], &key) {
                return Err(fault(key_at, "this key stands twice in one object")
                    .within(|| Segment::Key(key.into_owned())));
            }
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("expected `:` after a key"));
            }
            self.at += 1;
            self.skip_space();
            let value = self
                .value(depth + 1)
                .map_err(|e| e.within(|| Segment::Key(key.to_string())))?;
            self.members.push((key, value));
            if !self.another(b'}')? {
                return Ok(Node::Object(self.members.drain(first..).collect()));
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut plain_from = start;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            self.at += plain_prefix(rest);
            let Some(stop) = self.peek() else {
                return Err(self.error("the text ends inside a string"));
            };
            let plain = &self.text[plain_from..self.at];
            match stop {
                b'"' => {
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(plain),
                        Some(mut text) => {
                            text.push_str(plain);
                            Cow::Owned(text)
                        }
                    });
                }
                b'\\' => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(plain);
                    let escaped = self.escape()?;
                    text.push(escaped);
                    plain_from = self.at;
                }
                _ => return Err(self.error("a control character stands unescaped in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        let from = self.at;
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        let unit = match letter {
            Some(b'"') => return Ok('"'),
            Some(b'\\') => return Ok('\\'),
            Some(b'/') => return Ok('/'),
            Some(b'b') => return Ok('\u{8}'),
            Some(b'f') => return Ok('\u{c}'),
            Some(b'n') => return Ok('\n'),
            Some(b'r') => return Ok('\r'),
            Some(b't') => return Ok('\t'),
            Some(b'u') => self.hex4(from)?,
            _ => return Err(fault(from, "unknown escape in a string")),
        };
        let code = match unit {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 2;
                let low = self.hex4(from)?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(fault(from, "a surrogate stands alone in a string"));
                }
                0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => unit,
        };
        char::from_u32(code).ok_or_else(|| fault(from, "a surrogate stands alone in a string"))
    }

    fn hex4(&mut self, from: usize) -> Result<u32, ReadError> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .ok_or_else(|| fault(from, "`\\u` needs four hexadecimal digits"))?;
        self.at += 4;
        Ok(u32::from_str_radix(digits, 16).expect("four hexadecimal digits fit u32"))
    }

    fn number(&mut self) -> Result<Node<'a>, ReadError> {
        let from = self.at;
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let integer_from = from + usize::from(bytes[from] == b'-');
        let integer_to = digits(integer_from);
        let leading_zero = bytes.get(integer_from) == Some(&b'0') && integer_to > integer_from + 1;
        let mut end = integer_to;
        let mut well_formed = integer_to > integer_from && !leading_zero;
        if bytes.get(end) == Some(&b'.') {
            let to = digits(end + 1);
            well_formed &= to > end + 1;
            end = to;
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let to = digits(end + 1 + sign);
            well_formed &= to > end + 1 + sign;
            end = to;
        }
        if !well_formed {
            return Err(self.error("this is not a JSON number"));
        }
        let token = &self.text[from..end];
        let node = if end == integer_to {
            self.integer(token)?
        } else {
            self.float(token)?
        };
        self.at = end;
        Ok(node)
    }

    fn integer(&self, token: &str) -> Result<Node<'a>, ReadError> {
        if token == "-0" && self.numbers != Numbers::Any {
            return Err(self.error("`-0` is not allowed; write 0"));
        }
        if let Ok(value) = token.parse() {
            return Ok(Node::Int(value));
        }
        if let Ok(value) = token.parse() {
            return Ok(Node::UInt(value));
        }
        match self.numbers {
            Numbers::Any => self.float(token),
            _ => Err(self.error("this integer does not fit 64 bits")),
        }
    }

    fn float(&self, token: &str) -> Result<Node<'a>, ReadError> {
        if self.numbers == Numbers::Integers {
            return Err(self.error("a float stands where only integers are allowed"));
        }
        let value: f64 = token.parse().expect("a JSON number is a Rust float");
        if !value.is_finite() {
            return Err(self.error("this number is too large for a float"));
        }
        if self.numbers == Numbers::PythonFloats && python_repr(value) != token {
            return Err(self.error(format!(
                "a float must be spelled as Python does, here {}",
                python_repr(value)
            )));
        }
        Ok(Node::Float(value))
    }
}

/// Finds duplicate keys: by a plain scan in small objects, by a set in large ones, so that an
/// object with a million keys does not take a million scans.
#[derive(Default)]
struct SeenKeys {
    set: HashSet<String>,
}

impl SeenKeys {
    const SCAN_UP_TO: usize = 32;

    fn holds(&mut self, members: &[(Cow<'_, str>, Node<'_>)], key: &str) -> bool {
        if members.len() <= Self::SCAN_UP_TO {
            return members.iter().any(|(k, _)| k == key);
        }
        if self.set.is_empty() {
            self.set.extend(members.iter().map(|(k, _)| k.to_string()));
        }
        !self.set.insert(key.to_owned())
    }
}
