//! `journal.jsonl`: lines that are complete or not there.
//!
//! A line is a record as JSON whose last field is `sum`, the first 16 hexadecimal digits of the SHA-256 of the line
//! before it and of its own text without that field. Chained sums find a line that was removed, not only one that
//! was changed. The last line may be torn by a crash while it was written: it is cut off, because what it says was
//! not yet acted on. Damage before it is refused.
//!
//! A record is one `write` to a file opened for appending, so that two threads never mix their lines. What must
//! survive a power cut is followed by `fdatasync`; that also saves the lines before it, so that looks, which change
//! nothing, are not synced by themselves.

use super::{Entry, Record};
use crate::failure::{Context, Failure, Kind, Result};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A journal that can be appended to.
pub struct JournalFile {
    file: File,
    next: u64,
    sum: String,
    /// Bytes of whole records.
    length: u64,
}

impl JournalFile {
    /// Opens the journal, or makes it, and hands what is in it to `each`, in order.
    pub fn open(path: &Path, each: &mut dyn FnMut(Record)) -> Result<JournalFile> {
        let failed = || format!("can't open the journal `{}`", path.display());
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .or_fail(Kind::Journal, failed)?;
        let Read { next, length, sum } = read_records(&file, path, each)?;
        if file.metadata().or_fail(Kind::Journal, failed)?.len() > length {
            file.set_len(length).or_fail(Kind::Journal, failed)?;
        }
        file.seek(std::io::SeekFrom::End(0)).or_fail(Kind::Journal, failed)?;
        Ok(JournalFile { file, next, sum, length })
    }

    /// Appends a record. With `sync` it is on the disk when this returns. If that fails, nothing of it stays.
    pub fn append(&mut self, entry: Entry, sync: bool) -> Result<Record> {
        let failed = || "can't write the journal".to_owned();
        let time = jiff::Timestamp::now().round(jiff::Unit::Millisecond).or_fail(Kind::Bug, failed)?;
        let record = Record { n: self.next, time: time.to_string(), entry };
        let body = serde_json::to_string(&record).or_fail(Kind::Journal, failed)?;
        // Redacted last, so that no record can be written that was not.
        let body = crate::secret::redact(&body);
        let sum = checksum(&self.sum, &body);
        let line = format!("{},\"sum\":\"{sum}\"}}\n", &body[..body.len() - 1]);
        crash_point("before", self.next, &body);
        let written = self.file.write_all(line.as_bytes());
        let written = written.and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // A torn line may only ever be the last one; on a full disk the next record would follow it.
            let _ = self.file.set_len(self.length);
            return Err(error).or_fail(Kind::Journal, failed);
        }
        crash_point("after", self.next, &body);
        self.next += 1;
        self.sum = sum;
        self.length += line.len() as u64;
        Ok(record)
    }
}

/// Reads a journal that nobody may be writing and hands each record to `each`; a torn last line is passed over.
pub fn read(path: &Path, each: &mut dyn FnMut(Record)) -> Result<()> {
    let failed = || format!("can't read the journal `{}`", path.display());
    let file = File::open(path).or_fail(Kind::Journal, failed)?;
    read_records(&file, path, each).map(drop)
}

/// Whether a journal has at least one whole line.
pub fn has_records(path: &Path) -> bool {
    let mut first = String::new();
    File::open(path)
        .is_ok_and(|file| BufReader::new(file).read_line(&mut first).is_ok() && first.ends_with('\n'))
}

/// The first and the last whole record, without a look at those between.
pub fn ends(path: &Path) -> Result<(Record, Record)> {
    /// More than any last record should need; if it does not suffice all is read.
    const TAIL: u64 = 64 << 10;
    let failed = || format!("can't read the journal `{}`", path.display());
    let mut file = File::open(path).or_fail(Kind::Journal, failed)?;
    let mut first = String::new();
    BufReader::new(&file).read_line(&mut first).or_fail(Kind::Journal, failed)?;
    let length = file.metadata().or_fail(Kind::Journal, failed)?.len();
    file.seek(std::io::SeekFrom::Start(length.saturating_sub(TAIL))).or_fail(Kind::Journal, failed)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).or_fail(Kind::Journal, failed)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let start =
        tail[..whole.saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let parsed = |line: &[u8]| serde_json::from_slice::<Record>(line).ok();
    match (parsed(first.as_bytes()), parsed(&tail[start..whole])) {
        (Some(first), Some(last)) => Ok((first, last)),
        // Damage, or a very long record: the whole journal says which.
        _ => {
            let (mut first, mut last) = (None, None);
            read(path, &mut |record| {
                first.get_or_insert_with(|| record.clone());
                last = Some(record);
            })?;
            first.zip(last).ok_or_else(|| {
                Failure::new(Kind::Journal, format!("the journal `{}` is empty", path.display()))
            })
        }
    }
}

/// How far a journal was read: the number of the next record, the bytes of the whole ones, and the last sum.
struct Read {
    next: u64,
    length: u64,
    sum: String,
}

/// Line by line, so that memory does not grow with the journal.
fn read_records(file: &File, path: &Path, each: &mut dyn FnMut(Record)) -> Result<Read> {
    let mut lines = BufReader::with_capacity(256 << 10, file);
    let mut read = Read { next: 0, length: 0, sum: String::new() };
    let mut line = Vec::new();
    loop {
        line.clear();
        lines
            .read_until(b'\n', &mut line)
            .or_fail(Kind::Journal, || format!("can't read the journal `{}`", path.display()))?;
        if line.is_empty() {
            return Ok(read);
        }
        match read_record(&line, &read.sum, read.next) {
            Ok((record, sum)) => {
                each(record);
                read = Read { next: read.next + 1, length: read.length + line.len() as u64, sum };
            }
            // Only the last line can be without its end.
            Err(_) if !line.ends_with(b"\n") => return Ok(read),
            Err(why) => {
                let message =
                    format!("the journal `{}` is damaged in line {}", path.display(), read.next + 1);
                return Err(Failure::new(Kind::Journal, message).why(why).help(
                    "nothing was touched; put the file back from a backup of this folder, or look with \
                     `banister status` what state the server is in and start a new run",
                ));
            }
        }
    }
}

fn read_record(line: &[u8], before: &str, n: u64) -> std::result::Result<(Record, String), String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not text".to_owned())?;
    let text = text.strip_suffix('\n').ok_or("it ends too early")?;
    let (body, sum) = text.rsplit_once(",\"sum\":\"").ok_or("it has no checksum")?;
    let sum = sum.strip_suffix("\"}").ok_or("it has no checksum")?;
    let body = format!("{body}}}");
    if checksum(before, &body) != sum {
        return Err("its checksum does not fit".into());
    }
    let record: Record = serde_json::from_str(&body)
        .map_err(|error| format!("this version of banister does not understand it: {error}"))?;
    if record.n != n {
        return Err(format!("it has number {}, not {n}", record.n));
    }
    Ok((record, sum.to_owned()))
}

fn checksum(before: &str, body: &str) -> String {
    let digest = Sha256::new().chain_update(before).chain_update(body).finalize();
    // Written at once: this is done for every record that is read.
    format!("{:016x}", digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// Where tests kill the process: `$BANISTER_CRASH_AT` is `before` or `after`, and the number of a record or a part of its
/// text that begins with a quotation mark. `banister test` does it with practice servers.
fn crash_point(when: &str, n: u64, body: &str) {
    let Ok(place) = std::env::var("BANISTER_CRASH_AT") else { return };
    let Some((_, record)) = place.split_once(' ').filter(|(word, _)| *word == when) else { return };
    if record == n.to_string() || record.starts_with('"') && body.contains(record) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Entry {
        Entry::Note { text: text.into() }
    }

    fn length(path: &Path) -> Result<usize> {
        let mut length = 0;
        read(path, &mut |_| length += 1)?;
        Ok(length)
    }

    #[test]
    fn a_torn_last_line_is_cut_and_damage_before_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = JournalFile::open(&path, &mut |_| {}).unwrap();
        for text in ["one", "two", "three"] {
            journal.append(note(text), false).unwrap();
        }
        let whole = std::fs::read_to_string(&path).unwrap();
        let third = whole.lines().nth(2).unwrap();
        let two = whole.len() - third.len() - 1;
        for torn in two + 1..whole.len() {
            std::fs::write(&path, &whole[..torn]).unwrap();
            let mut count = 0;
            let mut journal = JournalFile::open(&path, &mut |_| count += 1).unwrap();
            assert_eq!(count, 2);
            journal.append(note("again"), true).unwrap();
            assert_eq!(length(&path).unwrap(), 3);
        }
        for place in 0..two {
            let mut damaged = whole.clone().into_bytes();
            damaged[place] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            let failure = length(&path).unwrap_err();
            assert_eq!(failure.kind, Kind::Journal, "byte {place}");
        }
        let without_second: String =
            whole.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| format!("{l}\n")).collect();
        std::fs::write(&path, without_second).unwrap();
        assert!(length(&path).unwrap_err().message.ends_with("is damaged in line 2"));
    }
}
