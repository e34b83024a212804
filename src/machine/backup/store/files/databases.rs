//! Has SQLite look through the databases of a backup that was unpacked.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::Unpacked;
use crate::machine::backup::store::Drilled;
use crate::machine::part::Part;
use crate::machine::sqlite::{self, Checked};
use crate::machine::tree::{Next, What, walk};
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Looks through each of them. Fails with [`Kind::Refused`] if one is damaged; one that can't be tried is listed.
pub fn check(unpacked: &Unpacked, stop: &dyn Fn() -> bool, drilled: &mut Drilled) -> Result<()> {
    // All are found before any is opened: what is made beside one is not looked at.
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for part in &unpacked.parts {
        let Part::Files { name, .. } = part else { continue };
        let top = unpacked.path(name);
        if top.symlink_metadata().is_err() {
            continue;
        }
        walk(&top, &mut |entry| {
            let failed = || format!("`{}` can't be read", entry.path.display());
            if entry.what == What::File
                && let Some(file) = readable(entry.open()).or_fail(Kind::Refused, failed)?
                && sqlite::mode(&file).or_fail(Kind::Refused, failed)?.is_some()
            {
                let below = entry.below.to_string_lossy();
                let shown = format!("{name}/{below}").trim_end_matches('/').to_owned();
                found.push((shown, entry.path.to_owned()));
            }
            Ok(Next::Enter)
        })?;
    }
    found.sort();
    found.dedup_by(|one, other| one.1 == other.1);
    let scratch = unpacked.folder.join("tried");
    for (name, path) in found {
        match sqlite::check(&path, &scratch, stop) {
            Ok(Checked::Whole) => {}
            Ok(Checked::Damaged(why)) => {
                let message = format!("the database `{name}` in the backup is damaged");
                return Err(Failure::new(Kind::Refused, message).why(format!("SQLite says: {why}")).help(
                    "stop what uses it and take another backup; if that is damaged, too, so is the live database",
                ));
            }
            Ok(Checked::Untried(why)) => drilled.untried.push(format!("`{name}`: {why}")),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                return Err(Failure::new(Kind::Interrupted, "the drill was interrupted"));
            }
            Err(error) => drilled.untried.push(format!("`{name}`: {error}")),
        }
    }
    Ok(())
}

/// What its owner may not read is no program's database.
fn readable(file: std::io::Result<File>) -> std::io::Result<Option<File>> {
    match file {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        file => file.map(Some),
    }
}
