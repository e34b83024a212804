//! The members of an archive that was read, in an unnamed file: there may be millions, and whoever wrote the archive
//! chose how many.

use super::manifest::{Entry, Origin};
use crate::failure::{Context, Kind, Result};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;

/// All members but the manifest, in the order of the archive.
#[derive(Debug)]
pub struct Members {
    file: BufWriter<File>,
    count: usize,
    size: u64,
    origin: Origin,
}

impl Members {
    pub(super) fn new() -> Result<Members> {
        let file = tempfile::tempfile().or_fail(Kind::Refused, failed)?;
        Ok(Members { file: BufWriter::new(file), count: 0, size: 0, origin: Origin::default() })
    }

    pub(super) fn push(&mut self, entry: &Entry) -> Result<()> {
        let mut line =
            serde_json::to_vec(entry).or_fail(Kind::Bug, || "a member is not plain data".into())?;
        self.origin.add(&line);
        line.push(b'\n');
        self.count += 1;
        self.size = self.size.saturating_add(entry.size);
        self.file.write_all(&line).or_fail(Kind::Refused, failed)
    }

    /// No more is pushed.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.file.flush().or_fail(Kind::Refused, failed)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of content, unpacked.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A digest of all of them.
    pub(super) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// Each of them, until the list can't be read.
    pub fn iter(&self) -> impl Iterator<Item = Result<Entry>> + '_ {
        let reader = BufReader::new(At { file: self.file.get_ref(), place: 0 });
        reader.split(b'\n').map(|line| {
            let line = line.or_fail(Kind::Refused, failed)?;
            serde_json::from_slice(&line).or_fail(Kind::Refused, failed)
        })
    }

    /// Those that are meant.
    pub fn filter(&self, is_meant: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>> {
        self.iter().filter(|entry| entry.as_ref().map_or(true, &is_meant)).collect()
    }
}

fn failed() -> String {
    format!("the list of an archive's members can't be kept in `{}`", std::env::temp_dir().display())
}

/// Reads a file from its beginning, wherever others read or write it.
struct At<'a> {
    file: &'a File,
    place: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}
