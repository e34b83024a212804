//! How a run that stopped left a server: what is checked out, what runs, whether it is healthy, and whether users are served.
//!
//! Told from the journal, so that it is the same for whoever asks: only how calls ended counts, and not what they were meant
//! to do. What is seen of the server afterwards takes the place of what the run saw last.

use super::now::Now;
use crate::data;
use crate::journal::Outcome;
use crate::journal::index::CallRecord;
use crate::journal::run::Summary;
use crate::machine::git::Moved;
use crate::primitive::{Facet, Sort};
use crate::primitives;
use crate::site::{Site, Targets};
use serde_json::{Value, json};

/// What is known of one server. What is absent is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    checked_out: Option<String>,
    started: Started,
    /// The release that runs, where its kind can see that.
    runs: Option<String>,
    healthy: Option<bool>,
    maintenance: Maintenance,
    /// Whether services that a backup stopped may not run again.
    stopped: bool,
    /// Whether it was seen after the run.
    is_now: bool,
}

/// Whether what is checked out was started by the run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Started {
    /// Nothing tells.
    #[default]
    Unknown,
    No,
    Yes,
    /// A start or a stop began, and did not end well.
    Half,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Maintenance {
    #[default]
    Off,
    /// It was about to be turned on or off.
    Unknown,
    On,
}

/// Whom it serves.
#[derive(Clone, Copy, PartialEq)]
enum Users {
    Served,
    KeptOut,
    Unknown,
}

/// What a change means for what runs.
#[derive(PartialEq)]
enum Life {
    Starts,
    Stops,
    /// It only prepares, as a build.
    Neither,
    Unclear,
}

impl Left {
    /// By the journal.
    pub fn of(summary: &Summary, server: &str) -> Left {
        let targets = Site::load(&summary.header.site).ok();
        let targets = targets.and_then(|site| Some(site.servers.get(server)?.targets.clone()));
        let targets = targets.unwrap_or_default();
        let calls = summary.index.course().into_iter();
        let theirs = calls.filter(|(_, record)| data::server_of(&record.call.arguments) == Some(server));
        let mut left = Left::default();
        theirs.for_each(|(_, record)| left.add(record, &targets));
        left
    }

    /// With what was seen after the run.
    pub fn and(mut self, now: &Now) -> Left {
        self.is_now = now.healthy.is_some();
        self.checked_out = now.checked_out.clone().or(self.checked_out);
        self.runs = now.runs.clone();
        self.healthy = now.healthy.or(self.healthy);
        // Another run may have turned it on.
        if now.owes_maintenance && self.maintenance == Maintenance::Off {
            self.maintenance = Maintenance::Unknown;
        }
        self
    }

    fn add(&mut self, record: &CallRecord, targets: &Targets) {
        let done = match &record.outcome {
            Some(Outcome::Done(value)) => Some(value),
            _ => None,
        };
        let failed = matches!(record.outcome, Some(Outcome::Failed(_)));
        let arguments = &record.call.arguments;
        let is_about = |name: &str| arguments.get("name").is_some_and(|it| it == name);
        let settles = |name: &str| {
            arguments
                .get("names")
                .and_then(Value::as_array)
                .is_some_and(|names| names.iter().any(|it| it == name))
        };
        match record.call.name.as_str() {
            "installed_release" if self.checked_out.is_none() && self.started == Started::Unknown => {
                self.checked_out = done.and_then(Value::as_str).map(str::to_owned);
            }
            "checkout" => {
                let moved = done.and_then(|moved| serde_json::from_value::<Moved>(moved.clone()).ok());
                self.checked_out = moved.map(|moved| moved.to.name());
                (self.started, self.healthy) = (Started::No, None);
            }
            "set_version" => {
                self.checked_out = done.and_then(|moved| moved["to"].as_str()).map(str::to_owned);
                (self.started, self.healthy) = (Started::No, None);
            }
            // It is written before the change that turns it on, and removed after the one that turns it off.
            "owe" if is_about("maintenance") => self.maintenance = Maintenance::Unknown,
            "owe" if is_about("writers") => self.stopped = true,
            "settle" if done.is_some() => {
                if settles("maintenance") {
                    self.maintenance = Maintenance::Off;
                }
                self.stopped &= !settles("writers");
            }
            "wait_healthy" if arguments.get("state").is_none_or(|state| state == "healthy") => {
                self.healthy = if done.is_some() { Some(true) } else { failed.then_some(false) };
            }
            name if acts_on_all(name) => self.act(record, targets, done.is_some()),
            _ => {}
        }
    }

    /// A command, which may do anything.
    fn act(&mut self, record: &CallRecord, targets: &Targets, done: bool) {
        let life = life(record, targets);
        if life == Life::Neither {
            return;
        }
        let is_command = record.call.name != "make";
        match self.maintenance {
            // What turns it on comes right after it is owed.
            Maintenance::Unknown if is_command && self.healthy != Some(true) && done => {
                self.maintenance = Maintenance::On;
                return;
            }
            Maintenance::Unknown if is_command => return,
            // Once it is healthy, what comes next turns it off.
            Maintenance::On if is_command && self.healthy == Some(true) => {
                self.maintenance = Maintenance::Unknown;
                return;
            }
            _ => {}
        }
        self.started = match (life, done) {
            (Life::Starts, true) => Started::Yes,
            (Life::Starts | Life::Stops, _) => Started::Half,
            (_, _) if self.started == Started::No => Started::Unknown,
            _ => self.started,
        };
        self.healthy = None;
    }

    fn users(&self) -> Users {
        match (self.maintenance, self.healthy) {
            (Maintenance::On, _) => Users::KeptOut,
            (Maintenance::Off, Some(true)) if !self.stopped => Users::Served,
            _ => Users::Unknown,
        }
    }

    /// In words: what it has and how that is, and whether users are served.
    pub fn words(&self) -> [String; 2] {
        let has = match (&self.checked_out, &self.runs, self.started) {
            (None, Some(runs), _) => format!("what is checked out is unknown, {runs} runs"),
            (None, None, _) => "what is checked out is unknown".into(),
            (Some(release), Some(runs), _) if release == runs => format!("{release} is checked out and runs"),
            (Some(release), Some(runs), _) => format!("{release} is checked out, {runs} runs"),
            (Some(release), None, Started::Yes) => format!("{release} is checked out and was started"),
            (Some(release), None, Started::No) => format!("{release} is checked out, not started"),
            (Some(release), None, Started::Half) => {
                format!("{release} is checked out, what runs is unknown")
            }
            (Some(release), None, Started::Unknown) => format!("{release} is checked out"),
        };
        let seen = if self.is_now { "" } else { " when last seen" };
        let health = match self.healthy {
            Some(true) => format!("healthy{seen}"),
            Some(false) => format!("not healthy{seen}"),
            None => "health unknown".into(),
        };
        let users = match (self.maintenance, self.users()) {
            (_, Users::KeptOut) => "users are kept out: maintenance mode is on".into(),
            (Maintenance::Unknown, _) => "whether maintenance mode is on is unknown".into(),
            _ if self.stopped => "what was stopped for a backup may still be stopped".into(),
            (_, Users::Served) if self.is_now => "users are served".into(),
            (_, Users::Served) => "users were served".into(),
            _ => "whether users are served is unknown".into(),
        };
        [format!("{has}, {health}"), users]
    }

    /// For programs: `checked_out` and `runs` (releases), `started` and `healthy` (true, false), each `null` if it is unknown,
    /// and `users`: `served`, `kept_out` or `unknown`.
    pub fn json(&self) -> Value {
        let started = match self.started {
            Started::Yes => Value::Bool(true),
            Started::No => Value::Bool(false),
            Started::Half | Started::Unknown => Value::Null,
        };
        let users = match self.users() {
            Users::Served => "served",
            Users::KeptOut => "kept_out",
            Users::Unknown => "unknown",
        };
        json!({
            "checked_out": self.checked_out, "runs": self.runs, "started": started, "healthy": self.healthy,
            "users": users,
        })
    }
}

/// Whether a primitive may change anything on a server, and so what runs.
fn acts_on_all(name: &str) -> bool {
    primitives::find(name).is_none_or(|primitive| {
        primitive.sort() == Sort::Change && primitive.facets().contains(&Facet::Everything)
    })
}

/// What a command means for what runs, by its own words: only what is known to prepare is taken for harmless.
fn life(record: &CallRecord, targets: &Targets) -> Life {
    let arguments = &record.call.arguments;
    if let Some(target) = arguments.get("target").and_then(Value::as_str) {
        return match target {
            _ if target == targets.start => Life::Starts,
            _ if target == targets.configure || target == targets.build => Life::Neither,
            "up" | "start" | "restart" => Life::Starts,
            "down" | "stop" => Life::Stops,
            "config" | "configure" | "build" | "pull" => Life::Neither,
            _ => Life::Unclear,
        };
    }
    let words = arguments.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    let known = words.filter_map(|word| match word {
        "up" | "start" | "restart" => Some(Life::Starts),
        "down" | "stop" | "kill" => Some(Life::Stops),
        "pull" | "build" | "config" => Some(Life::Neither),
        _ => None,
    });
    known.into_iter().next().unwrap_or(Life::Unclear)
}
