//! A settings file as a POSIX shell reads it with `. FILE`, as far as it holds nothing but assignments: `NAME=word`, also
//! several on a line, `export NAME=word` and `export NAME`.
//!
//! Nothing is ever run. A line with anything else refuses the file, and of a value with a command, `$1` or `~user` in it
//! nothing is known. Where dash and bash differ, nothing is known either.

mod reference;
mod word;

use super::reading::{Budget, Form, Lines, Outside, Reading, Setting, Value};
use std::collections::BTreeMap;

/// Names that a shell sets itself.
const OWN: [&str; 19] = [
    "LINENO",
    "PPID",
    "OPTIND",
    "OPTARG",
    "RANDOM",
    "SECONDS",
    "UID",
    "EUID",
    "GROUPS",
    "PWD",
    "OLDPWD",
    "IFS",
    "PS1",
    "PS2",
    "PS4",
    "HOSTNAME",
    "SHLVL",
    "SHELLOPTS",
    "_",
];

/// Those of them that are plain variables for dash; bash ends with an error when they are set.
const OWN_OF_BASH: [&str; 2] = ["UID", "EUID"];

/// The way through a file.
struct Shell<'a> {
    text: &'a str,
    at: usize,
    outside: &'a Outside,
    values: BTreeMap<String, Value>,
    budget: Budget,
}

/// Reads a file. Fails with the line and the reason if it holds more than assignments.
pub(super) fn read(text: &str, outside: &Outside) -> Result<Reading, String> {
    let mut lines = Lines::new(text);
    let mut shell = Shell { text, at: 0, outside, values: BTreeMap::new(), budget: Budget::new() };
    let mut settings = Vec::new();
    loop {
        shell.skip_blanks();
        let line = lines.at(shell.at);
        match shell.next() {
            None => return Ok(Reading::new(settings, shell.values)),
            Some('\n') => shell.at += 1,
            Some('#') => shell.skip_comment(),
            Some(_) => {
                shell.command(&mut lines, &mut settings).map_err(|why| format!("line {line}: {why}"))?
            }
        }
    }
}

impl<'a> Shell<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over a text, if it is what follows.
    fn took(&mut self, expected: &str) -> bool {
        let is_next = self.rest().starts_with(expected);
        if is_next {
            self.at += expected.len();
        }
        is_next
    }

    /// Blanks, and line ends that a backslash takes away.
    fn skip_blanks(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t']).len();
            if !self.took("\\\n") {
                return;
            }
        }
    }

    fn skip_comment(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// The longest name that follows; empty if none does.
    fn name(&self) -> &'a str {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) {
            return "";
        }
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Whether a word ends here.
    fn is_at_end_of_word(&self) -> bool {
        self.next().is_none_or(|c| [' ', '\t', '\n', ';'].contains(&c))
    }

    /// Assignments up to the end of the line, or up to `;`.
    fn command(&mut self, lines: &mut Lines, settings: &mut Vec<Setting>) -> Result<(), String> {
        let start = self.at;
        let is_export = self.name() == "export" && {
            self.at += "export".len();
            let is_word = [Some(' '), Some('\t')].contains(&self.next());
            self.at = if is_word { self.at } else { start };
            is_word
        };
        let mut new: Vec<(String, Value)> = Vec::new();
        let first = settings.len();
        loop {
            self.skip_blanks();
            let place = self.at;
            match self.next() {
                None | Some('\n') => break,
                Some('#') => {
                    self.skip_comment();
                    break;
                }
                Some(';') => {
                    self.at += 1;
                    self.skip_blanks();
                    if self.rest().starts_with([';', '&']) {
                        return Err("`;` is not between two settings".into());
                    }
                    break;
                }
                _ => {}
            }
            let name = self.name().to_owned();
            self.at += name.len();
            let line = lines.at(place);
            if name.is_empty() {
                return Err("it is not an assignment".into());
            }
            if is_export && self.is_at_end_of_word() {
                let value = self.values.get(&name).cloned();
                let value = value.unwrap_or_else(|| Ok(self.outside.get(&name).cloned()));
                settings.push(Setting {
                    name: name.clone(),
                    place: self.at..self.at,
                    line,
                    form: Form::Bare,
                });
                new.push((name, value));
                continue;
            }
            if !self.took("=") {
                return Err(format!("`{name}` is not assigned to"));
            }
            let start = self.at;
            let mut value = self.word(is_export)?;
            if name == "IFS" {
                return Err("`IFS` changes how the shell reads what follows".into());
            }
            if OWN.contains(&name.as_str()) && !OWN_OF_BASH.contains(&name.as_str()) {
                value = Err(format!("`{name}` belongs to the shell"));
            }
            settings.push(Setting { name: name.clone(), place: start..self.at, line, form: Form::Given });
            match is_export {
                // All words of an export are replaced before the first is assigned.
                true => new.push((name, value.map(Some))),
                false => {
                    self.values.insert(name, value.map(Some));
                }
            }
        }
        self.values.extend(new);
        match settings.len() > first {
            true => Ok(()),
            false => Err("it is not an assignment".into()),
        }
    }
}

/// The ways to write a value that need more than quotes around it; the second can hold everything.
pub(super) fn written(value: &str) -> Vec<String> {
    let mut double = String::from("\"");
    for c in value.chars() {
        if ['\\', '"', '$', '`'].contains(&c) {
            double.push('\\');
        }
        double.push(c);
    }
    double.push('"');
    vec![double, format!("'{}'", value.replace('\'', "'\\''"))]
}
