//! The two compressions of a backup, chosen by the file's name, and the seal at its end.
//!
//! Gzip and zstd check the data that they hold, but not all of their own bytes: a changed byte in a header, or the
//! unused bits before an end, goes unnoticed. So the SHA-256 of everything before it ends the file, in a form that
//! every other program skips: for gzip an empty second member with an extra field (RFC 1952, sections 2.2 and
//! 2.3.1.1), for zstd a skippable frame (RFC 8878, section 3.1.2).

use super::keys::Encryption;
use super::pieces::Pieces;
use crate::failure::{Failure, Kind, Result};
use flate2::read::MultiGzDecoder;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// By the name's ending: `.tar.gz` or `.tar.zst`, also before that of an encryption.
    pub fn of(path: &Path) -> Result<Compression> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let inner = Encryption::of(path).and_then(|encryption| name.strip_suffix(encryption.ending()));
        let inner = inner.and_then(|name| name.strip_suffix('.')).unwrap_or(&name);
        if inner.ends_with(".tar.gz") {
            Ok(Compression::Gzip)
        } else if inner.ends_with(".tar.zst") {
            Ok(Compression::Zstd)
        } else {
            Err(Failure::new(Kind::Invalid, format!("`{name}` is no name of an archive"))
                .help("let it end with `.tar.gz` or `.tar.zst`"))
        }
    }

    /// What stands in the seal before the digest and after it.
    fn seal_frame(self) -> (&'static [u8], &'static [u8]) {
        match self {
            // Flags: extra field. Its length is 36: the field's name `Bs`, the length 32, and the digest.
            Compression::Gzip => (
                b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x24\0Bs\x20\0",
                // An empty last block, then checksum and length of nothing.
                b"\x03\0\0\0\0\0\0\0\0\0",
            ),
            // The first of the magic numbers for skippable frames, then the length 40: our name and the digest.
            Compression::Zstd => (b"\x50\x2a\x4d\x18\x28\0\0\0banister", b""),
        }
    }

    /// The seal for a digest.
    pub(super) fn seal(self, digest: &[u8]) -> Vec<u8> {
        let (before, after) = self.seal_frame();
        [before, digest, after].concat()
    }

    /// Whether these bytes have a seal's form.
    pub(super) fn is_seal(self, bytes: &[u8]) -> bool {
        let (before, after) = self.seal_frame();
        bytes.len() == self.seal_length() && bytes.starts_with(before) && bytes.ends_with(after)
    }

    /// How long a seal is, in bytes.
    pub(super) fn seal_length(self) -> usize {
        let (before, after) = self.seal_frame();
        before.len() + 32 + after.len()
    }
}

/// The most threads that compress: each holds a few pieces in memory, and disks are slower than eight of them.
const MOST_THREADS: usize = 8;

/// Gzip's level. The levels above take twice as long for a few hundredths less.
const GZIP_LEVEL: u32 = 5;

/// Zstd's level: its own default.
const ZSTD_LEVEL: i32 = zstd::DEFAULT_COMPRESSION_LEVEL;

/// How much zstd gives to a thread at once, in bytes. Its own choice, four times as much, needs four times the memory.
const ZSTD_JOB: u32 = 2 << 20;

/// The largest window that is read, as a power of two: 16 MiB of memory. All levels of zstd but its last three stay
/// below it.
const ZSTD_WINDOW: u32 = 24;

/// Compresses what is written, on all cores.
pub(super) enum Encoder<W: Write> {
    Gzip(Pieces<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    pub fn new(compression: Compression, inner: W) -> io::Result<Encoder<W>> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        Ok(match compression {
            Compression::Gzip => {
                Encoder::Gzip(Pieces::new(inner, cores, flate2::Compression::new(GZIP_LEVEL))?)
            }
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(inner, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.multithread(u32::try_from(cores).unwrap_or(1))?;
                encoder.set_parameter(zstd::zstd_safe::CParameter::JobSize(ZSTD_JOB))?;
                Encoder::Zstd(encoder)
            }
        })
    }

    /// Writes what is left, and gives back what it wrote to.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// Decompresses what is read.
pub(super) enum Decoder<R: Read> {
    Gzip(Box<MultiGzDecoder<R>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<R>>),
}

impl<R: Read> Decoder<R> {
    pub fn new(compression: Compression, inner: R) -> io::Result<Decoder<R>> {
        Ok(match compression {
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(inner))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(inner)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Decoder::Zstd(decoder)
            }
        })
    }

    /// Gives back what it read from.
    pub fn into_inner(self) -> R {
        match self {
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish().into_inner(),
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        }
    }
}
