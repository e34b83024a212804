//! What `status` asks of a kind: it only looks, and a function that may change something is refused there.

use super::called::{calls, reached};
use super::contract::ASKED;
use super::files::Files;
use super::finding::{Finding, Severity};
use crate::primitive::Sort;
use crate::primitives;

/// The functions of a kind, by the number of its text, that call what `status` refuses.
pub fn asked(files: &Files, number: usize) -> Vec<Finding> {
    let file = &files.files[number];
    let Some(program) = &file.program else { return Vec::new() };
    let mut found = Vec::new();
    for name in ASKED {
        let Some(function) = program.named(name).next() else { continue };
        let mut changes = None;
        let inner = reached(program, name);
        for called in std::iter::once(name).chain(inner.iter().map(String::as_str)) {
            for function in program.named(called) {
                calls(function, |call| {
                    let primitive = primitives::find(&call.name).filter(|_| !call.is_qualified());
                    let is_own = program.named(&call.name).next().is_some();
                    let looks = |sort: Sort| matches!(sort, Sort::Look | Sort::Session);
                    if let Some(primitive) = primitive.filter(|it| !is_own && !looks(it.sort())) {
                        changes.get_or_insert(primitive.name());
                    }
                });
            }
        }
        let Some(change) = changes else { continue };
        let message = format!("`{name}` calls `{change}`, which may change something");
        let help = "`status` calls it and only looks: call primitives that look, such as `http`, `query`, `services`, \
                    `read_env`";
        found.push(Finding::new(Severity::Warning, &file.text, function.place, message, help));
    }
    found
}
