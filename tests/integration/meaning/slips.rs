//! Slips that the parsers of Rhai and TOML only see later, or name in words of their own.

use super::support::World;

/// The first error that `check` finds in a runbook of this text.
fn first(file: &str, text: &str) -> String {
    let world = World::new();
    world.write(file, text);
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    said.out.split("\n\n").find(|told| told.starts_with("error: ")).unwrap().to_owned()
}

#[test]
fn what_begins_no_block_is_told_with_what_was_meant() {
    let note = "//! Mine.\nfn main() {\n    note(\"x\");\n";
    for (file, text, parts) in [
        (
            "runbooks/x.rhai",
            "//! Mine.\nmain() {\n    note(\"x\");\n}\n".to_owned(),
            ["`main` is defined without `fn`", "x.rhai:2:1", "write `fn main() {`"],
        ),
        (
            "runbooks/x.rhai",
            format!("{note}}}\nhelper(a, b) {{\n    note(a);\n}}\n"),
            ["`helper` is defined without `fn`", "x.rhai:5:1", "write `fn helper(a, b) {`"],
        ),
        (
            "runbooks/x.rhai",
            format!("{note}    onfailure {{\n        note(\"y\");\n    }}\n}}\n"),
            ["`onfailure` begins no block", "x.rhai:4:5", "did you mean `on_failure`?"],
        ),
        (
            "runbooks/update.rhai",
            "aftr(\"Start\") {\n    note(\"x\");\n}\n".to_owned(),
            ["`aftr` begins no block", "update.rhai:1:1", "did you mean `after`?"],
        ),
        (
            "runbooks/update.rhai",
            "skp(\"Back up again\", \"the nightly backup comes soon enough\");\n".to_owned(),
            ["there is no hook `skp`", "update.rhai:1:1", "did you mean `skip`?"],
        ),
        (
            "runbooks/x.rhai",
            format!("{note}    exit;\n}}\n"),
            ["`exit` is not available", "x.rhai:4:5", "use `throw \"…\"` to fail, or `return`"],
        ),
    ] {
        let told = first(file, &text);
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn a_finding_in_an_override_shows_the_line_that_its_admin_wrote() {
    let world = World::new();
    let text = "after(\"Start\") { note(updat.to); }\nfn check(update, wait_idle) { base::check(update); }\n";
    world.write("runbooks/update.rhai", text);
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{}", said.out);
    for (n, line) in text.lines().enumerate() {
        let column = line.find(if n == 0 { "updat." } else { "base::" }).unwrap();
        let excerpt = format!(
            "runbooks/update.rhai:{}:{}\n     | {line}\n     | {}^\n",
            n + 1,
            column + 1,
            " ".repeat(column)
        );
        assert!(said.out.contains(&excerpt), "{excerpt}{}", said.out);
    }
    assert!(said.out.contains("`base::check` takes 2 arguments, not 1"), "{}", said.out);
    assert!(!said.out.contains("base__") && !said.out.contains("; {"), "{}", said.out);
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(2) && !said.err.contains("base__") && !said.err.contains("; {"), "{said:?}");
}

#[test]
fn a_value_of_another_type_in_the_site_is_told_in_plain_words() {
    for (line, told) in [
        ("checkout = \"web\"\nendpoint = 5", "text is expected here, not the number `5`"),
        ("checkout = 5", "a path is expected here, not the number `5`"),
        ("checkout = \"web\"\nhealth = \"http://x/\"", "a list is expected here, not the text \"http://x/\""),
        (
            "checkout = \"web\"\nkeep = { count = \"x\" }",
            "a whole number, not negative, is expected here, not the text \"x\"",
        ),
    ] {
        let world = World::new();
        world.write("site.toml", &format!("[servers.web]\nkind = \"plain\"\n{line}\n"));
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.out.starts_with(&format!("error: {told}\n")), "{}", said.out);
        let said = world.banister(&["status"]);
        assert!(said.err.contains(told) && !said.err.contains("the keys there"), "{said:?}");
    }
    let world = World::new();
    world.write("site.toml", "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nhelth = []\n");
    let said = world.banister(&["status"]);
    assert!(said.err.contains("unknown key `helth`; did you mean `health`?"), "{said:?}");
    assert_eq!(
        said.err.matches("`not_secrets`").count() + said.err.matches("not_secrets,").count(),
        1,
        "{said:?}"
    );
}

#[test]
fn a_variable_that_is_used_in_a_function_which_is_given_to_its_own_is_found() {
    let whole =
        |line: &str| format!("//! Mine.\nfn main() {{\n    let ports = #{{ a: 1 }};\n    {line}\n}}\n");
    for line in [
        "note(`${ports.keys().filter(|name| ports[name] > 0)}`);",
        "note(`${ports.values().map(|it| it).some(|it| ports.a == it)}`);",
        "note(`${ports[\"a\"].keys().filter(|name| ports.a == name)}`);",
    ] {
        let told = first("runbooks/x.rhai", &whole(line));
        assert!(
            told.contains("`ports` is used in a function that is given to a function of its own"),
            "{told}"
        );
        assert!(told.contains("x.rhai:4:"), "{told}");
    }
    let world = World::new();
    let fine = "let names = ports.keys(); note(`${names.filter(|name| ports[name] > 0)} ${ports.keys().filter(|name| name != \"b\")}`);";
    world.write("runbooks/x.rhai", &whole(fine));
    let said = world.banister(&["run", "x"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}
