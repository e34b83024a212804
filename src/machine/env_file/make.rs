//! A settings file as GNU make reads it with `include`.
//!
//! Docker Compose and python-dotenv read the same file by other rules, but what make exports wins over both: quotes are
//! part of the value, `#` ends it, `$x` and `$(x)` are replaced, of two lines with one name the last wins, blanks before it
//! are dropped and those after it stay. Tried with GNU make 4.3.

mod expand;
mod line;

use super::reading::{Form, Lines, Outside, Reading, Setting};
use line::{Line, Operator};

/// Reads a file. Fails with the line and the reason if it holds more than settings: conditions, includes, `define`,
/// `override`.
pub(super) fn read(text: &str, outside: &Outside) -> Result<Reading, String> {
    let mut counted = Lines::new(text);
    let (mut lines, mut settings) = (Vec::new(), Vec::new());
    let mut start = 0;
    while start < text.len() {
        let number = counted.at(start);
        let line = Line::read(text, start).map_err(|why| format!("line {number}: {why}"))?;
        start = line.range.end;
        if let Some(statement) = &line.statement {
            settings.push(Setting {
                name: statement.name.clone(),
                // Without its end, which an edit behind it may add.
                place: line.range.start
                    ..line.range.start + text[line.range.clone()].trim_end_matches(['\r', '\n']).len(),
                line: number,
                form: if statement.operator == Operator::IfUnset { Form::IfUnset } else { Form::Given },
            });
        }
        lines.push(line);
    }
    let values = expand::values(&lines, outside);
    Ok(Reading::new(settings, values))
}

/// The text with another value in the line of a setting; nothing if no line of make's can hold it.
pub(super) fn replaced(text: &str, setting: &Setting, value: &str) -> Option<String> {
    let written = line::escape(value)?;
    let line = Line::read(text, setting.place.start).ok()?;
    let old = &text[line.range.clone()];
    let body = old.trim_end_matches(['\r', '\n']);
    let ending = &old[body.len()..];
    let prefix = line.statement.map(|statement| statement.prefix).unwrap_or_default();
    // On the line itself the comment would make the blanks before it a part of the value.
    let comment = match &line.comment {
        Some(comment) => format!("{comment}{}", if ending.is_empty() { "\n" } else { ending }),
        None => String::new(),
    };
    let new = format!("{comment}{prefix}{}={written}{ending}", setting.name);
    Some([&text[..line.range.start], &new, &text[line.range.end..]].concat())
}

/// The way to write a value; nothing if there is none.
pub(super) fn written(value: &str) -> Option<String> {
    line::escape(value)
}
