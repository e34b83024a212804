//! A settings file (`.env`) as the program that it is for reads it, and edits of single settings in it.
//!
//! Programs read such a file by rules of their own, its [`Dialect`]. The value of a setting is what the program of the
//! file's dialect says; tests compare the readers with the real programs on random files.

mod compose;
mod dialect;
mod dotenv;
mod edit;
mod listed;
mod make;
mod readings;
mod reading;
mod shell;

pub use dialect::Dialect;
pub use listed::{Listed, listed, with_added};

use crate::failure::{Failure, Kind, Result};
use crate::machine::bytes;
use crate::machine::files::{rewrite_durably, unreadable};
use reading::Reading;
use readings::Readings;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A settings file, as it was when it was read.
#[derive(Clone, Debug)]
pub struct EnvFile {
    /// With links resolved: the file that is replaced is the one that is linked to.
    path: PathBuf,
    dialect: Dialect,
    text: String,
    reading: Reading,
    /// How all dialects read it, once somebody asks.
    readings: Readings,
    /// Whether there are lines that were left out because they can't be read.
    is_partial: bool,
    /// Variables from outside, which `$x` sees.
    outside: BTreeMap<String, String>,
}

/// The environment of this process, as far as it is text.
pub fn environment() -> BTreeMap<String, String> {
    let as_text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(as_text).collect()
}

impl EnvFile {
    /// Reads the file. `outside` is the environment that the program of this dialect would see.
    ///
    /// Fails with [`Kind::NotFound`] if there is none, with [`Kind::Refused`] if it can't be read or holds more than
    /// settings, or what the program would refuse.
    pub fn read(path: &Path, dialect: Dialect, outside: BTreeMap<String, String>) -> Result<EnvFile> {
        let failed = || format!("the settings file `{}` can't be read", path.display());
        let path = path.canonicalize().map_err(|error| unreadable(error, failed()))?;
        let text = bytes::read(&path).map_err(|failure| Failure { message: failed(), ..failure })?;
        EnvFile::of(path.clone(), dialect, text, outside, false).map_err(|why| {
            Failure::new(Kind::Refused, failed()).why(why).help(match dialect {
                Dialect::Make => {
                    "keep only lines such as `NAME=value` in it, and the rest in the Makefile".into()
                }
                _ => format!(
                    "correct that line: the file is read as {} does, because `dialect` is `{dialect}`",
                    dialect.reader()
                ),
            })
        })
    }

    /// Reads the lines that can be read, and gives the numbers of the others; nothing if there is no such file. One byte
    /// that is no text must not keep all secrets of the file from being hidden. What was read in this way is never written.
    pub fn read_what_can_be(
        path: &Path,
        dialect: Dialect,
        outside: BTreeMap<String, String>,
    ) -> Option<(EnvFile, Vec<usize>)> {
        let path = path.canonicalize().ok()?;
        let bytes = std::fs::read(&path).ok()?;
        if let Ok(text) = std::str::from_utf8(&bytes)
            && let Ok(file) = EnvFile::of(path.clone(), dialect, text.to_owned(), outside.clone(), false)
        {
            return Some((file, Vec::new()));
        }
        let (mut text, mut unread) = (String::new(), Vec::new());
        for (n, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            match bytes::decoded(line).filter(|line| is_readable(line, dialect, &outside)) {
                Some(line) => text.push_str(&line),
                None => {
                    // The others keep their numbers.
                    text.push('\n');
                    unread.push(n + 1);
                }
            }
        }
        Some((EnvFile::of(path, dialect, text, outside, true).ok()?, unread))
    }

    fn of(
        path: PathBuf,
        dialect: Dialect,
        text: String,
        outside: BTreeMap<String, String>,
        is_partial: bool,
    ) -> std::result::Result<EnvFile, String> {
        let reading = edit::read(&text, dialect, &outside)?;
        Ok(EnvFile { path, dialect, text, reading, readings: Readings::default(), is_partial, outside })
    }

    /// By whose rules it is read.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The names of all settings, each once, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        self.reading.names()
    }

    /// The value of a setting; nothing if the file does not set it. Fails with [`Kind::Refused`] if only the program can
    /// tell: functions, commands, endless references, or what its versions read differently.
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        let Some(value) = self.reading.value(key) else { return Ok(None) };
        let line = self.reading.setting(key).map_or(0, |setting| setting.line);
        let value = value.as_ref().map_err(|why| {
            let message = format!("the value of `{key}` is only known to {}", self.dialect.reader());
            Failure::new(Kind::Refused, message)
                .why(format!("in line {line} of `{}`: {why}", self.path.display()))
                .help("write the value in full in this file")
        })?;
        match value.as_ref().is_none_or(|value| bytes::is_text(value)) {
            true => Ok(value.clone()),
            false => Err(Failure::new(Kind::Refused, format!("the value of `{key}` is not UTF-8"))
                .why(format!("in line {line} of `{}`", self.path.display()))
                .help("write it in UTF-8: `iconv -f latin1 -t utf8 FILE`")),
        }
    }

    /// All that may be seen of a setting, for hiding it: each text to the right of its `=`, as it stands, trimmed, without
    /// quotes, and its value in each dialect that knows one. Each once, the empty one left out.
    pub fn readings(&self, key: &str) -> Vec<String> {
        self.readings.of(&self.text, &self.outside, key)
    }

    /// Whether programs that are called by one name read it differently: docker-compose 1, if the dialect is `compose`.
    pub fn is_doubtful(&self, key: &str) -> bool {
        self.dialect == Dialect::Compose && {
            let old = self.readings.value(&self.text, &self.outside, Dialect::Dotenv, key);
            old.as_ref() != self.reading.value(key).and_then(|value| value.as_ref().ok()?.as_ref())
        }
    }

    /// Gives a setting a value, in the line that decides it or in a new one at the end; all else stays as it is, also the
    /// file's mode and owner. Whether anything had to be changed.
    ///
    /// Fails with [`Kind::Invalid`] if the name is none, with [`Kind::Refused`] if the program would read another value
    /// than this one, or if the file can't be written; then it is as it was.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool> {
        if self.has(key, value) {
            return Ok(false);
        }
        let edited = self.edited(key, value)?;
        rewrite_durably(&self.path, &bytes::encoded(&edited.text))?;
        *self = edited;
        Ok(true)
    }

    /// Whether [`EnvFile::set`] would change the file. Fails as it does, except for what only writing shows.
    pub fn would_change(&self, key: &str, value: &str) -> Result<bool> {
        if self.has(key, value) {
            return Ok(false);
        }
        self.edited(key, value).map(|_| true)
    }

    fn has(&self, key: &str, value: &str) -> bool {
        self.get(key).is_ok_and(|now| now.as_deref() == Some(value))
    }

    /// The file with the setting; checked to read as meant.
    fn edited(&self, key: &str, value: &str) -> Result<EnvFile> {
        if !is_name(key) {
            return Err(Failure::new(Kind::Invalid, format!("`{key}` is no name of a setting"))
                .help("use letters, digits and `_`, such as `LOG_LEVEL`"));
        }
        let refused = |why: String| {
            let reader = self.dialect.reader();
            let message = format!("{reader} would read another value of `{key}` than the one given");
            Failure::new(Kind::Refused, message).help(why)
        };
        if self.is_partial {
            return Err(refused("correct the lines of the file that can't be read".into()));
        }
        let texts = edit::edited(&self.text, self.dialect, self.reading.setting(key), key, value);
        let files = texts.into_iter().filter_map(|text| {
            let outside = self.outside.clone();
            EnvFile::of(self.path.clone(), self.dialect, text, outside, false).ok()
        });
        let mut files = files.filter(|file| file.has(key, value) && self.differs_only_in(file, key));
        files.next().ok_or_else(|| refused(edit::limits(self.dialect).into()))
    }

    /// Whether another text has all other settings as they are, in the same order, and with the same values, unless a
    /// reference could change them.
    fn differs_only_in(&self, other: &EnvFile, key: &str) -> bool {
        fn others<'a>(file: &'a EnvFile, key: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
            let settings = file.reading.settings.iter().filter(move |setting| setting.name != key);
            settings.map(|setting| (setting.name.as_str(), &file.text[setting.place.clone()]))
        }
        let is_kept = |(name, written): (&str, &str)| {
            written.contains('$') || self.reading.value(name) == other.reading.value(name)
        };
        others(self, key).eq(others(other, key)) && others(self, key).all(is_kept)
    }
}

/// Whether a line by itself holds settings, or nothing; a byte that is no text hides nothing in a comment.
fn is_readable(line: &str, dialect: Dialect, outside: &BTreeMap<String, String>) -> bool {
    edit::read(line, dialect, outside).is_ok_and(|reading| {
        reading.settings.iter().all(|setting| {
            let value = reading.value(&setting.name).and_then(|value| value.as_ref().ok());
            let value = value.and_then(|value| value.as_deref()).unwrap_or_default();
            bytes::is_text(&setting.name) && bytes::is_text(value)
        })
    })
}

/// Whether this program gives a setting this name: what every shell takes too.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
