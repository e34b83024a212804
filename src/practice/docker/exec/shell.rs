//! The shell of a container, as far as health checks and backups use it: one simple command.

use crate::failure::{Failure, Kind, Result};
use std::collections::BTreeMap;

/// Splits a simple command line as a shell would. Pipes, redirections and the like are refused.
pub fn split(line: &str, environment: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\'' | '"' if quote == Some(c) => quote = None,
            '\'' | '"' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            '$' if quote != Some('\'') => {
                let mut name = String::new();
                while let Some(next) =
                    characters.next_if(|c| c.is_ascii_alphanumeric() || "_{}:-".contains(*c))
                {
                    name.push(next);
                }
                let name = name.trim_matches(['{', '}']);
                let (name, otherwise) = name.split_once(":-").unwrap_or((name, ""));
                let value = environment.get(name).map_or(otherwise, String::as_str).to_owned();
                word.get_or_insert_default().push_str(&value);
            }
            c if c.is_whitespace() && quote.is_none() => words.extend(word.take()),
            '|' | '&' | ';' | '<' | '>' | '`' | '(' if quote.is_none() => {
                return Err(Failure::new(
                    Kind::Refused,
                    format!("a practice container's shell knows no `{c}`"),
                ));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.first().is_some_and(|word| word == "exec") {
        words.remove(0);
    }
    Ok(words)
}
