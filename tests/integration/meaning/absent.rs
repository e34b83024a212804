//! `()` in a text, and what a map or a server does not have.

use super::support::{Said, World, said, type_into};
use std::process::Stdio;

/// Runs a runbook `mine` with this body, in which `tenant` was not given.
fn run(body: &str) -> (World, Said) {
    let world = World::new();
    let body = format!(
        "//! Mine.\n/// tenant: whose data; none, if not given\nfn main(tenant) {{\n    let server = this_server();\n{body}\n}}\n"
    );
    world.write("runbooks/mine.rhai", &body);
    world.write("web/data/kept", "");
    let said = world.banister(&["run", "mine", "--yes"]);
    (world, said)
}

#[test]
fn a_text_with_nothing_in_it_reaches_no_command_and_names_the_value() {
    for (text, name) in [
        ("`rm -rf data/${tenant}`", "${tenant}"),
        ("`rm -rf data/${ tenant }`", "${ tenant }"),
        ("`rm -rf é${server.name} data/${server.get(\"branch\")}`", "${server.get(\"branch\")}"),
        ("`rm -rf data/${if true { tenant }}`", "${if true { tenant }}"),
        ("\"rm -rf data/\" + tenant", "tenant"),
        ("tenant + \"rm -rf data\"", "tenant"),
        ("[\"rm -rf data/\", tenant].join(\"\")", ""),
        ("\"rm -rf data/\" + tenant.to_string()", ""),
        ("`rm -rf ${[\"data\", tenant]}`", "${[\"data\", tenant]}"),
        ("`rm -rf ${#{ a: [tenant] }}`", "${#{ a: [tenant] }}"),
        ("`rm -rf ${#{ a: 1 }.b ?? tenant}`", "${#{ a: 1 }.b ?? tenant}"),
    ] {
        for call in
            ["server.shell(TEXT)", "let x = TEXT; server.shell(x)", "try { server.shell(TEXT) } catch { }"]
        {
            let (world, said) = run(&format!("    {};", call.replace("TEXT", text)));
            assert_eq!(said.code, Some(2), "{text} {}{}", said.out, said.err);
            let wanted = match name {
                "" => "a part of this text has no value".to_owned(),
                name => format!("`{name}` has no value"),
            };
            let all = format!("{}{}", said.out, said.err);
            assert!(all.contains(&wanted) && all.contains("runbooks/mine.rhai:5"), "{text}: {all}");
            assert!(world.path().join("web/data/kept").exists());
        }
    }
}

#[test]
fn a_text_with_nothing_in_it_is_no_name_and_no_path() {
    for body in [
        "    step `Remove ${tenant}` { server.make(\"build\"); }",
        "    let x = \"a\"; x += tenant; server.make(x);",
        "    parallel([1, 2], |n| server.make(`build${tenant}`));",
        "    server.read_env(\"A\", #{ file: `x${tenant}` });",
        "    note(`${tenant}`);",
    ] {
        let (world, said) = run(body);
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("` has no value") && said.code == Some(2), "{body}: {all}");
        assert_eq!(world.read("trace"), "");
    }
    // What stands in for it is a text like any other, and what may be left out may be `()`.
    let (world, said) =
        run("    let text = `${tenant ?? \"nobody\"}`; note(text); server.make(\"build\", tenant);");
    assert_eq!((said.code, world.read("trace").lines().count()), (Some(0), 2), "{}{}", said.out, said.err);
}

#[test]
fn nothing_in_a_text_of_a_rollback_stops_it() {
    let (world, said) =
        run("    on_failure { server.shell(`touch ../undone ${tenant}`); }\n    server.make(\"fail\");");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let said = world.banister(&["resume", "--rollback"]);
    assert!(said.code != Some(0) && said.err.contains("`${tenant}` has no value"), "{said:?}");
    assert!(!world.path().join("undone").exists());
}

#[test]
fn what_a_map_lacks_fails_unless_the_script_asks() {
    for read in ["o.froce", "o[\"froce\"]", "o.inner.more", "e[\"a\"]"] {
        let (_, said) = run(&format!(
            "    let o = #{{ force: true, inner: #{{}} }}; let e = #{{}};\n    server.shell(\"true\");\n    if {read} == true {{ server.make(\"build\"); }}"
        ));
        let all = format!("{}{}", said.out, said.err);
        assert!(
            said.code == Some(1) && all.contains("there is no `") && all.contains("mine.rhai:7"),
            "{read}: {all}"
        );
    }
    let asks = "    let o = #{ force: true, inner: #{} }; let counts = #{}; let key = \"a\";
    if o.froce ?? false { throw \"1\"; }
    if o.froce != () || o?.froce != () || \"froce\" in o || (o.inner.x ?? 1) != 1 { throw \"2\"; }
    if (o.inner.deep?.deeper ?? 3) != 3 { throw \"3\"; }
    o.froce = o.froce ?? 1;
    counts[key] = (counts[key] ?? 0) + 1;
    counts[key] = (counts[key] ?? 0) + 1;
    if counts.a != 2 || o.froce != 1 || server.branch != () || (server.endpoint ?? \"x\") != \"x\" { throw \"4\"; }
    try { throw #{ message: \"x\" }; } catch (e) { if (e.other ?? 1) != 1 { throw \"5\"; } }
    try { server.make(\"nosuch\"); } catch (e) { if (e.kind ?? 1) != \"command_failed\" { throw \"6\"; } }";
    let (_, said) = run(asks);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let (_, said) = run("    if server.free_spce == () { server.make(\"build\"); }");
    assert!(said.code != Some(0) && said.err.contains("a server has no setting `free_spce`"), "{}", said.err);
}

/// What is typed passes the same rule.
#[test]
fn nothing_in_a_text_reaches_no_command_that_is_typed() {
    let world = World::new();
    world.write("data/kept", "");
    let lines = "let t = ();\nlet cmd = `rm -rf ../data/${t}`;\nthis_server().shell(cmd)\n";
    let mut command = world.command(&["repl"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    type_into(&mut child, lines);
    let said = said(child.wait_with_output().unwrap());
    assert!(said.err.contains("`${t}` has no value"), "{said:?}");
    assert!(world.path().join("data/kept").exists());
}

#[test]
fn what_json_has_no_form_for_is_not_written_as_json() {
    for (value, of) in [("5.minutes", "a duration"), ("1.gigabyte", "a size"), ("server", "a server")] {
        let (_, said) = run(&format!("    server.shell(#{{ a: [{value}] }}.to_json());"));
        assert!(said.err.contains(&format!("{of} can't be written as JSON")), "{value}: {said:?}");
    }
    let (_, said) =
        run("    if #{ a: [1, \"b\", ()] }.to_json() != \"{\\\"a\\\":[1,\\\"b\\\",null]}\" { throw \"1\"; }");
    assert_eq!(said.code, Some(0), "{said:?}");
}
