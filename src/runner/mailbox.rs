//! Answers as a runner gets them: from its command line, or from whoever looks on; or from nobody, when the time is over.

use super::answers::{self, Given, Waiting};
use super::clock::Instant;
use crate::event::{Event, Listener};
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::Summary;
use crate::person::{Answer, Nobody, Person, Question, unfit_of, whoami};
use crate::session;
use crate::site::Unattended;
use crate::stop::Stop;
use crate::sync::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often it is looked for an answer.
const TICK: Duration = Duration::from_millis(25);

/// Who answers when the time is over.
pub const NOBODY: &str = "nobody";

/// See the module.
pub struct Mailbox {
    pub run: PathBuf,
    /// The request that is worked on, by the number of its first session: answers to an earlier one are not for it.
    pub request: u64,
    /// One before it whose runner was killed.
    pub earlier: Option<u64>,
    /// Whether what can be confirmed is.
    pub yes: bool,
    /// The answers of the command line.
    pub prepared: Vec<String>,
    /// How long somebody is waited for, and what happens then.
    pub unattended: Unattended,
    pub events: Arc<dyn Listener>,
    pub stop: Arc<Stop>,
    /// Two branches don't take the same answer of the command line.
    turn: Mutex<()>,
    /// Whether the script has declared how to roll back.
    way_back: AtomicBool,
}

impl Mailbox {
    pub fn new(run: PathBuf, request: u64, events: Arc<dyn Listener>, stop: Arc<Stop>) -> Mailbox {
        let (unattended, turn, way_back) = (Unattended::default(), Mutex::new(()), AtomicBool::new(false));
        Mailbox {
            run,
            request,
            earlier: None,
            yes: false,
            prepared: Vec::new(),
            unattended,
            events,
            stop,
            turn,
            way_back,
        }
    }

    /// The answer that the command line has, given now.
    fn prepare(&self, name: &str, question: &Question) -> Result<Option<Given>> {
        let by = |option: &str| format!("{} with {option}", whoami());
        let id = answers::new_id();
        if self.yes && question.form.is_confirmable() {
            let given = Given { text: "yes".into(), by: by("--yes"), id, prepared: None };
            return answers::give(&self.run, name, &given).map(Some);
        }
        let _turn = self.turn.lock();
        let number = self.prepared_before();
        let next = self.prepared.get(number).and_then(|given| question.form.given(given));
        let Some(text) = next else { return Ok(None) };
        let given = Given { text, by: by("--answer"), id, prepared: Some(number + 1) };
        answers::give(&self.run, name, &given).map(Some)
    }

    /// What was answered to the same question when the runner of an earlier request was dead.
    fn answered_before(&self, about: &str, question: &Question) -> Result<Option<Answer>> {
        let Some(earlier) = self.earlier else { return Ok(None) };
        let name = format!("{earlier:06}-{about}.0");
        if answers::asked(&self.run, &name).is_none_or(|asked| asked != *question) {
            return Ok(None);
        }
        let given = answers::answer(&self.run, &name)?;
        let is_one = |given: &Given| {
            ![NOBODY, answers::UNREADABLE].contains(&given.by.as_str()) && question.form.admits(&given.text)
        };
        Ok(given.filter(is_one).map(|Given { text, by, .. }| Answer { text, by }))
    }

    /// How many of the answers of the command line were given.
    fn prepared_before(&self) -> usize {
        answers::prepared(&self.run, &format!("{:06}-", self.request))
    }

    /// Whether the run would be rolled back if it ended now: something is declared for that, and something was done.
    fn can_roll_back(&self) -> bool {
        self.way_back.load(Ordering::Relaxed)
            && !session::is_untouched(&Summary::as_far_as_readable(&self.run).0.index)
    }

    /// Waits for somebody, and gives what is there in the end.
    fn wait(&self, name: &str, question: &Question) -> Result<Given> {
        let wait = self.unattended.wait();
        let waiting = Waiting {
            question: question.clone(),
            since: Instant::now(),
            seconds: wait.map(|wait| wait.as_secs_f64()),
            then: wait.map(|_| self.unattended.outcome(self.can_roll_back()).to_owned()),
        };
        let waiting = answers::wait_for(&self.run, name, waiting)?;
        let left = || waiting.left();
        if left().is_none_or(|left| !left.is_zero()) {
            self.events.hear(&Event::Asked {
                question: name.to_owned(),
                text: question.text.as_str().into(),
                form: question.form.clone(),
                left: left().map(|left| left.as_secs_f64()),
                then: waiting.then.clone(),
            });
        }
        loop {
            if let Some(given) = answers::answer(&self.run, name)? {
                return Ok(given);
            }
            if self.stop.is_asked() {
                let message = "interrupted before the question was answered";
                return Err(Failure::new(Kind::Interrupted, message)
                    .help("the command of the last line asks it again"));
            }
            if left().is_some_and(|left| left.is_zero()) {
                let (text, by, id) = (String::new(), NOBODY.to_owned(), answers::new_id());
                return answers::give(&self.run, name, &Given { text, by, id, prepared: None });
            }
            std::thread::sleep(TICK);
        }
    }
}

impl Person for Mailbox {
    fn hear_way_back(&self, is_there: bool) {
        self.way_back.store(is_there, Ordering::Relaxed);
    }

    fn was_missed(&self) -> bool {
        answers::is_any_by(&self.run, &format!("{:06}-", self.request), NOBODY)
    }

    fn ask(&self, question: &Question) -> Result<Answer> {
        self.ask_about("question", question)
    }

    fn ask_about(&self, about: &str, question: &Question) -> Result<Answer> {
        if let Some(answer) = self.answered_before(about, question)? {
            return Ok(answer);
        }
        // An answer that is none is followed by another try.
        for number in 0.. {
            let name = format!("{:06}-{about}.{number}", self.request);
            // The script may have changed before a runner was started again: an answer is one to its own question.
            if answers::asked(&self.run, &name).is_some_and(|asked| asked != *question) {
                continue;
            }
            let given = match answers::answer(&self.run, &name)? {
                Some(given) => given,
                None => match self.prepare(&name, question)? {
                    Some(given) => given,
                    None => self.wait(&name, question)?,
                },
            };
            if given.by == NOBODY {
                let unfit = self.prepared.get(self.prepared_before()).cloned();
                return Nobody.ask(question).map_err(|failure| unfit_of(failure, &question.form, unfit));
            }
            if given.by != answers::UNREADABLE && question.form.admits(&given.text) {
                return Ok(Answer { text: given.text, by: given.by });
            }
            let text = format!("`{}`, given by {}, is no answer", given.text, given.by);
            self.events.hear(&Event::Warned { text: text.into() });
        }
        Err(Failure::new(Kind::Bug, "a question was asked too often"))
    }
}
