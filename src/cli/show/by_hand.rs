//! What was typed in a REPL, and what each line did.

use crate::event::StepState;
use crate::journal::Outcome;
use crate::journal::index::CallRecord;
use crate::journal::run::Summary;
use crate::key::Key;
use crate::primitives;
use crate::report::text::elapsed;
use crate::secret::show;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Each line that called something, with its instant, and its calls below it; nothing if nothing was typed.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    let mut all = calls(summary);
    for line in &summary.index.typed {
        let Some(calls) = all.remove(line.key.as_key().as_str()) else { continue };
        // To the second.
        let time = format!("{}Z", line.time.split(['.', 'Z']).next().unwrap_or_default());
        let blank = " ".repeat(time.len());
        for (n, typed) in line.text.trim_end().lines().enumerate() {
            text += &format!("  {}  {typed}\n", if n == 0 { &time } else { &blank });
        }
        for record in calls {
            let call = primitives::describe(&record.call);
            text += &format!("  {blank}    {call}  {}, {}\n", state_name(record), elapsed(record.seconds));
        }
    }
    show(&text).into_owned()
}

/// The same for programs: an array of `text`, `time`, `by` and `calls`, each with its `text`, `state` and `seconds`.
pub fn json(summary: &Summary) -> Value {
    let call = |record: &CallRecord| json!({ "text": primitives::describe(&record.call), "state": state(record), "seconds": record.seconds });
    let mut all = calls(summary);
    let line = |line: &crate::journal::index::Line| {
        let calls: Vec<Value> =
            all.remove(line.key.as_key().as_str()).into_iter().flatten().map(call).collect();
        json!({ "text": line.text.trim_end(), "time": line.time, "by": line.by, "calls": calls })
    };
    summary.index.typed.iter().map(line).collect()
}

/// The calls of each line that has some, in their order, by the line's key.
fn calls(summary: &Summary) -> HashMap<Key<'_>, Vec<&CallRecord>> {
    let mut calls: HashMap<Key<'_>, Vec<&CallRecord>> = HashMap::new();
    for (key, record) in summary.index.course() {
        if let Some(line) = key.line() {
            calls.entry(line).or_default().push(record);
        }
    }
    calls
}

fn state(record: &CallRecord) -> StepState {
    match record.outcome {
        Some(Outcome::Done(_)) => StepState::Done,
        Some(Outcome::Failed(_)) => StepState::Failed,
        None => StepState::Interrupted,
    }
}

fn state_name(record: &CallRecord) -> &'static str {
    match state(record) {
        StepState::Done => "done",
        StepState::Failed => "failed",
        _ => "interrupted",
    }
}
