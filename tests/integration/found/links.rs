//! Settings that are links, and tags that look otherwise than the site says.

use super::ground::Found;
use crate::support;
use std::os::unix::fs::symlink;
use support::releases::healthy;

#[test]
fn a_settings_file_that_is_a_link_is_edited_backed_up_and_restored_where_it_leads() {
    let found = Found::new();
    found.world.write("own/settings", "COLOUR=blue\n");
    found.world.write("web/.git/info/exclude", ".env\n");
    symlink("../own/settings", found.path("web/.env")).unwrap();
    found.world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nenv_file = \".env\"\nbackup = [\".env\"]\nbackups = \"backups\"\n\
             targets = {{ stop = \"stop\" }}\nhealth = [\"{}\"]\nhealthy = {{ stable = \"100ms\" }}\n",
            healthy()
        ),
    );
    found.world.write(
        "runbooks/paint.rhai",
        "//! Paints.\nfn main() { step \"Paint\" { this_server().set_env(\"COLOUR\", \"red\"); } }\n",
    );
    let is_link = || found.path("web/.env").symlink_metadata().unwrap().is_symlink();
    let run = |words: &[&str]| {
        let said = found.world.banister(words);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    run(&["run", "paint", "--yes"]);
    assert_eq!((found.read("own/settings").as_str(), is_link()), ("COLOUR=red\n", true));
    run(&["run", "backup", "--yes"]);
    found.world.write("own/settings", "COLOUR=green\n");
    let listed = found.world.banister(&["backup", "list", "--json"]);
    let cards: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let path = cards[0]["path"].as_str().unwrap_or_else(|| panic!("{listed:?}")).to_owned();
    run(&["backup", "restore", &path, "--yes"]);
    assert_eq!((found.read("own/settings").as_str(), is_link()), ("COLOUR=red\n", true));
}

#[test]
fn a_pattern_that_no_tag_matches_is_named_with_one_that_fits() {
    let found = Found::new();
    found.site("releases = { tags = \"release-{n}\" }");
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.is_refused(&[
        "no release of `web` matches `tags = \"release-{n}\"` in site.toml",
        "write `tags = \"{n}.{n}.{n}\"` into `releases`",
    ]);
}
