//! Which parameters a runbook can't do without.

use super::support::World;

/// A site with a runbook `mine`, whose parameters are used in each of the ways that there are.
fn world() -> World {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\n/// tenant: whose data is removed\n/// folder: where it is; data, by default\nfn main(tenant, folder, why, how, much, more) {\n    \
         let why = why ?? \"no reason\";\n    if how != () { note(how); }\n    own(more, 1);\n    [1].map(|n| much ?? n);\n    \
         this_server().shell(`echo ${tenant} ${why} ${folder ?? \"data\"} >> ../trace`);\n}\nfn own(given, n) { if n > 9 { own(given, n); } other(given); }\nfn other(more) { note(`${more ?? \"-\"}`); }\n",
    );
    world
}

#[test]
fn a_parameter_without_a_default_is_required_before_anything_is_touched() {
    let world = world();
    for command in [&["run", "mine", "--yes"][..], &["plan", "mine"], &["run", "mine", "--folder", "x"]] {
        let said = world.banister(command);
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
        assert_eq!(
            said.err,
            "error: `mine` needs `--tenant`\n  why  --tenant: whose data is removed\n  help give it, as `banister run mine --tenant VALUE`; see its parameters with `banister run mine --help`\n",
        );
        assert!(world.journals().is_empty() && world.read("trace").is_empty());
    }
    // An empty one, as of a variable of the shell that is not set, would be a hole, too.
    let said = world.banister(&["run", "mine", "--tenant", ""]);
    assert!(said.code == Some(2) && said.err.contains("--tenant <VALUE>"), "{}{}", said.out, said.err);
    assert!(world.journals().is_empty() && world.read("trace").is_empty());
    let json = world.banister(&["run", "mine", "--json"]);
    assert!(json.code == Some(2) && json.out.contains("`mine` needs `--tenant`"), "{}", json.out);
    let said = world.banister(&["run", "mine", "--tenant", "acme"]);
    assert_eq!((said.code, world.read("trace").as_str()), (Some(0), "acme no reason data\n"), "{}", said.err);
}

#[test]
fn help_says_what_is_required_and_what_is_not() {
    let help = world().banister(&["run", "mine", "--help"]).out;
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "--tenant <VALUE> whose data is removed [required]",
        "--folder <VALUE> where it is; data, by default --",
        "--why <VALUE> [optional]",
        "--how <VALUE> [optional]",
        "--much <VALUE> [optional]",
        "--more <VALUE> [optional]",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
}

#[test]
fn the_bundled_runbooks_need_what_they_cannot_do_without() {
    let world = World::new();
    for (runbook, needs) in [
        ("update", None),
        ("update-linked", None),
        ("backup", None),
        ("prune", None),
        ("prefetch", None),
        ("restore", Some("--backup")),
        ("rollback", Some("--backup")),
        ("drill", Some("--backup")),
    ] {
        let said = world.banister(&["plan", runbook]);
        let needed = format!("error: `{runbook}` needs ");
        assert_eq!(said.err.starts_with(&needed), needs.is_some(), "{runbook}: {}", said.err);
        assert!(said.err.contains(needs.unwrap_or_default()), "{}", said.err);
    }
    // A site's `main` that hands a parameter on to the bundled one can do without it, too.
    world.write("runbooks/update.rhai", "fn main(to, wait_idle) { base::main(to, wait_idle); }\n");
    assert!(!world.banister(&["plan", "update"]).err.contains("needs"));
}
