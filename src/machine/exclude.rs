//! Patterns of what is excluded from backups, with the meaning that they have for restic.
//!
//! A pattern is compared part by part with a path. One that begins with `/` begins at the root; any other may begin at any
//! folder. Whatever lies in something that a pattern names is excluded, too. `*`, `?` and `[a-z]` stand for characters of
//! one name, `**` for any number of folders. A pattern after `!` takes back what those before it excluded, as long as the
//! folder around it is not excluded itself. Besides, `~/` is the server's home here, as everywhere in a site.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The most patterns that are read of a backup, and the most bytes of each.
const MOST: usize = 1000;
const LONGEST: usize = 4096;

/// Lists of patterns.
#[derive(Clone, Debug, Default)]
pub struct Exclude {
    home: PathBuf,
    patterns: Vec<Pattern>,
    /// A second list, which excludes for itself.
    others: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// As it was written.
    written: String,
    takes_back: bool,
    parts: Vec<Part>,
    /// The same with the links resolved that lead there.
    real: Option<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Root,
    /// `**`: any number of folders.
    Any,
    Name(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// Ranges of characters, and whether they are those that are not meant.
    Class(Vec<(char, char)>, bool),
}

impl Exclude {
    /// Fails with a pattern that can't be read, and what is wrong with it. Empty ones say nothing.
    pub fn new<'a>(
        written: impl IntoIterator<Item = &'a str>,
        home: &Path,
    ) -> Result<Exclude, (String, String)> {
        let mut patterns = Vec::new();
        for written in written.into_iter().filter(|written| !written.is_empty()) {
            patterns.push(Pattern::new(written, home).map_err(|why| (written.to_owned(), why))?);
        }
        Ok(Exclude { home: home.to_owned(), patterns, others: Vec::new() })
    }

    /// With what a second list excludes, as a backup has it. A pattern that can't be read excluded nothing there.
    pub fn with<'a>(&self, written: impl IntoIterator<Item = &'a str>) -> Exclude {
        let read =
            written.into_iter().take(MOST).filter_map(|written| Pattern::new(written, &self.home).ok());
        Exclude { others: read.collect(), ..self.clone() }
    }

    /// The patterns, as they were written.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| pattern.written.as_str())
    }

    /// The pattern that excludes an absolute path; none if it is not excluded.
    pub fn of(&self, path: &Path) -> Option<&str> {
        if self.patterns.is_empty() && self.others.is_empty() {
            return None;
        }
        let path = names(path);
        excluding(&self.patterns, &path).or_else(|| excluding(&self.others, &path))
    }
}

fn excluding<'a>(patterns: &'a [Pattern], path: &[Vec<char>]) -> Option<&'a str> {
    let mut found = None;
    for pattern in patterns {
        // Only these can change anything.
        if pattern.takes_back == found.is_some() {
            let matches = |parts: &Vec<Part>| matches(parts, path);
            if matches(&pattern.parts) || pattern.real.as_ref().is_some_and(matches) {
                found = (!pattern.takes_back).then_some(pattern.written.as_str());
            }
        }
    }
    found
}

impl Pattern {
    fn new(written: &str, home: &Path) -> Result<Pattern, String> {
        if written.len() > LONGEST {
            return Err(format!("it has more than {LONGEST} bytes"));
        }
        let (takes_back, text) = match written.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let text = match text.strip_prefix("~/") {
            Some(rest) => format!("{}/{rest}", escaped(&home.to_string_lossy())),
            None => text.to_owned(),
        };
        let parts = parts(&text)?;
        let real = real(&parts);
        Ok(Pattern { written: written.to_owned(), takes_back, parts, real })
    }
}

/// The parts of a path, as characters; its root is one.
fn names(path: &Path) -> Vec<Vec<char>> {
    let name = |name: &OsStr| -> Vec<char> {
        let mut text = Vec::new();
        for chunk in name.as_bytes().utf8_chunks() {
            text.extend(chunk.valid().chars());
            // What is no text is one character a byte.
            text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        text
    };
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.map(|part| name(part.as_os_str())).collect()
}

/// Whether the path, or a folder that it is in, is one of those that the parts name.
fn matches(parts: &[Part], path: &[Vec<char>]) -> bool {
    let is_absolute = path.first().is_some_and(|first| first == &['/']);
    let (first, last) = match parts.first() {
        None => return false,
        Some(Part::Root) => (0, 0),
        Some(_) => (usize::from(is_absolute), path.len().saturating_sub(1)),
    };
    (first..=last).any(|start| matches_at(parts, &path[start.min(path.len())..]))
}

fn matches_at(parts: &[Part], path: &[Vec<char>]) -> bool {
    // How many names may be taken by the parts so far. Each step is bounded by the length of the path, however many `**`
    // there are.
    let mut taken = vec![false; path.len() + 1];
    taken[0] = true;
    for part in parts {
        let mut next = vec![false; path.len() + 1];
        for at in (0..=path.len()).filter(|at| taken[*at]) {
            match part {
                Part::Any => next[at..].fill(true),
                Part::Root if path.get(at).is_some_and(|name| name == &['/']) => next[at + 1] = true,
                Part::Name(tokens) if path.get(at).is_some_and(|name| is_name(tokens, name)) => {
                    next[at + 1] = true;
                }
                _ => {}
            }
        }
        taken = next;
    }
    !path.is_empty() && taken.contains(&true)
}

fn is_name(tokens: &[Token], name: &[char]) -> bool {
    let (mut token, mut at) = (0, 0);
    // Where the last `*` was, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        let is_one = match tokens.get(token) {
            Some(Token::Many) => {
                star = Some((token, at));
                token += 1;
                continue;
            }
            Some(Token::One) => name[at] != '/',
            Some(Token::Char(char)) => *char == name[at],
            Some(Token::Class(ranges, is_not)) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&&name[at])) != *is_not && name[at] != '/'
            }
            None => false,
        };
        match (is_one, star) {
            (true, _) => (token, at) = (token + 1, at + 1),
            (false, Some((many, from))) if name[from] != '/' => {
                star = Some((many, from + 1));
                (token, at) = (many + 1, from + 1);
            }
            (false, _) => return false,
        }
    }
    tokens[token..].iter().all(|token| *token == Token::Many)
}

/// Reads a pattern: without `.`, without a slash at the end, and with `..` taken back.
fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    if text.starts_with('/') {
        parts.push(Part::Root);
    }
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last() == Some(&Part::Root) => {}
            ".." if !parts.is_empty() => {
                parts.pop();
            }
            ".." => return Err("`..` at its beginning leads nowhere".into()),
            "**" => parts.push(Part::Any),
            name => parts.push(Part::Name(tokens(name)?)),
        }
    }
    if parts.is_empty() { Err("it names nothing".into()) } else { Ok(parts) }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    let open = || "its `[` has no `]`".to_owned();
    while let Some(char) = chars.next() {
        tokens.push(match char {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => Token::Char(chars.next().ok_or("nothing follows its last `\\`")?),
            '[' => {
                let is_not = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    match chars.next().ok_or_else(open)? {
                        ']' if !ranges.is_empty() => break,
                        ']' => return Err("its `[]` names no character".into()),
                        from => {
                            let mut one = |char: char| match char {
                                '-' => Err("a `-` in its `[]` stands between no two characters: write `\\-`".into()),
                                '\\' => chars.next().ok_or_else(open),
                                char => Ok(char),
                            };
                            let from = one(from)?;
                            let to = match chars.next_if_eq(&'-') {
                                None => from,
                                Some(_) => match chars.next().ok_or_else(open)? {
                                    '\\' => chars.next().ok_or_else(open)?,
                                    ']' | '-' => {
                                        return Err("a `-` in its `[]` stands between no two characters: write `\\-`".into());
                                    }
                                    to => to,
                                },
                            };
                            ranges.push((from, to));
                        }
                    }
                }
                Token::Class(ranges, is_not)
            }
            char => Token::Char(char),
        });
    }
    Ok(tokens)
}

/// A path as a pattern that means it alone.
pub fn escaped(path: &str) -> String {
    let mut text = String::new();
    for char in path.chars() {
        if ['\\', '*', '?', '['].contains(&char) {
            text.push('\\');
        }
        text.push(char);
    }
    text
}

/// The parts with the links resolved in the folders at their beginning that are no patterns: a backup reads data where it
/// is, whichever links lead there.
fn real(parts: &[Part]) -> Option<Vec<Part>> {
    let plain = |part: &Part| -> Option<String> {
        let Part::Name(tokens) = part else { return None };
        tokens.iter().map(|token| if let Token::Char(char) = token { Some(*char) } else { None }).collect()
    };
    if parts.first() != Some(&Part::Root) {
        return None;
    }
    let mut folder = PathBuf::from("/");
    let mut rest = &parts[1..];
    // The last one is what is meant itself, also if it is a link.
    while let [first, _, ..] = rest
        && let Some(name) = plain(first)
    {
        folder.push(name);
        rest = &rest[1..];
    }
    let real = folder.canonicalize().ok().filter(|real| *real != folder)?;
    let real = self::parts(&escaped(real.to_str()?)).ok()?;
    Some([&real, rest].concat())
}

#[cfg(test)]
mod tests;
