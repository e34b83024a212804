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
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A journal that can be appended to.
pub struct JournalFile {
    file: File,
    next: u64,
    sum: String,
}

impl JournalFile {
    /// Opens the journal, or makes it, and reads what is in it.
    pub fn open(path: &Path) -> Result<(JournalFile, Vec<Record>)> {
        let failed = || format!("can't open the journal `{}`", path.display());
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .or_fail(Kind::Journal, failed)?;
        let (records, whole, sum) = read_records(&mut file, path)?;
        if file.metadata().or_fail(Kind::Journal, failed)?.len() > whole {
            file.set_len(whole).or_fail(Kind::Journal, failed)?;
        }
        file.seek(std::io::SeekFrom::End(0)).or_fail(Kind::Journal, failed)?;
        Ok((JournalFile { file, next: records.len() as u64, sum }, records))
    }

    /// Appends a record. With `sync` it is on the disk when this returns.
    pub fn append(&mut self, entry: Entry, sync: bool) -> Result<Record> {
        let failed = || "can't write the journal".to_owned();
        let time = jiff::Timestamp::now().round(jiff::Unit::Millisecond).or_fail(Kind::Bug, failed)?;
        let record = Record { n: self.next, time: time.to_string(), entry };
        let body = serde_json::to_string(&record).or_fail(Kind::Journal, failed)?;
        // Redacted last, so that no record can be written that was not.
        let body = crate::secret::redact(&body);
        let sum = checksum(&self.sum, &body);
        let line = format!("{},\"sum\":\"{sum}\"}}\n", &body[..body.len() - 1]);
        crash_point(&format!("before {}", self.next));
        self.file.write_all(line.as_bytes()).or_fail(Kind::Journal, failed)?;
        if sync {
            self.file.sync_data().or_fail(Kind::Journal, failed)?;
        }
        crash_point(&format!("after {}", self.next));
        self.next += 1;
        self.sum = sum;
        Ok(record)
    }
}

/// Reads a journal that nobody may be writing; a torn last line is passed over.
pub fn read(path: &Path) -> Result<Vec<Record>> {
    let failed = || format!("can't read the journal `{}`", path.display());
    let mut file = File::open(path).or_fail(Kind::Journal, failed)?;
    Ok(read_records(&mut file, path)?.0)
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
            let records = read(path)?;
            let ends = records.first().cloned().zip(records.last().cloned());
            ends.ok_or_else(|| {
                Failure::new(Kind::Journal, format!("the journal `{}` is empty", path.display()))
            })
        }
    }
}

/// The records, the length of the whole lines in bytes, and the last sum.
fn read_records(file: &mut File, path: &Path) -> Result<(Vec<Record>, u64, String)> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .or_fail(Kind::Journal, || format!("can't read the journal `{}`", path.display()))?;
    let mut records = Vec::new();
    let mut whole = 0;
    let mut sum = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let last = whole + line.len() == bytes.len();
        match read_record(line, &sum, records.len() as u64) {
            Ok((record, next)) => {
                records.push(record);
                sum = next;
                whole += line.len();
            }
            Err(_) if last && !line.ends_with(b"\n") => break,
            Err(why) => {
                let message =
                    format!("the journal `{}` is damaged in line {}", path.display(), records.len() + 1);
                return Err(Failure::new(Kind::Journal, message).why(why).help(
                    "nothing was touched; put the file back from a backup of this folder, or look with \
                     `banister status` what state the server is in and start a new run",
                ));
            }
        }
    }
    Ok((records, whole as u64, sum))
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
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Where tests kill the process: `$BANISTER_CRASH_AT` is `before N` or `after N`. In a release build there is no such
/// place.
fn crash_point(place: &str) {
    if cfg!(debug_assertions) && std::env::var("BANISTER_CRASH_AT").is_ok_and(|at| at == place) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Entry {
        Entry::Note { text: text.into() }
    }

    #[test]
    fn a_torn_last_line_is_cut_and_damage_before_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, _) = JournalFile::open(&path).unwrap();
        for text in ["one", "two", "three"] {
            journal.append(note(text), false).unwrap();
        }
        let whole = std::fs::read_to_string(&path).unwrap();
        let third = whole.lines().nth(2).unwrap();
        let two = whole.len() - third.len() - 1;
        for torn in two + 1..whole.len() {
            std::fs::write(&path, &whole[..torn]).unwrap();
            let (mut journal, records) = JournalFile::open(&path).unwrap();
            assert_eq!(records.len(), 2);
            journal.append(note("again"), true).unwrap();
            assert_eq!(read(&path).unwrap().len(), 3);
        }
        for place in 0..two {
            let mut damaged = whole.clone().into_bytes();
            damaged[place] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            let failure = read(&path).unwrap_err();
            assert_eq!(failure.kind, Kind::Journal, "byte {place}");
        }
        let without_second: String =
            whole.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| format!("{l}\n")).collect();
        std::fs::write(&path, without_second).unwrap();
        assert!(read(&path).unwrap_err().message.ends_with("is damaged in line 2"));
    }
}
