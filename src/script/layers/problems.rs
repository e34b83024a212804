//! What is wrong in how a site's file lies on a bundled one; the rest is found in the text that both make.

use super::{Problem, Text, nearest};
use crate::output::counted;
use crate::script::text::outline::{Outline, Sort};

/// All of it, in the order of the site's file.
pub fn problems(below: &Outline, above: &Outline, site: &Text) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut find = |place: usize, message: String, help: String| {
        problems.push(Problem::at(site, place, message, help));
    };
    for (n, hook) in above.hooks.iter().enumerate() {
        let names = || below.steps.iter().map(|step| step.name.as_str());
        if !names().any(|name| name == hook.step) {
            let help = match nearest(&hook.step, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its steps are: {}", names().collect::<Vec<_>>().join(", ")),
            };
            find(hook.place, format!("the bundled file has no step `{}`", hook.step), help);
        }
        let ends = |sort: Sort| matches!(sort, Sort::Replace | Sort::Skip);
        let other = above.hooks[..n].iter().find(|other| other.step == hook.step && ends(other.sort));
        if let Some(other) = other.filter(|_| ends(hook.sort)) {
            let line = site.text[..other.place].matches('\n').count() + 1;
            let message = format!(
                "`{}` contradicts the `{}` of the step `{}`",
                hook.sort.word(),
                other.sort.word(),
                hook.step
            );
            find(hook.place, message, format!("remove one of them; the other is in line {line}"));
        }
        let gone = below.functions.iter().find(|function| {
            let inside = |step: &&crate::script::text::outline::Step| {
                step.name == hook.step && function.whole.contains(&step.place)
            };
            below.steps.iter().find(inside).is_some()
                && above.functions.iter().any(|own| own.name == function.name)
        });
        if let Some(function) = gone {
            let message =
                format!("the step `{}` stands in `{}`, which this file replaces", hook.step, function.name);
            find(hook.place, message, "write the code of the hook into the function itself".to_owned());
        }
    }
    for own in above.functions.iter().filter(|own| own.name != "main") {
        let mut same = below.functions.iter().filter(|function| function.name == own.name).peekable();
        if let Some(first) = same.peek().map(|function| function.parameters)
            && same.all(|function| function.parameters != own.parameters)
        {
            let parameters = counted(own.parameters, "parameter");
            let message = format!(
                "`{}` has {parameters} here, and the bundled function that it replaces has {first}",
                own.name
            );
            find(own.place, message, "give it the same parameters, or another name".to_owned());
        }
    }
    for call in &above.base_calls {
        let names = || below.functions.iter().map(|function| function.name.as_str());
        if !names().any(|name| name == call.name) {
            let help = match nearest(&call.name, names()) {
                Some(near) => format!("did you mean `base::{near}`?"),
                None => format!("its functions are: {}", names().collect::<Vec<_>>().join(", ")),
            };
            find(call.place, format!("the bundled file has no function `{}`", call.name), help);
        }
    }
    for import in &above.imports {
        if let Some(other) =
            below.imports.iter().find(|other| other.alias == import.alias && other.path != import.path)
        {
            let message =
                format!("`{}` is the name of the module `{}` in the bundled file", import.alias, other.path);
            find(import.whole.start, message, "give the import another name".to_owned());
        }
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}
