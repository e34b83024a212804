//! Units are values, and what can't be compared is not.

use super::support::World;

fn world(settings: &str, body: &str) -> World {
    let world = World::new();
    world.write("site.toml", &format!("[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\n{settings}\n"));
    world.write(
        "runbooks/mine.rhai",
        &format!("//! Mine.\nfn main() {{\n    let server = this_server();\n{body}\n}}\n"),
    );
    world
}

#[test]
fn settings_with_a_unit_are_values() {
    let settings = "free_space = \"100TB\"\nhealthy = { within = \"5m\", stable = \"2s\" }\nkeep = { count = 3, age = \"30d\" }\n\
                    health = [{ name = \"a\", command = [\"true\"] }]";
    let world = world(
        settings,
        "    if server.free_space(\"\") > server.free_space { throw \"1\"; }
    if server.free_space != 100.terabytes || server.healthy.within != 5.minutes { throw \"2\"; }
    if server.healthy.stable + 1.second > 5.seconds || server.keep.age < 30.days || server.keep.count != 3 { throw \"3\"; }
    server.wait_healthy(#{ within: server.healthy.within, stable: server.healthy.stable ?? 9.seconds });
    note(`${server.free_space} ${server.healthy.within}`);",
    );
    let said = world.banister(&["run", "mine"]);
    assert!(said.code == Some(0) && said.out.contains("note: 100 TB 5m\n"), "{}{}", said.out, said.err);
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("already runs"), "{}{}", said.out, said.err);
    world.write("web/new", "");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(
        said.code == Some(1) && said.err.contains("but 100 TB are needed (free_space in site.toml)"),
        "{}{}",
        said.out,
        said.err
    );
    assert_eq!(world.read("trace"), "");
}

#[test]
fn what_can_not_be_compared_ends_a_run() {
    for (a, b, said_of) in [
        ("server.free_space(\"\")", "text", "the size `"),
        ("text", "server.free_space(\"\")", "text `\"100GB\"` can't be compared with the size `"),
        ("5.minutes + none", "text", "the duration `5m` can't be compared with text `\"100GB\"`"),
        ("text", "counted", "text `\"100GB\"` can't be compared with the number `1`"),
        ("counted", "[5.gigabytes][0]", "the number `1` can't be compared with the size `5 GB`"),
        ("[5.gigabytes][0]", "[5.minutes][0]", "the size `5 GB` can't be compared with the duration `5m`"),
    ] {
        for comparison in ["==", "!=", "<", "<=", ">", ">="] {
            let world = world(
                "",
                &format!(
                    "    let text = [\"100GB\"][0];\n    let counted = [1][0];\n    let none = [0.seconds][0];\n    \
                     if {a} {comparison} {b} {{ server.make(\"build\"); }}\n    server.make(\"config\");"
                ),
            );
            let said = world.banister(&["run", "mine"]);
            let all = format!("{}{}", said.out, said.err);
            assert_eq!(
                (said.code, world.read("trace").as_str()),
                (Some(2), ""),
                "{a} {comparison} {b}: {all}"
            );
            assert!(
                all.contains(said_of)
                    && all.contains("can't be compared with")
                    && all.contains("mine.rhai:7"),
                "{all}"
            );
        }
    }
    let fine = "    let text = [\"a\"][0];\n    if text == () || 1 == () || 5.minutes == () || 1 != 1.0 || text != \"a\" || 1.gigabyte != 1000.megabytes { throw \"1\"; }
    if [1, 2].contains(3) || [\"a\"] == \"b\" { throw \"2\"; }";
    assert_eq!(world("", fine).banister(&["run", "mine"]).code, Some(0));
}

#[test]
fn the_check_finds_comparisons_whose_kinds_are_known() {
    for (body, found) in [
        ("    if server.free_space(\"\") < \"100GB\" { note(\"a\"); }", "a size can't be compared with text"),
        (
            "    let needed = \"100GB\";\n    if server.free_space(\"\") < needed { note(\"a\"); }",
            "a size can't be compared with text",
        ),
        (
            "    let within = server.healthy.within ?? 5.minutes;\n    if within == \"5m\" { note(\"a\"); }",
            "a duration can't be compared with text",
        ),
        ("    if server.name == 1 { note(\"a\"); }", "text can't be compared with a number"),
        ("    if 5.minutes > 300 { note(\"a\"); }", "a duration can't be compared with a number"),
    ] {
        let world = world("", body);
        let said = world.banister(&["check", "runbooks/mine.rhai"]);
        assert!(said.code == Some(2) && said.out.contains(found), "{body}: {}", said.out);
        assert_eq!(world.banister(&["run", "mine"]).code, Some(2));
        assert!(world.journals().is_empty());
    }
    let fine = world(
        "",
        "    let n = 1;\n    n = \"a\";\n    if n == \"a\" || server.name == \"web\" { note(\"a\"); }",
    );
    assert_eq!(fine.banister(&["check", "runbooks/mine.rhai"]).code, Some(0));
}
