//! What the check finds: a place in a script, what is wrong there, and how it is mended.

use crate::output::width;
use crate::script::layers::merge::as_written;
use crate::script::layers::{Problem, Text, Versions};
use crate::script::text::source::{file_line, shown};
use rhai::Position;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It can't work, or not as written. A script with an error is not run.
    Error,
    /// It is most likely not meant.
    Warning,
    /// There is a better way to write it.
    Hint,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        }
    }
}

/// What it is about, where the check makes more of several findings together than of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// Nothing but its place.
    #[default]
    Place,
    /// A call of a function that is not there.
    UnknownFunction,
    /// A function that a kind of servers must offer, and lacks.
    LackOfKind,
    /// A kind of servers that is not there.
    UnknownKind,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// The source of the text: a path, or `bundled:update.rhai`.
    pub source: String,
    /// From 1; 0 if it is about the whole text.
    pub line: usize,
    /// In characters, from 1; 0 if it is about the whole line.
    pub column: usize,
    /// Lower case, without a full stop, the thing in backticks.
    pub message: String,
    /// A sentence with what to write instead.
    pub help: String,
    /// The line of the text, as it stands there.
    pub text: String,
    /// Of something bundled that has changed since it was overridden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
    #[serde(skip)]
    pub about: About,
}

/// How much of a line is shown, in characters.
const WIDTH: usize = 100;

/// A part of a line; its first and last letter say so if there is more.
fn cut(line: &str, start: usize) -> String {
    let count = line.chars().count();
    let part = line.chars().enumerate().skip(start).take(WIDTH);
    let ends = |n: usize| (n == start && start > 0) || (n + 1 == start + WIDTH && n + 1 < count);
    part.map(|(n, letter)| if ends(n) { '…' } else { letter }).collect()
}

impl Finding {
    /// A finding in a text. A place without a line is the end of the text: that is where Rhai saw that it goes on.
    pub fn new(
        severity: Severity,
        text: &Text,
        place: Position,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        let lines = || text.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (line, column) = match place.line() {
            Some(line) => (line, place.position().unwrap_or(1)),
            None => lines().last().map_or((0, 0), |(n, line)| (n + 1, line.chars().count() + 1)),
        };
        let (source, own_line) = file_line(&text.source, line);
        // Of several files one text was made, with other words in some lines than who wrote them knows.
        let (file, number) = match text.own.iter().find(|(own, _)| own == source) {
            Some((_, own)) => (own, own_line),
            None => (&text.text, line),
        };
        let words = |said: String| match text.own.is_empty() {
            true => said,
            false => as_written(said),
        };
        Finding {
            severity,
            source: source.to_owned(),
            line: own_line,
            column,
            message: words(message.into()),
            help: words(help.into()),
            text: number.checked_sub(1).and_then(|n| file.lines().nth(n)).unwrap_or_default().to_owned(),
            versions: None,
            about: About::Place,
        }
    }

    /// What is wrong in how a file lies on another.
    pub fn of_layers(problem: &Problem) -> Finding {
        let Problem { source, line, column, message, help, text, versions } = problem.clone();
        // It may be right as it is.
        let severity = if versions.is_some() { Severity::Warning } else { Severity::Error };
        Finding { severity, source, line, column, message, help, text, versions, about: About::Place }
    }

    /// The place, as `update.rhai:12:5`.
    pub fn place(&self) -> String {
        let source = shown(&self.source);
        match (self.line, self.column) {
            (0, _) => source.to_owned(),
            (line, 0) => format!("{source}:{line}"),
            (line, column) => format!("{source}:{line}:{column}"),
        }
    }

    /// The script's line and a caret below the place; nothing if it is about the whole text.
    pub fn excerpt(&self) -> Vec<String> {
        if self.line == 0 || self.text.trim().is_empty() {
            return Vec::new();
        }
        // The caret would stand elsewhere if a tab were as wide as the terminal likes.
        let line = self.text.replace('\t', " ");
        let indent = line.chars().take_while(|c| *c == ' ').count();
        let line = line.trim();
        let Some(before) = self.column.checked_sub(indent + 1) else { return vec![cut(line, 0)] };
        // Of a very long line, the part around the place.
        let start = if line.chars().count() > WIDTH { before.saturating_sub(WIDTH / 2) } else { 0 };
        let shown = cut(line, start);
        // The place may be behind the end of what is shown.
        let letters = shown.chars().map(width::of_char).chain(std::iter::repeat(1));
        let columns: usize = letters.take(before - start).sum();
        vec![shown, format!("{}^", " ".repeat(columns))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_below_its_place_behind_letters_of_two_columns() {
        let mut finding = Finding {
            severity: Severity::Error,
            source: "update.rhai".into(),
            line: 1,
            column: 11,
            message: String::new(),
            help: String::new(),
            text: "  say(\"網\", x)".into(),
            versions: None,
            about: About::Place,
        };
        assert_eq!(finding.excerpt(), ["say(\"網\", x)", "         ^"]);
        finding.column = 20;
        assert_eq!(finding.excerpt()[1].len(), 19);
    }
}
