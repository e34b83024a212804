//! What `status` found out about a server: as it is in `status --json`, and in words.

use crate::book::{Ended, FailedRelease, Open, Owed};
use crate::cli::scheduled::refusal::Refusal;
use crate::cli::show;
use crate::failure::Failure;
use crate::home::wire::Listed;
use crate::journal::run::{Glance, Summary};
use crate::machine::backup::{Card, is_reference};
use crate::machine::release::{Release, pinned};
use crate::reach::inquiry::Orphan;
use crate::report::text::{Style, table};
use crate::runner::untaken::Untaken;
use crate::site::Server;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The facts of one server. What can't be found out is absent, with the failure that says why beside it.
#[derive(Debug, Serialize)]
pub struct Facts {
    pub name: String,
    pub kind: String,
    /// What is checked out: the release or the branch, as people name it.
    pub release: Option<String>,
    /// The release that runs, if the kind can see that.
    pub runs: Option<String>,
    pub commit: Option<String>,
    pub healthy: Option<bool>,
    /// As the kind gives them.
    pub checks: Value,
    /// Why it is not known whether it is healthy.
    pub problem: Option<String>,
    /// Who holds it, or why that is not known.
    pub lock: Option<String>,
    pub last_run: Option<LastRun>,
    /// Whether any run is half-way on it.
    pub half_way: Option<bool>,
    /// The runs of others that are.
    pub unfinished: Option<Vec<Open>>,
    pub owed: Option<Vec<Owed>>,
    /// The releases that an update leaves out because they failed here.
    pub failed_releases: Option<Vec<FailedRelease>>,
    /// The run that ended last.
    pub last_ended: Option<Ended>,
    pub orphans: Option<Vec<Orphan>>,
    /// What is unfinished and owed, a line each.
    pub notes: Vec<String>,
    /// What nobody took of the notices of the last run.
    pub untaken_notices: Vec<Untaken>,
    /// The scheduled runs that did not begin, where none began since.
    pub refused: Vec<Refusal>,
    /// Why the file that `metrics` of the site names can't be written.
    pub metrics: Option<String>,
    /// Why the server's book can't be read.
    pub unknown: Option<String>,
    /// The oldest first.
    pub backups: Option<Vec<Backup>>,
    pub backups_unknown: Option<String>,
}

/// This user's last run on the server.
#[derive(Debug, Serialize)]
pub struct LastRun {
    pub run: String,
    pub runbook: String,
    /// As JSON names it; `unknown` if its home can't be asked.
    pub state: String,
    /// How it stands, in words.
    pub text: String,
    /// The command to type next.
    pub next: String,
    /// RFC 3339, UTC; the end only of what nobody works on.
    pub started: Option<String>,
    pub ended: Option<String>,
    /// The name of the schedule that began it.
    pub schedule: Option<String>,
    /// From which release to which it brought servers: `server`, `from` and `to` of each.
    pub releases: Value,
    /// The same in words.
    #[serde(skip)]
    pub about: String,
}

impl LastRun {
    /// One at its home.
    pub fn of(listed: Listed) -> LastRun {
        let Listed { run, runbook, state, text, next, started, mut head, .. } = listed;
        if head.is_null() {
            head = json!({ "started": started });
        }
        LastRun::new((run, runbook, state), text, next, &head)
    }

    /// One on this machine.
    pub fn here(run: &Summary, text: String, next: String) -> LastRun {
        let head = show::head(&Glance::read(&run.path), None);
        let state = run.state.name().to_owned();
        LastRun::new((run.name.clone(), run.header.runbook.clone(), state), text, next, &head)
    }

    fn new(
        (run, runbook, state): (String, String, String),
        text: String,
        next: String,
        head: &Value,
    ) -> LastRun {
        let field = |name: &str| head[name].as_str().map(str::to_owned);
        let (started, ended, schedule) = (field("started"), field("ended"), field("schedule"));
        let about = [started.clone().map(|at| format!("began {at}")), Some(show::about::about(head))];
        let about = about.into_iter().flatten().filter(|word| !word.is_empty());
        let about = about.collect::<Vec<_>>().join(", ");
        let releases = head["releases"].clone();
        LastRun { run, runbook, state, text, next, started, ended, schedule, releases, about }
    }
}

/// A backup of the server.
#[derive(Debug, Serialize)]
pub struct Backup {
    name: String,
    path: PathBuf,
    bytes: u64,
    created: Option<String>,
    /// One that a wrong clock made is none.
    #[serde(skip)]
    is_future: bool,
}

impl Backup {
    pub fn of(card: Card) -> Backup {
        let is_future = card.is_future(jiff::Timestamp::now());
        let Card { name, path, bytes, created, .. } = card;
        Backup { name, path, bytes, created, is_future }
    }
}

impl Facts {
    /// Those of a server that can't be reached.
    pub fn of_silent(server: &Server, failure: &Failure) -> Facts {
        let why = failure.to_string();
        Facts {
            name: server.name.clone(),
            kind: server.kind.clone(),
            release: None,
            runs: None,
            commit: None,
            healthy: None,
            checks: Value::default(),
            problem: Some(why.clone()),
            lock: Some(format!("unknown: {why}")),
            last_run: None,
            half_way: None,
            unfinished: None,
            owed: None,
            failed_releases: None,
            last_ended: None,
            orphans: None,
            notes: Vec::new(),
            untaken_notices: Vec::new(),
            refused: Vec::new(),
            metrics: None,
            unknown: Some(why.clone()),
            backups: None,
            backups_unknown: Some(why),
        }
    }

    /// Whether it is healthy, in words.
    pub fn health(&self, style: Style) -> String {
        match (self.healthy, &self.problem) {
            (Some(true), _) => style.good("healthy"),
            (Some(false), _) => {
                let checks = self.checks.as_array().map(Vec::as_slice).unwrap_or_default();
                let failed = checks.iter().filter(|check| check["ok"] == false);
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let said = failed.map(|check| format!("{}: {}", text(&check["name"]), text(&check["said"])));
                format!("{} ({})", style.bad("not healthy"), said.collect::<Vec<_>>().join("; "))
            }
            (None, problem) => {
                format!("{}: {}", style.warn("unknown"), problem.as_deref().unwrap_or_default())
            }
        }
    }

    /// What is checked out, and what runs if that is another release.
    pub fn release(&self, style: Style) -> String {
        let release = self.release.clone().unwrap_or_else(|| "unknown".into());
        // What is no release, as a branch, says nothing of what should run.
        match &self.runs {
            Some(runs)
                if *runs != release
                    && (pinned(&release).is_some()
                        || release.parse::<Release>().is_ok_and(|release| release.has_order())) =>
            {
                style.warn(&format!("{release} is checked out, {runs} runs"))
            }
            _ => release,
        }
    }

    /// All of it for people; what asks for something comes last.
    pub fn text(&self, style: Style) -> String {
        let mut rows = vec![
            vec!["  release".into(), self.release(style)],
            vec!["  health".into(), self.health(style)],
            vec!["  lock".into(), self.lock()],
            vec!["  backups".into(), self.backups()],
        ];
        if let Some(run) = &self.last_run {
            rows.push(vec!["  last run".into(), run.text.clone()]);
            if !run.about.is_empty() {
                rows.push(vec![String::new(), run.about.clone()]);
            }
            rows.push(vec!["  next".into(), run.next.clone()]);
        }
        let notes = self.notes.iter().cloned().chain(self.refused.iter().map(Refusal::line));
        let notes = notes.chain(self.untaken_notices.iter().map(Untaken::line)).chain(self.metrics.clone());
        let notes: String = notes.map(|line| format!("  {line}\n")).collect();
        format!("{} ({})\n{}{notes}", style.bold(&self.name), self.kind, table(&rows))
    }

    /// Who holds it. It is free only if nothing is unfinished and all that could keep it is known.
    fn lock(&self) -> String {
        match (&self.lock, &self.unknown) {
            (Some(held), _) => held.clone(),
            (None, Some(why)) => format!("unknown: {why}"),
            (None, None) => match self.half_way == Some(true) {
                true => "held by nobody, but a run is unfinished".into(),
                false if self.orphans.as_ref().is_some_and(|orphans| !orphans.is_empty()) => {
                    "held by nobody, but a command of an earlier run still runs".into()
                }
                false => "free".into(),
            },
        }
    }

    fn backups(&self) -> String {
        if let Some(why) = &self.backups_unknown {
            return format!("unknown: {why}");
        }
        let backups = self.backups.as_deref().unwrap_or_default();
        // Whether a repository still holds them is not asked here: it may be far away.
        let unasked = match backups.iter().any(|backup| is_reference(&backup.path)) {
            true => ", not compared with the repository",
            false => "",
        };
        match backups.iter().rfind(|backup| !backup.is_future) {
            None if backups.is_empty() => "none".into(),
            None => format!("{}, all from the future: the clock was wrong", backups.len()),
            Some(newest) => format!("{}, the newest {}{unasked}", backups.len(), newest.name),
        }
    }
}
