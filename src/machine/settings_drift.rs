//! What a template of settings has and a live file lacks: found by their keys, added without touching what is there.
//!
//! Two forms are known by the file's name: YAML (maps; what is in lists is one value), and settings as `.env` has them, read by
//! the rules of the program that the file is for; also those that a Makefile prints into such a file.

use super::env_file::{Dialect, Listed, listed, with_added};
use super::git::{Setting, Value, settings};
use crate::failure::{Context, Failure, Kind, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// What is missing in a live file.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// The keys, each with those around it: `server.max_upload_gigabytes`.
    pub keys: Vec<String>,
    /// Those of them whose values only an administrator knows.
    pub unknown: Vec<String>,
    /// The live file with what the template has for the others.
    pub proposal: String,
}

/// Makes a number of random characters out of these.
pub type Random<'a> = &'a dyn Fn(&[u8], usize) -> Result<String>;

/// What people see in the place of random characters.
pub fn shown(_: &[u8], length: usize) -> Result<String> {
    Ok(format!("({length} random characters)"))
}

/// Random characters for a secret.
pub fn random(characters: &[u8], length: usize) -> Result<String> {
    let mut source = File::open("/dev/urandom").or_fail(Kind::Refused, || "no random numbers".into())?;
    // Each character is as likely as any other.
    let fair = 256 - 256 % characters.len();
    let mut made = String::new();
    while made.len() < length {
        let mut byte = [0];
        source.read_exact(&mut byte).or_fail(Kind::Refused, || "no random numbers".into())?;
        if usize::from(byte[0]) < fair {
            made.push(characters[usize::from(byte[0]) % characters.len()].into());
        }
    }
    Ok(made)
}

/// Whose rules a settings file is read by, and the environment of that program.
pub struct Reader<'a> {
    pub dialect: Dialect,
    pub outside: &'a BTreeMap<String, String>,
}

/// Compares a template with a live file. `name` is that of the live file.
///
/// Fails with [`Kind::Refused`] if the program that the live file is for would refuse it.
pub fn missing(name: &str, template: &str, live: &str, reader: &Reader, random: Random) -> Result<Missing> {
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    match is_yaml {
        true => Ok(missing_in_yaml(template, live)),
        false => missing_settings((name, template), live, reader, random),
    }
}

/// What a template has: what a Makefile prints into the file, else its settings as the file's program reads them.
fn wanted(template: &str, reader: &Reader) -> Vec<Setting> {
    let mut found = settings(template);
    // A recipe has variables of its own besides those that it prints.
    if found.iter().any(|setting| setting.is_printed) {
        found.retain(|setting| setting.is_printed);
        return found;
    }
    // For make, what refers to something is made by it.
    if reader.dialect == Dialect::Make {
        return found;
    }
    let Ok(listed) = listed(template, reader.dialect, reader.outside) else { return found };
    let setting = |it: Listed| {
        // What a command prints differs with each installation.
        let written = it.written.filter(|it| reader.dialect != Dialect::Shell || !it.contains(['`', '$']));
        let value = written.map_or(Value::Made, Value::Text);
        Setting { name: it.name, value, is_printed: false }
    };
    listed.into_iter().map(setting).collect()
}

fn missing_settings(
    (name, template): (&str, &str),
    live: &str,
    reader: &Reader,
    random: Random,
) -> Result<Missing> {
    let Reader { dialect, outside } = *reader;
    let there = listed(live, dialect, outside).map_err(|why| {
        let help = format!(
            "correct that line: the file is read as {} does, because `dialect` is `{dialect}`",
            dialect.reader()
        );
        Failure::new(Kind::Refused, format!("the settings file `{name}` can't be read")).why(why).help(help)
    })?;
    let there: Vec<String> = there.into_iter().map(|setting| setting.name).collect();
    let wanted = wanted(template, reader);
    let mut found = nothing(live);
    for Setting { name, value, .. } in wanted {
        if there.contains(&name) || found.keys.contains(&name) {
            continue;
        }
        let value = match value {
            Value::Text(text) => Some(text),
            Value::Random { before, characters, length } => {
                Some(format!("{before}{}", random(&characters, length)?))
            }
            Value::Made => None,
        };
        // What the program would read otherwise only an administrator can write.
        match value.and_then(|value| with_added(&found.proposal, dialect, outside, &name, &value)) {
            Some(added) => found.proposal = added,
            None => found.unknown.push(name.clone()),
        }
        found.keys.push(name);
    }
    Ok(found)
}

fn nothing(live: &str) -> Missing {
    Missing { keys: Vec::new(), unknown: Vec::new(), proposal: live.to_owned() }
}

/// A key of a YAML map.
#[derive(Debug)]
struct Key {
    /// With those around it.
    path: Vec<String>,
    indent: usize,
    /// Its line, and those of the comment before it.
    first: usize,
    /// Where the next line stands that is not part of its value.
    end: usize,
    /// Whether there is something behind the colon.
    has_scalar: bool,
}

fn missing_in_yaml(template: &str, live: &str) -> Missing {
    let wanted: Vec<&str> = template.lines().collect();
    let mut lines: Vec<String> = live.lines().map(str::to_owned).collect();
    let mut found = nothing(live);
    let there = |lines: &[String]| keys(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let mut whole: Vec<Vec<String>> = Vec::new();
    for key in keys(&wanted) {
        // What is around it brings it along.
        if whole.iter().any(|path| key.path.starts_with(path)) {
            continue;
        }
        let live_keys = there(&lines);
        if live_keys.iter().any(|other| other.path == key.path) {
            continue;
        }
        found.keys.push(key.path.join("."));
        let (_, around) = key.path.split_last().unwrap_or((&key.path[0], &[]));
        let parent = live_keys.iter().find(|other| other.path == around);
        let (at, indent) = match parent {
            None if around.is_empty() => (lines.len(), 0),
            Some(parent) if !parent.has_scalar => {
                let child = live_keys
                    .iter()
                    .find(|other| other.path.len() == around.len() + 1 && other.path.starts_with(around));
                (parent.end, child.map_or(parent.indent + 2, |child| child.indent))
            }
            // The live file has a value where the template has keys: nobody but its administrator knows what is meant.
            _ => {
                found.unknown.push(key.path.join("."));
                whole.push(key.path);
                continue;
            }
        };
        let block = wanted[key.first..key.end].iter().map(|line| {
            let own = line.len() - line.trim_start().len();
            let text = line.trim_start();
            if text.is_empty() {
                String::new()
            } else {
                " ".repeat((own + indent).saturating_sub(key.indent)) + text
            }
        });
        lines.splice(at..at, block.collect::<Vec<_>>());
        whole.push(key.path);
    }
    if !found.keys.is_empty() {
        found.proposal = lines.join("\n") + "\n";
    }
    found
}

/// The keys of a YAML text, in their order.
fn keys(lines: &[&str]) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    // Lines deeper than this belong to a list or to a text in several lines.
    let mut inside: Option<usize> = None;
    let indent_of = |line: &str| line.len() - line.trim_start().len();
    for (n, line) in lines.iter().enumerate() {
        let (text, indent) = (line.trim(), indent_of(line));
        if text.is_empty() || text.starts_with('#') || text == "---" {
            continue;
        }
        if inside.is_some_and(|depth| indent > depth) {
            continue;
        }
        inside = None;
        if text.starts_with("- ") || text == "-" {
            inside = Some(indent);
            continue;
        }
        let Some((name, value)) =
            text.split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with(' '))
        else {
            continue;
        };
        let mut path: Vec<String> = Vec::new();
        if let Some(around) = keys.iter().rev().find(|key| key.indent < indent) {
            path.clone_from(&around.path);
        }
        path.push(name.trim_matches(['"', '\'']).to_owned());
        let value = value.split(" #").next().unwrap_or_default().trim();
        if value.starts_with(['|', '>']) {
            inside = Some(indent);
        }
        let comment = lines[..n]
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with('#') && indent_of(line) == indent);
        keys.push(Key {
            path,
            indent,
            first: n - comment.count(),
            end: n + 1,
            has_scalar: !value.is_empty(),
        });
    }
    // A key's value goes on to the next line that is not deeper; blank lines and comments before that are not part of it.
    for key in &mut keys {
        let own = lines.iter().enumerate().skip(key.end).filter(|(_, line)| {
            let text = line.trim();
            !text.is_empty() && !text.starts_with('#')
        });
        let deeper = own.take_while(|(_, line)| {
            indent_of(line) > key.indent
                || (indent_of(line) == key.indent && line.trim_start().starts_with('-'))
        });
        key.end = deeper.last().map_or(key.end, |(n, _)| n + 1);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(name: &str, template: &str, live: &str, random: Random) -> Result<Missing> {
        by(Dialect::Make, name, template, live, random)
    }

    fn by(dialect: Dialect, name: &str, template: &str, live: &str, random: Random) -> Result<Missing> {
        super::missing(name, template, live, &Reader { dialect, outside: &BTreeMap::new() }, random)
    }

    #[test]
    fn a_file_of_settings_is_read_as_its_program_reads_it() {
        let template = "export A=1\nB=\"x y\" # why\nC=${A:-2}\nD=\nE='#'\n";
        let live = "A: 3\r\nTEXT=\"\nD=4\nB=5\n\"\r\n";
        let found = by(Dialect::Compose, ".env", template, live, &random).unwrap();
        assert_eq!((found.keys.join(" "), found.unknown.len()), ("B C D E".into(), 0));
        let added = "B=\"x y\"\r\nC=${A:-2}\r\nD=\r\nE='#'\r\n";
        assert_eq!(found.proposal, format!("{live}{added}"));
        let found = by(Dialect::Shell, ".env", "A=`id`\nB=1\n", "export X=1; B=2\n", &random).unwrap();
        assert_eq!((found.keys, found.unknown), (vec!["A".to_owned()], vec!["A".to_owned()]));
        let refused = by(Dialect::Compose, ".env", template, "X=\"open\n", &random).unwrap_err();
        assert_eq!(refused.kind, Kind::Refused);
    }

    #[test]
    fn keys_are_added_where_they_belong_and_nothing_else_changes() {
        let template = "server:\n  auth: x\n  # In gigabytes.\n  max_upload: 50\n  list:\n    - a: 1\n      b: 2\nqueue:\n  \
                        url: y\nlog:\n  level: INFO\n";
        let live = "# mine\nserver:\n    auth: mine   # why\n    list: []\n\n# the queue\nqueue: off\n";
        let found = missing("config.yaml", template, live, &random).unwrap();
        assert_eq!(found.keys, ["server.max_upload", "queue.url", "log"]);
        assert_eq!(
            found.proposal,
            "# mine\nserver:\n    auth: mine   # why\n    list: []\n    # In gigabytes.\n    max_upload: 50\n\n# the queue\nqueue: \
             off\nlog:\n  level: INFO\n"
        );
        assert_eq!(missing("config.yaml", template, template, &random).unwrap().keys, [""; 0]);
        assert_eq!(missing("config.yaml", live, live, &random).unwrap(), nothing(live));
    }

    #[test]
    fn settings_are_added_unless_their_value_is_made() {
        let template =
            "\techo \"SERVICES=a b\"; \\\n\techo \"PART=64\"; \\\n\techo \"SECRET=$$(secret)\"; \\\n";
        let found = missing(".env", template, "SERVICES=a\nLAST=1", &random).unwrap();
        assert_eq!(found.keys, ["PART", "SECRET"]);
        assert_eq!(found.unknown, ["SECRET"]);
        assert_eq!(found.proposal, "SERVICES=a\nLAST=1\nPART=64\n");
    }

    #[test]
    fn a_secret_that_the_makefile_makes_is_made_and_never_added_empty() {
        let template = "\t@printf \"NEW_SECRET=hsvc_\" >> x\n\t@LC_ALL=C tr -dc 'A-Z0-9' </dev/urandom | head -c 48 >> \
                        x\n\t@printf \"\\n\" >> x\n\t@printf \"OTHER=\" >> x\n\t@hostid >> x\n";
        let found = missing(".env", template, "", &random).unwrap();
        assert_eq!(
            (found.keys.join(" "), found.unknown.join(" ")),
            ("NEW_SECRET OTHER".into(), "OTHER".into())
        );
        let made = found.proposal.strip_prefix("NEW_SECRET=hsvc_").unwrap().trim_end();
        assert!(
            made.len() == 48 && made.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()),
            "{made}"
        );
        assert_ne!(missing(".env", template, "", &random).unwrap().proposal, found.proposal);
        let shown = missing(".env", template, "", &shown).unwrap().proposal;
        assert_eq!(shown, "NEW_SECRET=hsvc_(48 random characters)\n");
    }
}
