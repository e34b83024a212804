//! A scheduled run that did not begin: nobody looked on, so it is written down for `status`, and told to whom the site names.

use super::kept::{self, Schedule};
use crate::failure::Failure;
use crate::machine::files::write_private_durably;
use crate::machine::notify::{Notice, When};
use crate::machine::tree;
use crate::output::word;
use crate::report::failure::render;
use crate::report::text::Style;
use crate::runner::courier::Courier;
use crate::runner::untaken::{Untaken, untaken};
use crate::runner::{notices, watch};
use crate::secret::Shown;
use crate::site::{Site, hearers};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A place that takes nothing is tried for so long: the next time of the schedule waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// The last run of a schedule that did not begin; none once one did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The name of the schedule.
    pub schedule: String,
    pub runbook: String,
    /// `site.toml`.
    pub site: PathBuf,
    /// Absent: all servers of the site.
    pub server: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Why, in one line.
    pub why: Shown,
    /// The command that begins it by hand.
    pub next: String,
}

fn record(state: &Path, name: &str) -> PathBuf {
    kept::folder(state).join(format!("{name}.refused"))
}

/// The folder of the notices.
fn notices(state: &Path, name: &str) -> PathBuf {
    kept::folder(state).join(format!("{name}.notices"))
}

/// The last refusals of the schedules of a site, and of one of its servers, by their names.
pub fn refusals(state: &Path, site: &Path, server: &str) -> Vec<Refusal> {
    of_schedules(state, site, server).into_iter().filter_map(|(_, refusal)| refusal).collect()
}

/// The runbooks that are scheduled for a server of a site, each with its last refusal, if it was refused last. Those that were
/// come first.
pub fn of_schedules(state: &Path, site: &Path, server: &str) -> Vec<(String, Option<Refusal>)> {
    let is_its = |schedule: &Schedule| {
        schedule.site == site && schedule.server.as_deref().is_none_or(|name| name == server)
    };
    let all = kept::all(state).into_iter().filter(is_its);
    let mut all: Vec<_> = all.map(|schedule| (schedule.runbook.clone(), last(&schedule))).collect();
    all.sort_by_key(|(_, refusal)| refusal.is_none());
    all
}

/// Its last refusal, if it was refused last.
pub fn last(schedule: &Schedule) -> Option<Refusal> {
    let text = fs::read(record(&schedule.state, &schedule.name)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// What nobody took of the notices of these.
pub fn untold(state: &Path, refusals: &[Refusal]) -> Vec<Untaken> {
    refusals.iter().flat_map(|refusal| untaken(&notices(state, &refusal.schedule))).collect()
}

impl Refusal {
    /// For people, in one line.
    pub fn line(&self) -> String {
        let Refusal { runbook, at, why, next, .. } = self;
        format!("scheduled `{runbook}` did not begin at {at}: {why}; begin it with `{next}`")
            .replace('\n', " ")
    }
}

/// The first command that a help names.
fn command_in(help: &str) -> Option<String> {
    let begin = help.find("`banister ")? + 1;
    let command = &help[begin..];
    command.find('`').map(|end| command[..end].to_owned())
}

/// Forgets that it was refused: a run of it began, or it is scheduled no more.
pub fn forget(schedule: &Schedule) {
    _ = fs::remove_file(record(&schedule.state, &schedule.name));
    _ = tree::remove(&notices(&schedule.state, &schedule.name));
}

/// Writes down that a run did not begin, and tells it. Takes until everybody who is to hear it does, or [`PATIENCE`].
pub fn refuse(schedule: &Schedule, failure: &Failure) {
    let now = jiff::Timestamp::now();
    let why = failure.why.first().filter(|why| !why.is_empty());
    let why = [Some(&failure.message), why].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
    let words = schedule.run().iter().map(word).collect::<Vec<_>>().join(" ");
    let help = failure.help.as_deref().unwrap_or_default();
    let anyway = if help.contains("`--now`") { " --now" } else { "" };
    let refusal = Refusal {
        schedule: schedule.name.clone(),
        runbook: schedule.runbook.clone(),
        site: schedule.site.clone(),
        server: schedule.server.clone(),
        at: format!("{now:.0}"),
        why: why.as_str().into(),
        // What mends it, if that is known, and not what would be refused again.
        next: command_in(help).unwrap_or_else(|| format!("banister {words}{anyway}")),
    };
    let text = serde_json::to_vec(&refusal).unwrap_or_default();
    if let Err(failure) = write_private_durably(&record(&schedule.state, &schedule.name), &text) {
        eprint!("{}", render(&failure, Style { color: false }));
    }
    tell(schedule, failure, &refusal, now);
}

fn tell(schedule: &Schedule, failure: &Failure, refusal: &Refusal, now: jiff::Timestamp) {
    let places = || match Site::load(&schedule.site) {
        Ok(site) => Some(site.notify),
        // What is wrong with it may be why nothing began.
        Err(_) => Some(hearers(&schedule.site)).filter(|found| !found.is_empty()),
    };
    let order = || Site::load(&schedule.site).map(|site| site.order).unwrap_or_default();
    let known = places().unwrap_or_default();
    if known.is_empty() {
        return;
    }
    known.iter().enumerate().for_each(|(number, place)| place.learn_secrets(number));
    let servers = schedule.server.clone().map_or_else(order, |server| vec![server]);
    let on = if servers.is_empty() { String::new() } else { format!("{}: ", servers.join(", ")) };
    let said = render(failure, Style { color: false });
    let notice = Notice {
        event: When::Refused,
        title: format!("{on}scheduled {} did not begin", schedule.runbook).into(),
        text: format!("{said}next: {}", refusal.next).into(),
        run: String::new(),
        runbook: schedule.runbook.clone(),
        servers,
        releases: Vec::new(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        id: format!("{}.refused.{now:.3}", schedule.name),
        time: format!("{now:.3}"),
    };
    let folder = notices(&schedule.state, &schedule.name);
    if !notices::write(&folder, &format!("refused-{}", now.as_millisecond()), &notice) {
        eprintln!("warning: the notice can't be written in `{}`", folder.display());
        return;
    }
    // An earlier one that is still at what nobody took sees this, too; if it just ended, the next one does.
    let Ok(Some(_courier)) = watch::take_courier(&folder) else { return };
    let complain = |said: &str| eprint!("{said}");
    Courier { run: &folder, places: &places, is_over: &|| true, complain: &complain, patience: PATIENCE }
        .send();
}
