//! Words that are for the REPL itself, and no script.

use crate::failure::{Failure, Kind, Result};
use crate::script::text::tokens::{Sort, tokens};

/// What can be asked of the REPL.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// What can be typed, or the page of one thing.
    Help(Option<String>),
    /// What is known of the run that is open.
    Evidence,
    Resume,
    RollBack,
    Skip {
        step: String,
        reason: Option<String>,
    },
    /// Write what worked into a file of the site.
    Save(Option<String>),
    Leave,
}

/// The words, each with what it does, as `help` lists them.
pub const WORDS: [(&str, &str); 7] = [
    ("help [NAME]", "list what can be called; or show the page of a function (or: doc NAME)"),
    ("evidence", "why the run stopped, once more (or: run)"),
    ("resume", "continue the run"),
    ("roll_back", "take the run back, as its runbook says under `on_failure`"),
    ("skip \"Step\"", "continue the run without the step that stopped it; a reason may follow after a comma"),
    ("save [NAME]", "write what worked so far into a file of the site"),
    ("exit", "leave (or: Ctrl-D)"),
];

/// The command in a line, if it is one: a word that is a variable is not.
pub fn parse(text: &str, variables: &[String]) -> Option<Result<Command>> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let (word, rest) = text.split_once(|c: char| c.is_whitespace() || c == '(').unwrap_or((text, ""));
    if variables.iter().any(|variable| variable == word) {
        return None;
    }
    let alone = rest.is_empty() && !text.contains('(');
    let rest = rest.trim();
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || "_:.-".contains(c));
    match word {
        "help" | "doc" if !text.contains('(') && is_name(rest) => {
            Some(Ok(Command::Help(Some(rest.to_owned()).filter(|name| !name.is_empty()))))
        }
        "evidence" | "run" if alone => Some(Ok(Command::Evidence)),
        "resume" if alone => Some(Ok(Command::Resume)),
        "roll_back" | "rollback" if alone => Some(Ok(Command::RollBack)),
        "exit" | "quit" if alone || rest == ")" => Some(Ok(Command::Leave)),
        "save" if !text.contains('(') && is_name(rest) => {
            Some(Ok(Command::Save(Some(rest.to_owned()).filter(|name| !name.is_empty()))))
        }
        "skip" => Some(skip(rest)),
        _ => None,
    }
}

/// `"Step"`, `"Step", "reason"`, also in brackets.
fn skip(rest: &str) -> Result<Command> {
    let texts: Vec<String> = tokens(rest)
        .into_iter()
        .filter(|token| matches!(token.sort, Sort::Text { closed: true, .. }))
        .map(|token| rest[token.place.start + 1..token.place.end - 1].to_owned())
        .collect();
    match texts.as_slice() {
        [step] => Ok(Command::Skip { step: step.clone(), reason: None }),
        [step, reason] => Ok(Command::Skip { step: step.clone(), reason: Some(reason.clone()) }),
        _ => Err(Failure::new(Kind::Invalid, "`skip` takes the name of a step")
            .help("type `skip \"Build\", \"why it can be left out\"`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_repl_are_told_from_scripts() {
        let parse = |text: &str| parse(text, &["mine".to_owned()]).map(|command| command.unwrap());
        assert_eq!(parse("doc backup"), Some(Command::Help(Some("backup".into()))));
        assert_eq!(parse(" help; "), Some(Command::Help(None)));
        assert_eq!(parse("run"), Some(Command::Evidence));
        assert_eq!(parse("run(web, [\"a\"])"), None);
        assert_eq!(parse("mine"), None);
        let skip = |reason: Option<&str>| {
            Some(Command::Skip { step: "Build".into(), reason: reason.map(str::to_owned) })
        };
        assert_eq!(parse("skip \"Build\""), skip(None));
        assert_eq!(parse("skip(\"Build\", \"it is, built\");"), skip(Some("it is, built")));
    }
}
