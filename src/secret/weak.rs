//! Secrets that are like any other word: hidden where a text says that they are one.

use std::ops::Range;

/// Adds the places of each value that stands beside its name, in the user part of an address, or behind the option of a
/// password.
pub(super) fn places(text: &str, weak: &[(String, String)], places: &mut Vec<Range<usize>>) {
    for (name, value) in weak {
        let value = value.trim();
        for (start, _) in text.match_indices(value) {
            let range = start..start + value.len();
            let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let begins_word = is_word(value.chars().next()) && is_word(text[..start].chars().next_back());
            let ends_word = is_word(value.chars().next_back()) && is_word(text[range.end..].chars().next());
            let before = &text[..start];
            if !ends_word && ((!begins_word && is_named(before, name)) || is_option(before))
                || is_in_address(before, &text[range.end..])
            {
                places.push(range);
            }
        }
    }
}

/// `NAME=`, `NAME: `, `"NAME": "`.
fn is_named(before: &str, name: &str) -> bool {
    let quotes = ['"', '\'', '\\', '`'];
    let Some(before) = before.trim_end_matches(quotes).trim_end_matches([' ', '\t']).strip_suffix(['=', ':'])
    else {
        return false;
    };
    let before = before.trim_end_matches([' ', '\t', ':', '?', '+']).trim_end_matches(quotes);
    let start = before.len().checked_sub(name.len());
    start.and_then(|start| before.get(start..)).is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// `-p`, `-p `, `--password=`, `--password `.
fn is_option(before: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'']);
    let word = before.rsplit([' ', '\t']).find(|word| !word.is_empty()).unwrap_or_default();
    let is_at_end = |option: &str| word == option || word.strip_suffix('=') == Some(option);
    ["-p", "--password", "--pass", "--token"].iter().any(|option| is_at_end(option))
}

/// `scheme://user:` before, and `@` behind.
fn is_in_address(before: &str, behind: &str) -> bool {
    let Some(user) = before.strip_suffix(':') else { return false };
    let user = user.rsplit(char::is_whitespace).next().unwrap_or(user);
    behind.starts_with('@') && user.rsplit_once("://").is_some_and(|(_, user)| !user.contains(['/', '@']))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_word_is_hidden_beside_its_name_and_nowhere_else() {
        let weak = [("DB_PASSWORD".to_owned(), "postgres".to_owned())];
        let count = |text: &str| {
            let mut places = Vec::new();
            super::places(text, &weak, &mut places);
            places.len()
        };
        for text in [
            "DB_PASSWORD=postgres",
            "db_password: postgres",
            "\"DB_PASSWORD\": \"postgres\"",
            "\\\"DB_PASSWORD\\\":\\\"postgres\\\"",
            "DB_PASSWORD := 'postgres'",
            "x postgres://app:postgres@db/x",
            "mysql -u a -ppostgres x",
            "x --password postgres",
            "--password=postgres",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
        for text in
            ["postgres", "DB_USER=postgres", "DB_PASSWORD=postgresql", "the postgres is up", "db:postgres@x"]
        {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}
