//! Every example of a primitive's page is run for real: as the body of a runbook's `main`, on a practice server as
//! `banister demo --keep DIR` makes it. What it says after `// =>` is what it gives.

use crate::support;

use banister::internals::primitives;
use std::path::Path;
use support::worlds;
use support::{World, chance};

/// The Rhai text of a page's example.
fn example(name: &str) -> String {
    let page = primitives::find(name).unwrap().page();
    let section = page.section("Example").unwrap();
    let text = section.strip_prefix("```rhai\n").and_then(|text| text.strip_suffix("\n```"));
    text.unwrap_or_else(|| panic!("`{name}`: the example is not one block of Rhai: {section}")).to_owned()
}

/// An example's statements, its last expression, and what that expression is said to give.
fn parts(text: &str) -> (String, Option<(String, String)>) {
    let Some((code, value)) = text.split_once("\n// => ") else { return (text.to_owned(), None) };
    assert!(!value.contains('\n'), "a value ends its example: {text}");
    let lines: Vec<&str> = code.lines().collect();
    let ends = |line: &&str| line.ends_with(';') || line.ends_with('}') && !line.starts_with([' ', '[', '#']);
    let first = lines.iter().rposition(ends).map_or(0, |at| at + 1);
    (lines[..first].join("\n"), Some((lines[first..].join("\n"), value.to_owned())))
}

/// A runbook with this body.
fn runbook(body: &str) -> String {
    let indented: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("//! Tries an example.\n\nfn main() {{\n{indented}}}\n")
}

/// Checks, plans and runs the example of a primitive on a server of its own.
fn holds(name: &str) {
    let text = example(name);
    let (statements, value) = parts(&text);
    assert!(text.contains(&format!("{name}(")), "`{name}`: its example does not call it");
    assert!(!text.contains("server.") || text.starts_with("let server = this_server();\n"), "{name}: {text}");

    let world = World::new();
    let program = Path::new(env!("CARGO_BIN_EXE_banister"));
    let practice = worlds::server(&world.path().join("practice"), program, &[]);
    practice.end_with_me().unwrap();
    world.write("practice/runbooks/example.rhai", &runbook(&text));
    // The value is told in an array, so that a text keeps its quotes.
    let told = value.as_ref().map_or(String::new(), |(expression, _)| {
        format!("\nlet value = {expression};\nnote(`the value is ${{[value]}}`);")
    });
    world.write("practice/runbooks/told.rhai", &runbook(&format!("{statements}{told}")));

    let site = practice.dir().to_str().unwrap();
    let banister = |arguments: &[&str]| {
        let said = world.banister(&[&["--site", site], arguments].concat());
        assert_eq!(said.code, Some(0), "`{name}`, {arguments:?}: {said:?}\n{text}");
        said
    };
    let script = practice.dir().join("runbooks/example.rhai");
    let checked = banister(&["check", "--json", script.to_str().unwrap()]);
    assert_eq!(checked.out, "[]\n", "`{name}`: {text}");
    banister(&["plan", "example"]);
    let said = banister(&["run", "told", "--yes", "--answer", "later"]);
    if let Some((_, value)) = value {
        let expected = format!("the value is [{value}]\n");
        assert!(said.out.contains(&expected), "`{name}`: `{value}` is not what it gives: {said:?}");
    }
    practice.stop().unwrap();
}

#[test]
fn every_example_does_what_it_says_on_a_practice_server() {
    let names = chance::part(primitives::ALL.iter().map(|primitive| primitive.name()).collect(), 3);
    // Practice servers are many processes each, so that few are there at a time.
    let (first, second) = names.split_at(names.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| first.iter().for_each(|name| holds(name)));
        second.iter().for_each(|name| holds(name));
    });
}
