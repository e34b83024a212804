//! Every mistake that a slip of the hand makes in a runbook is found by `check`, at its place.
//!
//! The mistakes are made by a generator out of the scripts that the program brings: each call, each argument, each
//! variable and each sign of them is spoilt once. A long run tries all of them, others one of five.

use crate::support;

mod generate;
pub mod tokens;

use banister::internals::script::check::{Check, Finding, Severity};
use banister::internals::script::layers::{Layers, Text};
use generate::{Mutation, Script};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use support::World;
use support::chance;

fn scripts() -> Vec<Script> {
    let mut found = Vec::new();
    for folder in ["runbooks", "stdlib"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.push(Script { folder, name, text: fs::read_to_string(&path).unwrap() });
        }
    }
    found.sort_by(|a, b| (a.folder, &a.name).cmp(&(b.folder, &b.name)));
    found
}

/// What the check finds in a text that takes the place of a bundled one.
fn found(script: &Script, text: &str) -> Vec<Finding> {
    let layers = Layers::of_site(None, "");
    let mut check = Check::new(&layers, &["hoss".to_owned(), "plain".to_owned()]);
    let text = Text::new(format!("{}.rhai", script.name), text.to_owned());
    match script.folder {
        "runbooks" => check.runbook(text),
        _ => check.text(layers.inherited(&script.name, text).unwrap()),
    }
    check.end().1
}

/// What is wrong in how a mutation is found; nothing, if it is told at its place and no error is told elsewhere.
fn missed(script: &Script, mutation: &Mutation) -> Option<String> {
    let Mutation { sort, text, line, others, warning } = mutation;
    let source = format!("{}.rhai", script.name);
    let there = |finding: &Finding| {
        finding.source == source && (finding.line == *line || others.contains(&finding.line))
    };
    let worst = if *warning { Severity::Warning } else { Severity::Error };
    let all = found(script, text);
    let told = all.iter().any(|finding| finding.severity <= worst && there(finding));
    let elsewhere = all.iter().any(|finding| finding.severity == Severity::Error && !there(finding));
    if told && !elsewhere {
        return None;
    }
    let said: Vec<_> =
        all.iter().map(|finding| format!("{}: {}", finding.place(), finding.message)).collect();
    let written = text.lines().nth(line - 1).unwrap_or_default().trim();
    Some(format!("{sort} in {source}:{line}: {written}\n    {}", said.join("\n    ")))
}

#[test]
fn every_mistake_is_found_at_its_place() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let work: Vec<(Script, Vec<Mutation>)> = scripts()
        .into_iter()
        .map(|script| {
            let mutations = generate::mutations(&script);
            (script, mutations)
        })
        .collect();
    let all: Vec<(&Script, &Mutation)> =
        work.iter().flat_map(|(script, made)| made.iter().map(move |mutation| (script, mutation))).collect();
    all.iter().for_each(|(_, mutation)| *counts.entry(mutation.sort).or_default() += 1);
    // The generator makes something of everything.
    assert!(
        all.len() > 5_000 && counts.len() == 17 && counts.values().all(|count| *count >= 10),
        "{counts:?}"
    );
    let all = chance::part(all, 25);
    let missed: Vec<String> = std::thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(4));
        let threads: Vec<_> = parts
            .map(|part| {
                let look =
                    || part.iter().filter_map(|(script, made)| missed(script, made)).collect::<Vec<_>>();
                scope.spawn(look)
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(missed.is_empty(), "{} of {}\n{}", missed.len(), all.len(), missed.join("\n"));
}

/// One of each sort and script goes the whole way.
#[test]
fn the_program_refuses_what_the_check_finds_and_touches_nothing() {
    let world = World::new();
    let mut done = BTreeSet::new();
    for script in scripts() {
        for mutation in generate::mutations(&script) {
            if mutation.warning || !done.insert((mutation.sort, script.folder)) {
                continue;
            }
            let runbook = match script.folder {
                "runbooks" => "mutated".to_owned(),
                _ => {
                    let text = "import \"spoilt\" as spoilt;\nfn main() { spoilt::check_runs(this_server(), ()); }\n";
                    world.write("runbooks/user.rhai", text);
                    "user".to_owned()
                }
            };
            let file = match script.folder {
                "runbooks" => "runbooks/mutated.rhai",
                _ => "stdlib/spoilt.rhai",
            };
            world.write(file, &mutation.text);
            let said = world.banister(&["check", "--json", file]);
            assert_eq!(said.code, Some(2), "{}: {}", mutation.sort, mutation.text);
            let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
            let there = |finding: &serde_json::Value| {
                let line = finding["line"].as_u64().unwrap() as usize;
                finding["source"].as_str().unwrap().ends_with(file)
                    && (line == mutation.line || mutation.others.contains(&line))
            };
            assert!(found.as_array().unwrap().iter().any(there), "{}: {found}", mutation.sort);
            for command in ["plan", "run"] {
                let said = world.banister(&[command, &runbook]);
                assert_eq!(said.code, Some(2), "{command} {}: {said:?}", mutation.sort);
            }
            world.remove(file);
            assert!(
                !world.path().join("state").exists() && world.read("trace").is_empty(),
                "{}",
                mutation.sort
            );
        }
    }
    assert!(done.len() > 20, "{done:?}");
}

/// What a site's file says of a step or a function that the bundled file does not have.
#[test]
fn a_hook_on_no_step_and_a_function_that_fits_none_are_found_in_the_sites_file() {
    let site = tempfile::tempdir().unwrap();
    let mut made = 0;
    for script in scripts() {
        for (text, line) in generate::layers(&script) {
            let file = site.path().join(script.folder).join(format!("{}.rhai", script.name));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
            let layers = Layers::of_site(Some(site.path()), "plain");
            let mut check = Check::new(&layers, &["hoss".to_owned(), "plain".to_owned()]);
            match script.folder {
                "runbooks" => check.runbook(layers.runbook(&script.name).unwrap()),
                _ => check.text(layers.module(&script.name).unwrap().unwrap()),
            }
            let found = check.end().1;
            let there = |finding: &&Finding| {
                finding.severity == Severity::Error
                    && finding.line == line
                    && finding.source == file.display().to_string()
            };
            assert!(found.iter().any(|finding| there(&finding)), "{}: {text}{found:#?}", script.name);
            fs::remove_file(file).unwrap();
            made += 1;
        }
    }
    assert!(made > 200, "{made}");
}
