//! A run as JSON lines, one an event.

use crate::event::{Event, Listener};
use crate::secret::show_value;
use serde_json::{Map, Value};

/// Fields by which programs tell events apart: a secret that is called like one of their values must not change them.
const FRAME: [&str; 14] = [
    "event", "key", "run", "runbook", "state", "depth", "number", "of", "seconds", "resumed", "replayed",
    "kind", "source", "by",
];

/// Writes each event to standard output.
pub struct JsonLines;

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        // Whoever read it may have gone; the run goes on.
        println!("{}", json_line(event));
    }
}

/// An event as one JSON line: secrets are hidden in each of its texts, and its fields are as they are.
pub fn json_line(event: &Event) -> String {
    match serde_json::to_value(event) {
        Ok(Value::Object(fields)) => {
            // Of a call it is the primitive's; of a step it is a text.
            let is_call = matches!(event, Event::CallStarted { .. } | Event::CallFinished { .. });
            let name = fields.get("name").filter(|_| is_call).cloned();
            let mut fields = shown(fields);
            fields.extend(name.map(|name| ("name".to_owned(), name)));
            Value::Object(fields).to_string()
        }
        Ok(other) => other.to_string(),
        Err(error) => format!("{{\"event\":\"{error}\"}}"),
    }
}

fn shown(fields: Map<String, Value>) -> Map<String, Value> {
    let field = |(name, value): (String, Value)| {
        let value = match value {
            value if FRAME.contains(&name.as_str()) => value,
            Value::Object(failure) if name == "failure" => shown(failure).into(),
            value => show_value(value),
        };
        (name, value)
    };
    fields.into_iter().map(field).collect()
}
