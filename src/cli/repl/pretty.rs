//! A value that a line gave, as a person reads it.

use crate::data::describe;
use crate::output::width;
use serde_json::Value;

/// Longer values take a line for each of their parts.
const WIDTH: usize = 100;

/// A value, over several lines if one would be too long. A text of several lines is shown as it is.
pub fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim_end().contains('\n') => text.trim_end().to_owned(),
        value => broken(value, 0),
    }
}

fn broken(value: &Value, depth: usize) -> String {
    let whole = describe(value);
    if width::of(&whole) + depth * 2 <= WIDTH {
        return whole;
    }
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match value {
        Value::Array(items) => {
            let lines = items.iter().map(|item| format!("{inner}{},\n", broken(item, depth + 1)));
            format!("[\n{}{outer}]", lines.collect::<String>())
        }
        Value::Object(fields) if !fields.keys().any(|name| name.starts_with('$')) => {
            let line =
                |(name, item): (&String, &Value)| format!("{inner}{name}: {},\n", broken(item, depth + 1));
            format!("#{{\n{}{outer}}}", fields.iter().map(line).collect::<String>())
        }
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_value_is_broken_and_a_short_one_is_not() {
        assert_eq!(pretty(&json!({"a": [1, null]})), "#{ a: [1, ()] }");
        assert_eq!(pretty(&json!("one\ntwo\n")), "one\ntwo");
        let long = "x".repeat(60);
        let shown = pretty(&json!({"lines": [long, long], "seconds": 1.5}));
        let line = format!("    {long:?},\n");
        assert_eq!(shown, format!("#{{\n  lines: [\n{line}{line}  ],\n  seconds: 1.5,\n}}"));
    }
}
