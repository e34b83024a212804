//! The example in the documentation of each primitive is run, on a practice server that has 0.2.10 and has fetched the
//! releases up to 0.2.14. What an example says that its last line gives is what it gives.

mod support;

use banister::practice::Practice;
use banister::primitives;
use std::path::Path;
use std::process::Command;
use support::World;

/// The example as a whole runbook.
fn runbook(name: &str, example: &str) -> String {
    let lines: Vec<&str> = example
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.starts_with("```") && !line.is_empty())
        .collect();
    let body = match lines.as_slice() {
        [body @ .., last, expected] if expected.starts_with("// => ") => {
            let expected = expected.trim_start_matches("// => ");
            let body = body.join("\n");
            format!("{body}\nlet found = {last};\nif found != {expected} {{ throw `it gives ${{found}}`; }}")
        }
        lines => lines.join("\n"),
    };
    format!("//! Tries the example of {name}.\nfn main() {{\n{body}\n}}\n")
}

#[test]
fn every_example_of_the_documentation_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let practice =
        Practice::create(&folder.path().join("world"), Path::new(env!("CARGO_BIN_EXE_banister")), &[])
            .unwrap();
    practice.end_with_me().unwrap();
    let fetch =
        Command::new("git").arg("-C").arg(practice.checkout()).args(["fetch", "-q", "--tags"]).status();
    assert!(fetch.unwrap().success());
    let world = World::new();
    let site = practice.dir().to_str().unwrap();
    // What moves the checkout comes last.
    let mut all = primitives::ALL.to_vec();
    all.sort_by_key(|primitive| primitive.name() == "checkout");
    let mut wrong = Vec::new();
    for primitive in all {
        let name = primitive.name();
        let page = primitive.page();
        let example = page.section("Example").unwrap_or_else(|| panic!("{name} has no example"));
        let text = runbook(name, example);
        std::fs::create_dir_all(practice.dir().join("runbooks")).unwrap();
        std::fs::write(practice.dir().join("runbooks/example.rhai"), &text).unwrap();
        let said =
            world.banister(&["--site", site, "run", "example", "--yes", "--answer", "now", "--abandon"]);
        if said.code != Some(0) {
            wrong.push(format!("{name}: {text}{}{}", said.out, said.err));
        }
    }
    practice.stop().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
