//! Takes one file out of a tar that somebody published: nothing else of it is written anywhere.

use super::compression::{Compression, Decoder};
use super::raw::Raw;
use crate::failure::{Context, Failure, Kind, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tar::EntryType;

/// So many names of members are shown.
const SHOWN: usize = 8;

/// Writes the file `name` of the tar `packed` to `to`, which is made anew; gzip and zstd are known by their first bytes. Of the
/// whole tar no more than `most` bytes are unpacked.
///
/// Fails with [`Kind::NotFound`] if it holds no such file, [`Kind::Interrupted`] if `stop` says so, and [`Kind::Refused`] if it
/// is no tar, is too large, or if what is called so is no file. Then nothing of it stays.
pub fn take_out(packed: &Path, name: &str, to: &Path, most: u64, stop: &dyn Fn() -> bool) -> Result<()> {
    let taken = write_out(packed, name, to, most, stop);
    if taken.is_err() {
        let _ = std::fs::remove_file(to);
    }
    taken
}

fn write_out(packed: &Path, name: &str, to: &Path, most: u64, stop: &dyn Fn() -> bool) -> Result<()> {
    let unread = || "what was fetched is no tar that can be unpacked".to_owned();
    let tar = open(packed).or_fail(Kind::Refused, unread)?;
    let mut tar = Raw::new(tar.take(most));
    let mut others = Vec::new();
    loop {
        if stop() {
            return Err(Failure::new(Kind::Interrupted, "interrupted"));
        }
        let next = tar.next().map_err(|error| too_large_or(&error, most, unread()))?;
        let Some(head) = next else { return Err(missing(name, &others)) };
        let own = String::from_utf8_lossy(&head.name).into_owned();
        let own = own.trim_start_matches("./").trim_end_matches('/');
        if own != name.trim_start_matches("./") {
            if matches!(head.sort, EntryType::Regular | EntryType::Continuous) && others.len() <= SHOWN {
                others.push(own.to_owned());
            }
            continue;
        }
        if head.sort != EntryType::Regular || head.whole.is_some() {
            return Err(Failure::new(
                Kind::Refused,
                format!("`{name}` in what was fetched is no plain file"),
            ));
        }
        let failed = || format!("`{}` can't be written", to.display());
        remove(to).or_fail(Kind::Refused, failed)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        let mut file = file.or_fail(Kind::Refused, failed)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = tar.read(&mut buffer).map_err(|error| too_large_or(&error, most, unread()))?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read]).or_fail(Kind::Refused, failed)?;
            if stop() {
                return Err(Failure::new(Kind::Interrupted, "interrupted"));
            }
        }
        return file.sync_all().or_fail(Kind::Refused, failed);
    }
}

/// The tar, unpacked while it is read.
fn open(packed: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(packed)?;
    let mut first = Vec::new();
    Read::by_ref(&mut file).take(4).read_to_end(&mut first)?;
    file.rewind()?;
    Ok(match first.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(Decoder::new(Compression::Gzip, io::BufReader::new(file))?),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(Decoder::new(Compression::Zstd, file)?),
        _ => Box::new(io::BufReader::new(file)),
    })
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn too_large_or(error: &io::Error, most: u64, otherwise: String) -> Failure {
    let failure = Failure::new(Kind::Refused, otherwise);
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            failure.why(format!("it ends too early, or has more than {most} bytes unpacked"))
        }
        _ => failure.why(error),
    }
}

fn missing(name: &str, others: &[String]) -> Failure {
    let failure = Failure::new(Kind::NotFound, format!("what was fetched has no file `{name}` in it"));
    let more = if others.len() > SHOWN { " and more" } else { "" };
    match others.len() {
        0 => failure.why("it has no files"),
        _ => failure.why(format!("it has {}{more}", others[..others.len().min(SHOWN)].join(", "))),
    }
}
