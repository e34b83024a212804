//! The names and values of a file, as the parser of python-dotenv finds them; references are not replaced yet.

use super::super::reading::Lines;
use std::ops::Range;

/// A name with a value, or without.
pub(super) struct Binding {
    pub name: String,
    /// The value as written; empty and behind the name, if there is none.
    pub place: Range<usize>,
    pub line: usize,
    pub value: Option<String>,
}

/// Which versions of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Such as 0.21: `\\'` is a backslash and a quote that goes on.
    Old,
    /// Such as 1.2.4.
    New,
}

/// All that a file binds, in its order.
pub(super) fn bindings(text: &str, version: Version) -> Vec<Binding> {
    let mut lines = Lines::new(text);
    let mut found = Vec::new();
    let mut at = match version {
        Version::New if text.starts_with('\u{feff}') => '\u{feff}'.len_utf8(),
        _ => 0,
    };
    loop {
        at = skip(text, at, is_space);
        if at == text.len() {
            return found;
        }
        let line = lines.at(at);
        match binding(text, &mut at, version) {
            Some(Some(binding)) => found.push(Binding { line, ..binding }),
            Some(None) => {}
            // It passes over the rest of a line that it can't read.
            None => at = skip(text, at, |c| !is_end(c)),
        }
    }
}

/// What stands at a place, which is moved on: nothing in it for a comment, nothing at all if it can't be read.
fn binding(text: &str, at: &mut usize, version: Version) -> Option<Option<Binding>> {
    if let Some(rest) = text[*at..].strip_prefix("export")
        && rest.starts_with(is_blank)
    {
        *at = skip(text, *at + "export".len(), is_blank);
    }
    let rest = &text[*at..];
    let name = if rest.starts_with('#') {
        None
    } else if let Some(quoted) = rest.strip_prefix('\'') {
        let end = quoted.find('\'').filter(|end| *end > 0)?;
        *at += end + 2;
        Some(&quoted[..end])
    } else {
        let end = rest.find(|c| c == '=' || c == '#' || is_space(c)).unwrap_or(rest.len());
        *at += end;
        Some(&rest[..end]).filter(|name| !name.is_empty())?.into()
    };
    let mut place = *at..*at;
    *at = skip(text, *at, is_blank);
    let mut value = None;
    if text[*at..].starts_with('=') {
        let behind = *at + 1;
        *at = skip(text, behind, is_blank);
        let is_comment = *at > behind && text[*at..].starts_with('#') && version == Version::New;
        place = *at..*at;
        let found = if is_comment { String::new() } else { read_value(text, at, &mut place, version)? };
        value = Some(found.replace("\r\n", "\n").replace('\r', "\n"));
    }
    let end = skip(text, *at, is_blank);
    let end = if text[end..].starts_with('#') { skip(text, end, |c| !is_end(c)) } else { end };
    if text[end..].starts_with(|c| !is_end(c)) {
        // Also if it fails behind a comment's blanks, they are passed.
        *at = end;
        return None;
    }
    *at = end;
    Some(name.map(|name| Binding { name: name.to_owned(), place, line: 0, value }))
}

fn read_value(text: &str, at: &mut usize, place: &mut Range<usize>, version: Version) -> Option<String> {
    let rest = &text[*at..];
    let quote = rest.chars().next().filter(|first| ['"', '\''].contains(first));
    if let Some(quote) = quote {
        let end = closing(rest, quote, version)?;
        *at += end + 1;
        place.end = *at;
        return Some(replaced_escapes(&rest[1..end], quote));
    }
    let line = &rest[..rest.find(is_end).unwrap_or(rest.len())];
    *at += line.len();
    let mut value = line;
    let mut blanks = None;
    for (n, c) in line.char_indices() {
        match (is_space(c), blanks) {
            (true, None) => blanks = Some(n),
            (true, Some(_)) => {}
            (false, Some(start)) if c == '#' => {
                value = &line[..start];
                break;
            }
            (false, _) => blanks = None,
        }
    }
    let value = value.trim_end_matches(is_space);
    place.end = place.start + value.len();
    Some(value.to_owned())
}

/// Where the quote is closed that a text begins with.
fn closing(text: &str, quote: char, version: Version) -> Option<usize> {
    let mut last_escaped = None;
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((n, c)) = rest.next() {
        if c == quote {
            return Some(n);
        }
        let next = rest.peek().copied();
        if c == '\\' && (version == Version::New || next.is_some_and(|(_, next)| next == quote)) {
            last_escaped = next.map(|(n, _)| n);
            rest.next();
        }
    }
    // The old one would rather have an escaped quote close it than none.
    last_escaped.filter(|_| version == Version::Old)
}

fn replaced_escapes(inner: &str, quote: char) -> String {
    let mut replaced = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        replaced.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let next = rest.chars().next();
        let is_double = quote == '"';
        let single = match next {
            Some('\\') => '\\',
            Some('\'') => '\'',
            Some('"') if is_double => '"',
            Some('a') if is_double => '\u{7}',
            Some('b') if is_double => '\u{8}',
            Some('f') if is_double => '\u{c}',
            Some('n') if is_double => '\n',
            Some('r') if is_double => '\r',
            Some('t') if is_double => '\t',
            Some('v') if is_double => '\u{b}',
            _ => {
                replaced.push('\\');
                continue;
            }
        };
        replaced.push(single);
        rest = &rest[1..];
    }
    replaced.push_str(rest);
    replaced
}

fn skip(text: &str, at: usize, what: impl Fn(char) -> bool) -> usize {
    text.len() - text[at..].trim_start_matches(what).len()
}

/// As Python's regular expressions have it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn is_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

fn is_blank(c: char) -> bool {
    is_space(c) && !is_end(c)
}
