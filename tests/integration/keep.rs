//! `keep` with the rules of `restic forget`: the same answers, but for backups from the future.

use crate::support;

use banister::internals::machine::backup::prune::look;
use banister::internals::machine::backup::{Card, Fit, Keep, Level};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use support::World;

/// How many snapshots there are, and how many of them are from the future.
const SNAPSHOTS: usize = 42;
const FUTURE: usize = 3;
/// How many rules are drawn; each is tried on every group of snapshots.
const RULES: usize = 28;

/// Numbers that are the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// A rule: each of its parts is there now and then.
    fn keep(&mut self) -> Value {
        let mut keep = json!({});
        for name in ["last", "hourly", "daily", "weekly", "monthly", "yearly"] {
            if self.below(3) == 0 {
                keep[name] = (1 + self.below(6)).into();
            }
        }
        if self.below(3) == 0 || keep == json!({}) {
            let spans = ["2d", "36h", "1m", "3m2d", "1y", "1y1m1d1h", "40d", "500h"];
            keep["within"] = spans[usize::try_from(self.below(8)).unwrap()].into();
        }
        keep
    }

    /// An instant so long ago, in seconds: hours, days and years lie close together and far apart.
    fn ago(&mut self) -> u64 {
        let span = [7_200, 90_000, 10 * 86_400, 100 * 86_400, 1_200 * 86_400];
        let span = span[usize::try_from(self.below(5)).unwrap()];
        600 + self.below(span)
    }
}

/// restic with a repository, and nothing of the environment that speaks to it.
fn restic(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("restic");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RESTIC_")) {
        command.env_remove(name);
    }
    let output = command
        .args(["--no-cache", "--quiet"])
        .args(arguments)
        .env("RESTIC_REPOSITORY", folder.join("repository"))
        .env("RESTIC_PASSWORD_FILE", folder.join("password"))
        .output()
        .expect("restic is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Two at a time.
fn in_pairs<T: Sync>(all: &[T], act: impl Fn(&T) + Sync) {
    let (one, other) = all.split_at(all.len() / 2);
    thread::scope(|scope| {
        scope.spawn(|| one.iter().for_each(&act));
        other.iter().for_each(&act);
    });
}

fn fill(folder: &Path, draw: &mut Draw) {
    fs::write(folder.join("password"), "of a test\n").unwrap();
    fs::write(folder.join("data"), "a few bytes").unwrap();
    support::restic::repository(&folder.join("repository"), "of a test\n");
    let (now, zone) = (jiff::Timestamp::now(), jiff::tz::TimeZone::system());
    let snapshots: Vec<(String, String, String)> = (0..SNAPSHOTS)
        .map(|nr| {
            let seconds = i64::try_from(draw.ago()).unwrap();
            let is_future = nr < FUTURE;
            let shift = jiff::SignedDuration::from_secs(if is_future { seconds + 86_400 } else { -seconds });
            let at = zone.to_datetime(now + shift).strftime("%Y-%m-%d %H:%M:%S").to_string();
            let tags: String = if is_future { "future".into() } else { format!("past,g{}", draw.below(5)) };
            (at, format!("h{}", draw.below(4)), tags)
        })
        .collect();
    in_pairs(&snapshots, |(at, host, tags)| {
        let data = folder.join("data").display().to_string();
        restic(folder, &["backup", "--time", at, "--host", host, "--tag", tags, &data]);
    });
}

/// What `restic forget` would do with each group: the snapshots that stay, and those that go, by id and instant.
fn forget(folder: &Path, keep: &Value, by: &str) -> Vec<[BTreeMap<String, String>; 2]> {
    let mut arguments = vec!["forget", "--dry-run", "--no-lock", "--json", "--tag", "past", "--group-by", by];
    let rules: Vec<(String, String)> = keep
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (format!("--keep-{name}"), value)
        })
        .collect();
    arguments.extend(rules.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    let groups: Vec<Value> = serde_json::from_str(&restic(folder, &arguments)).unwrap();
    let of = |list: &Value| -> BTreeMap<String, String> {
        let text = |snapshot: &Value, name: &str| snapshot[name].as_str().unwrap().to_owned();
        let all = list.as_array().into_iter().flatten();
        all.map(|snapshot| (text(snapshot, "id"), text(snapshot, "time"))).collect()
    };
    groups.iter().map(|group| [of(&group["keep"]), of(&group["remove"])]).collect()
}

/// Cards of verified backups of these instants, by name.
fn cards(folder: &Path, backups: &BTreeMap<String, String>) {
    for (name, created) in backups {
        let path = folder.join(format!("{name}.tar.zst"));
        fs::write(&path, "1").unwrap();
        let card = Card {
            name: name.clone(),
            path,
            bytes: 1,
            level: Level::Verified,
            server: Some("web".into()),
            created: Some(created.clone()),
            ..Card::default()
        };
        card.keep().unwrap();
    }
}

#[test]
fn the_same_stays_as_with_restic_forget() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut draw = Draw(7);
    fill(folder, &mut draw);
    let drawn: Vec<(Value, &str)> =
        (0..RULES).map(|nr| (draw.keep(), ["host,tags", "tags", "host", "host,tags", ""][nr % 5])).collect();
    let future: BTreeMap<String, String> =
        (0..FUTURE).map(|nr| (format!("future-{nr}"), format!("2199-01-0{}T00:00:00Z", nr + 1))).collect();
    let version = restic(folder, &["version"]);
    let minor =
        version.strip_prefix("restic 0.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    let keeps_oldest = minor.is_none_or(|minor| minor >= 16);
    let compared = std::sync::atomic::AtomicUsize::new(0);
    let removed = std::sync::atomic::AtomicUsize::new(0);
    in_pairs(&drawn, |(rule, by)| {
        let keep: Keep = serde_json::from_value(rule.clone()).unwrap();
        for [stay, go] in forget(folder, rule, by) {
            let history = tempfile::tempdir_in(folder).unwrap();
            let oldest = stay.iter().chain(&go).map(|(id, time)| (time.clone(), id.clone())).min();
            [&stay, &go, &future].iter().for_each(|some| cards(history.path(), some));
            let aging =
                look(history.path(), "web", &keep, &Fit::Any, &|_| false, jiff::Timestamp::now()).unwrap();
            let names = |cards: &[Card]| -> BTreeSet<String> {
                cards.iter().map(|card| card.name.trim_end_matches(".tar.zst").to_owned()).collect()
            };
            let (mut stay, mut go): (BTreeSet<String>, BTreeSet<String>) =
                (stay.keys().cloned().collect(), go.keys().cloned().collect());
            // From 0.16 on restic keeps the oldest of all as well while a rule has room.
            let old = names(&aging.old);
            if let (true, Some((_, id))) = (keeps_oldest, oldest)
                && old.contains(&id)
                && stay.remove(&id)
            {
                go.insert(id);
            }
            assert_eq!(old, go, "{rule} by `{by}`: {stay:?} stay");
            assert_eq!(names(&aging.young), stay, "{rule} by `{by}`");
            assert_eq!(aging.future.len(), FUTURE);
            compared.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            removed.fetch_add(go.len(), std::sync::atomic::Ordering::Relaxed);
        }
    });
    let (compared, removed) = (compared.into_inner(), removed.into_inner());
    println!("{compared} histories compared, in which {removed} backups go");
    assert!(compared >= 200 && removed >= 200, "{compared} histories, {removed} backups go");
    // The difference: a snapshot from the future is the newest for restic, and keeps what is really the newest from
    // being kept.
    let all =
        restic(folder, &["forget", "--dry-run", "--no-lock", "--json", "--group-by", "", "--keep-last", "3"]);
    let all: Vec<Value> = serde_json::from_str(&all).unwrap();
    let kept: Vec<&Value> = all[0]["keep"].as_array().unwrap().iter().map(|kept| &kept["tags"][0]).collect();
    assert_eq!(kept, ["future", "future", "future"]);
}

/// Backups of one server, by their age in days.
fn world(keep: &str, days: &[i64]) -> World {
    let world = World::new();
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\n\
             health = [{{ command = [\"true\"] }}]\nbackup = [\"~/data\"]\n{keep}\n"
        ),
    );
    world.write("data/rows", "all of them");
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let kept = world.path().join("kept");
    let names = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let first = names.into_iter().find(|name| name.ends_with(".tar.zst")).unwrap();
    let archive = fs::read(kept.join(&first)).unwrap();
    let card: Value = serde_json::from_str(&world.read(&format!("kept/{first}.card.json"))).unwrap();
    for days in days {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        let mut card = card.clone();
        card["created"] = then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
        let name = format!("web-{days}.tar.zst");
        fs::write(kept.join(&name), &archive).unwrap();
        world.write(&format!("kept/{name}.card.json"), &card.to_string());
    }
    world.remove(&format!("kept/{first}"));
    world.remove(&format!("kept/{first}.card.json"));
    world
}

/// The ages of the backups that are left.
fn left(world: &World) -> Vec<i64> {
    let names = fs::read_dir(world.path().join("kept")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ages = names.filter_map(|name| name.strip_prefix("web-")?.strip_suffix(".tar.zst")?.parse().ok());
    let mut ages: Vec<i64> = ages.collect();
    ages.sort_unstable();
    ages
}

#[test]
fn rules_are_read_from_the_site_and_from_the_command_line() {
    let days = [0, 1, 2, 3, 9, 10, 400];
    let site = world("keep = { last = 1, daily = 3, yearly = 2 }", &days);
    let said = site.banister(&["backup", "prune", "--yes"]);
    assert_eq!((said.code, left(&site)), (Some(0), vec![0, 1, 2, 400]), "{said:?}");
    // From the newest that is left, and not from now.
    let site = world("keep = { within = \"30h\" }", &days[3..]);
    assert_eq!(site.banister(&["backup", "prune", "--yes"]).code, Some(0));
    assert_eq!(left(&site), [3]);
    let site = world("keep = { last = 1 }", &days);
    let said = site.banister(&["backup", "prune", "--daily", "2", "--within", "3d", "--yes"]);
    assert_eq!((said.code, left(&site)), (Some(0), vec![0, 1, 2]), "{said:?}");
    let said = site.banister(&["run", "prune", "--daily", "2", "--yes"]);
    assert_eq!((said.code, left(&site)), (Some(0), vec![0, 1]), "{said:?}");
}

#[test]
fn a_rule_that_is_wrong_is_named_with_its_server() {
    for (wrong, what) in [
        ("{ daily = 0, last = 3 }", "`daily` of `keep` is 0"),
        ("{ within = \"0d\" }", "`within` of `keep` is 0"),
        ("{ within = \"30min\" }", "`30min` is no span of years, months, days and hours"),
        ("{ dayly = 3 }", "unknown key `dayly`; did you mean `daily`?"),
        ("{}", "`keep` names no rule"),
    ] {
        let site = World::new();
        site.write(
            "site.toml",
            &format!("[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nkeep = {wrong}\n"),
        );
        let said = site.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.out.contains(what) && said.out.contains("site.toml"), "{wrong}: {said:?}");
        assert!(said.out.contains("help"), "{wrong}: {said:?}");
    }
}

/// `web` begins the names of `web-2`, too.
#[test]
fn the_status_of_a_server_lists_its_own_backups_where_others_share_the_folder() {
    let world = world("", &[1, 2]);
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}\n{}", site.replace("[servers.web]", "[servers.web-2]")));
    let card = world.read("kept/web-1.tar.zst.card.json").replace("\"web\"", "\"web-2\"");
    fs::copy(world.path().join("kept/web-1.tar.zst"), world.path().join("kept/web-2-1.tar.zst")).unwrap();
    world.write("kept/web-2-1.tar.zst.card.json", &card);
    // Without a card only its name tells.
    fs::write(world.path().join("kept/web-2026-01-02T030405Z-0.1.0.tar.zst"), "").unwrap();
    fs::write(world.path().join("kept/web-2-2026-01-02T030405Z-0.1.0.tar.zst"), "").unwrap();
    let said = world.banister(&["status", "--json"]);
    let status: Value = serde_json::from_str(&said.out).unwrap();
    // The newest last.
    let names = |server: usize| -> Vec<String> {
        let backups = status[server]["backups"].as_array().unwrap();
        backups.iter().map(|backup| backup["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(0),
        ["web-2.tar.zst", "web-1.tar.zst", "web-2026-01-02T030405Z-0.1.0.tar.zst"],
        "{said:?}"
    );
    assert_eq!(names(1), ["web-2-1.tar.zst", "web-2-2026-01-02T030405Z-0.1.0.tar.zst"], "{said:?}");
}
