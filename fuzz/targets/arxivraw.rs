//! OAI-PMH pages: any bytes are read to their end, and what is found does not depend on how they
//! arrive (SPEC 2, sources).
#![no_main]

use std::io::{self, Read};
use std::path::PathBuf;

use libfuzzer_sys::{Corpus, fuzz_target};
use pith::arxiv::{Item, ReadOptions, Reader};

mod paper;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Anything else would be taken for JSON lines or an archive.
    if bytes.trim_ascii_start().first() != Some(&b'<') {
        return Corpus::Reject;
    }
    let whole = items(io::Cursor::new(bytes.to_vec()));
    let dripping = items(Dripping {
        bytes: bytes.to_vec(),
        at: 0,
    });
    assert_eq!(whole, dripping);
    for item in &whole {
        match item {
            Item::Paper { place, paper } => {
                assert!(place.line >= 1);
                paper::follows(paper);
            }
            Item::Rejected(rejection) => {
                assert!(!rejection.message.is_empty());
                assert!(rejection.message.len() < 2000, "{}", rejection.message);
            }
            _ => {}
        }
    }
    Corpus::Keep
});

fn items(input: impl Read + Send + 'static) -> Vec<Item> {
    let options = ReadOptions {
        allow_non_ascii: true,
    };
    Reader::open(&[PathBuf::from("-")], Box::new(input), options)
        .expect("standard input is always there")
        .map(|item| item.expect("memory can be read"))
        .collect()
}

/// Gives a few bytes at a time, as a pipe may.
struct Dripping {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(buffer.len()).min(1 + self.at % 7);
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
