//! Questions to a person, and who answers them.
//!
//! A question is data, so that a terminal, a test or an answer given on the command line can each meet it. Who asks
//! and how is in `report`; what happens when nobody is there is decided here once: the run ends, resumable.

use crate::clock::Deadline;
use crate::failure::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use std::time::Duration;

/// What stands for an answer in the commands that are shown. Typed as it is, it is none: it would be the reason for what nobody
/// decided.
const PLACEHOLDER: &str = "TEXT";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub text: String,
    pub form: Form,
}

/// What an answer may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Yes or no.
    Confirm,
    /// A line of text; `suggestion` if nothing is typed.
    Line { suggestion: Option<String> },
    /// One of `choices`; `suggestion`, which is one of them, if nothing is typed.
    Choice { choices: Vec<String>, suggestion: Option<String> },
    /// That a person has done something.
    Done,
}

impl Form {
    /// One of these words.
    pub fn one_of(choices: &[&str]) -> Form {
        Form::Choice {
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            suggestion: None,
        }
    }

    /// Whether a text is an answer, as a terminal gives it.
    pub fn admits(&self, text: &str) -> bool {
        match self {
            Form::Confirm => ["yes", "no"].contains(&text),
            Form::Done => ["yes", "done", "no"].contains(&text),
            Form::Line { .. } => true,
            Form::Choice { choices, .. } => choices.iter().any(|choice| choice == text),
        }
    }

    /// The answer that this means which was given on a command line, if it is one. What can be confirmed is answered with
    /// `--yes` there.
    pub fn given(&self, given: &str) -> Option<String> {
        match self {
            Form::Confirm | Form::Done => None,
            Form::Line { .. } => Some(given.to_owned()).filter(|given| given != PLACEHOLDER),
            Form::Choice { choices, suggestion } => {
                let known = choices.iter().find(|choice| choice.trim() == given.trim());
                known.or(suggestion.as_ref().filter(|_| given.trim().is_empty())).cloned()
            }
        }
    }

    /// Whether `--yes` answers it.
    pub fn is_confirmable(&self) -> bool {
        matches!(self, Form::Confirm | Form::Done)
    }
}

/// An answer, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub text: String,
    /// `user@host`, or where an answer on the command line came from.
    pub by: String,
}

impl Answer {
    pub fn is_yes(&self) -> bool {
        matches!(self.text.to_ascii_lowercase().as_str(), "y" | "yes" | "done")
    }
}

/// Somebody who can be asked.
pub trait Person: Send + Sync {
    /// Fails with [`Kind::Declined`] when nobody is there or the person leaves the question, and with
    /// [`Kind::Interrupted`] when the program is to stop.
    fn ask(&self, question: &Question) -> Result<Answer>;

    /// The same, about something that has a name in the run: whoever is asked again after a crash can find the answer that
    /// was given before.
    fn ask_about(&self, about: &str, question: &Question) -> Result<Answer> {
        let _ = about;
        self.ask(question)
    }

    /// Hears whether the run has something to roll back from now on, by what its script declares: what happens with a
    /// question that nobody answers may depend on it.
    fn hear_way_back(&self, is_there: bool) {
        let _ = is_there;
    }

    /// Hears until when something must be settled, or that it is: nobody is waited for longer. `of` says what.
    fn hear_deadline(&self, of: &str, until: Option<Deadline>) {
        let _ = (of, until);
    }

    /// How long it is until the first of these.
    fn time_left(&self) -> Option<Duration> {
        None
    }

    /// Whether something was asked when nobody was there, as opposed to a no.
    fn was_missed(&self) -> bool {
        false
    }
}

/// Somebody who is asked about one thing.
pub struct About<'a> {
    pub about: String,
    pub person: &'a dyn Person,
}

impl Person for About<'_> {
    fn ask(&self, question: &Question) -> Result<Answer> {
        self.person.ask_about(&self.about, question)
    }
}

/// Nobody is there: no terminal.
pub struct Nobody;

impl Person for Nobody {
    fn was_missed(&self) -> bool {
        true
    }

    fn ask(&self, question: &Question) -> Result<Answer> {
        let help = match &question.form {
            Form::Confirm => {
                "answer yes to all such questions with `--yes`, or run it in a terminal".to_owned()
            }
            Form::Done => "do it, then say so with `--yes`, or run it in a terminal".to_owned(),
            Form::Line { .. } => "answer it with `--answer TEXT`, or run it in a terminal".to_owned(),
            Form::Choice { choices, .. } => {
                format!("answer with `--answer {}`, or run it in a terminal", choices.join("|"))
            }
        };
        Err(Failure::new(Kind::Declined, format!("nobody is there to answer: {}", question.text)).help(help))
    }
}

/// Answers given on the command line: `--yes` for what can be confirmed, `--answer` for the rest, in turn; then
/// somebody else.
pub struct Prepared {
    pub yes: bool,
    pub answers: crate::sync::Mutex<std::collections::VecDeque<String>>,
    pub otherwise: Box<dyn Person>,
}

impl Person for Prepared {
    fn was_missed(&self) -> bool {
        self.otherwise.was_missed()
    }

    fn ask(&self, question: &Question) -> Result<Answer> {
        if question.form.is_confirmable() && self.yes {
            return Ok(Answer { text: "yes".into(), by: format!("{} with --yes", whoami()) });
        }
        let mut answers = self.answers.lock();
        match answers.front().and_then(|given| question.form.given(given)) {
            Some(text) => {
                answers.pop_front();
                Ok(Answer { text, by: format!("{} with --answer", whoami()) })
            }
            // It may be meant for a later question.
            None => {
                let unfit = answers.front().cloned();
                drop(answers);
                self.otherwise.ask(question).map_err(|failure| unfit_of(failure, &question.form, unfit))
            }
        }
    }
}

/// The failure of a question that was left without an answer, with why the one that was given is none.
pub fn unfit_of(failure: Failure, form: &Form, given: Option<String>) -> Failure {
    match (form, given) {
        (Form::Choice { choices, .. }, Some(given)) if failure.kind == Kind::Declined => {
            let choices = choices.join(", ");
            failure.why(format!("`{given}`, given with `--answer`, is none of: {choices}"))
        }
        _ => failure,
    }
}

/// How the system is asked for the name of the user, where neither the environment nor `/etc/passwd` has it.
static SYSTEM: OnceLock<fn() -> Option<String>> = OnceLock::new();

/// Has the system be asked like this, from now on.
pub fn ask_system(ask: fn() -> Option<String>) {
    _ = SYSTEM.set(ask);
}

/// `user@host`, for records that say who did something.
pub fn whoami() -> String {
    // The system is asked once: a directory of users may be slow.
    static USER: OnceLock<String> = OnceLock::new();
    let host = rustix::system::uname();
    format!("{}@{}", USER.get_or_init(user), host.nodename().to_string_lossy())
}

fn user() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|user| !user.trim().is_empty());
    if let Some(user) = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(named) {
        return user;
    }
    let id = rustix::process::getuid().as_raw();
    let database = std::fs::read("/etc/passwd").unwrap_or_default();
    let known = name_in(&String::from_utf8_lossy(&database), id);
    let asked = || SYSTEM.get().and_then(|ask| ask()).filter(|name| !name.is_empty());
    known.or_else(asked).unwrap_or_else(|| match id {
        0 => "root".to_owned(),
        id => format!("user-{id}"),
    })
}

/// The name of a user in the form of passwd(5).
fn name_in(database: &str, id: u32) -> Option<String> {
    let mut lines = database.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let (name, _, theirs) = (fields.next()?, fields.next()?, fields.next()?);
        (theirs.parse() == Ok(id) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_user_is_named_as_the_password_database_does() {
        let database = "root:x:0:0:root:/root:/bin/bash\n\nodd\nops:x:1000:1000::/home/ops:/bin/sh\n";
        assert_eq!(super::name_in(database, 1000).as_deref(), Some("ops"));
        assert_eq!(super::name_in(database, 0).as_deref(), Some("root"));
        assert_eq!(super::name_in(database, 7), None);
    }

    #[test]
    fn what_stands_for_an_answer_is_none() {
        let line = super::Form::Line { suggestion: None };
        assert_eq!(line.given("TEXT"), None);
        assert_eq!(line.given("the disk was replaced").as_deref(), Some("the disk was replaced"));
    }
}
