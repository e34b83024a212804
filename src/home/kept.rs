//! The sites that were unpacked at this home: those that nobody needs any more are removed, and one that was being replaced when
//! the machine went down is put back.

use super::parcel::{self, OLD, aside};
use crate::journal::run::{Glance, folder};
use crate::machine::tree;
use crate::runner;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So many sites of runs that are over are kept of each server: what was done can be looked up there.
const LAST: usize = 10;
/// What was touched since then may belong to somebody who is about to begin a run.
const NEW: Duration = Duration::from_secs(3600);

/// Puts a site back that was put aside when the replacing ended in the middle.
pub fn recover(site: &Path) {
    let old = aside(site);
    if !site.exists() && old.exists() {
        _ = fs::rename(&old, site);
    }
}

/// Removes what is not needed any more of the server whose run has the site `own`. What can't be removed is tried again by the
/// next run.
pub fn tidy(state: &Path, own: &Path) {
    let Some(around) = own.parent().filter(|around| around.starts_with(parcel::sites(state))) else { return };
    let entries = fs::read_dir(around).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path != own).collect();
    // Their names begin with the instant.
    all.sort();
    let (hidden, sites): (Vec<PathBuf>, Vec<PathBuf>) =
        all.into_iter().partition(|path| name(path).starts_with('.'));
    for path in hidden {
        if let Some(run) = name(&path).strip_prefix('.').and_then(|name| name.strip_suffix(OLD)) {
            recover(&around.join(run));
        }
        remove_unless_new(&path);
    }
    let mut over: Vec<PathBuf> = sites.into_iter().filter(|site| is_over(state, site)).collect();
    over.truncate(over.len().saturating_sub(LAST));
    over.iter().for_each(|site| remove_unless_new(site));
}

/// Whether nobody will work on its run.
fn is_over(state: &Path, site: &Path) -> bool {
    let run = folder(state).join(name(site));
    !run.exists() || !Glance::read(&run).is_open() && !runner::is_at_work(&run)
}

fn remove_unless_new(path: &Path) {
    let changed = path.symlink_metadata().and_then(|about| about.modified());
    if changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > NEW)) {
        _ = tree::remove(path);
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aged(path: &Path) {
        fs::create_dir_all(path).unwrap();
        let day_ago = std::time::SystemTime::now() - Duration::from_secs(86_400);
        fs::File::open(path).unwrap().set_modified(day_ago).unwrap();
    }

    #[test]
    fn the_last_sites_and_what_is_new_stay_and_a_site_that_was_put_aside_comes_back() {
        let state = tempfile::tempdir().unwrap();
        let around = parcel::folder(state.path(), "key");
        for n in 10..30 {
            aged(&around.join(format!("202601{n}-000000-aaaa")));
        }
        fs::create_dir_all(around.join("20260101-000000-aaaa")).unwrap();
        aged(&around.join(".20260130-000000-aaaa.old"));
        aged(&around.join(".20260102-000000-aaaa.77"));
        let own = around.join("20260131-000000-aaaa");
        fs::create_dir_all(&own).unwrap();
        tidy(state.path(), &own);
        let mut left: Vec<String> =
            fs::read_dir(&around).unwrap().flatten().map(|entry| name(&entry.path())).collect();
        left.sort();
        // What came back was not looked at as one of them yet.
        let mut expected: Vec<String> = (20..30).map(|n| format!("202601{n}-000000-aaaa")).collect();
        expected.insert(0, "20260101-000000-aaaa".into());
        expected.extend(["20260130-000000-aaaa".into(), "20260131-000000-aaaa".into()]);
        assert_eq!(left, expected);
    }
}
