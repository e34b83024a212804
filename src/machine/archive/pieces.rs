//! Gzip on several cores: pieces of equal length, each compressed by itself as a gzip member. A reader takes members
//! that follow one another as one stream (RFC 1952, section 2.2).

use flate2::{Compression, GzBuilder};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How long a piece is, in bytes. Compression begins anew with each: at this length that costs under a thousandth.
const PIECE: usize = 1 << 20;

/// How many pieces of a thread are in memory at most.
const AHEAD: usize = 2;

/// Compresses what is written.
pub(super) struct Pieces<W: Write> {
    inner: W,
    piece: Vec<u8>,
    /// Piece after piece, in turn: so what they give back, taken in turn, is in order.
    threads: Vec<Thread>,
    given: usize,
    taken: usize,
}

/// Ends when this is dropped.
struct Thread {
    give: Sender<Vec<u8>>,
    take: Receiver<io::Result<Vec<u8>>>,
}

impl<W: Write> Pieces<W> {
    pub fn new(inner: W, threads: usize, level: Compression) -> io::Result<Pieces<W>> {
        let threads = (0..threads.max(1)).map(|_| Thread::start(level)).collect::<io::Result<_>>()?;
        Ok(Pieces { inner, piece: Vec::with_capacity(PIECE), threads, given: 0, taken: 0 })
    }

    /// Writes what is left, and gives back what it wrote to.
    pub fn finish(mut self) -> io::Result<W> {
        self.give()?;
        while self.taken < self.given {
            self.take()?;
        }
        Ok(self.inner)
    }

    fn give(&mut self) -> io::Result<()> {
        if self.given - self.taken == self.threads.len() * AHEAD {
            self.take()?;
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let thread = &self.threads[self.given % self.threads.len()];
        thread.give.send(piece).map_err(|_| gone())?;
        self.given += 1;
        Ok(())
    }

    fn take(&mut self) -> io::Result<()> {
        let thread = &self.threads[self.taken % self.threads.len()];
        let compressed = thread.take.recv().map_err(|_| gone())??;
        self.taken += 1;
        self.inner.write_all(&compressed)
    }
}

fn gone() -> io::Error {
    io::Error::other("a thread that compresses ended")
}

impl Thread {
    fn start(level: Compression) -> io::Result<Thread> {
        let (give, given) = channel::<Vec<u8>>();
        let (done, take) = channel();
        let work = move || {
            for piece in given {
                let member = Vec::with_capacity(piece.len() / 2);
                let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(member, level);
                let compressed = encoder.write_all(&piece).and_then(|()| encoder.finish());
                if done.send(compressed).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("gzip".into()).spawn(work)?;
        Ok(Thread { give, take })
    }
}

impl<W: Write> Write for Pieces<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.give()?;
        }
        let room = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    /// Compresses nothing early: that would make short pieces.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pieces_read_as_one_stream() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 9 * PIECE + 17] {
            let content: Vec<u8> = (0..length).map(|n| (n * n / 977) as u8).collect();
            for threads in [1, 2, 5] {
                let mut pieces = Pieces::new(Vec::new(), threads, Compression::new(1)).unwrap();
                pieces.write_all(&content).unwrap();
                let compressed = pieces.finish().unwrap();
                let mut read = Vec::new();
                flate2::read::MultiGzDecoder::new(&compressed[..]).read_to_end(&mut read).unwrap();
                assert_eq!(read.len(), content.len(), "{threads} threads");
                assert!(read == content, "{threads} threads, {length} bytes");
            }
        }
    }
}
