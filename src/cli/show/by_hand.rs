//! What was typed in a REPL, and what each line did.

use crate::event::StepState;
use crate::journal::Outcome;
use crate::journal::index::CallRecord;
use crate::journal::run::Summary;
use crate::primitives;
use crate::report::text::elapsed;
use crate::secret::show;
use serde_json::{Value, json};

/// Each line that called something, with its instant, and its calls below it; nothing if nothing was typed.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    for line in &summary.index.typed {
        let calls = calls(summary, &line.key);
        if calls.is_empty() {
            continue;
        }
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
    let line = |line: &crate::journal::index::Line| {
        let calls: Vec<Value> = calls(summary, &line.key).into_iter().map(call).collect();
        json!({ "text": line.text.trim_end(), "time": line.time, "by": line.by, "calls": calls })
    };
    summary.index.typed.iter().map(line).collect()
}

/// The calls of a line, in their order.
fn calls<'a>(summary: &'a Summary, line: &str) -> Vec<&'a CallRecord> {
    let within = format!("{line}/");
    let calls = summary.index.course().into_iter().filter(|(key, _)| key.starts_with(&within));
    calls.map(|(_, record)| record).collect()
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
