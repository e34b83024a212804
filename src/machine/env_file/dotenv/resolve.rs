//! What python-dotenv puts in the place of `${x}` and `${x:-d}`.

use super::super::reading::{Budget, LONGEST, Outside, Value};
use super::bindings::Binding;
use std::collections::BTreeMap;

/// The values of all names, each the last one.
pub(super) fn resolve(bindings: &[Binding], outside: &Outside) -> BTreeMap<String, Value> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    let mut budget = Budget::new();
    for binding in bindings {
        let value = match &binding.value {
            Some(text) => expand(text, &values, outside, &mut budget).map(Some),
            None => Ok(None),
        };
        values.insert(binding.name.clone(), value);
    }
    values
}

fn expand(
    text: &str,
    values: &BTreeMap<String, Value>,
    outside: &Outside,
    budget: &mut Budget,
) -> Result<String, String> {
    let mut expanded = String::new();
    // What is before it is in `expanded`.
    let mut done = 0;
    let mut at = 0;
    // The next `:` or `}` behind a place, kept because it is the same one for many places.
    let mut delimiter = 0;
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        let inner = start + 2;
        if delimiter < inner || delimiter == 0 {
            match text[inner..].find([':', '}']) {
                Some(found) => delimiter = inner + found,
                None => break,
            }
        }
        let (name, after) = (&text[inner..delimiter], &text[delimiter..]);
        let (default, end) = match after.strip_prefix(":-") {
            Some(default) => match default.find('}') {
                Some(length) => (Some(&default[..length]), delimiter + 2 + length + 1),
                None => break,
            },
            None if after.starts_with('}') => (None, delimiter + 1),
            None => {
                at = inner;
                continue;
            }
        };
        expanded.push_str(&text[done..start]);
        let value = value(name, default, values, outside)?;
        budget.spend(value.len())?;
        expanded.push_str(value);
        if expanded.len() > LONGEST {
            return Err("it is too long".into());
        }
        (at, done) = (end, end);
    }
    expanded.push_str(&text[done..]);
    Ok(expanded)
}

fn value<'a>(
    name: &str,
    default: Option<&'a str>,
    values: &'a BTreeMap<String, Value>,
    outside: &'a Outside,
) -> Result<&'a str, String> {
    let of_file =
        values.get(name).map(|value| value.as_ref().map(|value| value.as_deref().unwrap_or_default()));
    let of_outside = outside.get(name).map(String::as_str);
    match (of_file, of_outside) {
        (Some(Err(why)), _) => Err(why.clone()),
        (Some(Ok(inner)), Some(outer)) if inner != outer => {
            Err(format!("`{name}` is in the environment, too, and the program decides which of both counts"))
        }
        (Some(Ok(value)), _) | (None, Some(value)) => Ok(value),
        (None, None) => Ok(default.unwrap_or_default()),
    }
}
