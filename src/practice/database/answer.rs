//! What a statement gave, and why it failed, in PostgreSQL's words.

use crate::failure::{Failure, Kind};
use rusqlite::Error;
use serde::{Deserialize, Serialize};

/// What a statement gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What `psql` prints for a statement without rows, as `CREATE TABLE`.
    pub tag: String,
}

impl Answer {
    /// That of a statement without rows.
    pub fn tag(tag: impl Into<String>) -> Answer {
        Answer { tag: tag.into(), ..Answer::default() }
    }
}

/// What PostgreSQL calls a column of which SQLite gives the expression: `count(*)` is `count`, and `1` has no name.
pub fn column(expression: &str) -> String {
    let end = expression.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(expression.len());
    let (name, rest) = expression.split_at(end);
    let is_name =
        name.starts_with(|c: char| !c.is_ascii_digit()) && (rest.is_empty() || rest.starts_with('('));
    if is_name { name.to_owned() } else { "?column?".to_owned() }
}

/// An error as PostgreSQL reports it.
pub fn error(message: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Refused, format!("ERROR:  {message}"))
}

/// An error of SQLite.
pub fn failed(from: Error) -> Failure {
    let message = match from {
        Error::SqlInputError { msg, .. } | Error::SqliteFailure(_, Some(msg)) => msg,
        other => other.to_string(),
    };
    error(translated(&message).unwrap_or(message))
}

fn translated(message: &str) -> Option<String> {
    let named = |rest: &str| rest.trim_matches('"').to_owned();
    if let Some(table) = message.strip_prefix("no such table: ") {
        Some(format!("relation \"{}\" does not exist", named(table)))
    } else if let Some(column) = message.strip_prefix("no such column: ") {
        Some(format!("column \"{}\" does not exist", named(column)))
    } else if let Some(column) = message.strip_prefix("duplicate column name: ") {
        Some(format!("column \"{}\" already exists", named(column)))
    } else if let Some(near) = message.strip_suffix(": syntax error") {
        Some(format!("syntax error at or {near}"))
    } else {
        let table = message.strip_prefix("table ")?.strip_suffix(" already exists")?;
        Some(format!("relation \"{}\" already exists", named(table)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_called_as_postgresql_calls_them() {
        let cases = [
            ("name", "name"),
            ("count(*)", "count"),
            ("MAX(version)", "MAX"),
            ("1", "?column?"),
            ("a + 1", "?column?"),
        ];
        for (expression, name) in cases {
            assert_eq!(column(expression), name);
        }
    }
}
