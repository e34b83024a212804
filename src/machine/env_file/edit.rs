//! A settings file with another value in one of its settings.

use super::dialect::Dialect;
use super::reading::{Form, Outside, Reading, Setting};
use super::{compose, dotenv, make, shell};

/// Reads a text by a dialect. Fails with the line and the reason.
pub(super) fn read(text: &str, dialect: Dialect, outside: &Outside) -> Result<Reading, String> {
    if let Some(at) = text.find('\0') {
        // Only a NUL at all ends a line early; nothing good can come of it.
        return Err(format!("line {}: it holds a NUL", text[..at].matches('\n').count() + 1));
    }
    match dialect {
        Dialect::Make => make::read(text, outside),
        Dialect::Compose => compose::read(text, outside),
        Dialect::Dotenv => dotenv::read(text, outside),
        Dialect::Shell => shell::read(text, outside),
    }
}

/// The texts that could be the file with the setting, best first. They are to be read again: not all of them hold the value.
pub(super) fn edited(
    text: &str,
    dialect: Dialect,
    old: Option<&Setting>,
    key: &str,
    value: &str,
) -> Vec<String> {
    let Some(old) = old else {
        let glue = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let (forms, ending) = (forms(dialect, "", "", value).into_iter(), ending(text, dialect));
        return forms.map(|written| format!("{text}{glue}{key}={written}{ending}")).collect();
    };
    if dialect == Dialect::Make {
        return make::replaced(text, old, value).into_iter().collect();
    }
    let equals = if old.form == Form::Bare { "=" } else { "" };
    let behind = text[old.place.end..].split('\n').next().unwrap_or_default();
    let forms = forms(dialect, &text[old.place.clone()], behind, value).into_iter();
    forms
        .map(|written| [&text[..old.place.start], equals, &written, &text[old.place.end..]].concat())
        .collect()
}

/// How a new line at the end of a text ends: as the one before it, where that is no part of the value.
pub(super) fn ending(text: &str, dialect: Dialect) -> &'static str {
    match text.ends_with("\r\n") && dialect != Dialect::Shell && dialect != Dialect::Make {
        true => "\r\n",
        false => "\n",
    }
}

/// The ways to write a value that a dialect reads right, best first: with the quotes of the old one, then as most other
/// dialects read it right, too, with what stands behind it.
fn forms(dialect: Dialect, old: &str, behind: &str, value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned(), format!("'{value}'"), format!("\"{value}\"")];
    forms.extend(match dialect {
        Dialect::Make => return make::written(value).into_iter().collect(),
        Dialect::Compose => compose::written(value),
        Dialect::Dotenv => dotenv::written(value),
        Dialect::Shell => shell::written(value),
    });
    let quote = |text: &str| text.chars().next().filter(|first| ['"', '\''].contains(first));
    forms.retain(|form| is_read(dialect, form, "", value));
    let misread =
        |form: &str, by: &[Dialect]| by.iter().filter(|by| !is_read(**by, form, behind, value)).count();
    forms.sort_by_cached_key(|form| {
        let is_other_quote = quote(old).is_none() || quote(form) != quote(old);
        // For make quotes are part of the value, so it would have nothing quoted that all others need quoted.
        let others = misread(form, &[Dialect::Compose, Dialect::Dotenv, Dialect::Shell]);
        (is_other_quote, others, misread(form, &[Dialect::Make]))
    });
    forms.dedup();
    forms
}

/// Whether a dialect reads a value in what is written, on a line that has nothing else than this behind it.
fn is_read(dialect: Dialect, written: &str, behind: &str, value: &str) -> bool {
    let reading = read(&format!("K={written}{behind}\n"), dialect, &Outside::new());
    reading.is_ok_and(|reading| {
        reading.settings.len() == 1
            && reading.value("K").is_some_and(|read| *read == Ok(Some(value.to_owned())))
    })
}

/// What no value may have, for people.
pub(super) fn limits(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Make => "a value can't begin with a blank, end with `\\`, or hold a line's end",
        Dialect::Compose => "write the line by hand; `docker compose config` shows how it is read",
        Dialect::Dotenv => "a value can't hold `${NAME}`, which is replaced in all quotes",
        Dialect::Shell => "write the line by hand; some names and lines belong to the shell",
    }
}
