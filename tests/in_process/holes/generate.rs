//! What is spoilt: values that are not there, names that are misspelt, and units that are none. It is the same each time.

use super::scene::Scene;
use super::tokens::{KEYWORDS, Sort, Token, closing, tokens};
use std::collections::BTreeSet;
use std::ops::Range;

/// A script with one fault.
pub struct Mutation {
    pub sort: &'static str,
    /// The script, as a run names it.
    pub path: String,
    pub text: String,
    /// Where the fault is, in bytes.
    pub at: usize,
}

impl std::fmt::Display for Mutation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.text[..self.at.min(self.text.len())].matches('\n').count();
        let written = self.text.lines().nth(line).unwrap_or_default().trim();
        write!(out, "{} in {}:{}: {written}", self.sort, self.path, line + 1)
    }
}

pub const SORTS: [&str; 8] = [
    "nothing in a text",
    "nothing for a variable",
    "nothing is kept in a variable",
    "a key misspelt that is read",
    "a key misspelt that is written",
    "a unit misspelt",
    "a unit left out",
    "a text for a length of time",
];

/// Every fault in all that the scenes read, each text once.
pub fn all(scenes: &[Scene]) -> Vec<Mutation> {
    let mut done = BTreeSet::new();
    let mut made = Vec::new();
    for (path, text) in scenes.iter().flat_map(|scene| &scene.texts) {
        if done.insert(path) {
            let mut generator = Generator { path, text, tokens: tokens(text), made: &mut made };
            generator.texts();
            generator.variables();
            generator.keys();
            generator.units();
        }
    }
    made
}

struct Generator<'a> {
    path: &'a str,
    text: &'a str,
    tokens: Vec<Token<'a>>,
    made: &'a mut Vec<Mutation>,
}

impl Generator<'_> {
    fn word(&self, n: usize) -> &str {
        self.tokens.get(n).map_or("", |token| token.text)
    }

    fn before(&self, n: usize) -> &str {
        n.checked_sub(1).map_or("", |n| self.word(n))
    }

    fn make(&mut self, sort: &'static str, range: Range<usize>, put: &str) {
        let mut text = self.text.to_owned();
        let at = range.start;
        text.replace_range(range, put);
        self.made.push(Mutation { sort, path: self.path.into(), text, at });
    }

    /// `${name}` becomes `${()}`.
    fn texts(&mut self) {
        for (start, _) in self.text.match_indices("${") {
            let first = self.tokens.iter().position(|token| token.start >= start + 2);
            let is_within =
                |token: &Token| token.sort == Sort::Text && (token.start..token.end).contains(&start);
            let comment = self.text[..start]
                .rsplit('\n')
                .next()
                .is_some_and(|line| line.trim_start().starts_with("//"));
            let (Some(first), false, false) = (first, comment, self.tokens.iter().any(is_within)) else {
                continue;
            };
            let mut end = self.tokens[first].end;
            let mut n = first;
            while !self.text[end..].trim_start_matches(' ').starts_with('}') {
                if ["(", "[", "{", "#{"].contains(&self.word(n)) && self.tokens[n].sort == Sort::Sign {
                    n = closing(&self.tokens, n);
                    end = self.tokens[n].end;
                    continue;
                }
                n += 1;
                end = self.tokens[n].end;
            }
            self.make("nothing in a text", start + 2..end, "()");
        }
    }

    fn variables(&mut self) {
        let mut parameters_end = 0;
        let mut in_pipes = false;
        for n in 0..self.tokens.len() {
            let token = self.tokens[n];
            if token.text == "(" && n >= 2 && self.word(n - 2) == "fn" {
                parameters_end = closing(&self.tokens, n);
            }
            if token.text == "|" && token.sort == Sort::Sign {
                let operator = self.before(n) == "|" || self.word(n + 1) == "|";
                in_pipes = !operator && !in_pipes;
            }
            if token.text == "let" && token.sort == Sort::Word && self.word(n + 2) == "=" {
                self.kept(n + 3);
            }
            let is_use = token.sort == Sort::Word
                && !KEYWORDS.contains(&token.text)
                && (n > parameters_end || parameters_end == 0)
                && !in_pipes
                && !["(", ":"].contains(&self.word(n + 1))
                && !["fn", "let", "for", "as", ".", "::", "const"].contains(&self.before(n))
                && !(self.before(n) == "(" && n >= 2 && self.word(n - 2) == "catch")
                && self.word(n + 1) != "::"
                // Assigned to, it is no value; and what stands before `??` may be nothing.
                && !(self.word(n + 1) == "=" && self.word(n + 2) != "=")
                && !(self.word(n + 1) == "?" && self.word(n + 2) == "?");
            if is_use {
                self.make("nothing for a variable", token.start..token.end, "()");
            }
        }
    }

    /// `let name = value;` becomes `let name = ();`.
    fn kept(&mut self, first: usize) {
        let mut n = first;
        while self.word(n) != ";" && n < self.tokens.len() {
            let opens = ["(", "[", "{", "#{"].contains(&self.word(n)) && self.tokens[n].sort == Sort::Sign;
            n = if opens { closing(&self.tokens, n) + 1 } else { n + 1 };
        }
        if let (Some(value), Some(end)) = (self.tokens.get(first), self.tokens.get(n)) {
            let (start, end) = (value.start, end.start);
            self.make("nothing is kept in a variable", start..end, "()");
        }
    }

    /// `map.key`, `map["key"]` and `#{ key: value }`.
    fn keys(&mut self) {
        for n in 0..self.tokens.len() {
            let token = self.tokens[n];
            let is_number = n >= 2 && self.tokens[n - 2].sort == Sort::Number;
            if token.sort == Sort::Word && self.before(n) == "." && self.word(n + 1) != "(" && !is_number {
                let is_written = self.word(n + 1) == "=" && self.word(n + 2) != "=";
                let sort =
                    if is_written { "a key misspelt that is written" } else { "a key misspelt that is read" };
                self.make(sort, token.start..token.end, &misspelt(token.text));
            }
            if token.sort == Sort::Text
                && self.before(n) == "["
                && self.word(n + 1) == "]"
                && n >= 2
                && matches!(self.tokens[n - 2].sort, Sort::Word)
                && !KEYWORDS.contains(&self.word(n - 2))
            {
                let wrong = format!("\"{}\"", misspelt(token.text.trim_matches('"')));
                self.make("a key misspelt that is read", token.start..token.end, &wrong);
            }
            if token.sort == Sort::Word && self.word(n + 1) == ":" && ["#{", ","].contains(&self.before(n)) {
                self.make("a key misspelt that is written", token.start..token.end, &misspelt(token.text));
            }
        }
    }

    /// `5.minutes`.
    fn units(&mut self) {
        for n in 0..self.tokens.len() {
            let token = self.tokens[n];
            if token.sort == Sort::Number && self.word(n + 1) == "." && self.tokens[n + 2].sort == Sort::Word
            {
                let unit = self.tokens[n + 2];
                let (start, end) = (token.start, unit.end);
                self.make("a unit misspelt", unit.start..unit.end, &misspelt(unit.text));
                self.make("a unit misspelt", unit.start..unit.end, "parsecs");
                self.make("a unit left out", start..end, token.text);
                self.make("a text for a length of time", start..end, "\"soon\"");
                self.make(
                    "a text for a length of time",
                    start..end,
                    &format!("\"{} fortnights\"", token.text),
                );
            }
        }
    }
}

/// Two letters beside each other exchanged; else one more.
pub fn misspelt(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let middle = letters.len().saturating_sub(1) / 2;
    for at in (middle..letters.len().saturating_sub(1)).chain(0..middle) {
        if letters[at] != letters[at + 1] {
            let mut other = letters.clone();
            other.swap(at, at + 1);
            return other.into_iter().collect();
        }
    }
    format!("{word}{word}")
}
