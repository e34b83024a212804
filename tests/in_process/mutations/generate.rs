//! The generator. What it makes is the same each time.

use super::tokens::{KEYWORDS, Sort, Token, arguments, closing, tokens};
use banister::internals::primitives;
use banister::primitive::Parameter;
use std::ops::Range;

/// A script that the program brings.
pub struct Script {
    pub folder: &'static str,
    pub name: String,
    pub text: String,
}

/// A script with one mistake.
pub struct Mutation {
    pub sort: &'static str,
    pub text: String,
    /// Where the mistake is, from 1.
    pub line: usize,
    /// Where else it may be told: of a bracket that was lost, where its other one is; of one that opens at the end of its
    /// line, in the next, where the parser sees what is left.
    pub others: Vec<usize>,
    /// Whether it can't be told for sure that it is a mistake, so that the check only warns.
    pub warning: bool,
}

/// Functions of Rhai's own that may be called with an argument less than they are here, as far as anybody can tell who
/// does not know the type of the receiver; of `call`, who does not know which closure it is.
const TAKE_FEWER: [&str; 5] = ["split", "extract", "sub_string", "parse_int", "call"];
/// And those that may be called with one more.
const TAKE_MORE: [&str; 5] = ["split", "pop", "sub_string", "parse_int", "call"];

struct Generator<'a> {
    script: &'a Script,
    tokens: Vec<Token<'a>>,
    made: Vec<Mutation>,
}

/// Every mistake that is made in a script.
pub fn mutations(script: &Script) -> Vec<Mutation> {
    let mut generator = Generator { script, tokens: tokens(&script.text), made: Vec::new() };
    generator.calls();
    generator.variables();
    generator.signs();
    generator.keywords();
    generator.steps();
    generator.imports();
    generator.made
}

/// A call: the number of its name's token and of its bracket's.
#[derive(Clone, Copy)]
struct Call {
    name: usize,
    open: usize,
    dotted: bool,
    module: bool,
}

impl<'a> Generator<'a> {
    fn text(&self, n: usize) -> &'a str {
        self.tokens.get(n).map_or("", |token| token.text)
    }

    fn line(&self, at: usize) -> usize {
        self.script.text[..at].matches('\n').count() + 1
    }

    fn is(&self, n: Option<usize>, text: &str) -> bool {
        n.is_some_and(|n| self.text(n) == text)
    }

    /// Puts something in the place of a part of the text. The mistake is where `at` is.
    fn make(&mut self, sort: &'static str, range: Range<usize>, put: &str, at: usize, warning: bool) {
        let mut text = self.script.text.clone();
        text.replace_range(range, put);
        let line = self.line(at);
        self.made.push(Mutation { sort, text, line, others: Vec::new(), warning });
    }

    fn all_calls(&self) -> Vec<Call> {
        let call = |n: usize| {
            let token = self.tokens[n];
            let before = n.checked_sub(1);
            let plain = token.sort == Sort::Word
                && !KEYWORDS.contains(&token.text)
                && self.text(n + 1) == "("
                && !self.is(before, "fn");
            plain.then(|| Call {
                name: n,
                open: n + 1,
                dotted: self.is(before, "."),
                module: self.is(before, "::"),
            })
        };
        (0..self.tokens.len()).filter_map(call).collect()
    }

    fn calls(&mut self) {
        for call in self.all_calls() {
            let name = self.tokens[call.name];
            let wrong = misspelt(name.text);
            let own = self.script.text.contains(&format!("fn {}(", name.text));
            let primitive = primitives::find(name.text).filter(|_| !call.module && !own);
            // A method of Rhai's own may be a closure in a map: then a name that is like no other is right.
            let native = call.dotted && primitive.is_none();
            self.make("a call misspelt", name.start..name.end, &wrong, name.start, native);
            let given = arguments(&self.tokens, call.open);
            let open = self.tokens[call.open];
            let close = self.tokens[closing(&self.tokens, call.open)];
            let (fewest, most) = match primitive {
                Some(primitive) => {
                    let (fewest, most) = primitive.page().signature.arity();
                    (fewest - usize::from(call.dotted), most - usize::from(call.dotted))
                }
                None if TAKE_FEWER.contains(&name.text) => (0, given.len()),
                None => (given.len(), given.len()),
            };
            if let Some(last) = given.last()
                && given.len() - 1 < fewest
                // The options in a variable may be a closure in it as well.
                && !(name.text == "parallel" && given.len() == 3)
            {
                let start = given.len().checked_sub(2).map_or(open.end, |n| given[n].end);
                self.make("an argument dropped", start..last.end, "", name.start, native);
            }
            let surplus = if given.is_empty() { "\"surplus\"" } else { ", \"surplus\"" };
            // Of a primitive that takes options, any more text than that.
            let many = surplus.to_owned() + ", \"surplus\"".repeat(most.saturating_sub(given.len())).as_str();
            if !TAKE_MORE.contains(&name.text) {
                self.make("an argument added", close.start..close.start, &many, name.start, native);
            }
            if let Some(primitive) = primitive {
                let signature = primitive.page().signature;
                let hidden = usize::from(call.dotted);
                for (n, range) in given.iter().enumerate() {
                    if signature.options_at(n + hidden, given.len() + hidden) {
                        if self.script.text[range.clone()].starts_with("#{") {
                            self.options(range.start, &signature.options);
                        }
                        continue;
                    }
                    if let Some(parameter) = signature.positional.get(n + hidden)
                        && let Some(wrong) = other_kind(&parameter.of)
                    {
                        self.make("an argument of another type", range.clone(), wrong, range.start, false);
                    }
                }
            }
        }
    }

    /// The options of a primitive, in the map that begins at this byte.
    fn options(&mut self, start: usize, known: &[Parameter]) {
        let open = self.tokens.iter().position(|token| token.start == start).unwrap();
        let values = arguments(&self.tokens, open);
        for pair in values {
            let n = self.tokens.iter().position(|token| token.start == pair.start).unwrap();
            let key = self.tokens[n];
            let wrong = misspelt(key.text);
            self.make("an option misspelt", key.start..key.end, &wrong, key.start, false);
            let value = self.tokens[n + 2].start;
            let option = known.iter().find(|option| option.name == key.text).unwrap();
            if let Some(wrong) = other_kind(&option.of) {
                self.make("an option of another type", value..pair.end, wrong, value, false);
            }
        }
    }

    fn variables(&mut self) {
        let mut in_parameters = 0;
        let mut in_pipes = false;
        for n in 0..self.tokens.len() {
            let token = self.tokens[n];
            let before = n.checked_sub(1);
            if token.text == "(" && self.is(n.checked_sub(2), "fn") {
                in_parameters = closing(&self.tokens, n);
            }
            // No script that is bundled has `||` or `|` as an operator with spaces left out.
            if token.text == "|" && token.sort == Sort::Sign {
                let operator = self.is(before, "|") || self.text(n + 1) == "|";
                in_pipes = !operator && !in_pipes;
            }
            let use_of = token.sort == Sort::Word
                && !KEYWORDS.contains(&token.text)
                && n > in_parameters
                && !in_pipes
                && !["(", "::"].contains(&self.text(n + 1))
                && self.text(n + 1) != ":"
                && !["fn", "let", "for", "as", ".", "::", "const"].iter().any(|word| self.is(before, word))
                && !(self.is(before, "(") && self.is(n.checked_sub(2), "catch"));
            if use_of {
                let wrong = misspelt(token.text);
                self.make("a variable misspelt", token.start..token.end, &wrong, token.start, false);
            }
        }
    }

    fn signs(&mut self) {
        for n in 0..self.tokens.len() {
            let token = self.tokens[n];
            let sort = match (token.sort, token.text) {
                (Sort::Sign, "{" | "}" | "#{") => "a brace lost",
                (Sort::Sign, "(" | ")" | "[" | "]") => "a bracket lost",
                (Sort::Tick, _) => "a backtick lost",
                (Sort::Text, _) => {
                    self.make("a quote lost", token.start..token.start + 1, "", token.start, false);
                    self.make("a quote lost", token.end - 1..token.end, "", token.start, false);
                    continue;
                }
                (Sort::Sign, ";") if self.text(n + 1) != "}" && !self.text(n + 1).is_empty() => {
                    "a semicolon lost"
                }
                // After the last item it may be left out.
                (Sort::Sign, ",") if !["]", "}", ")"].contains(&self.text(n + 1)) => "a comma lost",
                _ => continue,
            };
            self.make(sort, token.start..token.end, "", token.start, false);
            let pairs = self.pairs();
            let pair = pairs.iter().find(|(open, close)| *open == n || *close == n);
            if let Some((open, close)) = pair {
                let other = self.tokens[if *open == n { *close } else { *open }].start;
                let line = self.line(other);
                let own = self.line(token.start);
                let opens = *open == n;
                let made = self.made.last_mut().unwrap();
                made.others.push(line);
                if opens && self.script.text[token.end..].trim_start_matches(' ').starts_with('\n') {
                    made.others.push(own + 1);
                }
            }
        }
    }

    /// Brackets and backticks with their other ones.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut ticks: Vec<usize> = Vec::new();
        let mut pairs = Vec::new();
        for n in 0..self.tokens.len() {
            if self.tokens[n].sort == Sort::Sign && ["(", "[", "{", "#{"].contains(&self.text(n)) {
                pairs.push((n, closing(&self.tokens, n)));
            }
        }
        for n in 0..self.tokens.len() {
            if self.tokens[n].sort == Sort::Tick {
                match self.tokens[n].opens {
                    true => ticks.push(n),
                    false => pairs.extend(ticks.pop().map(|open| (open, n))),
                }
            }
        }
        pairs
    }

    fn keywords(&mut self) {
        for n in 0..self.tokens.len() {
            let token = self.tokens[n];
            let known = KEYWORDS.contains(&token.text) && !["true", "false"].contains(&token.text);
            if token.sort == Sort::Word && known && !self.is(n.checked_sub(1), ".") {
                self.make(
                    "a keyword broken",
                    token.start..token.end,
                    &misspelt(token.text),
                    token.start,
                    false,
                );
            }
        }
    }

    /// Each step gets the name of another one in the same function.
    fn steps(&mut self) {
        let mut steps: Vec<(usize, usize)> = Vec::new();
        let mut function = 0;
        for n in 0..self.tokens.len() {
            if self.text(n) == "fn" {
                function += 1;
            }
            if self.text(n) == "step" && self.tokens.get(n + 1).is_some_and(|name| name.sort == Sort::Text) {
                steps.push((function, n + 1));
            }
        }
        for (n, (function, name)) in steps.iter().enumerate() {
            let Some((_, other)) = steps[..n].iter().rev().find(|(of, _)| of == function) else { continue };
            let (name, other) = (self.tokens[*name], self.tokens[*other]);
            self.make("two steps of one name", name.start..name.end, other.text, name.start, false);
            // The later one is told, and there may be a third.
            let same =
                steps[n + 1..].iter().find(|(of, step)| of == function && self.text(*step) == other.text);
            if let Some((_, same)) = same {
                let line = self.line(self.tokens[*same].start);
                self.made.last_mut().unwrap().others.push(line);
            }
        }
    }

    fn imports(&mut self) {
        for n in 0..self.tokens.len() {
            if self.text(n) == "import" && self.tokens[n].sort == Sort::Word {
                let path = self.tokens[n + 1];
                let wrong = format!("\"{}\"", misspelt(path.text.trim_matches('"')));
                self.make("a module misspelt", path.start..path.end, &wrong, path.start, false);
            }
            if self.text(n) == "::" {
                let alias = self.tokens[n - 1];
                let wrong = misspelt(alias.text);
                self.make("a module's name misspelt", alias.start..alias.end, &wrong, alias.start, false);
            }
        }
    }
}

/// Files of a site that lie on a script and have a mistake each, with its line.
pub fn layers(script: &Script) -> Vec<(String, usize)> {
    let tokens = tokens(&script.text);
    let mut made = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(n + 1) else { break };
        if token.text == "step" && name.sort == Sort::Text {
            let wrong = format!("\"{}\"", misspelt(name.text.trim_matches('"')));
            for hook in ["before", "after", "replace"] {
                made.push((format!("//! Ours.\n{hook}({wrong}) {{ note(\"x\"); }}\n"), 2));
            }
            made.push((format!("//! Ours.\n\nskip({wrong}, \"why\");\n"), 3));
            made.push((format!("replace({0}) {{ }}\nskip({0}, \"why\");\n", name.text), 2));
        }
        if token.text == "fn" && name.text != "main" {
            let given = arguments(&tokens, n + 2).len();
            let more: Vec<String> = (0..=given).map(|n| format!("p{n}")).collect();
            let wrong = misspelt(name.text);
            made.push((format!("\nfn {}({}) {{ }}\n", name.text, more.join(", ")), 2));
            made.push((format!("fn own() {{\n    base::{wrong}();\n}}\n"), 2));
            // Of a short name nobody knows what was meant.
            if name.text.len() > 3 {
                made.push((format!("\nfn {wrong}({}) {{ }}\n", more[..given].join(", ")), 2));
            }
        }
    }
    made
}

/// A value that is written out and is not of this kind.
fn other_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "text" | "duration" | "size" | "array" | "map" | "server" | "secret" => "5",
        "number" | "bool" => "\"five\"",
        _ => return None,
    })
}

/// Two letters beside each other exchanged, in the middle of the word if that can be; else one put in.
fn misspelt(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let middle = letters.len().saturating_sub(1) / 2;
    let order = (middle..letters.len().saturating_sub(1)).chain(0..middle);
    for at in order {
        if letters[at] != letters[at + 1] {
            let mut other = letters.clone();
            other.swap(at, at + 1);
            return other.into_iter().collect();
        }
    }
    format!("{word}{word}")
}
