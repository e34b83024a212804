//! From which release to which a run brought its servers, by its journal.

use crate::data;
use crate::journal::Outcome;
use crate::journal::index::CallRecord;
use crate::journal::run::Summary;
use crate::machine::git::Moved as Checkout;
use crate::machine::notify::Moved;
use serde_json::Value;
use std::path::Path;

/// Each server that has another release now, in the order of the run's servers.
pub fn moved(run: &Path) -> Vec<Moved> {
    let summary = Summary::as_far_as_readable(run).0;
    let course = summary.index.course();
    let of = |server: &String| {
        let theirs = course.iter().filter(|(key, record)| {
            !key.is_typed() && data::server_of(&record.call.arguments) == Some(server.as_str())
        });
        let seen: Vec<(String, String)> = theirs.filter_map(|(_, record)| ends(record)).collect();
        let (from, to) = (seen.first()?.0.clone(), seen.last()?.1.clone());
        (from != to).then(|| Moved { server: server.clone(), from, to })
    };
    summary.header.servers.iter().filter_map(of).collect()
}

/// The releases before and after a call that sees or changes which one is there; nothing if it did not end well.
pub fn ends(record: &CallRecord) -> Option<(String, String)> {
    let Some(Outcome::Done(outcome)) = &record.outcome else { return None };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match record.call.name.as_str() {
        "installed_release" => text(outcome).map(|name| (name.clone(), name)),
        "checkout" => {
            let moved: Checkout = serde_json::from_value(outcome.clone()).ok()?;
            Some((moved.from.name(), moved.to.name()))
        }
        "set_version" | "install_file" => Some((text(&outcome["from"])?, text(&outcome["to"])?)),
        _ => None,
    }
}
