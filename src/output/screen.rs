//! The one owner of the terminal.
//!
//! Everything that is drawn is told to it: lines, which go up into the terminal's history, and the foot below them: live
//! lines, then the question with what is typed, so that the cursor stands behind it. Each message is drawn with one
//! write: up over the old foot, the lines, the foot again. Two writers would draw over each other.

use super::clean::{self, painted};
use super::digest::shortened;
use super::modes;
use super::width;
use crate::sync::Mutex;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, OnceLock};

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Error,
}

/// The columns that are drawn on if the terminal does not know how many it has.
const UNKNOWN: usize = 80;

/// Whether standard output is a document: texts in it are exact then.
static JSON: AtomicBool = AtomicBool::new(false);

/// Whether the program's output is JSON from now on.
pub fn speak_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// What is open at the foot.
pub struct Asked {
    /// Its lines, the hint that stands before what is typed, and that.
    pub text: String,
    pub hint: String,
    pub typed: String,
}

pub struct Screen {
    live: Vec<String>,
    asked: Option<Asked>,
    /// The columns of each row of the foot that is drawn.
    drawn: Vec<usize>,
    /// What is to be said once a question is answered, where nothing can be drawn again.
    held: Option<Vec<(Stream, String)>>,
}

static SCREEN: Mutex<Screen> =
    Mutex::new(Screen { live: Vec::new(), asked: None, drawn: Vec::new(), held: None });

/// The screen, for as long as nobody else may draw.
pub fn lock() -> MutexGuard<'static, Screen> {
    SCREEN.lock()
}

/// The same, unless somebody has it.
pub fn try_lock() -> Option<MutexGuard<'static, Screen>> {
    SCREEN.try_lock()
}

/// Says a text, which ends with a line's end: it is cleaned, and on a terminal parted between words.
pub fn say(stream: Stream, text: &str) {
    match super::ELSEWHERE.get() {
        // It is cleaned where it is shown.
        Some(show) => show(stream, text),
        None => lock().say(stream, text),
    }
}

/// Shows these lines at the foot, in the place of those that were there.
pub fn live(lines: Vec<String>) {
    let mut screen = lock();
    if screen.live != lines {
        screen.live = lines;
        screen.draw("");
    }
}

/// Whether a question is open.
pub fn is_asking() -> bool {
    let screen = lock();
    screen.asked.is_some() || screen.held.is_some()
}

/// Keeps the screen to itself until the end of the program.
pub struct Last(#[expect(dead_code, reason = "it is held")] MutexGuard<'static, Screen>);

/// Says what nothing may follow.
pub fn last(stream: Stream, text: &str) -> Last {
    let mut screen = lock();
    screen.live.clear();
    screen.say(stream, text);
    Last(screen)
}

/// Whether a terminal is there that can be drawn on.
pub fn can_draw() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| foot().is_some() && std::env::var("TERM").is_ok_and(|term| term != "dumb"))
}

/// Where the foot is.
fn foot() -> Option<Stream> {
    [Stream::Out, Stream::Error].into_iter().find(|stream| stream.is_terminal())
}

/// Columns and rows of the terminal, as they are now.
fn size() -> Option<(usize, usize)> {
    let size = match foot()? {
        Stream::Out => rustix::termios::tcgetwinsize(std::io::stdout()),
        Stream::Error => rustix::termios::tcgetwinsize(std::io::stderr()),
    };
    size.ok()
        .map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)))
        .filter(|(columns, _)| *columns > 0)
}

/// The columns that standard output has, if it is a terminal that knows.
pub fn columns() -> Option<usize> {
    size().filter(|_| Stream::Out.is_terminal()).map(|(columns, _)| columns)
}

impl Stream {
    fn is_terminal(self) -> bool {
        static TERMINALS: OnceLock<(bool, bool)> = OnceLock::new();
        let (out, error) =
            TERMINALS.get_or_init(|| (std::io::stdout().is_terminal(), std::io::stderr().is_terminal()));
        match self {
            Stream::Out => *out,
            Stream::Error => *error,
        }
    }

    fn write(self, text: &str) {
        // Whoever read it may have gone; the run goes on.
        match self {
            Stream::Out => _ = super::print(text),
            Stream::Error => _ = std::io::stderr().lock().write_all(text.as_bytes()),
        }
    }

    /// With one write, as the buffer of standard output would not: it parts what it is given at the last line's end, and a
    /// question would be without what is typed in between.
    fn write_at_once(self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = match self {
                Stream::Out => rustix::io::write(std::io::stdout(), rest),
                Stream::Error => rustix::io::write(std::io::stderr(), rest),
            };
            match written {
                Ok(written) if written > 0 => rest = &rest[written..],
                Err(rustix::io::Errno::INTR) => {}
                _ => return,
            }
        }
    }
}

impl Screen {
    fn say(&mut self, stream: Stream, text: &str) {
        if stream == Stream::Out && JSON.load(Ordering::Relaxed) {
            return self.above(stream, text);
        }
        let text = shortened(&clean::text(text)).into_owned();
        let columns = size().filter(|_| stream.is_terminal()).map(|(columns, _)| columns);
        let text = match columns {
            Some(columns) => {
                text.split('\n').map(|line| parted(line, columns)).collect::<Vec<_>>().join("\n")
            }
            None => text,
        };
        self.above(stream, &painted(&text));
    }

    /// Writes a text above the foot.
    fn above(&mut self, stream: Stream, text: &str) {
        let is_clear = self.drawn.is_empty() && !self.has_foot();
        match &mut self.held {
            Some(held) if stream.is_terminal() => held.push((stream, text.to_owned())),
            _ if is_clear || !stream.is_terminal() => stream.write(text),
            _ => self.draw(text),
        }
    }

    fn has_foot(&self) -> bool {
        can_draw() && (self.asked.is_some() || !self.live.is_empty())
    }

    /// Opens a question, or changes what is typed.
    pub fn ask(&mut self, mut asked: Asked) {
        asked.text = shortened(&asked.text).into_owned();
        self.asked = Some(asked);
        self.draw("");
    }

    pub fn typed(&mut self, typed: &str) {
        if let Some(asked) = &mut self.asked {
            typed.clone_into(&mut asked.typed);
            self.draw("");
        }
    }

    /// Closes the question. It stays in sight as lines, with what was typed.
    pub fn close(&mut self) {
        if let Some(asked) = self.asked.take() {
            let columns = size().map_or(UNKNOWN, |(columns, _)| columns);
            let lines = format!("{}\n{}{}", asked.text, asked.hint, asked.typed);
            let lines = lines.split('\n').flat_map(|line| width::wrap(line, columns, false));
            self.draw(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
        }
    }

    /// Asks where nothing can be drawn again: what others say waits until it is answered.
    pub fn ask_plainly(&mut self, text: &str, hint: &str) {
        Stream::Error.write(&format!("{}\n{hint}", shortened(text)));
        self.held.get_or_insert_default();
    }

    pub fn close_plainly(&mut self) {
        for (stream, text) in self.held.take().unwrap_or_default() {
            stream.write(&text);
        }
    }

    /// Takes the foot away, for who writes there himself.
    pub fn erase(&mut self) {
        let text = self.up() + if self.drawn.is_empty() { "" } else { "\x1b[J" };
        self.drawn.clear();
        foot().inspect(|foot| foot.write(&text));
    }

    /// Draws `text` above the foot, and the foot.
    pub fn draw(&mut self, text: &str) {
        let Some(foot) = foot().filter(|_| can_draw()) else { return };
        let mut out = self.up();
        if !text.is_empty() {
            out.push_str(if self.drawn.is_empty() { "" } else { "\x1b[J" });
            out.push_str(text);
            out.push_str(if text.ends_with('\n') { "" } else { "\n" });
        }
        // One in the background has no foot: somebody else is at the terminal.
        let rows = if modes::is_foreground() { self.rows() } else { Vec::new() };
        // In the place of the old ones: at no instant is a question out of sight.
        let drawn = rows.iter().map(|row| painted(row)).collect::<Vec<_>>().join("\x1b[K\r\n");
        out.push_str(&drawn);
        if !rows.is_empty() || !self.drawn.is_empty() {
            out.push_str("\x1b[J");
        }
        self.drawn = rows.iter().map(|row| width::of(row)).collect();
        if !out.is_empty() {
            foot.write_at_once(&out);
        }
    }

    /// Moves to the beginning of the foot. A terminal that became narrower has parted its rows.
    fn up(&self) -> String {
        if self.drawn.is_empty() {
            return String::new();
        }
        let columns = size().map_or(UNKNOWN, |(columns, _)| columns);
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        match rows - 1 {
            0 => "\r".to_owned(),
            up => format!("\r\x1b[{up}A"),
        }
    }

    /// The rows of the foot: each narrower than the terminal, and together not higher.
    fn rows(&self) -> Vec<String> {
        let (columns, height) = size().unwrap_or((UNKNOWN, 0));
        let room = columns.saturating_sub(1).max(1);
        let mut rows: Vec<String> =
            self.live.iter().map(|line| width::cut(&shortened(&clean::line(line)), room)).collect();
        if let Some(Asked { text, hint, typed }) = &self.asked {
            rows.extend(text.split('\n').flat_map(|line| width::wrap(line, room, true)));
            rows.extend(chunks(&format!("{hint}{typed}"), room));
        }
        if height > 1 && rows.len() >= height {
            let over = rows.len() - height + 1;
            // Live lines first, and never what is typed.
            rows.drain(..over);
        }
        rows
    }
}

/// What is typed, as rows that are full.
fn chunks(text: &str, room: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut columns = 0;
    for c in text.chars() {
        let wide = width::of_char(c);
        if columns + wide > room {
            rows.push(String::new());
            columns = 0;
        }
        let last = rows.len() - 1;
        rows[last].push(c);
        columns += wide;
    }
    rows
}

/// A line as a terminal shows it. A command to type stays whole, so that it can be copied.
fn parted(line: &str, columns: usize) -> String {
    let bare: String = line.chars().filter(|c| clean::Paint::of(*c).is_none()).take(5).collect();
    match bare == "next:" {
        true => line.to_owned(),
        false => width::wrap(line, columns, false).join("\n"),
    }
}
