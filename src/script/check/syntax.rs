//! Text that does not parse. Rhai stops at the first place, so that there is one such finding in a text.

use super::brackets::{self, Place};
use super::finding::{Finding, Severity};
use super::meant;
use super::words;
use crate::script::engine::error::lower;
use crate::script::layers::Text;
use rhai::{LexError, ParseError, ParseErrorType, Position};

/// The finding that says what the parser said.
pub fn finding(error: &ParseError, text: &Text) -> Finding {
    let kind = error.err_type();
    if let ParseErrorType::Reserved(word) | ParseErrorType::BadInput(LexError::ImproperSymbol(word, _)) = kind
        && let Some((message, help)) = words::forbidden(word)
    {
        return Finding::new(Severity::Error, text, error.position(), message, help);
    }
    if let ParseErrorType::VariableUndefined(name) = kind
        && text.text.contains(&format!("fn {name}("))
    {
        let message = format!("the function `{name}` is not known here as a value yet");
        let help = format!("define it above, or pass it as `|item| {name}(item)`");
        return Finding::new(Severity::Error, text, error.position(), message, help);
    }
    let around = error.position().line().unwrap_or_default();
    if text.text.lines().take(around).skip(around.saturating_sub(2)).any(|line| line.contains("step {")) {
        let help = "give the step a name, as `step \"Build\" { … }`";
        return Finding::new(Severity::Error, text, error.position(), message(kind), help);
    }
    if is_of_signs(kind)
        && let Some((place, message, help)) = meant::meant(&text.text, error.position())
    {
        return Finding::new(Severity::Error, text, place, message, help);
    }
    let stopped = error.position();
    let stopped: Place = match (stopped.line(), stopped.position()) {
        (Some(line), Some(column)) => (line, column),
        _ => (usize::MAX, 0),
    };
    let unclosed = || brackets::unclosed(&text.text, stopped).or_else(|| list(kind, text, stopped));
    if let Some(open) = is_of_signs(kind).then(unclosed).flatten() {
        let place = position(open.place).unwrap_or(error.position());
        let message = format!("this `{}` is not closed", open.sign);
        let help = match open.sign {
            '{' => "write its `}` where this ends",
            '`' => "the other backtick of this text is missing",
            _ => "the bracket that belongs to it is missing",
        };
        return Finding::new(Severity::Error, text, place, message, help);
    }
    if let (ParseErrorType::WrongDocComment, Some((place, word))) = (kind, undefined(text, stopped)) {
        let message = format!("`{word}` begins no definition");
        return Finding::new(
            Severity::Error,
            text,
            place,
            message,
            "write `fn` or `private fn`, as what follows is a function",
        );
    }
    let place = match kind {
        ParseErrorType::MissingToken(token, _) if matches!(token.as_str(), ";" | "{" | ",") => {
            before(text, error.position())
        }
        ParseErrorType::FnMissingBody(_) | ParseErrorType::MissingSymbol(_) => before(text, error.position()),
        // A reserved word is seen for one only at the sign after it.
        ParseErrorType::Reserved(word) => last_before(text, word, error.position()),
        _ => error.position(),
    };
    Finding::new(Severity::Error, text, place, message(kind), help(kind))
}

/// Whether a sign that is missing elsewhere may be the reason.
fn is_of_signs(kind: &ParseErrorType) -> bool {
    !matches!(
        kind,
        ParseErrorType::VariableUndefined(_)
            | ParseErrorType::ModuleUndefined(_)
            | ParseErrorType::Reserved(_)
            | ParseErrorType::AssignmentToConstant(_)
            | ParseErrorType::FnDuplicatedDefinition(..)
            | ParseErrorType::FnDuplicatedParam(..)
            | ParseErrorType::DuplicatedProperty(_)
            | ParseErrorType::ExprTooDeep
            | ParseErrorType::LiteralTooLarge(..)
    )
}

fn position((line, column): Place) -> Option<Position> {
    Some(Position::new(u16::try_from(line).ok()?, u16::try_from(column).ok()?))
}

/// The bracket of a list that goes on where the list can't. After a word that should be another, as `retrun [`, it is an
/// index.
fn list(kind: &ParseErrorType, text: &Text, stopped: Place) -> Option<brackets::Open> {
    let open = || brackets::around(&text.text, stopped);
    match kind {
        ParseErrorType::LoopBreak => {
            brackets::before_block(&text.text, stopped).filter(|open| open.is_one_too_many(&text.text))
        }
        ParseErrorType::PropertyExpected => {
            open().filter(|open| open.sign == '{' && open.is_one_too_many(&text.text))
        }
        ParseErrorType::MissingToken(token, why) if token == "]" && why.contains("index") => {
            open().filter(|open| open.sign == '[')
        }
        ParseErrorType::MissingToken(token, _) if matches!(token.as_str(), "," | ")" | "]") => {
            open().filter(|open| {
                open.sign != '{'
                    && open.is_as_far_in(&text.text, stopped.0)
                    && open.is_one_too_many(&text.text)
            })
        }
        _ => None,
    }
}

/// The word in the place of `fn` or `private` below a documentation that begins at `stopped`, and where it is.
fn undefined(text: &Text, stopped: Place) -> Option<(Position, &str)> {
    let lines = text.text.lines().enumerate().skip(stopped.0.checked_sub(1)?);
    let mut code =
        lines.skip_while(|(_, line)| line.trim().is_empty() || line.trim_start().starts_with("//"));
    let (n, line) = code.next()?;
    let mut words = line.split_whitespace();
    let (word, name) = (words.next()?, words.next()?);
    let column = line.find(name)?;
    match (word, name) {
        ("fn", _) | ("private", "fn") => None,
        ("private", name) => Some((position((n + 1, column + 1))?, name)),
        (word, name) if name == "fn" || name.contains('(') => Some((position((n + 1, 1))?, word)),
        _ => None,
    }
}

/// The last time that a word stands on the place's line, up to the place.
fn last_before(text: &Text, word: &str, place: Position) -> Position {
    let (Some(line), Some(column)) = (place.line(), place.position()) else { return place };
    let before = text.text.lines().nth(line - 1).unwrap_or_default().chars();
    let before: String = before.take(column - 1 + word.chars().count()).collect();
    let found = before.rfind(word).map(|at| before[..at].chars().count() + 1);
    match (u16::try_from(line), found.map(u16::try_from)) {
        (Ok(line), Some(Ok(column))) => Position::new(line, column),
        _ => place,
    }
}

/// The end of the line before, if nothing stands before the place on its own line: a semicolon is missing there.
fn before(text: &Text, place: Position) -> Position {
    let (Some(line), Some(column)) = (place.line(), place.position()) else { return place };
    let lines: Vec<&str> = text.text.lines().take(line).collect();
    let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with("//");
    let first = lines.last().is_some_and(|own| own.chars().take(column - 1).all(char::is_whitespace));
    let Some(previous) =
        lines.get(..line - 1).unwrap_or_default().iter().rposition(|line| !blank(line)).filter(|_| first)
    else {
        return place;
    };
    let end = lines[previous].trim_end().chars().count() + 1;
    match (u16::try_from(previous + 1), u16::try_from(end)) {
        (Ok(line), Ok(column)) => Position::new(line, column),
        _ => place,
    }
}

fn message(kind: &ParseErrorType) -> String {
    let said = lower(&kind.to_string());
    // Rhai quotes with apostrophes.
    if said.matches('\'').count().is_multiple_of(2) { said.replace('\'', "`") } else { said }
}

fn help(kind: &ParseErrorType) -> String {
    match kind {
        ParseErrorType::UnexpectedEOF => "a `}`, a `)` or a quote is missing before here",
        ParseErrorType::MissingToken(token, _) if token == ";" => {
            "write `;` here, at the end of the statement"
        }
        ParseErrorType::MissingToken(token, _) => {
            return format!("a `{token}` is missing before here; check the end of the line before, too");
        }
        ParseErrorType::MissingSymbol(_) => "check the end of the line before, too",
        ParseErrorType::Reserved(_) => "use another word: Rhai keeps this one for itself",
        ParseErrorType::AssignmentToConstant(_) => "write `let` instead of `const`, or use another variable",
        ParseErrorType::FnDuplicatedDefinition(..) => "give one of them another name",
        ParseErrorType::WrongFnDefinition => "move the function out of the block that it stands in",
        ParseErrorType::LoopBreak => "leave a function with `return`; closures have no loop around them",
        ParseErrorType::WrongDocComment => "write `//` instead of `///`: only functions are documented",
        ParseErrorType::BadInput(_) => "find a quote that is not closed, or a sign that Rhai does not know",
        _ => "correct it and check again with `banister check`",
    }
    .to_owned()
}
