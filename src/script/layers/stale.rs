//! What a site's file overrides, and what has changed in the bundled file since it was written.
//!
//! The bundled text that a site's file was written against is kept beside it, in `.base` of its folder, so that both
//! versions can be shown. `customize` puts it there, and `run` when it first meets the site's file, or when a person
//! has seen what changed.

use super::{Problem, Text, Versions};
use crate::script::text::outline::{Outline, outline};

/// Each override of something that is not as it was in the text that is kept.
pub fn stale(kept: &str, bundled: &str, site: &Text) -> Vec<Problem> {
    if kept == bundled {
        return Vec::new();
    }
    let (before, now, own) = (outline(kept), outline(bundled), outline(&site.text));
    let mut problems = Vec::new();
    let mut tell = |place: usize, what: String, versions: Versions| {
        let change = if versions.now.is_empty() { "is gone" } else { "has changed" };
        let message = format!("the bundled {what} {change} since this was written");
        let help =
            "change it here if need be; `banister run` asks once whether it is right as it is".to_owned();
        problems.push(Problem { versions: Some(versions), ..Problem::at(site, place, message, help) });
    };
    for hook in &own.hooks {
        let versions =
            Versions { before: step(&before, kept, &hook.step), now: step(&now, bundled, &hook.step) };
        if versions.before != versions.now && !versions.before.is_empty() {
            tell(hook.place, format!("step `{}`", hook.step), versions);
        }
    }
    for function in &own.functions {
        let name = &function.name;
        let versions = Versions { before: body(&before, kept, name), now: body(&now, bundled, name) };
        if versions.before != versions.now && !versions.before.is_empty() {
            tell(function.place, format!("function `{name}`"), versions);
        }
    }
    problems
}

/// What the steps of a name do; nothing if there is none.
fn step(outline: &Outline, text: &str, name: &str) -> String {
    let steps = outline.steps.iter().filter(|step| step.name == name);
    steps.map(|step| &text[step.place..(step.body.end + 1).min(text.len())]).collect::<Vec<_>>().join("\n")
}

/// The functions of a name; nothing if there is none.
fn body(outline: &Outline, text: &str, name: &str) -> String {
    let functions = outline.functions.iter().filter(|function| function.name == name);
    functions.map(|function| &text[function.whole.clone()]).collect::<Vec<_>>().join("\n")
}
