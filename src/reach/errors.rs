//! What ssh, and what runs at its other end before the agent, says of errors.

use crate::sync::Mutex;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// So many lines are kept, the last ones: a changed host key takes fifteen, behind a banner.
const MOST: usize = 100;
/// So much is kept of a line.
const LONGEST: usize = 4 << 10;
/// How long the rest is waited for, once ssh has ended: what it started may hold the stream.
const REST: Duration = Duration::from_secs(2);

/// What ssh says, once it is let in, and what it says of its own work at that level: no errors.
const LET_IN: &str = "Authenticated to ";
const WORK: [&str; 3] = [LET_IN, "Transferred: sent ", "Bytes per second: "];

/// The lines, read by a thread of their own.
pub struct Errors {
    heard: Arc<Mutex<Heard>>,
    end: Receiver<()>,
}

#[derive(Default)]
struct Heard {
    lines: VecDeque<String>,
    is_in: Option<Instant>,
}

impl Errors {
    pub fn of(errors: ChildStderr) -> Errors {
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let (sender, end) = mpsc::channel();
        let shared = heard.clone();
        std::thread::spawn(move || {
            let mut errors = BufReader::new(errors);
            while let Some(line) = line(&mut errors) {
                shared.lock().take(&line);
            }
            drop(sender);
        });
        Errors { heard, end }
    }

    /// Since when ssh is let in.
    pub fn is_in(&self) -> Option<Instant> {
        self.heard.lock().is_in
    }

    /// The lines, when ssh has ended.
    pub fn lines(&self) -> Vec<String> {
        let _ = self.end.recv_timeout(REST);
        self.heard.lock().lines.iter().cloned().collect()
    }
}

impl Heard {
    fn take(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.starts_with(LET_IN) {
            self.is_in.get_or_insert_with(Instant::now);
        }
        if line.is_empty() || WORK.iter().any(|work| line.starts_with(work)) {
            return;
        }
        self.lines.push_back(line.to_owned());
        if self.lines.len() > MOST {
            self.lines.pop_front();
        }
    }
}

/// The next line, or its beginning; none at the end.
fn line(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let piece = input.fill_buf().ok()?;
        if piece.is_empty() {
            return (!line.is_empty()).then_some(line);
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(piece.len());
        let kept = taken.min(LONGEST - line.len());
        line.extend_from_slice(&piece[..kept]);
        input.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_beginnings_of_lines_and_the_last_lines_are_kept() {
        let long = "x".repeat(3 * LONGEST);
        let text = format!("Authenticated to far ([::1]:22) using \"publickey\".\n\nfirst\n{long}\nhalf");
        let mut input = BufReader::with_capacity(7, text.as_bytes());
        let mut heard = Heard::default();
        while let Some(line) = line(&mut input) {
            heard.take(&line);
        }
        assert!(heard.is_in.is_some());
        assert_eq!(heard.lines, ["first", &"x".repeat(LONGEST), "half"]);
        (0..MOST).for_each(|_| heard.take(b"more"));
        assert!(heard.lines.len() == MOST && heard.lines[0] == "more");
    }
}
