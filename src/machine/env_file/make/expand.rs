//! What a setting's value is once make has replaced the references in it.

use super::super::reading::{Budget, DEEPEST, LONGEST, Outside, Value};
use super::line::{Line, Operator};
use std::collections::BTreeMap;

/// Names that make sets itself, if nobody else does.
const OWN: [&str; 42] = [
    "AR",
    "ARFLAGS",
    "AS",
    "CC",
    "CO",
    "COFLAGS",
    "CPP",
    "CTANGLE",
    "CURDIR",
    "CWEAVE",
    "CXX",
    "F77",
    "F77FLAGS",
    "FC",
    "GET",
    "GNUMAKEFLAGS",
    "LD",
    "LEX",
    "LINT",
    "M2C",
    "MAKE",
    "MAKEFILES",
    "MAKEFILE_LIST",
    "MAKEFLAGS",
    "MAKEINFO",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "MAKE_COMMAND",
    "MAKE_HOST",
    "MAKE_VERSION",
    "MFLAGS",
    "OBJC",
    "OUTPUT_OPTION",
    "PC",
    "RM",
    "SHELL",
    "SUFFIXES",
    "TANGLE",
    "TEX",
    "TEXI2DVI",
    "WEAVE",
    "YACC",
];

/// Whether a name is one of these, one with a dot such as `LINK.c` and `.FEATURES`, or an automatic one such as `@`.
fn is_own(name: &str) -> bool {
    OWN.contains(&name)
        || name.contains('.')
        || (!name.is_empty() && !name.contains(|c: char| c == '_' || c.is_ascii_alphanumeric()))
}

/// A variable after the whole file was read.
#[derive(Clone)]
struct Variable {
    text: String,
    /// The text was expanded already.
    simple: bool,
}

type Text = Result<String, String>;

struct Variables<'a> {
    outside: &'a Outside,
    file: BTreeMap<&'a str, Result<Variable, String>>,
    /// What is known of values already, once the whole file was read: without it each of a hundred lines could
    /// double the work of the one before.
    known: Option<BTreeMap<String, String>>,
    budget: Budget,
}

/// The values of all settings that the file has.
pub(super) fn values(lines: &[Line], outside: &Outside) -> BTreeMap<String, Value> {
    let mut variables = Variables { outside, file: BTreeMap::new(), known: None, budget: Budget::new() };
    for statement in lines.iter().filter_map(|line| line.statement.as_ref()) {
        let name = statement.name.as_str();
        let later = || Ok(Variable { text: statement.value.clone(), simple: false });
        let is_known = variables.file.contains_key(name) || outside.contains_key(name);
        let new = match statement.operator {
            Operator::Later => later(),
            Operator::AtOnce => variables.at_once(&statement.value),
            Operator::Shell => Err(format!("`{name}` is the output of a command")),
            Operator::IfUnset if is_known => continue,
            Operator::IfUnset => later(),
            Operator::Append if !is_known => later(),
            Operator::Append => variables.appended(name, &statement.value),
        };
        variables.file.insert(name, new);
    }
    variables.known = Some(BTreeMap::new());
    let names: Vec<&str> = variables.file.keys().copied().collect();
    names.into_iter().map(|name| (name.to_owned(), variables.reference(name, 0).map(Some))).collect()
}

impl Variables<'_> {
    fn at_once(&mut self, text: &str) -> Result<Variable, String> {
        Ok(Variable { text: self.expand(text, 0)?, simple: true })
    }

    fn appended(&mut self, name: &str, added: &str) -> Result<Variable, String> {
        let before = match self.file.get(name) {
            Some(before) => before.clone()?,
            None => Variable { text: self.outside[name].clone(), simple: false },
        };
        let added = if before.simple { self.at_once(added)?.text } else { added.to_owned() };
        // What was said before is copied each time.
        self.budget.spend(before.text.len())?;
        let blank = if before.text.is_empty() || added.is_empty() { "" } else { " " };
        Ok(Variable { text: format!("{}{blank}{added}", before.text), simple: before.simple })
    }

    fn reference(&mut self, name: &str, depth: usize) -> Text {
        if let Some(value) = self.known.as_ref().and_then(|known| known.get(name)) {
            self.budget.spend(value.len())?;
            return Ok(value.clone());
        }
        self.budget.spend(0)?;
        if depth > DEEPEST {
            return Err(format!("`{name}` refers to itself"));
        }
        if !self.file.contains_key(name) && is_own(name) {
            return Err(format!("make itself sets `{name}`"));
        }
        let text = match (self.file.get(name), self.outside.get(name)) {
            (Some(variable), _) => {
                let Variable { text, simple } = variable.as_ref().map_err(String::clone)?;
                if *simple {
                    self.budget.spend(text.len())?;
                    return Ok(text.clone());
                }
                text.clone()
            }
            (None, Some(text)) => text.clone(),
            (None, None) => return Ok(String::new()),
        };
        self.budget.spend(text.len())?;
        if !text.contains('$') {
            return Ok(text);
        }
        let value = self.expand(&text, depth + 1)?;
        if let Some(known) = &mut self.known {
            known.insert(name.to_owned(), value.clone());
        }
        Ok(value)
    }

    fn expand(&mut self, text: &str, depth: usize) -> Text {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            // What make does then differs between its ways to expand.
            let next = rest.chars().next().ok_or("a single `$` ends it")?;
            let close = match next {
                '(' => Some(')'),
                '{' => Some('}'),
                _ => None,
            };
            let name = match close {
                Some(close) => {
                    let end = rest.find(close).ok_or_else(|| format!("`${next}` is not closed"))?;
                    let name = &rest[1..end];
                    rest = &rest[end + 1..];
                    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
                    if !name.chars().all(plain) {
                        return Err(format!("`${next}{name}{close}` is more than a name"));
                    }
                    name
                }
                None if next == '$' => {
                    expanded.push('$');
                    rest = &rest[1..];
                    continue;
                }
                None if next.is_ascii() => {
                    let name = &rest[..1];
                    rest = &rest[1..];
                    name
                }
                None => return Err(format!("make reads only a part of `${next}`")),
            };
            expanded.push_str(&self.reference(name, depth)?);
            if expanded.len() > LONGEST {
                return Err("it is too long".into());
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}
