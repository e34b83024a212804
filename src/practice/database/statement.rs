//! SQL as it is written for PostgreSQL, so far apart that SQLite can run it.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `BEGIN` or `COMMIT`: all is one transaction anyway.
    Transaction(String),
    CreateDatabase(String),
    RenameDatabase {
        from: String,
        to: String,
    },
    DropDatabase {
        name: String,
        if_exists: bool,
    },
    /// What SQLite understands.
    Other(String),
}

/// Reads statements, each ended by a semicolon or by the end.
pub fn read(text: &str) -> Vec<Statement> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let text = lines.join("\n");
    let tokens = tokens(&text);
    let parts = tokens.split(|token| &text[token.clone()] == ";");
    parts.filter(|tokens| !tokens.is_empty()).map(|tokens| statement(&text, tokens)).collect()
}

/// Where words, quoted texts and names, and punctuation are.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        if !first.is_whitespace() {
            tokens.push(at..at + length);
        }
        at += length;
    }
    tokens
}

fn statement(text: &str, tokens: &[Range<usize>]) -> Statement {
    let words: Vec<String> = tokens.iter().map(|token| text[token.clone()].to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let name = |at: usize| match &text[tokens[at].clone()] {
        quoted if quoted.starts_with('"') => quoted.trim_matches('"').to_owned(),
        bare => bare.to_lowercase(),
    };
    match words.as_slice() {
        ["begin" | "commit"] => Statement::Transaction(words[0].to_uppercase()),
        ["create", "database", _, ..] => Statement::CreateDatabase(name(2)),
        ["alter", "database", _, "rename", "to", _] => {
            Statement::RenameDatabase { from: name(2), to: name(5) }
        }
        ["drop", "database", "if", "exists", _, ..] => {
            Statement::DropDatabase { name: name(4), if_exists: true }
        }
        ["drop", "database", _, ..] => Statement::DropDatabase { name: name(2), if_exists: false },
        ["select", "table_schema", ",", "table_name", "from", "information_schema", ".", "tables", ..] => {
            Statement::Other(TABLES.to_owned())
        }
        _ => Statement::Other(without(text, tokens, &words)),
    }
}

/// The tables, which SQLite lists elsewhere.
const TABLES: &str =
    "SELECT 'public', name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";

/// The text without the schema `public`, which is the only one, and without `ONLY`: no table inherits from another.
fn without(text: &str, tokens: &[Range<usize>], words: &[&str]) -> String {
    let mut out = String::new();
    let mut kept = tokens[0].start;
    for (place, token) in tokens.iter().enumerate() {
        let next = words.get(place + 1).copied().unwrap_or_default();
        let end = match words[place] {
            "public" | "\"public\"" if next == "." => tokens[place + 1].end,
            "only" => token.end,
            _ => continue,
        };
        out.push_str(&text[kept..token.start]);
        kept = end;
    }
    out + &text[kept..tokens[tokens.len() - 1].end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_of_migrations_checks_and_restores_are_taken_apart() {
        let text = "-- why\nALTER TABLE datasets ADD COLUMN region text DEFAULT 'a;b'; SELECT count(*) FROM ONLY public.users;\
                    DROP DATABASE IF EXISTS \"New-1\" WITH (FORCE);\nBEGIN;";
        let expected = [
            Statement::Other("ALTER TABLE datasets ADD COLUMN region text DEFAULT 'a;b'".into()),
            Statement::Other("SELECT count(*) FROM  users".into()),
            Statement::DropDatabase { name: "New-1".into(), if_exists: true },
            Statement::Transaction("BEGIN".into()),
        ];
        assert_eq!(read(text), expected);
    }
}
