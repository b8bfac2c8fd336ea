//! What is printed: data on stdout, everything else on stderr, files whole or not at all.

use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::error::Failure;

/// How many messages a transcript has of a command, and how long each may be.
const MOST_KEPT: usize = 40;
const LONGEST_KEPT: usize = 600;

static KEPT: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn kept() -> MutexGuard<'static, Option<Vec<String>>> {
    // Whoever panicked while it was held has left a list that is whole.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on messages are kept for a transcript.
pub fn keep_messages() {
    *kept() = Some(Vec::new());
}

/// The messages since [`keep_messages`]; none are kept afterwards.
pub fn kept_messages() -> Vec<String> {
    kept().take().unwrap_or_default()
}

fn keep(kind: &str, text: &str) {
    if let Some(messages) = &mut *kept() {
        match messages.len() {
            MOST_KEPT => messages.push("more was said".to_owned()),
            count if count > MOST_KEPT => {}
            _ => {
                let mut line = printable(&format!("{kind}: {}", text.trim_end()));
                if let Some((end, _)) = line.char_indices().nth(LONGEST_KEPT) {
                    line.truncate(end);
                    line.push('…');
                }
                messages.push(line);
            }
        }
    }
}

/// The text without age identities, which somebody may have given where the name of a file was wanted.
fn without_identities(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["AGE-SECRET-KEY-", "AGE-PLUGIN-"]
        .iter()
        .filter_map(|start| rest.to_ascii_uppercase().find(start))
        .min()
    {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let behind = rest[at..].trim_start_matches(is_part);
        let whole = &rest[at..rest.len() - behind.len()];
        shown.push_str(&rest[..at]);
        // How an identity begins is no secret.
        shown.push_str(if whole.len() > 24 {
            "<withheld>"
        } else {
            whole
        });
        rest = behind;
    }
    shown + rest
}

/// Prints a line about the run on stderr: `pith: KIND: TEXT`.
pub fn message(kind: &str, text: &str) {
    let text = &without_identities(text);
    keep(kind, text);
    // Lines after the first are indented, so that none can pass for a message of its own.
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut shown = format!(
        "pith: {kind}: {}\n",
        printable(lines.next().unwrap_or_default())
    );
    for line in lines {
        shown.push_str(&format!("    {}\n", printable(line)));
    }
    // If stderr is closed there is nobody left to tell.
    let _ = io::stderr().write_all(shown.as_bytes());
}

/// Text that may quote somebody's document, made fit for a terminal: what could move the cursor
/// or turn the direction of writing is spelled out, and a very long text is cut.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 4000;
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if shown.len() >= LONGEST {
            shown.push('…');
            break;
        }
        match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(c.escape_unicode());
            }
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// A count and what is counted: `1 bundle`, `2 bundles`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// Buffered stdout; flush it before the verb ends.
///
/// A reader that closes the pipe has seen enough: what is written afterwards is dropped, and the
/// verb still ends with its own exit code.
pub struct Stdout {
    inner: BufWriter<io::StdoutLock<'static>>,
    closed: bool,
}

/// This process's [`Stdout`].
pub fn stdout() -> Stdout {
    Stdout {
        inner: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
        closed: false,
    }
}

impl Stdout {
    /// Whether nobody reads any more, so that there is no use in writing on.
    pub fn closed(&self) -> bool {
        self.closed
    }

    fn tolerate<T>(&mut self, result: io::Result<T>, dropped: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(dropped)
            }
            result => result,
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let written = self.inner.write(bytes);
        self.tolerate(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.inner.flush();
        self.tolerate(flushed, ())
    }
}

/// Prints one JSON object as a line on stdout.
pub fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut out = stdout();
    json_line(&mut out, value)?;
    Ok(out.flush()?)
}

/// Writes one JSON object as a line.
pub fn json_line<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    out.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_not_repeated() {
        let secret = "QQPQ7SZ0000000000000000000000000000000000000000000000000000";
        let text = format!(
            "could not open `AGE-SECRET-KEY-1{secret}`: no file; nor age-plugin-x-1{secret}"
        );
        let shown = without_identities(&text);
        assert_eq!(
            shown,
            "could not open `<withheld>`: no file; nor <withheld>"
        );
        let harmless = "an identity begins with AGE-SECRET-KEY-1, as `age-keygen` writes it";
        assert_eq!(without_identities(harmless), harmless);
    }
}
