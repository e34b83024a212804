//! Kinds of servers that a site brings itself: what they must offer is documented, and checked.

use crate::support;

use banister::internals::script::check::contract::{CONTRACT, offers};
use support::{World, chance};

/// A site of the kind `own`, with this module.
fn world(module: &str) -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"own\"\ncheckout = \"web\"\nhealth = [{ command = [\"true\"] }]\n",
    );
    world.write("stdlib/own.rhai", module);
    world
}

/// A module that leaves everything to `plain`.
fn module() -> String {
    let each = offers().into_iter().map(|offer| format!("fn {0} {{ return plain::{0}; }}\n", offer.usage));
    format!("//! Ours.\n\nimport \"plain\" as plain;\n\n{}", each.collect::<String>())
}

#[test]
fn the_page_names_every_function_that_a_kind_must_have() {
    let world = World::new();
    let said = world.banister(&["doc", "kind"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for expected in [
        "\n- `check_ready(server, from, to)`, called by update: Fails, before anything is changed, if the update can't succeed.\n",
        "\n- `health(server)`, called by update, status: ",
    ] {
        assert!(said.out.contains(expected), "{}", said.out);
    }
    assert!(world.banister(&["doc"]).out.contains("`banister doc kind`"));
    // Every call of every bundled runbook is among them.
    let usages: Vec<String> = offers().into_iter().map(|offer| offer.usage).collect();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for call in text.split("kind::").skip(1) {
            let name = call.split('(').next().unwrap();
            assert!(usages.iter().any(|usage| usage.starts_with(&format!("{name}("))), "{name}");
        }
    }
}

#[test]
fn a_kind_that_has_them_all_is_right_and_can_be_backed_up() {
    let world = world(&module());
    let said = world.banister(&["check"]);
    assert!(said.code == Some(0) && said.out.starts_with("no problems found in "), "{said:?}");
    world.write("data", "kept");
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}backup = [\"~/data\"]\nbackups = \"~/kept\"\n"));
    let said = world.banister(&["run", "backup"]);
    assert!(said.code == Some(0) && world.path().join("kept").is_dir(), "{said:?}");
}

#[test]
fn each_function_that_is_missing_or_takes_something_else_is_told_in_the_kinds_own_file() {
    let whole = module();
    for offer in chance::part(offers(), 5) {
        let name = offer.usage.split('(').next().unwrap();
        let line = format!("fn {0} {{ return plain::{0}; }}\n", offer.usage);
        let place = whole[..whole.find(&line).unwrap()].matches('\n').count() + 1;
        let surplus = line.replacen('(', "(surplus, ", 1);
        for (put, at, told) in [
            (
                String::new(),
                "stdlib/own.rhai\n".to_owned(),
                format!("the kind `own` has no function `{name}`"),
            ),
            (surplus, format!("stdlib/own.rhai:{place}:4\n"), format!("`{name}` takes ")),
            (
                format!("private {line}"),
                format!("stdlib/own.rhai:{place}:12\n"),
                format!("`{name}` is private"),
            ),
        ] {
            let world = world(&whole.replace(&line, &put));
            let said = world.banister(&["check"]);
            assert_eq!(said.code, Some(2), "{put}: {said:?}");
            assert!(
                said.out.contains(&format!("error: {told}")) && said.out.contains(&at),
                "{put}: {said:?}"
            );
            assert_eq!(said.out.matches("error:").count(), 1, "{put}: {said:?}");
        }
    }
}

#[test]
fn a_run_refuses_a_kind_that_lacks_something_before_anything_is_touched() {
    let world = world(&module().replace("fn check_ready(", "fn check_raedy("));
    for command in ["plan", "run"] {
        let said = world.banister(&[command, "update"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.err
                .contains("the kind `own` has no function `check_ready`, which is needed with 3 arguments"),
            "{said:?}"
        );
        assert!(said.err.contains("banister doc kind"), "{said:?}");
    }
    assert!(!world.path().join("state").exists());
}

/// A site whose kind `own` extends `plain`, with a release to update to.
fn heir(kind: &str, module: &str) -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"own\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
         health = [{ command = [\"true\"] }]\n",
    );
    world.write("data/rows", "before");
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.write("stdlib/own/kind.toml", kind);
    if !module.is_empty() {
        world.write("stdlib/own.rhai", module);
    }
    world
}

/// What make did, without the ends.
fn made(world: &World) -> Vec<String> {
    world.read("trace").lines().filter_map(|line| line.strip_suffix(" begin")).map(str::to_owned).collect()
}

#[test]
fn a_function_of_a_kind_counts_wherever_the_inherited_ones_call_it() {
    let world = heir(
        "extends = \"plain\"\n",
        "//! Ours.\n\nfn build(server) {\n    server.make(\"long\");\n    base::build(server);\n}\n\
         fn start(server) {\n    if server.installed_release() == \"0.2.0\" { throw \"it does not start\"; }\n    server.make(\"up\");\n}\n",
    );
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(format!("{}{}", said.out, said.err).contains("stdlib/own.rhai:8"), "{said:?}");
    // The rollback is inherited, and builds and starts as this kind does.
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(made(&world), ["long", "build", "long", "build", "up"]);
}

#[test]
fn a_kind_without_functions_of_its_own_is_the_one_that_it_extends() {
    let world = heir("extends = \"plain\"\n\n[defaults]\ntargets = { configure = \"config\" }\n", "");
    assert_eq!(world.banister(&["check"]).code, Some(0));
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(made(&world), ["config", "build", "up"]);
}

#[test]
fn a_misspelt_function_or_one_with_other_parameters_is_found() {
    for (module, place, message) in [
        ("fn biuld(server) {}\n", "3:4", "`biuld` overrides nothing, and nothing calls it"),
        (
            "fn build(server, to) {}\n",
            "3:4",
            "`build` has 2 parameters here, and the bundled function that it replaces has 1",
        ),
        ("fn build(server) { base::biuld(server); }\n", "3:20", "the bundled file has no function `biuld`"),
    ] {
        let world = heir("extends = \"plain\"\n", &format!("//! Ours.\n\n{module}"));
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{module}: {said:?}");
        assert!(said.out.contains(&format!("error: {message}")), "{module}: {}", said.out);
        assert!(said.out.contains(&format!("stdlib/own.rhai:{place}\n")), "{module}: {}", said.out);
    }
}

#[test]
fn a_mistake_in_kind_toml_is_told_with_its_place() {
    for (kind, told) in [
        ("extends = \"plain\"\nfist = \"any\"\n", "unknown field `fist`"),
        ("extends = \"plain\"\nfist = \"any\"\n", "stdlib/own/kind.toml:2\n"),
        ("extends = \"plian\"\n", "there is no kind `plian`, which the kind `own` extends"),
        ("extends = \"own\"\n", "the kind `own` extends itself\n"),
        ("extends = \"plain\"\n\n[keys.size]\nhelp = \"One.\"\n", "stdlib/own/kind.toml:3\n"),
        ("extends = \"plain\"\n[defaults]\nfoldr = \"x\"\n", "unknown key `foldr`; did you mean `folder`?"),
    ] {
        let said = heir(kind, "").banister(&["check"]);
        assert_eq!(said.code, Some(2), "{kind}: {said:?}");
        assert!(said.out.contains(told), "{kind}: {}", said.out);
    }
}

#[test]
fn a_kind_that_extends_none_and_lacks_nearly_all_is_told_what_it_lacks_once() {
    let world = world("//! Ours.\n\nfn start(server) { server.make(\"up\"); }\n");
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.out.contains("error: the kind `own` extends no other, and lacks "), "{}", said.out);
    assert!(said.out.contains("write `extends = \"plain\"` into `stdlib/own/kind.toml`"), "{}", said.out);
    assert_eq!(said.out.matches("error: ").count(), 1, "{}", said.out);
}

#[test]
fn what_status_asks_only_looks_and_leaves_nothing() {
    for asked in ["running_release", "health", "backup_folder"] {
        let module = format!(
            "//! Ours.\n\nfn {asked}(server) {{ return of(server); }}\n\nfn of(server) {{ return server.shell(\"echo 0.1.0\"); }}\n"
        );
        let world = heir("extends = \"plain\"\n", &module);
        let said = world.banister(&["check"]);
        let told = format!("warning: `{asked}` calls `shell`, which may change something");
        assert!(said.code == Some(0) && said.out.contains(&told), "{}", said.out);
        let said = world.banister(&["status"]);
        assert!(!said.out.contains("unfinished"), "{said:?}");
        let said = world.banister(&["status"]);
        assert!(!format!("{}{}", said.out, said.err).contains("unfinished"), "{said:?}");
        // Nobody holds the server now.
        let said = world.banister(&["run", "backup", "--yes"]);
        assert_ne!(said.code, Some(4), "{said:?}");
    }
}

#[test]
fn a_server_that_names_any_data_at_all_is_not_told_that_nothing_is_saved() {
    for (data, is_told) in [("", true), ("volumes = [{ volume = \"notes\" }]\n", false)] {
        let world = heir("extends = \"plain\"\n", "");
        let site = world.read("site.toml").replace("backup = [\"~/data\"]\n", data);
        world.write("site.toml", &site);
        let said = world.banister(&["check"]);
        assert_eq!(said.out.contains("would save nothing"), is_told, "{data}: {said:?}");
    }
}

const KEYS: &str = "extends = \"plain\"\n\n[keys.greeting]\ntype = \"text\"\nhelp = \"What is said at the start.\"\ndefault = \
                    \"hello\"\n\n[keys.programs]\ntype = \"texts\"\nhelp = \"What is made.\"\n";

const SAYS: &str = "//! Ours.\n\nfn start(server) {\n    note(server.greeting);\n    if server.programs != () { note(server.programs.join(\"+\")); }\n}\n";

#[test]
fn a_kind_has_keys_of_its_own_with_defaults_and_documentation() {
    let world = heir(KEYS, SAYS);
    assert_eq!(world.banister(&["check"]).code, Some(0));
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && format!("{}{}", said.out, said.err).contains("hello"), "{said:?}");
    let said = world.banister(&["doc", "greeting"]);
    assert!(said.out.contains("Only servers of the kind `own` have it."), "{said:?}");
    let world = heir(KEYS, SAYS);
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}greeting = \"good day\"\nprograms = [\"a\", \"b\"]\n"));
    let said = world.banister(&["run", "update", "--yes"]);
    let all = format!("{}{}", said.out, said.err);
    assert!(said.code == Some(0) && all.contains("good day") && all.contains("a+b"), "{all}");
}

#[test]
fn a_mistake_in_a_key_of_a_kind_is_told_with_its_place_in_the_file_of_the_administrator() {
    for (line, place, told) in [
        ("greeting = 5", "site.toml:7:12\n", "error: `greeting` is text, not integer"),
        ("greating = \"x\"", "site.toml:7:1\n", "error: unknown key `greating`; did you mean `greeting`?"),
    ] {
        let world = heir(KEYS, SAYS);
        let site = world.read("site.toml");
        world.write("site.toml", &format!("{site}{line}\n"));
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.out.contains(told) && said.out.contains(place), "{}", said.out);
    }
    let world = heir(KEYS, &SAYS.replace("server.greeting", "server.greating"));
    let said = world.banister(&["check"]);
    assert!(
        said.out.contains("a server has no setting `greating`")
            && said.out.contains("did you mean `greeting`?"),
        "{}",
        said.out
    );
}

#[test]
fn plain_does_all_that_is_expected_of_a_kind_and_with_the_same_parameters() {
    let plain = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/stdlib/plain.rhai"));
    let usages = CONTRACT.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next());
    let mut count = 0;
    for usage in usages {
        assert!(plain.contains(&format!("\nfn {usage} ")), "{usage}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn the_page_of_kind_toml_names_each_of_its_keys() {
    let said = World::new().banister(&["doc", "kind.toml"]);
    for (name, about) in banister::internals::kind::documented() {
        assert!(said.out.contains(&format!("- `{name}`: ")) && about.ends_with('.'), "{name}: {said:?}");
    }
}

#[test]
fn a_function_that_makes_an_inherited_one_wrong_is_found() {
    for (kind, module, severity, place, message) in [
        (
            "extends = \"plain\"\n",
            "fn begin_maintenance(server) { server.shell(\"true\"); }\n",
            "warning",
            "3:4",
            "`begin_maintenance` is that of `own`, but `end_maintenance` is that of `plain`",
        ),
        (
            "extends = \"plain\"\n",
            "fn back_up(server, label, parts) { return server.backup(label, #{ files: [\"/srv/x\"] }); }\n",
            "error",
            "3:4",
            "`back_up` is that of `own`, but what a restore may replace is what `plain` says",
        ),
        (
            "extends = \"plain\"\n",
            "import \"plain\" as plain;\nfn build(server) { server.make(\"long\"); }\n\
             fn roll_back(server, back) { plain::roll_back(server, back); }\n",
            "warning",
            "5:4",
            "`plain::roll_back` calls `build` of `plain`, and not that of this kind",
        ),
    ] {
        let said = heir(kind, &format!("//! Ours.\n\n{module}")).banister(&["check"]);
        assert!(said.out.contains(&format!("{severity}: {message}\n")), "{module}: {}", said.out);
        assert!(said.out.contains(&format!("stdlib/own.rhai:{place}\n")), "{module}: {}", said.out);
        assert_eq!(said.out.matches("  at   ").count(), 1, "{module}: {}", said.out);
    }
    // What hands on everything calls nothing that it has not.
    let complete = module().replace(
        "fn build(server) { return plain::build(server); }",
        "fn build(server) { server.make(\"long\"); }",
    );
    let said = world(&complete).banister(&["check"]);
    assert!(said.out.contains("write `extends = \"plain\"` into `stdlib/own/kind.toml`"), "{}", said.out);
}

/// A block of the page `kind` in this language.
fn example(language: &str) -> &'static str {
    let (_, rest) = CONTRACT.split_once(&format!("```{language}\n")).unwrap();
    rest.split("```").next().unwrap()
}

/// `docker compose` as far as the example asks it: what it does is in `trace`, and a release with a file `broken` does not
/// start.
const COMPOSE: &str = "#!/bin/sh\ncase \"$*\" in\n\"compose pull\") echo \"pull $(cat release)\" >>../trace ;;\n\
    \"compose up --detach --wait --remove-orphans\")\n    echo \"up $(cat release)\" >>../trace\n    \
    if [ -e broken ]; then echo 'dependency failed to start: container web-app-1 is unhealthy' >&2; rm -f ../runs; exit 1; fi\n    \
    cp release ../runs ;;\n*) exit 0 ;;\nesac\n";

#[test]
fn the_kind_that_the_documentation_shows_updates_a_compose_project_and_rolls_back_a_start_that_fails() {
    use std::os::unix::fs::PermissionsExt;
    let (kind, module) = (example("toml"), example("rhai"));
    let lines = kind.lines().chain(module.lines()).filter(|line| !line.trim().is_empty());
    assert!(lines.count() < 15, "{kind}{module}");
    let world = World::new();
    world.write("stdlib/stack/kind.toml", kind);
    world.write("stdlib/stack.rhai", module);
    world.write("bin/docker", COMPOSE);
    let docker = world.path().join("bin/docker");
    std::fs::set_permissions(docker, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"stack\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
         free_space = \"1MB\"\nhealthy = { within = \"4s\", stable = \"0s\" }\n\
         health = [{ command = [\"test\", \"-s\", \"../runs\"] }]\n",
    );
    world.write("data/rows", "of users");
    world.git(&["tag", "-d", "0.1.0"]);
    world.remove("web/Makefile");
    for (release, broken) in [("1.0.0", false), ("1.1.0", false), ("1.2.0", true)] {
        world.write("web/compose.yaml", &format!("services:\n  app:\n    image: app:{release}\n"));
        world.write("web/release", &format!("{release}\n"));
        if broken {
            world.write("web/broken", "");
        }
        world.git(&["add", "-A"]);
        world.git(&["commit", "-qm", release]);
        world.git(&["tag", release]);
    }
    world.git(&["checkout", "-q", "1.0.0"]);
    world.write("runs", "1.0.0\n");
    let banister = |arguments: &[&str]| {
        let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
        support::said(world.command(arguments).env("PATH", path).output().unwrap())
    };
    let said = banister(&["check"]);
    assert!(said.code == Some(0) && said.out.starts_with("no problems found in "), "{said:?}");
    let said = banister(&["run", "update", "--to", "1.1.0", "--yes"]);
    assert_eq!((said.code, world.read("trace").as_str()), (Some(0), "pull 1.1.0\nup 1.1.0\n"), "{said:?}");
    world.remove("trace");

    let said = banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(format!("{}{}", said.out, said.err).contains("container web-app-1 is unhealthy"), "{said:?}");
    assert!(!world.path().join("runs").exists());
    let said = banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace"), "pull 1.2.0\nup 1.2.0\npull 1.1.0\nup 1.1.0\n");
    assert_eq!((world.read("runs").as_str(), world.read("data/rows").as_str()), ("1.1.0\n", "of users"));
    let said = banister(&["status"]);
    assert!(said.out.contains("1.1.0"), "{said:?}");
}
