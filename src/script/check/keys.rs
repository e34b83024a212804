//! Keys of maps that are written and that nobody reads, or read and that nobody writes, and that are another key with two
//! letters exchanged, one too few or one too many. A map takes any key, and a read that asks, as `map.kye ?? 1` does, finds
//! nothing: neither fails in a run.

use super::files::File;
use super::finding::{Finding, Severity};
use super::known::KNOWN;
use crate::primitives;
use crate::script::layers::Layers;
use crate::site;
use rhai::{ASTNode, Expr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Names of less letters are too much alike.
const SHORTEST: usize = 4;

/// What primitives take and give, what servers and failures have: all words of the reference that stand in backticks.
static DOCUMENTED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut words: BTreeSet<String> = KNOWN.properties.iter().cloned().collect();
    words.extend(site::KEYS.iter().map(String::as_str).chain(["name", "home"]).map(str::to_owned));
    for primitive in primitives::all() {
        let page = primitive.page();
        let signature = page.signature.positional.iter().chain(&page.signature.options);
        words.extend(signature.map(|parameter| parameter.name.clone()));
        for section in ["Options", "Returns", "Errors", "Example"] {
            let text = page.section(section).unwrap_or_default();
            let parts = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            words.extend(parts.map(str::to_owned));
        }
    }
    words
});

/// Where a key stands, by its name.
#[derive(Default)]
struct Keys<'a> {
    read: BTreeMap<String, Vec<(&'a File, Position)>>,
    written: BTreeMap<String, Vec<(&'a File, Position)>>,
    /// Any text may be a key.
    texts: BTreeSet<String>,
}

/// All that is most likely misspelt in files that belong together.
pub fn misspelt(files: &[File], layers: &Layers) -> Vec<Finding> {
    let mut keys = Keys::default();
    keys.texts.extend(layers.own_keys().into_iter().map(|(_, key, _)| key));
    files.iter().for_each(|file| keys.collect(file));
    let mut found = Vec::new();
    for (own, others, what) in [
        (&keys.written, &keys.read, "nothing reads the key"),
        (&keys.read, &keys.written, "nothing writes the key"),
    ] {
        for (name, places) in own {
            if others.contains_key(name) || keys.texts.contains(name) || DOCUMENTED.contains(name) {
                continue;
            }
            let all = others.keys().chain(own.keys()).map(String::as_str);
            let all = all.chain(DOCUMENTED.iter().map(String::as_str));
            let Some(near) = all.into_iter().find(|other| is_slip(name, other)) else { continue };
            let help = format!("did you mean `{near}`?");
            found.extend(places.iter().map(|(file, place)| {
                Finding::new(Severity::Warning, &file.text, *place, format!("{what} `{name}`"), help.clone())
            }));
        }
    }
    found
}

impl<'a> Keys<'a> {
    fn collect(&mut self, file: &'a File) {
        let Some(program) = &file.program else { return };
        let functions = program.functions.iter().chain(program.closures.values());
        for statement in functions.flat_map(|function| &function.body).chain(&program.top) {
            let mut targets = Vec::new();
            statement.walk(&mut Vec::new(), &mut |path: &[ASTNode]| {
                if let Some(ASTNode::Stmt(Stmt::Assignment(parts))) = path.last() {
                    targets.extend(last(&parts.1.lhs));
                }
                if let Some(ASTNode::Expr(expr)) = path.last() {
                    self.expression(file, expr, &targets);
                }
                true
            });
        }
    }

    fn expression(&mut self, file: &'a File, expr: &Expr, targets: &[Position]) {
        match expr {
            Expr::Property(property, place) => {
                let name = property.2.to_string();
                let sort = if targets.contains(place) { &mut self.written } else { &mut self.read };
                sort.entry(name).or_default().push((file, *place));
            }
            Expr::Map(map, _) => {
                for (key, _) in &map.0 {
                    self.written.entry(key.name.to_string()).or_default().push((file, key.pos));
                }
            }
            Expr::StringConstant(text, _) => drop(self.texts.insert(text.to_string())),
            _ => {}
        }
    }
}

/// The property that is written to, of `map.inner.key = …`.
fn last(expr: &Expr) -> Option<Position> {
    match expr {
        Expr::Dot(parts, ..) => last(&parts.rhs),
        Expr::Property(_, place) => Some(*place),
        _ => None,
    }
}

/// Whether a word is another one with a slip of the hand in it. One thing and several are two words.
fn is_slip(word: &str, other: &str) -> bool {
    // Most words have nothing in common: that is seen without taking them apart.
    let same = |(a, b): &(u8, u8)| a == b;
    let begin = word.bytes().zip(other.bytes()).take_while(same).count();
    let end = word.bytes().rev().zip(other.bytes().rev()).take_while(same).count();
    let longest_letter = if word.is_ascii() && other.is_ascii() { 1 } else { char::MAX.len_utf8() };
    if begin + end + 2 * longest_letter < word.len().max(other.len()) {
        return false;
    }
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    if a.len().min(b.len()) < SHORTEST || word == other || word.contains(char::is_uppercase) {
        return false;
    }
    let alike = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest, other_rest) = (&a[alike..], &b[alike..]);
    match a.len().cmp(&b.len()) {
        std::cmp::Ordering::Equal => {
            rest.len() >= 2
                && rest[0] == other_rest[1]
                && rest[1] == other_rest[0]
                && rest[2..] == other_rest[2..]
        }
        std::cmp::Ordering::Less if a.len() + 1 == b.len() => rest == &other_rest[1..] && other_rest != ['s'],
        std::cmp::Ordering::Greater if a.len() == b.len() + 1 => other_rest == &rest[1..] && rest != ['s'],
        _ => false,
    }
}
