//! Keeps the seal back from what is read: of a stream nobody knows where the end is until it is there.

use super::compression::Compression;
use std::io::{self, Read};

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Gives everything but the seal at the end. If there is none it gives all, because a damaged member says more than a
/// missing seal.
pub(super) struct Unsealed<R> {
    inner: R,
    compression: Compression,
    /// What was read and not given yet is in `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    has_ended: bool,
    /// The seal, once all was read.
    pub seal: Option<Vec<u8>>,
}

impl<R: Read> Unsealed<R> {
    pub fn new(compression: Compression, inner: R) -> Unsealed<R> {
        let buffer = vec![0; PIECE + compression.seal_length()];
        Unsealed { inner, compression, buffer, start: 0, end: 0, has_ended: false, seal: None }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = self.inner.read(&mut self.buffer[self.end..])?;
        self.end += read;
        if read == 0 {
            self.has_ended = true;
            if self.compression.is_seal(&self.buffer[..self.end]) {
                self.seal = Some(self.buffer[..self.end].to_vec());
                self.end = 0;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Unsealed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let kept = if self.has_ended { 0 } else { self.compression.seal_length() };
            let given = (self.end - self.start).saturating_sub(kept).min(out.len());
            if given > 0 || self.has_ended || out.is_empty() {
                out[..given].copy_from_slice(&self.buffer[self.start..self.start + given]);
                self.start += given;
                return Ok(given);
            }
            self.refill()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives as many bytes at once as it is told.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let most = out.len().min(self.1);
            self.0.read(&mut out[..most])
        }
    }

    #[test]
    fn the_seal_is_kept_back_wherever_the_pieces_end() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let seal = compression.seal(&[7; 32]);
            for length in [0, 1, 56, 57, 58, 200, PIECE - 1, PIECE, PIECE + 60, 3 * PIECE] {
                let body: Vec<u8> = (0..length).map(|n| (n * n / 977) as u8).collect();
                let sealed = [&body[..], &seal].concat();
                for drops in [1, 7, 57, 4096, usize::MAX] {
                    let mut read = Vec::new();
                    let mut unsealed = Unsealed::new(compression, Drops(&sealed, drops));
                    unsealed.read_to_end(&mut read).unwrap();
                    assert!(read == body && unsealed.seal.as_ref() == Some(&seal), "{length} in {drops}");
                    // Without its last byte it is none.
                    let mut read = Vec::new();
                    let cut = &sealed[..sealed.len() - 1];
                    let mut unsealed = Unsealed::new(compression, Drops(cut, drops));
                    unsealed.read_to_end(&mut read).unwrap();
                    assert!(read == cut && unsealed.seal.is_none(), "{length} in {drops}");
                }
            }
        }
    }
}
