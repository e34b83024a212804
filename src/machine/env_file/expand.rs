//! What a setting's value is once make has replaced the references in it.

use super::line::{Line, Operator};
use std::collections::BTreeMap;

type Outside = BTreeMap<String, String>;

/// A variable after the whole file was read.
#[derive(Clone)]
struct Variable {
    text: String,
    /// The text was expanded already.
    simple: bool,
}

type Variables<'a> = BTreeMap<&'a str, std::result::Result<Variable, String>>;

/// How deep references may go: what is deeper refers to itself.
const DEEPEST: usize = 100;
/// A value of more bytes is not one that anybody wrote: each line can double the one before.
const LONGEST: usize = 1 << 20;

/// The value of a setting that the file has.
pub(super) fn value(lines: &[Line], outside: &Outside, key: &str) -> Result<String, String> {
    let mut variables = Variables::new();
    for statement in lines.iter().filter_map(|line| line.statement.as_ref()) {
        let name = statement.name.as_str();
        let at_once = |variables: &Variables| {
            let text = expand(&statement.value, variables, outside, 0)?;
            Ok(Variable { text, simple: true })
        };
        let later = || Ok(Variable { text: statement.value.clone(), simple: false });
        let known = variables.contains_key(name) || outside.contains_key(name);
        let new = match statement.operator {
            Operator::Later => later(),
            Operator::AtOnce => at_once(&variables),
            Operator::Shell => Err(format!("`{name}` is the output of a command")),
            Operator::IfUnset if known => continue,
            Operator::IfUnset => later(),
            Operator::Append if !known => later(),
            Operator::Append => {
                let before = match variables.get(name) {
                    Some(before) => before.clone(),
                    None => Ok(Variable { text: outside[name].clone(), simple: false }),
                };
                before.and_then(|before| {
                    let added = match before.simple {
                        true => at_once(&variables)?.text,
                        false => statement.value.clone(),
                    };
                    let blank = if before.text.is_empty() || added.is_empty() { "" } else { " " };
                    Ok(Variable { text: format!("{}{blank}{added}", before.text), simple: before.simple })
                })
            }
        };
        variables.insert(name, new);
    }
    reference(key, &variables, outside, 0)
}

fn reference(name: &str, variables: &Variables, outside: &Outside, depth: usize) -> Result<String, String> {
    match (variables.get(name), outside.get(name)) {
        _ if depth > DEEPEST => Err(format!("`{name}` refers to itself")),
        (Some(Err(why)), _) => Err(why.clone()),
        (Some(Ok(variable)), _) if variable.simple => Ok(variable.text.clone()),
        (Some(Ok(variable)), _) => expand(&variable.text, variables, outside, depth + 1),
        (None, Some(text)) => expand(text, variables, outside, depth + 1),
        (None, None) => Ok(String::new()),
    }
}

fn expand(text: &str, variables: &Variables, outside: &Outside, depth: usize) -> Result<String, String> {
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
        expanded.push_str(&reference(name, variables, outside, depth)?);
        if expanded.len() > LONGEST {
            return Err("it is too long".into());
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}
