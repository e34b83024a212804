//! `banister status`.

mod facts;
mod short;

pub use facts::Facts;
pub use short::short;

use super::asked::{Health, KindSays};
use super::context::{Context, at_once, is_same_site};
use super::scheduled::refusal;
use super::{homes, metrics, outcome};
use crate::book::{self, Book, Ended};
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::home::remembered::{self, Remembered};
use crate::home::wire::Listed;
use crate::journal::run::{Glance, Summary};
use crate::lock::{self, State};
use crate::machine::archive::is_of;
use crate::machine::backup::Card;
use crate::reach::Reach;
use crate::reach::inquiry::{self, Noted};
use crate::runner::untaken;
use crate::secret;
use crate::site::{Home, Server, Site};
use crate::stop::{Asked, Stop};
use facts::{Backup, LastRun};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a kind may take to say how its server is.
const LONGEST: Duration = Duration::from_secs(120);

/// Looks at each server: what is checked out, whether it is healthy, who holds it, its last run, its backups.
pub fn status(context: &Context) -> Result<u8> {
    let site = Arc::new(context.site()?);
    let reach = context.reach(&site);
    let mut list = Vec::new();
    for looked in at_once(&context.servers(&site)?, |server| look(context, &site, &reach, server)) {
        let facts = looked?;
        if !context.json {
            print!("{}", secret::show(&facts.text(context.style)));
        }
        list.push(facts);
    }
    if context.json {
        println!("{}", secret::show_value(json!(list)));
    }
    Ok(0)
}

/// The facts of one server.
pub fn look(context: &Context, site: &Arc<Site>, reach: &Arc<dyn Reach>, server: &Server) -> Result<Facts> {
    let position = inquiry::checked_out(reach.as_ref(), server);
    if let Err(failure) = &position
        && matches!(failure.kind, Kind::Unreachable | Kind::Interrupted)
    {
        // All else would wait as long as this did.
        return silent(context, site, server, failure);
    }
    let lock = match inquiry::lock(reach.as_ref(), server) {
        Ok(State::Held(holder)) => Some(lock::describe(&holder)),
        Ok(State::Free | State::Left(_)) => None,
        Ok(State::Unknown(why)) => Some(format!("unknown: {why}")),
        Err(failure) => Some(format!("unknown: {failure}")),
    };
    let noted = inquiry::noted(reach.as_ref(), server);
    let last = context.find_run(None, |glance| {
        is_same_site(&glance.header.site, &site.file) && glance.header.servers.contains(&server.name)
    })?;
    let last = last.map(|run| Summary::as_far_as_readable(&run.path).0);
    let mut last_run = last.as_ref().map(|run| last_run(context, reach.as_ref(), server, run, &noted));
    if let Some(theirs) = at_home(context, site, server)
        && last.as_ref().is_none_or(|last| Glance::read(&last.path).is_before(&theirs.started))
    {
        last_run = Some(LastRun::of(theirs));
    }
    let own = last_run.as_ref().map(|last| last.run.clone());
    let stop = Arc::new(Stop::new());
    let _limit = Limit::of(&stop);
    let kind = KindSays::of(site, reach, server, stop);
    let health = match &position {
        Ok(_) => kind.health(),
        Err(failure) => Err(failure.clone()),
    };
    let runs = kind.running_release();
    let (health, problem) = match health {
        Ok(health) => (health, None),
        Err(failure) => (Health::default(), Some(failure.to_string())),
    };
    let folder = kind.backup_folder();
    let (backups, backups_unknown) = match folder.and_then(|folder| backups(reach.as_ref(), server, folder)) {
        Ok(found) => (Some(found), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let position = position.ok();
    let refused = refusal::refusals(&context.state, &site.file, &server.name);
    let book = noted.as_ref().ok();
    Ok(Facts {
        name: server.name.clone(),
        kind: server.kind.clone(),
        release: position.as_ref().map(|position| position.name.clone()),
        runs,
        commit: position.and_then(|position| position.commit),
        healthy: health.healthy,
        checks: health.checks,
        problem,
        lock,
        last_run,
        half_way: book.map(|noted| noted.book.half_way_beside("").is_some()),
        unfinished: book.map(|noted| unfinished(noted, own.as_deref())),
        owed: book.map(|noted| noted.book.owed.clone()),
        failed_releases: book.map(|noted| noted.book.failed.clone()),
        last_ended: book.and_then(|noted| noted.ended.clone()),
        orphans: book.map(|noted| noted.orphans.clone()),
        notes: super::lock::lines(context, &server.name, &noted),
        untaken_notices: last
            .as_ref()
            .map(|run| untaken::untaken(&run.path))
            .into_iter()
            .flatten()
            .chain(refusal::untold(&context.state, &refused))
            .collect(),
        refused,
        metrics: metrics::trouble(site),
        unknown: noted.as_ref().err().map(ToString::to_string),
        backups,
        backups_unknown,
    })
}

/// Asks that to be left which takes too long, until this is dropped.
struct Limit(Arc<AtomicBool>);

impl Limit {
    fn of(stop: &Arc<Stop>) -> Limit {
        let over = Arc::new(AtomicBool::new(false));
        let (stop, seen, until) = (stop.clone(), over.clone(), Instant::now() + LONGEST);
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(100));
            }
            stop.ask(Asked::Leave);
        });
        Limit(over)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is known of a server that can't be reached.
fn silent(context: &Context, site: &Site, server: &Server, failure: &Failure) -> Result<Facts> {
    let last = context.find_run(None, |glance| {
        is_same_site(&glance.header.site, &site.file) && glance.header.servers.contains(&server.name)
    })?;
    let last = last.map(|run| Summary::as_far_as_readable(&run.path).0);
    let last_run = last.as_ref().map(|run| {
        let (text, next) = outcome::lines(context, run);
        LastRun::here(run, text, next)
    });
    let known = known_at_home(context, site, server).pop().map(|known| unknown(context, known, failure));
    let is_newer = |theirs: &Listed| {
        last.as_ref().is_none_or(|last| Glance::read(&last.path).is_before(&theirs.started))
    };
    let theirs = known.filter(is_newer).map(LastRun::of);
    Ok(Facts {
        last_run: theirs.or(last_run),
        untaken_notices: last.as_ref().map(|run| untaken::untaken(&run.path)).unwrap_or_default(),
        refused: refusal::refusals(&context.state, &site.file, &server.name),
        metrics: metrics::trouble(site),
        ..Facts::of_silent(server, failure)
    })
}

/// This user's last run on the server, with what others did since.
fn last_run(
    context: &Context,
    reach: &dyn Reach,
    server: &Server,
    run: &Summary,
    noted: &Result<Noted>,
) -> LastRun {
    let (mut text, mut next) = outcome::lines(context, run);
    let mut owed = noted.as_ref().map(|noted| left(&noted.book)).unwrap_or_default();
    let unsettled = noted.as_ref().ok().and_then(|noted| unsettled(&noted.book, run));
    let is_open_there = noted.as_ref().map_or(true, |noted| noted.book.open(&run.name).is_some());
    let end = match is_open_there || !run.is_open() {
        true => None,
        false => inquiry::end_of(reach, server, &run.name).ok().flatten().filter(Ended::is_by_others),
    };
    // This user's journal does not know what others did since.
    if let Some(end) = end {
        let by = end.ended_by.as_deref().unwrap_or("somebody");
        text = format!("`{}` was {} on {} by {by} at {}", run.header.runbook, end.state, server.name, end.at);
        next = context.command("status");
    }
    if !run.is_open() || next == context.command("status") {
        // The same runbook would leave it owed once more.
        owed.retain(|name| unsettled.as_ref() != Some(name));
        let dismissed = unsettled.map(|name| super::lock::dismissal(context, &server.name, &name));
        next = works_off(context, &owed).or(dismissed).unwrap_or(next);
    }
    LastRun::here(run, text, next)
}

/// The last run on the server whose home that is. If it can't be asked, how the last one stands that was begun here is unknown.
fn at_home(context: &Context, site: &Site, server: &Server) -> Option<Listed> {
    let mut known = known_at_home(context, site, server);
    if server.ssh.is_none() || site.home != Home::Server && known.is_empty() {
        return None;
    }
    match homes::of_server(context, site, server, &known) {
        Ok(runs) => runs.into_iter().rfind(|listed| {
            listed.servers.contains(&server.name) || known.iter().any(|known| known.run == listed.run)
        }),
        Err(failure) => known.pop().map(|known| unknown(context, known, &failure)),
    }
}

/// The runs that were begun here and are at this server, the oldest first.
fn known_at_home(context: &Context, site: &Site, server: &Server) -> Vec<Remembered> {
    let mut known = remembered::all(&context.state);
    known.retain(|known| known.is_at(site, server));
    known
}

/// A run of which nobody knows how it stands.
fn unknown(context: &Context, known: Remembered, failure: &Failure) -> Listed {
    Listed {
        next: context.command(&format!("attach {}", known.run)),
        run: known.run,
        runbook: known.runbook,
        servers: vec![known.server],
        state: "unknown".into(),
        started: known.since,
        wrong: String::new(),
        head: json!(null),
        is_open: false,
        is_at_work: false,
        needs_somebody: false,
        ended: None,
        text: format!("unknown: {failure}"),
    }
}

/// The archives of a server in a folder, the newest last.
fn backups(reach: &dyn Reach, server: &Server, folder: String) -> Result<Vec<Backup>> {
    let mut found = inquiry::backups(reach, server, Some(folder))?;
    // Others may share the folder. What has no card that names a server is known by its name alone.
    let is_own = |card: &Card| match &card.server {
        Some(of) => *of == server.name,
        None => is_of(&card.name, &server.name.replace('/', "-")),
    };
    found.retain(is_own);
    Ok(found.into_iter().map(Backup::of).collect())
}

/// The names of what is owed although nobody does it in an open run.
fn left(book: &Book) -> Vec<String> {
    book.owed.iter().filter(|owed| book.is_left(owed)).map(|owed| owed.name.clone()).collect()
}

/// What is still owed although an update, which settles it, was done since: the site skips or replaces the step that
/// does.
fn unsettled(book: &Book, last: &Summary) -> Option<String> {
    let is_update = ["update", "update-linked"].contains(&last.header.runbook.as_str());
    // The names of runs begin with the instants at which those began. Two may begin within a second, and then nothing in
    // their names says which was first: what is owed was owed by then.
    let began = |run: &str| run.get(.."20260101-000000".len()).unwrap_or(run).to_owned();
    let is_passed = |owed: &&book::Owed| {
        book.is_left(owed)
            && began(&owed.run) <= began(&last.name)
            && ["install", "backup"].contains(&owed.name.as_str())
    };
    let mut found = book.owed.iter().filter(is_passed).map(|owed| owed.name.clone());
    found.next().filter(|_| is_update && last.state == RunState::Done)
}

/// The command that works off what is owed, if there is one: `update` does what an update or a backup began, and a restore
/// or a rollback is settled by another.
fn works_off(context: &Context, owed: &[String]) -> Option<String> {
    let again = ["restore", "rollback"].into_iter().find(|name| owed.iter().any(|owed| owed == name));
    let is_of_update = |name: &String| {
        name.starts_with("action ")
            || ["install", "backup", "maintenance", "writers", "images", "restarts"].contains(&name.as_str())
    };
    let runbook = again.or_else(|| owed.iter().any(is_of_update).then_some("update"));
    Some(context.command(&format!("run {}", runbook?)))
}

/// The runs that are half-way on the server; this user's own last one has its own lines.
fn unfinished(noted: &Noted, own: Option<&str>) -> Vec<book::Open> {
    let is_other = |open: &&book::Open| own.is_none_or(|own| own != open.run);
    let open = noted.book.open.iter().filter(|open| noted.book.is_half_way(open));
    open.filter(is_other).cloned().collect()
}
