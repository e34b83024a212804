//! A run that works at its home, followed from here: a lost connection is made again, and nothing is missed or comes twice.

use super::{Names, print};
use crate::cli::context::Context;
use crate::cli::homes::hello;
use crate::cli::view::is_left;
use crate::cli::view::place::{Place, Wisher};
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::home::wire::{Says, What, Wish};
use crate::key::KeyBuf;
use crate::output::{Stream, word};
use crate::reach::talk::{Heard, Talk};
use crate::runner::answers::Given;
use crate::secret::Shown;
use crate::site::Server;
use crate::stop::Asked;
use crate::sync::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a lost connection is tried again.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(25);

/// See the module.
pub struct There<'a> {
    context: &'a Context,
    server: Server,
    run: String,
    names: Names,
    talk: Option<Talk>,
    /// The place of the event that was told last.
    since: (u64, u64),
    events: VecDeque<(Event, String)>,
    live: BTreeMap<KeyBuf, Shown>,
    answers: BTreeMap<String, Given>,
    works: bool,
    /// That the run is to stop, until it is written down there.
    wished: Arc<Mutex<Option<Asked>>>,
    /// The same, as it was said on this connection.
    said: Option<Asked>,
    /// What is printed at its end.
    printed: Vec<(Stream, String)>,
    has_ended: bool,
    /// Whether it was asked how the run ended.
    is_asked: bool,
}

impl There<'_> {
    pub fn new<'a>(
        context: &'a Context,
        server: Server,
        folder: &Path,
        run: String,
        session: u64,
    ) -> There<'a> {
        There {
            context,
            server,
            run,
            names: Names::of(folder),
            talk: None,
            since: (session, 0),
            events: VecDeque::new(),
            live: BTreeMap::new(),
            answers: BTreeMap::new(),
            works: true,
            wished: Arc::default(),
            said: None,
            printed: Vec::new(),
            has_ended: false,
            is_asked: false,
        }
    }

    /// Whether its end was told.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Takes what was said, or waits for it so long. Whether the connection is the same as before.
    fn take(&mut self, wait: Duration) -> Result<bool> {
        if self.has_ended {
            return Ok(true);
        }
        let Some(talk) = &self.talk else {
            self.connect(false)?;
            return Ok(false);
        };
        let wished = *self.wished.lock();
        if let Some(asked) = wished.filter(|_| self.said != wished) {
            talk.say(&Wish::Stop(asked))?;
            self.said = Some(asked);
        }
        let mut wait = wait;
        loop {
            let Some(talk) = &self.talk else { return Ok(false) };
            match talk.next(wait) {
                Heard::Nothing => return Ok(true),
                Heard::Lost(_) if self.has_ended => return Ok(true),
                Heard::Lost(_) => {
                    self.talk = None;
                    eprintln!(
                        "the connection to `{}` was lost; the run continues there: connecting again",
                        self.server.name
                    );
                    self.connect(true)?;
                    return Ok(false);
                }
                Heard::Said(line) => {
                    if let Ok(says) = serde_json::from_slice(&line) {
                        self.hear(says);
                    }
                }
            }
            wait = Duration::ZERO;
        }
    }

    fn hear(&mut self, says: Says) {
        match says {
            Says::Site(folder) => self.names.there = Some(folder),
            Says::Out(text) => self.printed.push((Stream::Out, self.names.here(&text))),
            Says::Error(text) => self.printed.push((Stream::Error, self.names.here(&text))),
            Says::Event { at, line } if at > self.since => {
                self.since = at;
                let line = self.names.here(&line);
                // What this program does not understand is passed over.
                if let Ok(event) = serde_json::from_str(&line) {
                    self.events.push_back((event, line));
                }
            }
            Says::Live(live) => self.live = live,
            Says::Works(works) => self.works = works,
            Says::Answered { question, given } => _ = self.answers.insert(question, given),
            Says::Stopping(asked) => {
                let mut wished = self.wished.lock();
                if *wished == Some(asked) {
                    *wished = None;
                }
                // Asked for once more, it is said once more.
                if self.said == Some(asked) {
                    self.said = None;
                }
            }
            // Not asked to, it ends because it heard nothing of this process for too long: the run continues.
            Says::Exit(code) => self.has_ended = self.is_asked || code != 0,
            _ => {}
        }
    }

    /// Connects, and has told what comes after what was told already. One that was there before is waited for.
    fn connect(&mut self, again: bool) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut pause = PAUSE;
        self.printed.clear();
        self.said = None;
        loop {
            let what = What::Follow { run: self.run.clone(), since: self.since };
            let failure = match Talk::begin(&self.server, &hello(self.context, what)) {
                Ok(talk) => {
                    self.talk = Some(talk);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if is_left() {
                return Ok(());
            }
            if failure.kind != Kind::Unreachable || Instant::now() > until {
                return Err(self.unknown(&failure));
            }
            if !again && pause == PAUSE {
                eprintln!("`{}` can't be reached: connecting again", self.server.name);
            }
            let next = Instant::now() + pause;
            while Instant::now() < next && !is_left() {
                std::thread::sleep(TICK);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Nobody here knows how the run stands.
    fn unknown(&self, failure: &Failure) -> Failure {
        let attach = self.context.command(&format!("attach {}", word(&self.run)));
        let message = format!("it is unknown how the run `{}` stands", self.run);
        let unknown = Failure::new(Kind::Interrupted, message).why(&failure.message);
        let unknown = failure.why.iter().fold(unknown, |unknown, why| unknown.why(why));
        unknown.help(format!("it may continue there; follow it again: `{attach}`"))
    }
}

impl Place for There<'_> {
    fn name(&self) -> String {
        self.run.clone()
    }

    fn next(&mut self) -> Result<Option<(Event, String)>> {
        if self.events.is_empty() {
            self.take(Duration::ZERO)?;
        }
        Ok(self.events.pop_front())
    }

    fn live(&mut self) -> BTreeMap<KeyBuf, Shown> {
        self.live.clone()
    }

    fn answer(&mut self, question: &str) -> Result<Option<Given>> {
        Ok(self.answers.get(question).cloned())
    }

    fn give(&mut self, question: &str, given: &Given) -> Result<Given> {
        let mut is_said = false;
        loop {
            if let Some(kept) = self.answers.get(question) {
                return Ok(kept.clone());
            }
            if is_left() {
                return Ok(given.clone());
            }
            if let Some(talk) = self.talk.as_ref().filter(|_| !is_said) {
                // Said twice, it is the same answer.
                talk.say(&Wish::Give { question: question.to_owned(), given: given.clone() })?;
                is_said = true;
            }
            is_said &= self.take(TICK)?;
        }
    }

    fn is_at_work(&mut self) -> Result<bool> {
        Ok(self.works && !self.has_ended)
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        // Nothing more comes then.
        if self.has_ended {
            std::thread::sleep(time);
            return Ok(());
        }
        self.take(time).map(drop)
    }

    fn wisher(&self) -> Wisher {
        let wished = self.wished.clone();
        Arc::new(move |asked| {
            *wished.lock() = Some(asked);
            Ok(())
        })
    }

    fn print_outcome(&mut self, _: &Context) -> Result<()> {
        let mut is_asked = false;
        while !self.has_ended && !is_left() {
            if let Some(talk) = self.talk.as_ref().filter(|_| !is_asked) {
                talk.say(&Wish::Outcome {})?;
                (is_asked, self.is_asked) = (true, true);
            }
            is_asked &= self.take(TICK)?;
        }
        self.printed.drain(..).for_each(|(stream, text)| print(stream, &text));
        Ok(())
    }
}
