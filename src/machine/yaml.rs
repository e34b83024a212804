//! The part of YAML that Compose files and service configurations use: maps, lists, quoted and plain
//! scalars, lists in brackets. No anchors, no block text, no several documents; what is not understood is refused.

use super::files::unreadable;
use crate::failure::{Failure, Kind, Result};
use serde_json::{Map, Value};
use std::path::Path;

struct Line<'a> {
    indent: usize,
    text: &'a str,
    number: usize,
}

/// Reads a file. Fails as [`parse`] does, with [`Kind::NotFound`] if there is none, and with [`Kind::Refused`] if it
/// can't be read.
pub fn read(path: &Path) -> Result<Value> {
    let failed = || format!("`{}` can't be read", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error, failed()))?;
    parse(&text).map_err(|failure| failure.why(path.display()))
}

/// Reads a document; an empty one is null. Fails with [`Kind::Invalid`] at what is not understood.
pub fn parse(text: &str) -> Result<Value> {
    let mut lines: Vec<Line> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let text = without_comment(line).trim_end();
            Line { indent: text.len() - text.trim_start().len(), text: text.trim_start(), number: index + 1 }
        })
        .filter(|line| !line.text.is_empty() && line.text != "---")
        .collect();
    let mut position = 0;
    if lines.is_empty() {
        return Ok(Value::Null);
    }
    let value = block(&mut lines, &mut position)?;
    match lines.get(position) {
        Some(line) => Err(wrong(line)),
        None => Ok(value),
    }
}

fn wrong(line: &Line) -> Failure {
    Failure::new(
        Kind::Invalid,
        format!("line {} of the YAML is not understood: `{}`", line.number, line.text),
    )
}

fn block<'a>(lines: &mut Vec<Line<'a>>, position: &mut usize) -> Result<Value> {
    if is_item(lines[*position].text) { list(lines, position) } else { map(lines, position) }
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

fn list<'a>(lines: &mut Vec<Line<'a>>, position: &mut usize) -> Result<Value> {
    let indent = lines[*position].indent;
    let mut items = Vec::new();
    while let Some(line) = lines.get_mut(*position)
        && line.indent == indent
        && is_item(line.text)
    {
        let rest = line.text[1..].trim_start();
        if rest.is_empty() {
            *position += 1;
            items.push(deeper(lines, position, indent)?);
        } else if split_key(rest).is_some() || is_item(rest) {
            // The item is a block that begins on this line: read the line again without its dash.
            line.indent += line.text.len() - rest.len();
            line.text = rest;
            items.push(block(lines, position)?);
        } else {
            items.push(scalar(rest));
            *position += 1;
        }
    }
    Ok(Value::Array(items))
}

fn map<'a>(lines: &mut Vec<Line<'a>>, position: &mut usize) -> Result<Value> {
    let indent = lines[*position].indent;
    let mut entries = Map::new();
    while let Some(line) = lines.get(*position)
        && line.indent == indent
        && !is_item(line.text)
    {
        let (key, rest) = split_key(line.text).ok_or_else(|| wrong(line))?;
        if rest.starts_with(['|', '>', '&', '*']) {
            return Err(wrong(line));
        }
        *position += 1;
        let value = if !rest.is_empty() {
            scalar(rest)
        } else if lines.get(*position).is_some_and(|next| next.indent == indent && is_item(next.text)) {
            list(lines, position)?
        } else {
            deeper(lines, position, indent)?
        };
        entries.insert(key, value);
    }
    match lines.get(*position) {
        Some(line) if line.indent > indent => Err(wrong(line)),
        _ => Ok(Value::Object(entries)),
    }
}

fn deeper<'a>(lines: &mut Vec<Line<'a>>, position: &mut usize, indent: usize) -> Result<Value> {
    match lines.get(*position) {
        Some(line) if line.indent > indent => block(lines, position),
        _ => Ok(Value::Null),
    }
}

/// A key and what follows its colon.
fn split_key(text: &str) -> Option<(String, &str)> {
    let end = if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let close = text[1..].find(quote)? + 2;
        text[close..].starts_with(':').then_some(close)?
    } else {
        text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1))?
    };
    let key = match scalar(&text[..end]) {
        Value::String(key) => key,
        other => other.to_string(),
    };
    Some((key, text[end + 1..].trim_start()))
}

fn scalar(text: &str) -> Value {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Value::Array(items.map(scalar).collect());
    }
    if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return Value::String(inner.replace("\\\"", "\"").replace("\\\\", "\\"));
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Value::String(inner.replace("''", "'"));
    }
    match text {
        "null" | "~" | "" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        "{}" => Value::Object(Map::new()),
        _ => text.parse::<i64>().map(Value::from).unwrap_or_else(|_| text.into()),
    }
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (index, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && matches!(before, ' ' | '[' | ',') => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return &line[..index],
            None => {}
        }
        before = c;
    }
    line
}

/// A value as Compose shows it: text as it is, numbers and truth values written out, null empty.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_compose_files_are_made_of_is_read() {
        let text = "version: \"3\"\n# comment\nservices:\n  core: \n    build: ./core\n    volumes:\n      - type: bind\n        \
                    source: ~/.x # why\n      - a:/b\n    ports:\n    - 9200:9200\n    - \"8080\"\n    test: [\"CMD\", x]\n    \
                    url: \"amqp://a:b@c\"\n    none:\n    on: true\n";
        let expected = json!({"version": "3", "services": {"core": {
            "build": "./core", "volumes": [{"type": "bind", "source": "~/.x"}, "a:/b"], "ports": ["9200:9200", "8080"],
            "test": ["CMD", "x"], "url": "amqp://a:b@c", "none": null, "on": true}}});
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        assert!(parse("a: 1\n  b: 2\n").unwrap_err().message.contains("line 2"));
        assert!(parse("a: |\n  text\n").is_err());
    }
}
