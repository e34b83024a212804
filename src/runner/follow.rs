//! Follows what runners tell, from one session to the next.

use super::place;
use crate::event::Event;
use crate::key::KeyBuf;
use crate::secret::Shown;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// No line is longer; the rest of one that is goes unseen.
const LONGEST: u64 = 1 << 20;

/// See the module.
pub struct Follower {
    run: PathBuf,
    session: u64,
    file: Option<BufReader<File>>,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
    /// How many whole lines of the session were read.
    read: u64,
}

impl Follower {
    /// From the beginning of a session's events.
    pub fn of(run: &Path, session: u64) -> Follower {
        Follower { run: run.to_owned(), session, file: None, begun: Vec::new(), read: 0 }
    }

    /// The next event with its line, if there is one by now. What this program does not understand is passed over.
    pub fn next(&mut self) -> io::Result<Option<(Event, String)>> {
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if let Ok(event) = serde_json::from_str(&line) {
                return Ok(Some((event, line)));
            }
        }
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            let Some(file) = &mut self.file else {
                match File::open(place::events(&self.run, self.session)) {
                    Ok(file) => self.file = Some(BufReader::new(file)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                }
                continue;
            };
            let room = LONGEST.saturating_sub(self.begun.len() as u64);
            let read = file.by_ref().take(room.max(1)).read_until(b'\n', &mut self.begun)?;
            if self.begun.ends_with(b"\n") {
                let line = std::mem::take(&mut self.begun);
                self.read += 1;
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.begun.len() as u64 >= LONGEST {
                // What is cut is no event.
                self.begun.truncate(1);
                continue;
            }
            if read > 0 {
                continue;
            }
            // Another session's file is begun once nobody writes this one any more. What is half there stays so.
            let next = place::sessions(&self.run).into_iter().find(|session| *session > self.session);
            let Some(next) = next else { return Ok(None) };
            // It may have grown before the other was begun.
            if file.fill_buf()?.is_empty() {
                (self.session, self.file, self.read) = (next, None, 0);
                self.begun.clear();
            }
        }
    }

    /// Where the event is that was read last: the number of its session, and that of its line there, from 1.
    pub fn position(&self) -> (u64, u64) {
        (self.session, self.read)
    }

    /// The last line of each course, as it is now.
    pub fn live(&self) -> BTreeMap<KeyBuf, Shown> {
        let Ok(file) = File::open(self.run.join("live")) else { return BTreeMap::new() };
        let mut text = String::new();
        match file.take(LONGEST).read_to_string(&mut text) {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => BTreeMap::new(),
        }
    }
}

/// Whether the newest session ended by itself, and told so.
pub fn has_ended(run: &Path) -> bool {
    let newest = place::events(run, place::session(run));
    let Ok(mut file) = File::open(newest) else { return false };
    let length = file.metadata().map_or(0, |file| file.len());
    let mut tail = Vec::new();
    let from = length.saturating_sub(LONGEST);
    let read = file.seek(io::SeekFrom::Start(from)).and_then(|_| file.take(LONGEST).read_to_end(&mut tail));
    let tail = String::from_utf8_lossy(&tail);
    let last = tail.strip_suffix('\n').and_then(|tail| tail.lines().last());
    let last: Option<Event> = last.filter(|_| read.is_ok()).and_then(|line| serde_json::from_str(line).ok());
    matches!(last, Some(Event::RunnerEnded { .. }))
}
