//! What is gone of a server's data since the backups that were taken before.

use super::card::{Card, Level};
use crate::machine::archive::{DataSource, Held, Loss};
use std::collections::BTreeMap;

/// Something of which a backup holds nothing, or little beside what was there.
#[derive(Clone, Debug)]
pub struct Lost {
    pub source: DataSource,
    pub now: Held,
    /// What the newest proven backup holds that has it; none if it does not say how much.
    pub before: Option<Held>,
}

/// Those of these, compared with the proven backups of the server, the oldest first.
pub fn lost(held: &BTreeMap<DataSource, Held>, backups: &[&Card]) -> Vec<Lost> {
    let proven = || backups.iter().rev().filter(|card| card.level >= Level::Verified);
    let compared = |(source, now): (&DataSource, &Held)| {
        let before = proven().find_map(|card| card.held.get(source).copied());
        let is_lost = match before {
            Some(before) => now.loss(&before).is_some() || now.is_unmounted(&before),
            None => now.is_empty() && proven().next().is_some_and(|newest| newest.held.is_empty()),
        };
        is_lost.then(|| Lost { source: source.clone(), now: *now, before })
    };
    held.iter().filter_map(compared).collect()
}

impl Lost {
    /// Whether a backup would be none: all is gone, or most of it with what was mounted there.
    pub fn is_grave(&self) -> bool {
        self.before
            .is_some_and(|before| self.now.loss(&before) == Some(Loss::All) || self.now.is_unmounted(&before))
    }

    /// What there is, and what there was in `backup`, for people.
    pub fn text(&self, backup: &str) -> String {
        let source = match self.source.as_volume() {
            Some(volume) => format!("the volume `{volume}`"),
            None => format!("`{}`", self.source),
        };
        let has = match self.now {
            Held { files: ..=1, bytes: 0, .. } => "is empty".to_owned(),
            Held { bytes: 0, .. } => "has only empty files".to_owned(),
            now => format!("has {}", now.count()),
        };
        let Some(before) = self.before else {
            return format!("{source} {has}, and nothing says how much {backup} has there");
        };
        let mounted = match self.now.is_unmounted(&before) {
            true => ", from what was mounted there then",
            false => "",
        };
        format!("{source} {has}, and {backup} has {} there{mounted}", before.count())
    }
}
