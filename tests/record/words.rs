//! A secret that is a word of what is stored changes nothing: each key and tag of the formats, the server, its folders and
//! releases are values of settings that are named like secrets, all at once, and an update is killed all along.

use crate::support::{World, words};

/// A server with a second release and settings that git does not see.
fn world() -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nhealth = [{ command = [\"true\"] }]\n\
         healthy = { stable = \"10ms\" }\nbackup = [\"Makefile\"]\nbackups = \"../archives\"\nenv_file = \".env\"\n",
    );
    world.write("web/.git/info/exclude", ".env\n");
    world.write("web/.env", "");
    world.write("web/file", "new");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world
}

#[test]
fn a_secret_that_is_a_word_of_the_record_changes_no_run() {
    let whole = world();
    let said = whole.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let trace = whole.read("trace");
    let given =
        ["web", "archives", "0.1.0", "0.2.0", "update", "plain", "Makefile", "site.toml", "before", "after"];
    let words = words::of(&whole.journals()[0], &given.map(str::to_owned));
    let settings = words::settings(&words);
    let records = whole.records();
    let mut killed = 0;
    for record in (1..records).step_by(4) {
        let world = world();
        world.write("web/.env", &settings);
        let place = format!("{} {record}", if record % 8 < 4 { "after" } else { "before" });
        let said = world.crash(&["run", "update", "--yes"], &place);
        if said.code != Some(-9) {
            continue;
        }
        killed += 1;
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(world.read("trace"), trace, "{place}");
        assert_eq!(world.read("web/file"), "new", "{place}");
        let shown = world.banister(&["show", "--json"]);
        let shown: serde_json::Value =
            serde_json::from_str(&shown.out).unwrap_or_else(|_| panic!("{shown:?}"));
        assert_eq!(shown["state"], "done", "{place}: {shown}");
    }
    println!("{} words as secrets, {killed} kills at {records} records: 0 ends differ", words.len());
}
