//! This side of a conversation with a banister at the home of runs: lines of JSON each way, over ssh.
//!
//! Nobody waits for a connection on which nothing is heard: this side says every two seconds that it is there, and the other
//! side answers.

pub use super::ssh::program_there;

use super::lines::{self, Line};
use super::ssh::{self, Connection, Part, Process};
use crate::failure::{Context, Kind, Result};
use crate::site::Server;
use crate::sync::Mutex;
use serde::Serialize;
use std::io::Write;
use std::process::ChildStdin;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// What this side says to be known to be there, and the answer.
pub const PING: &str = r#"{"ping":1}"#;
pub const PONG: &str = r#"{"pong":1}"#;

/// What this side says once it was welcome: nothing is done for who does not know that the other side heard it.
pub const GO: &str = r#"{"go":1}"#;

const BEAT: Duration = Duration::from_secs(2);
/// After how long without a word the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(10);
/// So many lines are read ahead: who sends more than is taken has to wait.
const AHEAD: usize = 256;

/// See the module. Dropped, the connection ends.
pub struct Talk {
    process: Arc<Process>,
    input: Arc<Mutex<ChildStdin>>,
    heard: Receiver<Line>,
}

/// What was heard.
pub enum Heard {
    Said(Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// There will be nothing more. What was said last and is no message of banister, if there was something.
    Lost(Option<String>),
}

impl Talk {
    /// Connects to the server's machine, puts this program there if it is missing, and says what is wanted of it.
    ///
    /// Fails as [`ssh::connect_to`] does.
    pub fn begin(server: &Server, hello: &impl Serialize) -> Result<Talk> {
        let hello = serde_json::to_string(hello).or_fail(Kind::Bug, || "a wish is not plain data".into())?;
        let Connection { process, input, mut output } =
            ssh::connect_to(server, &Part { name: "home", hello })?;
        let mut input = input;
        _ = input.write_all(format!("{GO}\n").as_bytes());
        let (process, input) = (Arc::new(process), Arc::new(Mutex::new(input)));
        let (sender, heard) = mpsc::sync_channel(AHEAD);
        // Since when nothing is heard; none while what was heard is not taken.
        let since = Arc::new(Mutex::new(Some(Instant::now())));
        let reading = since.clone();
        std::thread::spawn(move || {
            loop {
                *reading.lock() = Some(Instant::now());
                let line = lines::next(&mut output);
                *reading.lock() = None;
                let is_last = !matches!(line, Line::Whole(_));
                let is_beat = matches!(&line, Line::Whole(line) if line == PONG.as_bytes());
                if !is_beat && (sender.send(line).is_err() || is_last) {
                    break;
                }
            }
        });
        let (beating, ending) = (Arc::downgrade(&input), Arc::downgrade(&process));
        std::thread::spawn(move || beat(&beating, &ending, &since));
        Ok(Talk { process, input, heard })
    }

    /// Says something. That nobody hears it is noticed where the answer does not come.
    pub fn say(&self, message: &impl Serialize) -> Result<()> {
        let line = lines::written(message)?;
        let mut input = self.input.lock();
        _ = input.write_all(&line).and_then(|()| input.flush());
        Ok(())
    }

    /// What is said next, waited for so long.
    pub fn next(&self, wait: Duration) -> Heard {
        match self.heard.recv_timeout(wait) {
            Ok(Line::Whole(line)) => Heard::Said(line),
            Ok(Line::Nonsense(said)) => Heard::Lost(Some(said)),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Ok(Line::End) | Err(RecvTimeoutError::Disconnected) => Heard::Lost(None),
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.process.end();
    }
}

/// Says that this side is there, and ends a connection on which nothing is heard, until it is gone.
fn beat(input: &Weak<Mutex<ChildStdin>>, process: &Weak<Process>, since: &Mutex<Option<Instant>>) {
    let input = input.clone();
    // A pipe that nobody empties would hold it up.
    let writer = std::thread::spawn(move || {
        while let Some(input) = input.upgrade() {
            let mut input = input.lock();
            if input.write_all(format!("{PING}\n").as_bytes()).and_then(|()| input.flush()).is_err() {
                return;
            }
            drop(input);
            std::thread::sleep(BEAT);
        }
    });
    while let Some(process) = process.upgrade() {
        let is_silent = since.lock().is_some_and(|since| since.elapsed() > SILENCE);
        if is_silent {
            process.end();
            break;
        }
        drop(process);
        std::thread::sleep(BEAT / 8);
    }
    drop(writer);
}
