//! A question at the terminal, from the moment it is drawn until it is answered.
//!
//! One at a time, also if branches ask at once; what else is said in the meantime stands above it.

use super::screen::{self, Asked};
use super::{clean, modes, signals};
use crate::sync::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::stdin;
use std::sync::MutexGuard;

/// How long nobody looks whether something else happened than a key.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

static TURN: Mutex<()> = Mutex::new(());

/// What a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Line(String),
    /// Left it unanswered with Ctrl-D.
    Nothing,
    /// Wants the program to stop: Ctrl-C, a signal that ends it, or a terminal that has gone.
    Stop,
}

/// The turn of who asks.
pub struct Turn {
    _turn: MutexGuard<'static, ()>,
    /// What was ended before is none of its business.
    ended: usize,
}

/// Waits until nobody else asks.
pub fn turn() -> Turn {
    // A signal ends what waits for its turn, too.
    let ended = signals::ended();
    Turn { _turn: TURN.lock(), ended }
}

/// A question that is open.
pub struct Dialog<'a> {
    turn: &'a Turn,
    keys: Keys,
    draws: bool,
    /// Whether it was shown as a line while the program was in the background.
    waits: bool,
    text: String,
    /// Why what was typed last is no answer; empty at first.
    complaint: String,
    hint: String,
}

impl Turn {
    /// Opens a question, with what may be answered with Return alone.
    pub fn open(&self, text: &str, hint: &str, suggestion: &str) -> Dialog<'_> {
        signals::open();
        let draws = screen::can_draw();
        let (text, hint) = (clean::text(text), clean::line(hint));
        let keys = Keys { typed: clean::line(suggestion), ..Keys::default() };
        let mut dialog =
            Dialog { turn: self, keys, draws, waits: false, text, complaint: String::new(), hint };
        dialog.show();
        dialog
    }
}

impl Dialog<'_> {
    /// Draws it and takes the keys, unless somebody else is at the terminal.
    fn show(&mut self) {
        if !modes::is_foreground() {
            if !std::mem::replace(&mut self.waits, true) {
                screen::say(screen::Stream::Error, &format!("{}\nanswer it after `fg`\n", self.text));
            }
            return;
        }
        self.waits = false;
        match self.draws {
            true => {
                let (text, hint) = (self.lines(), self.hint.clone());
                let typed = self.keys.typed.clone();
                let mut screen = screen::lock();
                // Before it is drawn: what is typed from the moment it can be read counts.
                _ = modes::begin_keys();
                screen.ask(Asked { text, hint, typed });
            }
            false => {
                modes::forget_keys();
                screen::lock().ask_plainly(&self.lines(), &self.hint);
            }
        }
    }

    /// What stands above what is typed.
    fn lines(&self) -> String {
        match self.complaint.as_str() {
            "" => self.text.clone(),
            complaint => format!("{}\n{complaint}", self.text),
        }
    }

    /// Waits for a line.
    pub fn line(&mut self) -> Typed {
        loop {
            if signals::ended() != self.turn.ended {
                return Typed::Stop;
            }
            if self.waits || !modes::is_foreground() {
                self.show();
                std::thread::sleep(std::time::Duration::from_millis(100));
                continue;
            }
            if self.draws {
                // They are the shell's after the program was stopped.
                let _screen = screen::lock();
                _ = modes::begin_keys();
            }
            let before = self.keys.typed.clone();
            if let Some(typed) = self.keys.next(self.draws) {
                return typed;
            }
            if self.draws && self.keys.typed != before {
                screen::lock().typed(&self.keys.typed);
            }
            let input = stdin();
            let mut ready = [PollFd::new(&input, PollFlags::IN)];
            match poll(&mut ready, Some(&TICK)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return Typed::Stop,
            }
            let mut buffer = [0; 1024];
            match rustix::io::read(&input, &mut buffer) {
                // Where the terminal edits, Ctrl-D is read as an end. Where it does not, only one that has gone has an end.
                Ok(0) if self.draws => return Typed::Stop,
                Ok(0) => return Typed::Nothing,
                Ok(read) => self.keys.bytes.extend(&buffer[..read]),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return Typed::Stop,
            }
        }
    }

    /// What was typed is no answer, as `complaint` says in a line: asks again.
    pub fn again(&mut self, complaint: &str) {
        self.keys.typed.clear();
        self.complaint = clean::line(complaint);
        let (text, hint) = (self.lines(), self.hint.clone());
        match self.draws {
            true => screen::lock().ask(Asked { text, hint, typed: String::new() }),
            false => screen::lock().ask_plainly(&text, &hint),
        }
    }
}

impl Drop for Dialog<'_> {
    fn drop(&mut self) {
        let mut screen = screen::lock();
        match self.draws {
            true => screen.close(),
            false => screen.close_plainly(),
        }
        modes::restore();
        signals::close();
    }
}

/// Keys that were pressed, and the line that they make.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    typed: String,
}

impl Keys {
    /// The next line, if it is whole. Where the terminal edits, it comes as it is.
    fn next(&mut self, edits: bool) -> Option<Typed> {
        let mut at = 0;
        let mut done = None;
        while done.is_none() && at < self.bytes.len() {
            let rest = &self.bytes[at..];
            match rest[0] {
                b'\r' | b'\n' => done = Some(Typed::Line(self.typed.clone())),
                4 if self.typed.is_empty() => done = Some(Typed::Nothing),
                8 | 127 if edits => _ = self.typed.pop(),
                // Ctrl-U.
                21 if edits => self.typed.clear(),
                // Ctrl-W.
                23 if edits => {
                    let kept = self.typed.trim_end().rfind(' ').map_or(0, |end| end + 1);
                    self.typed.truncate(kept);
                }
                27 => match escape(rest) {
                    Some(length) => at += length - 1,
                    // The rest of it is still on its way.
                    None => break,
                },
                byte if byte < 32 => {}
                byte => {
                    let length = match byte {
                        0..0xc0 => 1,
                        0xc0..0xe0 => 2,
                        0xe0..0xf0 => 3,
                        _ => 4,
                    };
                    // A byte that begins a letter of UTF-8, and is none, takes no key that follows it.
                    let is_of_it = |byte: &u8| (0x80..0xc0).contains(byte);
                    let held =
                        1 + rest[1..].iter().take(length - 1).take_while(|byte| is_of_it(byte)).count();
                    if held < length && held == rest.len() {
                        break;
                    }
                    let length = held.min(length);
                    let bytes = &rest[..length];
                    self.typed.push_str(&clean::line(&String::from_utf8_lossy(bytes)));
                    at += length - 1;
                }
            }
            at += 1;
        }
        self.bytes.drain(..at.min(self.bytes.len()));
        done
    }
}

/// How long the sequence of an arrow or another key is, which means nothing here.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1) {
        Some(b'[') => {
            let end = bytes[2..].iter().position(|byte| !(b' '..=b'?').contains(byte))?;
            Some(end + 3)
        }
        Some(b'O') => bytes.get(2).map(|_| 3),
        // Escape alone.
        _ => Some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(typed: &[&[u8]]) -> (Option<Typed>, String) {
        let mut keys = Keys::default();
        let mut done = None;
        for bytes in typed {
            keys.bytes.extend(*bytes);
            done = done.or_else(|| keys.next(true));
        }
        (done, keys.typed)
    }

    #[test]
    fn a_line_is_edited_with_a_few_keys() {
        let line = |text: &str| Some(Typed::Line(text.to_owned()));
        assert_eq!(keys(&[b"yex\x7fs\r"]).0, line("yes"));
        assert_eq!(keys(&[b"no\x15yes\r"]).0, line("yes"));
        assert_eq!(keys(&["ä\u{6f22}\u{7f}".as_bytes()]), (None, "ä".to_owned()));
        assert_eq!(keys(&[b"\xc3", b"\xa4\r"]).0, line("ä"));
        assert_eq!(keys(&[b"\xe4n\r"]).0, line("\u{fffd}n"));
        assert_eq!(keys(&[b"a\x1b[A\x1b[", b"1;5Cb\x1bOPc\r"]).0, line("abc"));
        assert_eq!(keys(&[b"one two\x17\r"]).0, line("one "));
        assert_eq!(keys(&[b"\x04"]).0, Some(Typed::Nothing));
        assert_eq!(keys(&[b"a\x04"]), (None, "a".to_owned()));
    }
}
