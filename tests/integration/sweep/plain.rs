//! A server of kind `plain` with data, and its runs, killed all along their journals, in a world that is tidy or awkward.

use super::round::{Thin, named_places, shared, side_by_side};
use crate::support::awkward::Awkward;
use crate::support::awkward::data::{self, LIVE};
use crate::support::awkward::{Thing, origin, settings};
use crate::support::caller::{self, Caller};
use crate::support::{Said, said};
use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;

pub struct Plain {
    caller: Caller,
}

impl Deref for Plain {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

const RUNBOOK: &str = "//! Fails until it is mended.
fn main() {
    let server = this_server();
    step \"Configure\" { server.make(\"config\"); }
    step \"Fail\" { server.make(\"fail\"); }
    step \"Build\" { server.make(\"build\"); }
}
";

impl Plain {
    pub fn within(awkward: &Awkward) -> Plain {
        let mut caller = Caller::at(awkward, &awkward.named("site"));
        let site = caller.site.clone();
        let home = caller.folder().join(awkward.named("home"));
        let checkout = site.join(awkward.named("web"));
        for folder in [&checkout, &home.join("data/core"), &site.join("runbooks")] {
            fs::create_dir_all(folder).unwrap();
        }
        let quoted = |text: &Path| format!("{:?}", text.display().to_string());
        let toml = format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = {}\ntargets = {{ configure = \"config\", stop = \"stop\" }}\n\
             environment = {{ HOME = {} }}\nenv_file = \"~/settings.env\"\nhealth = [{{ command = [\"true\"] }}]\n\
             healthy = {{ stable = \"10ms\" }}\nbackup = [\"~/data\"]\nbackups = {}\n",
            quoted(Path::new(&awkward.named("web"))),
            quoted(&home),
            quoted(&home.join(awkward.named("backups"))),
        );
        fs::write(site.join("site.toml"), toml).unwrap();
        fs::write(site.join("runbooks/x.rhai"), RUNBOOK).unwrap();
        let traced = "@echo $@ begin >> ../trace; echo $@ end >> ../trace";
        let makefile = format!(
            "config build up stop:\n\t{traced}\nfail:\n\t@test -e ../mended\n\t@echo $@ end >> ../trace\n"
        );
        fs::write(checkout.join("Makefile"), makefile).unwrap();
        fs::write(home.join("settings.env"), "COLOUR=blue\n").unwrap();
        settings::write(awkward, &home.join("settings.env"), "web");
        fs::write(home.join("data/rows"), "before").unwrap();
        fs::write(home.join("data/core/config.yaml"), "level: INFO\n").unwrap();
        let from = caller.folder().join("origin");
        let git = |folder: &Path, words: &[&str]| {
            let who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
            caller::git(folder, &[&who, words].concat());
        };
        git(&checkout, &["init", "-q", "-b", "main"]);
        git(&checkout, &["add", "-A"]);
        git(&checkout, &["commit", "-q", "-m", "first"]);
        git(&checkout, &["tag", "0.1.0"]);
        git(&checkout, &["clone", "-q", "--bare", ".", &from.display().to_string()]);
        git(&checkout, &["remote", "add", "origin", &from.display().to_string()]);
        fs::write(checkout.join("NEWS"), "0.1.1\n").unwrap();
        git(&checkout, &["add", "-A"]);
        git(&checkout, &["commit", "-q", "-m", "second"]);
        git(&checkout, &["push", "-q", "origin", "HEAD:refs/tags/0.1.1", "HEAD:refs/heads/main"]);
        git(&checkout, &["reset", "-q", "--hard", "0.1.0"]);
        git(&checkout, &["checkout", "-q", "--detach"]);
        git(&checkout, &["branch", "-q", "-D", "main"]);
        origin::tag(awkward, &from, &checkout, "0.1.0", "0.1.1");
        caller.surround_plain(&home.join("data/core"));
        Plain { caller }
    }

    fn home(&self) -> PathBuf {
        self.caller.folder().join(self.caller.awkward.named("home"))
    }

    fn checkout(&self) -> PathBuf {
        self.site.join(self.awkward.named("web"))
    }

    /// What was made, in order.
    pub fn made(&self) -> String {
        fs::read_to_string(self.site.join("trace")).unwrap_or_default().replace('\n', ", ")
    }

    fn backups(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home().join(self.awkward.named("backups"))).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with(".card.json")).collect();
        names.sort();
        names
    }

    /// All that an update or a restore leaves.
    fn left(&self) -> Vec<String> {
        let said = self.banister(&["lock", "show"]);
        let shown: serde_json::Value = serde_json::from_str(&self.banister(&["show", "--json"]).out).unwrap();
        let mut left = vec![
            self.made(),
            caller::git(&self.checkout(), &["log", "--format=%s"]),
            said.out,
            shown["state"].to_string(),
            format!("{} backups", self.backups().len()),
        ];
        left.extend(self.data());
        left
    }

    /// The data, and what they lead to.
    fn data(&self) -> Vec<String> {
        let mut found = Vec::new();
        let folder = self.caller.folder();
        for folder in [self.home().join("data"), folder.join("outside"), folder.join("nas")] {
            if folder.exists() {
                walk(&folder, &mut found);
            }
        }
        if self.awkward.has(Thing::Sqlite) {
            found.push(data::check(&self.home().join("data/core")));
        }
        found
    }

    fn typed(&self, place: &str) {
        let mut command = self.command(&["repl", "--run", &self.newest()]);
        command.env("BANISTER_CRASH_AT", place).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"server.make(\"config\")\n");
        let said = said(child.wait_with_output().unwrap());
        assert!(said.code.is_some_and(|code| code < 0), "{place}: {said:?}");
    }

    /// The name of the only run.
    fn newest(&self) -> String {
        let runs = fs::read_dir(self.state().join("runs")).unwrap();
        runs.map(|run| run.unwrap().file_name().into_string().unwrap()).max().unwrap()
    }

    /// As of a practice server.
    fn killed_at(&self, begin: &[&str], places: &[&String]) -> Said {
        let mut arguments = begin;
        for place in places {
            let said = self.crash(arguments, place);
            assert_eq!(said.code, Some(-9), "{place}: {said:?}");
            arguments = &["resume", "--yes"];
        }
        self.banister(&["resume", "--yes"])
    }
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let about = path.symlink_metadata().unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = match () {
            () if name.contains(LIVE) => continue,
            // Each world has its own.
            () if about.is_symlink() => format!("{:?}", fs::read_link(&path).unwrap().file_name().unwrap()),
            () if about.is_file() => fs::read_to_string(&path).unwrap(),
            () => format!("{:?}", about.file_type()),
        };
        found.push(format!("{name} {text}"));
        if about.is_dir() {
            walk(&path, found);
        }
    }
}

/// What a run begins with, and the data that it must leave, if those are known.
type Begin = (Vec<String>, Option<Vec<String>>);

/// A sweep of a run that begins in a world that `prepare` prepares.
fn sweep(awkward: &Awkward, thin: Thin, prepare: impl Fn(&Plain) -> Begin + Sync) -> usize {
    let begun = |places: &[&String]| {
        let world = Plain::within(awkward);
        let (words, data) = prepare(&world);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = if places.is_empty() { world.banister(&words) } else { world.killed_at(&words, places) };
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        let wanted = data.unwrap_or_else(|| world.data());
        assert_eq!(world.data(), wanted, "{places:?}");
        world
    };
    let undisturbed = begun(&[]);
    let expected = undisturbed.left();
    let places = named_places(&undisturbed.journals().pop().unwrap(), 0);
    let places = shared(&places, thin);
    side_by_side(&places, |places| assert_eq!(begun(places).left(), expected, "{places:?}"));
    places.iter().map(Vec::len).sum()
}

/// An update.
pub fn update(awkward: &Awkward, thin: Thin) -> usize {
    sweep(awkward, thin, |_| (["run", "update", "--yes"].map(str::to_owned).into(), None))
}

/// Puts back what was lost; what no backup has is still there.
pub fn restore(awkward: &Awkward, thin: Thin) -> usize {
    sweep(awkward, thin, |world| {
        let said = world.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let before = world.data();
        fs::write(world.home().join("data/rows"), "damaged").unwrap();
        fs::remove_file(world.home().join("data/core/config.yaml")).unwrap();
        let name = world.backups().pop().unwrap();
        (["backup", "restore", &name, "--yes"].map(str::to_owned).into(), Some(before))
    })
}

/// A line typed where a run stopped, killed before and after each of its records.
pub fn typed(awkward: &Awkward, thin: Thin) -> usize {
    let places =
        ["\"typed\":", "\"begun\":{\"key\":\"~0/0\"", "\"ended\":{\"key\":\"~0/0\"", "\"finished\":"];
    let places = places.iter().flat_map(|place| ["before", "after"].map(|when| format!("{when} {place}")));
    let places: Vec<String> = places.skip(thin.first).step_by(thin.stride).collect();
    side_by_side(&places, |place| {
        let world = Plain::within(awkward);
        let said = world.banister(&["run", "x"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("`make fail` ended with status 2"), "{said:?}");
        world.typed(place);
        fs::write(world.site.join("mended"), "").unwrap();
        let resumed = world.banister(&["resume"]);
        assert_eq!(resumed.code, Some(0), "{place}: {resumed:?}");
        let never_begun = place.contains("typed") || place == "before \"begun\":{\"key\":\"~0/0\"";
        let twice = if never_begun { "" } else { "config begin, config end, " };
        let expected = format!("{twice}config begin, config end, fail end, build begin, build end, ");
        assert_eq!(world.made(), expected, "{place}");
        assert_eq!(world.banister(&["resume"]).out, "there is nothing to resume\n", "{place}");
    });
    places.len()
}

/// A demo that kills itself in the middle of its build, in a folder of the world's own, and is gone on with.
pub fn demo(awkward: &Awkward) -> usize {
    let caller = Caller::at(awkward, "mine");
    caller.surround_empty();
    let folder = caller.site.display().to_string();
    let said = said(caller.bare(&["demo", "--fault", "kill", "--keep", &folder]).output().unwrap());
    let practice = banister::internals::practice::Practice::open(&caller.site);
    if let Ok(practice) = &practice {
        practice.end_with_me().unwrap();
    }
    assert_eq!(said.code, Some(-9), "{said:?}");
    let said = caller.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let practice = practice.unwrap();
    assert_eq!(practice.discover().unwrap()["version"], "0.2.14");
    let begun = |target: &str| {
        let lines = practice.trace().unwrap();
        lines.iter().filter(|l| l.tool == "make" && l.event == "start" && l.args[0] == target).count()
    };
    assert_eq!((begun("config"), begun("build"), begun("up")), (1, 1, 1));
    let _ = practice.stop();
    1
}
