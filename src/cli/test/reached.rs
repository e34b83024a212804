//! Which steps of the runbooks were reached in rehearsals and tests.

use crate::failure::Result;
use crate::journal::{Entry, file, run};
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::script::text::outline::outline;
use std::collections::BTreeSet;
use std::path::Path;

pub struct Reached {
    /// As they stand in the scripts, in their order.
    steps: Vec<String>,
    /// As they were called.
    seen: BTreeSet<String>,
}

impl Reached {
    /// The steps of runbooks, and of the module of a kind.
    pub fn of(runbooks: &[Runbook], layers: &Layers, kind: &str) -> Result<Reached> {
        let mut steps: Vec<String> = Vec::new();
        let module = layers.module(kind)?.map(|text| text.text);
        let texts = runbooks.iter().map(|runbook| layers.runbook(&runbook.name).map(|text| text.text));
        for text in texts.chain(module.map(Ok)) {
            for step in outline(&text?).steps {
                if !steps.contains(&step.name) {
                    steps.push(step.name);
                }
            }
        }
        Ok(Reached { steps, seen: BTreeSet::new() })
    }

    /// Looks through the runs in a state folder.
    pub fn see(&mut self, state: &Path) -> Result<()> {
        for glance in run::all(state)? {
            file::read(&glance.path.join("journal.jsonl"), &mut |record| {
                if let Entry::Block { name, .. } = record.entry {
                    self.seen.insert(name);
                }
            })?;
        }
        Ok(())
    }

    /// Those that were not.
    pub fn never(&self) -> Vec<String> {
        self.steps
            .iter()
            .filter(|step| !self.seen.iter().any(|name| is_called(step, name)))
            .cloned()
            .collect()
    }
}

/// Whether a step that stands in a script in this way, perhaps with values in it, can have this name.
fn is_called(written: &str, name: &str) -> bool {
    let mut rest = name;
    let mut parts = written.split("${");
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let mut ends = rest.is_empty();
    for part in parts {
        let literal = part.split_once('}').map_or("", |(_, literal)| literal);
        match literal.is_empty() {
            true => ends = true,
            false => {
                let Some(at) = rest.find(literal) else { return false };
                rest = &rest[at + literal.len()..];
                ends = rest.is_empty();
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_known_by_what_stands_around_its_values() {
        assert!(is_called("Build", "Build"));
        assert!(!is_called("Build", "Build again"));
        assert!(is_called("Roll ${server.name} back to ${back.release}", "Roll web back to 0.2.0"));
        assert!(!is_called("Roll ${server.name} back to ${back.release}", "Roll web"));
        assert!(is_called("Update ${server.name} now", "Update web now"));
        assert!(!is_called("Update ${server.name} now", "Update web now and then"));
    }
}
