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

/// The last lines of a command's output, as `shown` makes them of what a person would see; none if there is no output.
/// Of a line that is longer than 64 KiB there is the end, behind a `…`; and of many lines so many that they are not
/// much more together.
pub fn tail(folder: &Path, lines: usize, shown: &dyn Fn(&str) -> String) -> Vec<String> {
    let Ok(reader) = Reader::open(folder) else { return Vec::new() };
    let mut tail = Tail::new(&reader);
    let mut found = Vec::new();
    let mut room = 0;
    while found.len() < lines {
        let Some((bytes, cut)) = tail.next() else { break };
        // The last line is there whatever it takes, and what fits beside it.
        if !found.is_empty() && (cut || bytes.len() >= room) {
            break;
        }
        room = match found.is_empty() {
            true => LINE.saturating_sub(bytes.len() + 1).max(MARGIN),
            false => room.saturating_sub(bytes.len() + 1),
        };
        let text = shown(&line::clean(&bytes));
        // Whatever stands before the last carriage return would not be seen anyway.
        let is_cut = cut && !bytes.trim_ascii_end().contains(&b'\r');
        found.push(if is_cut { end_of(&text) } else { text });
    }
    found.reverse();
    found
}

/// The end of a text that begins somewhere within a line. What is cut off here, after `shown`, is more than any secret
/// of which only the end could have been read.
fn end_of(text: &str) -> String {
    let begin = text.len().saturating_sub(LINE).max(text.len().min(MARGIN));
    let begin = (begin..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("…{}", &text[begin..])
}

/// What is kept of a long line, and what is read before that, in bytes.
const LINE: usize = 64 << 10;
const MARGIN: usize = 4 << 10;

/// The lines of a log as it is now, the last one first.
struct Tail<'a> {
    reader: &'a Reader,
    /// Where the part that was read begins in the log.
    begin: u64,
    /// That part, up to the end of the next line.
    part: Vec<u8>,
    /// Where it is not read before: there is nothing, or the hole.
    limit: u64,
    done: bool,
}

impl Tail<'_> {
    fn new(reader: &Reader) -> Tail<'_> {
        let size = reader.size();
        let mut tail =
            Tail { reader, begin: size, part: Vec::new(), limit: size.saturating_sub(TAIL), done: size == 0 };
        tail.read_more();
        if tail.part.last() == Some(&b'\n') {
            tail.part.pop();
        }
        tail
    }

    /// Reads another part before what there is. False if there is none.
    fn read_more(&mut self) -> bool {
        let length = LAST_PART.min(self.begin - self.limit);
        let mut more = vec![0; length as usize];
        let read = self.reader.file.read_exact_at(&mut more, self.begin - length);
        if length == 0 || read.is_err() {
            return false;
        }
        self.begin -= length;
        more.append(&mut self.part);
        self.part = more;
        true
    }
}

impl Iterator for Tail<'_> {
    /// A line, or its end if it is too long, and whether it is cut.
    type Item = (Vec<u8>, bool);

    fn next(&mut self) -> Option<(Vec<u8>, bool)> {
        if self.done {
            return None;
        }
        let mut searched = 0;
        loop {
            let unsearched = self.part.len() - searched;
            if let Some(at) = self.part[..unsearched].iter().rposition(|byte| *byte == b'\n') {
                let line = self.part.split_off(at + 1);
                self.part.pop();
                return Some(if line.len() > LINE { (end(line), true) } else { (line, false) });
            }
            searched = self.part.len();
            let is_long = searched > LINE + MARGIN;
            if is_long || !self.read_more() {
                self.done = true;
                let line = std::mem::take(&mut self.part);
                let cut = is_long || self.begin > 0 || line.len() > LINE;
                return Some(if cut { (end(line), true) } else { (line, false) });
            }
        }
    }
}

/// What is kept of a long line, from a character's beginning.
fn end(line: Vec<u8>) -> Vec<u8> {
    let begin = line.len().saturating_sub(LINE + MARGIN);
    let within = line[begin..].iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    line[begin + within..].to_vec()
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
        let tail = |folder: &Path, lines| super::tail(folder, lines, &str::to_owned);
        let last = tail(folder.path(), 2);
        assert!(last[0].starts_with("0299998 x") && last[1].starts_with("0299999 x"), "{last:?}");
        assert_eq!(tail(folder.path(), 10_000).len(), 655);
    }

    #[test]
    fn the_tail_of_a_missing_an_empty_and_a_short_log_is_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let tail = |folder: &Path, lines| super::tail(folder, lines, &str::to_owned);
        assert!(tail(folder.path(), 3).is_empty());
        std::fs::write(super::log(folder.path()), "").unwrap();
        assert!(tail(folder.path(), 3).is_empty());
        std::fs::write(super::log(folder.path()), "one\n\x1b[1mtwo\x1b[0m\nthree, and no end").unwrap();
        assert_eq!(tail(folder.path(), 2), ["two", "three, and no end"]);
        assert_eq!(tail(folder.path(), 9).len(), 3);
    }

    #[test]
    fn of_a_line_without_bound_the_end_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let tail = |log: &[u8], lines| {
            std::fs::write(super::log(folder.path()), log).unwrap();
            super::tail(folder.path(), lines, &str::to_owned)
        };
        let long = |length: usize| [vec![b'x'; length - 4], b" end".to_vec()].concat();
        for length in [LINE - 1, LINE] {
            for log in [long(length), [long(length), vec![b'\n']].concat()] {
                let lines = tail(&log, 3);
                assert_eq!((lines.len(), lines[0].len(), lines[0].starts_with('x')), (1, length, true));
            }
        }
        for length in [LINE + 1, 66_000, LINE + MARGIN, LINE + MARGIN + 1, 200_000, 10_000_000] {
            let lines = tail(&long(length), 3);
            assert_eq!(lines.len(), 1, "{length}");
            assert!(lines[0].starts_with("…x") && lines[0].ends_with("x end"), "{length}");
            assert!(lines[0].len() <= LINE + "…".len() && lines[0].len() >= LINE - MARGIN, "{length}");
        }
        // What comes after and before it.
        let around = [b"one\ntwo\n".to_vec(), long(66_000), b"\nthree\nfour\n".to_vec()].concat();
        assert_eq!(tail(&around, 2), ["three", "four"]);
        assert_eq!(tail(&around, 9), ["three", "four"]);
        let before = [b"one\ntwo\n".to_vec(), long(66_000)].concat();
        let lines = tail(&before, 9);
        assert_eq!((lines.len(), &lines[0], &lines[1]), (3, &"one".to_owned(), &"two".to_owned()));
        // What is no text.
        assert_eq!(tail(&[0; 100_000], 3), ["…"]);
        assert_eq!(tail(&[b"a\n".to_vec(), vec![0; 1000], b"b\n".to_vec()].concat(), 3), ["a", "b"]);
        let lines = tail(&[0xff; 100_000], 3);
        assert!(lines.len() == 1 && lines[0].ends_with('\u{fffd}'));
        let lines = tail("é".repeat(100_000).as_bytes(), 3);
        assert!(lines[0].starts_with("…é") && lines[0].len() > LINE - MARGIN);
        // A progress is one line of which the last state counts.
        assert_eq!(tail("50%\r".repeat(100_000).as_bytes(), 3), ["50%"]);
        assert_eq!(tail(b"\n\n", 3), ["", ""]);
        assert_eq!(tail(b"\n", 3), [""]);
    }

    #[test]
    fn a_secret_at_the_edge_of_what_is_kept_is_not_shown_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let secret = "correct-horse-battery-staple";
        for before in 0..2 * secret.len() {
            let log = format!("{}{secret}{}", "x".repeat(9_000), "y".repeat(LINE + MARGIN - before));
            std::fs::write(super::log(folder.path()), log).unwrap();
            let lines = super::tail(folder.path(), 1, &|line| line.replace(secret, "hidden"));
            assert!(!lines[0].contains("staple") && !lines[0].contains('x'), "{before}");
        }
    }
}
