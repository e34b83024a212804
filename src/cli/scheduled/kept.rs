//! What is scheduled, as it is kept in the state folder: a record, and the environment in which the runs begin.

use crate::command::hand_over_lastingly;
use crate::failure::{Context as _, Failure, Kind, Result};
use crate::machine::files::write_private_durably;
use crate::output::word;
use crate::runner::manager::Manager;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Runs of a runbook by the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// That of its units, of its line in the crontab, and of its files.
    pub name: String,
    pub runbook: String,
    /// `site.toml`.
    pub site: PathBuf,
    pub server: Option<String>,
    pub state: PathBuf,
    /// In systemd's words.
    pub every: String,
    /// What the run does where nobody is.
    pub unattended: String,
    /// Further options of the run.
    pub options: Vec<String>,
    /// The program that is called.
    pub program: PathBuf,
    pub by: By,
    /// The name of the schedule for whose runs it fetches, if it does only that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// Who starts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    System,
    User,
    Crontab,
}

impl By {
    pub fn manager(self) -> Option<Manager> {
        (self != By::Crontab).then(|| Manager::known(self == By::User))
    }
}

impl Schedule {
    /// Whether it only fetches for the runs of that one.
    pub fn is_of(&self, other: &Schedule) -> bool {
        self.before.as_ref() == Some(&other.name)
    }

    /// The command line of a run.
    pub fn run(&self) -> Vec<String> {
        let site = self.site.parent().unwrap_or(Path::new("/")).display().to_string();
        let mut words = vec!["run".to_owned(), self.runbook.clone(), "--yes".to_owned()];
        words.extend([format!("--unattended={}", self.unattended), format!("--site={site}")]);
        words.extend(self.server.iter().map(|server| format!("--server={server}")));
        words.extend(self.options.iter().cloned());
        words
    }

    /// What is typed to write it as it was, with what is fetched before it; `all` are those that are known.
    pub fn again(&self, all: &[Schedule]) -> String {
        let of = all.iter().find(|other| self.is_of(other)).unwrap_or(self);
        let before = all.iter().find(|other| other.is_of(of));
        let site = of.site.parent().unwrap_or(Path::new("/")).display();
        let mut words = vec![format!("banister schedule {} --every {}", word(&of.runbook), word(&of.every))];
        words.extend(before.map(|before| format!("--prefetch {}", word(&before.every))));
        words.push(format!("--unattended {} --site {}", word(&of.unattended), word(site)));
        words.extend(of.server.iter().map(|server| format!("--server {}", word(server))));
        words.extend((!of.options.is_empty()).then(|| "--".to_owned()));
        words.extend(of.options.iter().map(word));
        words.join(" ")
    }

    /// What is called when it is due.
    pub fn command(&self) -> Result<Vec<String>> {
        let text = |path: &Path| {
            let message =
                || Failure::new(Kind::Invalid, format!("the path `{}` is not UTF-8", path.display()));
            path.to_str().map(str::to_owned).ok_or_else(message)
        };
        let environment = text(&environment(&self.state, &self.name))?;
        let head = [text(&self.program)?, "scheduled".to_owned(), environment, "--".to_owned()];
        Ok(head.into_iter().chain(self.run()).collect())
    }
}

pub fn folder(state: &Path) -> PathBuf {
    state.join("schedules")
}

pub fn environment(state: &Path, name: &str) -> PathBuf {
    folder(state).join(format!("{name}.environment"))
}

fn record(state: &Path, name: &str) -> PathBuf {
    folder(state).join(format!("{name}.json"))
}

/// All that are known, by their names.
pub fn all(state: &Path) -> Vec<Schedule> {
    let entries = fs::read_dir(folder(state)).into_iter().flatten().flatten();
    let records =
        entries.map(|entry| entry.path()).filter(|path| path.extension() == Some(OsStr::new("json")));
    let read = |path: PathBuf| serde_json::from_slice::<Schedule>(&fs::read(path).ok()?).ok();
    let mut all: Vec<Schedule> = records.filter_map(read).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Writes what is needed beside: the environment of this terminal, without its secrets, and what is scheduled.
pub fn keep(schedule: &Schedule) -> Result<()> {
    let failed = || "the schedule can't be written down".to_owned();
    let folder = folder(&schedule.state);
    fs::create_dir_all(&folder).or_fail(Kind::Refused, failed)?;
    hand_over_lastingly(&environment(&schedule.state, &schedule.name)).or_fail(Kind::Refused, failed)?;
    let text = serde_json::to_vec_pretty(schedule).or_fail(Kind::Bug, failed)?;
    write_private_durably(&record(&schedule.state, &schedule.name), &text)
}

/// Forgets what was kept.
pub fn forget(schedule: &Schedule) -> Result<()> {
    _ = fs::remove_file(environment(&schedule.state, &schedule.name));
    let failed = || "the schedule can't be removed".to_owned();
    fs::remove_file(record(&schedule.state, &schedule.name)).or_fail(Kind::Refused, failed)
}
