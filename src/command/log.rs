//! A command's log: one file that the command itself appends to, as both its stdout and its stderr. So the order is
//! what it wrote, and the log goes on when the supervisor dies; a pipe through it would kill the command then.

use super::folder::LOG;
use super::line;
use crate::units::Size;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is kept of a large log's beginning, and of its end, in bytes.
const HEAD: u64 = 1 << 20;
const TAIL: u64 = 8 << 20;
/// The cap works in steps of this size: a hole covers whole blocks of the file system, and each costs a call.
const STEP: u64 = 1 << 20;

/// A follower that is further behind than this goes to the end, and shows the last part of the log from there. It is
/// less than the tail, so nobody reads in the hole.
const BEHIND: u64 = 1 << 20;
const LAST_PART: u64 = 64 << 10;

/// Where a command's output is, for a person to look into. It is raw, with whatever secrets the command printed.
pub fn log(folder: &Path) -> PathBuf {
    folder.join(LOG)
}

/// The last lines of a command's output, as they would be shown; none if there is no output.
pub fn tail(folder: &Path, lines: usize) -> Vec<String> {
    let Ok(mut reader) = Reader::open(folder) else { return Vec::new() };
    reader.offset = reader.size().saturating_sub(LAST_PART);
    let cut = reader.offset > 0;
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; LAST_PART as usize]);
    while let Ok(Piece::Bytes(read)) = reader.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
        if bytes.len() as u64 >= 2 * LAST_PART {
            break;
        }
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if text.is_empty() {
        return Vec::new();
    }
    let all: Vec<_> = text.split(|byte| *byte == b'\n').skip(cut.into()).collect();
    all[all.len().saturating_sub(lines)..].iter().map(|bytes| line::clean(bytes)).collect()
}

/// The log as its supervisor holds it.
pub(super) struct Log {
    file: File,
    /// Where the hole ends, once there is one.
    hole: u64,
}

impl Log {
    /// Opens it for appending, readable by its owner only.
    pub(super) fn create(folder: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(LOG))?;
        Ok(Log { file, hole: HEAD })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the disk space between head and tail back, without touching the command: offsets stay valid, and the
    /// hole reads as zeros. Where the file system can't, there is no cap.
    pub(super) fn cap(&mut self) {
        let size = self.file.metadata().map_or(0, |metadata| metadata.len());
        let end = size.saturating_sub(TAIL) / STEP * STEP;
        if end > self.hole {
            let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let _ = fallocate(&self.file, mode, self.hole, end - self.hole);
            self.hole = end;
        }
    }
}

/// Reads a log that grows.
pub(super) struct Reader {
    file: File,
    offset: u64,
}

pub(super) enum Piece {
    /// So many bytes were read into the buffer.
    Bytes(usize),
    /// So much was left out; what is read next may begin within a line.
    LeftOut(Size),
    /// There is no more for now.
    End,
}

impl Reader {
    /// Opens it at its beginning.
    pub(super) fn open(folder: &Path) -> io::Result<Reader> {
        Ok(Reader { file: File::open(folder.join(LOG))?, offset: 0 })
    }

    /// Goes to what is written from now on, and back to the beginning of a line that has no end yet: a secret may have
    /// begun in it.
    pub(super) fn skip(&mut self) {
        let end = self.size();
        let start = end.saturating_sub(LAST_PART);
        let mut last = vec![0; (end - start) as usize];
        let read = self.file.read_at(&mut last, start).unwrap_or(0);
        let line = last[..read].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.offset = start + line as u64;
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Piece> {
        let behind = self.size().saturating_sub(self.offset);
        if behind > BEHIND {
            let left_out = behind - LAST_PART;
            self.offset += left_out;
            return Ok(Piece::LeftOut(Size(left_out)));
        }
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(if read == 0 { Piece::End } else { Piece::Bytes(read) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_capped_log_keeps_its_size_its_head_and_its_tail_but_not_its_space() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path()).unwrap();
        for number in 0..300_000 {
            writeln!(log.file(), "{number:07} {}", "x".repeat(91)).unwrap();
            if number % 10_000 == 0 {
                log.cap();
            }
        }
        log.cap();
        let metadata = std::fs::metadata(super::log(folder.path())).unwrap();
        assert_eq!(metadata.len(), 30_000_000);
        assert!(metadata.blocks() * 512 < HEAD + TAIL + 2 * STEP, "{} blocks", metadata.blocks());
        let mut head = vec![0; HEAD as usize];
        log.file = File::open(super::log(folder.path())).unwrap();
        log.file.read_exact_at(&mut head, 0).unwrap();
        assert!(!head.contains(&0));
        let last = tail(folder.path(), 2);
        assert!(last[0].starts_with("0299998 x") && last[1].starts_with("0299999 x"), "{last:?}");
        assert_eq!(tail(folder.path(), 10_000).len(), 655);
    }

    #[test]
    fn the_tail_of_a_missing_an_empty_and_a_short_log_is_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(tail(folder.path(), 3).is_empty());
        std::fs::write(super::log(folder.path()), "").unwrap();
        assert!(tail(folder.path(), 3).is_empty());
        std::fs::write(super::log(folder.path()), "one\n\x1b[1mtwo\x1b[0m\nthree, and no end").unwrap();
        assert_eq!(tail(folder.path(), 2), ["two", "three, and no end"]);
        assert_eq!(tail(folder.path(), 9).len(), 3);
    }
}
