//! Functions of a kind that make an inherited one wrong: what is found in the kind's own file, before a night shows it.

use super::called::{calls, reached};
use super::files::Files;
use super::finding::{Finding, Severity};
use super::program::Function;
use crate::script::layers::merge::is_base;
use crate::script::text::source::{file_line, module_name};
use std::collections::BTreeSet;

/// Whoever has the first must have the second: the inherited one undoes something else.
const PAIRS: [(&str, &str); 5] = [
    ("health", "await_health"),
    ("begin_maintenance", "end_maintenance"),
    ("keep_images", "drop_images"),
    ("stop_writers", "start_writers"),
    ("parts", "back_up"),
];

/// All of them in the text of a kind, by its number.
pub fn heirs(files: &Files, number: usize) -> Vec<Finding> {
    let file = &files.files[number];
    let Some(program) = &file.program else { return Vec::new() };
    let mut found = Vec::new();
    let mut find = |severity, function: &Function, message: String, help: String| {
        found.push(Finding::new(severity, &file.text, function.place, message, help));
    };
    // The kinds from the uppermost on, and how far down one is.
    let mut kinds = vec![module_name(&file.text.source).to_owned()];
    while let Some(parent) = kinds.last().and_then(|kind| files.layers.extends(kind)) {
        if kinds.contains(&parent) {
            break;
        }
        kinds.push(parent);
    }
    let level = |function: &Function| {
        let source = file_line(&file.text.source, function.place.line().unwrap_or_default()).0;
        kinds.iter().position(|kind| kind == module_name(source)).unwrap_or_default()
    };
    let of = |name: &'static str| program.named(name).next().map(|function| (function, level(function)));
    for (first, second) in PAIRS {
        let (Some((own, above)), Some((_, below))) = (of(first), of(second)) else { continue };
        if above < below {
            let (kind, parent) = (&kinds[above], &kinds[below]);
            let message = format!("`{first}` is that of `{kind}`, but `{second}` is that of `{parent}`");
            let help = format!("define `{second}`, too, so that both speak of the same");
            find(Severity::Warning, own, message, help);
        }
    }
    let says = kinds.iter().position(|kind| files.layers.restores(kind));
    if let (Some((own, above)), Some(says)) = (of("back_up"), says)
        && above < says
    {
        let (kind, parent) = (&kinds[above], &kinds[says]);
        let message =
            format!("`back_up` is that of `{kind}`, but what a restore may replace is what `{parent}` says");
        let help = format!("write `[restores]` into `stdlib/{kind}/kind.toml`; see `banister doc kind.toml`");
        find(Severity::Error, own, message, help);
    }
    for function in program.functions.iter().filter(|function| !is_base(&function.name)) {
        for (alias, called) in module_calls(function) {
            let is_kind = files.layers.is_kind(&alias);
            let Some(other) = files.module(&alias).files.first().filter(|_| is_kind).copied() else {
                continue;
            };
            let Some(other) = files.files[other].program.as_ref().filter(|_| other != number) else {
                continue;
            };
            let missed = reached(other, &called).into_iter().find(|reached| {
                let own = program.named(reached).next();
                own.is_some_and(|own| *reached != function.name && level(own) == 0 && !hands_on(own, &alias))
            });
            let Some(missed) = missed else { continue };
            let message =
                format!("`{alias}::{called}` calls `{missed}` of `{alias}`, and not that of this kind");
            let help = match kinds.len() {
                1 => format!(
                    "extend it: write `extends = \"{alias}\"` into `stdlib/{}/kind.toml`, and `base::{called}(…)` here",
                    kinds[0]
                ),
                _ => format!("write `base::{called}(…)`"),
            };
            find(Severity::Warning, function, message, help);
        }
    }
    found
}

/// The calls of a function that go to a module: its name, as far as it is that of its import, and the function's.
fn module_calls(function: &Function) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    calls(function, |call| {
        if let [module] = call.namespace.path.as_slice() {
            found.insert((module.name.to_string(), call.name.to_string()));
        }
    });
    found
}

/// Whether a function only calls the one of the same name in another module.
fn hands_on(function: &Function, alias: &str) -> bool {
    let mut count = 0;
    calls(function, |_| count += 1);
    let own = (alias.to_owned(), function.name.clone());
    count == 1 && function.body.len() == 1 && module_calls(function).contains(&own)
}
