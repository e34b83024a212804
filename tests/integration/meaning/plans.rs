//! A plan says how a rollback would end.

use super::support::World;

fn planned(body: &str, arguments: &[&str]) -> super::support::Said {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        &format!("//! Mine.\nfn main() {{\n    let server = this_server();\n{body}\n}}\n"),
    );
    world.banister(&[&["plan", "mine"], arguments].concat())
}

#[test]
fn the_plan_of_a_rollback_that_throws_fails_and_says_so() {
    let body = "    on_failure { server.make(\"config\"); throw \"there is no way back\"; }\n    let x = server.shell(\"date\");\n    \
                if x.lines[0] == \"x\" { note(\"a\"); }\n    server.make(\"build\");";
    let said = planned(body, &[]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("make(web, \"build\")"), "{}", said.out);
    assert!(
        said.out.contains("state: a run would do as shown, but its rollback would stop: there is no way back; nothing was changed"),
        "{}",
        said.out
    );
    let json = planned(body, &["--json"]);
    assert_eq!(json.code, Some(1));
    let plan: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(plan["rollback_failure"]["message"], "there is no way back");
    assert!(plan["failure"].is_null(), "{plan}");
    // One that only may is shown with both of its arms.
    let may = planned(
        "    let x = server.shell(\"date\");\n    on_failure { if x.lines[0] == \"x\" { throw \"none\"; } server.make(\"config\"); }\n    server.make(\"build\");",
        &[],
    );
    assert!(may.code == Some(0) && may.out.contains("none"), "{}{}", may.out, may.err);
}

/// A run goes one way: what is done on either is not done twice.
#[test]
fn what_a_plan_counts_is_what_one_way_does() {
    let body = "    let x = server.shell(\"date\");
    if x.lines[0] == \"x\" {
        step \"A\" { on_failure { step \"Undo A\" {} } server.make(\"config\"); }
    } else {
        step \"B\" { on_failure { step \"Undo B\" {} } server.make(\"config\"); }
    }
    step \"C\" { server.make(\"build\"); server.make(\"up\"); }
    step \"D\" { server.make(\"config\"); }
    step \"E\" { server.make(\"config\"); }";
    let said = planned(body, &[]);
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("C 2 changes") && words.contains("D 1 change"), "{}", said.out);
    assert!(words.contains("in all: at most 6 changes, 0 questions rollback: declared"), "{}", said.out);
    assert!(words.contains("at most 6 changes and 0 questions planned"), "{}", said.out);
    let (summary, _) = said.out.split_once("in detail:").unwrap();
    assert!(!summary.contains("Undo"), "{summary}");
}
