//! Asks the person at the terminal.

use crate::failure::{Failure, Kind, Result};
use crate::person::{Answer, Form, Person, Question, whoami};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::sync::Mutex;

/// The person at this terminal. One question at a time, also if branches ask at once.
pub struct Terminal {
    turn: Mutex<()>,
}

impl Terminal {
    pub fn new() -> Terminal {
        Terminal { turn: Mutex::new(()) }
    }
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal::new()
    }
}

impl Person for Terminal {
    fn ask(&self, question: &Question) -> Result<Answer> {
        let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(Kind::Declined, "the terminal can't be read").why(error)
        };
        let mut editor = DefaultEditor::new().map_err(|error| broken(&error))?;
        eprintln!("\r\x1b[K{}", crate::secret::show(&question.text));
        let (hint, initial) = match &question.form {
            Form::Confirm => ("[y/n] ".to_owned(), ""),
            Form::Done => ("type `done` when it is done: ".to_owned(), ""),
            Form::Line { suggestion } => ("> ".to_owned(), suggestion.as_deref().unwrap_or_default()),
            Form::Choice(choices) => (format!("[{}] ", choices.join("/")), ""),
        };
        loop {
            let line = match editor.readline_with_initial(&hint, (initial, "")) {
                Ok(line) => line.trim().to_owned(),
                Err(ReadlineError::Interrupted | ReadlineError::Eof) => {
                    return Err(Failure::new(Kind::Declined, "the question was left unanswered")
                        .help("continue with `banister resume`"));
                }
                Err(error) => return Err(broken(&error)),
            };
            if let Some(text) = fits(&question.form, &line) {
                return Ok(Answer { text, by: whoami() });
            }
        }
    }
}

/// The answer, if what was typed is one; a choice may be shortened.
fn fits(form: &Form, typed: &str) -> Option<String> {
    let typed_lower = typed.to_lowercase();
    match form {
        Form::Confirm => match typed_lower.as_str() {
            "y" | "yes" => Some("yes".into()),
            "n" | "no" => Some("no".into()),
            _ => None,
        },
        Form::Done => match typed_lower.as_str() {
            "done" => Some("done".into()),
            "n" | "no" | "stop" => Some("no".into()),
            _ => None,
        },
        Form::Line { .. } => Some(typed.into()),
        Form::Choice(choices) => {
            let mut fitting = choices.iter().filter(|c| !typed.is_empty() && c.starts_with(&typed_lower));
            fitting.next().filter(|_| fitting.next().is_none()).cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_may_be_shortened_but_not_guessed() {
        let form = Form::Choice(["again", "done", "stop"].map(str::to_owned).into());
        assert_eq!(fits(&form, "a").as_deref(), Some("again"));
        assert_eq!(fits(&form, ""), None);
        let form = Form::Choice(["reuse", "redo"].map(str::to_owned).into());
        assert_eq!(fits(&form, "re"), None);
        assert_eq!(fits(&form, "red").as_deref(), Some("redo"));
    }
}
