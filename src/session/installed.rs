//! Whether an update has come so far that nobody should undo it unasked.

use super::Session;
use crate::data;
use crate::journal::Outcome;
use crate::journal::index::{CallRecord, Index};
use crate::journal::run::Summary;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is owed to a server where the release is installed, healthy, and in use: only its backup, and images of the old one.
const LAST: [&str; 2] = ["backup", "images"];

/// Whether a release was installed on each of the run's servers, and all that is missing is a last backup of one.
///
/// Users are at work with it by then: a rollback would block them, lose what they did since, and need a backup of what is
/// there, which is what just failed.
pub fn lacks_only_a_backup(run: &Summary) -> bool {
    lacks(&run.index, &run.header.servers)
}

fn lacks(index: &Index, servers: &[String]) -> bool {
    let mut owed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut installed: BTreeSet<&str> = BTreeSet::new();
    for (_, record) in index.course() {
        let Some(server) = data::server_of(&record.call.arguments) else { continue };
        let owed = owed.entry(server).or_default();
        let (begun, settled) = said(record);
        if begun.iter().any(|name| name == "install") {
            installed.remove(server);
        }
        owed.extend(begun);
        for name in settled {
            if owed.remove(&name) && name == "install" {
                installed.insert(server);
            }
        }
    }
    let of = |server: &String| owed.get(server.as_str());
    let is_last =
        |names: Option<&BTreeSet<String>>| names.is_none_or(|names| names.iter().all(|name| is_one(name)));
    let lacks_backup = |names: Option<&BTreeSet<String>>| names.is_some_and(|names| names.contains(LAST[0]));
    servers.iter().all(|server| installed.contains(server.as_str()) && is_last(of(server)))
        && servers.iter().any(|server| lacks_backup(of(server)))
}

fn is_one(name: &str) -> bool {
    LAST.contains(&name)
}

/// The names of what is owed from a call on, and those of what is settled by it. What was begun may be owed; what did not end
/// well settles nothing.
fn said(record: &CallRecord) -> (Vec<String>, Vec<String>) {
    let text = |name: &str| record.call.arguments.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_done = matches!(record.outcome, Some(Outcome::Done(_)));
    match record.call.name.as_str() {
        "owe" => (text("name").into_iter().collect(), Vec::new()),
        "settle" if is_done => {
            let names = record.call.arguments.get("names").and_then(Value::as_array);
            let names = names.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned()));
            (Vec::new(), names.collect())
        }
        "note_action" if is_done => {
            (Vec::new(), text("name").map(|name| format!("action {name}")).into_iter().collect())
        }
        _ => (Vec::new(), Vec::new()),
    }
}

impl Session {
    /// The same, of this run by now.
    pub fn lacks_only_a_backup(&self) -> bool {
        lacks(&self.written.lock().index, &self.header.servers)
    }
}
