//! What `site.toml` says and is not so, found by `check`, each with its line.

use super::support::World;

/// The findings for a site with this table after its first two lines, as `line: severity: message`.
fn found(table: &str) -> Vec<String> {
    let world = World::new();
    world.write("web/here", "");
    world.write("web/empty/here", "");
    world.write("folder/here", "");
    // Whatever a row is about, its backup would save something; unless it is about that.
    let saved = match table.contains("dumps") || table.contains("backup = []") {
        true => "",
        false => "[servers.web.dumps]\ndate = [\"date\"]\n",
    };
    world.write("site.toml", &format!("# A site.\n[servers.web]\nkind = \"plain\"\n{table}{saved}"));
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
        ("checkout = \"folder\"\ntargets = { build = \"\", start = \"\" }\n", "4: warning: `/"),
        (
            "checkout = \"web\"\nfolder = \"empty\"\ntargets = { build = \"\" }\n",
            "6: warning: there is no Makefile for the target `up`",
        ),
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
            "5: error: `htp:/example.org` is not a valid URL",
        ),
        (
            "checkout = \"web\"\nhealth = [\n  \"http://a/\",\n  { http = \"http:///x\" },\n]\n",
            "7: error: `http:///x` is not a valid URL",
        ),
        (
            "checkout = \"web\"\nhealth = [\"http://a:99999/\"]\n",
            "5: error: `http://a:99999/` is not a valid URL",
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
        (
            "checkout = \"web\"\ncommands = { stop = [\"nosuch-b\", \"now\"] }\n",
            "5: warning: there is no program `nosuch-b`",
        ),
        (
            "checkout = \"web\"\nhooks = { after = { Start = [[\"true\"], [\"nosuch-c\"]] } }\n",
            "5: warning: there is no program `nosuch-c`",
        ),
    ] {
        let found = found(table);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_server_that_would_save_nothing_is_found_unless_the_site_saves_it_in_another_way() {
    let world = World::new();
    let said = world.banister(&["check"]);
    let text = "warning: a backup of this server would save nothing\n  at   site.toml:1\n     | [servers.web]\n  help name what an update \
         could damage, in `backup`, `databases`, `volumes`, `redis` or `dumps`\n";
    assert!(said.code == Some(0) && said.out.contains(text), "{}", said.out);
    // The run says so, too, before it has done anything.
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let said = world.banister(&["run", "backup"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("error: a backup of `web` would be empty"), "{said:?}");
    world.write(
        "stdlib/plain.rhai",
        "fn back_up(server, label, parts) {\n    return server.backup(label, #{ files: [\".\"] });\n}\n",
    );
    let said = world.banister(&["check"]);
    assert!(said.code == Some(0) && !said.out.contains("would save nothing"), "{}", said.out);
}

/// A site whose server has these make targets, and a checkout with this Makefile.
fn made(targets: &str, makefile: &str) -> World {
    let world = World::new();
    let site = format!(
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\".\"]\nhealth = [{{ command = [\"true\"] }}]\n\
         healthy = {{ stable = \"10ms\" }}\ntargets = {targets}\n"
    );
    world.write("site.toml", &site);
    world.write("web/Makefile", makefile);
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "--amend", "-m", "first"]);
    world.git(&["tag", "-f", "0.1.0"]);
    world
}

#[test]
fn a_makefile_that_is_put_together_says_nothing_of_its_targets() {
    let world = made("{ start = \"upp\" }", "build up:\n\ttrue\n");
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
    // What it includes is read as make would find it, and nothing is run for it.
    world.write("web/Makefile", "build:\n\ttrue\ninclude parts/up.mk\nNAME := $(shell touch ../ran)\n");
    for (part, is_found) in
        [("start:\n\ttrue\n", true), ("upp: build\n\ttrue\n", false), ("up%:\n\ttrue\n", false)]
    {
        world.write("web/parts/up.mk", part);
        let said = world.banister(&["check"]);
        assert_eq!(said.out.contains("the Makefile has no target `upp`"), is_found, "{part}: {}", said.out);
    }
    assert!(!world.path().join("ran").exists());
    // A function of the site's own that does not run make needs no target.
    world.write("web/parts/up.mk", "start:\n\ttrue\n");
    world.write("stdlib/plain.rhai", "fn start(server) { server.run([\"true\"]); }\n");
    let said = world.banister(&["check"]);
    assert!(said.code == Some(0) && !said.out.contains("target"), "{}", said.out);
}

#[test]
fn a_target_that_only_the_new_release_lacks_is_found_and_refuses_the_update() {
    let world = made("{ configure = \"config\" }", "config build up:\n\t@echo $@ >> ../trace\n");
    world.write("web/Makefile", "include more.mk\nconfig build:\n\t@echo $@ >> ../trace\n");
    world.write("web/more.mk", "start:\n\t@echo $@ >> ../trace\n");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let web = world.path().join("web");
    let found = format!(
        "warning: the Makefile of 0.2.0 has no target `up`\n  at   site.toml:7\n     | targets = {{ configure = \"config\" }}\n  help see what \
         took its place with `git -C {} show 0.2.0:Makefile`, and write that into `targets`\n",
        web.display()
    );
    let said = world.banister(&["check"]);
    assert!(said.code == Some(0) && said.out.contains(&found), "{}", said.out);
    for command in [&["run", "update", "--yes"][..], &["plan", "update"]] {
        let said = world.banister(command);
        let all = format!("{}{}", said.out, said.err);
        assert_eq!(said.code, Some(1), "{all}");
        assert!(all.contains("the Makefile of 0.2.0 has no target up, which an update of web runs"), "{all}");
        assert!(all.contains("nothing was touched"), "{all}");
        assert_eq!(world.read("trace"), "");
    }
    // What the new release has instead is right, once it is written down.
    let text = world.read("site.toml").replace("\"config\"", "\"config\", start = \"start\"");
    world.write("site.toml", &text);
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, world.read("trace").as_str()), (Some(0), "config\nbuild\nstart\n"), "{said:?}");
}
