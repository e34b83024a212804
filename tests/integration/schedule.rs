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

#[test]
fn what_a_run_needs_is_fetched_before_it_by_a_line_of_its_own() {
    let world = world();
    let add = |more: &[&str]| {
        let words = [&["schedule", "renew", "--every", "Sat 02:00", "--yes"], more].concat();
        banister(&world, &words)
    };
    let said = add(&["--prefetch", "Fri 20:00", "--", "--to", "0.1.0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("state: `renew` is scheduled: Sat 02:00, and `prefetch`: Fri 20:00"),
        "{said:?}"
    );
    let crontab = world.read("crontab");
    let lines: Vec<&str> = crontab.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("0 2 * * 6 "), "{crontab}");
    assert!(
        lines[1].starts_with("0 20 * * 5 ") && lines[1].contains(" run prefetch --yes --unattended=stop"),
        "{crontab}"
    );
    assert!(lines[1].contains(" --release=0.1.0 # banister-prefetch-"), "{crontab}");
    assert!(add(&["--prefetch", "Fri 20:00", "--", "--to", "0.1.0"]).out.contains("is scheduled so already"));
    let list = banister(&world, &["schedule", "--list"]);
    assert!(list.out.contains("Fri 20:00") && list.out.contains("Sat 02:00"), "{list:?}");
    // As cron calls it.
    let said = due(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((world.journals().len(), world.read("trace").as_str()), (1, ""));
    // Scheduled without it, nothing is fetched any more.
    assert_eq!(add(&["--", "--to", "0.1.0"]).code, Some(0));
    assert_eq!(world.read("crontab").lines().count(), 1, "{}", world.read("crontab"));
    assert_eq!(add(&["--prefetch", "Fri 20:00"]).code, Some(0));
    let said = banister(&world, &["schedule", "--remove", "renew", "--yes"]);
    assert_eq!((said.code, world.read("crontab").as_str()), (Some(0), ""), "{said:?}");
    assert!(banister(&world, &["schedule", "--list"]).out.contains("nothing is scheduled"));
    for (words, why) in [
        (&["--prefetch", "Sat 02:00"][..], "`--prefetch` and `--every` are the same time"),
        (&["--prefetch", "*-02-30 04:00"], "never comes"),
        (&["--prefetch", "soon"], "`soon`"),
    ] {
        let said = add(words);
        assert!(said.code == Some(2) && said.err.contains(why), "{said:?}");
    }
    let said =
        banister(&world, &["schedule", "backup", "--every", "Sat 02:00", "--prefetch", "daily", "--yes"]);
    assert!(said.code == Some(2) && said.err.contains("`backup` installs no release"), "{said:?}");
    assert_eq!(world.read("crontab"), "");
}

#[test]
fn a_line_that_somebody_changed_or_removed_is_told() {
    let world = world();
    let said = banister(&world, &["schedule", "renew", "--every", "Sat 02:00", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = world.read("crontab");
    let list = || banister(&world, &["schedule", "--list"]).out;
    assert!(list().trim_end().ends_with("by cron"), "{}", list());
    let changed = line.replace("0 2 * * 6", "0 3 * * 6");
    world.write("crontab", &changed);
    assert!(list().contains("changed by hand, see below"), "{}", list());
    assert!(list().contains("its line in the crontab is now: 0 3 * * 6 "), "{}", list());
    let json = banister(&world, &["schedule", "--list", "--json"]).out;
    assert!(json.contains("\"stands\":\"changed\""), "{json}");
    world.write("crontab", &format!("{line}{line}"));
    assert!(list().contains("the crontab has 2 lines of it"), "{}", list());
    for gone in [String::new(), format!("# {line}")] {
        world.write("crontab", &gone);
        assert!(list().contains("never, see below"), "{}", list());
        let again = "somebody removed it; write it again with `banister schedule renew --every 'Sat 02:00' --unattended ";
        assert!(list().contains(again), "{}", list());
    }
    world.write("crontab", &format!("{line}{}", line.replace("banister-renew-", "banister-other-")));
    assert!(list().contains("it is in the crontab, and not known in `"), "{}", list());
    world.write("bin/crontab", "#!/bin/sh\necho broken >&2\nexit 1\n");
    assert!(list().contains("the crontab can't be read"), "{}", list());
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

/// As cron calls what is due.
fn due(world: &World) -> Said {
    let crontab = world.read("crontab");
    let line = crontab.lines().last().unwrap().splitn(6, ' ').nth(5).unwrap().replace("\\%", "%");
    let mut cron = std::process::Command::new("/bin/sh");
    cron.args(["-c", &line])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", world.path())
        .env("BANISTER_SYSTEMD", "no")
        .current_dir("/");
    said(cron.output().unwrap())
}

#[test]
fn a_scheduled_run_that_does_not_begin_is_told_once_each_time_and_shown_until_one_begins() {
    let world = world();
    let servers = world.read("site.toml");
    let page = format!("[\"sh\", \"-c\", \"cat >> {}/paged\"]", world.path().display());
    let keys = |window: &str| format!("{window}\n[[notify]]\nname = \"on-call\"\ncommand = {page}\n\n");
    world.write("site.toml", &format!("{}{servers}", keys("")));
    let said = banister(&world, &["schedule", "renew", "--every", "daily", "--yes", "--", "--to=0.2"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let paged = || -> Vec<serde_json::Value> {
        world.read("paged").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let status = || banister(&world, &["status"]).out;

    // No window is open.
    world.write("site.toml", &format!("{}{servers}", keys("closed = \"2020-01-01..2099-01-01\"")));
    let said = due(&world);
    assert_eq!(said.code, Some(3), "{said:?}");
    let all = paged();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["event"], "refused");
    assert_eq!(all[0]["title"], "web: scheduled renew did not begin");
    let text = all[0]["text"].as_str().unwrap();
    assert!(
        text.contains("`renew` does not begin now")
            && text.contains("next: banister run renew")
            && text.trim_end().ends_with(" --now"),
        "{text}"
    );
    assert!(status().contains("scheduled `renew` did not begin at 20"), "{}", status());
    assert!(status().contains("`renew` does not begin now, by `window` and `closed`"), "{}", status());
    assert!(banister(&world, &["status", "--short"]).out.contains("scheduled `renew` did not begin"));
    let list = banister(&world, &["schedule", "--list"]);
    assert!(list.out.contains("scheduled `renew` did not begin at 20"), "{list:?}");
    assert!(world.journals().is_empty());
    let of = "{server=\"web\",runbook=\"renew\"}";
    let metrics = || banister(&world, &["metrics"]).out;
    assert!(metrics().contains(&format!("banister_schedule_refused{of} 1\n")), "{}", metrics());
    assert!(
        metrics().contains(&format!("banister_schedule_refused_timestamp_seconds{of} ")),
        "{}",
        metrics()
    );

    // The site is wrong, its notices are right.
    world.write("site.toml", &format!("{}{}", keys(""), servers.replace("kind = ", "knid = ")));
    let said = due(&world);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(paged().len(), 2, "{said:?}");
    assert_eq!(paged()[1]["title"], "scheduled renew did not begin");
    world.write("site.toml", &format!("{}{servers}[[[", keys("")));
    assert_eq!((due(&world).code, paged().len()), (Some(2), 3));

    // The parameter is gone.
    world.write("site.toml", &format!("{}{servers}", keys("")));
    let script = world.read("runbooks/renew.rhai");
    world.write("runbooks/renew.rhai", "//! Updates.\nfn main(label) { this_server().make(\"up\"); }\n");
    assert_eq!(due(&world).code, Some(2));
    let all = paged();
    assert!(all.len() == 4 && all[3]["text"].as_str().unwrap().contains("'--to'"), "{all:?}");
    let ids: std::collections::BTreeSet<String> = all.iter().map(|notice| notice["id"].to_string()).collect();
    assert_eq!(ids.len(), 4);

    // One that begins says for itself what becomes of it.
    world.write("runbooks/renew.rhai", &script);
    let said = due(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!status().contains("did not begin"), "{}", status());
    assert!(metrics().contains(&format!("banister_schedule_refused{of} 0\n")), "{}", metrics());
    // Who looks later sees that nobody typed it.
    assert!(status().contains("by schedule") && status().contains("began 20"), "{}", status());
    let runs = banister(&world, &["runs"]).out;
    assert!(runs.contains("by schedule") && runs.contains("took "), "{runs}");
    let runs = banister(&world, &["runs", "--json"]).out;
    assert!(runs.contains("\"schedule\":\"banister-renew-") && runs.contains("\"ended\":\"20"), "{runs}");
    assert!(banister(&world, &["show"]).out.contains(", by schedule\n"));
    let refused = paged().iter().filter(|notice| notice["event"] == "refused").count();
    assert_eq!(refused, 4);
}

#[test]
fn a_time_that_never_comes_or_never_is_in_a_window_is_refused() {
    let world = world();
    let servers = world.read("site.toml");
    world.write("site.toml", &format!("window = \"Sat 02:00-05:00\"\n{servers}"));
    for (every, why) in [
        ("*-02-30 04:00", "never comes"),
        ("Sun 06:00", "`Sun 06:00` is never in a window: no update would begin"),
    ] {
        let said = banister(&world, &["schedule", "renew", "--every", every, "--yes"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    let said = banister(&world, &["schedule", "renew", "--every", "Sun 06:00", "--yes"]);
    assert!(said.err.contains("Sun 20") && said.err.contains("-- --now"), "{said:?}");
    assert_eq!(world.read("written"), "");
    let said = banister(&world, &["schedule", "renew", "--every", "02:00", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("times are: a run does not begin then"), "{said:?}");
    let said = banister(&world, &["schedule", "renew", "--every", "Sat 02:30", "--yes"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    // What installs no release waits for no window.
    let said = banister(&world, &["schedule", "backup", "--every", "Sun 06:00", "--yes"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    // Who wants it nevertheless says so.
    let said = banister(&world, &["schedule", "renew", "--every", "Sun 06:00", "--yes", "--", "--now"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let said = banister(&world, &["plan", "renew", "--to=0.2"]);
    assert!(said.out.contains("\nwindow: "), "{said:?}");
    let said = banister(&world, &["plan", "renew", "--to=0.2", "--json"]);
    assert!(said.out.contains("\"window\":{"), "{said:?}");
}

#[test]
fn no_line_of_a_crontab_is_lost_whatever_it_is() {
    let odd = "\n# a comment # banister\nMAILTO=\"\"\n5 4 * * * x % y\r\n\t\n* * * * * echo # banister-renew-000000x\nno end";
    for before in [odd.to_owned(), format!("{odd}\n")] {
        let world = world();
        world.write("crontab", &before);
        let said = banister(&world, &["schedule", "renew", "--every", "daily", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let after = world.read("crontab");
        assert!(after.starts_with(&format!("{odd}\n0 0 * * * ")), "{after:?}");
        let said = banister(&world, &["schedule", "--remove", "renew", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(world.read("crontab"), format!("{odd}\n"));
    }
    // What can't be read is not replaced.
    for (lists, why) in [
        ("echo 'cannot open your crontab' >&2; exit 1", "the crontab can't be read"),
        ("printf '5 4 * * * \\377\\n'", "the crontab is not UTF-8"),
        ("cat crontab; exit 1", "the crontab can't be read"),
        ("sleep 0; kill -9 $$", "the crontab can't be read"),
    ] {
        let world = world();
        world.write("crontab", odd);
        world.write(
            "bin/crontab",
            &CRONTAB.replace(
                "if [ -e crontab ]; then cat crontab; else echo \"no crontab for ops\" >&2; exit 1; fi",
                lists,
            ),
        );
        let said = banister(&world, &["schedule", "renew", "--every", "daily", "--yes"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(why), "{lists}: {said:?}");
        assert_eq!((world.read("crontab").as_str(), world.read("written").as_str()), (odd, ""));
    }
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

#[test]
fn what_could_not_be_written_is_not_scheduled() {
    let world = world();
    // It is read where nothing is to be written yet.
    world.write("bin/crontab", "#!/bin/sh\necho broken >&2\nexit 1\n");
    let said =
        banister(&world, &["schedule", "renew", "--every", "Sat 02:00", "--prefetch", "Fri 20:00", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = banister(&world, &["schedule", "--list", "--json"]);
    assert_eq!(said.out.trim(), "[]", "{said:?}");
}
