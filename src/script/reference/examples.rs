//! Examples for a site's file: each step and function of a bundled text, as comments to start from.

use crate::script::layers::merge::{as_written, is_base};
use crate::script::text::outline::outline;

/// The text of the file.
pub fn examples(bundled: &str) -> String {
    let outline = outline(bundled);
    let mut text = String::from(
        "// This file overrides the bundled one of the same name. Remove the `//` from the parts to change.\n\
         // `before` and `after` do something at a step, `replace` takes its place, `skip(\"step\", \"reason\")` leaves it out.\n\
         // Commands before and after a step need no file: `hooks` in site.toml, see `banister doc hooks`.\n",
    );
    let shown = |function: &&crate::script::text::outline::Function| {
        function.name != "main" && !is_base(&function.name)
    };
    let is_base_step = |place: usize| {
        outline.functions.iter().any(|function| is_base(&function.name) && function.whole.contains(&place))
    };
    for step in outline.steps.iter().filter(|step| !is_base_step(step.place)) {
        let body = bundled[step.body.clone()].trim_end();
        let end = if body.contains('\n') { "\n" } else { " " };
        text += &format!("\n{}\n", commented(&format!("replace(\"{}\") {{{body}{end}}}", step.name)));
    }
    for function in outline.functions.iter().filter(shown) {
        text += &format!("\n{}\n", commented(&as_written(bundled[function.whole.clone()].to_owned())));
    }
    text
}

fn commented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("// {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}
