//! Until when what is owed must be settled: told to whoever may have to hurry.

use super::Session;
use crate::clock::Deadline;
use crate::data;
use crate::journal::index::Index;
use crate::journal::{Call, Outcome};
use serde_json::Value;

/// What a call says of deadlines: each with what it is of, and until when; nothing once it is settled.
fn of_call(call: &Call, outcome: &Value) -> Vec<(String, Option<Deadline>)> {
    let Some(server) = data::server_of(&call.arguments) else { return Vec::new() };
    let of = |name: &Value| format!("{server}/{}", name.as_str().unwrap_or_default());
    match call.name.as_str() {
        "owe" => {
            let until: Option<Deadline> = serde_json::from_value(outcome.clone()).ok().flatten();
            let name = call.arguments.get("name").filter(|_| until.is_some());
            name.map(|name| (of(name), until)).into_iter().collect()
        }
        "settle" => {
            let names = call.arguments.get("names").and_then(Value::as_array);
            names.into_iter().flatten().map(|name| (of(name), None)).collect()
        }
        _ => Vec::new(),
    }
}

/// The deadlines of a run that are not settled yet, by its journal.
pub fn deadlines(index: &Index) -> Vec<(String, Option<Deadline>)> {
    let course = index.course().into_iter();
    let said = course.filter_map(|(_, record)| match &record.outcome {
        Some(Outcome::Done(outcome)) => Some(of_call(&record.call, outcome)),
        _ => None,
    });
    said.flatten().collect()
}

impl Session {
    /// Has the person hear what a call says of deadlines.
    pub(super) fn hear_deadlines(&self, call: &Call, outcome: &Value) {
        for (of, until) in of_call(call, outcome) {
            self.person.hear_deadline(&of, until);
        }
    }
}
