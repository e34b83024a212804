//! The folders that belong to the work on a server, and not to its data: no backup is to hold them, no restore to replace
//! them.

use super::{Server, check_text};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{CHECKOUT, Own, real};
use crate::machine::exclude::Exclude;
use crate::machine::installation::ALONE;
use std::path::{Path, PathBuf};

impl Server {
    /// Those that a backup leaves out: its backups, in `folder` or where the site has them, its checkout, the folder of
    /// the site, and the state folder of this program.
    pub fn own_folders(&self, folder: Option<&Path>) -> Own {
        let all = self.own_paths(folder);
        let own = Own::of(all.iter().map(|(folder, why)| (folder.as_path(), *why)));
        own.excluding(self.excluded())
    }

    /// The same by their paths, each with what it is.
    fn own_paths(&self, folder: Option<&Path>) -> Vec<(PathBuf, &'static str)> {
        // The first that fits is the one that is told.
        let all = [
            (Some(self.checkout.clone()), CHECKOUT),
            (folder.map(Path::to_owned), "it holds the backups"),
            (Some(self.backup_folder()), "it holds the backups"),
            (state_folder().ok(), "it holds the records of runs"),
            (self.site_folder.clone(), "it is the site's folder"),
            (Some(self.checkout.join(ALONE)), "it holds the lock of the server"),
        ];
        let neighbours =
            self.neighbours.iter().map(|folder| (folder.clone(), "it holds the backups of another server"));
        all.into_iter().filter_map(|(folder, why)| Some((folder?, why))).chain(neighbours).collect()
    }

    /// The paths of `backup` that have such folders in them, as they are written, each with those folders.
    pub fn own_in_backup(&self) -> Vec<(String, Vec<(PathBuf, &'static str)>)> {
        let excluded = self.excluded();
        let all = self.own_paths(None).into_iter();
        let all: Vec<_> = all.filter_map(|(path, why)| Some((path.canonicalize().ok()?, why))).collect();
        let within = self.backup.iter().filter_map(|written| {
            let top = self.path(written).canonicalize().ok()?;
            let is_in = |path: &Path| path != top && path.starts_with(&top) && excluded.of(path).is_none();
            let mut found: Vec<(PathBuf, &'static str)> = Vec::new();
            for (path, why) in all.iter().filter(|(path, _)| is_in(path)) {
                // What is in one of them is left out with it.
                if !all.iter().any(|(other, _)| other != path && is_in(other) && path.starts_with(other))
                    && !found.iter().any(|(other, _)| other == path)
                {
                    found.push((path.clone(), *why));
                }
            }
            (!found.is_empty()).then(|| (written.clone(), found))
        });
        within.collect()
    }

    /// What it excludes from its backups. A pattern that can't be read was refused with the site.
    pub fn excluded(&self) -> Exclude {
        let written = self.exclude.iter().flatten().map(String::as_str);
        Exclude::new(written, &self.home()).unwrap_or_default()
    }

    /// Fails with [`Kind::Invalid`] if a pattern of `exclude` can't be read.
    pub(super) fn check_excluded(&self) -> Result<()> {
        let written = self.exclude.iter().flatten().map(String::as_str);
        if written.clone().any(|pattern| pattern.trim().is_empty()) {
            return Err(Failure::new(Kind::Invalid, "a pattern in `exclude` is empty")
                .help("take it out: it would exclude nothing"));
        }
        let wrong = Exclude::new(written, &self.home()).err();
        wrong.map_or(Ok(()), |(pattern, why)| {
            Err(Failure::new(Kind::Invalid, format!("the pattern `{pattern}` in `exclude` can't be read"))
                .why(why)
                .help("patterns are written as for restic: `*.log`, `/srv/data/cache/*`, `!/srv/data/cache/kept`"))
        })
    }

    /// The paths of `backup` that are excluded as a whole, each with the pattern.
    pub fn excluded_paths(&self) -> Vec<(String, String)> {
        let excluded = self.excluded();
        let of =
            |written: &String| Some((written.clone(), excluded.of(&real(&self.path(written)))?.to_owned()));
        self.backup.iter().filter_map(of).collect()
    }

    /// The paths of `backup` that name such a folder itself, as they are written, each with what it is: nothing of it
    /// could be left out.
    pub fn unfit_for_backup(&self) -> Vec<(String, &'static str)> {
        let own = self.own_folders(None);
        let unfit = self.backup.iter().filter_map(|written| {
            let found = self.path(written).symlink_metadata().ok()?;
            own.is(&found).filter(|_| !own.may_be_named(&found)).map(|why| (written.clone(), why))
        });
        unfit.collect()
    }

    /// Those that a restore leaves alone: these, and the history of the checkout, with the lock of the server in it.
    pub fn kept_folders(&self, folder: Option<&Path>) -> Own {
        let mut own = self.own_folders(folder);
        own.add(&self.checkout.join(".git"), "it is the checkout's history");
        own.add(&self.checkout.join(ALONE), "it holds the lock of the server");
        own
    }
}

/// Where runs are kept. Fails with [`Kind::Invalid`] if there is no home.
pub fn state_folder() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("BANISTER_STATE").map(PathBuf::from).or_else(|| {
        let states = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or(home);
        states.map(|states| states.join("banister"))
    });
    let state = state.ok_or_else(|| {
        Failure::new(Kind::Invalid, "there is no home to keep runs in")
            .help("name a folder with `BANISTER_STATE`")
    })?;
    let state =
        std::path::absolute(&state).or_fail(Kind::Invalid, || "the state folder can't be named".into())?;
    check_text(&state)?;
    Ok(state)
}
