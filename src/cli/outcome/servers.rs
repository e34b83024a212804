//! What became of each server of a run: told from the journal, so that it is the same for whoever asks; at the end of a run
//! with what was seen of the servers then.

use super::left::Left;
use super::now::Now;
use crate::data;
use crate::event::RunState;
use crate::journal::Outcome;
use crate::journal::index::{CallRecord, Index};
use crate::journal::run::Summary;
use crate::key::Key;
use crate::primitive::{Facet, Sort};
use crate::primitives;
use crate::runner::moved;
use std::collections::BTreeMap;

/// Each server's state, those in the same state together: `hub: done; archive: failed in step `Build` (0.2.14 is checked out,
/// not started, healthy; users are served); lab: not touched`.
pub fn states(summary: &Summary, seen: &BTreeMap<String, Now>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for server in &summary.header.servers {
        let mut state = state(summary, server);
        let (_, parts) = if state == "back" { restored(summary, server) } else { Default::default() };
        if !parts.is_empty() {
            state += &format!(", with the {} of its backup", listed(&parts));
        }
        if let Some(left) = left(summary, server, seen) {
            state += &format!(" ({})", left.words().join("; "));
        }
        match groups.iter_mut().find(|(known, _)| *known == state) {
            Some((_, servers)) => servers.push(server),
            None => groups.push((state, vec![server])),
        }
    }
    let groups = groups.into_iter().map(|(state, servers)| format!("{}: {state}", servers.join(", ")));
    groups.collect::<Vec<_>>().join("; ")
}

/// How the only server of a run was left, if the run changed something, with what leads there: `; 0.2.14 is checked out …`.
pub fn left_alone(summary: &Summary, seen: &BTreeMap<String, Now>) -> String {
    let [server] = summary.header.servers.as_slice() else { return String::new() };
    match left(summary, server, seen) {
        Some(left) => format!("; {}", left.words().join("; ")),
        None if has_stopped(summary) && !acts_elsewhere(summary) => "; the server was not changed".into(),
        None => String::new(),
    }
}

/// How a server was left, if the run stopped on it after it had begun to change it.
pub fn left(summary: &Summary, server: &str, seen: &BTreeMap<String, Now>) -> Option<Left> {
    let is_left = has_stopped(summary) && is_touched(summary, server) && !is_settled(summary, server);
    let left = is_left.then(|| Left::of(summary, server))?;
    Some(match seen.get(server) {
        Some(now) => left.and(now),
        None => left,
    })
}

/// The servers that a run that stopped has left half-way.
pub fn changed(summary: &Summary) -> Vec<String> {
    let servers = summary.header.servers.iter();
    servers.filter(|server| left(summary, server, &BTreeMap::new()).is_some()).cloned().collect()
}

/// Whether a change names no server, so that nobody can tell what it changed.
fn acts_elsewhere(summary: &Summary) -> bool {
    summary.index.calls().any(|record| data::server_of(&record.call.arguments).is_none() && touches(record))
}

fn has_stopped(summary: &Summary) -> bool {
    matches!(summary.state, RunState::Failed | RunState::Interrupted)
}

/// Whether the run may have changed what users see of a server.
fn is_touched(summary: &Summary, server: &str) -> bool {
    let calls = summary.index.course().into_iter();
    let mut theirs = calls.filter(|(_, record)| data::server_of(&record.call.arguments) == Some(server));
    theirs.any(|(_, record)| touches(record))
}

/// Whether nothing is left to do on a server of several.
fn is_settled(summary: &Summary, server: &str) -> bool {
    summary.header.servers.len() > 1 && ["done", "back"].contains(&state(summary, server).as_str())
}

/// What the rollback of a run put back on its only server: `; 0.2.12 is checked out, the files and databases of the backup … were
/// put back`.
pub fn put_back(summary: &Summary) -> String {
    let [server] = summary.header.servers.as_slice() else { return String::new() };
    let is_moved = summary.index.calls().any(|call| moved::ends(call).is_some_and(|(from, to)| from != to));
    let Some(release) = release(summary, server).filter(|_| is_moved) else { return String::new() };
    let place = if summary.index.calls().any(|call| call.call.name == "checkout") {
        "checked out"
    } else {
        "installed"
    };
    let data = match restored(summary, server) {
        (_, groups) if groups.is_empty() => "no backup was put back".to_owned(),
        (backup, groups) => format!("the {} of the backup {backup} were put back", listed(&groups)),
    };
    format!("; {release} is {place}, {data}")
}

/// As people list them: `files, databases and volumes`.
fn listed(parts: &[String]) -> String {
    match parts {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        all => all.concat(),
    }
}

/// The backup of which the rollback put something in the place of what was there, and what: `files`, `databases`.
fn restored(summary: &Summary, server: &str) -> (String, Vec<String>) {
    let (mut backup, mut groups) = (String::new(), Vec::new());
    let calls = summary.index.course().into_iter().filter(|(key, _)| key.in_handler());
    for (_, record) in calls.filter(|(_, record)| data::server_of(&record.call.arguments) == Some(server)) {
        let Some(Outcome::Done(outcome)) = &record.outcome else { continue };
        let text = |name: &str| record.call.arguments.get(name).and_then(|value| value.as_str());
        match (record.call.name.as_str(), text("backup"), text("kind")) {
            ("unpack_backup", Some(path), _) => {
                let name = std::path::Path::new(path).file_name().unwrap_or_default();
                backup = name.to_string_lossy().into_owned();
            }
            ("put_back", _, Some(group))
                if outcome["restored"].as_array().is_some_and(|all| !all.is_empty()) =>
            {
                groups.push(if group == "search" { "search indices".to_owned() } else { group.to_owned() });
            }
            _ => {}
        }
    }
    groups.dedup();
    (backup, groups)
}

/// The release that the run last saw or put in place on a server, as people name it; nothing if it did neither.
pub fn release(summary: &Summary, server: &str) -> Option<String> {
    let calls = summary.index.course().into_iter().rev();
    let mut theirs = calls.filter(|(_, record)| data::server_of(&record.call.arguments) == Some(server));
    theirs.find_map(|(_, record)| moved::ends(record)).map(|(_, to)| to)
}

/// The state of one server in words that come after its name.
pub fn state(summary: &Summary, server: &str) -> String {
    let index = &summary.index;
    if matches!(summary.state, RunState::Damaged | RunState::Newer) {
        return "not known".into();
    }
    let calls: Vec<(Key, &CallRecord)> = index
        .course()
        .into_iter()
        .filter(|(key, record)| {
            // What was done by hand is no part of how far the script came.
            data::server_of(&record.call.arguments) == Some(server) && !key.is_typed()
        })
        .collect();
    let (back, forth): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(key, _)| key.in_handler());
    let touched = forth.iter().any(|(_, record)| touches(record));
    if index.rollback {
        return match (touched, going_back(summary, &back)) {
            (false, _) => "not touched".into(),
            (true, state) => state,
        };
    }
    let stopped = forth.iter().rev().find_map(|(key, record)| Some((*key, ended_badly(record, summary)?)));
    match (touched, stopped) {
        (true, Some((key, how))) if !index.goes_on_after(key) => format!("{how}{}", in_step(index, key)),
        (true, _) if summary.state == RunState::Done || is_done(index, &forth) => "done".into(),
        (true, _) => between_calls(summary, &forth),
        (false, Some((key, how))) if !index.goes_on_after(key) => {
            format!("not touched, {how}{}", in_step(index, key))
        }
        (false, _) => "not touched".into(),
    }
}

/// Where a server was left that was begun, and of which no call is open.
fn between_calls(summary: &Summary, calls: &[(Key, &CallRecord)]) -> String {
    let index = &summary.index;
    let how = if summary.state == RunState::Running { "at work" } else { "interrupted" };
    let last = calls.iter().rfind(|(_, record)| touches(record)).map_or(Key::ROOT, |(key, _)| *key);
    let step = last.outward().skip(1).filter(|outer| !outer.is_branch()).find_map(|outer| index.block(outer));
    match step {
        Some(step) if step.seconds.is_some() => format!("{how} after step `{}`", step.name),
        Some(step) => format!("{how} in step `{}`", step.name),
        None => how.into(),
    }
}

/// Whether a call may have changed what users see of a server: a backup, or a name for an image, is no change of it.
fn touches(record: &CallRecord) -> bool {
    primitives::find(&record.call.name).is_none_or(|primitive| {
        let is_aside =
            |facet: &Facet| matches!(facet, Facet::History | Facet::Actions | Facet::Backups | Facet::Space);
        primitive.sort() == Sort::Change && !primitive.facets().iter().all(is_aside)
    })
}

/// How far the way back of a server is. What leads back is done by one handler after the other, and the last that was
/// begun is the one that is not done.
fn going_back(summary: &Summary, calls: &[(Key, &CallRecord)]) -> String {
    let index = &summary.index;
    let Some((last, record)) = calls.last() else { return "not gone back".into() };
    let newest = index.course().into_iter().rfind(|(key, _)| key.in_handler());
    let is_newest = newest.is_some_and(|(key, _)| key.declaration() == last.declaration());
    match ended_badly(record, summary) {
        Some(how) => format!("{how} in the rollback{}", in_step(index, *last)),
        None if is_newest && summary.state != RunState::RolledBack => "in rollback".into(),
        None => "back".into(),
    }
}

/// `failed` or `interrupted`, if a call did not end well.
fn ended_badly(record: &CallRecord, summary: &Summary) -> Option<&'static str> {
    match &record.outcome {
        Some(Outcome::Done(_)) => None,
        Some(Outcome::Failed(_)) => Some("failed"),
        None if summary.state == RunState::Running => Some("at work"),
        None => Some("interrupted"),
    }
}

/// Whether the outermost step that is about this server alone has ended.
fn is_done(index: &Index, calls: &[(Key, &CallRecord)]) -> bool {
    let Some((key, record)) = calls.iter().rev().find(|(_, record)| touches(record)) else { return false };
    let Some(server) = data::server_of(&record.call.arguments) else { return false };
    let only_theirs = |block: &Key| index.block(*block).is_some() && index.servers_in(*block) == [server];
    let outermost = key.outward().skip(1).filter(only_theirs).last();
    outermost.and_then(|block| index.block(block)).is_some_and(|block| block.seconds.is_some())
}

/// ` in step `Build``, if a key is in one: the innermost.
fn in_step(index: &Index, key: Key) -> String {
    let steps = key.outward().skip(1).filter(|outer| !outer.is_branch());
    let name =
        steps.filter_map(|outer| index.block(outer)).map(|block| format!(" in step `{}`", block.name)).next();
    name.unwrap_or_default()
}
