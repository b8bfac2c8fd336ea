//! Lines of a bounded length.

use std::io::{self, BufRead, Read};

use super::stream::Stream;

/// A line that holds something.
pub(super) enum Line {
    /// Its bytes, without the line end.
    Bytes(Vec<u8>),
    /// It is longer than the limit; it was passed over without being held in memory.
    TooLong,
}

/// The lines of a stream, blank ones left out but counted.
pub(super) struct Lines {
    stream: Stream,
    next: u64,
    limit: usize,
}

impl Lines {
    /// Lines of at most `limit` bytes; `first` is the number of the first one.
    pub(super) fn new(stream: Stream, first: u64, limit: usize) -> Self {
        Lines {
            stream,
            next: first,
            limit,
        }
    }

    /// The number of the line to be read next, or of the one that could not be read.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// The next line that is not blank, with its number.
    ///
    /// # Errors
    /// Reading fails; what was read of that line is lost, for it may not be the whole of it.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(u64, Line)>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let with_line_end = self.limit as u64 + 1;
            let count = (&mut self.stream)
                .take(with_line_end)
                .read_until(b'\n', &mut bytes)?;
            if count == 0 {
                return Ok(None);
            }
            let number = self.next;
            let ended = bytes.last() == Some(&b'\n');
            if !ended && count > self.limit {
                self.stream.skip_until(b'\n')?;
                self.next += 1;
                return Ok(Some((number, Line::TooLong)));
            }
            self.next += 1;
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if ended {
                bytes.pop();
                bytes.pop_if(|byte| *byte == b'\r');
            }
            return Ok(Some((number, Line::Bytes(bytes))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(text: &'static str, limit: usize) -> Vec<(u64, Option<String>)> {
        // A small buffer, so that lines are longer than it.
        let stream = BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Lines::new(Box::new(stream), 1, limit);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next_line().unwrap() {
            found.push(match line {
                Line::Bytes(bytes) => (number, Some(String::from_utf8(bytes).unwrap())),
                Line::TooLong => (number, None),
            });
        }
        found
    }

    #[test]
    fn line_ends_and_blank_lines() {
        let line = |number, text: &str| (number, Some(text.to_owned()));
        assert_eq!(lines("", 10), []);
        assert_eq!(lines("\n \t\r\n\n", 10), []);
        assert_eq!(lines("a\nb", 10), [line(1, "a"), line(2, "b")]);
        assert_eq!(lines("a\r\n\r\nb\r\n", 10), [line(1, "a"), line(3, "b")]);
    }

    #[test]
    fn long_lines_are_passed_over() {
        let line = |number, text: &str| (number, Some(text.to_owned()));
        assert_eq!(lines("12345\n1234\n", 4), [(1, None), line(2, "1234")]);
        assert_eq!(lines("1234\n123456789", 4), [line(1, "1234"), (2, None)]);
        assert_eq!(lines("1234", 4), [line(1, "1234")]);
        assert_eq!(lines("     \nx\n", 4), [(1, None), line(2, "x")]);
    }
}
