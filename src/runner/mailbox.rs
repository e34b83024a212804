//! Answers as a runner gets them: from its command line, or from whoever looks on; or from nobody, when the time is over.

use super::answers::{self, Given, Waiting};
use crate::clock::{Deadline, Instant};
use crate::event::{Event, Listener};
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::Summary;
use crate::person::{Answer, Nobody, Person, Question, unfit_of, whoami};
use crate::session;
use crate::site::{Then, Unattended};
use crate::stop::{Asked, Stop};
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked for an answer.
const TICK: Duration = Duration::from_millis(25);

/// How often deadlines are looked at.
const LOOK: Duration = Duration::from_millis(250);

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
    way_back: Mutex<bool>,
    /// Until when what must be settled.
    deadlines: Mutex<BTreeMap<String, Deadline>>,
    /// When it was asked for that somebody works on the run: deadlines that were over then are of no account.
    pub asked_for: Option<Instant>,
}

/// What happens when a deadline is over.
const LATE: &str =
    "users were blocked for as long as `longest_maintenance` says: the run is to be rolled back";

/// What happens in place of a rollback where the release is installed.
const STAYS: &str = "the run stops: the release is installed, and only a backup of it is missing";

impl Mailbox {
    pub fn new(run: PathBuf, request: u64, events: Arc<dyn Listener>, stop: Arc<Stop>) -> Mailbox {
        let (unattended, turn, way_back) = (Unattended::default(), Mutex::new(()), Mutex::new(false));
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
            deadlines: Mutex::default(),
            asked_for: None,
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
        *self.way_back.lock() && self.is_touched()
    }

    fn is_touched(&self) -> bool {
        !session::is_untouched(&Summary::as_far_as_readable(&self.run).0.index)
    }

    /// What happens where nobody answers.
    fn outcome(&self, can_roll_back: bool) -> &'static str {
        let is_kept = || session::lacks_only_a_backup(&Summary::as_far_as_readable(&self.run).0);
        match self.unattended.then {
            Then::Rollback if can_roll_back && is_kept() => STAYS,
            _ => self.unattended.outcome(can_roll_back),
        }
    }

    /// How long somebody is waited for, and what happens then.
    fn patience(&self) -> (Option<Duration>, Option<String>) {
        let can_roll_back = self.can_roll_back();
        let own = self.unattended.wait();
        let is_sooner =
            |left: &Duration| self.unattended.then != Then::Rollback || own.is_none_or(|own| *left < own);
        // A run that would only wait or stop then would keep users out for longer.
        match self.time_left().filter(|left| can_roll_back && is_sooner(left)) {
            Some(left) => (Some(left), Some(LATE.to_owned())),
            None => (own, own.map(|_| self.outcome(can_roll_back).to_owned())),
        }
    }

    /// Has the run stop once a deadline is over, if it can be rolled back, until this process ends. What runs ends first.
    pub fn keep_deadlines(self: &Arc<Mailbox>) {
        let mailbox = self.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(LOOK);
                let is_over = mailbox.time_left().is_some_and(|left| left.is_zero());
                // Held until it is asked for: once the rollback has been begun, nothing stops that.
                let way_back = mailbox.way_back.lock();
                if is_over && !mailbox.stop.is_asked() && *way_back && mailbox.is_touched() {
                    mailbox.events.hear(&Event::Warned { text: LATE.into() });
                    mailbox.stop.ask(Asked::Finish);
                }
            }
        });
    }

    /// Waits for somebody, and gives what is there in the end.
    fn wait(&self, name: &str, question: &Question) -> Result<Given> {
        let (wait, then) = self.patience();
        let waiting = Waiting {
            question: question.clone(),
            since: Instant::now(),
            seconds: wait.map(|wait| wait.as_secs_f64()),
            then,
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
        *self.way_back.lock() = is_there;
    }

    fn hear_deadline(&self, of: &str, until: Option<Deadline>) {
        let mut deadlines = self.deadlines.lock();
        let was_over = |until: &Deadline| {
            self.asked_for.as_ref().is_some_and(|asked_for| until.overdue() > asked_for.elapsed())
        };
        match until.filter(|until| !was_over(until)) {
            Some(until) => _ = deadlines.insert(of.to_owned(), until),
            None => _ = deadlines.remove(of),
        }
    }

    fn time_left(&self) -> Option<Duration> {
        self.deadlines.lock().values().map(Deadline::left).min()
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
