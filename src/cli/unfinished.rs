//! Runs that stopped half-way, before another one begins: they are continued, or abandoned on purpose.

use super::arguments::RunOptions;
use super::context::{Context, is_same_site};
use super::outcome;
use crate::book::{self, Book, Ended};
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::{self, Glance, Summary};
use crate::lock::{self, Holder, State};
use crate::person::{Form, Person, Question};
use crate::reach::{Reach, inquiry};
use crate::runner::{self, unit, wishes};
use crate::secret::show;
use crate::session::has_changed;
use crate::site::{Server, Site};
use crate::stop::Asked as Wish;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A run that stopped half-way.
#[derive(Default)]
struct Unfinished {
    /// Its folder, if it is in the state folder of this user.
    path: Option<PathBuf>,
    /// The servers on which it is open, or that its own journal names.
    servers: Vec<String>,
    /// Those that its journal names and the site does not know, or not any more.
    elsewhere: Vec<String>,
    /// Whether it changed anything.
    half_way: bool,
}

impl Unfinished {
    fn of(path: PathBuf, site: &Site, servers: Vec<String>, half_way: bool) -> Unfinished {
        let (servers, elsewhere) = servers.into_iter().partition(|name| site.servers.contains_key(name));
        Unfinished { path: Some(path), servers, elsewhere, half_way }
    }
}

/// Makes sure that no run is half-way on the servers. With `--abandon` those that are, are abandoned.
///
/// Fails with [`Kind::Locked`] if one is, or works.
pub fn settle(context: &Context, site: &Site, servers: &[String], options: &RunOptions) -> Result<()> {
    let reach = context.reach(site);
    let mut found: BTreeMap<String, Unfinished> = BTreeMap::new();
    let mut books: BTreeMap<&str, Book> = BTreeMap::new();
    for name in servers {
        let noted = inquiry::noted(reach.as_ref(), site.server(name)?)?;
        books.insert(name, noted.book);
    }
    let is_abandoned = options.abandon.is_some();
    for glance in run::all(&context.state)? {
        let in_book = books.values().any(|book| book.open(&glance.name).is_some());
        // A server of the same name may be in another site.
        let is_theirs = is_same_site(&glance.header.site, &site.file)
            && glance.header.servers.iter().any(|server| servers.contains(server));
        if !glance.is_open() || !(in_book || is_theirs) {
            continue;
        }
        let (summary, unread) = Summary::as_far_as_readable(&glance.path);
        if let Some(unread) = unread {
            super::unread::refuse_unless_abandoned(context, &summary, &unread, is_abandoned)?;
            let servers = if in_book { summary.header.servers.clone() } else { Vec::new() };
            found.insert(glance.name, Unfinished::of(glance.path, site, servers, true));
            continue;
        }
        if glance.state != RunState::Running
            && !in_book
            && let Some(by) = given_up(reach.as_ref(), site, &glance)
        {
            run::abandon(&glance.path, &by)?;
            continue;
        }
        let owes = books.values().any(|book| book.owed_by(&glance.name).next().is_some());
        let half_way = has_changed(&summary.index) || owes;
        if glance.state == RunState::Running || half_way && !is_abandoned {
            return Err(refused(context, &summary, &glance, &books));
        }
        // What stopped before its first change is not half-way: it is abandoned without a question.
        let names = if half_way || in_book { glance.header.servers } else { Vec::new() };
        found.insert(glance.name, Unfinished::of(glance.path, site, names, half_way));
    }
    for (name, book) in &books {
        for open in book.open.iter().filter(|open| book.is_half_way(open)) {
            // What works is not unfinished.
            if let Ok(State::Held(holder)) = inquiry::lock(reach.as_ref(), site.server(name)?)
                && holder.run == open.run
            {
                return Err(lock::held_by(&holder));
            }
            if !is_abandoned && !found.contains_key(&open.run) {
                return Err(book::refused(name, book, open));
            }
            let theirs = found.entry(open.run.clone()).or_default();
            theirs.half_way = true;
            if !theirs.servers.iter().any(|known| known == name) {
                theirs.servers.push((*name).to_owned());
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let asked = Asked {
        reason: show(options.abandon.as_deref().unwrap_or_default()).into_owned(),
        person: context.person(&options.answers),
        reach,
    };
    found.iter().try_for_each(|(run, theirs)| asked.abandon(site, run, theirs))
}

/// Who abandoned the run, or began over it, and why, if all its servers say that somebody did.
fn given_up(reach: &dyn Reach, site: &Site, glance: &Glance) -> Option<String> {
    let ends = glance.header.servers.iter().map(|name| {
        let end = inquiry::end_of(reach, site.servers.get(name)?, &glance.name).ok().flatten();
        end.filter(Ended::is_by_others)
    });
    let ends: Vec<Ended> = ends.collect::<Option<_>>()?;
    Some(ends.first()?.ended_by.clone().unwrap_or_else(|| "somebody".into()))
}

fn refused(context: &Context, summary: &Summary, glance: &Glance, books: &BTreeMap<&str, Book>) -> Failure {
    let (state, next) = outcome::lines(context, summary);
    let message = format!("an earlier run is unfinished: {state} ({})", glance.name);
    let mut failure = Failure::new(Kind::Locked, message);
    for (server, book) in books {
        let owed: Vec<&str> = book.owed_by(&glance.name).map(|owed| owed.text.as_str()).collect();
        if !owed.is_empty() {
            failure = failure.why(format!("it owes {server}: {}", owed.join(", ")));
        }
    }
    failure.help(match summary.state {
        RunState::Running => {
            let look = if runner::is_at_work(&glance.path) { "attach" } else { "show" };
            format!(
                "see its progress with `{}`, or wait for its end",
                context.command(&format!("{look} {}", glance.name))
            )
        }
        _ => format!("{next}; to abandon it and start again, add `--abandon`"),
    })
}

/// What is asked of whoever abandons runs.
struct Asked {
    /// Why things are left undone; nothing, if each is to be asked.
    reason: String,
    person: Arc<dyn Person>,
    reach: Arc<dyn Reach>,
}

impl Asked {
    /// Abandons a run on all its servers. First everything is asked; then each server's part is abandoned by itself, and
    /// what was refused is tried again by the same command.
    fn abandon(&self, site: &Site, run: &str, theirs: &Unfinished) -> Result<()> {
        let reach = self.reach.as_ref();
        let mut asked = Vec::new();
        for name in &theirs.elsewhere {
            eprintln!(
                "warning: {name} is not in `{}`: if the run {run} is open there, it stays open",
                site.file.display()
            );
        }
        for name in &theirs.servers {
            let server = site.server(name)?;
            let noted = match inquiry::noted(reach, server) {
                Ok(noted) => noted,
                Err(failure) if failure.kind == Kind::Unreachable => {
                    eprintln!("warning: {name} can't be reached: the run {run} stays open there");
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let end = self.settle_running(server, run, &noted.book)?;
            let reasons = self.reasons(server, run, &noted.book)?;
            asked.push((server, reasons, end));
        }
        for (server, reasons, end) in asked {
            let left: Vec<String> = reasons.keys().cloned().collect();
            inquiry::abandon(reach, server, holder(run), run, reasons, &self.reason, end)?;
            let left = match left.as_slice() {
                [] => String::new(),
                left => format!("; still owed, see `banister status`: {}", left.join(", ")),
            };
            if theirs.half_way {
                eprintln!("{}: the run {run} is abandoned{left}", server.name);
            }
        }
        match &theirs.path {
            Some(path) => {
                // It may wait for an answer that nobody is to give any more.
                if runner::is_at_work(path) {
                    wishes::wish(path, Wish::Leave)?;
                }
                run::abandon(path, &crate::person::whoami())?;
                // One that still works removes its own.
                if !runner::is_at_work(path) {
                    unit::remove(path, &|| true);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What a run still runs is waited for, or, if this gives true, to be ended.
    fn settle_running(&self, server: &Server, run: &str, book: &Book) -> Result<bool> {
        let running = |book: &Book| book.open(run).map(|open| open.running.clone()).unwrap_or_default();
        if let Some(why) = book.open(run).and_then(|open| open.unread.clone()) {
            let text = format!(
                "It is unknown whether the run {run} still runs something on {}: {why}. Abandon it anyway, or stop here?",
                server.name
            );
            let form = Form::one_of(&["anyway", "stop"]);
            return match self.person.ask(&Question { text, form })?.text.as_str() {
                "anyway" => Ok(false),
                _ => Err(Failure::new(Kind::Declined, format!("the run {run} was not abandoned"))
                    .help("ask as a user who may read it, such as root")),
            };
        }
        let commands = running(book);
        if commands.is_empty() {
            return Ok(false);
        }
        let text = format!(
            "{} of the run {run} is still running on {}. End it, wait for its end, or stop here?",
            commands.join(", "),
            server.name
        );
        let form = Form::one_of(&["end", "wait", "stop"]);
        match self.person.ask(&Question { text, form })?.text.as_str() {
            "end" => Ok(true),
            "wait" => {
                while !running(&inquiry::noted(self.reach.as_ref(), server)?.book).is_empty() {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Ok(false)
            }
            _ => Err(Failure::new(Kind::Declined, format!("the run {run} was not abandoned"))
                .help(format!("continue it with `banister resume {run}`"))),
        }
    }

    /// Why each thing that the run owes is left, by its name.
    fn reasons(&self, server: &Server, run: &str, book: &Book) -> Result<BTreeMap<String, String>> {
        let mut reasons = BTreeMap::new();
        for owed in book.owed_by(run).filter(|owed| owed.left.is_none()) {
            let why = match self.reason.trim() {
                "" => {
                    let text =
                        format!("{} is still owed: {}. Why is it left undone?", server.name, owed.text);
                    let asked = self.person.ask(&Question { text, form: Form::Line { suggestion: None } });
                    let help = "say why with `--abandon=REASON`, or run it in a terminal";
                    asked.map_err(|failure| failure.help(help))?.text
                }
                given => given.to_owned(),
            };
            if why.trim().is_empty() {
                let message =
                    format!("the run {run} was not abandoned: there is no reason to leave `{}`", owed.name);
                return Err(Failure::new(Kind::Declined, message).help("say why with `--abandon=REASON`"));
            }
            // Every administrator reads it.
            reasons.insert(owed.name.clone(), show(why.trim()).into_owned());
        }
        Ok(reasons)
    }
}

/// Who abandons a run.
fn holder(run: &str) -> Holder {
    Holder { by_hand: true, ..Holder::of(book::abandoner(run), format!("abandon the run {run}")) }
}
