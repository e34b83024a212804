//! Reads a dump of MariaDB or MySQL: whether it is whole, and how many rows each table has in it.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::mariadb::CODE;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

/// A dump that was read to its end.
pub struct Dump {
    /// Its two halves, each in an unnamed file: the data, and what refers to it.
    pub data: File,
    pub code: File,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
}

/// Reads a dump from its beginning; its halves are kept in unnamed files in `folder`.
///
/// Fails with [`Kind::Refused`] if it is not whole: each of its programs says at its end that it is done.
pub fn read(mut dump: File, folder: &Path) -> Result<Dump> {
    let failed = || "the dump can't be read".to_owned();
    dump.rewind().or_fail(Kind::Refused, failed)?;
    let half = || tempfile::tempfile_in(folder).or_fail(Kind::Refused, failed);
    let (mut data, mut code) = (BufWriter::new(half()?), BufWriter::new(half()?));
    let mut counter = Counter::default();
    let (mut in_code, mut completed) = (false, [false; 2]);
    let mut reader = BufReader::with_capacity(1 << 16, dump);
    let mut begins = true;
    loop {
        // A line may be as long as the longest packet, so it is looked at in pieces; only how a line begins matters.
        let piece = reader.fill_buf().or_fail(Kind::Refused, failed)?;
        if piece.is_empty() {
            break;
        }
        let end = piece.iter().position(|byte| *byte == b'\n').map_or(piece.len(), |at| at + 1);
        let piece = &piece[..end];
        if begins && counter.is_between() {
            let line = String::from_utf8_lossy(piece);
            in_code |= line.trim_end() == CODE;
            completed[usize::from(in_code)] |= line.starts_with("-- Dump completed");
        }
        if !in_code {
            counter.read(piece);
        }
        let half = if in_code { &mut code } else { &mut data };
        half.write_all(piece).or_fail(Kind::Refused, failed)?;
        begins = piece.ends_with(b"\n");
        reader.consume(end);
    }
    if completed != [true; 2] || !counter.is_between() {
        return Err(Failure::new(
            Kind::Refused,
            "the dump is not whole: it does not say that it is completed",
        ));
    }
    let whole = |half: BufWriter<File>| half.into_inner().map_err(|error| error.into_error());
    let (data, code) =
        (whole(data).or_fail(Kind::Refused, failed)?, whole(code).or_fail(Kind::Refused, failed)?);
    Ok(Dump { data, code, rows: counter.rows })
}

/// Counts the rows of `INSERT INTO` and knows what is within quotes, where anything may stand. A table without rows has
/// a `CREATE TABLE`.
#[derive(Default)]
struct Counter {
    rows: BTreeMap<String, u64>,
    state: State,
    /// The statement so far, as far as it names a table.
    head: Vec<u8>,
    depth: usize,
    /// The table that rows are inserted into.
    table: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// Within a statement.
    Plain,
    Quoted(u8),
    Escaped(u8),
    /// After `-`, or in a comment to the end of the line.
    Comment,
}

/// So much of a statement is kept to find the name of its table: a name has at most 64 characters.
const HEAD: usize = 1024;

impl Counter {
    fn is_between(&self) -> bool {
        matches!(self.state, State::Between | State::Comment)
    }

    fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (State::Between, b'-' | b'#') => State::Comment,
                (State::Between, byte) if byte.is_ascii_whitespace() => State::Between,
                (State::Between, _) => {
                    self.head.clear();
                    self.plain(byte)
                }
                (State::Comment, b'\n') => State::Between,
                (State::Comment, _) => State::Comment,
                (State::Plain, byte) => self.plain(byte),
                (State::Quoted(quote), b'\\') if quote != b'`' => State::Escaped(quote),
                (State::Quoted(quote), byte) => {
                    self.keep(byte);
                    if byte == quote { State::Plain } else { State::Quoted(quote) }
                }
                (State::Escaped(quote), _) => State::Quoted(quote),
            };
        }
    }

    fn plain(&mut self, byte: u8) -> State {
        match byte {
            b';' => {
                self.end();
                return State::Between;
            }
            b'(' => {
                if self.depth == 0 {
                    self.open();
                }
                self.depth += 1;
            }
            b')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.keep(byte);
        if matches!(byte, b'\'' | b'"' | b'`') { State::Quoted(byte) } else { State::Plain }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 0 && self.head.len() < HEAD {
            self.head.push(byte);
        }
    }

    /// A parenthesis opens that is in no other: the columns of a new table, or a row.
    fn open(&mut self) {
        if self.table.is_none() {
            let head = String::from_utf8_lossy(&self.head).into_owned();
            if let Some(name) = named(&head, "CREATE TABLE ") {
                self.rows.entry(name).or_default();
            }
            self.table = named(&head, "INSERT INTO ").filter(|_| head.trim_end().ends_with("VALUES"));
        }
        if let Some(table) = &self.table {
            *self.rows.entry(table.clone()).or_default() += 1;
        }
    }

    fn end(&mut self) {
        (self.table, self.depth) = (None, 0);
        self.head.clear();
    }
}

/// The table in a statement that begins so.
fn named(head: &str, begins: &str) -> Option<String> {
    let rest = head.strip_prefix(begins)?.strip_prefix('`')?;
    let mut name = String::new();
    let mut letters = rest.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '`' if letters.peek() == Some(&'`') => name.extend(letters.next()),
            '`' => return Some(name),
            letter => name.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Result<BTreeMap<String, u64>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        read(file, &std::env::temp_dir()).map(|dump| dump.rows)
    }

    #[test]
    fn rows_are_counted_whatever_they_hold() {
        let data = "-- MariaDB dump\n/*!40101 SET NAMES utf8mb4 */;\n\
            CREATE TABLE `empty` (\n  `a` int(11) DEFAULT NULL,\n  `b` enum('(',')')\n) ENGINE=InnoDB;\n\
            CREATE TABLE `odd``name` (`a` text);\n\
            INSERT INTO `odd``name` VALUES\n('one'),\n('it''s (2), (3); -- Dump completed'),('a \\' quote'),(NULL);\n\
            INSERT INTO `odd``name` VALUES ('line\n-- What\n'),(0x28),(f(1,(2)));\n\
            -- Dump completed on 2026-01-01\n";
        let text = format!("{data}\n{CODE}\nCREATE TABLE `view` (`a` int);\n-- Dump completed\n");
        assert_eq!(counted(&text).unwrap(), BTreeMap::from([("empty".into(), 0), ("odd`name".into(), 7)]));
        assert!(counted(data).is_err());
        assert!(counted(&text[..text.len() - 20]).is_err());
        assert!(counted(&text.replace("-- Dump completed on 2026", "-- cut")).is_err());
    }
}
