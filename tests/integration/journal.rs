//! What is told of runs, also of those whose journal is old, newer or damaged.

use crate::support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use support::{Said, World, said};

/// Two steps, of which the second fails until there is the file `mended`.
const RUNBOOK: &str = r#"
//! Takes two steps.
fn main() {
    let server = this_server();
    step "Configure" { server.make("config"); }
    step "Build" { server.make("fail"); }
}
"#;

/// The checksum of a record: what a journal of version 1 has.
fn sum(before: &str, body: &str) -> String {
    let digest = Sha256::new().chain_update(before).chain_update(body).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Rewrites each record of a journal, with the checksums that its text has then.
fn rewrite(text: &str, change: impl Fn(&str) -> String) -> String {
    let (mut before, mut all) = (String::new(), String::new());
    for line in text.lines() {
        let (body, _) = line.rsplit_once(",\"sum\":\"").unwrap();
        let body = change(&format!("{body}}}"));
        let fresh = sum(&before, &body);
        all += &format!("{},\"sum\":\"{fresh}\"}}\n", &body[..body.len() - 1]);
        before = fresh;
    }
    all
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// A world with a run that failed, and the run's journal.
fn stopped() -> (World, PathBuf) {
    let world = World::new();
    world.write("runbooks/two.rhai", RUNBOOK);
    assert_eq!(world.banister(&["run", "two"]).code, Some(1));
    let journal = world.journals().remove(0);
    (world, journal)
}

fn name(journal: &Path) -> String {
    journal.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_order_of_runs_is_that_of_their_instants_whatever_the_time_zone() {
    let world = World::new();
    world.write("runbooks/a.rhai", "//! A.\nfn main() { this_server().make(\"config\"); }\n");
    world.write("runbooks/b.rhai", "//! B.\nfn main() { this_server().make(\"fail\"); }\n");
    let in_zone =
        |zone: &str, arguments: &[&str]| said(world.command(arguments).env("TZ", zone).output().unwrap());
    assert_eq!(in_zone("Asia/Tokyo", &["run", "a"]).code, Some(0));
    assert_eq!(in_zone("America/Los_Angeles", &["run", "b"]).code, Some(1));
    for zone in ["Asia/Tokyo", "UTC", "America/Los_Angeles"] {
        let list = json(&in_zone(zone, &["runs", "--json"]));
        assert_eq!((&list[0]["runbook"], &list[1]["runbook"]), (&"b".into(), &"a".into()), "{zone}: {list}");
        assert!(list[0]["started"].as_str().unwrap().ends_with('Z'));
        assert_eq!(json(&in_zone(zone, &["show", "--json"]))["runbook"], "b", "{zone}");
        assert_eq!(json(&in_zone(zone, &["status", "--json"]))[0]["last_run"]["runbook"], "b", "{zone}");
    }
    // A name says nothing: not even one as earlier versions gave it, in local time.
    let runs = world.path().join("state/runs");
    fs::rename(world.journals()[0].parent().unwrap(), runs.join("20991231-235959-999")).unwrap();
    assert_eq!(json(&world.banister(&["show", "--json"]))["runbook"], "b");
    world.write("mended", "");
    assert_eq!(world.banister(&["resume"]).code, Some(0));
    // Its name is the instant in UTC.
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H").to_string();
    let before =
        (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).strftime("%Y%m%d-%H").to_string();
    let name = name(&world.journals()[1]);
    assert!(name.starts_with(&now) || name.starts_with(&before), "{name}");
    assert!(name.len() == "20261128-052146-k3f9".len() && name.to_lowercase() == name, "{name}");
}

#[test]
fn runs_that_are_begun_at_once_are_all_there_and_each_is_found_by_the_end_of_its_name() {
    let world = World::new();
    let server = |n| format!("[servers.s{n}]\nkind = \"plain\"\ncheckout = \"web\"\n");
    world.write("site.toml", &(0..12).map(server).collect::<String>());
    world.write("runbooks/quick.rhai", "//! Quick.\nfn main() { now(); }\n");
    let begin = |n| {
        let mut command = world.command(&["run", "quick", "--server", &format!("s{n}")]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..12).map(begin).collect();
    for child in children {
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let list = json(&world.banister(&["runs", "--json"]));
    assert_eq!(list.as_array().unwrap().len(), 12);
    for run in list.as_array().unwrap() {
        let name = run["run"].as_str().unwrap();
        let end = name.rsplit('-').next().unwrap();
        let shown = world.banister(&["show", end, "--json"]);
        assert!(shown.code == Some(0) && json(&shown)["run"] == name, "{shown:?}");
    }
    // What fits several names none, and neither does a piece of a part.
    let first = list[0]["run"].as_str().unwrap().to_owned();
    let other = format!("20200101-000000-{}", first.rsplit('-').next().unwrap());
    fs::rename(
        world.path().join("state/runs").join(list[1]["run"].as_str().unwrap()),
        world.path().join("state/runs").join(&other),
    )
    .unwrap();
    let said = world.banister(&["show", first.rsplit('-').next().unwrap()]);
    assert!(said.code == Some(2) && said.err.contains(&first) && said.err.contains(&other), "{said:?}");
    for wanted in ["", "-", "..", ".", "/", "20", &first[first.len() - 2..]] {
        let said = world.banister(&["show", "--", wanted]);
        assert!(said.code == Some(2) && said.err.contains("there is no run"), "{wanted:?}: {said:?}");
    }
}

/// A world in which the run of an earlier version stopped half-way whose journal is kept in `fixtures/version_1`. Paths in
/// it are those of the world.
fn of_version_1(change: impl Fn(&str) -> String) -> World {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version_1");
    let text = fs::read_to_string(fixture.join("journal.jsonl")).unwrap();
    assert_eq!(rewrite(&text, str::to_owned), text, "the checksums of version 1 are others now");
    let world = World::new();
    for file in ["site.toml", "runbooks/steps.rhai", "web/Makefile"] {
        world.write(file, &fs::read_to_string(fixture.join(file)).unwrap());
    }
    world.git(&["commit", "-qam", "fixture"]);
    let folder = world.path().to_str().unwrap();
    let journal = rewrite(&text, |body| change(&body.replace("/srv/site", folder)));
    let script = fs::read_to_string(fixture.join("runbooks/steps.rhai")).unwrap();
    world.write("state/runs/20261128-053112-292/journal.jsonl", &journal);
    world.write("state/runs/20261128-053112-292/script/runbooks/steps.rhai", &script);
    world
}

#[test]
fn a_run_that_version_1_of_the_journal_left_half_way_is_shown_and_resumed_to_its_end() {
    let world = of_version_1(str::to_owned);
    let list = json(&world.banister(&["runs", "--json"]));
    assert_eq!(
        (&list[0]["run"], &list[0]["state"], &list[0]["started"]),
        (&"20261128-053112-292".into(), &"failed".into(), &"2026-11-28T05:31:12.298Z".into())
    );
    let shown = json(&world.banister(&["show", "292", "--json"]));
    let steps: Vec<_> = shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["name"].as_str().unwrap(), step["state"].as_str().unwrap()))
        .collect();
    let expected = [
        ("Configure", "done"),
        ("Ask", "done"),
        ("Branch one", "done"),
        ("Branch two", "done"),
        ("Build", "failed"),
        ("Needs mending", "failed"),
    ];
    assert_eq!(steps, expected);
    assert_eq!(shown["failure"]["message"], "`make fail` ended with status 2");
    let said = world.banister(&["resume"]);
    assert!(said.code == Some(1) && said.err.contains("`make fail` ended with status 2"), "{said:?}");
    world.write("mended", "");
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("began at 2026-11-28T05:31:12Z"), "{said:?}");
    assert_eq!(world.read("trace"), "fail end\nbuild begin\nbuild end\nup begin\nup end\n");
    // Back, too.
    let world = of_version_1(str::to_owned);
    assert_eq!(world.banister(&["resume", "--rollback"]).code, Some(0));
    assert_eq!(world.read("trace"), "back end\n");
}

#[test]
fn a_run_of_a_newer_version_is_refused_with_the_program_to_use_and_stands_in_the_way_of_no_list() {
    let newer = |body: &str| {
        body.replace("\"version\":1", &format!("\"version\":{}", banister::internals::journal::VERSION + 1))
            .replace("\"program\":\"0.1.0\"", "\"program\":\"9.8.7\"")
    };
    // Another form of the record, another way of checksums, and lines that are none of ours.
    let forms: [&dyn Fn(&str) -> String; 3] = [
        &|text| text.to_owned(),
        &|text| text.replacen("\"by\":\"ops@example\"}", "\"by\":{\"user\":\"ops\"},\"more\":[1]}", 1),
        &|text| {
            let rest = text.split_once('\n').unwrap().1.replace("\"n\"", "\"number\"");
            let version = banister::internals::journal::VERSION + 1;
            format!("{{\"format\":\"banister\",\"version\":{version},\"program\":\"9.8.7\"}}\n{rest}")
        },
    ];
    for form in forms {
        let world = of_version_1(newer);
        let journal = world.journals().remove(0);
        let text = form(&fs::read_to_string(&journal).unwrap());
        fs::write(&journal, &text).unwrap();
        for arguments in [
            &["resume", "292"][..],
            &["resume", "292", "--rollback"],
            &["show", "292"],
            &["repl", "--run", "292"],
        ] {
            let said = world.banister(arguments);
            assert_eq!(said.code, Some(1), "{arguments:?}: {said:?}");
            assert!(said.err.contains("was written by banister 9.8.7"), "{arguments:?}: {said:?}");
            assert!(said.err.contains("use banister 9.8.7 or a newer one"), "{arguments:?}: {said:?}");
        }
        assert_eq!(json(&world.banister(&["runs", "--json"]))[0]["state"], "newer");
        for arguments in [&["runs"][..], &["status"], &["list"]] {
            let said = world.banister(arguments);
            assert!(said.code == Some(0) && said.err.is_empty(), "{arguments:?}: {said:?}");
        }
        assert_eq!(fs::read_to_string(&journal).unwrap(), text, "it was written to");
    }
    // What says whose it is keeps new runs off, until it is abandoned.
    let world = of_version_1(newer);
    let said = world.banister(&["run", "steps", "--word", "end", "--yes"]);
    assert!(said.code == Some(4) && said.err.contains("9.8.7") && said.err.contains("--abandon"), "{said:?}");
    world.write("mended", "");
    let said = world.banister(&["run", "steps", "--word", "end", "--yes", "--abandon"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// What is done to a journal.
type Damage = Box<dyn Fn(&Path)>;

/// What may become of a journal. None of it is readable to its end.
fn damages() -> Vec<(&'static str, Damage)> {
    fn bytes(change: impl Fn(&mut Vec<u8>) + 'static) -> Damage {
        Box::new(move |path| {
            let mut text = fs::read(path).unwrap();
            change(&mut text);
            fs::write(path, text).unwrap();
        })
    }
    fn flip(line: impl Fn(usize) -> usize + 'static) -> Damage {
        bytes(move |text| {
            let lines = text.iter().filter(|byte| **byte == b'\n').count();
            let begin: usize =
                text.split_inclusive(|byte| *byte == b'\n').take(line(lines)).map(<[u8]>::len).sum();
            text[begin + 30] ^= 1;
        })
    }
    vec![
        ("the first line", flip(|_| 0)),
        ("the first bit", bytes(|text| text[0] ^= 1)),
        (
            "the header",
            bytes(|text| {
                let at = text.windows(9).position(|part| part == b"\"version\"").unwrap();
                text[at + 10] = b'9';
            }),
        ),
        ("the middle", flip(|lines| lines / 2)),
        ("the last line", flip(|lines| lines - 1)),
        (
            "a line's end",
            bytes(|text| {
                let at = text.iter().position(|byte| *byte == b'\n').unwrap();
                text[at] ^= 1;
            }),
        ),
        (
            "a line that is gone",
            bytes(|text| {
                let lines: Vec<Vec<u8>> =
                    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                *text = [&lines[..2], &lines[3..]].concat().concat();
            }),
        ),
        ("NULs", bytes(|text| text[400..500].fill(0))),
        ("NULs everywhere", bytes(|text| text.fill(0))),
        ("nothing", bytes(Vec::clear)),
        (
            "a line without bound",
            Box::new(|path| {
                let file = fs::OpenOptions::new().write(true).open(path).unwrap();
                let length = file.metadata().unwrap().len();
                file.set_len(length + (400 << 20)).unwrap();
            }),
        ),
        (
            "a folder",
            Box::new(|path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            }),
        ),
    ]
}

#[test]
fn damage_anywhere_in_one_run_blocks_no_other_and_has_a_way_out() {
    let (kept, _) = stopped();
    for (what, damage) in damages() {
        let world = World::new();
        let (journal, run) = {
            world.write("runbooks/two.rhai", RUNBOOK);
            world.write("runbooks/other.rhai", "//! Other.\nfn main() { this_server().make(\"up\"); }\n");
            assert_eq!(world.banister(&["run", "two"]).code, Some(1));
            let journal = world.journals().remove(0);
            (journal.clone(), name(&journal))
        };
        damage(&journal);
        let trace = world.read("trace");
        let runs = json(&world.banister(&["runs", "--json"]));
        assert_eq!(
            (&runs[0]["run"], &runs[0]["state"]),
            (&run.as_str().into(), &"damaged".into()),
            "{what}: {runs}"
        );
        assert_eq!(
            (&runs[0]["runbook"], &runs[0]["servers"][0]),
            (&"two".into(), &"web".into()),
            "{what}: {runs}"
        );
        let said = world.banister(&["runs"]);
        assert!(said.code == Some(0) && said.out.contains("damaged"), "{what}: {said:?}");
        let status = json(&world.banister(&["status", "--json"]));
        assert_eq!(status[0]["last_run"]["state"], "damaged", "{what}: {status}");
        assert_eq!(status[0]["release"], "0.1.0", "{what}");
        // What can be read is shown.
        for arguments in [&["show"][..], &["show", &run]] {
            let said = world.banister(arguments);
            assert_eq!(said.code, Some(1), "{what}: {said:?}");
            assert!(said.out.contains("next:  banister run two --abandon"), "{what}: {said:?}");
            assert!(said.err.starts_with("error: "), "{what}: {said:?}");
        }
        if what == "the last line" {
            let said = world.banister(&["show"]);
            assert!(
                said.out.contains("Configure  done") && said.err.contains("is damaged in line "),
                "{said:?}"
            );
        }
        let shown = json(&world.banister(&["show", "--json"]));
        assert_eq!(
            (&shown["state"], &shown["failure"]["kind"]),
            (&"damaged".into(), &"journal".into()),
            "{what}"
        );
        // It is not gone on with, and what is said then can be typed.
        for arguments in [&["resume"][..], &["resume", &run], &["resume", &run, "--rollback"]] {
            let said = world.banister(arguments);
            assert!(
                said.code == Some(1) && said.err.contains("`banister run two --abandon`"),
                "{what}: {said:?}"
            );
            assert!(said.err.contains(&format!("`banister show {run}`")), "{what}: {said:?}");
        }
        let said = world.banister(&["run", "other"]);
        assert!(
            said.code == Some(4) && said.err.contains(&run) && said.err.contains("--abandon"),
            "{what}: {said:?}"
        );
        assert_eq!(world.read("trace"), trace, "{what}");
        // Another site, on the same state.
        let elsewhere = |arguments: &[&str]| {
            support::said(
                kept.command(arguments).env("BANISTER_STATE", world.path().join("state")).output().unwrap(),
            )
        };
        kept.write("mended", "");
        let said = elsewhere(&["run", "two", "--abandon=a run of its own state folder"]);
        assert_eq!(said.code, Some(0), "{what}: {said:?}");
        assert_eq!(elsewhere(&["status"]).code, Some(0), "{what}");
        let said = world.banister(&["run", "other", "--abandon"]);
        assert_eq!(said.code, Some(0), "{what}: {said:?}");
        assert_eq!(world.banister(&["run", "other"]).code, Some(0), "{what}");
        assert!(world.banister(&["resume"]).out.contains("nothing to resume"), "{what}");
        let runs = world.banister(&["runs", "--json"]);
        assert!(runs.out.contains("\"state\":\"damaged\""), "{what}: {runs:?}");
    }
}

#[test]
fn a_journal_of_another_user_is_damaged_for_this_one() {
    let (world, journal) = stopped();
    if rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: root may read everything");
        return;
    }
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(json(&world.banister(&["runs", "--json"]))[0]["state"], "damaged");
    assert_eq!(world.banister(&["run", "two"]).code, Some(4));
    assert_eq!(world.banister(&["status"]).code, Some(0));
}

#[test]
fn another_run_is_resumed_although_a_newer_one_is_damaged_and_a_torn_end_is_no_damage() {
    let world = World::new();
    world.write("site.toml", "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\n[servers.lab]\nkind = \"plain\"\ncheckout = \"lab\"\n");
    let (from, to) = (world.path().join("web"), world.path().join("lab"));
    assert!(std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
    world.write("runbooks/two.rhai", RUNBOOK);
    assert_eq!(world.banister(&["run", "two", "--server", "web"]).code, Some(1));
    assert_eq!(world.banister(&["run", "two", "--server", "lab"]).code, Some(1));
    let journals = world.journals();
    let text = fs::read_to_string(&journals[1]).unwrap();
    fs::write(&journals[1], text.replacen("Configure", "Konfigure", 1)).unwrap();
    world.write("mended", "");
    let resumed = world.banister(&["resume"]);
    assert!(resumed.code == Some(0) && resumed.out.contains(&name(&journals[0])), "{resumed:?}");
    // Without the end of its last line, a journal is as after a crash.
    fs::write(&journals[1], &text[..text.len() - 1]).unwrap();
    assert_eq!(json(&world.banister(&["runs", "--json"]))[0]["state"], "interrupted");
    assert_eq!(world.banister(&["resume"]).code, Some(0));
}
