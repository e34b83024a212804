//! `banister status`.

use super::asked::ask;
use super::context::{Context, at_once, is_same_site};
use super::outcome;
use crate::book::{self, Book, Ended};
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::Summary;
use crate::lock::{self, State};
use crate::machine::archive::is_of;
use crate::machine::backup::{Card, is_reference};
use crate::machine::release::Release;
use crate::reach::Reach;
use crate::reach::inquiry::{self, Noted};
use crate::report::text::{Style, table};
use crate::secret;
use crate::site::{Server, Site};
use crate::stop::Stop;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Looks at each server: what is checked out, whether it is healthy, who holds it, its last run, its backups.
pub fn status(context: &Context) -> Result<u8> {
    let site = Arc::new(context.site()?);
    let reach = context.reach(&site);
    let mut list = Vec::new();
    for looked in at_once(&context.servers(&site)?, |server| look(context, &site, &reach, server)) {
        let looked = looked?;
        if !context.json {
            print!("{}", secret::show(&text(&looked, context.style)));
        }
        list.push(looked);
    }
    if context.json {
        println!("{}", secret::show_value(json!(list)));
    }
    Ok(0)
}

/// The facts of one server, in the form of `status --json`. What can't be found out is the failure that says why.
pub fn look(context: &Context, site: &Arc<Site>, reach: &Arc<dyn Reach>, server: &Server) -> Result<Value> {
    let position = inquiry::checked_out(reach.as_ref(), server);
    let lock = match inquiry::lock(reach.as_ref(), server) {
        Ok(State::Held(holder)) => json!(lock::describe(&holder)),
        Ok(State::Free | State::Left(_)) => Value::Null,
        Ok(State::Unknown(why)) => json!(format!("unknown: {why}")),
        Err(failure) => json!(format!("unknown: {failure}")),
    };
    let noted = inquiry::noted(reach.as_ref(), server);
    let last = context.find_run(None, |glance| {
        is_same_site(&glance.header.site, &site.file) && glance.header.servers.contains(&server.name)
    })?;
    let last = last.map(|run| Summary::as_far_as_readable(&run.path).0);
    let ended_by_others = |run: &Summary| {
        let is_open = noted.as_ref().map_or(true, |noted| noted.book.open(&run.name).is_some());
        let end = || inquiry::end_of(reach.as_ref(), server, &run.name).ok().flatten();
        if is_open || !run.is_open() { None } else { end().filter(Ended::is_by_others) }
    };
    let last_run = last.as_ref().map(|run| {
        let (mut state, mut next) = outcome::lines(context, run);
        let mut owed = noted.as_ref().map(|noted| left(&noted.book)).unwrap_or_default();
        let unsettled = noted.as_ref().ok().and_then(|noted| unsettled(&noted.book, run));
        // This user's journal does not know what others did since.
        if let Some(end) = ended_by_others(run) {
            let by = end.ended_by.as_deref().unwrap_or("somebody");
            state = format!("`{}` was {} on {} by {by} at {}", run.header.runbook, end.state, server.name, end.at);
            next = context.command("status");
        }
        if !run.is_open() || next == context.command("status") {
            // The same runbook would leave it owed once more.
            owed.retain(|name| unsettled.as_ref() != Some(name));
            let dismissed = unsettled.map(|name| super::lock::dismissal(context, &server.name, &name));
            next = works_off(context, &owed).or(dismissed).unwrap_or(next);
        }
        json!({ "run": run.name, "runbook": run.header.runbook, "state": run.state, "text": state, "next": next })
    });
    let asked = |function: &str| ask(site, reach, server, function, &Arc::new(Stop::new()));
    let health = match position {
        Ok(_) => asked("health"),
        Err(ref failure) => Err(failure.clone()),
    };
    let mut checks = Value::Null;
    let runs = asked("running_release").ok().filter(Value::is_string);
    let (healthy, problem) = match &health {
        Ok(found) => {
            checks = found["checks"].clone();
            (found["healthy"].clone(), None)
        }
        Err(failure) => (Value::Null, Some(failure.to_string())),
    };
    let folder = asked("backup_folder").ok().and_then(|folder| folder.as_str().map(str::to_owned));
    let folder = folder.ok_or_else(|| Failure::new(Kind::NotFound, "where they are is unknown"));
    let (backups, backups_unknown) = match folder.and_then(|folder| backups(reach.as_ref(), server, folder)) {
        Ok(found) => (json!(found), None),
        Err(failure) => (Value::Null, Some(failure.to_string())),
    };
    Ok(json!({
        "name": server.name,
        "kind": server.kind,
        "release": position.as_ref().ok().map(|position| position.name.clone()),
        "runs": runs,
        "commit": position.as_ref().ok().map(|position| position.commit.clone()),
        "healthy": healthy,
        "checks": checks,
        "problem": problem,
        "lock": lock,
        "last_run": last_run,
        "half_way": noted.as_ref().ok().map(|noted| noted.book.half_way_beside("").is_some()),
        "unfinished": noted.as_ref().ok().map(|noted| unfinished(noted, last.as_ref())),
        "owed": noted.as_ref().ok().map(|noted| &noted.book.owed),
        "last_ended": noted.as_ref().ok().map(|noted| &noted.ended),
        "orphans": noted.as_ref().ok().map(|noted| &noted.orphans),
        "notes": super::lock::lines(context, &server.name, &noted),
        "unknown": noted.as_ref().err().map(ToString::to_string),
        "backups": backups,
        "backups_unknown": backups_unknown,
    }))
}

/// The archives of a server in a folder, the newest last.
fn backups(reach: &dyn Reach, server: &Server, folder: String) -> Result<Vec<Value>> {
    let mut found = inquiry::backups(reach, server, Some(folder))?;
    // Others may share the folder. What has no card that names a server is known by its name alone.
    let is_own = |card: &Card| match &card.server {
        Some(of) => *of == server.name,
        None => is_of(&card.name, &server.name.replace('/', "-")),
    };
    found.retain(is_own);
    let shown = |card: &Card| json!({ "name": card.name, "path": card.path, "bytes": card.bytes, "created": card.created });
    Ok(found.iter().map(shown).collect())
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
fn unfinished(noted: &Noted, own: Option<&Summary>) -> Vec<Value> {
    let is_other = |open: &&book::Open| own.is_none_or(|own| own.name != open.run);
    let open = noted.book.open.iter().filter(|open| noted.book.is_half_way(open));
    open.filter(is_other).map(|open| json!(open)).collect()
}

fn say(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Whether it is healthy, in words.
pub fn health(looked: &Value, style: Style) -> String {
    match (&looked["healthy"], say(&looked["problem"])) {
        (Value::Bool(true), _) => style.good("healthy"),
        (Value::Bool(false), _) => {
            let checks = looked["checks"].as_array().cloned().unwrap_or_default();
            let failed = checks.iter().filter(|check| check["ok"] == false);
            let said: Vec<String> = failed
                .map(|check| {
                    format!(
                        "{}: {}",
                        say(&check["name"]).unwrap_or_default(),
                        say(&check["said"]).unwrap_or_default()
                    )
                })
                .collect();
            format!("{} ({})", style.bad("not healthy"), said.join("; "))
        }
        (_, problem) => format!("{}: {}", style.warn("unknown"), problem.unwrap_or_default()),
    }
}

/// What is checked out, and what runs if that is another release.
pub fn release(looked: &Value, style: Style) -> String {
    let release = say(&looked["release"]).unwrap_or_else(|| "unknown".into());
    // What is no release, as a branch, says nothing of what should run.
    match say(&looked["runs"]) {
        Some(runs) if runs != release && release.parse::<Release>().is_ok() => {
            style.warn(&format!("{release} is checked out, {runs} runs"))
        }
        _ => release,
    }
}

/// The same for people; what asks for something comes last.
fn text(looked: &Value, style: Style) -> String {
    let backups = looked["backups"].as_array().map(Vec::as_slice).unwrap_or_default();
    // One that a wrong clock made is none.
    let is_future = |backup: &Value| {
        let card = Card { created: say(&backup["created"]), ..Card::default() };
        card.is_future(jiff::Timestamp::now())
    };
    let newest = backups.iter().rfind(|backup| !is_future(backup)).and_then(|backup| say(&backup["name"]));
    // Whether a repository still holds them is not asked here: it may be far away.
    let is_stored = |backup: &Value| say(&backup["path"]).is_some_and(|path| is_reference(Path::new(&path)));
    let unasked = if backups.iter().any(is_stored) {
        ", not compared with the repository".to_owned()
    } else {
        String::new()
    };
    let mut rows = vec![
        vec!["  release".into(), release(looked, style)],
        vec!["  health".into(), health(looked, style)],
        vec!["  lock".into(), lock(looked)],
        vec![
            "  backups".into(),
            match (say(&looked["backups_unknown"]), newest) {
                (Some(why), _) => format!("unknown: {why}"),
                (None, None) if backups.is_empty() => "none".into(),
                (None, None) => format!("{}, all from the future: the clock was wrong", backups.len()),
                (None, Some(newest)) => format!("{}, the newest {newest}{unasked}", backups.len()),
            },
        ],
    ];
    if let Some(run) = looked["last_run"].as_object() {
        rows.push(vec!["  last run".into(), say(&run["text"]).unwrap_or_default()]);
        rows.push(vec!["  next".into(), say(&run["next"]).unwrap_or_default()]);
    }
    let notes = looked["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let notes: String = notes.iter().filter_map(say).map(|line| format!("  {line}\n")).collect();
    format!(
        "{} ({})\n{}{notes}",
        style.bold(&say(&looked["name"]).unwrap_or_default()),
        say(&looked["kind"]).unwrap_or_default(),
        table(&rows)
    )
}

/// Who holds it. It is free only if nothing is unfinished and all that could keep it is known.
fn lock(looked: &Value) -> String {
    match (say(&looked["lock"]), say(&looked["unknown"])) {
        (Some(held), _) => held,
        (None, Some(why)) => format!("unknown: {why}"),
        (None, None) => match looked["half_way"] == true {
            true => "held by nobody, but a run is unfinished".into(),
            false if looked["orphans"].as_array().is_some_and(|orphans| !orphans.is_empty()) => {
                "held by nobody, but a command of an earlier run still runs".into()
            }
            false => "free".into(),
        },
    }
}
