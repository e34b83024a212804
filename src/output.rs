//! What the program prints. Unlike with the macros of the standard library, a reader that has gone away (a closed
//! terminal, `head`) is no reason to panic: a run goes on without it.
//!
//! What is made for people goes through the macros, and with them through [`screen`], which owns the terminal: nothing
//! else writes there, or a question would be drawn over. What is data for programs is written as it is.

pub mod clean;
mod counted;
pub mod dialog;
pub mod difference;
pub mod digest;
mod modes;
pub mod nearest;
mod screen;
mod signals;
pub mod width;

pub use counted::counted;
pub use screen::{Stream, columns, is_asking, last, live, say, speak_json};
pub use signals::{are_heard, end_questions, quit_is_heard};

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether anything was written to standard output.
static SAID: AtomicBool = AtomicBool::new(false);

/// Why something that was to be written there is not.
static LOST: OnceLock<String> = OnceLock::new();

/// Whether standard output has anything already. With `--json` a failure is a document only if it is the first.
pub fn has_said() -> bool {
    SAID.load(Ordering::Relaxed)
}

/// Who gets what would be printed here.
type Elsewhere = Box<dyn Fn(Stream, &str) + Send + Sync>;
static ELSEWHERE: OnceLock<Elsewhere> = OnceLock::new();

/// Has all that is printed from now on shown elsewhere.
pub fn show_elsewhere(show: impl Fn(Stream, &str) + Send + Sync + 'static) {
    _ = ELSEWHERE.set(Box::new(show));
}

/// Writes to standard output, as it is.
pub fn print(text: impl AsRef<[u8]>) -> std::io::Result<()> {
    SAID.store(true, Ordering::Relaxed);
    if let Some(show) = ELSEWHERE.get() {
        show(Stream::Out, &String::from_utf8_lossy(text.as_ref()));
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_ref()).and_then(|()| out.flush());
    written.inspect_err(|error| {
        if !has_gone(error) {
            _ = LOST.set(error.to_string());
        }
    })
}

/// Whether nobody reads standard output any more: a pipe that is closed, or a terminal.
fn has_gone(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe || std::io::stdout().is_terminal()
}

/// Why a part of standard output could not be written, as where a disk is full. That nobody reads it is no reason.
pub fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// Writes a line to standard output.
pub fn line(text: impl std::fmt::Display) {
    _ = print(format!("{text}\n"));
}

/// Writes a line to standard error.
pub fn complain(text: impl std::fmt::Display) {
    match ELSEWHERE.get() {
        Some(show) => show(Stream::Error, &format!("{text}\n")),
        None => _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes()),
    }
}

/// A word of a command that a person may type or copy: in quotes, if a shell would read it as something else.
pub fn word(text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_.,/:@%+=~".contains(c);
    match !text.is_empty() && !text.starts_with('~') && text.chars().all(plain) {
        true => text,
        false => quoted(&text),
    }
}

/// A word in quotes, whatever is in it: a POSIX shell takes it as it is.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

macro_rules! print {
    ($($text:tt)*) => { $crate::output::say($crate::output::Stream::Out, &format!($($text)*)) };
}

macro_rules! println {
    ($($text:tt)*) => { $crate::output::say($crate::output::Stream::Out, &(format!($($text)*) + "\n")) };
}

macro_rules! eprint {
    ($($text:tt)*) => { $crate::output::say($crate::output::Stream::Error, &format!($($text)*)) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::say($crate::output::Stream::Error, &(format!($($text)*) + "\n")) };
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_word_with_blanks_and_quotes_stays_one_word() {
        assert_eq!(word("/srv/Grüße/-b/a_1.toml"), "/srv/Grüße/-b/a_1.toml");
        assert_eq!(word("/srv/a b/it's"), "'/srv/a b/it'\\''s'");
        assert_eq!((word(""), word("~x")), ("''".into(), "'~x'".into()));
    }
}
