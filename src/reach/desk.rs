//! The far side of a conversation with a banister that looks on from another machine; see [`talk`](super::talk).

use super::lines::{self, Line};
use super::talk::{Heard, PING, PONG};
use super::wire::SILENCE;
use crate::sync::Mutex;
use serde::Serialize;
use std::io::{BufRead, Write, stdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// So many lines are read ahead.
const AHEAD: usize = 16;

/// Who looks on, and what they say.
pub struct Desk(Mutex<Receiver<Vec<u8>>>);

impl Desk {
    /// The one at the other end of this input. It counts as gone after twenty seconds without a word.
    pub fn of(mut input: impl BufRead + Send + 'static) -> Desk {
        let (lines, read) = mpsc::sync_channel(AHEAD);
        std::thread::spawn(move || {
            loop {
                let line = lines::next(&mut input);
                let is_last = !matches!(line, Line::Whole(_));
                if lines.send(line).is_err() || is_last {
                    return;
                }
            }
        });
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        std::thread::spawn(move || {
            while let Ok(Line::Whole(line)) = read.recv_timeout(SILENCE) {
                if line == PING.as_bytes() {
                    write(PONG.as_bytes());
                } else if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Desk(Mutex::new(receiver))
    }

    /// What is said next, waited for so long.
    pub fn next(&self, wait: Duration) -> Heard {
        match self.0.lock().recv_timeout(wait) {
            Ok(line) => Heard::Said(line),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Lost(None),
        }
    }
}

/// Says something. What is too long to be read there is left out, and that nobody hears it is noticed where nothing is heard.
pub fn say(message: &impl Serialize) {
    if let Ok(line) = lines::written(message) {
        write(line.strip_suffix(b"\n").unwrap_or(&line));
    }
}

fn write(line: &[u8]) {
    let mut out = stdout().lock();
    _ = out.write_all(&[line, b"\n"].concat()).and_then(|()| out.flush());
}
