//! Looks through a live folder for what a restore leaves alone in it.

use crate::failure::Result;
use crate::machine::archive::{Left, Own};
use crate::machine::tree::{Next, walk};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is left alone in a place. Paths are below it.
#[derive(Debug, Default)]
pub struct Survey {
    pub left: BTreeMap<PathBuf, Left>,
    /// The folders that lead there, without the place itself: they stay, and what is in them is exchanged.
    pub spine: BTreeSet<PathBuf>,
}

impl Survey {
    /// Looks through what is at `place`; nothing may be there. `name` is that of the part in the archive.
    pub fn of(place: &Path, name: &str, own: &Own) -> Result<Survey> {
        let mut survey = Survey::default();
        if place.symlink_metadata().is_err() {
            return Ok(survey);
        }
        walk(place, &mut |found| {
            let Some(left) = Left::of(found, name, own)? else { return Ok(Next::Enter) };
            let below = PathBuf::from(found.below);
            let around = below.ancestors().skip(1).filter(|path| *path != Path::new(""));
            // The folder of an earlier restore is only ever looked for in the place itself.
            survey.spine.extend(around.map(Path::to_owned));
            survey.left.insert(below, left);
            Ok(Next::Pass)
        })?;
        Ok(survey)
    }

    /// Whether something at this path, below the place, is left alone, or is in something that is.
    pub fn covers(&self, below: &Path) -> bool {
        below.ancestors().any(|path| self.left.contains_key(path))
    }

    /// What is left alone, for people.
    pub fn told(&self, place: &Path) -> Vec<String> {
        let told = self.left.iter().filter(|(_, left)| **left != Left::Aside);
        told.map(|(path, left)| format!("`{}`: {}", place.join(path).display(), left.why())).collect()
    }
}
