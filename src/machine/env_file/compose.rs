//! A settings file as Docker Compose 2 reads it: `.env`, `--env-file` and `env_file:`, which it reads alike (the package
//! `dotenv` of compose-go, 2.6 to 2.9).
//!
//! A value without quotes ends before ` #`; in double quotes `\n` and `\$` are replaced; quotes may go over lines;
//! `$x` is what the environment says, else what the file said before. After a value in quotes the next setting may
//! follow on the same line. A file with a line that it can't read is refused as a whole, as Compose does.
//!
//! docker-compose 1 reads by the rules of [`super::dotenv`] instead.

mod expand;

use super::reading::{Budget, Form, Lines, Outside, Reading, Setting, Value};
use expand::{Trouble, Variables, expand};
use std::collections::BTreeMap;

/// Reads a file. Fails with the line and the reason if Compose would refuse it.
pub(super) fn read(text: &str, outside: &Outside) -> Result<Reading, String> {
    let mut lines = Lines::new(text);
    let mut settings = Vec::new();
    let mut variables = Variables { outside, file: BTreeMap::new(), budget: Budget::new() };
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    loop {
        at = skip(text, at, char::is_whitespace);
        let rest = &text[at..];
        if rest.is_empty() {
            break;
        }
        if rest.starts_with('#') {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let line = lines.at(at);
        let failed = |why: String| format!("line {line}: {why}");
        at = after_export(text, at);
        let Some(Key { name, end, is_bare }) = key(text, at).map_err(failed)? else { break };
        let name_end = at + name.len();
        let mut setting =
            Setting { name: name.to_owned(), place: name_end..name_end, line, form: Form::Bare };
        at = skip(text, end, is_blank);
        if is_bare {
            // Compose takes the environment's value for it, if there is one.
            let from_outside = outside.get(name).map(|value| Ok(Some(value.clone())));
            let value = from_outside.or_else(|| variables.file.remove(name)).unwrap_or(Ok(None));
            variables.file.insert(name.to_owned(), value);
            settings.push(setting);
            continue;
        }
        let (length, written) = match text[at..].chars().next().filter(|first| ['"', '\''].contains(first)) {
            Some(quote) => {
                let (length, inner) = quoted(&text[at..], quote).map_err(failed)?;
                let inner = if quote == '"' { Ok(replaced_escapes(&inner)) } else { Err(inner) };
                (length, inner)
            }
            None => {
                let whole = text[at..].split('\n').next().unwrap_or_default();
                let value = whole.split(" #").next().unwrap_or_default().trim_end();
                (value.len(), Ok(value.to_owned()))
            }
        };
        setting.place = at..at + length;
        setting.form = Form::Given;
        at = setting.place.end;
        if !text[setting.place.clone()].starts_with(['"', '\'']) {
            at += text[at..].find('\n').map_or(text.len() - at, |end| end + 1);
        }
        let value: Value = match written {
            Err(as_is) => Ok(Some(as_is)),
            Ok(template) => match expand(&template, &mut variables, 0) {
                Ok(value) => Ok(Some(value)),
                Err(Trouble::Refused(why)) => return Err(failed(why)),
                Err(Trouble::Unknown(why)) => Err(why),
            },
        };
        variables.file.insert(name.to_owned(), value);
        settings.push(setting);
    }
    settings.retain(|setting| !setting.name.is_empty());
    Ok(Reading::new(settings, variables.file))
}

/// Where the first character stands that is none of these.
fn skip(text: &str, at: usize, what: impl Fn(char) -> bool) -> usize {
    text.len() - text[at..].trim_start_matches(what).len()
}

fn is_blank(c: char) -> bool {
    c != '\n' && matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

fn after_export(text: &str, at: usize) -> usize {
    match text[at..].strip_prefix("export") {
        Some(rest) if rest.starts_with(['\t', '\n', '\u{c}', '\r', ' ']) => {
            skip(text, at + "export".len(), is_blank)
        }
        _ => at,
    }
}

struct Key<'a> {
    name: &'a str,
    /// Where it goes on behind `=`, `:`, or the end of a line with a name only.
    end: usize,
    is_bare: bool,
}

/// The name at a place; nothing if the file ends in it: such a name is not even looked up.
fn key(text: &str, at: usize) -> Result<Option<Key<'_>>, String> {
    let rest = &text[at..];
    for (n, c) in rest.char_indices() {
        if ['=', ':', '\n'].contains(&c) {
            let name = rest[..n].trim_end();
            return match name.contains(' ') {
                true => Err("a blank is in a name".into()),
                false => Ok(Some(Key { name, end: at + n + 1, is_bare: c == '\n' })),
            };
        }
        if !(is_blank(c) || "_.-[]".contains(c) || c.is_alphabetic() || c.is_numeric()) {
            return Err(format!("`{}` is in a name", c.escape_debug()));
        }
    }
    Ok(None)
}

/// The length of a value in quotes, with them, and what is in it. A backslash before the quote is dropped, all others stay.
fn quoted(text: &str, quote: char) -> Result<(usize, String), String> {
    let mut inner = String::new();
    let mut is_escaped = false;
    for (n, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            c if c == quote && !is_escaped => return Ok((n + 1, inner)),
            c if c == quote => {}
            _ if is_escaped => inner.push('\\'),
            _ => {}
        }
        is_escaped = false;
        inner.push(c);
    }
    Err("a quote is not closed".into())
}

/// What stands in double quotes, before references in it are replaced.
fn replaced_escapes(inner: &str) -> String {
    let mut replaced = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        replaced.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let next = rest.chars().next();
        let single = match next {
            Some('a') => Some("\u{7}"),
            Some('b') => Some("\u{8}"),
            Some('f') => Some("\u{c}"),
            Some('n') => Some("\n"),
            Some('r') => Some("\r"),
            Some('t') => Some("\t"),
            Some('v') => Some("\u{b}"),
            Some('"') => Some("\""),
            Some('\\') => Some("\\"),
            // Which is one dollar when references are replaced.
            Some('$') => Some("$$"),
            _ => None,
        };
        match single {
            Some(single) => {
                replaced.push_str(single);
                rest = &rest[1..];
            }
            None if next == Some('0') => {
                // Of what is no character in octal digits only the 0 is dropped.
                let count = rest[1..].bytes().take(3).take_while(u8::is_ascii_digit).count();
                let digits = &rest[1..1 + count];
                let code =
                    Some(digits).filter(|it| it.len() == 3).and_then(|it| u8::from_str_radix(it, 8).ok());
                match code {
                    Some(code) => replaced.push(char::from(code)),
                    None => {
                        replaced.push('\\');
                        replaced.push_str(digits);
                    }
                }
                rest = &rest[1 + count..];
            }
            None => replaced.push('\\'),
        }
    }
    replaced.push_str(rest);
    replaced
}

/// The ways to write a value that need more than quotes around it.
pub(super) fn written(value: &str) -> Vec<String> {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\r', "\\r");
    vec![value.replace('$', "$$"), format!("'{}'", value.replace('\'', "\\'")), format!("\"{escaped}\"")]
}
