//! The whole reference as one Markdown file.

use crate::failure::EXIT_CODES;
use crate::script::reference::{Page, Sort};

const TOP: &str = "# Reference\n\nAll that a script can say, the keys of `site.toml`, and the exit codes. Written by \
    `banister doc --markdown`.\n";

/// The file. Pages are in the order of their sorts.
pub fn markdown(pages: &[Page]) -> String {
    let mut text = TOP.to_owned();
    for (sort, title) in [
        (Sort::Block, "Blocks and words"),
        (Sort::Primitive, "Primitives"),
        (Sort::Module, "Modules"),
        (Sort::Runbook, "Runbooks"),
        (Sort::Setting, "Keys of `site.toml`"),
    ] {
        text += &format!("\n## {title}\n");
        for page in pages.iter().filter(|page| page.sort == sort) {
            text += &section(page, 3);
            if matches!(sort, Sort::Module | Sort::Runbook) {
                let own = pages
                    .iter()
                    .filter(|function| function.is_of(&page.name) && function.inherited.is_none());
                text.extend(own.map(|function| section(function, 4)));
            }
        }
    }
    text += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
    text.extend(EXIT_CODES.iter().map(|(code, said)| format!("| {code} | {said} |\n")));
    text
}

/// A page, with its own headings below its name's.
fn section(page: &Page, level: usize) -> String {
    let marks = "#".repeat(level);
    let mut text = format!("\n{marks} {}\n\n```text\n{}\n```\n", page.name, page.usage);
    if !page.text.is_empty() {
        text.push('\n');
    }
    let mut in_code = false;
    for line in page.text.lines() {
        in_code ^= line.starts_with("```");
        match line.strip_prefix("# ").filter(|_| !in_code) {
            Some(title) => text += &format!("{marks}# {title}\n\n"),
            None => text += &format!("{line}\n"),
        }
    }
    if !page.parameters.is_empty() {
        text.push('\n');
        let parameters = page.parameters.iter();
        text.extend(parameters.map(|parameter| format!("- `{}`: {}\n", parameter.name, parameter.help)));
    }
    if !page.steps.is_empty() {
        text += &format!("\nSteps: {}.\n", page.steps.join("; "));
    }
    text
}
