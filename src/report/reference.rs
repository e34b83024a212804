//! Pages of the reference, as a person at a terminal reads them.

use super::text::{Style, table};
use crate::script::reference::{Page, Sort};

/// A page; `all` are those among which a module's functions are.
pub fn page(page: &Page, all: &[Page], style: Style) -> String {
    let mut text = style.bold(&page.usage) + "\n";
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text += &format!("\n{title}{}\n", lines.join("\n"));
        }
    };
    section("", page.text.lines().map(str::to_owned).collect());
    let parameters = page.parameters.iter();
    let parameters = parameters.map(|parameter| format!("- `{}`: {}", parameter.name, parameter.help));
    section("# Parameters\n", parameters.collect());
    section("# Steps\n", page.steps.iter().map(|step| format!("- {step}")).collect());
    if matches!(page.sort, Sort::Module | Sort::Runbook) {
        let own = all.iter().filter(|function| function.is_of(&page.name));
        let rows: Vec<_> = own.map(|one| vec![format!("- {}", one.usage), one.summary.clone()]).collect();
        section("# Functions\n", table(&rows).lines().map(str::to_owned).collect());
    }
    text
}

/// What was found, a line each.
pub fn found(pages: &[&Page]) -> String {
    let row = |page: &&Page| vec![page.name.clone(), page.sort.word().to_owned(), page.summary.clone()];
    table(&pages.iter().map(row).collect::<Vec<_>>())
}

/// Everything but single functions and keys of `site.toml`, by sort.
pub fn list(pages: &[Page], style: Style) -> String {
    let mut text = String::new();
    for (sort, title) in [
        (Sort::Primitive, "Primitives"),
        (Sort::Block, "Blocks and words"),
        (Sort::Runbook, "Runbooks"),
        (Sort::Module, "Modules"),
    ] {
        let of = pages.iter().filter(|page| page.sort == sort);
        let rows: Vec<_> = of.map(|page| vec![page.name.clone(), page.summary.clone()]).collect();
        let gap = if text.is_empty() { "" } else { "\n" };
        text += &format!("{gap}{}\n{}", style.bold(title), table(&rows));
    }
    text
}
