//! Where the bytes of an archive come from when it is read back: its file, or the program that decrypts it.

use super::keys::{Encryption, Keys, not_encrypted};
use crate::command::{Filter, Looked, feed};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::unreadable;
use crate::units::Duration;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Seek};
use std::path::Path;

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;
/// How long it may take to encrypt nothing.
const TRIAL: Duration = Duration::seconds(60);

/// Opens an archive for reading: what comes is what the encoder wrote. An encrypted one ends with an error unless the
/// program that decrypts it found all of it in order.
///
/// Fails with [`Kind::NotFound`] if there is no such file or program, with [`Kind::Refused`] if it can't be decrypted.
pub(super) fn open<'a>(path: &Path, keys: &Keys, stop: &'a dyn Fn() -> bool) -> Result<Box<dyn Read + 'a>> {
    let what = format!("the archive `{}`", path.display());
    let file = File::open(path).map_err(|error| unreadable(error, format!("{what} can't be read")))?;
    match Encryption::of(path) {
        None => Ok(Box::new(Stopping { inner: file, stop })),
        Some(encryption) => match decrypt(encryption, &what, file, keys, stop)? {
            Decrypted::Content(content) => Ok(content),
            Decrypted::NoKey(failure) => Err(failure),
        },
    }
}

/// Whether an archive can be looked into here: always if it is not encrypted, else if the key of a recipient is there.
///
/// Fails as reading it would: with [`Kind::Refused`] if it can't be decrypted for another reason.
pub fn is_readable(path: &Path, keys: &Keys, stop: &dyn Fn() -> bool) -> Result<bool> {
    let what = format!("the archive `{}`", path.display());
    let Some(encryption) = Encryption::of(path) else { return Ok(true) };
    let file = File::open(path).map_err(|error| unreadable(error, format!("{what} can't be read")))?;
    Ok(matches!(decrypt(encryption, &what, file, keys, stop)?, Decrypted::Content(_)))
}

/// Encrypts nothing, and decrypts that: whether an archive that is written now could be looked into here. What would
/// fail after all was gathered fails here before.
///
/// Fails with [`Kind::NotFound`] if the program is not there, with [`Kind::CommandFailed`] if it takes a recipient for
/// none, with [`Kind::Refused`] if the key that is there is of none of them.
pub fn try_keys(keys: &Keys, stop: &dyn Fn() -> bool) -> Result<bool> {
    let Some(encryption) = keys.encryption() else { return Ok(true) };
    let what = "a backup";
    let failed = || format!("{what} can't be encrypted");
    let mut spec = keys.encrypting(encryption, what)?;
    spec.within = Some(TRIAL);
    let nothing = File::open("/dev/null").or_fail(Kind::Refused, failed)?;
    let mut encrypted =
        memfd_create("trial", MemfdFlags::CLOEXEC).map(File::from).or_fail(Kind::Refused, failed)?;
    let looked =
        feed(&spec, &nothing, Some(&encrypted), stop).map_err(|failure| encryption.missing(failure))?;
    if !looked.exit.success() {
        return Err(not_encrypted(encryption, what, &looked));
    }
    encrypted.rewind().or_fail(Kind::Refused, failed)?;
    Ok(matches!(decrypt(encryption, what, encrypted, keys, stop)?, Decrypted::Content(_)))
}

/// What a program makes of an encrypted file.
enum Decrypted<'a> {
    Content(Box<dyn Read + 'a>),
    /// The failure of whoever needs the content none the less.
    NoKey(Failure),
}

fn decrypt<'a>(
    encryption: Encryption,
    what: &str,
    file: File,
    keys: &Keys,
    stop: &'a dyn Fn() -> bool,
) -> Result<Decrypted<'a>> {
    let no_key = |why: String| {
        let help = match encryption {
            Encryption::Age => "name the file with the key of a recipient as `identity` in `site.toml`",
            Encryption::Gpg => "get the secret key of a recipient with `gpg --import FILE`",
        };
        let message = format!("{what} can't be looked into: it is encrypted");
        Decrypted::NoKey(Failure::new(Kind::Refused, message).why(why).help(help))
    };
    let Some(spec) = keys.decrypting(encryption) else {
        return Ok(no_key("there is no `identity` for the server".into()));
    };
    let failed = || format!("{what} can't be decrypted");
    let (pipe, stdout) = io::pipe().or_fail(Kind::Refused, failed)?;
    let filter = Filter::start(&spec, file, stdout, stop).map_err(|failure| encryption.missing(failure))?;
    let mut content = BufReader::with_capacity(PIECE, Output { encryption, filter, pipe, ended: None });
    // A wrong key shows before anything comes; what is wrong later is damage.
    let begun = content.fill_buf().map(|_| ());
    match (begun, content.get_ref().ended.as_ref()) {
        (Ok(()), _) => Ok(Decrypted::Content(Box::new(content))),
        (Err(_), Some(looked)) if encryption.has_no_key(looked) => Ok(no_key(encryption.said(looked))),
        (Err(error), _) if stop() => Err(Failure::new(Kind::Interrupted, failed()).why(error)),
        (Err(error), _) => {
            let help = match encryption {
                Encryption::Age => {
                    "let `identity` in `site.toml` name the key of a recipient, without a passphrase"
                }
                Encryption::Gpg => "find the cause with `gpg --decrypt`",
            };
            Err(Failure::new(Kind::Refused, failed()).why(error).help(help))
        }
    }
}

/// What the program prints, up to an end that it must agree to.
struct Output<'a> {
    encryption: Encryption,
    filter: Filter<'a>,
    pipe: PipeReader,
    /// How it ended.
    ended: Option<Looked>,
}

impl Read for Output<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.filter.read(&self.pipe, buffer).map_err(io::Error::other)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        let looked = self.filter.finish().map_err(io::Error::other)?;
        let looked = self.ended.insert(looked);
        match looked.exit.success() {
            true => Ok(0),
            false => Err(io::Error::other(self.encryption.said(looked))),
        }
    }
}

/// Ends with an error when it is asked to.
struct Stopping<'a> {
    inner: File,
    stop: &'a dyn Fn() -> bool,
}

impl Read for Stopping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.stop)() {
            return Err(io::Error::other("interrupted"));
        }
        self.inner.read(buffer)
    }
}
