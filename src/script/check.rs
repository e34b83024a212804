//! The check: looks through a script and all that it imports, before anything is touched.
//!
//! It sees names, numbers of arguments, options and what is written out; it does not know the types of variables. A
//! finding of [`Severity::Error`] keeps a script from being run.

mod ahead;
mod alone;
mod arity;
mod asked;
mod called;
mod brackets;
pub mod contract;
mod files;
mod finding;
mod heirs;
mod hooks;
mod keys;
mod known;
mod literal;
mod meant;
mod offers;
mod optional;
mod program;
mod scope;
mod syntax;
mod uncalled;
mod walk;
mod words;

pub use ahead::ahead;
pub use alone::is_of_one_server;
pub use finding::{About, Finding, Severity};
pub use hooks::hooks;
pub use optional::{has_default, optional};
#[cfg(test)]
pub use walk::TAKEN;
pub use walk::unknown_kind;

use crate::failure::{Failure, Kind, Result};
use crate::script::layers::{Layers, Text};
use files::Files;
use std::collections::BTreeSet;

/// Several scripts, with what they import; each text is looked through once.
pub struct Check<'a> {
    files: Files<'a>,
    found: Vec<Finding>,
    /// How many of the files were looked through.
    done: usize,
}

impl<'a> Check<'a> {
    /// `kinds` are the kinds of servers that `import "kind"` may be about.
    pub fn new(layers: &'a Layers, kinds: &[String]) -> Check<'a> {
        Check { files: Files::new(layers, kinds), found: Vec::new(), done: 0 }
    }

    /// Looks through a text, and through what it imports.
    pub fn text(&mut self, text: Text) {
        self.files.add(text);
        while let Some(file) = self.files.files.get(self.done) {
            let found = file.program.iter().flat_map(|program| walk::walk(&self.files, self.done, program));
            let found: Vec<Finding> = found.collect();
            // Usually the walk has more to say of an unknown name than the parser.
            let told = |stopped: &Finding| {
                found.iter().any(|found| found.severity == Severity::Error && found.line == stopped.line)
            };
            self.found.extend(file.stopped.iter().filter(|stopped| !told(stopped)).cloned());
            // Nothing calls the function that a misspelt call means.
            let is_misspelt = found.iter().any(|found| found.about == About::UnknownFunction);
            self.found.extend(found);
            if !is_misspelt {
                self.found.extend(uncalled::uncalled(&self.files, file));
            }
            self.found.extend(file.text.problems.iter().map(Finding::of_layers));
            self.done += 1;
        }
    }

    /// The same, for a text that can be run.
    pub fn runbook(&mut self, text: Text) {
        let number = self.files.add(text.clone());
        if let Some(program) = &self.files.files[number].program
            && program.named("main").next().is_none()
        {
            let help = "write `fn main() { … }`; what other runbooks import belongs in `stdlib/`";
            let message = "there is no `fn main` here, so that it is no runbook";
            let mut finding = Finding::new(Severity::Error, &text, rhai::Position::NONE, message, help);
            (finding.line, finding.column) = (0, 0);
            self.found.push(finding);
        }
        self.text(text);
    }

    /// How many files were looked through, and what was found in them, file by file from top to bottom.
    pub fn end(mut self) -> (usize, Vec<Finding>) {
        for number in self.files.module("kind").files {
            let asked = contract::ASKED.into_iter();
            self.found.extend(asked.filter_map(|name| offers::objection(&self.files.files[number], name, 1)));
        }
        for number in 0..self.files.files.len() {
            if self.files.is_kind(number) {
                self.found.extend(heirs::heirs(&self.files, number));
                self.found.extend(asked::asked(&self.files, number));
            }
        }
        self.found = offers::together(std::mem::take(&mut self.found), &self.files);
        // Where more is known of a word, its key is no finding of its own.
        let place = |finding: &Finding| (finding.source.clone(), finding.line, finding.column);
        let told: BTreeSet<_> = self.found.iter().map(place).collect();
        let misspelt = keys::misspelt(&self.files.files, self.files.layers);
        self.found.extend(misspelt.into_iter().filter(|finding| !told.contains(&place(finding))));
        let order = |finding: &Finding| self.files.files.iter().position(|f| f.text.source == finding.source);
        self.found.sort_by_cached_key(|finding| {
            let Finding { line, column, severity, message, .. } = finding;
            (order(finding), *line, *column, *severity, message.clone())
        });
        self.found.dedup();
        (self.files.count(), self.found)
    }
}

/// What is wrong with a text and with what it imports, for servers of the layers' kind; of any bundled kind, if they
/// have none.
pub fn check(layers: &Layers, text: &Text) -> Vec<Finding> {
    let kinds = match layers.kind() {
        "" => crate::kind::bundled(),
        kind => vec![kind.to_owned()],
    };
    let mut check = Check::new(layers, &kinds);
    check.files.add(text.clone());
    if check.files.are_bundled() {
        return Vec::new();
    }
    check.text(text.clone());
    check.end().1
}

/// Fails if there is an error among the findings; the failure tells all of them.
pub fn refuse(findings: &[Finding]) -> Result<()> {
    let errors: Vec<&Finding> =
        findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let place = |finding: &Finding| {
        let lines: String = finding.excerpt().into_iter().map(|line| format!("\n  {line}")).collect();
        finding.place() + lines.as_str()
    };
    match errors.as_slice() {
        [] => Ok(()),
        [error] => {
            let mut failure = Failure::new(Kind::Invalid, error.message.clone()).help(error.help.clone());
            failure.at = Some(place(error));
            Err(failure)
        }
        several => {
            let failure = Failure::new(Kind::Invalid, format!("the script has {} errors", several.len()));
            let told = several.iter().fold(failure, |failure, error| {
                failure.why(format!("{}\n{}\n{}", error.message, place(error), error.help))
            });
            Err(told.help("correct them and check again with `banister check`"))
        }
    }
}
