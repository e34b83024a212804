//! What this machine remembers of the runs that it began elsewhere: a file for each, in its state folder.

use crate::failure::{Context, Kind, Result};
use crate::machine::files::{private_folder, write_private_durably};
use crate::site::{Server, Site};
use crate::units;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A run that was begun here, and is elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    pub run: String,
    pub runbook: String,
    /// Its name in `site.toml`, and its address.
    pub server: String,
    pub ssh: String,
    /// The path of `site.toml`.
    pub site: PathBuf,
    /// RFC 3339, UTC.
    pub since: String,
    /// Whether its home said that nothing is left to do in it.
    #[serde(default)]
    pub over: bool,
}

impl Remembered {
    pub fn new(run: &str, runbook: &str, server: &Server, site: &Path) -> Remembered {
        Remembered {
            run: run.to_owned(),
            runbook: runbook.to_owned(),
            server: server.name.clone(),
            ssh: server.ssh.clone().unwrap_or_default(),
            site: site.to_owned(),
            since: units::now(),
            over: false,
        }
    }

    /// Whether it was begun at this server of the site: its table may have another checkout by now, and, if no other has its
    /// name, another name. Two servers may be at one address.
    pub fn is_at(&self, site: &Site, server: &Server) -> bool {
        let is_named = site.servers.contains_key(&self.server);
        let is_it = match is_named {
            true => self.server == server.name,
            false => server.ssh.as_ref() == Some(&self.ssh),
        };
        self.site == site.file && server.ssh.is_some() && is_it
    }

    /// Written before the run is begun: nobody is to have begun a run that nobody here knows.
    pub fn write(&self, state: &Path) -> Result<()> {
        private_folder(&state.join("homes"))?;
        let text = serde_json::to_vec(self).or_fail(Kind::Bug, || "what is remembered is no data".into())?;
        write_private_durably(&file(state, &self.run), &text)
    }
}

fn file(state: &Path, run: &str) -> PathBuf {
    state.join("homes").join(format!("{run}.json"))
}

/// Notes that nothing is left to do in a run, if it is remembered.
pub fn note_over(state: &Path, run: &str) {
    let read = || -> Option<Remembered> { serde_json::from_slice(&fs::read(file(state, run)).ok()?).ok() };
    if let Some(known) = read().filter(|known| !known.over) {
        // Without the note its home is asked once more.
        _ = Remembered { over: true, ..known }.write(state);
    }
}

/// Forgets a run that was not begun.
pub fn forget(state: &Path, run: &str) {
    // One that stays is listed nowhere once its home says that there is none.
    _ = fs::remove_file(file(state, run));
}

/// All that is remembered, the oldest first. What can't be read is passed over.
pub fn all(state: &Path) -> Vec<Remembered> {
    let entries = fs::read_dir(state.join("homes")).into_iter().flatten().flatten();
    let read = |entry: fs::DirEntry| serde_json::from_slice(&fs::read(entry.path()).ok()?).ok();
    let mut all: Vec<Remembered> = entries.filter_map(read).collect();
    all.sort_by(|a, b| (&a.since, &a.run).cmp(&(&b.since, &b.run)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_servers_at_one_address_it_belongs_to_that_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let load = |names: &[&str]| {
            let file = folder.path().join("site.toml");
            let table = |name: &&str| {
                format!(
                    "[servers.{name}]\nkind = \"plain\"\nssh = \"ops@host\"\ncheckout = \"/srv/{name}\"\n"
                )
            };
            fs::write(&file, names.iter().map(table).collect::<String>()).unwrap();
            Site::load(&file).unwrap()
        };
        let both = load(&["blog", "wiki"]);
        let known = Remembered::new("20260101-000000-abcd", "update", &both.servers["wiki"], &both.file);
        assert!(known.is_at(&both, &both.servers["wiki"]) && !known.is_at(&both, &both.servers["blog"]));
        let renamed = load(&["notes"]);
        assert!(known.is_at(&renamed, &renamed.servers["notes"]), "a server of another name has its address");
    }
}
