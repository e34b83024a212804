//! Readers and writers that hash what passes, and a reader that gives exactly what was promised.

use super::digest::LongDigest;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

/// Hashes what passes through it.
pub(super) struct Hashing<T, D = Sha256> {
    pub inner: T,
    pub digest: D,
}

impl<T> Hashing<T> {
    pub fn new(inner: T) -> Hashing<T> {
        Hashing { inner, digest: Sha256::new() }
    }
}

impl<T> Hashing<T, LongDigest> {
    /// Much will pass.
    pub fn long(inner: T) -> Hashing<T, LongDigest> {
        Hashing { inner, digest: LongDigest::default() }
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T, LongDigest> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

/// Gives exactly as many bytes as a header already promised, although the file may shrink or grow meanwhile: what is
/// missing becomes zeros, what is too much is left. Anything else would shift all members that follow.
pub(super) struct Promised<'a, R> {
    inner: R,
    left: u64,
    /// The file ended before its time.
    short: bool,
    stop: &'a dyn Fn() -> bool,
}

impl<'a, R: Read> Promised<'a, R> {
    pub fn new(inner: R, size: u64, stop: &'a dyn Fn() -> bool) -> Promised<'a, R> {
        Promised { inner, left: size, short: false, stop }
    }

    /// Whether the file was not as long as it had been.
    pub fn changed(&mut self) -> bool {
        self.short || matches!(self.inner.read(&mut [0]), Ok(1))
    }
}

impl<R: Read> Read for Promised<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.stop)() {
            return Err(io::Error::other("interrupted"));
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let buffer = &mut buffer[..most];
        let read = match self.short {
            true => 0,
            false => self.inner.read(buffer)?,
        };
        let given = if read == 0 {
            self.short = true;
            buffer.fill(0);
            most
        } else {
            read
        };
        self.left -= given as u64;
        Ok(given)
    }
}

/// A part of a file, read without moving the place that others read the file at.
pub(super) struct Stretch<'a> {
    pub file: &'a File,
    pub from: u64,
    pub length: u64,
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.length).unwrap_or(usize::MAX));
        let read = self.file.read_at(&mut buffer[..most], self.from)?;
        self.from += read as u64;
        self.length -= read as u64;
        Ok(read)
    }
}
