//! A file of a release is fetched: continued where it was cut off, bounded, and looked at before it counts.

use super::source::Found;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::client::{Client, Limits, Stream, Unknown};
use crate::machine::files::{free_space, sha256, sha512, sync_folder_of};
use crate::units::Size;
use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// A slow line may need hours.
pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(30),
    all: Duration::from_secs(6 * 60 * 60),
};
/// No program has more, in bytes.
pub const LARGEST: u64 = 2 << 30;
/// What must stay free, in bytes.
const SPARE: u64 = 64 << 20;
/// A transfer that ends too early is continued so often.
const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(300);
/// How far it is, is told so often.
const TELL: Duration = Duration::from_secs(2);

/// Fetches a file to `part`, and returns its SHA-256 in lower-case hexadecimal. What an earlier attempt has left there is
/// continued if the digest is known that the whole is to have, and begun anew otherwise.
///
/// Fails with [`Kind::Unreachable`] if it can't be fetched, [`Kind::Interrupted`] if `stop` says so, and
/// [`Kind::Refused`] if it is too large, or is not what was published: then nothing of it stays.
pub fn download(
    client: &Client,
    found: &Found,
    part: &Path,
    tell: &dyn Fn(String),
    stop: &dyn Fn() -> bool,
) -> Result<String> {
    if found.size.is_some_and(|size| size > LARGEST) {
        return Err(too_large(found, found.size.unwrap_or_default()));
    }
    let mut is_new = false;
    if !found.is_stated() {
        remove(part)?;
        is_new = true;
    }
    loop {
        is_new |= length(part)? == 0;
        fetch(client, found, part, tell, stop)?;
        let digest = sha256(part)?;
        let mut stated = Vec::new();
        stated.extend(
            found.sha256.iter().map(|wanted| (format!("sha256:{wanted}"), format!("sha256:{digest}"))),
        );
        if let Some(wanted) = &found.sha512 {
            stated.push((format!("sha512:{wanted}"), format!("sha512:{}", sha512(part)?)));
        }
        let Some((wanted, is)) = stated.into_iter().find(|(wanted, is)| wanted != is) else {
            return Ok(digest);
        };
        let size = length(part)?;
        remove(part)?;
        // What was left may have been of something else.
        if std::mem::replace(&mut is_new, true) {
            return Err(differs(found, &wanted, &is, size));
        }
    }
}

/// Fetches what is missing of it.
fn fetch(
    client: &Client,
    found: &Found,
    part: &Path,
    tell: &dyn Fn(String),
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        // Without a digest nobody would see that two files were joined.
        if !found.is_stated() {
            remove(part)?;
        }
        let have = length(part)?;
        if have > 0 && found.size == Some(have) {
            return Ok(());
        }
        match attempt_once(client, found, part, have, tell, stop)? {
            None => return Ok(()),
            Some(unknown) => last = Some(unknown),
        }
        if stop() {
            return Err(Failure::new(Kind::Interrupted, "interrupted"));
        }
    }
    let unknown = last.unwrap_or_else(|| Unknown::new("it ended too early"));
    let failure = Failure::new(Kind::Unreachable, format!("`{}` was not fetched", found.name)).why(&unknown);
    Err(failure.help(unknown.help.unwrap_or_else(|| {
        "nothing was stopped, and what is there of it is kept; try again with `banister resume`".into()
    })))
}

/// Nothing, if it is whole; why it is not, if another attempt may help.
fn attempt_once(
    client: &Client,
    found: &Found,
    part: &Path,
    have: u64,
    tell: &dyn Fn(String),
    stop: &dyn Fn() -> bool,
) -> Result<Option<Unknown>> {
    let stream = match client.open(&found.url, have) {
        Ok(stream) => stream,
        Err(unknown) => return Ok(Some(unknown)),
    };
    let from = match stream.status {
        200 => 0,
        206 if begins_at(&stream) == Some(have) => have,
        206 | 416 => {
            remove(part)?;
            return Ok(Some(Unknown::new("it could not be continued")));
        }
        status if status == 429 || status >= 500 => {
            return Ok(Some(Unknown::new(format!("`{}` answered {status}", stream.url.authority()))));
        }
        status => {
            let message = format!("`{}` was not fetched", found.name);
            let why = format!("`{}` answered {status}", stream.url.authority());
            return Err(Failure::new(Kind::Unreachable, message).why(why).help(
                "nothing was stopped; see whether the file is on the release page, then `banister resume`",
            ));
        }
    };
    let announced = stream.header("content-length").and_then(|length| length.parse::<u64>().ok());
    let total = announced.map(|rest| from.saturating_add(rest));
    check_size(found, part, from, total)?;
    let failed = || format!("`{}` can't be written", part.display());
    let mut file = OpenOptions::new();
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    let file = file.create(true).truncate(false).write(true).mode(0o600).custom_flags(no_link);
    let mut file = file.open(part).or_fail(Kind::Refused, failed)?;
    file.set_len(from).or_fail(Kind::Refused, failed)?;
    file.seek(std::io::SeekFrom::Start(from)).or_fail(Kind::Refused, failed)?;
    let read = write_all(&stream, &mut file, found, part, from, total, (tell, stop));
    file.sync_all().or_fail(Kind::Refused, failed)?;
    sync_folder_of(part).or_fail(Kind::Refused, failed)?;
    read
}

fn write_all(
    stream: &Stream,
    file: &mut File,
    found: &Found,
    part: &Path,
    from: u64,
    total: Option<u64>,
    (tell, stop): (&dyn Fn(String), &dyn Fn() -> bool),
) -> Result<Option<Unknown>> {
    let (mut have, mut told) = (from, Instant::now());
    let most = total.or(found.size).unwrap_or(LARGEST).min(LARGEST);
    loop {
        let piece = match stream.next(stop) {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(unknown) => return Ok(Some(unknown)),
        };
        have += piece.len() as u64;
        if have > most {
            remove(part)?;
            return Err(too_large(found, have));
        }
        file.write_all(&piece).or_fail(Kind::Refused, || format!("`{}` can't be written", part.display()))?;
        if told.elapsed() >= TELL {
            told = Instant::now();
            let of = total.map(|total| format!(" of {}", Size(total))).unwrap_or_default();
            tell(format!("{}: {}{of}", found.name, Size(have)));
        }
    }
    let whole = total.or(found.size);
    Ok(whole.filter(|whole| have < *whole).map(|whole| {
        let authority = stream.url.authority();
        Unknown::new(format!("`{authority}` closed the connection after {have} of {whole} bytes"))
    }))
}

/// Where the answer begins, as it says itself.
fn begins_at(stream: &Stream) -> Option<u64> {
    stream.header("content-range")?.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn check_size(found: &Found, part: &Path, from: u64, total: Option<u64>) -> Result<()> {
    let Some(total) = total else { return Ok(()) };
    if total > LARGEST {
        remove(part)?;
        return Err(too_large(found, total));
    }
    if let Some(size) = found.size.filter(|size| *size != total) {
        remove(part)?;
        let message = format!("`{}` is not what was published", found.name);
        let why = format!("it has {total} bytes, and the release page says {size}");
        return Err(Failure::new(Kind::Refused, message).why(why).help(again()));
    }
    let free = free_space(part)?.free;
    if total - from > free.saturating_sub(SPARE) {
        let message = format!("`{}` has {}, and {} are free", found.name, Size(total), Size(free));
        let help = "nothing was stopped; make room on the disk with the server's state folder (`df -h` shows it), then \
                    `banister resume`";
        return Err(Failure::new(Kind::Refused, message).help(help));
    }
    Ok(())
}

fn too_large(found: &Found, size: u64) -> Failure {
    let message = format!("`{}` is larger than a program is", found.name);
    let why = format!("it has {} or more, and {} are the most", Size(size), Size(LARGEST));
    Failure::new(Kind::Refused, message).why(why).help("nothing was stopped; correct `asset` in site.toml")
}

fn differs(found: &Found, wanted: &str, digest: &str, size: u64) -> Failure {
    Failure::new(Kind::Refused, format!("`{}` is not what was published", found.name))
        .why(format!("its digest is {digest} ({size} bytes)"))
        .why(format!("{} says {wanted}", found.stated))
        .help(again())
}

fn again() -> String {
    "nothing was stopped, and the file was removed; if the release page has been corrected, try again with \
     `banister resume`"
        .into()
}

fn length(part: &Path) -> Result<u64> {
    match std::fs::symlink_metadata(part) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).or_fail(Kind::Refused, || format!("`{}` can't be read", part.display())),
    }
}

fn remove(part: &Path) -> Result<()> {
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_fail(Kind::Refused, || format!("`{}` can't be removed", part.display()))
        }
        _ => Ok(()),
    }
}
