//! Where the bytes of an archive go while it is written: into its file, or through the program that encrypts them.

use super::keys::{Encryption, Keys, not_encrypted};
use super::streams::Hashing;
use crate::command::{Feed, Filter};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::hexadecimal;
use sha2::Digest;
use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::path::Path;
use std::thread::JoinHandle;

/// Takes the bytes.
pub(super) enum Target<'a> {
    File(File),
    Program(Feed<'a>),
}

impl Write for Target<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::File(file) => file.write(bytes),
            Target::Program(feed) => feed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::File(file) => file.flush(),
            Target::Program(feed) => feed.flush(),
        }
    }
}

/// The program, and the thread that takes what it makes; the program is ended when this is dropped.
///
/// ```text
/// encoder ─ pipe → age or gpg ─ pipe → thread → file
/// ```
pub(super) struct Encrypting<'a> {
    encryption: Encryption,
    what: String,
    filter: Filter<'a>,
    thread: JoinHandle<io::Result<Hashing<File>>>,
}

impl<'a> Encrypting<'a> {
    /// Starts it for the archive `path`, which is being written into `file`.
    pub fn start(
        encryption: Encryption,
        keys: &Keys,
        path: &Path,
        file: File,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<(Encrypting<'a>, Target<'a>)> {
        let what = format!("the archive `{}`", path.display());
        let failed = || format!("{what} can't be encrypted");
        let spec = keys.encrypting(encryption, &what)?;
        let (stdin, feed) = io::pipe().or_fail(Kind::Refused, failed)?;
        let (output, stdout) = io::pipe().or_fail(Kind::Refused, failed)?;
        let filter =
            Filter::start(&spec, stdin, stdout, stop).map_err(|failure| encryption.missing(failure))?;
        let feed = Feed::new(feed, stop).or_fail(Kind::Refused, failed)?;
        let thread = std::thread::Builder::new().name("archive".into()).spawn(move || keep(output, file));
        let thread = thread.or_fail(Kind::Refused, failed)?;
        Ok((Encrypting { encryption, what, filter, thread }, Target::Program(feed)))
    }

    /// Waits until all is in the file; its SHA-256 in lower-case hexadecimal. What feeds the program must be dropped
    /// before.
    ///
    /// Fails with [`Kind::CommandFailed`] if the program does, with [`Kind::Refused`] if the file can't be written,
    /// with [`Kind::Interrupted`].
    pub fn finish(self) -> Result<String> {
        let looked = self.filter.finish()?;
        let failed = || format!("{} can't be written", self.what);
        let kept = self.thread.join().map_err(|_| Failure::new(Kind::Bug, failed()))?;
        // First: the program fails, too, if nobody takes what it makes.
        let hashing = kept.or_fail(Kind::Refused, failed)?;
        match looked.exit.success() {
            true => Ok(hexadecimal(&hashing.digest.finalize())),
            false => Err(not_encrypted(self.encryption, &self.what, &looked)),
        }
    }
}

fn keep(mut output: PipeReader, file: File) -> io::Result<Hashing<File>> {
    let mut hashing = Hashing::new(file);
    io::copy(&mut output, &mut hashing)?;
    Ok(hashing)
}
