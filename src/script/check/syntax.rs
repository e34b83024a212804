//! Text that does not parse. Rhai stops at the first place, so that there is one such finding in a text.

use super::finding::{Finding, Severity};
use super::words;
use crate::script::error::lower;
use crate::script::layers::Text;
use rhai::{ParseError, ParseErrorType};

/// The finding that says what the parser said.
pub fn finding(error: &ParseError, text: &Text) -> Finding {
    let kind = error.err_type();
    if let ParseErrorType::Reserved(word) = kind
        && let Some((message, help)) = words::forbidden(word)
    {
        return Finding::new(Severity::Error, text, error.position(), message, help);
    }
    Finding::new(Severity::Error, text, error.position(), message(kind), help(kind))
}

fn message(kind: &ParseErrorType) -> String {
    let said = lower(&kind.to_string());
    // Rhai quotes with apostrophes.
    if said.matches('\'').count().is_multiple_of(2) { said.replace('\'', "`") } else { said }
}

fn help(kind: &ParseErrorType) -> String {
    match kind {
        ParseErrorType::UnexpectedEOF => "a `}`, a `)` or a quote is missing before here",
        ParseErrorType::MissingToken(token, _) if token == ";" => "write `;` after the statement before this",
        ParseErrorType::MissingToken(..) | ParseErrorType::MissingSymbol(_) => {
            "look also at the end of the line before"
        }
        ParseErrorType::Reserved(_) => "use another word: Rhai keeps this one for itself",
        ParseErrorType::AssignmentToConstant(_) => "write `let` instead of `const`, or use another variable",
        ParseErrorType::FnDuplicatedDefinition(..) => "give one of them another name",
        ParseErrorType::WrongFnDefinition => "move the function out of the block that it stands in",
        ParseErrorType::LoopBreak => "leave a function with `return`; closures have no loop around them",
        ParseErrorType::WrongDocComment => "write `//` instead of `///`: only functions are documented",
        ParseErrorType::BadInput(_) => {
            "look for a quote that is not closed, or for a sign that Rhai does not know"
        }
        _ => "correct it and look again with `banister check`",
    }
    .to_owned()
}
