//! The rules of the house, held by looking at the source.

mod rooms;

use banister::internals::primitives;
use banister::primitive::AnyPrimitive;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file with its path below `src/`, and its text without its own tests.
fn files() -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
                let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
                files.push((name, text[..end].to_owned()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&source(), &mut found);
    found.sort();
    found
}

/// The modules, bottom to top.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let names = text
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

#[test]
fn a_module_uses_only_those_above_it_in_the_list() {
    let modules = modules();
    let rank = |name: &str| modules.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    for (file, text) in files() {
        let module = file.split(['/', '.']).next().unwrap();
        let Some(own) = rank(module) else { continue };
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                // `use crate::{a, b}` is read as each of its names.
                let names = used.strip_prefix('{').map_or(used, |list| list.split('}').next().unwrap());
                for name in names.split(',') {
                    let name: String =
                        name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    if rank(&name).is_some_and(|used| used > own) {
                        wrong.push(format!("{file}: {}", line.trim()));
                    }
                    if !used.starts_with('{') {
                        break;
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_list() {
    let modules = modules();
    for (file, _) in files() {
        let module = file.split(['/', '.']).next().unwrap().to_owned();
        assert!(["lib", "main"].contains(&module.as_str()) || modules.contains(&module), "{file}");
    }
}

#[test]
fn the_page_of_the_structure_names_every_module_and_no_file_that_is_not_there() {
    let page = fs::read_to_string(source().with_file_name("docs/structure.md")).unwrap();
    for module in modules() {
        assert!(page.contains(&format!("`{module}`")), "{module}");
    }
    for room in ["script", "practice"] {
        for entry in fs::read_dir(source().join(room)).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_room = entry.extension().is_some_and(|extension| extension == "rs");
            assert!(!is_room || page.contains(&format!("`{name}`")), "{room}/{name}");
        }
    }
    let named = page.split(|c: char| !(c.is_alphanumeric() || "_/.".contains(c)));
    for file in named.filter(|word| word.ends_with(".rs")) {
        let is_there = [source().join(file), source().with_file_name(file)].iter().any(|path| path.is_file());
        assert!(is_there, "{file}");
    }
}

/// Words that may stand only in certain places.
#[test]
fn the_borders_are_kept() {
    let borders: [(&[&str], &[&str]); 8] = [
        (&["use rhai", "rhai::"], &["script"]),
        // To build an engine takes longer than most scripts do: it is built where it is kept.
        (
            &["Engine::new(", "engine::engine(", "engine(layers"],
            &[
                "script/engine",
                "script/runbook/ready",
                "script/repl",
                "script/rehearsal",
                "script/reference/definitions",
                // Once for the program.
                "script/check/known",
            ],
        ),
        (&["granit_parser"], &["machine/yaml"]),
        (&["Command::new", "duct::"], &["command", "practice", "reach/ssh"]),
        (&["println!", "eprintln!", "print!(", "eprint!("], &["report", "cli"]),
        (&["JournalFile::open", "journal.append("], &["journal", "session"]),
        // It removes what is mounted in a folder, too.
        (&["remove_dir_all"], &["machine/tree", "practice"]),
        // What is hidden for eyes must never come back as a value: it is hidden where it is shown, and nowhere below.
        (
            &["secret::show", "show_value", "show_without_named", "redact"],
            &["report", "cli", "secret", "internals"],
        ),
    ];
    let mut wrong = Vec::new();
    for (file, text) in files() {
        for (words, places) in &borders {
            let allowed = places.iter().any(|place| file.starts_with(place));
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code.filter(|_| !allowed) {
                if words.iter().any(|word| line.contains(word)) {
                    wrong.push(format!("{file}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The practice server is for demonstrations and tests: nothing else of the product may need it. `program` calls it where
/// the program is a stand-in, and `internals` shows it to these tests.
#[test]
fn only_demo_and_test_use_the_practice_server() {
    let users = ["practice", "cli/arguments/demo", "cli/demo", "cli/test", "program", "internals"];
    let is_user = |file: &str| {
        let rest = users.iter().find_map(|user| file.strip_prefix(user));
        rest.is_some_and(|rest| rest.starts_with(['.', '/']))
    };
    let names = |text: &str| -> Vec<String> {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<String>();
        // `use crate::{a, b}` is read as each of its names.
        let used = code.split("crate::").skip(1).map(|used| match used.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().to_owned(),
            None => used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned(),
        });
        used.flat_map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()).collect()
    };
    let uses = |text: &str| names(text).iter().any(|name| name.split("::").next() == Some("practice"));
    let files = files();
    let wrong: Vec<_> =
        files.iter().filter(|(file, text)| !is_user(file) && uses(text)).map(|(file, _)| file).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What is looked for is found.
    for user in ["cli/demo.rs", "cli/test/sweep.rs", "program.rs"] {
        assert!(files.iter().any(|(file, text)| file == user && uses(text)), "{user}");
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long: Vec<_> =
        files().into_iter().filter(|(_, text)| text.lines().count() > 400).map(|(file, _)| file).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_primitive_is_listed_and_documented() {
    let files = fs::read_dir(source().join("primitives")).unwrap();
    let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut named: Vec<String> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    named.sort();
    let mut listed: Vec<String> =
        primitives::ALL.iter().map(|primitive| primitive.name().to_owned()).collect();
    listed.sort();
    assert_eq!(named, listed);
    for primitive in primitives::ALL {
        let page = primitive.page();
        assert!(page.usage.starts_with(&format!("{}(", page.name)), "{}: {}", page.name, page.usage);
        for section in ["Options", "Returns", "Errors", "After a crash", "Example"] {
            assert!(page.section(section).is_some_and(|text| !text.is_empty()), "{}: {section}", page.name);
        }
        assert!(page.summary.ends_with('.'), "{}: {}", page.name, page.summary);
    }
}

/// The arguments that a primitive accepts are those of its signature: it denies an unknown one by naming those that
/// it knows.
#[test]
fn a_signature_names_the_arguments_that_the_primitive_takes() {
    for primitive in primitives::ALL {
        let signature = primitive.page().signature;
        let mut documented: Vec<String> = signature
            .positional
            .iter()
            .chain(&signature.options)
            .map(|parameter| parameter.name.clone())
            .collect();
        documented.sort();
        assert_eq!(documented, accepted(*primitive), "{}", primitive.name());
    }
}

fn accepted(primitive: &dyn AnyPrimitive) -> Vec<String> {
    let none = serde_json::json!({ "no such argument": 1 });
    let failure = primitive.accept(none.as_object().unwrap()).err().unwrap();
    let said = failure.message.split_once("expected").map(|(_, names)| names.to_owned()).unwrap_or_default();
    let mut names: Vec<String> = said.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    names.sort();
    names
}

/// The files that make up a program, from the declarations of modules in its first one.
fn of_program(file: &Path, is_first: bool, found: &mut BTreeSet<PathBuf>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    found.insert(file.canonicalize().unwrap());
    let folder = file.parent().unwrap();
    let is_root = is_first || file.ends_with("mod.rs");
    let modules = if is_root { folder.to_owned() } else { file.with_extension("") };
    let mut given = None;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            given = Some(folder.join(path));
        } else if let Some(declared) = line.strip_suffix(';')
            && let Some(name) = declared.strip_prefix("pub ").unwrap_or(declared).strip_prefix("mod ")
        {
            let file = given.take().unwrap_or_else(|| {
                let file = modules.join(name).with_extension("rs");
                if file.exists() { file } else { modules.join(name).join("mod.rs") }
            });
            of_program(&file, false, found);
        }
    }
}

/// A file that no program declares would never run. A program takes long to build: there are few.
#[test]
fn every_file_of_the_tests_is_in_a_program() {
    fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(path.canonicalize().unwrap());
            }
        }
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (mut all, mut declared) = (BTreeSet::new(), BTreeSet::new());
    walk(&tests, &mut all);
    for program in ["in_process", "integration", "record"] {
        of_program(&tests.join(program).join("main.rs"), true, &mut declared);
    }
    let forgotten: Vec<_> = all.difference(&declared).collect();
    assert!(forgotten.is_empty(), "in no program: {forgotten:#?}");
}
