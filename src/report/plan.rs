//! A plan as text.

use super::failure::render;
use super::plan_summary;
use super::text::{Style, counted, cut};
use crate::script::plan::{Item, Plan, What};
use crate::secret::show;
use std::collections::BTreeMap;

/// How much of a call is shown.
const WIDTH: usize = 120;

/// A plan of more lines begins with a summary.
const LONG: usize = 15;

/// The whole plan, without the last lines. `verbose` adds the place of each line in its script; `took` is what
/// [`plan_summary::lines`] wants to know.
pub fn lines(plan: &Plan, took: &BTreeMap<String, f64>, style: Style, verbose: bool) -> String {
    let head = style.bold(&format!("plan of `{}` on {}", plan.runbook, plan.servers.join(", ")));
    let details = details(plan, style, verbose);
    let text = match details.lines().count() > LONG {
        true => {
            let summary = plan_summary::lines(plan, took, style);
            format!("{head}\n{summary}\n{}\n{details}", style.bold("in detail:"))
        }
        false => format!("{head}\n\n{details}"),
    };
    show(&text).into_owned()
}

fn details(plan: &Plan, style: Style, verbose: bool) -> String {
    let mut out = String::new();
    // A runbook of the site's own overrides nothing.
    let is_layered = plan.count(|what| matches!(what, What::Step { source, .. } if source == "bundled")) > 0;
    let mut page = Page { out: &mut out, style, verbose, is_layered };
    page.items(&plan.items, 0);
    if plan.items.is_empty() {
        page.line(0, "nothing to do");
    }
    for warning in &plan.warnings {
        out.push_str(&format!("{} {warning}\n", style.warn("warning:")));
    }
    out
}

/// What the plan comes to, in a sentence.
pub fn summary(plan: &Plan) -> String {
    let most = if plan.ways > 1 { "at most " } else { "" };
    let mut text = format!(
        "{most}{} and {} planned, nothing was changed",
        counted(plan.count(|what| matches!(what, What::Change { .. })), "change"),
        counted(plan.count(|what| matches!(what, What::Ask { .. })), "question"),
    );
    if plan.ways > 1 {
        text.push_str(&format!("; it depends on what the run finds: {} cases were tried", plan.ways));
    }
    if !plan.whole {
        text.push_str(", which are not all: what follows from several answers together may differ");
    }
    text
}

struct Page<'a> {
    out: &'a mut String,
    style: Style,
    verbose: bool,
    /// Whether steps of the site are among bundled ones.
    is_layered: bool,
}

impl Page<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&format!("{}{text}\n", "  ".repeat(depth)));
    }

    fn items(&mut self, items: &[Item], forks: usize) {
        for item in items {
            self.item(item, item.depth + forks, forks);
        }
    }

    fn item(&mut self, item: &Item, depth: usize, forks: usize) {
        let style = self.style;
        // The gist; `-v` has all of it.
        let gist = |call: &str| if self.verbose { call.to_owned() } else { cut(call, WIDTH) };
        let at = match self.verbose && !item.at.is_empty() {
            true => format!("  {}", style.dim(&format!("[{}]", item.at))),
            false => String::new(),
        };
        match &item.what {
            What::Step { name, source } => {
                let is_own = self.is_layered && source != "bundled";
                let own = if is_own { style.dim(" (changed by this site)") } else { String::new() };
                self.line(depth, &format!("{}{own}{at}", style.bold(name)));
            }
            What::Change { call } => self.line(depth, &format!("{}{at}", gist(call))),
            What::Look { call } => self.line(depth, &format!("{} {}{at}", style.dim("looks:"), gist(call))),
            // Whole: what will be asked is what the plan is read for, and its end says of what.
            What::Ask { call } => self.line(depth, &format!("{} {call}{at}", style.warn("asks:"))),
            What::Note { text } => self.line(depth, &format!("{} {text}", style.dim("note:"))),
            What::Text { title, text } => {
                self.line(depth, &format!("{} {title}", style.dim("shows:")));
                text.trim_end()
                    .lines()
                    .for_each(|line| self.line(depth, &format!("{} {line}", style.dim("|"))));
            }
            What::Warning { text } => self.line(depth, &format!("{} {text}", style.warn("warning:"))),
            What::Fork { question, arms } => {
                // To the left of all that is in its arms, also of steps after the one in which ways part.
                let depth = item.outermost() + forks;
                for (n, arm) in arms.iter().enumerate() {
                    let head = match (n, arm.answer.as_str(), arms.len()) {
                        (0, "yes", _) => format!("if {question}"),
                        (_, "no", 2) => "otherwise".into(),
                        (_, answer, _) => format!("if {question}: {answer}"),
                    };
                    self.line(depth, &style.warn(&head));
                    match arm.items.is_empty() {
                        true => self.line(depth + 1, &style.dim("(nothing)")),
                        false => self.items(&arm.items, forks + 1),
                    }
                }
            }
            What::Stop { failure } => {
                let text = render(failure, style);
                text.lines().for_each(|line| self.line(depth, line));
            }
            What::Depends { on } => {
                self.line(
                    depth,
                    &style.warn(&format!("from here it depends on {on}, which only the run can know{at}")),
                );
            }
            What::WayBack => {
                self.line(0, "");
                self.line(depth, &style.warn("Rollback, if it is needed:"));
            }
        }
    }
}
