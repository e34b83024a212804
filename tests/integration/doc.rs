//! The documentation at the terminal: pages, and what is found in them.

use crate::support;

use serde_json::Value;
use support::World;

/// What `banister doc` prints for these words.
fn doc(world: &World, words: &[&str]) -> String {
    let said = world.banister(&[&["doc"], words].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{words:?}: {}", said.out);
    said.out
}

/// The names of the pages that are found, best first.
fn names(world: &World, words: &[&str]) -> Vec<String> {
    let found: Value = serde_json::from_str(&doc(world, &[words, &["--json"]].concat())).unwrap();
    found.as_array().unwrap().iter().map(|page| page["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_name_is_a_page_of_whatever_is_called_so() {
    let world = World::new();
    assert!(doc(&world, &["checkout"]).starts_with("checkout(server, "));
    assert!(doc(&world, &["step"]).starts_with("step \"name\" { … }\n\nNames a part of a runbook"));
    let function = doc(&world, &["hoss::roll_back"]);
    assert!(
        function.starts_with("hoss::roll_back(server, back)\n\nRestores code and configuration of"),
        "{function}"
    );
    // Only one module has it, and `kind` is the module of the site's servers.
    assert_eq!(doc(&world, &["hide_page"]), doc(&world, &["hoss::hide_page"]));
    assert_eq!(doc(&world, &["kind::check_space"]), doc(&world, &["plain::check_space"]));
    let runbook = doc(&world, &["update"]);
    let options =
        "[--to VALUE] [--wait-idle VALUE] [--unhealthy VALUE] [--bad VALUE] [--through] [--moved VALUE]";
    let first = format!("banister run update {options}\n\nUpdate one server to a release");
    assert!(runbook.starts_with(&first), "{runbook}");
    for told in
        ["# Parameters\n- `to`: the release", "\n- Check\n", "\n- Wait until healthy\n", "- update::install("]
    {
        assert!(runbook.contains(told), "{told}: {runbook}");
    }
    let module = doc(&world, &["plain"]);
    assert!(module.contains("- plain::check_space(server)") && !module.contains("hoss::"), "{module}");
    let all = doc(&world, &["drill"]);
    assert!(all.contains("drill(server, ") && all.contains("banister run drill"), "{all}");
}

#[test]
fn a_word_is_searched_for_and_what_fits_best_stands_first() {
    let world = World::new();
    let found = names(&world, &["healthy"]);
    assert_eq!(found[0], "healthy", "a key of site.toml is called so");
    let found = names(&world, &["proxy"]);
    assert!(found.contains(&"hoss::show_page".to_owned()), "{found:?}");
    let found = names(&world, &["release"]);
    let place = |name: &str| {
        found.iter().position(|found| found == name).unwrap_or_else(|| panic!("{name}: {found:?}"))
    };
    assert!(place("has_release") < place("checkout"), "a name says more than a text: {found:?}");
    // All of several words.
    let both = names(&world, &["free", "disk"]);
    assert!(
        both.contains(&"free_space".to_owned()) && both.len() < names(&world, &["free"]).len(),
        "{both:?}"
    );
    let table = doc(&world, &["proxy"]);
    assert!(table.ends_with("\nRead one with `banister doc NAME`.\n"), "{table}");
}

#[test]
fn what_the_site_has_is_in_it_too() {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Do what is mine.\n\n/// often: how often\nfn main(often) { step \"Do\" { note(often); } }\n",
    );
    world.write(
        "stdlib/ours.rhai",
        "//! Ours.\n\n/// Greets the zebra.\nfn greet(server) {}\n\nprivate fn hidden() {}\n",
    );
    world.write(
        "stdlib/plain.rhai",
        "/// Builds twice.\nfn build(server) { base::build(server); base::build(server); }\n",
    );
    assert!(doc(&world, &["mine"]).contains("# Steps\n- Do\n"));
    assert_eq!(names(&world, &["zebra"]), ["ours::greet"]);
    assert_eq!(doc(&world, &["plain::build"]), "plain::build(server)\n\nBuilds twice.\n");
    assert!(!names(&world, &[]).iter().any(|name| name.contains("base__") || name.contains("hidden")));
    // A mistake in the site keeps nobody from reading.
    world.write("site.toml", "[servers.web\n");
    world.write("runbooks/mine.rhai", "fn main( {\n");
    assert!(doc(&world, &["make"]).starts_with("make(server, "));
}

#[test]
fn a_name_that_is_nowhere_is_an_error_with_the_nearest() {
    let world = World::new();
    let said = world.banister(&["doc", "hoss::rol_back"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert_eq!(
        said.err,
        "error: no page is named `hoss::rol_back`, and none contains that word\n  help did you mean `hoss::roll_back`? List \
         them with `banister doc`\n"
    );
    let said = world.banister(&["doc", "xyzzy", "make"]);
    assert!(
        said.code == Some(2) && said.err.contains("no page has all of these words: `xyzzy make`"),
        "{said:?}"
    );
    assert_eq!(world.banister(&["doc", "  "]).code, Some(2));
}

#[test]
fn a_key_names_the_kinds_that_inherit_it() {
    let world = World::new();
    let said = world.banister(&["doc", "user_units"]);
    assert!(
        said.out.contains("Only servers of the kind `systemd` have it, and of `binary`, which extends it."),
        "{said:?}"
    );
    let said = world.banister(&["doc", "file"]);
    assert!(
        said.out.contains("An update needs it.")
            && said.out.contains("Only servers of the kind `binary` have it."),
        "{said:?}"
    );
}
