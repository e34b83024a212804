//! Rhai's errors as failures that point at the admin's script.

use super::values::FailureValue;
use crate::failure::{Failure, Kind};
use crate::script::layers::several;
use crate::script::text::source::{file_line, shown};
use rhai::{EvalAltResult, Map, ParseError, Position};

/// What ended a script, with the innermost place in a script. `source` is the source of the outermost text.
pub fn to_failure(error: &EvalAltResult, source: &str) -> Failure {
    let (inner, source, position) = innermost(error, source);
    let place = |failure: Failure| match failure.at {
        None if position.is_none() => failure,
        None => Failure { at: Some(place(source, position)), ..failure },
        Some(_) => failure,
    };
    place(match inner {
        EvalAltResult::ErrorTerminated(value, _) | EvalAltResult::ErrorRuntime(value, _)
            if value.is::<FailureValue>() =>
        {
            value.clone_cast::<FailureValue>().0
        }
        // What a script threw itself: text, or a map with a message and a help.
        EvalAltResult::ErrorRuntime(value, _) => {
            let part =
                |name: &str| value.read_lock::<Map>().and_then(|map| map.get(name).map(ToString::to_string));
            let message = part("message").unwrap_or_else(|| value.to_string());
            let message = if message.is_empty() { "the script threw".into() } else { message };
            let failure = Failure::new(Kind::Refused, message);
            match part("help").filter(|help| !help.is_empty()) {
                Some(help) => failure.help(help),
                None => failure,
            }
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            // What is typed next is said by who knows whether there is a run: a plan and a REPL have none to resume.
            Failure::new(Kind::Refused, format!("there is no `{name}` in this map"))
                .help("correct the name, or write `?? …` behind it if it may be absent")
        }
        EvalAltResult::ErrorParsing(kind, _) => Failure::new(Kind::Invalid, lower(&kind.to_string())),
        EvalAltResult::ErrorTerminated(..) => Failure::new(Kind::Interrupted, "interrupted"),
        other => {
            let mut bare = other.clone_for_message();
            bare.clear_position();
            Failure::new(Kind::Refused, format!("the script is wrong: {}", lower(&bare.to_string())))
                .help("correct it, and check it with `banister check`")
        }
    })
}

/// A text that can't be parsed.
pub fn unparsed(error: &ParseError, source: &str) -> Failure {
    let mut failure = Failure::new(Kind::Invalid, lower(&error.err_type().to_string()))
        .help("correct it and check again with `banister check`");
    failure.at = Some(place(source, error.position()));
    failure
}

/// A place, as `update.rhai:12`.
pub fn place(source: &str, position: Position) -> String {
    match position.line() {
        Some(line) => {
            let (source, line) = file_line(source, line);
            format!("{}:{line}", shown(source))
        }
        None => shown(source).to_owned(),
    }
}

/// The error itself, without the calls around it, and its position with the source that this is in.
pub fn innermost<'a>(error: &'a EvalAltResult, source: &'a str) -> (&'a EvalAltResult, &'a str, Position) {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, callee, inner, call) => {
            let found = innermost(inner, if callee.is_empty() { source } else { callee });
            match found {
                // Nobody wrote that text: what is wrong is how it was called.
                (inner, several::SOURCE, _) => (inner, source, *call),
                found => found,
            }
        }
        EvalAltResult::ErrorInModule(module, inner, _) => {
            innermost(inner, if module.is_empty() { source } else { module })
        }
        _ => (error, source, error.position()),
    }
}

/// Rhai begins its messages with a capital letter; ours begin with a small one.
pub fn lower(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// Errors can't be cloned; this makes one of the same words.
trait CloneForMessage {
    fn clone_for_message(&self) -> EvalAltResult;
}

impl CloneForMessage for EvalAltResult {
    fn clone_for_message(&self) -> EvalAltResult {
        let message = self.to_string();
        let end = message.rfind(" (line ").unwrap_or(message.len());
        EvalAltResult::ErrorRuntime(message[..end].to_owned().into(), Position::NONE)
    }
}
