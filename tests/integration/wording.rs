//! The words for administrators: plain English, and the terms of the field. What reads oddly is named with what to write.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use support::World;

/// What must not be written, and the better words.
const WORDS: &[(&[&str], &str)] = &[
    (
        &[
            "go on with",
            "goes on with",
            "gone on with",
            "going on with",
            "goes on where",
            "goes on at",
            "goes on as",
        ],
        "continue",
    ),
    (
        &[
            "resume` goes on",
            "run goes on",
            "it goes on",
            "command goes on",
            "build goes on",
            "server goes on",
        ],
        "continues",
    ),
    (&["way back", "ways back", "leads back", "lead back", "goes back", "go back"], "rollback, roll back"),
    (&["lies on a", "lies on the", "lies on it", "lies on no", "lie on a", "lie on the"], "overrides"),
    (&["nothing to mend"], "no problems found"),
    (&["stand in each other"], "can be nested"),
    (&["may be put together"], "may be an interpolated string"),
    (
        &["held off", "hold off", "holds off", "hold users off", "holds users off"],
        "blocked, maintenance mode",
    ),
    (&["let go of", "lets go of"], "remove"),
    (&["given up", "give up", "gives up"], "abandoned"),
    (&["told", "tells"], "reported, reports, shown"),
    (&["is so", "are so", "still so", "stays so"], "has not changed"),
    (&["in so many words", "reason in words", "say in words", "says in words"], "type a reason"),
    (&["by itself", "by themselves"], "automatically"),
    (&["of its name", "of their name"], "of the same name"),
    (&["is called by its server"], "is named after its server"),
    (&["look it over", "looks it over"], "review"),
    (&["is looked at", "are looked at", "was looked at"], "read, checked"),
];

/// Bundled steps had these names once, and hooks of sites may still have them.
const FORMER: [&str; 2] = ["Let go of the way back", "Drop the ways back"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, ending, found),
                false if path.extension().is_some_and(|it| it == ending) => found.push(path),
                false => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

/// The texts in quotes of a source file, joined where one goes over several lines; not its tests and comments.
fn messages(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.map(|line| format!("{line}\n")).collect();
    let mut rest = code.as_str();
    let mut found = String::new();
    while let Some(start) = rest.find('"') {
        // A quotation mark as a character is no beginning.
        let is_letter = rest[..start].ends_with('\'') || rest[..start].ends_with("b'");
        rest = &rest[start + 1..];
        if is_letter {
            continue;
        }
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next() {
                Some((_, '\\')) => _ = letters.next(),
                Some((at, '"')) => break at,
                Some(_) => {}
                None => return found,
            }
        };
        let parts = rest[..end].split("\\\n").enumerate();
        found.extend(parts.map(|(n, part)| if n == 0 { part } else { part.trim_start() }));
        found.push('\n');
        rest = &rest[end + 1..];
    }
    found
}

/// Where a phrase of whole words stands in a text in lower case.
fn has_phrase(text: &str, phrase: &str) -> bool {
    let is_border =
        |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_');
    text.match_indices(phrase).any(|(at, _)| {
        is_border(text[..at].chars().next_back()) && is_border(text[at + phrase.len()..].chars().next())
    })
}

/// All that administrators read, with where it is from.
fn texts() -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut paths: Vec<PathBuf> =
        ["README.md", "CHANGELOG.md", "REFERENCE.md"].map(|name| root().join(name)).into();
    paths.extend(["runbooks", "stdlib"].iter().flat_map(|folder| files(folder, "rhai")));
    let name = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    texts.extend(paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())));
    let sources = files("src", "rs").into_iter();
    texts.extend(sources.map(|path| (name(&path), messages(&fs::read_to_string(&path).unwrap()))));
    let world = World::new();
    let help = |words: &[&str]| {
        let said = world.banister(&[words, &["--help"]].concat());
        (format!("banister {} --help", words.join(" ")), said.out)
    };
    let commands = "demo init list customize plan run resume status backup runs show check test doc repl lock man completions adopt attach schedule metrics notify";
    texts.push(help(&[]));
    texts.extend(commands.split(' ').map(|command| help(&[command])));
    for (command, inner) in [("backup", "list verify drill restore prune"), ("lock", "show release dismiss")]
    {
        texts.extend(inner.split(' ').map(|inner| help(&[command, inner])));
    }
    texts.push(("banister man".into(), world.banister(&["man"]).out));
    assert!(texts.iter().all(|(name, text)| name.ends_with(".rs") || text.len() > 40), "{:?}", texts.last());
    texts
}

#[test]
fn what_administrators_read_is_plain_english() {
    let mut found = Vec::new();
    for (name, text) in texts() {
        for line in text.lines().filter(|line| !FORMER.contains(line)) {
            let lower = line.to_lowercase();
            let odd =
                WORDS.iter().filter(|(phrases, _)| phrases.iter().any(|phrase| has_phrase(&lower, phrase)));
            found.extend(odd.map(|(_, better)| format!("{name}: {}\n    better: {better}", line.trim())));
        }
    }
    assert!(found.is_empty(), "{} odd phrases:\n{}", found.len(), found.join("\n"));
}

#[test]
fn an_odd_phrase_is_found_where_it_stands() {
    let text = messages(
        "// goes on with\nfn f() { fail(\"it \\\n        goes on with it\"); }\n#[cfg(test)]\n\"tells\"",
    );
    assert_eq!(text, "it goes on with it\n");
}
