//! Values out of what the parser of YAML reports: it knows the syntax, and nothing of what a text stands for.
//!
//! A file may come from anybody: how deep its values are, and how much an alias may copy, has a limit.

use crate::failure::{Failure, Kind, Result};
use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How many lists and maps may be in each other. A record of a run can be read again with these and those around them: JSON
/// is read to a depth of 128.
const DEEPEST: usize = 100;
/// How many bytes, roughly, anchors and aliases of a file may copy. A few aliases of aliases come to gigabytes.
const MOST_COPIED: usize = 10_000_000;
/// How many characters of a line are shown.
const LONGEST: usize = 200;
/// What a value takes besides its text, roughly, in bytes.
const VALUE: usize = 100;

/// The value of a document. Fails with [`Kind::Invalid`] at what is not understood, and names its line.
pub(super) fn load(text: &str) -> Result<Value> {
    let mut loader =
        Loader { text, document: None, begins: 1, open: Vec::new(), anchors: BTreeMap::new(), copied: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| loader.wrong(error.marker().line(), error.info().as_str()))?;
        loader.take(event, span.start.line())?;
    }
    Ok(loader.document.unwrap_or_default())
}

struct Loader<'a> {
    text: &'a str,
    document: Option<Value>,
    /// The line at which the document begins that is read.
    begins: usize,
    /// The lists and maps whose ends are still to come.
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    copied: usize,
}

/// A value and what it costs to copy.
#[derive(Clone)]
struct Node {
    value: Value,
    bytes: usize,
    /// How many lists and maps are in each other there.
    depth: usize,
}

struct Open {
    content: Content,
    anchor: usize,
    bytes: usize,
    depth: usize,
    /// Where it begins.
    line: usize,
}

enum Content {
    List(Vec<Value>),
    Map {
        entries: Map<String, Value>,
        /// What `<<` brings: an entry of the map's own goes before it.
        merged: Option<Map<String, Value>>,
        key: Option<Key>,
    },
}

enum Key {
    Merge,
    Name(String),
}

impl Loader<'_> {
    fn take(&mut self, event: Event, line: usize) -> Result<()> {
        match event {
            Event::DocumentStart(..) => self.begins = line,
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let is_merge = is_plain && tag.is_none() && text == "<<";
                let value = scalar(&text, is_plain, tag.as_deref())
                    .ok_or_else(|| self.wrong(line, "the value is not what its tag says"))?;
                let node = Node { value, bytes: VALUE + text.len(), depth: 0 };
                self.add(node, anchor, is_merge, line)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(Content::List(Vec::new()), anchor, tag.as_deref(), "seq", line)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Map { entries: Map::new(), merged: None, key: None };
                self.begin(content, anchor, tag.as_deref(), "map", line)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { content, anchor, bytes, depth, line }) = self.open.pop() {
                    self.add(Node { value: content.value(), bytes, depth }, anchor, false, line)?;
                }
            }
            Event::Alias(anchor) => {
                // What is still open has no value yet: it would be in itself.
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| self.wrong(line, "the alias stands for what it is in"))?;
                self.copy(&node, line)?;
                if self.open.len() + node.depth > DEEPEST {
                    return Err(self.too_deep(line));
                }
                self.add(node, 0, false, line)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Tag>,
        sort: &str,
        line: usize,
    ) -> Result<()> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema_tag(sort) && !is_unspecific(tag)) {
            return Err(self.wrong(line, &format!("a list or map can't have the tag `{}`", tag.original())));
        }
        if self.open.len() == DEEPEST {
            return Err(self.too_deep(line));
        }
        self.open.push(Open { content, anchor, bytes: VALUE, depth: 1, line });
        Ok(())
    }

    /// Adds a value to the list or map that it is in.
    fn add(&mut self, node: Node, anchor: usize, is_merge: bool, line: usize) -> Result<()> {
        // 0 is no anchor.
        if anchor > 0 {
            self.copy(&node, line)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            return self.end_document(node.value);
        };
        open.bytes += node.bytes;
        open.depth = open.depth.max(node.depth + 1);
        let added = match &mut open.content {
            Content::List(items) => {
                items.push(node.value);
                Ok(())
            }
            Content::Map { entries, merged, key } => match key.take() {
                None => named(entries, merged, node.value, is_merge).map(|name| *key = Some(name)),
                Some(Key::Merge) => merge(merged.get_or_insert_default(), node.value),
                Some(Key::Name(name)) => {
                    entries.insert(name, node.value);
                    Ok(())
                }
            },
        };
        added.map_err(|why| self.wrong(line, &why))
    }

    /// An empty document adds nothing to another one.
    fn end_document(&mut self, value: Value) -> Result<()> {
        match (&self.document, value) {
            (_, Value::Null) => Ok(()),
            (Some(_), _) => Err(self.wrong(self.begins, "a second document begins there")),
            (None, value) => {
                self.document = Some(value);
                Ok(())
            }
        }
    }

    fn copy(&mut self, node: &Node, line: usize) -> Result<()> {
        self.copied = self.copied.saturating_add(node.bytes);
        match self.copied > MOST_COPIED {
            true => Err(self.wrong(line, "the anchors and aliases up to there copy too much")),
            false => Ok(()),
        }
    }

    fn too_deep(&self, line: usize) -> Failure {
        self.wrong(line, &format!("more than {DEEPEST} lists and maps are in each other"))
    }

    /// Says so of a line, or of the last one before it that is not blank: what is missing is missed at the end.
    fn wrong(&self, line: usize, why: &str) -> Failure {
        let lines = self.text.lines().take(line).enumerate();
        let (at, text) = lines.filter(|(_, text)| !text.trim().is_empty()).last().unwrap_or_default();
        let text: String = text.trim().chars().take(LONGEST).collect();
        let number = at + 1;
        Failure::new(Kind::Invalid, format!("line {number} of the YAML is not understood: `{text}`")).why(why)
    }
}

impl Content {
    fn value(self) -> Value {
        match self {
            Content::List(items) => Value::Array(items),
            Content::Map { mut entries, merged, .. } => {
                for (key, value) in merged.unwrap_or_default() {
                    entries.entry(key).or_insert(value);
                }
                Value::Object(entries)
            }
        }
    }
}

/// The key that a value is.
fn named(
    entries: &Map<String, Value>,
    merged: &Option<Map<String, Value>>,
    value: Value,
    is_merge: bool,
) -> std::result::Result<Key, String> {
    let name = match value {
        Value::Array(_) | Value::Object(_) => return Err("a list or map can't be a key".into()),
        Value::String(name) => name,
        other => other.to_string(),
    };
    let is_there = if is_merge { merged.is_some() } else { entries.contains_key(&name) };
    match (is_there, is_merge) {
        (true, _) => Err(format!("the key `{name}` is there already")),
        (false, true) => Ok(Key::Merge),
        (false, false) => Ok(Key::Name(name)),
    }
}

/// Of several maps that have a key, the first one counts.
fn merge(into: &mut Map<String, Value>, value: Value) -> std::result::Result<(), String> {
    let maps = match value {
        Value::Array(maps) => maps,
        map => vec![map],
    };
    for map in maps {
        let Value::Object(map) = map else { return Err("`<<` takes a map, or a list of maps".into()) };
        for (key, value) in map {
            into.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// What a text stands for. None if it is not what its tag says.
fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Option<Value> {
    let Some(tag) = tag else {
        return Some(if is_plain { plain(text) } else { text.into() });
    };
    match tag.core_suffix() {
        Some("null") => Some(plain(text)).filter(Value::is_null),
        Some("bool") => Some(plain(text)).filter(Value::is_boolean),
        Some("int") => Some(plain(text)).filter(Value::is_number),
        Some("map" | "seq") => None,
        Some(_) => Some(text.into()),
        None if is_unspecific(tag) => Some(text.into()),
        // An application knows what it means; here it is a part of the text, as `!secret password` is.
        None => Some(format!("{} {text}", tag.original()).trim_end().into()),
    }
}

/// What a word without quotes stands for. Other numbers than whole ones are text as they are written: a release `1.10` is
/// not `1.1`.
fn plain(text: &str) -> Value {
    match text {
        "null" | "~" | "" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

/// `!` alone: text is text, a list is a list.
fn is_unspecific(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}
