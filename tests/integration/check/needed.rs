//! What `check` finds of a server's table that an update would only find on its way.

use super::whole;
use crate::support::World;

/// The findings for a table, a line each, with the number of its line.
fn found(world: &World, table: &str) -> String {
    world.write("site.toml", table);
    let said = world.banister(&["check", "--json"]);
    let all: serde_json::Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let one =
        |it: &serde_json::Value| format!("{} {}", it["line"], it["message"].as_str().unwrap_or_default());
    all.as_array().unwrap().iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn keys_that_a_kind_needs_are_named_before_an_update_misses_them() {
    let world = whole();
    let begin = "# A site.\n\n[servers.git]\nkind = \"KIND\"\ncheckout = \"web\"\nbackup = [\"Makefile\"]\n";
    for (kind, more, told) in [
        (
            "binary",
            "",
            "3 an update of `git` needs `asset`\n3 an update of `git` needs `file`\n3 an update of `git` needs `units`",
        ),
        (
            "binary",
            "file = \"/x\"\nasset = \"a\"\ncommands = { start = [\"true\"], stop = [\"true\"] }\n",
            "7 there is no file `/x`",
        ),
        ("systemd", "", "3 an update of `git` needs `units`"),
        ("systemd", "units = [\"git.service\"]\n", ""),
        ("compose", "", "3 an update of `git` needs `version`"),
        ("plain", "targets = { configure = \"\", build = \"\", start = \"\" }\n", ""),
    ] {
        let found = found(&world, &format!("{}{more}", begin.replace("KIND", kind)));
        assert_eq!(found, told, "{kind} {more}");
    }
}

#[test]
fn a_file_that_says_no_version_is_told_at_its_line() {
    let world = whole();
    world.write("app", "");
    let table = "[servers.git]\nkind = \"binary\"\ncheckout = \"web\"\nbackup = [\"Makefile\"]\nunits = [\"a.service\"]\nasset = \"a\"\n";
    let told = found(&world, &format!("{table}file = \"~/app\"\n"));
    assert!(told.starts_with("7 `") && told.contains("cannot be run") && !told.contains('\n'), "{told}");
    let version = "file = \"~/app\"\nversion = { command = [\"true\"] }\n";
    let told = found(&world, &format!("{table}{version}"));
    assert!(told.starts_with("8 nothing says which release `"), "{told}");
}

#[test]
fn edits_that_match_nothing_and_a_check_with_two_certificates_are_told() {
    let world = whole();
    let table = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"Makefile\"]\ntargets = { configure = \"\", build = \
                 \"\", start = \"\" }\n";
    let told = found(&world, &format!("{table}edits = [\"Make*\", \"evn/*\"]\n"));
    assert_eq!(told, "6 `evn/*` in `edits` matches no file that git tracks");
    let fingerprint = format!("sha256:{}", "a".repeat(64));
    let told = found(
        &world,
        &format!(
            "{table}health = [{{ http = \"https://localhost/\", ca = \"ca.pem\", fingerprint = \"{fingerprint}\" }}]\n"
        ),
    );
    assert_eq!(told, "6 the check of `https://localhost/` has `ca` and `fingerprint`");
}

#[test]
fn a_version_that_two_servers_share_is_told_of_both() {
    let world = whole();
    world.write("common.env", "VERSION=1.0\n");
    let mut text = String::new();
    for name in ["east", "west"] {
        world.write(&format!("{name}/compose.yaml"), "services: { app: { image: \"a/b:${VERSION}\" } }\n");
        std::os::unix::fs::symlink("../common.env", world.path().join(name).join(".env")).unwrap();
        text += &format!(
            "[servers.{name}]\nkind = \"compose\"\ncheckout = \"{name}\"\nversion = {{ setting = \"VERSION\" }}\nbackup = [\"compose.yaml\"]\n"
        );
    }
    let told = found(&world, &text);
    let file = world.path().canonicalize().unwrap().join("common.env").display().to_string();
    let finding = |line: usize, other: &str| {
        format!("{line} the version in `{file}` is also that of `{other}`: an update of one writes both")
    };
    assert_eq!(told, [finding(4, "west"), finding(9, "east")].join("\n"));
    world.remove("west/.env");
    world.write("west/.env", "VERSION=1.0\n");
    assert_eq!(found(&world, &text), "");
}
