//! What `site.toml` says and is not so, found by `check`, each with its line.

use super::support::World;

/// The findings for a site with this table after its first two lines, as `line: severity: message`.
fn found(table: &str) -> Vec<String> {
    let world = World::new();
    world.write("web/here", "");
    world.write("site.toml", &format!("# A site.\n[servers.web]\nkind = \"plain\"\n{table}"));
    let said = world.banister(&["check", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&said.out).expect(&said.err);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of_site =
        found.as_array().unwrap().iter().filter(|found| text(&found["source"]).ends_with("site.toml"));
    of_site
        .map(|found| format!("{}: {}: {}", found["line"], text(&found["severity"]), text(&found["message"])))
        .collect()
}

#[test]
fn a_site_that_is_right_has_no_findings() {
    let right = "checkout = \"web\"\nendpoint = \"https://example.org\"\nbackup = [\"here\", \"~/web\"]\n\
                 health = [\"http://[::1]:8080/a\", \"http://localhost\", { name = \"a\", command = [\"true\"] }]\n\
                 targets = { configure = \"config\", start = \"\" }\n[servers.web.dumps]\ndb = [\"sh\", \"-c\", \"true\"]\n";
    assert_eq!(found(right), [""; 0]);
}

#[test]
fn what_is_not_there_is_found_with_its_line() {
    for (table, expected) in [
        ("checkout = \"wbe\"\n", "4: warning: there is no checkout `"),
        ("checkout = \"web\"\nbackup = []\n", "5: warning: a backup of this server would save nothing"),
        (
            "checkout = \"web\"\nbackup = [\n  \"here\",\n  \"ther\",\n]\n",
            "7: warning: there is nothing at `ther`, which a backup would save",
        ),
        ("checkout = \"web\"\nenv_file = \"nosuch.env\"\n", "5: warning: there is no file `nosuch.env`"),
        ("checkout = \"web\"\nfolder = \"sub\"\n", "5: warning: there is no folder `sub` in the checkout"),
        (
            "checkout = \"web\"\ntargets = { start = \"upp\" }\n",
            "5: warning: the Makefile has no target `upp`",
        ),
        (
            "checkout = \"web\"\n[servers.web.targets]\nstart = \"upp\"\n",
            "6: warning: the Makefile has no target `upp`",
        ),
        (
            "checkout = \"web\"\nendpoint = \"htp:/example.org\"\n",
            "5: error: `htp:/example.org` is no URL that can be asked",
        ),
        (
            "checkout = \"web\"\nhealth = [\n  \"http://a/\",\n  { http = \"http:///x\" },\n]\n",
            "7: error: `http:///x` is no URL that can be asked",
        ),
        (
            "checkout = \"web\"\nhealth = [\"http://a:99999/\"]\n",
            "5: error: `http://a:99999/` is no URL that can be asked",
        ),
        (
            "checkout = \"web\"\ndumps = { \"db.sql\" = [\"pg_dmup\", \"a\"] }\n",
            "5: warning: there is no program `pg_dmup`",
        ),
        (
            "checkout = \"web\"\n[servers.web.dumps]\n\"db.sql\" = [\"./nosuch\"]\n",
            "6: warning: there is no program `./nosuch`",
        ),
        (
            "checkout = \"web\"\nmaintenance = { begin = [\"nosuch-a\"], end = [\"true\"] }\n",
            "5: warning: there is no program `nosuch-a`",
        ),
    ] {
        let found = found(table);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_makefile_that_is_put_together_says_nothing_of_its_targets() {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\ntargets = { start = \"upp\" }\n",
    );
    let said = world.banister(&["check"]);
    assert!(said.code == Some(0) && said.out.contains("did you mean `up`?"), "{}", said.out);
    for makefile in [
        "include more.mk\n",
        "%:\n\ttrue\n",
        "$(NAMES):\n\ttrue\n",
        ".PHONY: upp build\n",
        "build: ; true\nup upp: build\n",
    ] {
        world.write("web/Makefile", makefile);
        let said = world.banister(&["check"]);
        assert!(said.code == Some(0) && !said.out.contains("site.toml"), "{makefile}: {}", said.out);
    }
}
