//! Windows in which updates begin, and dates on which none does.

use crate::support::{Said, World};

const UPDATE: &str =
    "//! Updates.\nfn main(to) { lock(this_server(), \"x\"); step \"Up\" { this_server().make(\"up\"); } }\n";

fn world(keys: &str) -> World {
    let world = World::new();
    let servers = world.read("site.toml");
    world.write("site.toml", &format!("{keys}\n{servers}"));
    world.write("runbooks/renew.rhai", UPDATE);
    world.write("runbooks/other.rhai", &UPDATE.replace("main(to)", "main(label)"));
    world
}

fn run(world: &World, words: &[&str]) -> Said {
    crate::support::said(world.command(words).env("TZ", "UTC").output().unwrap())
}

fn date(days: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    at.strftime("%Y-%m-%d").to_string()
}

#[test]
fn an_update_begins_in_a_window_only_and_says_when_the_next_one_opens() {
    let world =
        world(&format!("window = \"00:00-24:00\"\nclosed = [\"2020-01-01\", \"{}..{}\"]", date(-1), date(1)));
    let said = run(&world, &["run", "renew"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let said = said.err;
    assert!(said.contains("`renew` does not begin now, by `window` and `closed` in `site.toml`"), "{said}");
    assert!(said.contains(&format!("{} 00:00 UTC", date(2))), "{said}");
    assert!(said.contains("the same command with `--now`"), "{said}");
    assert_eq!(world.read("trace"), "");
    assert!(world.journals().is_empty());
    // What installs no release may begin, and so may what somebody wants.
    assert_eq!(run(&world, &["run", "other"]).code, Some(0));
    assert_eq!(run(&world, &["run", "renew", "--now"]).code, Some(0));
    // A run that began is continued at any time.
    world.write("web/Makefile", "up:\n\t@test -e ../mended\n\t@echo up end >> ../trace\n");
    assert_eq!(run(&world, &["run", "renew", "--now"]).code, Some(1));
    world.write("mended", "");
    assert_eq!(run(&world, &["resume"]).code, Some(0));
}

#[test]
fn an_update_that_would_outlast_its_window_does_not_begin() {
    let world = world("window = [\"00:00-24:00\"]");
    let said = run(&world, &["run", "renew"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // Each day follows at once, but that the end of the last one is known.
    assert!(said.err.contains("how long `renew` takes is unknown"), "{said:?}");
    let said = run(&world, &["run", "renew"]);
    assert_eq!((said.code, said.err.contains("unknown")), (Some(0), false), "{said:?}");
    let find =
        std::process::Command::new("find").arg(world.path()).args(["-name", "ended.jsonl"]).output().unwrap();
    let book = String::from_utf8(find.stdout).unwrap();
    let book = book.trim();
    let text = std::fs::read_to_string(book).unwrap();
    let line = text.lines().last().unwrap();
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["since"] = "2020-01-01T00:00:00Z".into();
    line["steps"] = serde_json::json!([["Up", 90.0 * 86400.0]]);
    std::fs::write(book, format!("{text}{line}\n")).unwrap();
    let said = run(&world, &["run", "renew"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("takes longer than the window is open: it took 90d 0h once"), "{said:?}");
    assert_eq!(run(&world, &["run", "renew", "--now"]).code, Some(0));
}

#[test]
fn what_is_no_window_is_refused_with_the_site() {
    for (keys, said) in [
        ("window = \"Sat 2-5\"", "`Sat 2-5` is no value of `window`"),
        ("closed = [\"24.12.2026\"]", "`24.12.2026` is no value of `closed`"),
    ] {
        let world = world(keys);
        for words in [&["run", "renew"][..], &["check"]] {
            let found = run(&world, words);
            assert_eq!(found.code, Some(2), "{found:?}");
            assert!(format!("{}{}", found.out, found.err).contains(said), "{found:?}");
        }
    }
}
