//! Bytes as they lie on disk or come through a pipe, made into the text they stand for.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// Decompressed bytes.
pub(super) type Stream = Box<dyn BufRead + Send>;

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

const GZIP: &[u8] = b"\x1f\x8b";
const ZIP: &[u8] = b"PK\x03\x04";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// Behind its first byte, which is 0x50 to 0x5f: what parallel compressors put before a frame.
const ZSTD_SKIPPABLE: &[u8] = b"\x2a\x4d\x18";

/// What a file turned out to be.
pub(super) enum Opened {
    /// Text, decompressed if need be.
    Text(Stream),
    /// A zip archive.
    Zip,
}

/// A buffer over `reader`.
pub(super) fn buffered(reader: impl Read + Send + 'static) -> Stream {
    Box::new(BufReader::with_capacity(BUFFER, reader))
}

/// Decompresses what `name` says is compressed, and what begins like it.
///
/// # Errors
/// Reading fails, or the name ends in `.gz`, `.zst` or `.zip` and the data begins otherwise: that
/// is a failed download more often than not.
pub(super) fn open(stream: Stream, name: &str) -> io::Result<Opened> {
    let (head, stream) = peek(stream, 4)?;
    let ending = |ending: &str| {
        name.get(name.len().saturating_sub(ending.len())..)
            .is_some_and(|found| found.eq_ignore_ascii_case(ending))
    };
    let is_gzip = head.starts_with(GZIP);
    let is_zip = head.starts_with(ZIP);
    let is_zstd = head.starts_with(ZSTD)
        || matches!(&head[..], [0x50..=0x5f, skippable @ ..] if skippable == ZSTD_SKIPPABLE);
    for (is_it, ending_of_it) in [(is_gzip, ".gz"), (is_zip, ".zip"), (is_zstd, ".zst")] {
        if ending(ending_of_it) && !is_it {
            let message = format!("it is called {ending_of_it}, but its data begins otherwise");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
    Ok(if is_zip {
        Opened::Zip
    } else if is_gzip {
        Opened::Text(buffered(MultiGzDecoder::new(stream)))
    } else if is_zstd {
        Opened::Text(buffered(zstd::Decoder::with_buffer(stream)?))
    } else {
        Opened::Text(stream)
    })
}

/// The first `count` bytes of `stream`, fewer only at its end, and a stream that still has them.
pub(super) fn peek(stream: Stream, count: u64) -> io::Result<(Vec<u8>, Stream)> {
    let mut stream = stream;
    let mut head = Vec::new();
    (&mut stream).take(count).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(stream);
    Ok((head, Box::new(whole)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8], name: &str) -> io::Result<Vec<u8>> {
        match open(Box::new(Cursor::new(bytes.to_vec())), name)? {
            Opened::Text(mut stream) => {
                let mut text = Vec::new();
                stream.read_to_end(&mut text).map(|_| text)
            }
            Opened::Zip => Ok(b"zip".to_vec()),
        }
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &str) -> Vec<u8> {
        zstd::encode_all(text.as_bytes(), 1).unwrap()
    }

    #[test]
    fn compression_is_known_by_its_first_bytes() {
        for name in ["-", "a.jsonl"] {
            assert_eq!(read(b"{}", name).unwrap(), b"{}");
            assert_eq!(read(b"", name).unwrap(), b"");
            assert_eq!(read(&gzip("{}"), name).unwrap(), b"{}");
            assert_eq!(read(&zstd("{}"), name).unwrap(), b"{}");
            assert_eq!(read(b"PK\x03\x04...", name).unwrap(), b"zip");
        }
        assert_eq!(read(&gzip("{}"), "a.GZ").unwrap(), b"{}");
    }

    #[test]
    fn parts_that_were_joined_are_all_read() {
        assert_eq!(read(&[gzip("a"), gzip("b")].concat(), "-").unwrap(), b"ab");
        assert_eq!(read(&[zstd("a"), zstd("b")].concat(), "-").unwrap(), b"ab");
        let skippable = b"\x50\x2a\x4d\x18\x02\0\0\0xx".to_vec();
        assert_eq!(read(&[skippable, zstd("a")].concat(), "-").unwrap(), b"a");
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for whole in [gzip("some text"), zstd("some text")] {
            for length in 5..whole.len() {
                assert!(read(&whole[..length], "-").is_err(), "{length}");
            }
        }
    }

    #[test]
    fn a_compressed_name_needs_compressed_data() {
        for name in ["a.json.gz", "a.json.zst", "a.zip"] {
            for bytes in [&b""[..], b"{}", b"\x1f"] {
                let error = read(bytes, name).unwrap_err();
                assert!(error.to_string().contains("begins otherwise"), "{error}");
            }
        }
        assert!(read(&gzip("{}"), "a.zst").is_err());
    }
}
