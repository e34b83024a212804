//! A settings file (`.env`) as make reads it with `include`, and edits of single settings in it.
//!
//! Docker Compose and python-dotenv read the same file by other rules, but what make exports wins over both. So the
//! value of a setting is what make says: quotes are part of it, `#` ends it, `$x` and `$(x)` are replaced, of two
//! lines with one name the last wins, blanks before it are dropped and those after it stay. Tried with GNU make 4.3;
//! a test compares both on random files.

mod expand;
mod line;

use crate::failure::{Failure, Kind, Result};
use crate::machine::bytes;
use crate::machine::files::{rewrite_durably, unreadable};
use line::{Line, Operator, Statement};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A settings file, as it was when it was read.
#[derive(Clone, Debug)]
pub struct EnvFile {
    /// With links resolved: the file that is replaced is the one that is linked to.
    path: PathBuf,
    text: String,
    lines: Vec<Line>,
    /// Variables from outside, which `$x` and `?=` see.
    outside: BTreeMap<String, String>,
}

/// The environment of this process, as far as it is text.
pub fn environment() -> BTreeMap<String, String> {
    let as_text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(as_text).collect()
}

impl EnvFile {
    /// Reads the file. `outside` is the environment that make would see.
    ///
    /// Fails with [`Kind::NotFound`] if there is none, with [`Kind::Refused`] if it can't be read or holds more than
    /// settings: conditions, includes, `define`, `override`.
    pub fn read(path: &Path, outside: BTreeMap<String, String>) -> Result<EnvFile> {
        let failed = || format!("the settings file `{}` can't be read", path.display());
        let path = path.canonicalize().map_err(|error| unreadable(error, failed()))?;
        let text = bytes::read(&path).map_err(|failure| Failure { message: failed(), ..failure })?;
        let lines = parse(&text).map_err(|why| {
            Failure::new(Kind::Refused, failed())
                .why(why)
                .help("keep only lines such as `NAME=value` in it, and the rest in the Makefile")
        })?;
        Ok(EnvFile { path, text, lines, outside })
    }

    /// Reads the lines that can be read, and gives the numbers of the others; nothing if there is no such file. One byte
    /// that is no text must not keep all secrets of the file from being hidden.
    pub fn read_what_can_be(path: &Path, outside: BTreeMap<String, String>) -> Option<(EnvFile, Vec<usize>)> {
        let path = path.canonicalize().ok()?;
        let bytes = std::fs::read(&path).ok()?;
        let whole =
            std::str::from_utf8(&bytes).ok().and_then(|text| Some((text.to_owned(), parse(text).ok()?)));
        if let Some((text, lines)) = whole {
            return Some((EnvFile { path, text, lines, outside }, Vec::new()));
        }
        let (mut text, mut unread) = (String::new(), Vec::new());
        for (n, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let read = bytes::decoded(line).and_then(|text| Some((parse(&text).ok()?, text)));
            // In a comment such a byte hides nothing.
            let is_read =
                |statement: &Statement| bytes::is_text(&statement.name) && bytes::is_text(&statement.value);
            match read
                .filter(|(lines, _)| lines.iter().filter_map(|line| line.statement.as_ref()).all(is_read))
            {
                Some((_, line)) => text.push_str(&line),
                None => unread.push(n + 1),
            }
        }
        let lines = parse(&text).ok()?;
        Some((EnvFile { path, text, lines, outside }, unread))
    }

    /// The names of all settings, each once, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.settings() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The value of a setting; nothing if the file does not have it. Fails with [`Kind::Refused`] if only make can
    /// tell: functions, commands, endless references.
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        if !self.settings().any(|(name, _)| name == key) {
            return Ok(None);
        }
        let value = expand::value(&self.lines, &self.outside, key).map_err(|why| {
            Failure::new(Kind::Refused, format!("the value of `{key}` is only known to make"))
                .why(format!("in `{}`: {why}", self.path.display()))
                .help("write the value in full in this file")
        })?;
        match bytes::is_text(&value) {
            true => Ok(Some(value)),
            false => Err(Failure::new(Kind::Refused, format!("the value of `{key}` is not UTF-8"))
                .why(format!("in `{}`", self.path.display()))
                .help("write it in UTF-8: `iconv -f latin1 -t utf8 FILE`")),
        }
    }

    /// Gives a setting a value, in its last line or in a new one at the end; all else stays as it is, also the file's
    /// mode and owner. Whether anything had to be changed.
    ///
    /// Fails with [`Kind::Invalid`] if the name is none, with [`Kind::Refused`] if make would read another value than
    /// this one, or if the file can't be written; then it is as it was.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool> {
        if self.get(key).is_ok_and(|now| now.as_deref() == Some(value)) {
            return Ok(false);
        }
        let edited = self.edited(key, value)?;
        rewrite_durably(&self.path, &bytes::encoded(&edited.text))?;
        *self = edited;
        Ok(true)
    }

    /// Whether [`EnvFile::set`] would change the file. Fails as it does, except for what only writing shows.
    pub fn would_change(&self, key: &str, value: &str) -> Result<bool> {
        if self.get(key).is_ok_and(|now| now.as_deref() == Some(value)) {
            return Ok(false);
        }
        self.edited(key, value).map(|_| true)
    }

    fn settings(&self) -> impl Iterator<Item = (&str, &Statement)> {
        self.lines
            .iter()
            .filter_map(|line| Some((line.statement.as_ref()?.name.as_str(), line.statement.as_ref()?)))
    }

    /// The file with the setting; checked to read as meant.
    fn edited(&self, key: &str, value: &str) -> Result<EnvFile> {
        if !line::is_name(key) {
            return Err(Failure::new(Kind::Invalid, format!("`{key}` is no name of a setting"))
                .help("use letters, digits and `_`, such as `LOG_LEVEL`"));
        }
        let refused = || {
            Failure::new(
                Kind::Refused,
                format!("make would read another value of `{key}` than the one given"),
            )
            .help("a value can't begin with a blank, end with `\\`, or hold a line's end")
        };
        let written = line::escape(value).ok_or_else(refused)?;
        let text = match self.place(key) {
            Some(place) => {
                let line = &self.lines[place];
                let old = &self.text[line.range.clone()];
                let body = old.trim_end_matches(['\r', '\n']);
                let ending = &old[body.len()..];
                let statement = line.statement.as_ref().map(|statement| statement.prefix.as_str());
                // On the line itself the comment would make the blanks before it a part of the value.
                let comment = match &line.comment {
                    Some(comment) => format!("{comment}{}", if ending.is_empty() { "\n" } else { ending }),
                    None => String::new(),
                };
                let new = format!("{comment}{}{key}={written}{ending}", statement.unwrap_or_default());
                [&self.text[..line.range.start], &new, &self.text[line.range.end..]].concat()
            }
            None => {
                let glue = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
                format!("{}{glue}{key}={written}\n", self.text)
            }
        };
        let lines = parse(&text).map_err(|_| refused())?;
        let edited = EnvFile { path: self.path.clone(), text, lines, outside: self.outside.clone() };
        let reads = edited.get(key).is_ok_and(|now| now.as_deref() == Some(value));
        let others = |file: &EnvFile| -> Vec<Statement> {
            file.settings().filter(|(name, _)| *name != key).map(|(_, statement)| statement.clone()).collect()
        };
        match reads && others(self) == others(&edited) {
            true => Ok(edited),
            false => Err(refused()),
        }
    }

    /// Which line decides the value: the last, unless it only speaks when nothing was said before.
    fn place(&self, key: &str) -> Option<usize> {
        let of_key = |wanted: fn(Operator) -> bool| {
            self.lines.iter().rposition(|line| {
                line.statement.as_ref().is_some_and(|found| found.name == key && wanted(found.operator))
            })
        };
        of_key(|operator| operator != Operator::IfUnset).or_else(|| of_key(|_| true))
    }
}

fn parse(text: &str) -> std::result::Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let line = Line::read(text, start)
            .map_err(|why| format!("line {}: {why}", text[..start].matches('\n').count() + 1))?;
        start = line.range.end;
        lines.push(line);
    }
    Ok(lines)
}
