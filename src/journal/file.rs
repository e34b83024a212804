//! `journal.jsonl`: lines that are complete or not there.
//!
//! A line is a record as JSON whose last field is `sum`, the first 16 hexadecimal digits of the SHA-256 of the line
//! before it and of its own text without that field. Chained sums find a line that was removed, not only one that
//! was changed. The last line may be torn by a crash while it was written: it is cut off, because what it says was
//! not yet acted on. Damage before it is refused, and so is a journal of a format that is newer than [`VERSION`]:
//! before anything of it is used, and before anything is written to it.
//!
//! A record is one `write` to a file opened for appending, so that two threads never mix their lines. What must
//! survive a power cut is followed by `fdatasync`; that also saves the lines before it, so that looks, which change
//! nothing, are not synced by themselves.

use super::{Entry, Record, VERSION};
use crate::failure::{Context, Failure, Kind, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::sync_channel;

/// No record is longer. What a script may hold is far less; a longer line is damage, and is not read into memory.
const LONGEST: u64 = 128 << 20;

/// What stands before the sum in a line.
const SUM: &str = ",\"sum\":\"";

/// So many hexadecimal digits has a sum.
const DIGITS: usize = 16;

/// Why a journal can't be read to its end. What came before was handed out.
#[derive(Clone, Debug)]
pub enum Unread {
    /// Its format is newer than this program's.
    Newer(Failure),
    /// It was changed, cut off or can't be opened at all.
    Damaged(Failure),
}

impl Unread {
    pub fn failure(&self) -> &Failure {
        match self {
            Unread::Newer(failure) | Unread::Damaged(failure) => failure,
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Failure {
        match unread {
            Unread::Newer(failure) | Unread::Damaged(failure) => failure,
        }
    }
}

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
        // Before the record: its tags say nothing without it.
        if crate::secret::is_any() {
            crate::secret::keep_key()?;
        }
        let body = serde_json::to_string(&record).or_fail(Kind::Journal, failed)?;
        let open = &body[..body.len() - 1];
        let sum = String::from_utf8_lossy(&checksum(&self.sum, open)).into_owned();
        let line = format!("{open}{SUM}{sum}\"}}\n");
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
pub fn read(path: &Path, each: &mut dyn FnMut(Record)) -> std::result::Result<(), Unread> {
    let file = open_to_read(path)?;
    read_records(&file, path, each).map(drop)
}

/// Whether nothing was ever written down: there is no journal, or not one whole line.
pub fn is_blank(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return !path.exists() };
    let mut first = Vec::new();
    let read = BufReader::new(&file).take(LONGEST).read_until(b'\n', &mut first);
    read.is_ok() && !first.ends_with(b"\n") && (first.len() as u64) < LONGEST
}

/// The first record and the last whole one, without those between: damage there is not found.
pub fn ends(path: &Path) -> std::result::Result<(Record, Record), Unread> {
    let file = open_to_read(path)?;
    let mut first = Vec::new();
    let read = BufReader::new(&file).take(LONGEST).read_until(b'\n', &mut first);
    read.map_err(|error| unreadable(path, &error))?;
    let first = chained(&first, "").and_then(|(text, _)| record(0, text)).ok();
    if let (Some(first), Some(last)) = (first, last(&file)) {
        return Ok((first, last));
    }
    // Something is wrong, or the last record is a long one.
    let (mut first, mut last) = (None, None);
    read_records(&file, path, &mut |record| {
        first.get_or_insert_with(|| record.clone());
        last = Some(record);
    })?;
    first.zip(last).ok_or_else(|| {
        Unread::Damaged(Failure::new(Kind::Journal, format!("the journal `{}` is empty", path.display())))
    })
}

/// Compares the sums of all records.
pub fn verify(path: &Path) -> std::result::Result<(), Unread> {
    each_line(&open_to_read(path)?, path, &mut |_, _| Ok(())).map(drop)
}

/// The last whole record, if it is not too long to be a last one and its text is that of a record. Its checksum can't be
/// compared without what is before it.
pub fn last(mut file: &File) -> Option<Record> {
    const TAIL: u64 = 64 << 10;
    let length = file.metadata().ok()?.len();
    file.seek(std::io::SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    file.rewind().ok()?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n')?;
    let start = tail[..whole].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    serde_json::from_slice(&tail[start..whole]).ok()
}

fn open_to_read(path: &Path) -> std::result::Result<File, Unread> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Unread {
    let message = format!("can't read the journal `{}`", path.display());
    Unread::Damaged(Failure::new(Kind::Journal, message).why(error))
}

/// How far a journal was read: the number of the next record, the bytes of the whole ones, and the last sum.
struct Read {
    next: u64,
    length: u64,
    sum: String,
}

/// So many lines are handed from thread to thread at once.
const BATCH: usize = 512;

/// Hands out each record. A long journal is read by two threads: one reads lines and compares their sums, this one reads
/// what is in them.
fn read_records(file: &File, path: &Path, each: &mut dyn FnMut(Record)) -> std::result::Result<Read, Unread> {
    let mut version = VERSION;
    let mut hand_out = |n: u64, text: &str| {
        let mut record = record(n, text)?;
        if let Entry::Run(header) = &record.entry {
            version = header.version;
        }
        if version == 1 {
            record.entry = super::version_1::read(record.entry);
        }
        each(record);
        Ok(())
    };
    let (send, lines) = sync_channel::<Vec<String>>(4);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let read = each_line(file, path, &mut |_, text| {
                batch.push(text.to_owned());
                if batch.len() < BATCH {
                    return Ok(());
                }
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                // Nobody takes it any more where a line before it could not be read.
                send.send(full).map_err(|_| NotRead::Damaged("not read".into()))
            });
            let _ = send.send(batch);
            read
        });
        for (n, text) in (0..).zip(lines.iter().flatten()) {
            if let Err(why) = hand_out(n, &text) {
                drop(lines);
                let newer = if n == 0 { probe(text.as_bytes()) } else { None };
                return Err(newer.unwrap_or(why).at(path, n + 1));
            }
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Hands out the number and the text of each line whose sum fits. One after the other, so that memory does not grow with
/// the journal.
fn each_line(
    mut file: &File,
    path: &Path,
    each: &mut dyn FnMut(u64, &str) -> std::result::Result<(), NotRead>,
) -> std::result::Result<Read, Unread> {
    file.rewind().map_err(|error| unreadable(path, &error))?;
    let mut lines = BufReader::with_capacity(256 << 10, file);
    let mut read = Read { next: 0, length: 0, sum: String::new() };
    let mut line = Vec::new();
    loop {
        line.clear();
        let got = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        got.map_err(|error| unreadable(path, &error))?;
        if line.is_empty() {
            return Ok(read);
        }
        let used = chained(&line, &read.sum);
        match used.and_then(|(text, sum)| each(read.next, text).map(|()| sum)) {
            Ok(sum) => {
                read.next += 1;
                read.length += line.len() as u64;
                read.sum.clear();
                read.sum.push_str(sum);
            }
            // Only the last line can be without its end.
            Err(_) if !line.ends_with(b"\n") && (line.len() as u64) < LONGEST => return Ok(read),
            Err(why) => {
                // A newer format may be written in another way altogether, so that only its version can be read.
                let newer = if read.next == 0 { probe(&line) } else { None };
                return Err(newer.unwrap_or(why).at(path, read.next + 1));
            }
        }
    }
}

/// Why a line is no record that can be used.
enum NotRead {
    Newer { version: u64, program: String },
    Damaged(String),
}

impl NotRead {
    fn at(self, path: &Path, line: u64) -> Unread {
        let shown = path.display();
        match self {
            NotRead::Damaged(why) => {
                let message = format!("the journal `{shown}` is damaged in line {line}");
                Unread::Damaged(Failure::new(Kind::Journal, message).why(why))
            }
            NotRead::Newer { version, program } => Unread::Newer(
                Failure::new(Kind::Journal, format!("the journal `{shown}` was written by banister {program}"))
                    .why(format!(
                        "its format has version {version}; this is banister {}, which knows versions up to {VERSION}",
                        env!("CARGO_PKG_VERSION")
                    ))
                    .help(format!("use banister {program} or a newer one for this run")),
            ),
        }
    }
}

/// The version in a first line that is no record of ours, if it is newer. Our own program writes no such line: one that
/// bears its name is damaged.
fn probe(line: &[u8]) -> Option<NotRead> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let headers = [Some(&line), line.get("run"), line.get("header")];
    let header = headers.into_iter().flatten().find(|header| header["version"].is_u64())?;
    let version = header["version"].as_u64().filter(|version| *version > VERSION.into())?;
    let program = header["program"].as_str().unwrap_or("of a newer version");
    (program != env!("CARGO_PKG_VERSION")).then(|| NotRead::Newer { version, program: program.into() })
}

/// The text of a line, and its sum, which fits to it and the one before.
fn chained<'a>(line: &'a [u8], before: &str) -> std::result::Result<(&'a str, &'a str), NotRead> {
    let damaged = |why: &str| NotRead::Damaged(why.into());
    let text = std::str::from_utf8(line).map_err(|_| damaged("it is not text"))?;
    let text = text.strip_suffix('\n').ok_or_else(|| damaged("it ends too early"))?;
    let sum = text.strip_suffix("\"}").and_then(|text| text.get(text.len().checked_sub(DIGITS)?..));
    let body = text.len().checked_sub(SUM.len() + DIGITS + 2).and_then(|end| text.get(..end));
    let (Some(body), Some(sum)) = (body.filter(|body| text[body.len()..].starts_with(SUM)), sum) else {
        return Err(damaged("it has no checksum"));
    };
    match sum.as_bytes() == checksum(before, body) {
        true => Ok((text, sum)),
        false => Err(damaged("its checksum does not fit")),
    }
}

/// The record in the text of a line.
fn record(n: u64, text: &str) -> std::result::Result<Record, NotRead> {
    let record: Record = serde_json::from_str(text).map_err(|error| {
        NotRead::Damaged(format!("this version of banister does not understand it: {error}"))
    })?;
    match &record.entry {
        _ if record.n != n => Err(NotRead::Damaged(format!("it has number {}, not {n}", record.n))),
        Entry::Run(header) if header.version > VERSION => {
            Err(NotRead::Newer { version: header.version.into(), program: header.program.clone() })
        }
        _ => Ok(record),
    }
}

/// Of a record without its last brace, after which its sum is written.
fn checksum(before: &str, body: &str) -> [u8; DIGITS] {
    let digest = Sha256::new().chain_update(before).chain_update(body).chain_update("}").finalize();
    // By hand: this is done for every record that is read.
    std::array::from_fn(|n| {
        let pair = digest[n / 2];
        b"0123456789abcdef"[usize::from(if n % 2 == 0 { pair >> 4 } else { pair & 15 })]
    })
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

    fn length(path: &Path) -> std::result::Result<usize, Unread> {
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
            assert_eq!(failure.failure().kind, Kind::Journal, "byte {place}");
        }
        let without_second: String =
            whole.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| format!("{l}\n")).collect();
        std::fs::write(&path, without_second).unwrap();
        assert!(length(&path).unwrap_err().failure().message.ends_with("is damaged in line 2"));
    }
}
