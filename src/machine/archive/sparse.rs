//! Files with holes, in the form 1.0 of GNU tar: before the data stands a map, which says where each piece of it belongs.
//!
//! ```text
//! 2\n0\n4096\n1048576\n512\n     two pieces: 4096 bytes at 0, 512 at 1 MiB; filled up to a block of 512 bytes
//! (4096 bytes) (512 bytes)
//! ```

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

const BLOCK: u64 = 512;
/// The most pieces of a file that are read.
const MOST: u64 = 1_000_000;

/// Where the data of a file is, in order, and how long the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pieces: Vec<(u64, u64)>,
    pub size: u64,
}

impl Map {
    /// That of an open file, if it has holes and the file system says where.
    pub fn of(file: &File, found: &Metadata) -> io::Result<Option<Map>> {
        let size = found.len();
        if found.blocks().saturating_mul(BLOCK) >= size {
            return Ok(None);
        }
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < size {
            let from = match seek(file, SeekFrom::Data(at)) {
                // Nothing but a hole follows.
                Err(Errno::NXIO) => break,
                Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(None),
                from => from?.min(size),
            };
            let to = match seek(file, SeekFrom::Hole(from)) {
                // It was cut meanwhile.
                Err(Errno::NXIO) => break,
                to => to?.clamp(from, size),
            };
            if pieces.len() as u64 >= MOST - 1 {
                return Ok(None);
            }
            if to > from {
                pieces.push((from, to - from));
            }
            at = to.max(at + 1);
        }
        seek(file, SeekFrom::Start(0))?;
        // A file that ends with a hole ends with a piece of no length: that says how long it is.
        if pieces.last().is_none_or(|(from, length)| from + length < size) {
            pieces.push((size, 0));
        }
        Ok(Some(Map { pieces, size }))
    }

    /// As it stands before the data.
    pub fn encoded(&self) -> Vec<u8> {
        let mut text = format!("{}\n", self.pieces.len());
        self.pieces.iter().for_each(|(from, length)| text.push_str(&format!("{from}\n{length}\n")));
        let mut text = text.into_bytes();
        text.resize(text.len().next_multiple_of(BLOCK as usize), 0);
        text
    }

    /// How long map and data are together.
    pub fn stored(&self) -> u64 {
        self.encoded().len() as u64 + self.pieces.iter().map(|(_, length)| length).sum::<u64>()
    }

    /// Map and data of the file, as they are stored.
    pub fn content<'a>(&'a self, file: &'a File) -> impl io::Read + 'a {
        io::Read::chain(io::Cursor::new(self.encoded()), Data { file, pieces: &self.pieces, done: 0 })
    }
}

/// The pieces of a file, one after another. What is missing of one, because the file was cut, becomes zeros.
struct Data<'a> {
    file: &'a File,
    pieces: &'a [(u64, u64)],
    done: u64,
}

impl io::Read for Data<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let [(from, length), rest @ ..] = self.pieces {
            let left = length - self.done;
            if left == 0 {
                (self.pieces, self.done) = (rest, 0);
                continue;
            }
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let mut read = self.file.read_at(&mut buffer[..most], from + self.done)?;
            if read == 0 {
                buffer[..most].fill(0);
                read = most;
            }
            self.done += read as u64;
            return Ok(read);
        }
        Ok(0)
    }
}

/// Takes map and data as they are stored, in whatever drops they come, and puts the data where it belongs.
pub(super) struct Expanding {
    size: u64,
    /// Bytes of the map that were read, and what of them is no number yet.
    read: u64,
    digits: Option<u64>,
    /// How many numbers follow, once that is known.
    numbers: Option<u64>,
    from: Option<u64>,
    pieces: Vec<(u64, u64)>,
    /// The piece that is written, and how much of it is.
    piece: usize,
    done: u64,
}

impl Expanding {
    /// `size` is that of the file with its holes.
    pub fn new(size: u64) -> Expanding {
        let (read, digits, numbers, from) = (0, None, None, None);
        Expanding { size, read, digits, numbers, from, pieces: Vec::new(), piece: 0, done: 0 }
    }

    /// Takes what comes next; into the file, if there is one.
    pub fn take(&mut self, mut bytes: &[u8], file: Option<&File>) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.numbers != Some(0) || !self.read.is_multiple_of(BLOCK) {
                self.read += 1;
                let (byte, rest) = (bytes[0], &bytes[1..]);
                bytes = rest;
                // What follows the numbers fills up the block.
                if self.numbers != Some(0) {
                    self.digit(byte)?;
                }
                continue;
            }
            let Some((from, length)) = self.pieces.get(self.piece).copied() else {
                return Err(wrong("something follows its data"));
            };
            let most = bytes.len().min(usize::try_from(length - self.done).unwrap_or(usize::MAX));
            if let Some(file) = file {
                file.write_all_at(&bytes[..most], from + self.done)?;
            }
            bytes = &bytes[most..];
            self.done += most as u64;
            if self.done == length {
                (self.piece, self.done) = (self.piece + 1, 0);
            }
        }
        Ok(())
    }

    fn digit(&mut self, byte: u8) -> io::Result<()> {
        if byte.is_ascii_digit() {
            let number = self.digits.unwrap_or(0).checked_mul(10);
            let number = number.and_then(|number| number.checked_add(u64::from(byte - b'0')));
            self.digits = Some(number.ok_or_else(|| wrong("it has a number that is too large"))?);
            return Ok(());
        }
        let number =
            self.digits.take().filter(|_| byte == b'\n').ok_or_else(|| wrong("it is no list of numbers"))?;
        match (self.numbers, self.from.take()) {
            (None, _) if number <= MOST => self.numbers = Some(2 * number),
            (None, _) => return Err(wrong("it has too many pieces")),
            (Some(left), None) => (self.from, self.numbers) = (Some(number), Some(left - 1)),
            (Some(left), Some(from)) => {
                let before = self.pieces.last().map_or(0, |(from, length)| from + length);
                let end = from.checked_add(number).filter(|end| from >= before && *end <= self.size);
                end.ok_or_else(|| wrong("its pieces are not in order, or not in the file"))?;
                // A piece of no length holds nothing: it says how long the file is, which is known.
                if number > 0 {
                    self.pieces.push((from, number));
                }
                self.numbers = Some(left - 1);
            }
        }
        Ok(())
    }

    /// All was taken.
    pub fn finish(&self, file: Option<&File>) -> io::Result<()> {
        if self.numbers != Some(0) || !self.read.is_multiple_of(BLOCK) || self.piece < self.pieces.len() {
            return Err(wrong("it is cut"));
        }
        file.map_or(Ok(()), |file| file.set_len(self.size))
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(format!("the map of a file with holes in it is wrong: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn expand(stored: &[u8], size: u64, drops: usize) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        let mut expanding = Expanding::new(size);
        for drop in stored.chunks(drops) {
            expanding.take(drop, Some(&file))?;
        }
        expanding.finish(Some(&file))?;
        let mut content = Vec::new();
        io::Seek::rewind(&mut file)?;
        file.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn a_file_with_holes_comes_back_wherever_the_drops_end() {
        for (places, size) in [
            (vec![], 1u64 << 20),
            (vec![0], 1 << 20),
            (vec![300_000, 900_000], 900_004),
            (vec![1 << 19], (1 << 20) + 7),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            for place in &places {
                file.write_all_at(b"data", *place).unwrap();
            }
            file.set_len(size).unwrap();
            let map = Map::of(&file, &file.metadata().unwrap()).unwrap().expect("holes");
            let mut stored = Vec::new();
            map.content(&file).read_to_end(&mut stored).unwrap();
            assert_eq!(stored.len() as u64, map.stored());
            let mut whole = Vec::new();
            io::Seek::rewind(&mut file).unwrap();
            file.read_to_end(&mut whole).unwrap();
            for drops in [1, 7, 512, 1 << 20] {
                assert!(expand(&stored, size, drops).unwrap() == whole, "{places:?} in {drops}");
            }
        }
        let mut dense = tempfile::tempfile().unwrap();
        dense.write_all(&[1; 10_000]).unwrap();
        dense.sync_all().unwrap();
        assert_eq!(Map::of(&dense, &dense.metadata().unwrap()).unwrap(), None);
    }

    #[test]
    fn a_map_that_lies_is_refused() {
        let block = |text: &str, data: &str| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(bytes.len().next_multiple_of(512), 0);
            [&bytes[..], data.as_bytes()].concat()
        };
        assert_eq!(expand(&block("1\n0\n4\n", "data"), 4, 512).unwrap(), b"data");
        for (text, data, why) in [
            ("1\n2\n4\n", "data", "beyond the end"),
            ("2\n2\n1\n0\n1\n", "da", "not in order"),
            ("2\n0\n2\n1\n1\n", "dat", "over one another"),
            ("1\n0\n4\n", "dat", "cut"),
            ("1\n0\n4\n", "data!", "too much"),
            ("2\n0\n4\n", "data", "fewer numbers than it says"),
            ("1000001\n0\n4\n", "data", "too many"),
            ("99999999999999999999\n", "", "too large"),
            ("x\n", "", "no number"),
            ("\n", "", "nothing"),
            ("1\n-1\n4\n", "data", "negative"),
            ("1\n18446744073709551615\n2\n", "da", "overflow"),
            ("", "", "empty"),
        ] {
            assert!(expand(&block(text, data), 4, 512).is_err(), "{why}");
        }
    }
}
