//! A practice server with a state folder of its own, and what of it two updates are compared by.

use crate::support::Said;
use crate::support::awkward::Awkward;
use crate::support::caller::{self, Caller};
use crate::support::chance::{self, Chance};
use crate::support::worlds;
use banister::internals::machine::archive;
use banister::internals::practice::{Practice, Process};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub struct Round {
    caller: Caller,
    practice: Practice,
    identity: String,
}

/// What an update leaves.
#[derive(Debug, PartialEq)]
pub struct World {
    release: String,
    head: String,
    status: String,
    rows: BTreeMap<String, usize>,
    migrations: BTreeMap<String, i64>,
    /// Each make target, in order, and how it ended.
    made: Vec<(String, Option<i32>)>,
    /// The labels of the backups, each of which was read back.
    pub backups: Vec<String>,
    /// Names in the folder of settings and in the checkout's repository, but for objects, logs and backups.
    names: BTreeSet<String>,
    services: usize,
    lock: String,
    state: String,
}

/// Said whether the test passes or not; the test runner keeps what `println!` writes to itself.
pub fn count(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Does the work on twice as many threads as there are processors: practice servers mostly wait.
pub fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                        work(item);
                    }
                })
            })
            .collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// How many worlds share the places where a run is killed, and of how many places one is taken, from the first or a later
/// one on.
#[derive(Clone, Copy, Debug)]
pub struct Thin {
    pub worlds: usize,
    pub stride: usize,
    pub first: usize,
}

impl Thin {
    /// Every place, in a long run. In others one of twelve, from another one on with each seed: what replay makes of a record
    /// is tried in `in_process/gate`, and what only processes show hardly depends on which record it is.
    pub fn tidy() -> Thin {
        let few = || Thin { worlds: 1, stride: 12, first: Chance::of(chance::seed()).below(12) };
        if chance::is_long() { Thin { worlds: 8, stride: 1, first: 0 } } else { few() }
    }
}

/// The places for each of a few worlds: each place is in one of them. A run that is killed at one of its places goes on
/// for some records until the next, and what it leaves in the end is looked at for all of them.
pub fn shared(places: &[String], thin: Thin) -> Vec<Vec<&String>> {
    let places: Vec<&String> = places.iter().skip(thin.first).step_by(thin.stride).collect();
    (0..thin.worlds).map(|first| places.iter().skip(first).step_by(thin.worlds).copied().collect()).collect()
}

/// Where to kill a run with such a journal: after each of its records from the `first` on, and before each that tells how
/// a call ended. Before another one nothing happened that was not written down. A place is named by what its record is
/// of, so that it is the same one in a run that was killed before.
pub fn named_places(journal: &str, first: usize) -> Vec<String> {
    let records = journal.lines().enumerate().skip(first);
    let places = records.flat_map(|(n, record)| {
        let begins = record.match_indices(',').nth(1).unwrap().0 + 1;
        let named: String = record[begins..].chars().take(40).take_while(|c| *c != ',').collect();
        // These begin every run, and every session of it.
        let named = match named.starts_with("\"run\"") || named.starts_with("\"session\"") {
            true => n.to_string(),
            false => named,
        };
        let before = named.starts_with("\"ended\"").then(|| format!("before {named}"));
        before.into_iter().chain([format!("after {named}")])
    });
    places.collect()
}

impl Drop for Round {
    fn drop(&mut self) {
        let _ = self.practice.stop();
    }
}

impl Deref for Round {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Round {
    pub fn new() -> Round {
        Round::within(&Awkward::tidy())
    }

    /// In an awkward world.
    pub fn within(awkward: &Awkward) -> Round {
        let mut caller = Caller::within(awkward);
        let practice = worlds::server(&caller.site, caller.program(), &[]);
        practice.end_with_me().unwrap();
        caller.surround(&[&practice]);
        let identity = practice.rows().unwrap().identity;
        let round = Round { caller, practice, identity };
        // The window in which all must stay healthy is the longest part of an update.
        round.set("stable = \"2s\"", "stable = \"200ms\"");
        round
    }

    /// Changes the site file: what stands there, to what shall.
    pub fn set(&self, from: &str, to: &str) {
        let before = fs::read_to_string(self.practice.site()).unwrap();
        let after = before.replace(from, to);
        assert_ne!(after, before, "`{from}` is not in the site file");
        fs::write(self.practice.site(), after).unwrap();
    }

    pub fn practice(&self) -> &Practice {
        &self.practice
    }

    /// Resumes what was killed when all runs had `earlier` records. If nothing of it was written down yet it does not exist,
    /// and is begun; after its last record there is nothing left to do.
    pub fn resume_or_begin(&self, arguments: &[&str], earlier: usize) -> Said {
        let said = self.banister(&["resume", "--yes"]);
        match said.out.contains("nothing to resume") && self.records() == earlier {
            true => self.banister(arguments),
            false => said,
        }
    }

    /// How many records the runs have.
    pub fn records(&self) -> usize {
        self.journals().iter().map(|journal| journal.matches('\n').count()).sum()
    }

    /// Where to kill a run like the newest.
    pub fn places(&self, first: usize) -> Vec<String> {
        named_places(&self.journals().pop().unwrap(), first)
    }

    /// Begins a run and kills it at the first of these places; resumes it, and kills it at the next one, and so on; at
    /// last lets it end.
    pub fn killed_at(&self, begin: &[&str], resume: &[&str], places: &[&String]) -> Said {
        let mut arguments = begin;
        for place in places {
            let said = self.crash(arguments, place);
            assert_eq!(said.code, Some(-9), "{place}: {said:?}");
            arguments = resume;
        }
        self.banister(resume)
    }

    /// Begins a run, and kills each of its sessions after so long, also if none of it was written down yet; at last lets it
    /// end.
    pub fn killed_after(&self, begin: &[&str], moments: &[Duration]) -> Said {
        let earlier = self.records();
        for moment in moments {
            let arguments = if self.records() == earlier { begin } else { &["resume", "--yes"] };
            let mut child = self.command(arguments).spawn().unwrap();
            std::thread::sleep(*moment);
            let _ = child.kill();
            let _ = child.wait();
        }
        self.resume_or_begin(begin, earlier)
    }

    /// The supervisor of the `nth` command of the run, once it is there; nothing if the run ends before.
    pub fn nth_supervisor(&self, nth: usize, run: &mut Child) -> Option<Process> {
        let mark = self.state().display().to_string();
        let mut seen = BTreeSet::new();
        let end = Instant::now() + Duration::from_secs(120);
        while run.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the run neither ends nor starts a command");
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                    continue;
                };
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                if line.contains("__supervise")
                    && line.contains(&mark)
                    && seen.insert(line)
                    && seen.len() == nth + 1
                {
                    return Process::look(pid);
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Kills a process that is still the one that was seen. Says whether it was there.
    pub fn kill(&self, process: &Process) -> bool {
        let pid = process.pid.to_string();
        process.alive()
            && Command::new("kill").args(["-9", &pid]).stderr(Stdio::null()).status().unwrap().success()
    }

    /// Each make target that began or ended, in order, and how it ended.
    pub fn made(&self) -> Vec<(String, Option<i32>)> {
        let lines = self.practice.trace().unwrap();
        let make = lines.iter().filter(|line| line.tool == "make");
        make.map(|line| (format!("{} {}", line.args.join(" "), line.event), line.rc)).collect()
    }

    /// Whether the last make target that began has ended with success.
    pub fn last_target_ended_well(&self) -> bool {
        matches!(self.made().last(), Some((_, Some(0))))
    }

    /// What there is now.
    pub fn world(&self) -> World {
        let practice = &self.practice;
        let git = |arguments: &[&str]| caller::git(&practice.checkout(), arguments);
        let rows = practice.rows().unwrap();
        assert_eq!(rows.identity, self.identity, "a row was lost");
        assert!(!practice.alarm(), "`make reset` was called");
        let shown = self.banister(&["show", "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
        World {
            release: practice.discover().unwrap()["version"].as_str().unwrap().into(),
            head: git(&["describe", "--tags"]),
            status: git(&["status", "--porcelain"]),
            rows: rows.tables,
            migrations: rows.migrations,
            made: self.made(),
            backups: self.backups(),
            names: self.names(),
            services: practice.processes().len(),
            lock: self.banister(&["lock", "show"]).out,
            state: shown["state"].as_str().unwrap().into(),
        }
    }

    /// What is left of each name of a backup after the instant and the release; each is read back.
    fn backups(&self) -> Vec<String> {
        let folder = self.practice.hoss().join("backup/backups");
        let mut labels: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.display().to_string().ends_with(".card.json"))
            .map(|path| {
                let manifest = archive::verify(&path).unwrap_or_else(|failure| panic!("{failure}"));
                for name in ["./config/.env", "./db/postgres-hoss_core-backup.dump"] {
                    assert!(manifest.members.iter().any(|member| member.name == name && member.size > 1_000));
                }
                let label = manifest.about.label;
                assert!(path.display().to_string().ends_with(".tar.gz"), "{}", path.display());
                label.replace(' ', "-")
            })
            .collect();
        labels.sort();
        labels
    }

    fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut folders = vec![self.practice.hoss(), self.practice.checkout().join(".git")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().flatten() {
                let path = entry.path();
                let name = path.strip_prefix(self.practice.home()).unwrap().display().to_string();
                if [".git/objects", ".git/logs", "backup/backups/", ".hoss/data"]
                    .iter()
                    .any(|part| name.contains(part))
                {
                    continue;
                }
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                }
                names.insert(name);
            }
        }
        names
    }

    pub fn assert_is(&self, expected: &World, place: &str) {
        let (found, expected) = (format!("{:#?}", self.world()), format!("{expected:#?}"));
        let differs = |a: &str, b: &str| -> Vec<String> {
            a.lines().filter(|line| !b.lines().any(|other| other == *line)).map(str::to_owned).collect()
        };
        let (more, less) = (differs(&found, &expected), differs(&expected, &found));
        assert!(found == expected, "{place}: there is {more:#?}, and not {less:#?}\n{found}");
    }
}
