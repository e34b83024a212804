//! The members of an archive that was read, in an unnamed file: there may be millions, and whoever wrote the archive
//! chose how many.

use super::manifest::{Entry, Origin};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::TEMPORARY;
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
        let file = tempfile::tempfile().map_err(unkept)?;
        Ok(Members { file: BufWriter::new(file), count: 0, size: 0, origin: Origin::default() })
    }

    pub(super) fn push(&mut self, entry: &Entry) -> Result<()> {
        let mut line =
            serde_json::to_vec(entry).or_fail(Kind::Bug, || "a member is not plain data".into())?;
        self.origin.add(&line);
        line.push(b'\n');
        self.count += 1;
        self.size = self.size.saturating_add(entry.stored.unwrap_or(entry.size));
        self.file.write_all(&line).map_err(unkept)
    }

    /// No more is pushed.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.file.flush().map_err(unkept)
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
            let line = line.map_err(unkept)?;
            serde_json::from_slice(&line).map_err(unkept)
        })
    }

    /// Those that are meant.
    pub fn filter(&self, is_meant: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>> {
        self.iter().filter(|entry| entry.as_ref().map_or(true, &is_meant)).collect()
    }
}

/// What is said if the list can't be kept: of the archive that says nothing, so it is no refusal of it.
pub(super) fn unkept(error: impl std::fmt::Display) -> Failure {
    let folder = std::env::temp_dir();
    let message = format!("the names in an archive can't be kept in `{}` to be compared", folder.display());
    Failure::new(Kind::NotFound, message).why(error.to_string()).help(TEMPORARY)
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
