//! What is said of a mistake, from its first letter to its last.

use super::support::{World, releases};

/// Types a command, which must end with this code and say exactly this: what goes to standard error, then what goes to
/// standard output.
fn says(world: &World, typed: &[&str], code: i32, text: &str) {
    let said = world.banister(typed);
    let all = format!("{}{}", said.err, said.out).replace(&world.path().display().to_string(), "SITE");
    // Where in a bundled file it is, and how many of them there are, is another thing with every change of them.
    let line = |line: &str| match (line.strip_prefix("  at   plain.rhai:"), line.rsplit_once(" in ")) {
        (Some(_), _) => "  at   plain.rhai\n".to_owned(),
        (_, Some((found, files))) if files.ends_with(" files") => format!("{found}\n"),
        _ => format!("{line}\n"),
    };
    let all: String = all.lines().map(line).collect();
    assert_eq!((said.code, all.as_str()), (Some(code), text), "{typed:?}");
}

fn script(body: &str) -> World {
    let world = World::new();
    world.write("site.toml", &(world.read("site.toml") + "backup = [\".\"]\n"));
    let text = format!("//! Mine.\nfn main() {{\n    let server = this_server();\n    {body}\n}}\n");
    world.write("runbooks/mine.rhai", &text);
    world
}

#[test]
fn an_exit_in_a_step() {
    says(
        &script("step \"Check\" { exit(1); }"),
        &["run", "mine"],
        2,
        "error: `exit` is not available: a run that ends so is neither done nor failed\n  at   SITE/runbooks/mine.rhai:4:20\n         step \"Check\" { exit(1); }\n                        ^\n  help use `throw \"…\"` to fail, or `return` to end a function well\n",
    );
}

#[test]
fn a_command_with_nothing_in_it() {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\n/// tenant: whose data goes; nobody's, by default\nfn main(tenant) {\n    this_server().shell(`rm -rf data/${tenant}`);\n}\n",
    );
    says(
        &world,
        &["run", "mine", "--quiet"],
        2,
        "error: `${tenant}` has no value\n  at   SITE/runbooks/mine.rhai:4\n  why  without it the text would mean something else\n  help give it a value, or a default: `${… ?? \"…\"}`\nstate: `mine` failed on web; nothing was touched\nnext:  banister run mine\n",
    );
}

#[test]
fn a_key_that_a_map_has_not() {
    says(
        &script("let o = #{ force: true };\n    if o.froce { server.make(\"build\"); }"),
        &["run", "mine", "--quiet"],
        1,
        "error: there is no `froce` in this map\n  at   SITE/runbooks/mine.rhai:5\n  help correct the name, or write `?? …` behind it if it may be absent\nstate: `mine` failed on web; nothing was touched\nnext:  banister run mine\n",
    );
    says(
        &script("let o = #{ force: true };\n    if o.force { o.froce = server.name; }"),
        &["check", "runbooks/mine.rhai"],
        0,
        "warning: nothing reads the key `froce`\n  at   runbooks/mine.rhai:5:20\n     | if o.force { o.froce = server.name; }\n     |                ^\n  help did you mean `force`?\n\n1 warning\n",
    );
}

#[test]
fn a_size_compared_with_what_is_none() {
    let world = script("if server.free_space(\"\") < \"100GB\" { throw \"full\"; }");
    says(
        &world,
        &["run", "mine"],
        2,
        "error: a size can't be compared with text\n  at   SITE/runbooks/mine.rhai:4:30\n         if server.free_space(\"\") < \"100GB\" { throw \"full\"; }\n                                  ^\n  help write a size as `2.gigabytes`, or ask a size for its number with `….in_bytes`\n",
    );
    let world = script("let needed = (); let free = 5.gigabytes;\n    if free < needed { throw \"full\"; }");
    says(
        &world,
        &["run", "mine", "--quiet"],
        2,
        "error: the size `5 GB` can't be compared with nothing\n  at   SITE/runbooks/mine.rhai:5\n  help give it a value, or write `?? …` behind it to say what holds if there is none\nstate: `mine` failed on web; nothing was touched\nnext:  banister run mine\n",
    );
    let world = script("if server.free_space(\"\") < (server.free_space ?? 1) { throw \"full\"; }");
    says(
        &world,
        &["check", "runbooks/mine.rhai"],
        2,
        "error: `??` gives a number in the place of a size\n  at   runbooks/mine.rhai:4:51\n     | if server.free_space(\"\") < (server.free_space ?? 1) { throw \"full\"; }\n     |                                               ^\n  help write a size as `2.gigabytes`, or ask a size for its number with `….in_bytes`\n\n1 error\n",
    );
    let world = script("server.set_env(\"COLOUR\", server.branch);");
    says(
        &world,
        &["run", "mine", "--quiet"],
        2,
        "error: `set_env`: `COLOUR` would be set to nothing: give it text, a number, `true` or `false`, or a secret\n  at   SITE/runbooks/mine.rhai:4, on web\n  help read its documentation with `banister doc set_env`\nstate: `mine` failed on web; nothing was touched\nnext:  banister doc set_env\n",
    );
}

#[test]
fn a_site_that_is_not_so() {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nendpoint = \"htp:/example.org\"\nbackup = []\n\
         dumps = { db = [\"nosuch-dump\"] }\ntargets = { start = \"upp\" }\nfree_space = \"100TB\"\n",
    );
    says(
        &world,
        &["check"],
        2,
        "error: `htp:/example.org` is not a valid URL\n  at   site.toml:4\n     | endpoint = \"htp:/example.org\"\n  help write it as `https://example.org/path`, with `http://` or `https://` and a host\n\nwarning: there is no program `nosuch-dump`\n  at   site.toml:6\n     | dumps = { db = [\"nosuch-dump\"] }\n  help install it, or correct its name or its path\n\nwarning: the Makefile has no target `upp`\n  at   site.toml:7\n     | targets = { start = \"upp\" }\n  help did you mean `up`? It is written in `targets`; an empty name leaves the step out\n\n1 error, 2 warnings\n",
    );
    world.write("site.toml", "[servers]\n");
    says(
        &world,
        &["check"],
        2,
        "error: `SITE/site.toml` names no server: the table `servers` is empty\n  at   site.toml\n  help write a table `[servers.NAME]` into it, then check it with `banister check`\n\n1 error\n",
    );
}

#[test]
fn a_release_that_is_not_there() {
    let world = releases::world();
    says(
        &world,
        &["run", "update", "--yes", "--quiet", "--to", "9.9.9"],
        1,
        "error: there is no release `9.9.9` of web; the newest is 0.2.0\n  at   plain.rhai\n  help nothing was touched; see what an update would install: `banister plan update --server web`\nstate: `update` failed on web in step `Check`; nothing was touched\nnext:  banister plan update --server web\n",
    );
}

#[test]
fn a_script_in_another_encoding() {
    let world = World::new();
    world.write("runbooks/latin.rhai", "");
    std::fs::write(
        world.path().join("runbooks/latin.rhai"),
        b"//! Fine.\nfn main() { note(\"Gr\xfc\xdfe\"); }\n",
    )
    .unwrap();
    says(
        &world,
        &["run", "latin"],
        2,
        "error: can't read `SITE/runbooks/latin.rhai`\n  why  line 2 is not UTF-8\n  help move it away, or write it as a text file in UTF-8\n",
    );
}
