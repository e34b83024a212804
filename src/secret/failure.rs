//! Failures: their texts are values like any other.

use crate::failure::Failure;
use serde_json::Value;

/// The failure with each of its texts changed.
pub fn in_failure(failure: Failure, change: &dyn Fn(Value) -> Value) -> Failure {
    let text = |text: String| match change(text.into()) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Failure {
        kind: failure.kind,
        message: text(failure.message),
        why: failure.why.into_iter().map(text).collect(),
        help: failure.help.map(text),
        at: failure.at.map(text),
    }
}
