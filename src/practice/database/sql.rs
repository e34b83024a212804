//! The few statements that the database of a practice server understands.

use crate::failure::{Failure, Kind, Result};
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Count,
    Max(String),
    Named(Vec<String>),
    All,
}

/// `SELECT count(*) | max(column) | column, … | * FROM [ONLY] table [WHERE column = value] [ORDER BY column [DESC]]
/// [LIMIT number]`
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub column: Column,
    pub table: String,
    pub filter: Option<(String, Value)>,
    /// The column, and whether the largest comes first.
    pub order: Option<(String, bool)>,
    pub limit: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `SELECT 1`
    One,
    /// `SELECT pg_database_size('database')`
    Size(String),
    Select(Select),
    /// `SELECT datname FROM pg_database`
    Databases,
    /// `BEGIN`, `COMMIT` and `SELECT pg_terminate_backend(pid) …`: all is one transaction, and nobody stays connected.
    Nothing,
    CreateDatabase(String),
    /// `ALTER DATABASE name RENAME TO other`
    RenameDatabase {
        from: String,
        to: String,
    },
    DropDatabase {
        name: String,
        if_exists: bool,
    },
    /// Columns come with the rows, so `CREATE TABLE name` says nothing of them.
    CreateTable(String),
    DropTable(String),
    /// `DELETE FROM table`: all rows.
    Delete(String),
    /// `INSERT INTO table (column, …) VALUES ('value', …)`
    Insert {
        table: String,
        values: Map<String, Value>,
    },
    /// `ALTER TABLE table ADD COLUMN column … DEFAULT 'value'`
    AddColumn {
        table: String,
        column: String,
        value: Value,
    },
    /// `ALTER TABLE table RENAME COLUMN column TO other`
    RenameColumn {
        table: String,
        from: String,
        to: String,
    },
}

impl Statement {
    /// Whether it changes nothing.
    pub fn only_reads(&self) -> bool {
        matches!(
            self,
            Statement::One
                | Statement::Size(_)
                | Statement::Select(_)
                | Statement::Databases
                | Statement::Nothing
        )
    }
}

/// Reads statements, each ended by a semicolon or by the end.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let tokens = tokens(&lines.join("\n"));
    tokens.split(|token| token == ";").filter(|tokens| !tokens.is_empty()).map(statement).collect()
}

/// Words in lower case, numbers, punctuation, and texts with their quotes.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if c.is_alphanumeric() || matches!(c, '_' | '-') => {
                let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
                rest.find(|c| !part(c)).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let token = &rest[..length];
        tokens.push(match first {
            '\'' => token.to_string(),
            '"' => token.trim_matches('"').to_string(),
            _ => token.to_lowercase(),
        });
        rest = rest[length..].trim_start();
    }
    tokens
}

fn value(token: &str) -> Value {
    match token.strip_prefix('\'') {
        Some(text) => text.trim_end_matches('\'').into(),
        None => token.parse::<i64>().map(Value::from).unwrap_or_else(|_| token.into()),
    }
}

fn statement(tokens: &[String]) -> Result<Statement> {
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let name = |word: &str| word.trim_start_matches("public.").to_string();
    let read = match words.as_slice() {
        ["select", "1"] => Some(Statement::One),
        ["select", "pg_database_size", "(", database, ")"] => {
            Some(Statement::Size(database.trim_matches('\'').to_string()))
        }
        ["select", "datname", "from", "pg_database"] => Some(Statement::Databases),
        ["select", "pg_terminate_backend", ..] | ["begin"] | ["commit"] => Some(Statement::Nothing),
        ["alter", "database", from, "rename", "to", to] => {
            Some(Statement::RenameDatabase { from: from.to_string(), to: to.to_string() })
        }
        ["select", rest @ ..] => select(rest).map(Statement::Select),
        ["create", "database", database] | ["create", "database", database, "template", _] => {
            Some(Statement::CreateDatabase(database.to_string()))
        }
        ["drop", "database", "if", "exists", database, ..] => {
            Some(Statement::DropDatabase { name: database.to_string(), if_exists: true })
        }
        ["drop", "database", database] => {
            Some(Statement::DropDatabase { name: database.to_string(), if_exists: false })
        }
        ["create", "table", table, ..] => Some(Statement::CreateTable(name(table))),
        ["drop", "table", table] => Some(Statement::DropTable(name(table))),
        ["delete", "from", table] => Some(Statement::Delete(name(table))),
        ["insert", "into", table, "(", rest @ ..] => {
            let middle = rest.iter().position(|word| *word == "values");
            middle.map(|middle| {
                let items = |words: &[&str]| -> Vec<String> {
                    words
                        .iter()
                        .filter(|word| !matches!(**word, "(" | ")" | ","))
                        .map(|word| word.to_string())
                        .collect()
                };
                let columns = items(&rest[..middle]);
                let values = items(&rest[middle + 1..]);
                let values = columns.into_iter().zip(values.iter().map(|token| value(token))).collect();
                Statement::Insert { table: name(table), values }
            })
        }
        ["alter", "table", table, "add", "column", column, .., "default", default] => {
            Some(Statement::AddColumn { table: name(table), column: name(column), value: value(default) })
        }
        ["alter", "table", table, "rename", "column", from, "to", to] => {
            Some(Statement::RenameColumn { table: name(table), from: name(from), to: name(to) })
        }
        _ => None,
    };
    read.ok_or_else(|| {
        let near = words.first().copied().unwrap_or_default();
        Failure::new(Kind::Invalid, format!("ERROR:  syntax error at or near \"{near}\""))
            .why(format!("the practice database does not understand `{}`", words.join(" ")))
    })
}

fn select(words: &[&str]) -> Option<Select> {
    let from = words.iter().position(|word| *word == "from")?;
    let column = match &words[..from] {
        ["count", "(", _, ")"] => Column::Count,
        ["max", "(", column, ")"] => Column::Max(column.to_string()),
        ["*"] => Column::All,
        names => {
            Column::Named(names.iter().filter(|name| **name != ",").map(|name| name.to_string()).collect())
        }
    };
    let only = usize::from(words.get(from + 1) == Some(&"only"));
    let from = from + only;
    let table = words.get(from + 1)?.trim_start_matches("public.").to_string();
    let mut select = Select { column, table, filter: None, order: None, limit: None };
    let mut rest = &words[from + 2..];
    loop {
        rest = match rest {
            ["where", column, "=", wanted, more @ ..] => {
                select.filter = Some((column.to_string(), value(wanted)));
                more
            }
            ["order", "by", column, "desc", more @ ..] => {
                select.order = Some((column.to_string(), true));
                more
            }
            ["order", "by", column, "asc", more @ ..] | ["order", "by", column, more @ ..] => {
                select.order = Some((column.to_string(), false));
                more
            }
            ["limit", number, more @ ..] => {
                select.limit = Some(number.parse().ok()?);
                more
            }
            [] => return Some(select),
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_of_migrations_and_checks_are_understood() {
        let read =
            parse("-- why\nALTER TABLE datasets ADD COLUMN region text NOT NULL DEFAULT 'here'; SELECT 1;")
                .unwrap();
        let added =
            Statement::AddColumn { table: "datasets".into(), column: "region".into(), value: "here".into() };
        assert_eq!(read, [added, Statement::One]);
        let read = parse("select version from public.gopg_migrations order by id desc limit 1").unwrap();
        let column = Column::Named(vec!["version".into()]);
        let order = Some(("id".to_string(), true));
        let table = "gopg_migrations".to_string();
        assert_eq!(read, [Statement::Select(Select { column, table, filter: None, order, limit: Some(1) })]);
        assert!(parse("select * from a where b > 1").is_err());
        assert!(parse("vacuum").is_err());
    }
}
