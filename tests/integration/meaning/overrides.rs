//! A function of a site's file that overrides nothing.

use super::support::World;

#[test]
fn a_function_that_overrides_nothing_and_that_nothing_calls_is_found() {
    let world = World::new();
    world.write("runbooks/update.rhai", "fn chekc(update, wait_idle) { base::check(update, wait_idle); }\n");
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{}", said.out);
    assert!(said.out.contains("error: `chekc` overrides nothing, and nothing calls it\n"), "{}", said.out);
    assert!(
        said.out.contains("runbooks/update.rhai:1:4") && said.out.contains("did you mean `check`?"),
        "{}",
        said.out
    );
    assert_eq!(world.banister(&["run", "update", "--yes"]).code, Some(2));
    assert!(world.journals().is_empty());

    world.write("runbooks/update.rhai", "fn tell_everybody(update) { tell_everybody(update); }\n");
    world.write("stdlib/plain.rhai", "fn buidl(server) { base::build(server); }\n");
    let said = world.banister(&["check"]);
    assert!(said.out.contains("warning: `tell_everybody` overrides nothing"), "{}", said.out);
    assert!(
        said.out.contains("error: `buidl` overrides nothing") && said.out.contains("did you mean `build`?"),
        "{}",
        said.out
    );
}

#[test]
fn a_function_that_is_called_from_anywhere_is_none() {
    let world = World::new();
    world.write(
        "runbooks/update.rhai",
        "before(\"Build\") { tell(server); }\nfn check(update, wait_idle) { base::check(update, wait_idle); [1].map(|n| count(n)); Fn(\"named\"); }\n\
         fn tell(server) { note(server.name); }\nfn count(n) { n }\nfn named() {}\n",
    );
    world.write(
        "stdlib/plain.rhai",
        "/// For runbooks of the site.\nfn biuld(server) { server.make(\"build\"); }\n",
    );
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\nimport \"plain\" as plain;\nfn main() { plain::biuld(this_server()); }\n",
    );
    let said = world.banister(&["check"]);
    assert!(said.code == Some(0) && !said.out.contains("overrides nothing"), "{}", said.out);
    assert_eq!(world.banister(&["check", "stdlib/plain.rhai"]).code, Some(0));
}
