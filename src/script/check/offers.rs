//! What a kind of servers must offer: the functions that bundled runbooks and `status` call. What is wrong there is told in
//! the kind's own file, and not in each runbook that nobody wrote here.

use super::files::{File, Files};
use super::finding::{About, Finding, Severity};
use super::program::Function;
use crate::script::text::source::module_name;
use rhai::Position;
use std::collections::BTreeSet;

/// A kind that lacks more of them was not meant to define all of them itself.
const FEW: usize = 3;

/// The findings, with one in the place of those of a kind that lacks many functions, as it extends no other.
pub fn together(found: Vec<Finding>, files: &Files) -> Vec<Finding> {
    let (lacks, mut rest): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|finding| finding.about == About::LackOfKind);
    // Each module that needs the kind would say the same.
    let mut unknown = BTreeSet::new();
    rest.retain(|finding| finding.about != About::UnknownKind || unknown.insert(finding.message.clone()));
    for file in &files.files {
        let mut of_file: Vec<_> =
            lacks.iter().filter(|finding| finding.source == file.text.source).cloned().collect();
        of_file.sort_by(|one, other| one.message.cmp(&other.message));
        of_file.dedup();
        let kind = kind(file);
        if of_file.len() <= FEW || files.layers.extends(kind).is_some() {
            rest.extend(of_file);
            continue;
        }
        let message = format!("the kind `{kind}` extends no other, and lacks {} functions", of_file.len());
        let help = format!(
            "write `extends = \"plain\"` into `stdlib/{kind}/kind.toml`; this file then needs only the functions in which \
             it differs: see `banister doc kind`"
        );
        rest.push(of_all(file, message, &help));
    }
    rest
}

/// A finding about a text as a whole.
fn of_all(file: &File, message: String, help: &str) -> Finding {
    let mut finding = Finding::new(Severity::Error, &file.text, Position::NONE, message, help);
    (finding.line, finding.column) = (0, 0);
    finding
}

/// The name of the kind whose text it is.
fn kind(file: &File) -> &str {
    module_name(&file.text.source)
}

/// What keeps a kind's function from being called with so many arguments, if anything does.
pub fn objection(file: &File, name: &str, count: usize) -> Option<Finding> {
    let program = file.program.as_ref()?;
    let found: Vec<&Function> = program.named(name).collect();
    let kind = kind(file);
    let Some(function) = found.first() else {
        let needed = arguments(count);
        let message = format!("the kind `{kind}` has no function `{name}`, which is needed with {needed}");
        let help = "define it in this file; see its purpose with `banister doc kind`";
        return Some(Finding { about: About::LackOfKind, ..of_all(file, message, help) });
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
        let finding = find(message, "give it the parameters that `banister doc kind` names");
        // One that replaces another function is a finding already, as it differs from that.
        return finding.filter(|finding| {
            let place = (finding.source.as_str(), finding.line, finding.column);
            let mut errors = file.text.problems.iter().filter(|problem| problem.versions.is_none());
            !errors.any(|problem| (problem.source.as_str(), problem.line, problem.column) == place)
        });
    }
    None
}

fn arguments(count: usize) -> String {
    super::arity::arguments(count, count)
}
