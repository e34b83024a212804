//! What the program says of itself.

use crate::support;

use support::World;

#[test]
fn the_help_of_a_runbook_is_its_documentation_and_its_parameters() {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Do what is\n//! mine.\n//!\n//! At night.\n\n/// how_often: the number of times\nfn main(how_often) { note(`${how_often}`); }\n",
    );
    for command in [&["run", "mine", "--help"][..], &["plan", "mine", "-h"], &["run", "-h", "mine"]] {
        let said = world.banister(command);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.starts_with("Do what is mine.\n\nAt night.\n"), "{said:?}");
        let parameter =
            said.out.split_once("Parameters of `mine`:").map(|(_, text)| text).unwrap_or_default();
        assert!(
            parameter.contains("--how-often <VALUE>") && parameter.contains("the number of times"),
            "{said:?}"
        );
    }
    let said = world.banister(&["run", "mine", "--how-often", "3"]);
    assert!(said.code == Some(0) && said.out.contains("note: 3\n"), "{said:?}");
}
