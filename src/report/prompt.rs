//! Asks the person at the terminal.

use crate::failure::{Failure, Kind, Result};
use crate::output::dialog::{self, Typed};
use crate::person::{Answer, Form, Person, Question, whoami};
use crate::secret::show;

/// The person at this terminal. One question at a time, also if branches ask at once.
pub struct Terminal;

impl Person for Terminal {
    fn ask(&self, question: &Question) -> Result<Answer> {
        let turn = dialog::turn();
        let (hint, suggestion) = match &question.form {
            Form::Confirm => ("[y/n] ".to_owned(), ""),
            Form::Done => ("type `done` when it is done: ".to_owned(), ""),
            Form::Line { suggestion } => ("> ".to_owned(), suggestion.as_deref().unwrap_or_default()),
            Form::Choice { choices, suggestion } => {
                let enter = suggestion.iter().map(|suggestion| format!(", Enter: {suggestion}"));
                (format!("[{}{}] ", choices.join("/"), enter.collect::<String>()), "")
            }
        };
        let mut dialog = turn.open(&show(&question.text), &show(&hint), suggestion);
        loop {
            match dialog.line() {
                Typed::Nothing => {
                    return Err(Failure::new(Kind::Declined, "the question was left unanswered")
                        .help("the command of the last line asks it again"));
                }
                Typed::Stop => {
                    return Err(Failure::new(
                        Kind::Interrupted,
                        "interrupted before the question was answered",
                    )
                    .help("the command of the last line asks it again"));
                }
                Typed::Line(line) => match fits(&question.form, line.trim()) {
                    Some(text) => return Ok(Answer { text, by: whoami() }),
                    None => dialog.again(&show(&complaint(&question.form, line.trim()))),
                },
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
            "done" | "y" | "yes" => Some("done".into()),
            "n" | "no" | "stop" => Some("no".into()),
            _ => None,
        },
        Form::Line { .. } => Some(typed.into()),
        Form::Choice { suggestion: Some(suggestion), .. } if typed.is_empty() => Some(suggestion.clone()),
        Form::Choice { choices, .. } => {
            // A choice may come from a command, with blanks around it.
            if let Some(whole) = choices.iter().find(|choice| choice.trim() == typed) {
                return Some(whole.clone());
            }
            let begins = |choice: &&String| choice.trim().to_lowercase().starts_with(&typed_lower);
            let mut fitting = choices.iter().filter(|choice| !typed.is_empty() && begins(choice));
            fitting.next().filter(|_| fitting.next().is_none()).cloned()
        }
    }
}

/// Why what was typed is no answer, and what is one.
fn complaint(form: &Form, typed: &str) -> String {
    let answers = match form {
        Form::Confirm => "type `y` or `n`".to_owned(),
        Form::Done => "type `done` when it is done, or `stop`".to_owned(),
        Form::Line { .. } => "type a line".to_owned(),
        Form::Choice { choices, .. } => format!("type one of: {}", choices.join(", ")),
    };
    match typed {
        "" => format!("an empty line is no answer: {answers}"),
        typed => format!("`{typed}` is no answer: {answers}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_may_be_shortened_but_not_guessed() {
        let form = Form::one_of(&["again", "done", "stop"]);
        assert_eq!(fits(&form, "a").as_deref(), Some("again"));
        assert_eq!(fits(&form, ""), None);
        let form = Form::one_of(&["reuse", "redo"]);
        assert_eq!(fits(&form, "re"), None);
        assert_eq!(fits(&form, "red").as_deref(), Some("redo"));
        let form = Form::one_of(&["One", " db two ", "db"]);
        assert_eq!(fits(&form, "one").as_deref(), Some("One"));
        assert_eq!(fits(&form, "db two").as_deref(), Some(" db two "));
        assert_eq!(fits(&form, "db").as_deref(), Some("db"));
    }
}
