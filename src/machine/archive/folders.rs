//! Folders that are being unpacked. Their modes and times are set last, because a file in them changes the one and may need
//! the other; until then what they are to be is kept on the disk: there may be millions, each with many attributes.

use crate::machine::tree::Extended;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How long a header is, in bytes.
const HEADER: usize = 512;
/// How long a number is, in bytes.
const NUMBER: usize = 8;

/// A pile of them: each with its length after it, so that it is read from its end.
pub(super) struct Folders {
    file: File,
    end: u64,
}

/// A folder as the archive has it: its name, its header, its extended attributes.
pub(super) type Folder = (Vec<u8>, tar::Header, Extended);

impl Folders {
    /// In an unnamed file in `folder`, which is private.
    pub fn new(folder: &Path) -> io::Result<Folders> {
        Ok(Folders { file: tempfile::tempfile_in(folder)?, end: 0 })
    }

    pub fn push(&mut self, name: &[u8], header: &tar::Header, extended: &Extended) -> io::Result<()> {
        let mut record = (name.len() as u64).to_le_bytes().to_vec();
        record.extend_from_slice(name);
        record.extend_from_slice(header.as_bytes());
        serde_json::to_writer(&mut record, extended)?;
        record.extend((record.len() as u64).to_le_bytes());
        self.file.write_all_at(&record, self.end)?;
        self.end += record.len() as u64;
        Ok(())
    }

    /// The last one; none if all were taken.
    pub fn pop(&mut self) -> io::Result<Option<Folder>> {
        let Some(end) = self.end.checked_sub(NUMBER as u64) else { return Ok(None) };
        let torn = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let length = self.number(end)?;
        let start = end.checked_sub(length).ok_or_else(torn)?;
        let mut record = vec![0; usize::try_from(length).map_err(|_| torn())?];
        self.file.read_exact_at(&mut record, start)?;
        let name = usize::try_from(self.number(start)?).map_err(|_| torn())?;
        let (name, rest) = record[NUMBER..].split_at_checked(name).ok_or_else(torn)?;
        let (header, extended) = rest.split_at_checked(HEADER).ok_or_else(torn)?;
        let mut kept = tar::Header::new_old();
        kept.as_mut_bytes().copy_from_slice(header);
        self.end = start;
        Ok(Some((name.to_vec(), kept, serde_json::from_slice(extended)?)))
    }

    fn number(&self, at: u64) -> io::Result<u64> {
        let mut number = [0; NUMBER];
        self.file.read_exact_at(&mut number, at)?;
        Ok(u64::from_le_bytes(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_back_as_they_were_the_last_one_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut folders = Folders::new(folder.path()).unwrap();
        for number in 0..3u8 {
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o700 + u32::from(number));
            let mut extended = Extended::default();
            extended.0.insert("user.number".into(), vec![number; 60_000]);
            folders.push(&[b'a', number, 0xff], &header, &extended).unwrap();
        }
        for number in (0..3u8).rev() {
            let (name, header, extended) = folders.pop().unwrap().unwrap();
            assert_eq!((name, header.mode().unwrap()), (vec![b'a', number, 0xff], 0o700 + u32::from(number)));
            assert_eq!(extended.0["user.number"], vec![number; 60_000]);
        }
        assert!(folders.pop().unwrap().is_none());
    }
}
