//! The keys of a server's table in `site.toml`, with what the source says of each: the comments above them are the only
//! documentation that there is.

/// The keys of a server's table, in the order in which `init` writes them.
pub const KEYS: [&str; 32] = [
    "ssh",
    "agent",
    "kind",
    "checkout",
    "endpoint",
    "environment",
    "branch",
    "folder",
    "project",
    "targets",
    "health",
    "healthy",
    "idle",
    "maintenance",
    "backup",
    "exclude",
    "may_be_empty",
    "dumps",
    "databases",
    "redis",
    "volumes",
    "backups",
    "repository",
    "repository_password_file",
    "repository_password_command",
    "keep",
    "recipients",
    "identity",
    "env_file",
    "secrets",
    "not_secrets",
    "free_space",
];

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub name: String,
    /// What it takes, in words.
    pub of: &'static str,
    pub text: String,
}

/// All keys, in the order in which `init` writes them.
pub fn documented() -> Vec<Key> {
    let source = include_str!("../site.rs");
    let table = source.split_once("pub struct Server {").map_or("", |(_, rest)| rest);
    let mut keys = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in table.lines().map(str::trim).take_while(|line| *line != "}") {
        if let Some(said) = line.strip_prefix("///") {
            comment.push(said.trim());
        } else if let Some((name, form)) = line.strip_prefix("pub ").and_then(|field| field.split_once(": "))
        {
            let text = comment.join("\n");
            comment.clear();
            // The name of the table is none of its keys, nor is where the table was read.
            if !["name", "site_folder", "neighbours"].contains(&name) {
                keys.push(Key { name: name.to_owned(), of: words(form.trim_end_matches(',')), text });
            }
        }
    }
    keys
}

/// A type, as who writes TOML would call it.
fn words(form: &str) -> &'static str {
    let form = form.strip_prefix("Option<").and_then(|form| form.strip_suffix('>')).unwrap_or(form);
    match form {
        "String" => "text",
        "PathBuf" => "a path",
        "Vec<String>" => "an array of texts",
        "Vec<Check>" => "an array of checks",
        "Vec<AskedDatabase>" | "Vec<AskedRedis>" | "Vec<AskedVolume>" => "an array of tables",
        "BTreeMap<String, String>" => "a table of texts",
        "BTreeMap<String, Vec<String>>" => "a table of commands, each an array of texts",
        "Maintenance" => "text or a table",
        "Size" => "an amount of data: \"2GB\"",
        _ => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_explained_and_no_other() {
        let keys = documented();
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, KEYS);
        for key in keys {
            assert!(key.text.ends_with('.'), "{key:?}");
        }
    }
}
