//! How many steps of a run lie ahead of each of its steps.

use rhai::Position;
use std::collections::BTreeMap;

/// What follows a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rest {
    /// The steps that every way has.
    pub certain: usize,
    /// Whether there may be any number more.
    pub open: bool,
}

impl Rest {
    pub fn and_a_step(self) -> Rest {
        Rest { certain: self.certain + 1, ..self }
    }

    /// What two ways have in common.
    pub fn or(self, other: Rest) -> Rest {
        Rest { certain: self.certain.min(other.certain), open: self.open || other.open }
    }
}

/// What follows each step, by the source of its text and its line: columns are others where the text is run.
#[derive(Default)]
pub struct Ahead(pub(in crate::script) BTreeMap<(String, usize), Option<Rest>>);

impl Ahead {
    /// What follows the step whose name stands at a place; nothing if that is not known.
    pub fn after(&self, source: &str, place: Position) -> Option<Rest> {
        self.0.get(&(source.to_owned(), place.line()?)).copied().flatten()
    }

    /// Of a step that is reached in several ways, or one of several in a line, only what they agree on is known.
    pub fn note(&mut self, source: &str, place: Position, rest: Rest) {
        let known = self.0.entry((source.to_owned(), place.line().unwrap_or_default())).or_insert(Some(rest));
        *known = known.filter(|known| *known == rest);
    }
}
