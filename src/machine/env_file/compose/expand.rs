//! What Docker Compose puts in the place of `$x` and `${x:-d}` (the package `template` of compose-go).

use super::super::reading::{Budget, DEEPEST, LONGEST, Outside, Value};
use std::collections::BTreeMap;

/// What a name stands for: what the environment says, else what the file said so far.
pub(super) struct Variables<'a> {
    pub outside: &'a Outside,
    pub file: BTreeMap<String, Value>,
    pub budget: Budget,
}

/// Why a value is not known.
pub(super) enum Trouble {
    /// Compose itself stops here.
    Refused(String),
    /// Compose may know better.
    Unknown(String),
}

impl Variables<'_> {
    fn value(&mut self, name: &str) -> Result<Option<String>, Trouble> {
        let value = match (self.outside.get(name), self.file.get(name)) {
            _ if OWN.contains(&name) => {
                return Err(Trouble::Unknown(format!("Compose itself sets `{name}`")));
            }
            (Some(value), _) => Some(value),
            (None, Some(value)) => value.as_ref().map_err(|why| Trouble::Unknown(why.clone()))?.as_ref(),
            (None, None) => None,
        };
        // Before it is copied.
        self.budget.spend(value.map_or(0, String::len)).map_err(Trouble::Unknown)?;
        Ok(value.cloned())
    }
}

/// What it puts into the environment before it reads files of `env_file:`.
const OWN: [&str; 2] = ["COMPOSE_PROJECT_NAME", "PWD"];

/// The operators behind a name, the longer ones first.
const OPERATORS: [&str; 6] = [":-", ":+", ":?", "-", "+", "?"];

/// A text with all references replaced.
pub(super) fn expand(text: &str, variables: &mut Variables, depth: usize) -> Result<String, Trouble> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let (name, after) = name(rest);
        if !name.is_empty() {
            expanded.push_str(&variables.value(name)?.unwrap_or_default());
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let (value, after) = braced(inner, variables, depth)?;
            expanded.push_str(&value);
            rest = after;
        } else {
            expanded.push('$');
        }
        if expanded.len() > LONGEST {
            return Err(Trouble::Unknown("it is too long".into()));
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// What `${` stands for, given what follows it, and what is left then.
fn braced<'a>(inner: &'a str, variables: &mut Variables, depth: usize) -> Result<(String, &'a str), Trouble> {
    if depth > DEEPEST {
        return Err(Trouble::Unknown("references are nested too deep".into()));
    }
    let invalid = || Trouble::Refused("`${` is not followed by a name and `}`".into());
    let (name, after) = name(inner);
    if let Some(after) = after.strip_prefix('}').filter(|_| !name.is_empty()) {
        return Ok((variables.value(name)?.unwrap_or_default(), after));
    }
    let operator = OPERATORS.into_iter().find(|operator| after.starts_with(operator));
    let operator = operator.filter(|_| !name.is_empty()).ok_or_else(invalid)?;
    let after = &after[operator.len()..];
    let end = closing(after).or_else(|| last_brace(after)).ok_or_else(invalid)?;
    // The text is read once for each brace around it.
    variables.budget.spend(end).map_err(Trouble::Unknown)?;
    // Also if it is not needed: some versions stop at what is wrong in it, others don't.
    let other = expand(&after[..end], variables, depth + 1)?;
    let value = variables.value(name)?;
    let is_empty = value.as_ref().is_none_or(|value| operator.starts_with(':') && value.is_empty());
    let value = match operator.chars().next_back() {
        Some('?') if is_empty => return Err(Trouble::Refused(format!("`{name}` must be set"))),
        Some('-') if is_empty => other,
        Some('+') if !is_empty => other,
        _ => value.unwrap_or_default(),
    };
    Ok((value, &after[end + 1..]))
}

/// Where the brace stands, on the same line, that closes the one before this text. As Compose counts them, the character
/// behind an opening one is passed over. It looks no further than needed: a line may have a million of them.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    let mut bytes = text.bytes().enumerate();
    while let Some((n, byte)) = bytes.next() {
        match byte {
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(n);
                }
            }
            b'{' => {
                open += 1;
                if bytes.next().is_none_or(|(_, next)| next == b'\n') {
                    return None;
                }
            }
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// What Compose takes for the end then.
fn last_brace(text: &str) -> Option<usize> {
    text.split('\n').next().unwrap_or_default().rfind('}')
}

/// The longest name at the beginning, and the rest. Compose compares letters without their case, and so takes two that
/// are no ASCII.
fn name(text: &str) -> (&str, &str) {
    let is_letter = |c: char| c == '_' || c.is_ascii_alphabetic() || c == '\u{17f}' || c == '\u{212a}';
    if !text.starts_with(is_letter) {
        return ("", text);
    }
    let end = text.find(|c: char| !is_letter(c) && !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
