//! Looks through a live folder for what a restore leaves alone in it.

use crate::failure::{Context, Kind, Result};
use crate::machine::archive::{Left, Own, real};
use crate::machine::tree::{Next, What, walk};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is left alone in a place. Paths are below it.
#[derive(Debug, Default)]
pub struct Survey {
    pub left: BTreeMap<PathBuf, Left>,
    /// The folders that lead there, without the place itself: they stay, and what is in them is exchanged.
    pub spine: BTreeSet<PathBuf>,
    /// The links that are exchanged, each with where it points, for people.
    pub links: BTreeMap<PathBuf, String>,
}

impl Survey {
    /// Looks through what is at `place`; nothing may be there. `name` is that of the part in the archive.
    pub fn of(place: &Path, name: &str, own: &Own) -> Result<Survey> {
        let mut survey = Survey::default();
        if place.symlink_metadata().is_err() {
            return Ok(survey);
        }
        walk(&real(place), &mut |found| {
            let Some(left) = Left::of(found, name, own)? else {
                if found.what == What::Link {
                    let failed = || format!("`{}` can't be read", found.path.display());
                    let target = found.target().or_fail(Kind::Refused, failed)?;
                    survey.links.insert(found.below.into(), Path::new(&target).display().to_string());
                }
                return Ok(Next::Enter);
            };
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
        let mut excluded: BTreeMap<&str, usize> = BTreeMap::new();
        let mut told = Vec::new();
        for (path, left) in &self.left {
            match left {
                Left::Aside => {}
                // There may be many.
                Left::Excluded(pattern) => *excluded.entry(pattern).or_default() += 1,
                left => told.push(format!("`{}`: {}", place.join(path).display(), left.why())),
            }
        }
        let place = place.display();
        let told_of = |(pattern, count)| format!("what `{pattern}` excludes in `{place}`, {count} in number");
        told.extend(excluded.into_iter().map(told_of));
        told
    }
}
