//! SHA-256 of what may be long: from some length on a thread of its own computes it, beside what is read and unpacked.

use sha2::{Digest, Sha256};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

/// What is shorter is not worth a thread.
const LONG: usize = 1 << 20;
/// How many bytes are handed over at once, and how often before the thread must have taken some.
const PIECE: usize = 256 << 10;
const WAITING: usize = 4;

/// A digest that grows.
#[derive(Default)]
pub(super) struct LongDigest {
    digest: Sha256,
    length: usize,
    worker: Option<Worker>,
}

struct Worker {
    /// What was not handed over yet.
    piece: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    /// What was taken, to be filled again.
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

impl LongDigest {
    pub fn update(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len());
        if self.worker.is_none() && self.length > LONG {
            self.worker = Worker::start(&self.digest);
        }
        match &mut self.worker {
            Some(worker) => worker.take(bytes),
            // Short, or there is no thread to be had.
            None => self.digest.update(bytes),
        }
    }

    pub fn finalize(self) -> [u8; 32] {
        let digest = self.worker.map_or(self.digest, Worker::end);
        digest.finalize().into()
    }
}

impl Worker {
    fn start(begun: &Sha256) -> Option<Worker> {
        let (full, work) = sync_channel::<Vec<u8>>(WAITING);
        let (done, empty) = channel();
        let mut digest = begun.clone();
        let thread = Builder::new().name("digest".into()).spawn(move || {
            for mut piece in work {
                digest.update(&piece);
                piece.clear();
                // Nobody fills the last ones again.
                let _ = done.send(piece);
            }
            digest
        });
        Some(Worker { piece: Vec::with_capacity(PIECE), full, empty, thread: thread.ok()? })
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        let piece = std::mem::replace(&mut self.piece, next);
        self.full.send(piece).expect("the thread takes all until nothing more comes");
    }

    fn end(mut self) -> Sha256 {
        self.hand_over();
        drop(self.full);
        self.thread.join().expect("hashing does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_digest_whatever_the_length_and_the_pieces() {
        let bytes: Vec<u8> =
            (0..(3 << 20) + 17u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for length in [0, 1, LONG, LONG + 1, LONG + PIECE, 3 << 20, bytes.len()] {
            for piece in [1000, 64 << 10, 1 << 20] {
                let mut digest = LongDigest::default();
                bytes[..length].chunks(piece).for_each(|piece| digest.update(piece));
                assert_eq!(digest.finalize()[..], Sha256::digest(&bytes[..length])[..], "{length} {piece}");
            }
        }
    }
}
