//! What a run was started with, and what was answered in it: reasons that somebody gave stand there.

use crate::journal::Outcome;
use crate::journal::run::Summary;
use crate::output::word;
use crate::primitive::Sort;
use crate::primitives;
use crate::secret::show;
use serde_json::{Value, json};

/// The parameters as they were typed, ` with --to 0.2.0`; nothing if there are none.
pub fn parameters(summary: &Summary) -> String {
    let typed = summary.header.parameters.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" --{} {}", name.replace('_', "-"), word(text))
    });
    let typed: String = typed.collect();
    let begins = if typed.is_empty() { "" } else { " with" };
    show(&format!("{begins}{typed}")).into_owned()
}

/// Each question of the script that has an answer, and below it the answer; nothing if nothing was asked.
pub fn text(summary: &Summary) -> String {
    let line = |Asked { question, answer, by }: Asked| {
        let by = by.map(|by| format!("  ({by})")).unwrap_or_default();
        format!("  {question}\n    {answer}{by}\n")
    };
    let asked = all(summary).into_iter().map(line);
    show(&asked.collect::<String>()).into_owned()
}

/// The same for programs: an array of `question`, `answer` and `by`.
pub fn json(summary: &Summary) -> Value {
    let asked = all(summary).into_iter();
    asked
        .map(|Asked { question, answer, by }| json!({ "question": question, "answer": answer, "by": by }))
        .collect()
}

/// A question with its answer.
struct Asked {
    question: String,
    answer: String,
    /// Absent if an earlier version asked it.
    by: Option<String>,
}

fn all(summary: &Summary) -> Vec<Asked> {
    let course = summary.index.course().into_iter().filter(|(key, _)| !key.is_typed());
    let asked = course.filter_map(|(_, record)| {
        let primitive = primitives::find(&record.call.name).filter(|it| it.sort() == Sort::Ask)?;
        let Some(Outcome::Done(answer)) = &record.outcome else { return None };
        let question = primitive.accept(&record.call.arguments).ok()?.question().ok()?.text;
        let answer = match answer {
            Value::Bool(true) => "yes".into(),
            Value::Bool(false) => "no".into(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(Asked { question, answer, by: record.answered_by.as_deref().map(str::to_owned) })
    });
    asked.collect()
}
