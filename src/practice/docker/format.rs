//! The part of Go's templates that `docker … --format` is used with: fields, `json`, `index`, `.Label`, `if`.

use crate::failure::{Failure, Kind, Result};
use serde_json::Value;

/// Fills a template with one object.
pub fn render(template: &str, value: &Value) -> Result<String> {
    let template =
        template.strip_prefix("table ").unwrap_or(template).replace("\\t", "\t").replace("\\n", "\n");
    let mut rest = template.as_str();
    let out = part(&mut rest, value)?;
    if rest.is_empty() { Ok(out) } else { Err(wrong(rest)) }
}

fn wrong(place: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("template parsing error at `{place}`"))
}

/// Renders up to the end, or up to an `else` or `end`, which is left in place.
fn part(rest: &mut &str, value: &Value) -> Result<String> {
    let mut out = String::new();
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at(start);
        let end = action.find("}}").ok_or_else(|| wrong(action))?;
        let expression = action[2..end].trim();
        if matches!(expression, "else" | "end") {
            out.push_str(before);
            *rest = action;
            return Ok(out);
        }
        out.push_str(before);
        *rest = &action[end + 2..];
        match expression.strip_prefix("if ") {
            Some(condition) => {
                let true_arm = part(rest, value)?;
                let false_arm = if take(rest, "else") { part(rest, value)? } else { String::new() };
                if !take(rest, "end") {
                    return Err(wrong(rest));
                }
                let held = evaluate(condition.trim(), value).is_ok_and(|value| truth(&value));
                out.push_str(if held { &true_arm } else { &false_arm });
            }
            // In an arm that isn't taken a missing field does no harm, and we can't know yet.
            None => match evaluate(expression, value) {
                Ok(Value::String(text)) => out.push_str(&text),
                Ok(other) => out.push_str(&other.to_string()),
                Err(_) if rest.contains("{{end}}") => {}
                Err(failure) => return Err(failure),
            },
        }
    }
    out.push_str(rest);
    *rest = "";
    Ok(out)
}

fn take(rest: &mut &str, word: &str) -> bool {
    let Some(end) = rest.find("}}").filter(|end| rest.get(2..*end).is_some_and(|text| text.trim() == word))
    else {
        return false;
    };
    *rest = &rest[end + 2..];
    true
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

fn evaluate(expression: &str, value: &Value) -> Result<Value> {
    if let Some(inner) = expression.strip_prefix("json ") {
        return evaluate(inner.trim(), value).map(|value| value.to_string().into());
    }
    let quoted = |text: &str| text.trim().trim_matches('"').to_string();
    if let Some((path, key)) = expression.strip_prefix("index ").and_then(|rest| rest.trim().split_once(' '))
    {
        let key = quoted(key);
        // As in Go, a missing key of a map is empty.
        return Ok(evaluate(path, value)?.get(&key).cloned().unwrap_or_else(|| "".into()));
    }
    if let Some(key) = expression.strip_prefix(".Label ") {
        let labels = value["Labels"].as_str().unwrap_or_default().to_string();
        let start = format!("{}=", quoted(key));
        return Ok(labels.split(',').find_map(|label| label.strip_prefix(&start)).unwrap_or_default().into());
    }
    let path = expression.strip_prefix('.').ok_or_else(|| wrong(expression))?;
    path.split('.').filter(|name| !name.is_empty()).try_fold(value.clone(), |value, name| {
        value.get(name).cloned().ok_or_else(|| wrong(expression).why(format!("can't evaluate field {name}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_that_people_write_are_rendered() {
        let value = json!({"State": {"Status": "running"}, "Config": {"Labels": {"a.b": "c"}}, "Labels": "x=y,z=1", "N": 2});
        let cases = [
            ("{{.State.Status}}", "running"),
            ("{{ .N }}\\t{{json .State}}", "2\t{\"Status\":\"running\"}"),
            ("{{index .Config.Labels \"a.b\"}}", "c"),
            ("{{.Label \"z\"}}", "1"),
            ("{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}!", "none!"),
        ];
        for (template, expected) in cases {
            assert_eq!(render(template, &value).unwrap(), expected);
        }
        assert!(render("{{.State.Nothing}}", &value).is_err());
        assert!(render("{{.State", &value).is_err());
    }
}
