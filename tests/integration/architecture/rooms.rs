//! Within a room no file uses one that uses it in turn. A room is a module with the modules in it; each of these counts as
//! one, with all that is in it. A module and those in it may use one another: they are one thing.

use super::files;
use std::collections::{BTreeMap, BTreeSet};

/// The names of a module and of those that it is in, from the crate's root.
type Path = Vec<String>;

fn path(text: &str) -> Path {
    text.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// What `a::{b, c::{d}}` names, each whole.
fn expanded(tree: &str) -> Vec<Path> {
    let tree = tree.trim();
    let Some((before, rest)) = tree.split_once('{') else {
        return vec![path(tree.split(" as ").next().unwrap())];
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, letter) in inside.char_indices().chain([(inside.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(expanded(&inside[from..at]).into_iter().filter(|path| !path.is_empty()));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.into_iter().map(|path| [self::path(before), path].concat()).collect()
}

/// The code of the crate, as far as it names other modules.
struct Crate {
    /// What each module uses, as paths from the root.
    uses: BTreeMap<Path, Vec<Path>>,
    /// The names that each module gives on, and what they are.
    given_on: BTreeMap<Path, BTreeMap<String, Path>>,
}

impl Crate {
    fn read() -> Crate {
        let mut found = Crate { uses: BTreeMap::new(), given_on: BTreeMap::new() };
        let all: Vec<(Path, String)> = files()
            .into_iter()
            .filter(|(file, _)| !["lib.rs", "main.rs", "internals.rs"].contains(&file.as_str()))
            .map(|(file, text)| {
                let code: Vec<&str> =
                    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                (path(&file.trim_end_matches(".rs").replace('/', "::")), code.join("\n"))
            })
            .collect();
        let modules: BTreeSet<Path> = all.iter().map(|(module, _)| module.clone()).collect();
        for (module, code) in all {
            let (mut uses, mut given_on) = (Vec::new(), BTreeMap::new());
            let mut rest = String::new();
            for statement in code.split_inclusive(';') {
                let start = statement.trim_start();
                let (is_given_on, named) = match start.split_once("use ") {
                    Some(("", named)) => (false, named),
                    Some((before, named)) if before.starts_with("pub") && !before.contains('\n') => {
                        (true, named)
                    }
                    _ => {
                        rest.push_str(statement);
                        continue;
                    }
                };
                for path in expanded(named.trim_end_matches(';')) {
                    let Some(whole) = whole(&module, &path, &modules) else { continue };
                    if is_given_on && let Some(name) = whole.last() {
                        given_on.insert(name.clone(), whole.clone());
                    }
                    uses.push(whole);
                }
            }
            // A path in the middle of the code.
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let words = rest.split(|c: char| !is_part(c)).filter(|word| word.contains("::"));
            uses.extend(words.filter_map(|word| whole(&module, &path(word), &modules)));
            found.uses.insert(module.clone(), uses);
            found.given_on.insert(module, given_on);
        }
        found
    }

    /// The module in which what is named is defined: names that a module only gives on are followed.
    fn module(&self, named: &[String], steps: usize) -> Option<Path> {
        let module =
            (1..=named.len()).rev().map(|n| &named[..n]).find(|part| self.uses.contains_key(*part))?;
        let next = named.get(module.len()).and_then(|name| self.given_on[module].get(name));
        match next.filter(|next| steps > 0 && **next != named[..module.len() + 1]) {
            Some(next) => self.module(&[next, &named[module.len() + 1..]].concat(), steps - 1),
            None => Some(module.to_vec()),
        }
    }

    /// Of each module of a room, the others there that it uses.
    fn room(&self, room: &[String]) -> BTreeMap<Path, BTreeSet<Path>> {
        let within = |module: &Path| {
            (module.len() > room.len() && module.starts_with(room)).then(|| module[..room.len() + 1].to_vec())
        };
        let mut found: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
        for (module, uses) in &self.uses {
            let Some(user) = within(module) else { continue };
            let used = uses.iter().filter_map(|named| within(&self.module(named, 8)?));
            found.entry(user.clone()).or_default().extend(used.filter(|used| *used != user));
        }
        found
    }
}

/// A path from the root, of one that is written in a module.
fn whole(module: &[String], written: &[String], modules: &BTreeSet<Path>) -> Option<Path> {
    let (first, rest) = written.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module, rest].concat()),
        "super" => {
            let up = written.iter().take_while(|name| *name == "super").count();
            Some([&module[..module.len().checked_sub(up)?], &written[up..]].concat())
        }
        _ => {
            let child = [module, std::slice::from_ref(first)].concat();
            modules.contains(&child).then(|| [&child[..], rest].concat())
        }
    }
}

/// Whether a module is used by what it uses, and over which others.
fn circle(graph: &BTreeMap<Path, BTreeSet<Path>>, start: &Path) -> Option<Vec<String>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in graph.get(way[way.len() - 1]).into_iter().flatten() {
            if next == start {
                return Some(way.into_iter().map(|module| module.join("::")).collect());
            }
            if seen.insert(next) {
                ways.push([way.clone(), vec![next]].concat());
            }
        }
    }
    None
}

#[test]
fn no_files_of_a_room_use_each_other_in_a_circle() {
    let read = Crate::read();
    let mut rooms: BTreeSet<&[String]> = read.uses.keys().map(|module| &module[..module.len() - 1]).collect();
    rooms.insert(&[]);
    let mut circles = Vec::new();
    for room in rooms {
        let graph = read.room(room);
        let found: Vec<_> = graph.keys().filter_map(|module| circle(&graph, module)).collect();
        circles.extend(found.into_iter().map(|circle| circle.join(" -> ")));
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_circle_is_seen_through_names_that_are_given_on() {
    let uses = |of: &str| expanded(of);
    assert_eq!(uses("a::{b, c::{d, e as f}}"), [path("a::b"), path("a::c::d"), path("a::c::e")]);
    let mut read = Crate { uses: BTreeMap::new(), given_on: BTreeMap::new() };
    for (module, uses) in [("a", ""), ("a::b", "a::C"), ("a::c", "a::b::thing")] {
        read.uses.insert(path(module), expanded(uses));
        read.given_on.insert(path(module), BTreeMap::new());
    }
    read.given_on.get_mut(&path("a")).unwrap().insert("C".into(), path("a::c::C"));
    let graph = read.room(&path("a"));
    assert_eq!(circle(&graph, &path("a::b")), Some(vec!["a::b".to_owned(), "a::c".to_owned()]));
    assert_eq!(circle(&graph, &path("a::d")), None);
}
