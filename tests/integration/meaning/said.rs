//! `print` and `debug`, and the log.

use super::support::World;

fn world() -> World {
    let world = World::new();
    world.write("web/.env", "TOKEN=a-word-that-nobody-may-see\n");
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nenv_file = \".env\"\ntargets = { configure = \"config\" }\n",
    );
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\nfn main() {\n    let server = this_server();\n    print(`first of ${server.name}`);\n    print(1);\n    print(());\n    \
         print([1, ()]);\n    step \"Build\" { server.make(\"build\"); debug(#{ a: \"b\" }); }\n    \
         parallel([1, 2], |n| { server.shell(`true ${n}`); debug(n); });\n    print(\"before\");\n    server.make(\"fail\");\n    print(\"last\");\n    \
         print(server.read_env(\"TOKEN\"));\n    debug(\"a-word-that-nobody-may-see\");\n}\n",
    );
    world
}

fn lines<'a>(text: &'a str, of: &[&str]) -> Vec<&'a str> {
    text.lines().filter(|line| of.contains(line)).collect()
}

#[test]
fn what_a_script_prints_is_a_line_of_the_run_and_is_not_printed_again_by_a_resume() {
    let world = world();
    let printed = ["first of web", "1", "()", "[1, ()]", "before", "last"];
    let said = world.banister(&["run", "mine"]);
    assert_eq!(lines(&said.out, &printed), printed[..5], "{}{}", said.out, said.err);
    assert!(!said.err.contains("DEBUG") && !world.read("state").contains("first"));
    let json = world.banister(&["resume", "--json"]);
    assert!(!json.out.contains("first of web"), "{}", json.out);
    world.write("mended", "");
    // What stands right before the call that failed is said once more, as that call is made once more.
    let said = world.banister(&["resume", "-v"]);
    assert_eq!(
        (said.code, lines(&said.out, &printed)),
        (Some(0), vec!["before", "last"]),
        "{}{}",
        said.out,
        said.err
    );
    assert!(!format!("{}{}", said.out, said.err).contains("nobody-may"), "{}{}", said.out, said.err);
    let plan = world.banister(&["plan", "mine"]);
    assert!(plan.out.contains("first of web") && plan.out.contains("last"), "{}", plan.out);
    let json = world.banister(&["run", "mine", "--json"]);
    assert!(json.out.contains("{\"event\":\"printed\",\"text\":\"first of web\"}"), "{}", json.out);
}

#[test]
fn what_a_script_debugs_is_shown_with_its_place_when_asked_for() {
    let world = world();
    world.write("mended", "");
    let said = world.banister(&["run", "mine"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let said = world.banister(&["run", "mine", "-v"]);
    let debugged: Vec<&str> = said.err.lines().filter(|line| line.contains("DEBUG")).collect();
    assert_eq!(debugged.len(), 4, "{}", said.err);
    assert!(debugged[0].contains("runbooks/mine.rhai:8: #{\"a\": \"b\"}"), "{}", debugged[0]);
    assert!(debugged[0].contains("run{") && debugged[0].contains("step{name=\"Build\"}"), "{}", debugged[0]);
    assert!(!said.err.contains("first of web") && !said.err.contains("nobody-may"), "{}", said.err);
}

#[test]
fn the_log_has_spans_of_run_step_and_call_and_hides_secrets() {
    let world = world();
    world.write("mended", "");
    for (arguments, level) in [(&["run", "mine", "-vv"][..], None), (&["run", "mine"], Some("trace"))] {
        let mut command = world.command(arguments);
        level.map(|level| command.env("BANISTER_LOG", level));
        let said = super::support::said(command.output().unwrap());
        for told in ["run{id=", "step{name=\"Build\"}", "call{name=\"make\"", "first of web", "close"] {
            assert!(said.err.contains(told), "{told}: {}", said.err);
        }
        assert!(!said.err.contains("nobody-may"), "{}", said.err);
    }
    let said =
        super::support::said(world.command(&["run", "mine"]).env("BANISTER_LOG", "info").output().unwrap());
    assert!(said.err.contains("first of web") && !said.err.contains("DEBUG"), "{}", said.err);
    let said = super::support::said(world.command(&["status"]).env("BANISTER_LOG", "loud").output().unwrap());
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("error: `BANISTER_LOG` is one of off, error, warn, info, debug and trace"),
        "{}",
        said.err
    );
}
