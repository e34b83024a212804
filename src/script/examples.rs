//! Examples for a site's file: each step and function of a bundled text, as comments to start from.

use super::outline::outline;

/// The text of the file.
pub fn examples(bundled: &str) -> String {
    let outline = outline(bundled);
    let mut text = String::from(
        "// This file overrides the bundled one of the same name. Remove the `//` from the parts to change.\n\
         // `before` and `after` do something at a step, `replace` takes its place, `skip(\"step\", \"reason\")` leaves it out.\n",
    );
    for step in &outline.steps {
        let body = bundled[step.body.clone()].trim_end();
        let end = if body.contains('\n') { "\n" } else { " " };
        text += &format!("\n{}\n", commented(&format!("replace(\"{}\") {{{body}{end}}}", step.name)));
    }
    for function in outline.functions.iter().filter(|function| function.name != "main") {
        text += &format!("\n{}\n", commented(&bundled[function.whole.clone()]));
    }
    text
}

fn commented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("// {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}
