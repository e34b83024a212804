//! What a kind of servers must offer: the functions that bundled runbooks and `status` call. What is wrong there is told in
//! the kind's own file, and not in each runbook that nobody wrote here.

use super::files::File;
use super::finding::{Finding, Severity};
use super::program::Function;
use crate::script::text::source::shown;
use rhai::Position;

/// What keeps a kind's function from being called with so many arguments, if anything does.
pub fn objection(file: &File, name: &str, count: usize) -> Option<Finding> {
    let program = file.program.as_ref()?;
    let found: Vec<&Function> = program.named(name).collect();
    let kind = shown(&file.text.source).rsplit('/').next().unwrap_or_default();
    let kind = kind.strip_suffix(".rhai").unwrap_or(kind);
    let Some(function) = found.first() else {
        let message =
            format!("the kind `{kind}` has no function `{name}`, which is needed with {}", arguments(count));
        let help = "define it in this file; see its purpose with `banister doc kind`";
        let mut finding = Finding::new(Severity::Error, &file.text, Position::NONE, message, help);
        (finding.line, finding.column) = (0, 0);
        return Some(finding);
    };
    let find = |message: String, help: &str| {
        Some(Finding::new(Severity::Error, &file.text, function.place, message, help))
    };
    if found.iter().all(|function| function.private) {
        return find(
            format!("`{name}` is private, but runbooks call it"),
            "take `private` from its definition",
        );
    }
    if found.iter().all(|function| function.parameters.len() != count) {
        let own = function.parameters.len();
        let message = format!("`{name}` takes {}, but is called with {count}", arguments(own));
        return find(message, "give it the parameters that `banister doc kind` names");
    }
    None
}

fn arguments(count: usize) -> String {
    super::arity::arguments(count, count)
}
