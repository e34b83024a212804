//! The reference is as the program has it.

use crate::support;

use support::World;

#[test]
fn the_reference_is_fresh() {
    let world = World::new();
    // What a site adds is none of the program's.
    world.write("stdlib/ours.rhai", "/// Ours.\nfn greet(server) {}\n");
    let said = world.banister(&["doc", "--markdown"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("REFERENCE.md");
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        said.out == kept,
        "REFERENCE.md is old: refresh it with `cargo run -- doc --markdown > REFERENCE.md`"
    );
    for told in [
        "### make\n",
        "#### hoss::roll_back\n",
        "### step\n",
        "### recipients\n",
        "| 130 |",
        "### update-linked\n",
    ] {
        assert!(kept.contains(told), "{told}");
    }
}
