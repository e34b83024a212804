//! `banister metrics`, and the file that `metrics` in `site.toml` names.

use super::context::{Context, at_once, is_same_site};
use super::homes;
use super::scheduled::refusal;
use crate::event::RunState;
use crate::failure::{Kind, Result};
use crate::home::remembered;
use crate::home::wire::Listed;
use crate::journal::run::{self, Glance, Summary};
use crate::machine::backup::Card;
use crate::machine::files::{write_durably, written_at};
use crate::reach::Reach;
use crate::reach::inquiry::{self, Noted};
use crate::report::prometheus::{Metric, text};
use crate::secret;
use crate::site::{Home, Server, Site};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Prints the metrics of each server, or writes them to a file. Exit 0 also if a server can't be reached: a metric says so.
pub fn metrics(context: &Context, file: Option<&Path>) -> Result<u8> {
    let site = Arc::new(context.site()?);
    match file {
        // Whoever reads it takes what is missing for gone.
        Some(file) => replace(file, &gather(context, &site, &all(&site))?)?,
        None => print!("{}", gather(context, &site, &context.servers(&site)?)?),
    }
    Ok(0)
}

/// Writes the file that the site names, if it names one.
pub fn write(context: &Context, site: &Arc<Site>) -> Result<()> {
    let Some(file) = &site.metrics else { return Ok(()) };
    replace(file, &gather(context, site, &all(site))?)
}

/// Why the file that the site names can't be written, in one line.
pub fn trouble(site: &Site) -> Option<String> {
    let file = site.metrics.as_ref()?;
    let wrong = |why: &str| Some(format!("metrics are not written to `{}`: {why}", file.display()));
    match (file.metadata(), file.parent()) {
        (Ok(found), _) if !found.is_file() => wrong("it is no file"),
        (Ok(_), _) => None,
        (Err(_), Some(folder)) if folder.is_dir() => None,
        (Err(_), _) => wrong("its folder is not there; create it"),
    }
}

/// What is known of a server where it is.
struct Seen {
    release: Result<String>,
    noted: Result<Noted>,
    backups: Result<Vec<Card>>,
    /// The runs that are at home there.
    at_home: Result<Vec<Listed>>,
}

fn see(context: &Context, site: &Site, reach: &dyn Reach, server: &Server) -> Seen {
    let own = |mut cards: Vec<Card>| {
        cards.retain(|card| card.server.as_ref().is_none_or(|of| *of == server.name));
        cards
    };
    let release = inquiry::checked_out(reach, server).map(|position| position.name);
    if let Err(failure) = &release
        && matches!(failure.kind, Kind::Unreachable | Kind::Interrupted)
    {
        // All else would wait as long as this did.
        let lost = || failure.clone();
        return Seen { noted: Err(lost()), backups: Err(lost()), at_home: Err(lost()), release };
    }
    let mut known = remembered::all(&context.state);
    known.retain(|known| known.is_at(site, server));
    let is_home = server.ssh.is_some() && (site.home == Home::Server || !known.is_empty());
    Seen {
        release,
        at_home: match is_home && context.abroad.is_none() {
            true => homes::of_server(context, site, server, &known),
            false => Ok(Vec::new()),
        },
        noted: inquiry::noted(reach, server),
        backups: inquiry::backups(reach, server, None).map(own),
    }
}

/// Replaces the file, or that to which a link leads. Fails with [`Kind::Refused`] if it is no file.
fn replace(file: &Path, text: &str) -> Result<()> {
    let file = written_at(file).map_err(|failure| failure.help("print them with `banister metrics`"))?;
    write_durably(&file, text.as_bytes())
}

fn all(site: &Site) -> Vec<&Server> {
    site.servers.values().collect()
}

fn gather(context: &Context, site: &Arc<Site>, servers: &[&Server]) -> Result<String> {
    let reach = context.reach(site);
    let seen = at_once(servers, |server| see(context, site, reach.as_ref(), server));
    let mut runs = run::all(&context.state)?;
    runs.retain(|run| is_same_site(&run.header.site, &site.file) && !run.header.by_hand);
    let mut runs: Vec<Run> = runs.into_iter().map(Run::Here).collect();
    let theirs = seen.iter().filter_map(|seen| seen.at_home.as_ref().ok());
    runs.extend(theirs.flatten().cloned().map(Run::There));
    runs.sort_by_cached_key(|run| run.started().parse::<jiff::Timestamp>().ok());
    let mut metrics = of_servers(servers, &seen);
    metrics.extend(of_schedules(context, site, servers));
    metrics.extend(of_runs(servers, &runs));
    // What is no secret by its place may be one by its value.
    for (labels, _) in metrics.iter_mut().flat_map(|metric| &mut metric.values) {
        labels.iter_mut().for_each(|(_, value)| *value = secret::show(value).into_owned());
    }
    Ok(text(&metrics))
}

/// The instant, in seconds since 1970.
fn seconds(instant: &str) -> Option<f64> {
    instant.parse::<jiff::Timestamp>().ok().map(|instant| instant.as_millisecond() as f64 / 1000.0)
}

fn of_servers(servers: &[&Server], seen: &[Seen]) -> Vec<Metric> {
    let mut info = Metric::new("server_info", "The release that is checked out on the server.");
    let mut known = Metric::new("server_known", "Whether all of the server could be read.");
    let mut open = Metric::new("open_run", "Whether a run is unfinished on the server.");
    let mut owed = Metric::new("owed", "How much is owed to the server by runs that nobody continues.");
    let mut count = Metric::new("backups", "How many backups of the server there are.");
    let mut newest = Metric::new(
        "backup_timestamp_seconds",
        "When the newest backup was made, by how far backups are proven.",
    );
    let mut level =
        Metric::new("backup_level_info", "How far the newest backup is proven: taken, verified or drilled.");
    let mut held = Metric::new(
        "failed_release_info",
        "A release that an update leaves out, as an update to it failed on the server.",
    );
    for (server, Seen { release, noted, backups, at_home }) in servers.iter().zip(seen) {
        let of = ("server", server.name.as_str());
        let is_known = release.is_ok() && noted.is_ok() && backups.is_ok() && at_home.is_ok();
        known.add(&[of], f64::from(u8::from(is_known)));
        let release = release.as_ref().map_or("", String::as_str);
        info.add(&[of, ("kind", &server.kind), ("release", release)], 1.0);
        if let Ok(Noted { book, .. }) = noted {
            open.add(&[of], f64::from(u8::from(book.half_way_beside("").is_some())));
            owed.add(&[of], book.owed.iter().filter(|owed| book.is_left(owed)).count() as f64);
            book.failed.iter().for_each(|failed| held.add(&[of, ("release", &failed.release)], 1.0));
        }
        let Ok(backups) = backups else { continue };
        count.add(&[of], backups.len() as f64);
        let now = jiff::Timestamp::now();
        let dated: Vec<(&Card, f64)> = backups
            .iter()
            .filter(|card| !card.is_future(now) && card.damaged.is_none())
            .filter_map(|card| Some((card, seconds(card.created.as_deref()?)?)))
            .collect();
        for at_least in LEVELS {
            let proven = dated.iter().filter(|(card, _)| rank(card) >= rank_of(at_least));
            if let Some(instant) = proven.map(|(_, instant)| *instant).reduce(f64::max) {
                newest.add(&[of, ("level", at_least)], instant);
            }
        }
        if let Some((card, _)) = dated.iter().max_by(|(_, a), (_, b)| a.total_cmp(b)) {
            level.add(&[of, ("level", LEVELS[rank(card)])], 1.0);
        }
    }
    vec![info, known, open, owed, held, count, newest, level]
}

/// Whether scheduled runs began. One that is refused is no run, so that only this says it.
fn of_schedules(context: &Context, site: &Site, servers: &[&Server]) -> Vec<Metric> {
    let mut refused =
        Metric::new("schedule_refused", "Whether the last scheduled run of the runbook did not begin.");
    let mut at = Metric::new(
        "schedule_refused_timestamp_seconds",
        "When the last scheduled run of the runbook did not begin.",
    );
    for server in servers {
        let mut seen = BTreeSet::new();
        for (runbook, refusal) in refusal::of_schedules(&context.state, &site.file, &server.name) {
            // One of all servers and one of this may run the same; a second line of one name would be no metric.
            if !seen.insert(runbook.clone()) {
                continue;
            }
            let labels = [("server", server.name.as_str()), ("runbook", runbook.as_str())];
            refused.add(&labels, f64::from(u8::from(refusal.is_some())));
            if let Some(instant) = refusal.and_then(|refusal| seconds(&refusal.at)) {
                at.add(&labels, instant);
            }
        }
    }
    vec![refused, at]
}

/// How far a backup is proven, from the least.
const LEVELS: [&str; 3] = ["taken", "verified", "drilled"];

fn rank(card: &Card) -> usize {
    let word = serde_json::to_value(card.level).ok();
    rank_of(word.as_ref().and_then(|word| word.as_str()).unwrap_or_default())
}

fn rank_of(level: &str) -> usize {
    LEVELS.iter().position(|known| *known == level).unwrap_or(0)
}

/// A run on this machine, or at its server.
enum Run {
    Here(Glance),
    There(Listed),
}

impl Run {
    fn runbook(&self) -> &str {
        match self {
            Run::Here(run) => &run.header.runbook,
            Run::There(run) => &run.runbook,
        }
    }

    fn servers(&self) -> &[String] {
        match self {
            Run::Here(run) => &run.header.servers,
            Run::There(run) => &run.servers,
        }
    }

    fn started(&self) -> &str {
        match self {
            Run::Here(run) => &run.started,
            Run::There(run) => &run.started,
        }
    }

    fn state(&self) -> &str {
        match self {
            Run::Here(run) => run.state.name(),
            Run::There(run) => &run.state,
        }
    }

    /// When it began, and when its last record was written.
    fn times(&self) -> Option<(f64, f64)> {
        let last = match self {
            Run::Here(run) => Summary::as_far_as_readable(&run.path).0.index.last,
            Run::There(run) => run.ended.clone(),
        };
        Some((seconds(self.started())?, seconds(last.as_deref()?)?))
    }
}

/// Of each runbook the run that ended last, and the last that was done, by the journals of this user here and at the servers.
fn of_runs(servers: &[&Server], runs: &[Run]) -> Vec<Metric> {
    let mut ended = Metric::new("last_run_timestamp_seconds", "When the last run of the runbook ended.");
    let mut took = Metric::new(
        "last_run_duration_seconds",
        "How long the last run of the runbook took, with its waits.",
    );
    let mut is_good = Metric::new("last_run_success", "Whether the last run of the runbook was done.");
    let mut succeeded = Metric::new("last_success_timestamp_seconds", "When the runbook was done last.");
    let (running, done) = (RunState::Running.name(), RunState::Done.name());
    for server in servers {
        let mut theirs: Vec<(&str, Vec<&Run>)> = Vec::new();
        for run in runs.iter().rev().filter(|run| run.servers().contains(&server.name)) {
            match theirs.iter_mut().find(|(runbook, _)| *runbook == run.runbook()) {
                Some((_, runs)) => runs.push(run),
                None => theirs.push((run.runbook(), vec![run])),
            }
        }
        for (runbook, runs) in theirs {
            let labels = [("server", server.name.as_str()), ("runbook", runbook)];
            if let Some(last) = runs.iter().find(|run| run.state() != running) {
                is_good.add(&labels, f64::from(u8::from(last.state() == done)));
                if let Some((began, end)) = last.times() {
                    ended.add(&labels, end);
                    took.add(&labels, (end - began).max(0.0));
                }
            }
            let good = runs.iter().find(|run| run.state() == done);
            if let Some((_, end)) = good.and_then(|run| run.times()) {
                succeeded.add(&labels, end);
            }
        }
    }
    vec![ended, took, is_good, succeeded]
}
