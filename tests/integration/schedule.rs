//! Schedules as lines of a crontab, with a stand-in for `crontab` that keeps it in a file.

use crate::support::{Said, World, said};

const CRONTAB: &str = r#"#!/bin/sh
cd "$(dirname "$0")/.." || exit 1
case $1 in
-l) if [ -e crontab ]; then cat crontab; else echo "no crontab for ops" >&2; exit 1; fi ;;
-) cat > crontab; echo written >> written ;;
esac
"#;

fn world() -> World {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.write("runbooks/renew.rhai", "//! Updates.\nfn main(to) { this_server().make(\"up\"); shell(this_server(), `echo ${to} $MARK >> ../given`); }\n");
    world.write("bin/crontab", CRONTAB);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.path().join("bin/crontab"), mode).unwrap();
    world
}

fn banister(world: &World, words: &[&str]) -> Said {
    let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = world.command(words);
    command.env("BANISTER_SYSTEMD", "no").env("PATH", path).env("BANISTER_SECRET_KEY", "hidden");
    said(command.output().unwrap())
}

#[test]
fn a_schedule_is_a_line_of_the_crontab_that_is_written_once_and_removed() {
    let world = world();
    world.write("crontab", "5 4 * * * backup # mine\n");
    let add = ["schedule", "renew", "--every", "Sat 02:00", "--", "--to", "0.2 %"];
    let said = banister(&world, &add);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.out.contains("    0 2 * * 6 ") && said.out.contains("run renew --yes --unattended=rollback"),
        "{said:?}"
    );
    assert_eq!(world.read("written"), "");
    let yes = [&add[..2], &["--yes"], &add[2..]].concat();
    let said = banister(&world, &yes);
    assert_eq!(said.code, Some(0), "{said:?}");
    let crontab = world.read("crontab");
    assert!(crontab.starts_with("5 4 * * * backup # mine\n0 2 * * 6 "), "{crontab}");
    assert!(crontab.contains("'0.2 \\%'") && !crontab.contains("hidden"), "{crontab}");
    // A second time nothing is written, nor asked.
    let said = banister(&world, &add);
    assert_eq!((said.code, world.read("written").as_str()), (Some(0), "written\n"), "{said:?}");
    assert!(said.out.contains("is scheduled so already"), "{said:?}");
    let said = banister(&world, &["schedule", "--list"]);
    assert!(said.out.contains("Sat 02:00") && said.out.contains("by cron"), "{said:?}");
    // Another time takes its place.
    let said =
        banister(&world, &["schedule", "renew", "--every", "Sun 03:30", "--unattended", "stop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let crontab = world.read("crontab");
    assert!(crontab.lines().count() == 2 && crontab.contains("\n30 3 * * 0 "), "{crontab}");
    assert!(crontab.contains("--unattended=stop"), "{crontab}");
    let said = banister(&world, &["schedule", "--remove", "renew", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("crontab"), "5 4 * * * backup # mine\n");
    let said = banister(&world, &["schedule", "--remove", "renew", "--yes"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(banister(&world, &["schedule", "--list"]).out.contains("nothing is scheduled"));
}

/// As cron does it: with another environment, by a shell.
#[test]
fn the_line_runs_in_the_environment_in_which_it_was_written() {
    let world = world();
    let said = banister(&world, &["schedule", "renew", "--every", "daily", "--yes", "--", "--to=a b"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let crontab = world.read("crontab");
    let line = crontab.trim().strip_prefix("0 0 * * * ").unwrap().replace("\\%", "%");
    let mut cron = std::process::Command::new("/bin/sh");
    cron.args(["-c", &line])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", world.path())
        .current_dir("/");
    cron.env("BANISTER_SYSTEMD", "no");
    let output = cron.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(world.read("given").trim(), "a b");
    assert!(world.journals().len() == 1, "its runs are where those of the terminal are");
}

#[test]
fn what_can_t_be_scheduled_is_refused_before_anything_is_written() {
    let world = world();
    for (words, why) in [
        (&["renew", "--every", "Sat 02:00:30"][..], "cron can't say `Sat 02:00:30`"),
        (&["nothing", "--every", "Sat 02:00"], "there is no runbook `nothing`"),
        (&["renew", "--every", "Sat 02:00", "--", "--odd"], "unexpected argument '--odd'"),
        (&["renew"], "it is not said what is to run, and when"),
        (&["renew", "--every", "Sat 02:00", "--unattended", "never"], "is none of"),
    ] {
        let said = banister(&world, &[&["schedule", "--yes"], words].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    assert_eq!(world.read("written"), "");
}
