//! Appending to a file past the system's cache, where the file system lets us.
//!
//! A run may write tens of gigabytes that nobody reads soon. Through the cache each byte is copied into
//! a page that the system must find first, which costs a mint about a tenth of its time, and pushes
//! out of memory whatever else the host needs.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// What addresses, places and lengths are multiples of when the cache is passed by: the largest block
/// of common disks.
const BLOCK: usize = 4096;

/// How much is written at once.
const ROOM: usize = 1 << 20;

/// Appends to a file.
pub struct Appender {
    file: File,
    /// Whether to try to pass the cache by.
    direct: bool,
    /// Room for [`ROOM`] bytes that begin at a multiple of [`BLOCK`] in memory.
    memory: Vec<u8>,
    start: usize,
    /// How many bytes wait in the room.
    waiting: usize,
    /// The place of the first of them in the file, a multiple of [`BLOCK`].
    place: u64,
}

impl Appender {
    /// Goes on at the end of `file`, which must be `bytes` long.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(file: File, bytes: u64) -> io::Result<Self> {
        let memory = vec![0; ROOM + BLOCK];
        let start = memory.as_ptr().align_offset(BLOCK);
        let waiting = (bytes % BLOCK as u64) as usize;
        let mut appender = Appender {
            file,
            direct: true,
            memory,
            start,
            waiting,
            place: bytes - waiting as u64,
        };
        // What stands in the last block is written again with what follows it.
        let last = start..start + waiting;
        appender
            .file
            .read_exact_at(&mut appender.memory[last], appender.place)?;
        Ok(appender)
    }

    /// The file. What was appended since the last [`flush`](Self::flush) may not be in it yet.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// How many bytes it has, with those that wait.
    pub fn bytes(&self) -> u64 {
        self.place + self.waiting as u64
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Those of the system.
    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(ROOM - self.waiting));
            let from = self.start + self.waiting;
            self.memory[from..from + now.len()].copy_from_slice(now);
            self.waiting += now.len();
            bytes = later;
            if self.waiting == ROOM {
                self.write_blocks(ROOM)?;
            }
        }
        Ok(())
    }

    /// Writes what waits. What does not fill a block goes through the cache, and again past it
    /// once the block is full.
    ///
    /// # Errors
    /// Those of the system.
    pub fn flush(&mut self) -> io::Result<()> {
        let tail = self.waiting % BLOCK;
        self.write_blocks(self.waiting - tail)?;
        let last = self.start..self.start + tail;
        self.file.write_all_at(&self.memory[last], self.place)
    }

    /// Writes the first `length` bytes that wait, whole blocks.
    fn write_blocks(&mut self, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let blocks = &self.memory[self.start..self.start + length];
        if self.direct {
            // File systems without this say so, here or when it comes to writing; nor can it go
            // on behind a part of a block, where a full disk stopped it.
            let flags = fcntl_getfl(&self.file)?;
            let written = fcntl_setfl(&self.file, flags | OFlags::DIRECT)
                .map_err(io::Error::from)
                .and_then(|()| self.file.write_all_at(blocks, self.place));
            fcntl_setfl(&self.file, flags)?;
            match written {
                Ok(()) => {}
                Err(error) if cannot_pass_by(&error) => self.direct = false,
                Err(error) => return Err(error),
            }
        }
        if !self.direct {
            self.file.write_all_at(blocks, self.place)?;
        }
        self.place += length as u64;
        self.memory
            .copy_within(self.start + length..self.start + self.waiting, self.start);
        self.waiting -= length;
        Ok(())
    }
}

/// Gives the first `bytes` of a file to `take`, piece by piece, past the cache too: they may be tens of
/// gigabytes.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::UnexpectedEof`] if the file is shorter.
pub fn read_past_cache(file: &File, bytes: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut memory = vec![0; ROOM + BLOCK];
    let start = memory.as_ptr().align_offset(BLOCK);
    let room = &mut memory[start..start + ROOM];
    let flags = fcntl_getfl(file)?;
    let mut direct = fcntl_setfl(file, flags | OFlags::DIRECT).is_ok();
    let mut place = 0;
    while place < bytes {
        let count = match file.read_at(room, place) {
            Err(error) if direct && cannot_pass_by(&error) => {
                fcntl_setfl(file, flags)?;
                direct = false;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let wanted = usize::try_from(bytes - place).map_or(count, |left| left.min(count));
        take(&room[..wanted]);
        place += wanted as u64;
    }
    Ok(())
}

/// Whether it failed because the cache was to be passed by; through the cache it may do.
fn cannot_pass_by(error: &io::Error) -> bool {
    let known = [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSPC];
    Errno::from_io_error(error).is_some_and(|errno| known.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of all sizes, flushed now and then, in one go or resumed after each flush.
    fn written(dir: &std::path::Path, resume: bool) -> (Vec<u8>, Vec<u8>) {
        let path = dir.join("file");
        let open = |new: bool| {
            let mut options = File::options();
            options.read(true).write(true).create(new).truncate(new);
            options.open(&path).unwrap()
        };
        let mut expected = Vec::new();
        let mut appender = Appender::new(open(true), 0).unwrap();
        for (number, size) in [0, 1, 4095, 4096, 5000, 3, ROOM, ROOM - 7, 2 * ROOM + 1, 9]
            .into_iter()
            .enumerate()
        {
            let piece: Vec<u8> = (0..size).map(|at| (at * 7 + number) as u8).collect();
            appender.append(&piece).unwrap();
            expected.extend(piece);
            if number % 3 != 1 {
                appender.flush().unwrap();
                assert_eq!(std::fs::read(&path).unwrap(), expected);
                if resume {
                    appender = Appender::new(open(false), appender.bytes()).unwrap();
                }
                let mut read: Vec<u8> = Vec::new();
                read_past_cache(&open(false), appender.bytes(), |piece| read.extend(piece))
                    .unwrap();
                assert!(read == expected);
                let more = appender.bytes() + 1;
                assert!(read_past_cache(&open(false), more, |_| {}).is_err());
            }
        }
        appender.flush().unwrap();
        assert_eq!(appender.bytes(), expected.len() as u64);
        (std::fs::read(&path).unwrap(), expected)
    }

    #[test]
    fn what_is_appended_is_in_the_file() {
        // A file system on a disk, and one in memory that knows no blocks.
        for root in [env!("CARGO_MANIFEST_DIR"), "/dev/shm"] {
            let Ok(dir) = tempfile::tempdir_in(root) else {
                continue;
            };
            for resume in [false, true] {
                let (found, expected) = written(dir.path(), resume);
                assert!(found == expected, "in {root}, resumed: {resume}");
            }
        }
    }
}
