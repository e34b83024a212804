//! What is told in a session of the runner, as files that viewers follow.

use super::place;
use crate::event::{Event, Listener};
use crate::failure::{Context, Kind, Result};
use crate::key::KeyBuf;
use crate::report::json::json_line;
use crate::secret::Shown;
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often `live` is written while something changes, and while nothing does.
const TICK: Duration = Duration::from_millis(100);
const BEAT: Duration = Duration::from_secs(5);

/// Writes the events of a session.
pub struct Events {
    /// The number of the session.
    pub session: u64,
    file: Mutex<File>,
    live: Arc<Mutex<Live>>,
    /// Whether each line of a command is an event as well.
    verbose: bool,
}

/// The last line of each course, by the key of the call.
#[derive(Default)]
struct Live {
    lines: BTreeMap<KeyBuf, Shown>,
    has_changed: bool,
    is_over: bool,
}

impl Events {
    /// Begins the file of a new session.
    pub fn begin(run: &Path, verbose: bool) -> Result<Events> {
        let failed = || format!("the events of the run can't be written to `{}`", run.display());
        place::folder(run, "events").or_fail(Kind::Journal, failed)?;
        let mut session = place::session(run) + 1;
        let file = loop {
            let mut options = OpenOptions::new();
            match options.append(true).create_new(true).mode(0o600).open(place::events(run, session)) {
                Ok(file) => break file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => session += 1,
                Err(error) => return Err(error).or_fail(Kind::Journal, failed),
            }
        };
        let live = Arc::new(Mutex::new(Live::default()));
        let (drawn, path) = (live.clone(), run.join("live"));
        std::thread::spawn(move || draw(&drawn, &path));
        Ok(Events { session, file: Mutex::new(file), live, verbose })
    }
}

/// Keeps the file with what goes on, until the session is over.
fn draw(live: &Mutex<Live>, path: &PathBuf) {
    let mut written: Option<Instant> = None;
    loop {
        let (text, is_over) = {
            let mut live = live.lock();
            let is_due = written.is_none_or(|written| written.elapsed() >= BEAT);
            let changed = std::mem::take(&mut live.has_changed) || is_due;
            (changed.then(|| serde_json::to_vec(&live.lines)), live.is_over)
        };
        if let Some(Ok(text)) = text {
            let new = path.with_extension("new");
            // What goes on is for eyes: that it can't be written stops nothing.
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(&new);
            _ = file.and_then(|mut file| file.write_all(&text)).and_then(|()| fs::rename(&new, path));
            written = Some(Instant::now());
        }
        if is_over {
            return;
        }
        std::thread::sleep(TICK);
    }
}

impl Listener for Events {
    fn hear(&self, event: &Event) {
        match event {
            Event::Progressed { key, line } => {
                {
                    let mut live = self.live.lock();
                    live.lines.insert(key.clone(), line.clone());
                    live.has_changed = true;
                }
                if !self.verbose {
                    return;
                }
            }
            Event::CallFinished { key, .. } => {
                let mut live = self.live.lock();
                live.has_changed |= live.lines.remove(key).is_some();
            }
            _ => {}
        }
        let line = json_line(event) + "\n";
        // A viewer that misses an event sees the next; a full disk stops the run at its journal.
        _ = self.file.lock().write_all(line.as_bytes());
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut live = self.live.lock();
        live.lines.clear();
        (live.has_changed, live.is_over) = (true, true);
    }
}
