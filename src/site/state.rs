//! The folder in which what is true of a server is kept, whoever works on it.

use super::Server;
use crate::failure::{Context, Failure, Kind, Result};
use crate::kind::Source;
use crate::machine::installation::ALONE;
use std::path::PathBuf;

impl Server {
    /// Where the lock and the book of the server lie, one for all users and sites: in the git folder of its checkout; where
    /// nothing comes from git, in a folder of its own in there. Whose checkout it is does not matter here.
    pub fn state_folder(&self) -> Result<PathBuf> {
        match self.facts.source {
            Source::Git => self.git_state(),
            Source::Images | Source::Files => self.own_state(),
        }
    }

    /// In its folder. An admin may have put that under git: then git need not see it.
    fn own_state(&self) -> Result<PathBuf> {
        let folder = &self.checkout;
        if !folder.is_dir() {
            let message = format!("there is no folder `{}`", folder.display());
            return Err(Failure::new(Kind::NotFound, message)
                .help(format!("correct `checkout` of `{}` in site.toml", self.name)));
        }
        let own = folder.join(ALONE);
        match !own.exists() && folder.join(".git").exists() {
            true => self.git_state(),
            false => Ok(folder
                .canonicalize()
                .or_fail(Kind::Refused, || format!("`{}` can't be entered", folder.display()))?
                .join(ALONE)),
        }
    }

    fn git_state(&self) -> Result<PathBuf> {
        let shown = self.checkout.display();
        let none = std::iter::empty::<&str>();
        let git = git2::Repository::discover_path(&self.checkout, none).map_err(|error| {
            let is_there = self.checkout.exists();
            let what = if is_there { "is not a git checkout" } else { "does not exist" };
            let failure = Failure::new(Kind::NotFound, format!("`{shown}` {what}"));
            // Of what is not there git only says the same, with its own names of classes and codes.
            let failure = if error.code() == git2::ErrorCode::NotFound {
                failure
            } else {
                failure.why(error.message())
            };
            failure.help(format!("correct `checkout` of `{}` in site.toml", self.name))
        })?;
        // A worktree has a git folder of its own, and says there which one it shares.
        let shared = match std::fs::read_to_string(git.join("commondir")) {
            Ok(shared) => Some(shared),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error)
                    .or_fail(Kind::Refused, || format!("can't read the git folder of `{shown}`"));
            }
        };
        Ok(shared.map_or(git.clone(), |shared| git.join(shared.trim_end())).join("banister"))
    }
}
