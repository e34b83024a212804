//! What of a backup is put back where.

use super::Survey;
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::Place;
use crate::machine::part::Part;
use std::path::PathBuf;

/// A file or folder that is put back.
pub struct Target {
    pub place: PathBuf,
    /// Where it was unpacked.
    pub from: PathBuf,
    /// What of the live place is left alone.
    pub survey: Survey,
    /// The paths, as the backup writes them, that are back when this is: those of parts that lie in it, too.
    pub restored: Vec<String>,
    /// Where parts of their own were unpacked that lie in it, and are left alone in it.
    pub apart: Vec<PathBuf>,
}

/// All of them, outer folders before what is in them. A part that lies in another one is a part of that, unless what is
/// between them is left alone there.
pub fn targets(all: &[Part], unpacked: &dyn Fn(&str) -> PathBuf, place: &Place) -> Result<Vec<Target>> {
    let mut parts: Vec<(&str, &str, PathBuf)> = Vec::new();
    for part in all {
        if let Part::Files { name, path } = part {
            parts.push((name, path, (place.path)(path)));
        }
    }
    parts.sort_by(|(_, _, a), (_, _, b)| a.cmp(b));
    let mut targets: Vec<Target> = Vec::new();
    for (name, path, at) in parts {
        if at.file_name().is_none() {
            let message = format!("`{}` can't be restored: it has no plain name", at.display());
            return Err(Failure::new(Kind::Invalid, message));
        }
        let from = unpacked(name);
        let around = targets.iter_mut().rev().find(|target| at.starts_with(&target.place));
        if let Some(around) = around {
            let below = at.strip_prefix(&around.place).unwrap_or(&at);
            if !around.survey.covers(below) {
                around.restored.push(path.to_owned());
                continue;
            }
            around.apart.push(from.clone());
        }
        let survey = Survey::of(&at, name, place.own)?;
        let restored = vec![path.to_owned()];
        targets.push(Target { place: at, from, survey, restored, apart: Vec::new() });
    }
    Ok(targets)
}
