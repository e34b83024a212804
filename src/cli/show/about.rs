//! When a run was, who began it and what it moved, in a few words, by what `runs --json` says of it.

use jiff::Timestamp;
use serde_json::Value;

/// `0.2.10 -> 0.2.11, took 3m, by schedule`; empty if nothing of it is known. `head` may be of another version.
pub fn about(head: &Value) -> String {
    let instant = |name: &str| head[name].as_str()?.parse::<Timestamp>().ok();
    let mut words = Vec::new();
    let releases = head["releases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let way = |moved: &Value| format!("{} -> {}", text(&moved["from"]), text(&moved["to"]));
    match releases {
        [] => {}
        // Linked servers mostly go the same way.
        [first, rest @ ..] if rest.iter().all(|other| way(other) == way(first)) => words.push(way(first)),
        several => {
            let each = several.iter().map(|moved| format!("{} {}", text(&moved["server"]), way(moved)));
            words.push(each.collect::<Vec<_>>().join(", "));
        }
    }
    if let Some((began, ended)) = instant("started").zip(instant("ended")) {
        words.push(format!("took {}", length(ended.duration_since(began).as_secs_f64())));
    }
    if head["schedule"].is_string() {
        words.push("by schedule".into());
    }
    words.join(", ")
}

/// A length of time, rounded up to its unit.
pub fn length(seconds: f64) -> String {
    let seconds = seconds.max(0.0).ceil() as u64;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds.div_ceil(60)),
        7_200..172_800 => format!("{}h", seconds.div_ceil(3_600)),
        _ => format!("{}d", seconds.div_ceil(86_400)),
    }
}

#[cfg(test)]
mod tests {
    use super::about;
    use serde_json::json;

    #[test]
    fn what_is_not_known_is_left_out() {
        let moved = |server: &str, to: &str| json!({ "server": server, "from": "1", "to": to });
        let times = json!({ "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:03:01Z" });
        assert_eq!(about(&times), "took 4m");
        assert_eq!(about(&json!({ "releases": [moved("a", "2"), moved("b", "2")] })), "1 -> 2");
        let several = json!({ "releases": [moved("a", "2"), moved("b", "3")], "schedule": "x" });
        assert_eq!(about(&several), "a 1 -> 2, b 1 -> 3, by schedule");
        assert_eq!(about(&json!(null)), "");
    }
}
