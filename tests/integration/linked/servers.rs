//! Linked practice servers with a state folder of their own, and what of them two updates are compared by.

use crate::support::awkward::Awkward;
use crate::support::caller::{self, Caller};
use crate::support::worlds;
use banister::internals::machine::archive;
use banister::internals::practice::{Linked, Practice, TraceLine};
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

/// All of them, as the site file has them, and as they must be updated.
pub const NAMES: [&str; 3] = ["archive", "hub", "lab"];
pub const ORDER: [&str; 3] = ["hub", "archive", "lab"];

pub struct Servers {
    caller: Caller,
    pub linked: Linked,
    identities: Vec<String>,
}

/// What an update leaves of one server.
#[derive(Debug, PartialEq)]
pub struct Left {
    pub release: String,
    head: String,
    dirt: String,
    /// Each make target, in order, and how it ended.
    pub made: Vec<(String, Option<i32>)>,
    /// The labels of the backups, each of which was read back.
    pub backups: Vec<String>,
    services: usize,
    migrations: String,
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.linked.stop();
    }
}

impl Deref for Servers {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl DerefMut for Servers {
    fn deref_mut(&mut self) -> &mut Caller {
        &mut self.caller
    }
}

impl Servers {
    pub fn new() -> Servers {
        Servers::within(&Awkward::tidy())
    }

    /// In an awkward world.
    pub fn within(awkward: &Awkward) -> Servers {
        let mut caller = Caller::within(awkward);
        let linked = worlds::linked(&caller.site, caller.program());
        linked.end_with_me().unwrap();
        caller.surround(&linked.servers().map(|(_, practice)| practice).collect::<Vec<_>>());
        let text = fs::read_to_string(linked.site()).unwrap();
        // The window in which all must stay healthy is the longest part of an update.
        fs::write(linked.site(), text.replace("stable = \"2s\"", "stable = \"200ms\"")).unwrap();
        let identities = linked.servers().map(|(_, practice)| practice.rows().unwrap().identity).collect();
        Servers { caller, linked, identities }
    }

    pub fn server(&self, name: &str) -> &Practice {
        self.linked.server(name)
    }

    pub fn trace(&self, name: &str) -> Vec<TraceLine> {
        self.server(name).trace().unwrap()
    }

    /// When the make targets of a server began and ended, in order.
    pub fn made_at(&self, name: &str) -> Vec<String> {
        self.trace(name).into_iter().filter(|line| line.tool == "make").map(|line| line.time).collect()
    }

    /// How often a make target was begun on a server.
    pub fn begun(&self, name: &str, target: &str) -> usize {
        let lines = self.trace(name);
        lines.iter().filter(|l| l.tool == "make" && l.event == "start" && l.args[0] == target).count()
    }

    pub fn release(&self, name: &str) -> String {
        self.server(name).discover().unwrap()["version"].as_str().unwrap().into()
    }

    /// All of them run this release, and have all their rows.
    pub fn assert_all_run(&self, release: &str, place: &str) {
        for ((name, practice), identity) in self.linked.servers().zip(&self.identities) {
            assert_eq!(self.release(name), release, "{place}: {name}");
            assert_eq!(practice.rows().unwrap().identity, *identity, "{place}: a row of {name} was lost");
            assert!(!practice.alarm(), "{place}: {name}: `make reset` was called");
        }
        let held = self.banister(&["lock", "show"]);
        assert!(!held.out.contains("held"), "{place}: {held:?}");
        let resumed = self.banister(&["resume"]);
        assert_eq!(resumed.out, "there is nothing to resume\n", "{place}");
    }

    /// What there is now of each.
    pub fn left(&self) -> Vec<Left> {
        let left = |name: &str| {
            let practice = self.server(name);
            let git = |arguments: &[&str]| caller::git(&practice.checkout(), arguments);
            let make = self.trace(name).into_iter().filter(|line| line.tool == "make");
            Left {
                release: self.release(name),
                head: git(&["describe", "--tags"]),
                dirt: git(&["status", "--porcelain"]),
                made: make.map(|line| (format!("{} {}", line.args.join(" "), line.event), line.rc)).collect(),
                backups: self.backups(name),
                services: practice.processes().len(),
                migrations: format!("{:?}", practice.rows().unwrap().migrations),
            }
        };
        ORDER.iter().map(|name| left(name)).collect()
    }

    /// The labels of a server's backups; each is read back.
    pub fn backups(&self, name: &str) -> Vec<String> {
        let folder = self.server(name).hoss().join("backup/backups");
        let archives = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let archives = archives.filter(|path| !path.display().to_string().ends_with(".card.json"));
        let label =
            |path: PathBuf| archive::verify(&path).unwrap_or_else(|failure| panic!("{failure}")).about.label;
        let mut labels: Vec<String> = archives.map(label).collect();
        labels.sort();
        labels
    }
}
