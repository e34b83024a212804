//! The folder by which a server is known on its machine.

use crate::failure::{Context, Failure, Kind, Result};
use crate::site::Server;
use std::path::PathBuf;

/// Where the lock and the book of a server lie: in the git folder of its checkout, so that they are one for all users and
/// sites. Whose checkout it is does not matter here.
pub fn lock_folder(server: &Server) -> Result<PathBuf> {
    let shown = server.checkout.display();
    let none = std::iter::empty::<&str>();
    let git = git2::Repository::discover_path(&server.checkout, none).map_err(|error| {
        let is_there = server.checkout.exists();
        let what = if is_there { "is not a git checkout" } else { "does not exist" };
        let failure = Failure::new(Kind::NotFound, format!("`{shown}` {what}"));
        // Of what is not there git only says the same, with its own names of classes and codes.
        let failure =
            if error.code() == git2::ErrorCode::NotFound { failure } else { failure.why(error.message()) };
        failure.help(format!("correct `checkout` of `{}` in site.toml", server.name))
    })?;
    // A worktree has a git folder of its own, and says there which one it shares.
    let shared = match std::fs::read_to_string(git.join("commondir")) {
        Ok(shared) => Some(shared),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error).or_fail(Kind::Refused, || format!("can't read the git folder of `{shown}`"));
        }
    };
    Ok(shared.map_or(git.clone(), |shared| git.join(shared.trim_end())).join("banister"))
}
